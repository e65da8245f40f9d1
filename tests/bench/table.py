"""The table of measurements: rows, how they are printed, and the file that draw.py reads."""
import dataclasses

COLUMNS = ["group", "what", "unit", "ours", "peer", "peer_name", "ratio", "goal", "note"]


@dataclasses.dataclass
class Row:
    """One figure of ours beside a peer's.  `ratio` says how many times ours is as good."""

    group: str
    what: str
    unit: str
    ours: float | None = None
    peer: float | None = None
    peer_name: str = ""
    ratio: float | None = None
    goal: float | None = None
    note: str = ""


def number(value):
    """Three digits or so; more where all that counts is how near it is to 1."""
    if value is None:
        return "–"
    if 0.99 < value < 1:
        return f"{value:.5f}"
    if value >= 100:
        return f"{value:,.0f}".replace(",", " ")
    return f"{value:.3g}" if value < 10 else f"{value:.1f}"


def render(rows):
    """The table as text."""
    width = max(len(row.what) + 2 for row in rows)
    lines = []
    group = None
    for row in rows:
        if row.group != group:
            group = row.group
            lines += ["", f"{group:<{width}} {'ours':>10} {'peer':>10} {'ratio':>7} {'goal':>7}"]
        ratio = "–" if row.ratio is None else f"{row.ratio:.2f}"
        goal = ""
        if row.goal is not None:
            missed = row.ratio is not None and row.ratio < row.goal
            goal = f"{row.goal:g}" + (" ✗" if missed else " ✓" if row.ratio is not None else "")
        line = f"  {row.what:<{width - 2}} {number(row.ours):>10} {number(row.peer):>10} {ratio:>7} {goal:>7}"
        tail = "; ".join(part for part in (row.unit, row.peer_name, row.note) if part)
        lines.append(f"{line}  {tail}")
    return "\n".join(lines[1:])


def write(path, rows):
    with open(path, "w", encoding="utf-8", newline="\n") as file:
        file.write("\t".join(COLUMNS) + "\n")
        for row in rows:
            values = [getattr(row, column) for column in COLUMNS]
            file.write("\t".join("" if v is None else f"{v:.6g}" if isinstance(v, float) else str(v) for v in values) + "\n")


def read(path):
    with open(path, encoding="utf-8") as file:
        lines = [line.rstrip("\n").split("\t") for line in file]
    rows = []
    for values in lines[1:]:
        fields = dict(zip(lines[0], values))
        for name in ("ours", "peer", "ratio", "goal"):
            fields[name] = float(fields[name]) if fields[name] else None
        rows.append(Row(**fields))
    return rows
