"""Writes files of torch.save with what a KoELECTRA checkpoint does not have but may: views of one
storage, every dtype, both formats, newer pickle protocols, a training script's wrapping, a whole
pickled module.  tests/test_torch.c knows the values.

    python3 make_torch.py

Needs PyTorch.  Storage keys of the legacy format are addresses, so those files change at each run.
"""
import collections
import os
import zipfile

import torch

HERE = os.path.dirname(os.path.abspath(__file__))


def state_dict():
    base = torch.arange(24, dtype=torch.float32).reshape(4, 6) / 2 - 3
    row = base[1].clone()
    tensors = collections.OrderedDict()
    tensors["base"] = base
    tensors["transposed"] = base.t()
    tensors["rows"] = base[1:3]
    tensors["column"] = base[:, 2]
    tensors["every_other"] = base[::2, ::3]
    tensors["parameter"] = torch.nn.Parameter(row)
    tensors["half"] = row.half()
    tensors["bfloat16"] = row.bfloat16()
    tensors["double"] = row.double()
    tensors["scalar"] = torch.tensor(2.5)
    tensors["expanded"] = torch.tensor([2.5]).expand(3, 4)
    tensors["empty"] = torch.zeros(0, 3)
    tensors["position_ids"] = torch.arange(5)
    tensors["int32"] = torch.tensor([-1, 2], dtype=torch.int32)
    tensors["int16"] = torch.tensor([-1, 2], dtype=torch.int16)
    tensors["int8"] = torch.tensor([-1, 2], dtype=torch.int8)
    tensors["uint8"] = torch.tensor([255, 2], dtype=torch.uint8)
    tensors["bool"] = torch.tensor([True, False])
    tensors._metadata = collections.OrderedDict([("", {"version": 1})])
    return tensors


def save(value, name, **options):
    torch.save(value, os.path.join(HERE, name), **options)


def save_again(source, target, compression):
    """What a zip tool makes of a checkpoint: no alignment, no zip64 records."""
    with zipfile.ZipFile(os.path.join(HERE, source)) as old:
        with zipfile.ZipFile(os.path.join(HERE, target), "w", compression) as new:
            for name in old.namelist():
                info = zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0))
                info.compress_type = compression
                new.writestr(info, old.read(name))


def main():
    tensors = state_dict()
    save(tensors, "views.zip.bin")
    save(tensors, "views.protocol4.zip.bin", pickle_protocol=4)
    save(tensors, "views.legacy.bin", _use_new_zipfile_serialization=False)
    save(
        tensors,
        "views.protocol4.legacy.bin",
        pickle_protocol=4,
        _use_new_zipfile_serialization=False,
    )
    training = {
        "epoch": 3,
        "loss": 0.25,
        "seed": 2**70,
        "delta": -5,
        "steps": [1, 2, {"warm_up": None}],
        "shape": base_shape(),
        "state_dict": tensors,
    }
    save(training, "training.zip.bin")
    save(torch.nn.Linear(2, 2), "module.zip.bin")
    save_again("views.zip.bin", "views.stored.zip.bin", zipfile.ZIP_STORED)
    save_again("views.zip.bin", "views.deflated.zip.bin", zipfile.ZIP_DEFLATED)


def base_shape():
    return state_dict()["base"].shape


if __name__ == "__main__":
    main()
