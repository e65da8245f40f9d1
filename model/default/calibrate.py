"""Moves the bias of a model's sentiment head so that it calls half of the dev set positive, as half of it is.

    calibrate.py MODEL PREDICTIONS

PREDICTIONS are the logits that `koelectra-train --predictions` wrote for the dev set.  Python's standard library is
enough.
"""
import json
import os
import statistics
import struct
import sys

BIAS = "classifier.out_proj.bias"


def middle(path):
    with open(path, encoding="utf-8") as file:
        labels = file.readline().rstrip("\n").split("\t")
        positive, negative = labels.index("positive"), labels.index("negative")
        rows = [[float(number) for number in line.split("\t")] for line in file]
    return labels, statistics.median(row[positive] - row[negative] for row in rows)


def main():
    path = os.path.join(sys.argv[1], "model.safetensors")
    labels, by = middle(sys.argv[2])
    with open(path, "r+b") as file:
        size = struct.unpack("<Q", file.read(8))[0]
        tensor = json.loads(file.read(size))[BIAS]
        assert tensor["dtype"] == "F32" and tensor["shape"] == [2], tensor
        start = 8 + size + tensor["data_offsets"][0]
        file.seek(start)
        bias = list(struct.unpack("<2f", file.read(8)))
        for i, label in enumerate(labels):
            bias[i] += -by / 2 if label == "positive" else by / 2
        file.seek(start)
        file.write(struct.pack("<2f", *bias))
    print(f"{path}: the positive logit is {by:.3f} lower beside the negative one")


main()
