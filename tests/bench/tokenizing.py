"""Measures the tokenizer beside Hugging Face's, both on one thread."""
import os
import statistics

import programs
from programs import interleave, median_ratio
from table import Row

TEXTS = 20_000


def tokenizing(material, rounds):
    texts = (material.many or material.reviews)[:TEXTS]
    file = material.write_lines("tokenizer.txt", texts)
    vocabulary = os.path.join(material.checkpoint("small"), "vocab.txt")
    version = programs.peer_version("@anush008/tokenizers")
    sides = [material.program("bench_tokenizer", vocabulary)]
    if version is not None:
        one_thread = {"RAYON_NUM_THREADS": "1", "TOKENIZERS_PARALLELISM": "false"}
        sides.append(programs.node("tokenizer_peer.mjs", vocabulary, environment=one_thread))
    for program in sides:
        program.ask("load")
        program.ask("run", file)
    times = [10, 1]  # ours is done before the clock has moved far
    actions = [lambda i, p=program, n=n: p.rate("run", file, n) for program, n in zip(sides, times)]
    found = interleave(actions, 2 * rounds)
    row = Row("tokenize", f"{len(texts)} texts, one thread", "million tokens/s",
              ours=statistics.median(found[0]) / 1e6, goal=10)
    if version is not None:
        tokens = {program.ask("run", file)[0] for program in sides}
        if len(tokens) != 1:
            raise SystemExit(f"the tokenizers count differently: {tokens}")
        row.peer = statistics.median(found[1]) / 1e6
        row.peer_name = f"Hugging Face tokenizers (Rust; npm @anush008/tokenizers {version})"
        row.ratio = median_ratio(found[0], found[1])
    else:
        row.note = programs.NOT_INSTALLED
    for program in sides:
        program.close()
    yield row
