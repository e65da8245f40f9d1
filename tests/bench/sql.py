"""Measures what SQL adds to the encoder, and koelectra_index beside other vector extensions."""
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


def index_rows(material, rounds):
    group = "vectors"
    if not material.many:
        yield Row(group, "nearest 10", "ms a query", note=f"no texts in {material.shared}/data/nsmc")
        return
    libraries = [
        programs.peer_library("sqlite-vec-linux-x64", "sqlite-vec-linux-arm64", "sqlite-vec-darwin-arm64"),
        programs.peer_library("@sqliteai/sqlite-vector-linux-x86_64", "@sqliteai/sqlite-vector-linux-arm64",
                              "@sqliteai/sqlite-vector-darwin-arm64"),
    ]
    texts = material.write_lines("many.txt", material.many)
    names = ["koelectra"] + [name for name, path in zip(("vec0", "vector"), libraries) if path != "-"]
    labels = {"vec0": f"sqlite-vec {programs.peer_version('sqlite-vec')}",
              "vector": f"sqlite-vector {programs.peer_version('@sqliteai/sqlite-vector')}, quantized, preloaded"}
    with material.program("bench_index", material.checkpoint("small", 1), texts, *libraries) as program:
        answers = {}
        for name in names:
            program.ask("search", name)
        actions = [lambda i, n=name: program.ask("search", n) for name in names]
        for name, found in zip(names, interleave(actions, 2 * rounds)):
            answers[name] = [float(seconds) / float(count) * 1e3 for count, seconds, _ in found]
            queries, hits = float(found[0][0]), float(found[0][2])
            labels[name] = f"{labels.get(name, '')} (recall {hits / (queries * NEAREST):.2f})"
        rows = len(material.many)
        what = f"exact nearest {NEAREST} of {rows // 1000} 000 × 256"
        for name, goal in (("vector", 1), ("vec0", 25)):
            row = Row(group, what, "ms a query", ours=statistics.median(answers["koelectra"]), goal=goal)
            if name in answers:
                row.peer, row.peer_name = statistics.median(answers[name]), labels[name]
                row.ratio = median_ratio(answers[name], answers["koelectra"])
            else:
                row.note = programs.NOT_INSTALLED
            row.note = "; ".join(filter(None, [row.note, "ours" + labels["koelectra"]]))
            yield row
        yield insert_row(group, program, "vec0" in names, rounds)


def insert_row(group, program, with_peer, rounds):
    row = Row(group, "insert of ready vectors", "rows/s", goal=1)
    peer_name = f"sqlite-vec {programs.peer_version('sqlite-vec')}" if with_peer else ""
    first = program.ask("insert", "koelectra")
    if first[0] == "error":
        row.note = "koelectra_index takes no ready vectors yet"
        if with_peer:
            row.peer, row.peer_name = program.rate("insert", "vec0"), peer_name
        return row
    actions = [lambda i: program.rate("insert", "koelectra")]
    if with_peer:
        actions.append(lambda i: program.rate("insert", "vec0"))
    found = interleave(actions, rounds)
    row.ours = statistics.median(found[0])
    if with_peer:
        row.peer, row.peer_name = statistics.median(found[1]), peer_name
        row.ratio = median_ratio(found[0], found[1])
    else:
        row.note = programs.NOT_INSTALLED
    return row
