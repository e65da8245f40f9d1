"""Measures koelectra_index beside other extensions for vectors, all over the same ready vectors."""
import os
import shutil
import statistics

import programs
from programs import interleave, median_ratio
from table import Row

GROUP = "vectors"
NEAREST = 10
# Rows up to which a peer takes part: inserts take time that grows with the square of the rows
# (minutes at 100 000), or a graph is built.
MOST = {"sqlite-vss": 10_000, "vectorlite": 100_000}

# Packages, and their libraries inside the npm package of each platform.
LIBRARIES = {
    "sqlite-vec": ["sqlite-vec-{}"],
    "sqlite-vector": ["@sqliteai/sqlite-vector-{}"],
    "sqlite-vss": ["sqlite-vss-{}/lib"],
    "vectorlite": ["@1yefuwang1/vectorlite-{}/src"],
}
PLATFORMS = ("linux-x64", "linux-x86_64", "linux-arm64", "darwin-arm64")
NPM_NAMES = {"sqlite-vector": "@sqliteai/sqlite-vector"}

# Engines of bench_index.c: the package each is of, and what the table adds to its name.
PEERS = {
    "vec0": ("sqlite-vec", ""),
    "full": ("sqlite-vector", ""),
    "quantized": ("sqlite-vector", ", quantized"),
    "preloaded": ("sqlite-vector", ", quantized, preloaded"),
    "vss": ("sqlite-vss", ""),
    "vectorlite": ("vectorlite", ", ef 100"),
}

# Pairs that are compared, and how many times as good ours is to be.
SEARCHES = (
    ("exact", "vec0", 25),
    ("exact", "full", None),
    ("exact", "vss", None),
    ("exact", "preloaded", 1),
    ("approximate", "preloaded", None),
    ("approximate", "quantized", None),
    ("approximate", "vectorlite", None),
)
BUILDS = (("exact", "vec0"), ("exact", "vss"), ("approximate", "quantized"), ("approximate", "vectorlite"))
SIZES = (("exact", "vec0"), ("exact", "vss"), ("approximate", "preloaded"), ("approximate", "vectorlite"))


def libraries(package):
    """The libraries of a package as bench_index takes them; none where it is not installed."""
    for platform in PLATFORMS:
        for pattern in LIBRARIES[package]:
            folder = os.path.join(programs.MODULES, pattern.format(platform))
            names = sorted(os.listdir(folder)) if os.path.isdir(folder) else []
            found = [os.path.join(folder, name) for name in names if name.endswith((".so", ".dylib"))]
            if found:
                return [f"{package}={path}" for path in found]
    return []


class Searching:
    """What was measured of each engine: lists of figures under its name."""

    def __init__(self, rows):
        self.size = f"{rows:,} × 256".replace(",", " ")
        self.rows = rows
        self.labels = {"exact": "ours, exact", "approximate": "ours, approximate"}
        self.recall, self.searched, self.inserted, self.built = {}, {}, {}, {}
        self.files, self.memory, self.first = {}, {}, {}

    def measure(self, material, rounds):
        arguments = []
        for name, (package, suffix) in PEERS.items():
            found = libraries(package)
            if not found or self.rows > MOST.get(package, self.rows):
                continue
            arguments += [library for library in found if library not in arguments]
            version = programs.peer_version(NPM_NAMES.get(package, package))
            self.labels[name] = f"{package} {version}{suffix}"
        texts = material.write_lines("many.txt", material.many)
        folder = material.path("vectors")
        os.makedirs(folder, exist_ok=True)
        command = ("bench_index", material.embedder(), texts, self.rows, folder, *arguments)
        with material.program(*command) as program:
            for name in self.labels:
                self._build(program, name)
            actions = [lambda i, n=name: program.ask("search", n) for name in self.labels]
            for name, answers in zip(self.labels, interleave(actions, rounds)):
                count, _, hits = (float(word) for word in answers[0])
                self.searched[name] = [float(seconds) / count * 1e3 for _, seconds, _ in answers]
                self.recall[name] = hits / (count * NEAREST)
        shutil.rmtree(folder)

    def _build(self, program, name):
        count, inserting, training = (float(word) for word in program.ask("build", name))
        first, memory, files = (float(word) for word in program.ask("open", name))
        if inserting > 0.001:  # or else an engine before it has filled the file
            self.inserted[name] = [count / inserting]
        else:
            inserting = self.rows / self.inserted["full"][0]
        self.built[name] = [inserting + training]
        self.first[name] = [first * 1e3]
        self.memory[name] = [memory / 1e6]
        self.files[name] = [files / 1e6]

    def beside(self, what, unit, values, ours, peer, goal=None, better="less"):
        """A row of an engine of ours and a peer; none where the peer has no such figure."""
        if peer not in values:
            return []
        above, below = (peer, ours) if better == "less" else (ours, peer)
        return [Row(GROUP, f"{what}, {self.size}", unit, ours=statistics.median(values[ours]),
                    peer=statistics.median(values[peer]), peer_name=self.labels[peer],
                    ratio=median_ratio(values[above], values[below]), goal=goal)]

    def table(self):
        for ours, peer, goal in SEARCHES:
            for row in self.beside(f"nearest {NEAREST}, {ours}", "ms", self.searched, ours, peer, goal):
                row.note = f"recall {self.recall[ours]:.3f} against {self.recall[peer]:.3f}"
                yield row
        for peer in ("vec0", "full", "vss"):
            yield from self.beside("insert", "rows/s", self.inserted, "exact", peer, better="more")
        for ours, peer in BUILDS:
            yield from self.beside(f"build, {ours}", "s", self.built, ours, peer)
        for ours, peer in SIZES:
            yield from self.beside(f"files, {ours}", "MB", self.files, ours, peer)
        for ours, peer in SIZES:
            yield from self.beside(f"memory, {ours}", "MB", self.memory, ours, peer)
        for ours, peer in SIZES:
            yield from self.beside(f"first answer, {ours}", "ms", self.first, ours, peer)


def searching(material, rounds, rows):
    if not material.many:
        yield Row(GROUP, f"nearest {NEAREST}", "ms", note=f"no texts in {material.shared}/data/nsmc")
        return
    measured = Searching(rows)
    measured.measure(material, rounds if rows > len(material.many) else 2 * rounds)
    table = list(measured.table())
    if not table:
        yield Row(GROUP, f"nearest {NEAREST}, exact, {measured.size}", "ms",
                  ours=statistics.median(measured.searched["exact"]), note=programs.NOT_INSTALLED)
        return
    vectors = material.embedder_name
    if rows > len(material.many):
        vectors += ", mixed in pairs"
    table[0].note += f"; vectors: {vectors}"
    yield from table
