"""The programs that bench.py measures: ours, built by make, and the peers' on Node."""
import json
import os
import shutil
import statistics
import subprocess

HERE = os.path.dirname(os.path.abspath(__file__))
MODULES = os.path.join(HERE, "node_modules")
NOT_INSTALLED = "peer not installed: make bench-deps"


class Program:
    """A process that answers commands, one a line (harness.h, serve.mjs)."""

    def __init__(self, command, environment=None):
        self.command = command
        self.process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, **(environment or {})},
        )

    def ask(self, *words):
        """The words of the answer."""
        try:
            self.process.stdin.write(" ".join(str(word) for word in words) + "\n")
            self.process.stdin.flush()
            answer = self.process.stdout.readline()
        except BrokenPipeError:
            answer = ""
        if not answer:
            raise SystemExit(f"{' '.join(self.command)} gave no answer to {words[0]}")
        return answer.split()

    def rate(self, *words):
        """Of a command that answers with an amount and seconds: the amount a second."""
        amount, seconds = self.ask(*words)[:2]
        return float(amount) / float(seconds)

    def close(self):
        self.process.stdin.close()
        self.process.wait()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


def peer_version(package):
    """The version of an npm package in node_modules; None where it, or Node, is missing."""
    path = os.path.join(MODULES, package, "package.json")
    if shutil.which("node") is None or not os.path.exists(path):
        return None
    with open(path, encoding="utf-8") as file:
        return json.load(file)["version"]


def node(script, *arguments, environment=None):
    return Program(["node", os.path.join(HERE, script), *map(str, arguments)], environment)


def interleave(actions, rounds):
    """Calls action(round) of each in turn, so that what slows the machine slows all of them:
    A B A B …  One list of results for each action."""
    results = [[] for _ in actions]
    for index in range(rounds):
        for action, found in zip(actions, results):
            found.append(action(index))
    return results


def median_ratio(above, below):
    """The median of the quotients of what was measured side by side."""
    return statistics.median(a / b for a, b in zip(above, below))
