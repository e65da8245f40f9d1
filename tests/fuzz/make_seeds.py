"""Writes seeds for fuzz_checkpoint that are directories: make_seeds.py FOLDER

From the repository's root.  Small checkpoints, since libFuzzer mutates small inputs best.
"""
import json
import os
import struct
import sys


def write(name, kind, first, second):
    with open(os.path.join(sys.argv[1], name), "wb") as file:
        file.write(b"DIR" + kind + struct.pack("<I", len(first))[:3] + first + second)


def read(*path):
    with open(os.path.join("tests", "reference", *path), "rb") as file:
        return file.read()


def varint(number):
    out = b""
    while number >= 0x80:
        out += bytes([number & 0x7F | 0x80])
        number >>= 7
    return out + bytes([number])


def field(number, value):
    if isinstance(value, bytes):
        return varint(number << 3 | 2) + varint(len(value)) + value
    return varint(number << 3) + varint(value)


def table(entries, snappy):
    """A table of one block; checksums are 0."""
    block = b""
    last = b""
    for key, value in entries:
        shared = len(os.path.commonprefix([key, last]))
        rest = key[shared:]
        block += varint(shared) + varint(len(rest)) + varint(len(value)) + rest + value
        last = key
    block += struct.pack("<II", 0, 1)
    if snappy:  # one literal
        block = varint(len(block)) + b"\xf4" + struct.pack("<H", len(block) - 1) + block
    file = block + bytes([snappy]) + b"\0\0\0\0"
    handle = varint(0) + varint(len(block))
    index = varint(0) + varint(1) + varint(len(handle)) + b"z" + handle + struct.pack("<II", 0, 1)
    place = len(file)
    file += index + b"\0\0\0\0\0"
    footer = varint(0) + varint(0) + varint(place) + varint(len(index))
    return file + footer.ljust(40, b"\0") + struct.pack("<Q", 0xDB4775248B80FB57)


def bundle(snappy):
    def entry(shape, offset, size, dtype=1):
        dims = b"".join(field(2, field(1, n)) for n in shape)
        return field(1, dtype) + field(2, dims) + field(4, offset) + field(5, size) + b"\x35\0\0\0\0"

    entries = [
        (b"", field(1, 1)),
        (b"electra/embeddings/word_embeddings", entry([4, 2], 0, 32)),
        (b"electra/encoder/layer_0/output/dense/kernel", entry([2, 3], 32, 24)),
        (b"electra/encoder/layer_0/output/dense/kernel/adam_m", entry([2, 3], 56, 24)),
        (b"generator/encoder/layer_0/output/dense/bias", entry([3], 80, 24, 2)),
        (b"generator_predictions/output_bias", entry([4], 104, 16)),
    ]
    return table(entries, snappy)


def main():
    for snappy in (0, 1):
        write(f"bundle-{snappy}", b"t", bundle(snappy), bytes(range(120)))
    whole = read("tensorflow", "model.ckpt-40.index")
    write("bundle-real", b"t", whole, b"\0" * 1024)
    write("bundle-compressed", b"t", read("tensorflow", "compressed", "electra.index"), b"")
    header = {"a": {"dtype": "F32", "shape": [2, 1], "data_offsets": [0, 8]}}
    text = json.dumps(header).encode()
    content = struct.pack("<Q", len(text)) + text + b"\0" * 8
    index = json.dumps({"metadata": {}, "weight_map": {"a": "model-1.safetensors"}}).encode()
    write("shard", b"s", index, content)
    pickle = read("torch_files", "views.legacy.bin")
    index = json.dumps({"weight_map": {"a": "model-1.bin"}}).encode()
    write("shard-torch", b"p", index, pickle)


if __name__ == "__main__":
    main()
