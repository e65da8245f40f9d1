"""The ELECTRA forward pass in PyTorch, in float64: the oracle that the goldens come from.

    python3 model.py DIRECTORY [CASES]

compares it with DIRECTORY/expected.json (at most CASES cases of it) and prints the greatest
difference of each kind of output.

A checkpoint's directory holds config.json and model.safetensors, with Hugging Face's names for the
tensors.  Shapes below: T tokens of one sequence, E embedding size, H hidden size, A attention
heads, D = H / A.  Sources: Clark et al. 2020 (ELECTRA), Devlin et al. 2019 (BERT), Vaswani et al.
2017 (attention), Hendrycks & Gimpel 2016 (GELU).
"""
import json
import math
import os
import struct
import sys

import torch

DTYPES = {"F64": torch.float64, "F32": torch.float32, "F16": torch.float16, "BF16": torch.bfloat16}


def read_safetensors(path):
    """Name → tensor, of the dtype in the file.

    8 bytes: length of the header, little-endian; the header, JSON: name → dtype, shape and the
    range of bytes after the header; the bytes.
    """
    with open(path, "rb") as file:
        data = file.read()
    (length,) = struct.unpack_from("<Q", data)
    header = json.loads(data[8 : 8 + length])
    header.pop("__metadata__", None)
    tensors = {}
    for name, entry in header.items():
        begin, end = (8 + length + offset for offset in entry["data_offsets"])
        dtype = DTYPES[entry["dtype"]]
        flat = torch.frombuffer(bytearray(data[begin:end]), dtype=dtype)
        tensors[name] = flat.reshape(entry["shape"])
    return tensors


def write_safetensors(path, tensors):
    """The inverse.  The header is padded with spaces to a multiple of 8 bytes."""
    names = {dtype: name for name, dtype in DTYPES.items()}
    header, chunks, offset = {"__metadata__": {"format": "pt"}}, [], 0
    for name, tensor in tensors.items():
        chunk = bytes(tensor.contiguous().view(torch.uint8).flatten().tolist())
        header[name] = {
            "dtype": names[tensor.dtype],
            "shape": list(tensor.shape),
            "data_offsets": [offset, offset + len(chunk)],
        }
        chunks.append(chunk)
        offset += len(chunk)
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    with open(path, "wb") as file:
        file.write(struct.pack("<Q", len(text)) + text + b"".join(chunks))


def gelu(x):
    """x · Φ(x), by the error function."""
    return x * 0.5 * (1.0 + torch.erf(x / math.sqrt(2.0)))


class Electra:
    """A checkpoint's encoder and whichever head it has, on one sequence at a time."""

    def __init__(self, config, tensors):
        self.config = config
        self.tensors = {name: tensor.to(torch.float64) for name, tensor in tensors.items()}
        has_prefix = "electra.embeddings.word_embeddings.weight" in self.tensors
        self.prefix = "electra." if has_prefix else ""

    def linear(self, name, x):
        # x [T, in] → [T, out]; weight [out, in], bias [out]
        return x @ self.tensors[name + ".weight"].T + self.tensors[name + ".bias"]

    def layer_norm(self, name, x):
        # over the last axis, with the biased variance
        mean = x.mean(-1, keepdim=True)
        variance = ((x - mean) ** 2).mean(-1, keepdim=True)
        x = (x - mean) / torch.sqrt(variance + self.config["layer_norm_eps"])
        return x * self.tensors[name + ".weight"] + self.tensors[name + ".bias"]

    def embeddings(self, input_ids, token_type_ids):
        # [T], [T] → [T, H]
        name = self.prefix + "embeddings."
        x = (
            self.tensors[name + "word_embeddings.weight"][input_ids]
            + self.tensors[name + "position_embeddings.weight"][: len(input_ids)]
            + self.tensors[name + "token_type_embeddings.weight"][token_type_ids]
        )
        x = self.layer_norm(name + "LayerNorm", x)
        project = self.prefix + "embeddings_project"
        return self.linear(project, x) if project + ".weight" in self.tensors else x

    def attention(self, name, x):
        # [T, H] → [T, H]: every token attends to every token
        tokens, hidden = x.shape
        heads = self.config["num_attention_heads"]

        def split(part):  # → [A, T, D]
            y = self.linear(f"{name}.self.{part}", x)
            return y.reshape(tokens, heads, hidden // heads).transpose(0, 1)

        query, key, value = split("query"), split("key"), split("value")
        scores = query @ key.transpose(1, 2) / math.sqrt(hidden // heads)  # [A, T, T]
        context = torch.softmax(scores, dim=-1) @ value  # [A, T, D]
        return context.transpose(0, 1).reshape(tokens, hidden)

    def layer(self, index, x):
        # [T, H] → [T, H]; the norms come after the residual sums (post-LayerNorm)
        name = f"{self.prefix}encoder.layer.{index}."
        context = self.attention(name + "attention", x)
        attended = self.linear(name + "attention.output.dense", context)
        x = self.layer_norm(name + "attention.output.LayerNorm", x + attended)
        wide = gelu(self.linear(name + "intermediate.dense", x))
        transformed = self.linear(name + "output.dense", wide)
        return self.layer_norm(name + "output.LayerNorm", x + transformed)

    def hidden_states(self, input_ids, token_type_ids):
        """The last hidden states [T, H]."""
        x = self.embeddings(torch.tensor(input_ids), torch.tensor(token_type_ids))
        for index in range(self.config["num_hidden_layers"]):
            x = self.layer(index, x)
        return x

    def is_linear_classifier(self):
        """A sequence classifier of before transformers 2.10: one layer on [CLS]."""
        architecture = self.config.get("architectures", [None])[0]
        linear = "classifier.weight" in self.tensors
        return linear and architecture == "ElectraForSequenceClassification"

    def logits(self, hidden):
        """What the head computes of hidden states [T, H]; None where there is no head.

        Sequence classification [labels], of several heads one after the other; token classification
        [T, labels], question answering [T, 2], replaced-token detection [T], masked language model
        [T, vocabulary].
        """
        groups = [name[:-7] for name in self.tensors if name.endswith("_classifier.classifier.weight")]
        if groups:
            return torch.cat([self.linear(name, hidden[0]) for name in groups])
        if self.is_linear_classifier():
            return self.linear("classifier", hidden[0])
        if "classifier.out_proj.weight" in self.tensors:
            x = gelu(self.linear("classifier.dense", hidden[:1]))
            return self.linear("classifier.out_proj", x)[0]
        for name in ("classifier", "qa_outputs"):
            if name + ".weight" in self.tensors:
                return self.linear(name, hidden)
        if "discriminator_predictions.dense.weight" in self.tensors:
            x = gelu(self.linear("discriminator_predictions.dense", hidden))
            return self.linear("discriminator_predictions.dense_prediction", x)[:, 0]
        if "generator_predictions.dense.weight" in self.tensors:
            x = gelu(self.linear("generator_predictions.dense", hidden))
            x = self.layer_norm("generator_predictions.LayerNorm", x)
            words = self.tensors[self.prefix + "embeddings.word_embeddings.weight"]
            return x @ words.T + self.tensors["generator_lm_head.bias"]
        return None


def probabilities(logits):
    """Softmax over labels; a single output is a score and stays as it is."""
    return torch.softmax(logits, dim=-1) if len(logits) > 1 else logits


def pool(hidden, pooling):
    """[T, H] → [H] of length one: the mean of all tokens, specials included, or the first."""
    pooled = hidden.mean(0) if pooling == "mean" else hidden[0]
    return pooled / torch.linalg.vector_norm(pooled)


def open_directory(directory):
    with open(os.path.join(directory, "config.json"), encoding="utf-8") as file:
        config = json.load(file)
    return Electra(config, read_safetensors(os.path.join(directory, "model.safetensors")))


def outputs_of(model, case):
    """Everything a case may have an expectation for, by its key."""
    types = case.get("token_type_ids", [0] * len(case["input_ids"]))
    hidden = model.hidden_states(case["input_ids"], types)
    logits = model.logits(hidden)
    mean = pool(hidden, "mean")
    outputs = {"last_hidden_state": hidden, "mean": mean, "cls": pool(hidden, "cls")}
    outputs["mean_pooled_normalised"] = mean
    if logits is not None:
        outputs["logits"] = logits
        if logits.dim() == 1:
            outputs["probabilities"] = probabilities(logits)
    return outputs


def difference(outputs, key, expected):
    actual, expected = outputs[key], torch.tensor(expected, dtype=torch.float64)
    if actual.shape != expected.shape:
        # a few rows of a generator's logits are printed, from the second token on
        actual = actual[1 : 1 + len(expected)]
    return (actual - expected).abs().max().item()


def main():
    if len(sys.argv) not in (2, 3):
        sys.exit(__doc__)
    model = open_directory(sys.argv[1])
    with open(os.path.join(sys.argv[1], "expected.json"), encoding="utf-8") as file:
        expected = json.load(file)
    cases = expected["cases"] if isinstance(expected, dict) else expected
    if len(sys.argv) == 3:
        cases = cases[: int(sys.argv[2])]
    largest = {}
    for case in cases:
        outputs = outputs_of(model, case)
        for key in outputs.keys() & case.keys():
            largest[key] = max(largest.get(key, 0.0), difference(outputs, key, case[key]))
    if not largest:
        sys.exit(f"{sys.argv[1]}: nothing to compare in {len(cases)} cases")
    for key in sorted(largest):
        print(f"{key}: {len(cases)} cases, greatest difference {largest[key]:.1e}")


if __name__ == "__main__":
    main()
