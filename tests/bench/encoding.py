"""Measures the encoder beside ONNX Runtime: throughput, latency, loading, memory; and its share of
what the machine's matrix product can do."""
import array
import json
import os
import statistics

import programs
from programs import interleave, median_ratio
from table import Row

MOST_DIFFERENCE = 1e-4  # between float32 embeddings, of length 1, of us and of the peer
CHECKED_TEXTS = 64
LATENCY_TOKENS, LATENCY_TIMES = 20, 30
NAMES = {"small": "Small", "base": "Base"}


def operations_a_token(folder, length):
    """Of the encoder on a text of `length` tokens; a multiplication and an addition are two."""
    with open(os.path.join(folder, "config.json"), encoding="utf-8") as file:
        config = json.load(file)
    hidden, wide = config["hidden_size"], config["intermediate_size"]
    projection = config["embedding_size"] * hidden if config["embedding_size"] != hidden else 0
    layer = 4 * hidden * hidden + 2 * hidden * wide + 2 * hidden * length
    return 2 * (projection + config["num_hidden_layers"] * layer)


def read_floats(path):
    values = array.array("f")
    with open(path, "rb") as file:
        values.frombytes(file.read())
    return values


class Encoding:
    def __init__(self, material, rounds):
        self.material, self.rounds = material, rounds
        self.version = programs.peer_version("onnxruntime-node")
        self.peer_name = f"ONNX Runtime {self.version}" if self.version else ""
        self.memory = []  # rows
        self.two_threads = []

    def ours(self, size, precision, threads):
        program = self.material.program("bench_encoder", self.material.checkpoint(size), precision, threads)
        return program

    def peer(self, size, precision, threads):
        if self.version is None:
            return None
        return programs.node("onnx_peer.mjs", self.material.onnx(size, precision), threads)

    def agreement(self):
        """Rows that say how far the peer's embeddings are from ours; ends the program where they
        are not the same: then the two do not do the same work."""
        rows = []
        if self.version is None:
            return rows
        pairs = self.material.rounds("reviews", self.material.reviews, "natural", CHECKED_TEXTS, 1)
        for size in NAMES:
            found = {}
            for precision in ("float32", "int8"):
                for side, file in (("ours", pairs[0][0]), ("peer", pairs[0][1])):
                    out = self.material.path(f"{side}.embeddings")
                    with getattr(self, side)(size, precision, 1) as program:
                        program.ask("load")
                        program.ask("embed", file, out)
                    found[side, precision] = read_floats(out)
            ours, peer = found["ours", "float32"], found["peer", "float32"]
            difference = max(abs(a - b) for a, b in zip(ours, peer))
            if len(ours) != len(peer) or not difference <= MOST_DIFFERENCE:
                raise SystemExit(f"{NAMES[size]}: the peer's embeddings differ from ours by {difference:g}")
            rows.append(Row("same work", f"{NAMES[size]} float32, largest difference to ours", "",
                            peer=difference, peer_name=self.peer_name))
            cosines = [self._least_cosine(ours, found[side, "int8"]) for side in ("ours", "peer")]
            rows.append(Row("same work", f"{NAMES[size]} int8, least cosine to float32", "",
                            ours=cosines[0], peer=cosines[1], peer_name=self.peer_name))
        return rows

    @staticmethod
    def _least_cosine(a, b):
        width = len(a) // CHECKED_TEXTS
        return min(
            sum(x * y for x, y in zip(a[i : i + width], b[i : i + width])) for i in range(0, len(a), width)
        )

    def throughput(self, size, precision, order, threads, texts="reviews", count=256, rounds=None, goal=None):
        """One row: tokens a second of whole rounds of texts."""
        rounds = rounds or self.rounds
        material = self.material
        files = material.rounds(texts, getattr(material, texts), order, count, rounds + 1)
        sides = [("ours", self.ours(size, precision, threads), 0)]
        if self.version is not None:
            sides.append(("peer", self.peer(size, precision, threads), 1))
        if threads == 2 and order == "natural":
            sides.append(("single", self.ours(size, precision, 1), 0))
        if precision == "float32" and threads == 1:
            sides.append(("sgemm", material.program("bench_sgemm"), None))
        before, rates = {}, {}
        for side, program, _ in sides:
            if side in ("ours", "peer"):
                before[side] = float(program.ask("peak")[0])
            if side != "sgemm":
                program.ask("load")
        actions = [
            (lambda i, p=program, k=kind: p.rate("run", files[i][k]) if k is not None else p.rate("run"))
            for _, program, kind in sides
        ]
        for action in actions:
            action(rounds)  # warms up, on texts of its own
        for (side, _, _), found in zip(sides, interleave(actions, rounds)):
            rates[side] = found
        peaks = {side: float(p.ask("peak")[0]) - before[side] for side, p, _ in sides if side in before}
        for _, program, _ in sides:
            program.close()

        what = f"{NAMES[size]} {precision}, {texts}, {order} order, {threads} thread{'s' * (threads > 1)}"
        row = Row("encode", what, "tokens/s", ours=statistics.median(rates["ours"]), goal=goal)
        if "peer" in rates:
            row.peer, row.peer_name = statistics.median(rates["peer"]), self.peer_name
            row.ratio = median_ratio(rates["ours"], rates["peer"])
        else:
            row.note = programs.NOT_INSTALLED
        if "sgemm" in rates:
            tokens = [line.count(" ") + 1 for line in material.token_ids(texts, getattr(material, texts))]
            length = sum(n * n for n in tokens) / sum(tokens)  # what a token sees, on average
            work = operations_a_token(material.checkpoint(size), length)
            share = median_ratio(rates["ours"], rates["sgemm"]) * work
            row.note = "; ".join(filter(None, [row.note, f"{100 * share:.0f} % of SGEMM's "
                                 f"{statistics.median(rates['sgemm']) / 1e9:.0f} G/s"]))
        if "single" in rates:
            self.two_threads.append(
                Row("threads", f"{NAMES[size]} {precision}, two against one", "tokens/s",
                    ours=row.ours, peer=statistics.median(rates["single"]), peer_name="one thread",
                    ratio=median_ratio(rates["ours"], rates["single"]), goal=1.9))
        if threads == 1 and order == "natural" and texts == "reviews":
            self._remember_memory(size, precision, peaks)
        return row

    def from_javascript(self, size, precision):
        """Texts to embeddings beside what a JavaScript program would take: transformers.js."""
        material = self.material
        files = material.rounds("reviews", material.reviews, "natural", 256, self.rounds + 1)
        row = Row("from text", f"{NAMES[size]} {precision}, reviews, 1 thread", "texts/s")
        version = programs.peer_version("@huggingface/transformers")
        sides = [self.ours(size, precision, 1)]
        if version is not None:
            material.tokenizer_json(material.checkpoint(size))
            material.onnx(size, precision)
            sides.append(programs.node("transformers_peer.mjs", material.checkpoint(size), precision, 1))
        for program in sides:
            program.ask("load")
            program.ask("run", files[-1][0])

        def rate(program, file):
            return 256 / float(program.ask("run", file)[1])

        found = interleave([lambda i, p=p: rate(p, files[i][0]) for p in sides], self.rounds)
        for program in sides:
            program.close()
        row.ours = statistics.median(found[0])
        if version is not None:
            row.peer, row.peer_name = statistics.median(found[1]), f"Transformers.js {version}"
            row.ratio = median_ratio(found[0], found[1])
        else:
            row.note = programs.NOT_INSTALLED
        return row

    def _remember_memory(self, size, precision, peaks):
        row = Row("memory", f"{NAMES[size]} {precision}, peak while encoding reviews", "MB",
                  ours=peaks["ours"] / 1e6, note="above the empty process")
        if "peer" in peaks:
            row.peer, row.peer_name = peaks["peer"] / 1e6, self.peer_name
            row.ratio = row.peer / row.ours
        self.memory.append(row)

    def latency(self, size, precision, threads):
        """One text of 20 tokens, as if each call were the only one."""
        material = self.material
        ids = material.token_ids("reviews", material.reviews)
        nearest = min(range(len(ids)), key=lambda i: abs(ids[i].count(" ") + 1 - LATENCY_TOKENS))
        files = (material.write_lines("one.txt", [material.reviews[nearest]]),
                 material.write_lines("one.ids", [ids[nearest]]))
        sides = [self.ours(size, precision, threads), self.peer(size, precision, threads)]
        sides = [(program, file) for program, file in zip(sides, files) if program is not None]
        for program, file in sides:
            program.ask("load")
            program.ask("run", file, LATENCY_TIMES)
        calls = [lambda i, p=program, f=file: float(p.ask("run", f, LATENCY_TIMES)[1]) / LATENCY_TIMES * 1e3
                 for program, file in sides]
        found = interleave(calls, 2 * self.rounds)
        for program, _ in sides:
            program.close()
        length = ids[nearest].count(" ") + 1
        row = Row("latency", f"{NAMES[size]} {precision}, one text of {length} tokens, {threads} "
                  f"thread{'s' * (threads > 1)}", "ms", ours=statistics.median(found[0]))
        if len(found) > 1:
            row.peer, row.peer_name = statistics.median(found[1]), self.peer_name
            row.ratio = median_ratio(found[1], found[0])
        else:
            row.note = programs.NOT_INSTALLED
        return row

    def loading(self, size, precision, goal_ms=None):
        """Rows from nothing to the open model, and to the embedding of one text; files are in the
        page cache."""
        material = self.material
        files = {"ours": material.path("one.txt"), "peer": material.path("one.ids")}
        sides = ["ours", "peer"] if self.version is not None else ["ours"]

        def start(side):
            with getattr(self, side)(size, precision, 1) as program:
                program.ask("peak")  # it runs
                opened = float(program.ask("load")[0]) * 1e3
                return opened, opened + float(program.ask("run", files[side])[1]) * 1e3

        found = interleave([lambda i, side=side: start(side) for side in sides], self.rounds)
        for moment, what in enumerate(("until it is open", "until the first embedding")):
            times = [[pair[moment] for pair in side] for side in found]
            row = Row("loading", f"{NAMES[size]} {precision}, {what}", "ms", ours=statistics.median(times[0]))
            if len(times) > 1:
                row.peer, row.peer_name = statistics.median(times[1]), self.peer_name
                row.ratio = median_ratio(times[1], times[0])
            else:
                row.note = programs.NOT_INSTALLED
            if goal_ms is not None and moment == 0:
                verdict = "met" if row.ours < goal_ms else "missed"
                row.note = "; ".join(filter(None, [row.note, f"goal: {goal_ms} ms, {verdict}"]))
            yield row
