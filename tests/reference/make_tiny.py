"""Writes the model goldens: tiny/, odd/ and bare/ beside this file (see README.md).

    python3 make_tiny.py

Needs PyTorch.  Everything comes from fixed seeds, so a second run changes nothing.
"""
import collections
import json
import os
import random

import torch

from model import Electra, outputs_of, write_safetensors
from texts import LONG_TEXT, ODD_TEXTS, PAIRS, TEXTS
from wordpiece import Tokenizer, build_vocabulary

HERE = os.path.dirname(os.path.abspath(__file__))
DECIMALS = 8


class Weights:
    """Random parameters, large enough that a wrong detail anywhere shows in the outputs."""

    def __init__(self, seed):
        self.random = random.Random(seed)
        self.tensors = collections.OrderedDict()

    def normal(self, name, *shape, std, mean=0.0):
        count = 1
        for size in shape:
            count *= size
        values = [self.random.gauss(mean, std) for _ in range(count)]
        self.tensors[name] = torch.tensor(values, dtype=torch.float32).reshape(shape)

    def linear(self, name, inputs, outputs, std):
        self.normal(name + ".weight", outputs, inputs, std=std)
        self.normal(name + ".bias", outputs, std=0.3)

    def layer_norm(self, name, size):
        self.normal(name + ".weight", size, mean=1.0, std=0.35)
        self.normal(name + ".bias", size, std=0.3)

    def encoder(self, config, prefix):
        embedding, hidden = config["embedding_size"], config["hidden_size"]
        name = prefix + "embeddings"
        # Small, as trained ones are: LayerNorm's epsilon matters.
        tables = {
            "word": config["vocab_size"],
            "position": config["max_position_embeddings"],
            "token_type": config["type_vocab_size"],
        }
        for table, rows in tables.items():
            self.normal(f"{name}.{table}_embeddings.weight", rows, embedding, std=0.03)
        self.layer_norm(name + ".LayerNorm", embedding)
        if embedding != hidden:
            self.linear(prefix + "embeddings_project", embedding, hidden, std=0.3)
        for index in range(config["num_hidden_layers"]):
            self.layer(config, f"{prefix}encoder.layer.{index}.")

    def layer(self, config, name):
        hidden, wide = config["hidden_size"], config["intermediate_size"]
        for part in ("query", "key", "value"):
            self.linear(f"{name}attention.self.{part}", hidden, hidden, std=0.25)
        self.linear(name + "attention.output.dense", hidden, hidden, std=0.25)
        self.layer_norm(name + "attention.output.LayerNorm", hidden)
        self.linear(name + "intermediate.dense", hidden, wide, std=0.25)
        self.linear(name + "output.dense", wide, hidden, std=0.25)
        self.layer_norm(name + "output.LayerNorm", hidden)

    def classifier(self, hidden, labels):
        self.linear("classifier.dense", hidden, hidden, std=0.25)
        self.linear("classifier.out_proj", hidden, labels, std=0.6)


def make_config(architecture, vocabulary, **sizes):
    return {
        "architectures": [architecture],
        "attention_probs_dropout_prob": 0.1,
        **sizes,
        "hidden_act": "gelu",
        "hidden_dropout_prob": 0.1,
        "initializer_range": 0.02,
        "layer_norm_eps": 1e-12,
        "model_type": "electra",
        "pad_token_id": 0,
        "summary_activation": "gelu",
        "summary_last_dropout": 0.1,
        "summary_type": "first",
        "summary_use_proj": True,
        "type_vocab_size": 2,
        "vocab_size": len(vocabulary),
    }


def write_text(directory, name, text):
    path = os.path.join(HERE, directory, name)
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "w", encoding="utf-8", newline="\n") as file:
        file.write(text)


def write_json(directory, name, value):
    write_text(directory, name, json.dumps(value, ensure_ascii=False, indent=2) + "\n")


def with_buffers(tensors):
    """What a state_dict of the transformers of KoELECTRA's time holds: position_ids too."""
    state = collections.OrderedDict(tensors)
    positions = len(tensors["electra.embeddings.position_embeddings.weight"])
    state["electra.embeddings.position_ids"] = torch.arange(positions).unsqueeze(0)
    state.move_to_end("electra.embeddings.position_ids", last=False)
    state._metadata = collections.OrderedDict({"": {"version": 1}, "electra": {"version": 1}})
    return state


def same_tensors(a, b):
    return list(a) == list(b) and all(
        a[name].dtype == b[name].dtype and torch.equal(a[name], b[name]) for name in a
    )


def write_torch(directory, name, tensors, zipped=True):
    """torch.save under the name that the archive's entries carry, then renamed.

    The legacy form has memory addresses in it: it is left alone where it already says the same.
    """
    path = os.path.join(HERE, directory, name)
    state = with_buffers(tensors)
    if not zipped and os.path.exists(path) and same_tensors(torch.load(path), state):
        return
    temporary = os.path.join(HERE, directory, "pytorch_model.bin")
    torch.save(state, temporary, _use_new_zipfile_serialization=zipped)
    os.replace(temporary, path)


def rounded(value):
    if isinstance(value, list):
        return [rounded(item) for item in value]
    return round(value, DECIMALS)


def convert(tensors, dtype):
    return {name: tensor.to(dtype) for name, tensor in tensors.items()}


def make_cases(config, vocabulary, tensors, texts, pairs, max_length, precisions):
    tokenizer = Tokenizer(vocabulary)
    model = Electra(config, tensors)
    others = {name: Electra(config, convert(tensors, dtype)) for name, dtype in precisions.items()}
    cases = []
    for number, (text, pair) in enumerate([(text, None) for text in texts] + pairs):
        ids, types = tokenizer.encode(text, pair, max_length)
        case = {"text": text} if pair is None else {"text": text, "pair": pair}
        case.update(input_ids=ids, token_type_ids=types)
        outputs = outputs_of(model, case)
        keys = ["logits", "probabilities", "mean", "cls"]
        if number % 12 == 0 and len(ids) < 32:
            keys.append("last_hidden_state")
        for key in keys:
            if key in outputs:
                case[key] = rounded(outputs[key].tolist())
        for name, other in others.items():
            case["logits_" + name] = rounded(outputs_of(other, case)["logits"].tolist())
        cases.append(case)
    return cases


def write_directory(directory, config, tokenizer_config, vocabulary, tensors, cases):
    write_json(directory, "config.json", config)
    write_json(directory, "tokenizer_config.json", tokenizer_config)
    write_text(directory, "vocab.txt", "".join(token + "\n" for token in vocabulary))
    write_safetensors(os.path.join(HERE, directory, "model.safetensors"), tensors)
    lines = ",\n".join(json.dumps(case, ensure_ascii=False) for case in cases)
    write_text(directory, "expected.json", '{"cases": [\n' + lines + "\n]}\n")


def make_tiny():
    """A sequence classifier, in every format and precision."""
    vocabulary = build_vocabulary(TEXTS, 330)
    labels = ["부정", "중립", "긍정"]
    config = make_config(
        "ElectraForSequenceClassification",
        vocabulary,
        embedding_size=16,
        hidden_size=32,
        intermediate_size=64,
        max_position_embeddings=64,
        num_attention_heads=4,
        num_hidden_layers=2,
    )
    config["id2label"] = {str(i): label for i, label in enumerate(labels)}
    config["label2id"] = {label: i for i, label in enumerate(labels)}
    weights = Weights(22)
    weights.encoder(config, "electra.")
    weights.classifier(config["hidden_size"], len(labels))
    tensors = weights.tensors
    precisions = {"float16": torch.float16, "bfloat16": torch.bfloat16}
    texts = TEXTS + ODD_TEXTS + [LONG_TEXT]
    cases = make_cases(config, vocabulary, tensors, texts, PAIRS, 64, precisions)
    tokenizer_config = {"do_lower_case": False, "model_max_length": 64}
    write_directory("tiny", config, tokenizer_config, vocabulary, tensors, cases)

    half = convert(tensors, torch.float16)
    here = os.path.join(HERE, "tiny")
    write_safetensors(os.path.join(here, "model.f16.safetensors"), half)
    write_safetensors(
        os.path.join(here, "model.bf16.safetensors"), convert(tensors, torch.bfloat16)
    )
    write_torch("tiny", "pytorch_model.zip.bin", tensors)
    write_torch("tiny", "pytorch_model.legacy.bin", tensors, zipped=False)
    write_torch("tiny", "pytorch_model.half.zip.bin", half)


def make_odd():
    """A regression model of sizes that no vector register divides, without embeddings_project."""
    vocabulary = build_vocabulary(TEXTS[:8], 150)
    config = make_config(
        "ElectraForSequenceClassification",
        vocabulary,
        embedding_size=36,
        hidden_size=36,
        intermediate_size=50,
        max_position_embeddings=37,
        num_attention_heads=3,
        num_hidden_layers=2,
    )
    weights = Weights(23)
    weights.encoder(config, "electra.")
    weights.classifier(config["hidden_size"], 1)
    texts = TEXTS[:16] + ODD_TEXTS + [LONG_TEXT]
    cases = make_cases(config, vocabulary, weights.tensors, texts, PAIRS, 37, {})
    # The number that transformers writes for "no limit".
    tokenizer_config = {"do_lower_case": False, "model_max_length": int(1e30)}
    write_directory("odd", config, tokenizer_config, vocabulary, weights.tensors, cases)


def make_bare():
    """An encoder alone, names without `electra.`, with sentence-transformers' pooling."""
    vocabulary = build_vocabulary(TEXTS[8:16], 150)
    config = make_config(
        "ElectraModel",
        vocabulary,
        embedding_size=10,
        hidden_size=24,
        intermediate_size=40,
        max_position_embeddings=48,
        num_attention_heads=2,
        num_hidden_layers=1,
    )
    weights = Weights(24)
    weights.encoder(config, "")
    texts = TEXTS[:16] + ODD_TEXTS + [LONG_TEXT]
    cases = make_cases(config, vocabulary, weights.tensors, texts, [], 40, {})
    # The smaller limit: the encoder has 48 positions.
    tokenizer_config = {"do_lower_case": False, "model_max_length": 40}
    write_directory("bare", config, tokenizer_config, vocabulary, weights.tensors, cases)
    pooling = {
        "word_embedding_dimension": config["hidden_size"],
        "pooling_mode_cls_token": True,
        "pooling_mode_mean_tokens": False,
        "pooling_mode_max_tokens": False,
        "pooling_mode_mean_sqrt_len_tokens": False,
    }
    write_json("bare", "1_Pooling/config.json", pooling)


if __name__ == "__main__":
    make_tiny()
    make_odd()
    make_bare()
