"""Measures what SQL adds to the encoder, and koelectra_index beside other vector extensions."""
import os
import shutil
import statistics

import programs
from programs import interleave, median_ratio
from table import Row

NEAREST = 10


def batch_rows(material, rounds, threads):
    """koelectra_batch against the encoder that it calls, same texts, same threads."""
    count, precision = len(material.reviews), "int8"  # where the encoder is fastest, SQL counts most
    for number in threads:
        file = material.write_lines("batch.txt", material.reviews[:count])
        with material.program("bench_encoder", material.checkpoint("small"), precision, number) as ours:
            ours.ask("load")
            ours.ask("run", file)
            ours.ask("sql", file)
            raw, sql = interleave([lambda i: ours.rate("run", file), lambda i: ours.rate("sql", file)], rounds)
        yield Row("SQL", f"koelectra_batch, Small {precision}, {count} reviews, {number} "
                  f"thread{'s' * (number > 1)}", "tokens/s", ours=statistics.median(sql),
                  peer=statistics.median(raw), peer_name="the encoder alone",
                  ratio=median_ratio(sql, raw), goal=0.95)


def index_rows(material, rounds, quick):
    group = "vectors"
    if not material.many:
        yield Row(group, "nearest 10", "ms a query", note=f"no texts in {material.shared}/data/nsmc")
        return
    for rows in (100_000,) if quick else (100_000, 1_000_000):
        yield from index_rows_of(material, rounds, rows, group)


VECTOR_ENGINES = ("full", "quantized", "preloaded")


def index_rows_of(material, rounds, rows, group):
    """Builds, searches and sizes over the same vectors: ours, sqlite-vec, sqlite-vector in three ways."""
    libraries = [
        programs.peer_library("sqlite-vec-linux-x64", "sqlite-vec-linux-arm64", "sqlite-vec-darwin-arm64"),
        programs.peer_library("@sqliteai/sqlite-vector-linux-x86_64", "@sqliteai/sqlite-vector-linux-arm64",
                              "@sqliteai/sqlite-vector-darwin-arm64"),
    ]
    names = ["exact", "approximate"]
    names += ["vec0"] * (libraries[0] != "-") + list(VECTOR_ENGINES) * (libraries[1] != "-")
    labels = {"exact": "ours, exact", "vec0": f"sqlite-vec {programs.peer_version('sqlite-vec')}"}
    vector = f"sqlite-vector {programs.peer_version('@sqliteai/sqlite-vector')}"
    labels |= {"full": vector, "quantized": f"{vector}, quantized", "preloaded": f"{vector}, quantized, preloaded"}
    texts = material.write_lines("many.txt", material.many)
    folder = material.path("vectors")
    os.makedirs(folder, exist_ok=True)
    built, opened, found = {}, {}, {}
    with material.program("bench_index", material.checkpoint("small", 1), texts, rows, *libraries, folder) as program:
        for name in names:
            built[name] = [float(word) for word in program.ask("build", name)]
            opened[name] = [float(word) for word in program.ask("open", name)]
        actions = [lambda i, n=name: program.ask("search", n) for name in names]
        for name, answers in zip(names, interleave(actions, 2 * rounds if rows <= 100_000 else rounds)):
            found[name] = [float(seconds) / float(count) * 1e3 for count, seconds, _ in answers]
            labels[name + " recall"] = float(answers[0][2]) / (float(answers[0][0]) * NEAREST)
    shutil.rmtree(folder)

    def beside(what, unit, ours, peer, values, goal=None, better="less"):
        """A row of two engines; `values` has a list of measurements for each."""
        row = Row(group, what, unit, ours=statistics.median(values[ours]), goal=goal)
        if peer in values:
            row.peer, row.peer_name = statistics.median(values[peer]), labels[peer]
            above, below = (peer, ours) if better == "less" else (ours, peer)
            if row.ours and row.peer:
                row.ratio = median_ratio(values[above], values[below])
        else:
            row.note = programs.NOT_INSTALLED
        return row

    size = f"{rows:,} × 256".replace(",", " ")
    for ours, goals in (("exact", {"vec0": 25, "preloaded": 1, "quantized": None, "full": None}),
                        ("approximate", {"vec0": None, "exact": None})):
        for peer, goal in goals.items():
            row = beside(f"{ours} nearest {NEAREST} of {size}", "ms a query", ours, peer, found, goal)
            recall = f"recall {labels[ours + ' recall']:.3f}"
            if peer in found:
                recall += f" against {labels[peer + ' recall']:.3f}"
            row.note = "; ".join(filter(None, [row.note, recall]))
            yield row
    rates = {name: [rows / numbers[1]] for name, numbers in built.items() if numbers[1] > 1e-3}
    yield beside(f"insert of ready vectors, {size}", "rows/s", "exact", "vec0", rates, goal=1, better="more")
    whole = {name: [numbers[1] + numbers[2]] for name, numbers in built.items()}
    if "full" in built:
        for name in ("quantized", "preloaded"):
            whole[name] = [built["full"][1] + built["quantized"][2]]
    for ours, peer in (("exact", "vec0"), ("approximate", "quantized")):
        yield beside(f"build, {ours}, {size}", "s", ours, peer, whole)
    values = {name: [numbers[3] / 1e6] for name, numbers in built.items()}
    yield beside(f"file, exact, {size}", "MB", "exact", "vec0", values)
    yield beside(f"file, approximate, {size}", "MB", "approximate", "quantized", values)
    values = {name: [numbers[1] / 1e6] for name, numbers in opened.items()}
    yield beside(f"memory, exact, {size}", "MB", "exact", "preloaded", values)
    yield beside(f"memory, approximate, {size}", "MB", "approximate", "preloaded", values)
    values = {name: [numbers[0] * 1e3] for name, numbers in opened.items()}
    yield beside(f"first answer of a connection, {size}", "ms", "exact", "preloaded", values)
