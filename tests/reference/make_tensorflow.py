"""Writes the checkpoints of TensorFlow in tensorflow/ beside this file (see README.md).

    python3 make_tensorflow.py

Needs PyTorch, h5py, protobuf, and a C++ compiler with LevelDB (Debian: python3-h5py,
python3-protobuf, g++, libleveldb-dev).  TensorFlow itself takes no part: tables come from LevelDB,
whose format TensorFlow took over, messages from protobuf, HDF5 from libhdf5.  Everything comes from
fixed seeds, so a second run changes nothing.
"""
import os
import struct
import subprocess
import tempfile

import h5py
import numpy
from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

from make_tiny import Weights, make_cases, make_config, write_directory
from texts import PAIRS, TEXTS
from wordpiece import build_vocabulary

HERE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "tensorflow")

# ── messages ─────────────────────────────────────────────────────────────────────────────────────
# The parts of tensor_bundle.proto, tensor_shape.proto and versions.proto that are used here: name of
# a field, number, type.

INTEGERS = {"int32": 5, "int64": 3, "fixed32": 7, "bool": 8, "string": 9}
MESSAGES = {
    "Dim": [("size", 1, "int64"), ("name", 2, "string")],
    "Shape": [("dim", 2, "*Dim"), ("unknown_rank", 3, "bool")],
    "Version": [("producer", 1, "int32"), ("min_consumer", 2, "int32")],
    "Header": [("num_shards", 1, "int32"), ("endianness", 2, "int32"), ("version", 3, "Version")],
    "Entry": [
        ("dtype", 1, "int32"),
        ("shape", 2, "Shape"),
        ("shard_id", 3, "int32"),
        ("offset", 4, "int64"),
        ("size", 5, "int64"),
        ("crc32c", 6, "fixed32"),
    ],
}


def message_classes():
    file = descriptor_pb2.FileDescriptorProto(name="bundle.proto", package="b", syntax="proto3")
    for name, fields in MESSAGES.items():
        message = file.message_type.add(name=name)
        for field_name, number, kind in fields:
            field = message.field.add(name=field_name, number=number)
            field.label = 3 if kind[0] == "*" else 1
            kind = kind.lstrip("*")
            field.type = INTEGERS.get(kind, 11)
            if kind in MESSAGES:
                field.type_name = ".b." + kind
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    factory = message_factory.MessageFactory(pool)
    return {n: factory.GetPrototype(pool.FindMessageTypeByName("b." + n)) for n in MESSAGES}


PROTO = message_classes()

# ── checksums: CRC-32C bit by bit, as RFC 3720 has it, and LevelDB's mask ────────────────────────


def crc_table():
    table = []
    for byte in range(256):
        for _ in range(8):
            byte = byte >> 1 ^ (0x82F63B78 if byte & 1 else 0)
        table.append(byte)
    return table


CRC_TABLE = crc_table()


def masked_crc(data):
    crc = 0xFFFFFFFF
    for byte in data:
        crc = crc >> 8 ^ CRC_TABLE[(crc ^ byte) & 0xFF]
    crc ^= 0xFFFFFFFF
    return ((crc >> 15 | crc << 17) + 0xA282EAD8) & 0xFFFFFFFF


# ── a bundle ─────────────────────────────────────────────────────────────────────────────────────

DTYPES = {"float32": 1, "float64": 2, "int64": 9}


def write_table(path, entries, block_size, compressed):
    with tempfile.TemporaryDirectory() as folder:
        program = os.path.join(folder, "table_writer")
        source = os.path.join(os.path.dirname(HERE), "table_writer.cc")
        subprocess.run(["c++", "-O1", "-o", program, source, "-lleveldb"], check=True)
        lines = b"".join(
            struct.pack("<I", len(part)) + part for entry in sorted(entries.items()) for part in entry
        )
        arguments = [program, path, str(block_size), str(int(compressed))]
        subprocess.run(arguments, input=lines, check=True)


def write_bundle(prefix, variables, shards=1, block_size=1 << 18, compressed=False):
    """Variables (name → array) as PREFIX.index and its shards, one after the other in each."""
    data = [b""] * shards
    header = PROTO["Header"](num_shards=shards, version=PROTO["Version"](producer=1))
    entries = {b"": header.SerializeToString()}
    for number, (name, array) in enumerate(sorted(variables.items())):
        shard = number % shards
        content = array.tobytes()
        entry = PROTO["Entry"](
            dtype=DTYPES[str(array.dtype)],
            shape=PROTO["Shape"](dim=[PROTO["Dim"](size=size) for size in array.shape]),
            shard_id=shard,
            offset=len(data[shard]),
            size=len(content),
            crc32c=masked_crc(content),
        )
        entries[name.encode()] = entry.SerializeToString()
        data[shard] += content
    write_table(prefix + ".index", entries, block_size, compressed)
    for shard, content in enumerate(data):
        with open(f"{prefix}.data-{shard:05}-of-{shards:05}", "wb") as file:
            file.write(content)


# ── names ────────────────────────────────────────────────────────────────────────────────────────


def tensorflow_name(name):
    """google-research/electra's name of a discriminator's parameter."""
    for table in ("word", "position", "token_type"):
        name = name.replace(f"{table}_embeddings.weight", f"{table}_embeddings")
    name = name.replace("LayerNorm.weight", "LayerNorm.gamma").replace("LayerNorm.bias", "LayerNorm.beta")
    name = name.replace("encoder.layer.", "encoder.layer_").replace("dense_prediction", "dense_1")
    name = name.replace("generator_lm_head.bias", "generator_predictions.output_bias")
    return name.replace(".weight", ".kernel").replace(".", "/")


def variable(name, tensor):
    array = tensor.numpy()
    return numpy.ascontiguousarray(array.T) if name.endswith("/kernel") else array


def checkpoint_variables(discriminator, generator):
    """Both models as pretraining leaves them: one embedding table, the optimizer's slots."""
    variables = {}
    for name, tensor in discriminator.items():
        name = tensorflow_name(name)
        variables[name] = variable(name, tensor)
    for name, tensor in generator.items():
        if name.startswith("electra.embeddings."):
            continue
        name = tensorflow_name(name).replace("electra/", "generator/")
        variables[name] = variable(name, tensor)
    slots = {}
    for name, array in variables.items():
        if array.ndim == 1:
            slots[name + "/adam_m"] = numpy.full_like(array, 3)
            slots[name + "/adam_v"] = numpy.full_like(array, 4)
    return {**variables, **slots, "global_step": numpy.array(40, dtype=numpy.int64)}


def keras_name(name, model):
    """transformers' name of a TensorFlow 2 model's variable: the layer's group, the variable."""
    layer = name.split(".")[0]
    name = name.replace("word_embeddings.weight", "word_embeddings.WEIGHT")
    for table in ("position", "token_type"):
        name = name.replace(f"{table}_embeddings.weight", f"{table}_embeddings.embeddings")
    name = name.replace("LayerNorm.weight", "LayerNorm.gamma").replace("LayerNorm.bias", "LayerNorm.beta")
    name = name.replace(".weight", ".kernel").replace("WEIGHT", "weight").replace(".", "/")
    name = name.replace("encoder/layer/", "encoder/layer_._")
    return layer, f"{model}/{name}:0"


def write_keras(path, tensors, model, wrapped, **options):
    """What Keras's save_weights writes; wrapped, as its save() does."""
    with h5py.File(path, "w", track_order=False) as file:
        root = file.create_group("model_weights") if wrapped else file
        layers = {}
        for name, tensor in tensors.items():
            layer, full = keras_name(name, model)
            array = tensor.numpy()
            if full.endswith("/kernel:0"):
                array = numpy.ascontiguousarray(array.T)
            group = root.require_group(layer)
            group.create_dataset(full, data=array, track_times=False, **options)
            layers.setdefault(layer, []).append(full.encode())
        root.attrs["layer_names"] = [layer.encode() for layer in layers]
        root.attrs["backend"] = b"tensorflow"
        root.attrs["keras_version"] = b"2.4.0"
        for layer, names in layers.items():
            root[layer].attrs["weight_names"] = names


# ── files that are refused, or nearly ─────────────────────────────────────────────────────────────

WORDS = "electra/m/electra/embeddings/word_embeddings/weight:0"


def write_odd_files():
    """HDF5 files, each with one thing that a model's file does not have."""
    folder = os.path.join(HERE, "hdf5")
    os.makedirs(folder, exist_ok=True)
    words = numpy.arange(6, dtype=numpy.float32).reshape(3, 2)

    def create(name):
        return h5py.File(os.path.join(folder, name), "w")

    with create("external.h5") as file:
        external = [("/etc/hostname", 0, 24)]
        file.create_dataset(WORDS, (3, 2), "float32", external=external, track_times=False)
    with create("virtual.h5") as file:
        space = h5py.h5s.create_simple(words.shape)
        creation = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
        creation.set_obj_track_times(False)
        creation.set_virtual(space, b"other.h5", b"x", space)
        links = h5py.h5p.create(h5py.h5p.LINK_CREATE)
        links.set_create_intermediate_group(True)
        name = WORDS.encode()
        h5py.h5d.create(file.id, name, h5py.h5t.IEEE_F32LE, space, dcpl=creation, lcpl=links)
    # One byte of it changed: libhdf5 1.10 writes beyond a buffer.
    with open(os.path.join(folder, "virtual.h5"), "rb") as file:
        damaged = bytearray(file.read())
    damaged[6091] = 128
    with open(os.path.join(folder, "crash.h5"), "wb") as file:
        file.write(damaged)
    with create("integers.h5") as file:
        file.create_dataset(WORDS, data=words.astype(numpy.int32), track_times=False)
    with create("other.h5") as file:
        file.create_dataset("x", data=words, track_times=False)
        file.create_dataset("bert/m/bert/pooler/dense/bias:0", data=words[0], track_times=False)
    with create("large.h5") as file:  # no chunk of it is stored
        shape = (1 << 20, 1 << 10)
        file.create_dataset(WORDS, shape, "float32", chunks=(1024, 1024), track_times=False)
    with create("cycle.h5") as file:
        file.create_dataset(WORDS, data=words, track_times=False)
        file["electra/m/again"] = file["electra"]
        file["electra/m/nowhere"] = h5py.SoftLink("/electra/m/nowhere")
        file["electra/m/outside"] = h5py.ExternalLink("/etc/hostname", "/")
    with create("half.h5") as file:
        file.create_dataset(WORDS, data=words.astype(numpy.float16), track_times=False)


# ── the two models ───────────────────────────────────────────────────────────────────────────────


def make_model(architecture, vocabulary, seed, hidden, heads):
    config = make_config(
        architecture,
        vocabulary,
        embedding_size=12,
        hidden_size=hidden,
        intermediate_size=2 * hidden,
        max_position_embeddings=40,
        num_attention_heads=heads,
        num_hidden_layers=2,
    )
    weights = Weights(seed)
    weights.encoder(config, "electra.")
    return config, weights


def write_model(folder, config, vocabulary, tensors):
    tokenizer_config = {"do_lower_case": False, "model_max_length": 40}
    cases = make_cases(config, vocabulary, tensors, TEXTS[:6], PAIRS[:2], 40, {})
    for case in cases:
        case.pop("logits", None)
        case.pop("probabilities", None)
    write_directory(
        "tensorflow/" + folder, config, tokenizer_config, vocabulary, tensors, cases
    )


def main():
    vocabulary = build_vocabulary(TEXTS[:6], 120)
    config, weights = make_model("ElectraForPreTraining", vocabulary, 25, 24, 2)
    weights.linear("discriminator_predictions.dense", 24, 24, std=0.25)
    weights.linear("discriminator_predictions.dense_prediction", 24, 1, std=0.6)
    discriminator = weights.tensors
    write_model("discriminator", config, vocabulary, discriminator)

    config, weights = make_model("ElectraForMaskedLM", vocabulary, 26, 20, 1)
    weights.linear("generator_predictions.dense", 20, 12, std=0.25)
    weights.layer_norm("generator_predictions.LayerNorm", 12)
    weights.normal("generator_lm_head.bias", len(vocabulary), std=0.3)
    generator = weights.tensors
    for name in generator:
        if name.startswith("electra.embeddings."):
            generator[name] = discriminator[name]
    write_model("generator", config, vocabulary, generator)

    variables = checkpoint_variables(discriminator, generator)
    os.makedirs(os.path.join(HERE, "compressed"), exist_ok=True)
    write_bundle(os.path.join(HERE, "model.ckpt-40"), variables)
    with open(os.path.join(HERE, "checkpoint"), "w", encoding="ascii") as file:
        for key in ("model_checkpoint_path", "all_model_checkpoint_paths"):
            file.write(f'{key}: "/home/somebody/electra/model.ckpt-40"\n')

    # The same with two shards, many compressed blocks, and some variables as float64.
    for name in variables:
        if name.endswith("gamma"):
            variables[name] = variables[name].astype(numpy.float64)
    write_bundle(os.path.join(HERE, "compressed/electra"), variables, 2, 512, True)

    write_keras(
        os.path.join(HERE, "discriminator/tf_model.h5"),
        discriminator,
        "tf_electra_for_pre_training",
        False,
    )
    write_keras(
        os.path.join(HERE, "generator/tf_model.h5"),
        {n: t.double() if "LayerNorm" in n else t for n, t in generator.items()},
        "tf_electra_for_masked_lm_1",
        True,
    )
    write_odd_files()


if __name__ == "__main__":
    main()
