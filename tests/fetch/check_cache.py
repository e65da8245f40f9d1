"""Checks a cache of the hub's models against https://huggingface.co/docs/hub/local-cache, with no
code of the program that wrote it.

  check_cache.py CACHE
"""

import hashlib
import os
import re
import sys

COMMIT = re.compile("[0-9a-f]{40}")
faults = []


def expect(condition, what):
    if not condition:
        faults.append(what)


def walk(folder):
    for directory, _, names in os.walk(folder):
        for name in names:
            yield os.path.join(directory, name)


def check_blob(path):
    with open(path, "rb") as file:
        content = file.read()
    name = os.path.basename(path)
    sha256 = hashlib.sha256(content).hexdigest()
    git = hashlib.sha1(b"blob %d\0" % len(content) + content).hexdigest()
    expect(os.path.isfile(path) and not os.path.islink(path), f"{path} is no plain file")
    expect(name in (sha256, git), f"{path} holds other bytes than its name says")


def check_snapshot(path, repository):
    commit = os.path.basename(path)
    expect(COMMIT.fullmatch(commit), f"{path} is not called as a commit")
    for file in walk(path):
        expect(os.path.islink(file), f"{file} is no link")
        inside = os.path.relpath(file, path).count(os.sep)
        blob = os.path.basename(os.path.realpath(file))
        expect(os.readlink(file) == "../" * (2 + inside) + "blobs/" + blob, f"{file} leads to {os.readlink(file)}")
        expect(os.path.realpath(file) == os.path.join(os.path.realpath(repository), "blobs", blob), f"{file} leads out")


def check_repository(path):
    expect(set(os.listdir(path)) == {"blobs", "refs", "snapshots"}, f"{path} holds {os.listdir(path)}")
    for blob in walk(os.path.join(path, "blobs")):
        check_blob(blob)
    for commit in os.listdir(os.path.join(path, "snapshots")):
        check_snapshot(os.path.join(path, "snapshots", commit), path)
    for reference in walk(os.path.join(path, "refs")):
        with open(reference, encoding="ascii") as file:
            commit = file.read()
        expect(COMMIT.fullmatch(commit), f"{reference} holds {commit!r}")
        expect(os.path.isdir(os.path.join(path, "snapshots", commit)), f"{reference} names no snapshot")


def main():
    cache = sys.argv[1]
    names = sorted(os.listdir(cache))
    expect(names[0] == ".locks", f"no .locks in {names}")
    for name in names[1:]:
        expect(re.fullmatch("models--[^/]+--[^/]+", name), f"{name} is no model")
        check_repository(os.path.join(cache, name))
    for lock in walk(os.path.join(cache, ".locks")):
        expect(re.fullmatch("([0-9a-f]{40}|[0-9a-f]{64})\\.lock", os.path.basename(lock)), f"{lock} is no lock")
    print("\n".join(faults) or f"{len(names) - 1} models in order")
    sys.exit(len(faults) > 0)


main()
