#!/usr/bin/env python3
"""Draws the ratios of a run of bench.py as an SVG with a bar a row.

    draw.py RESULTS.tsv OUT.svg

A bar is how many times ours is as good as the peer, on a logarithmic scale; the line at 1 is
"equally good", a tick marks the goal where there is one.  Colours are legible on white and on dark
backgrounds.
"""
import html
import math
import re
import sys

import table

# Groups in the picture, and what they are called there.
GROUPS = {
    "encode": "Encoding, tokens a second, against ONNX Runtime",
    "from text": "Texts to embeddings, against Transformers.js",
    "latency": "Latency of one text, against ONNX Runtime",
    "tokenize": "Tokenizing, against Hugging Face tokenizers (Rust)",
    "loading": "Time to the first embedding, against ONNX Runtime",
    "memory": "Peak memory, against ONNX Runtime",
    "vectors": "Vectors, against sqlite-vec, sqlite-vector and others",
}
WIDTH, LABELS, RIGHT = 860, 390, 70
ROW, BAR, HEADING, MARGIN = 20, 12, 30, 16
TEXT, FAINT, BETTER, WORSE, GOAL = "#7a8290", "#7a829055", "#2f9e6e", "#d9822b", "#c2410c"


def ticks(lowest, highest):
    steps = (0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 50, 100, 200, 500, 1000)
    return [step for step in steps if lowest <= step <= highest]


class Scale:
    """Ratios to places from left to right."""

    def __init__(self, values):
        self.lowest = min(0.8, min(values) / 1.1)
        self.highest = max(values) * 1.15

    def place(self, ratio):
        span = math.log(self.highest / self.lowest)
        return LABELS + (WIDTH - LABELS - RIGHT) * math.log(ratio / self.lowest) / span


def text(x, y, words, **style):
    attributes = "".join(f' {name.replace("_", "-")}="{value}"' for name, value in style.items())
    return f'<text x="{x:.1f}" y="{y:.1f}"{attributes}>{html.escape(words)}</text>'


def line(x1, y1, x2, y2, colour, width=1):
    return f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}" stroke="{colour}" stroke-width="{width}"/>'


def label(row):
    if row.group != "vectors":
        return row.what
    what = row.what.rsplit(", ", 1)[0]  # without the number of vectors
    return f"{what}: {re.sub(' [0-9.]+', '', row.peer_name, count=1)}"


def draw_row(row, scale, y):
    one, end = scale.place(1), scale.place(row.ratio)
    colour = BETTER if row.ratio >= 1 else WORSE
    middle = y + ROW / 2
    parts = [
        text(LABELS - 10, middle + 4, label(row), text_anchor="end"),
        f'<rect x="{min(one, end):.1f}" y="{middle - BAR / 2:.1f}" width="{max(abs(end - one), 1):.1f}" '
        f'height="{BAR}" fill="{colour}"/>',
    ]
    after = max(one, end)
    if row.goal is not None:
        goal = scale.place(row.goal)
        parts.append(line(goal, middle - ROW / 2 + 1, goal, middle + ROW / 2 - 1, GOAL, 3))
        if abs(goal - after) < 40:
            after = max(after, goal)
    parts.append(text(after + 6, middle + 4, f"{row.ratio:.3g} ×"))
    return parts


def draw(rows):
    rows = [row for row in rows if row.ratio is not None and row.group in GROUPS]
    if not rows:
        raise SystemExit("no ratios: the peers are not installed (make bench-deps)")
    scale = Scale([row.ratio for row in rows] + [row.goal for row in rows if row.goal is not None])
    y = MARGIN + HEADING
    body = []
    for group, title in GROUPS.items():
        members = [row for row in rows if row.group == group]
        if not members:
            continue
        y += HEADING
        body.append(text(MARGIN, y - 8, title, font_weight="bold"))
        for row in members:
            body += draw_row(row, scale, y)
            y += ROW
    top, bottom = MARGIN + HEADING, y + 6
    grid = []
    for tick in ticks(scale.lowest, scale.highest):
        x = scale.place(tick)
        grid.append(line(x, top, x, bottom, TEXT if tick == 1 else FAINT))
        grid.append(text(x, bottom + 14, f"{tick:g} ×", text_anchor="middle"))
    title = "How many times as good as the peer; the goal is marked"
    head = [
        text(MARGIN, MARGIN + 8, title),
        line(WIDTH - RIGHT - 8, MARGIN - 4, WIDTH - RIGHT - 8, MARGIN + 12, GOAL, 3),
        text(WIDTH - RIGHT, MARGIN + 8, "goal"),
    ]
    height = bottom + 14 + MARGIN
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{height:.0f}" '
            f'viewBox="0 0 {WIDTH} {height:.0f}" font-family="sans-serif" font-size="12" fill="{TEXT}">',
            *head,
            *grid,
            *body,
            "</svg>",
            "",
        ]
    )


def main():
    if len(sys.argv) != 3:
        raise SystemExit("usage: draw.py RESULTS.tsv OUT.svg")
    picture = draw(table.read(sys.argv[1]))
    with open(sys.argv[2], "w", encoding="utf-8", newline="\n") as file:
        file.write(picture)


if __name__ == "__main__":
    main()
