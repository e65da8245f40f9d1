"""Writes a random checkpoint of KoELECTRA's sizes, to measure speed with.

    make_random.py small|base OUT_DIR [--vocab FILE] [--words N] [--layers N]

OUT_DIR gets config.json, tokenizer_config.json, vocab.txt and model.safetensors (float32, names as
on the hub, with a two-label classifier).  FILE is a vocab.txt to copy; without it, N words
(default 35000, as KoELECTRA v3) are made of the Hangul syllables.  The numbers are a normal
distribution of deviation 0.02, LayerNorm's around 1: no model, but no NaN or denormal either.
Needs nothing but Python's standard library.  The same arguments give the same bytes.
"""
import argparse
import array
import itertools
import json
import os
import random
import shutil
import struct
import sys

SIZES = {
    "small": {
        "embedding_size": 128,
        "hidden_size": 256,
        "num_attention_heads": 4,
        "intermediate_size": 1024,
    },
    "base": {
        "embedding_size": 768,
        "hidden_size": 768,
        "num_attention_heads": 12,
        "intermediate_size": 3072,
    },
}
LAYERS = 12
POSITIONS = 512
SPECIALS = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
BLOCK_FLOATS = 1 << 20


def make_vocabulary(count):
    """Specials, ASCII, all 11 172 syllables at the start of a word and inside one, then pairs."""
    printable = [chr(code) for code in range(0x21, 0x7F)]
    syllables = [chr(code) for code in range(0xAC00, 0xD7A4)]
    inside = ["##" + c for c in printable + syllables if c.isalnum()]
    open_syllables = syllables[::28]  # those without a final consonant
    pairs = (a + b for a in open_syllables for b in open_syllables)
    words = itertools.chain(SPECIALS, printable, syllables, inside, pairs)
    return list(itertools.islice(words, count))


def shapes(sizes, words, layers):
    """(name, shape) of every parameter, in the order of a state_dict."""
    embedding, hidden = sizes["embedding_size"], sizes["hidden_size"]
    wide = sizes["intermediate_size"]

    def linear(name, inputs, outputs):
        return [(name + ".weight", [outputs, inputs]), (name + ".bias", [outputs])]

    def norm(name, size):
        return [(name + ".weight", [size]), (name + ".bias", [size])]

    yield "electra.embeddings.word_embeddings.weight", [words, embedding]
    yield "electra.embeddings.position_embeddings.weight", [POSITIONS, embedding]
    yield "electra.embeddings.token_type_embeddings.weight", [2, embedding]
    yield from norm("electra.embeddings.LayerNorm", embedding)
    if embedding != hidden:
        yield from linear("electra.embeddings_project", embedding, hidden)
    for layer in range(layers):
        name = f"electra.encoder.layer.{layer}."
        for part in ("query", "key", "value"):
            yield from linear(f"{name}attention.self.{part}", hidden, hidden)
        yield from linear(name + "attention.output.dense", hidden, hidden)
        yield from norm(name + "attention.output.LayerNorm", hidden)
        yield from linear(name + "intermediate.dense", hidden, wide)
        yield from linear(name + "output.dense", wide, hidden)
        yield from norm(name + "output.LayerNorm", hidden)
    yield from linear("classifier.dense", hidden, hidden)
    yield from linear("classifier.out_proj", hidden, 2)


def make_block(mean):
    """BLOCK_FLOATS normal numbers as bytes."""
    source = random.Random(1)
    block = array.array("f", (source.gauss(mean, 0.02) for _ in range(BLOCK_FLOATS)))
    if sys.byteorder == "big":
        block.byteswap()
    return block.tobytes()


def write_weights(path, parameters):
    """safetensors, filled from one block of numbers that begins elsewhere for each tensor."""
    header, offset = {"__metadata__": {"format": "pt"}}, 0
    for name, shape in parameters:
        size = 4 * shape[0] * (shape[1] if len(shape) > 1 else 1)
        header[name] = {"dtype": "F32", "shape": shape, "data_offsets": [offset, offset + size]}
        offset += size
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    around = {"zero": make_block(0.0), "one": make_block(1.0)}
    with open(path, "wb") as file:
        file.write(struct.pack("<Q", len(text)) + text)
        for number, (name, _) in enumerate(parameters):
            block = around["one" if name.endswith("LayerNorm.weight") else "zero"]
            begin, end = header[name]["data_offsets"]
            write_cycle(file, block, 4 * 7919 * number % len(block), end - begin)


def write_cycle(file, block, start, size):
    while size > 0:
        piece = block[start : start + size]
        file.write(piece)
        size -= len(piece)
        # Not the whole block again: equal rows would be equal tokens.
        start = 4 * ((start + 4 * 104729) // 4 % (len(block) // 8))


def write_json(path, value):
    with open(path, "w", encoding="utf-8") as file:
        file.write(json.dumps(value, indent=2) + "\n")


def main():
    parser = argparse.ArgumentParser(description="Writes a random checkpoint of KoELECTRA's sizes.")
    parser.add_argument("size", choices=sorted(SIZES))
    parser.add_argument("directory")
    parser.add_argument("--vocab", metavar="FILE", help="a vocab.txt to copy")
    parser.add_argument("--words", metavar="N", type=int, default=35000, help="words to make")
    parser.add_argument("--layers", metavar="N", type=int, default=LAYERS, help="default 12")
    arguments = parser.parse_args()

    os.makedirs(arguments.directory, exist_ok=True)
    vocabulary = os.path.join(arguments.directory, "vocab.txt")
    if arguments.vocab is not None:
        shutil.copyfile(arguments.vocab, vocabulary)
    else:
        with open(vocabulary, "w", encoding="utf-8", newline="\n") as file:
            file.writelines(token + "\n" for token in make_vocabulary(arguments.words))
    with open(vocabulary, "rb") as file:
        words = sum(1 for _ in file)

    sizes = SIZES[arguments.size]
    config = {
        "architectures": ["ElectraForSequenceClassification"],
        "model_type": "electra",
        "vocab_size": words,
        **sizes,
        "num_hidden_layers": arguments.layers,
        "max_position_embeddings": POSITIONS,
        "type_vocab_size": 2,
        "hidden_act": "gelu",
        "layer_norm_eps": 1e-12,
        "pad_token_id": 0,
    }
    write_json(os.path.join(arguments.directory, "config.json"), config)
    write_json(
        os.path.join(arguments.directory, "tokenizer_config.json"),
        {
            "do_lower_case": False,
            "model_max_length": POSITIONS,
            "pad_token": "[PAD]",
            "tokenizer_class": "ElectraTokenizer",
        },
    )
    weights = os.path.join(arguments.directory, "model.safetensors")
    write_weights(weights, list(shapes(sizes, words, arguments.layers)))
    print(f"{weights}: {os.path.getsize(weights) / 1e6:.1f} MB")


if __name__ == "__main__":
    main()
