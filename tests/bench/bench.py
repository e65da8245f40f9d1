#!/usr/bin/env python3
"""Measures sqlite-koelectra beside its peers and prints one table.

    bench.py BUILD [--quick] [--only PART …] [--rows ROWS]

BUILD is the build folder, where make has put the bench programs.  Peers are those that `make
bench-deps` has installed; where one is missing, its column is empty.  Ours and the peer's runs
alternate, so that a machine that is busy with other things slows both; figures are medians, a ratio
is the median of the ratios of neighbours, and it is above 1 where ours is better.

Texts are of $KOELECTRA_SHARED/data (../shared), or else a few sentences of the tests; checkpoints
are random, of KoELECTRA's sizes, but for the one whose embeddings are searched.  BENCH_ROUNDS sets how many rounds a figure has.  BENCH_CLOCK=cpu
measures processor time, for a machine that is busy with other things: rows of more than one thread
are then left out.  The rows also go to BUILD/bench/results.tsv, of which draw.py makes the picture.
"""
import argparse
import os
import sys
import time

import sql
import table
from encoding import Encoding
from material import Material
from programs import Program
from searching import searching
from tokenizing import tokenizing

PARTS = ("encoder", "tokenizer", "sql", "index")
PROCESSOR_TIME = os.environ.get("BENCH_CLOCK") == "cpu"


def throughput_rows(encoding, quick, threads):
    """Small and Base, float32 and int8, batches as the texts come and sorted by length."""
    count = 128 if quick else 256
    for precision in ("float32", "int8"):
        natural, ordered = (2.0, 1.25) if precision == "float32" else (1.5, None)
        yield encoding.throughput("small", precision, "natural", 1, count=count, goal=natural)
        yield encoding.throughput("small", precision, "sorted", 1, count=count, goal=ordered)
        # Enough texts that both threads have work to the end.
        many = 512 if precision == "float32" else 1024
        if 2 in threads:
            yield encoding.throughput("small", precision, "natural", 2, count=many)
        if 2 in threads and not quick:
            yield encoding.throughput("small", precision, "sorted", 2, count=many)
        if encoding.material.paragraphs and not quick:
            yield encoding.throughput("small", precision, "natural", 1, texts="paragraphs", count=32)
    for precision in ("float32", "int8"):
        rounds, count = (1, 64) if quick else (3, 128)
        yield encoding.throughput("base", precision, "natural", 1, count=count, rounds=rounds)
        if not quick:
            yield encoding.throughput("base", precision, "sorted", 1, count=count, rounds=rounds)
        if 2 in threads and not quick:
            yield encoding.throughput("base", precision, "natural", 2, count=2 * count, rounds=rounds)
    yield from encoding.two_threads


def encoding_rows(encoding, quick, threads):
    yield from encoding.agreement()
    yield from throughput_rows(encoding, quick, threads)
    for precision in ("float32", "int8"):
        yield encoding.from_javascript("small", precision)
    for size in ("small", "base"):
        for precision in ("float32", "int8"):
            for count in threads[:1] if quick else threads:
                yield encoding.latency(size, precision, count)
    for size in ("small", "base"):
        for precision in ("float32",) if quick else ("float32", "int8"):
            goal = 100 if (size, precision) == ("base", "float32") else None
            yield from encoding.loading(size, precision, goal)
    yield from encoding.memory


def measure(material, rounds, quick, parts, rows):
    threads = (1,) if PROCESSOR_TIME else (1, 2)
    if "encoder" in parts:
        yield from encoding_rows(Encoding(material, rounds), quick, threads)
    if "tokenizer" in parts:
        yield from tokenizing(material, rounds)
    if "sql" in parts:
        yield from sql.batch_rows(material, rounds, threads)
    if "index" in parts:
        yield from searching(material, rounds, rows)


def main():
    parser = argparse.ArgumentParser(description="Measures sqlite-koelectra beside its peers.")
    parser.add_argument("build")
    parser.add_argument("--quick", action="store_true", help="fewer rows and rounds: three minutes")
    parser.add_argument("--only", nargs="+", choices=PARTS, default=PARTS, help="measure these")
    parser.add_argument("--rows", type=int, default=100_000, help="vectors to search in")
    arguments = parser.parse_args()
    start = time.monotonic()
    rounds = int(os.environ.get("BENCH_ROUNDS", 3 if arguments.quick else 5))
    material = Material(arguments.build, os.environ.get("KOELECTRA_SHARED", "../shared"))
    for note in material.notes:
        print(note)
    rows = []
    for row in measure(material, rounds, arguments.quick, arguments.only, arguments.rows):
        rows.append(row)
        if sys.stderr.isatty():
            print(f"\r{row.group}: {row.what}\x1b[K", end="", file=sys.stderr, flush=True)
        table.write(os.path.join(arguments.build, "bench", "results.tsv"), rows)
    if sys.stderr.isatty():
        print("\r\x1b[K", end="", file=sys.stderr)
    with Program([os.path.join(arguments.build, "bench", "bench_encoder"), material.checkpoint("small"),
                  "float32", "1"]) as program:
        kernels = program.ask("kernels")[0]
    clock = "processor time" if PROCESSOR_TIME else "wall clock"
    print(f"{os.cpu_count()} processors, kernels {kernels}, {clock}, {rounds} rounds, "
          f"{time.monotonic() - start:.0f} s. A ratio above 1: ours is better.\n")
    print(table.render(rows))


if __name__ == "__main__":
    main()
