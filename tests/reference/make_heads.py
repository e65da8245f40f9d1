"""Writes heads/: a tiny random checkpoint for every head, with what follows from PyTorch's logits.

    python3 make_heads.py

Needs PyTorch.  Everything comes from fixed seeds, so a second run changes nothing.  Windows, words,
entities and answers are worked out here in the plainest way, from the definitions: every window
anew, every span tried.
"""
import json
import math
import os
import re

import torch

from make_tiny import Weights, make_config, rounded, write_json, write_text
from model import Electra, write_safetensors
from texts import LONG_TEXT, ODD_TEXTS, PAIRS, TEXTS
from wordpiece import Tokenizer, build_vocabulary, is_punctuation

HERE = os.path.dirname(os.path.abspath(__file__))
MAX_LENGTH = 40
MASK = "[MASK]"
PARAGRAPH = " ".join(TEXTS[:9])  # more tokens than three windows hold


class Offsets(Tokenizer):
    """Pieces with the characters that they stand for; [MASK] is one."""

    def spans(self, text):
        """(id, start, end) of every piece of a text."""
        found = []
        for part in re.finditer(r"\[MASK\]|(?:(?!\[MASK\])\S)+", text):
            if part.group() == MASK:
                found.append((self.ids[MASK], part.start(), part.end()))
                continue
            start = part.start()
            for word in self.split(part.group()):
                found += self.word_spans(word, start)
                start += len(word)
        return found

    @staticmethod
    def split(stretch):
        words = []
        for character in stretch:
            if is_punctuation(character) or not words or is_punctuation(words[-1][-1]):
                words.append(character)
            else:
                words[-1] += character
        return words

    def word_spans(self, word, start):
        ids = self.pieces(word)
        if ids == [self.ids["[UNK]"]]:
            return [(ids[0], start, start + len(word))]
        names = {i: token for token, i in self.ids.items()}
        spans = []
        for i in ids:
            length = len(names[i]) - 2 * (len(spans) > 0)
            spans.append((i, start, start + length))
            start += length
        return spans


def windows(count, length, step):
    """(start, end) of the windows over `count` tokens."""
    found, start = [], 0
    while count > 0:
        found.append((start, min(start + length, count)))
        if start + length >= count:
            break
        start += step
    return found


def owner(token, spans):
    """The window in which a token has most context; the first of several."""
    context = [min(token - a, b - 1 - token) if a <= token < b else -1 for a, b in spans]
    return context.index(max(context))


class Reader:
    """A checkpoint, read token by token in windows."""

    def __init__(self, config, vocabulary, tensors):
        self.tokenizer = Offsets(vocabulary)
        self.vocabulary = vocabulary
        self.model = Electra(config, tensors)

    def logits_of(self, before, spans, segment):
        """Logits of [CLS] `before` spans [SEP]."""
        ids = self.tokenizer.ids
        left = [ids["[CLS]"], *before]
        input_ids = left + [span[0] for span in spans] + [ids["[SEP]"]]
        types = [0] * len(left) + [segment] * (len(spans) + 1)
        return self.model.logits(self.model.hidden_states(input_ids, types))

    def read(self, text):
        """Pieces of a text, and the logits of each in the window it belongs to."""
        pieces = self.tokenizer.spans(text)
        length = MAX_LENGTH - 2
        spans = windows(len(pieces), length, length - length // 2)
        logits = [self.logits_of([], pieces[a:b], 0) for a, b in spans]
        rows = []
        for token in range(len(pieces)):
            window = owner(token, spans)
            rows.append(logits[window][1 + token - spans[window][0]])
        return pieces, rows


def mean(values):
    return sum(values) / len(values)


def entities(text, pieces, rows, labels, by_word):
    """Entities of labels PER-B, PER-I, O."""
    units = []  # start, end, label, probability
    words = [match.span() for match in re.finditer(r"\S+", text)]
    seen = set()
    for (_, start, end), row in zip(pieces, rows):
        probabilities = torch.softmax(row, -1)
        best = int(probabilities.argmax())
        if by_word:
            word = next(span for span in words if span[0] <= start < span[1])
            last = max(piece[2] for piece in pieces if word[0] <= piece[1] < word[1])
            if word in seen:
                continue
            seen.add(word)
            end = last
        units.append((start, end, labels[best], probabilities[best].item()))
    found, open_type = [], None
    for start, end, label, probability in units:
        kind, _, mark = label.partition("-")
        if label == "O":
            open_type = None
        elif mark == "I" and kind == open_type:
            found[-1]["end"] = end
            found[-1]["scores"].append(probability)
        else:
            found.append({"entity": kind, "start": start, "end": end, "scores": [probability]})
            open_type = kind
    for entity in found:
        entity["score"] = rounded(mean(entity.pop("scores")))
        entity["text"] = text[entity["start"] : entity["end"]]
    return found


def answers(reader, question, context, k, longest, stride):
    asked = [span[0] for span in reader.tokenizer.spans(question)]
    room = MAX_LENGTH - 3
    asked = asked[: min(64, room // 2)]
    pieces = reader.tokenizer.spans(context)
    length = room - len(asked)
    step = stride if stride <= length else (length + 1) // 2
    spans = windows(len(pieces), length, step)
    candidates, no_answer = [], math.inf
    for number, (a, b) in enumerate(spans):
        before = [*asked, reader.tokenizer.ids["[SEP]"]]
        logits = reader.logits_of(before, pieces[a:b], 1)
        no_answer = min(no_answer, (logits[0][0] + logits[0][1]).item())
        rows = logits[len(before) + 1 :]
        for first in range(a, b):
            if owner(first, spans) != number:
                continue
            for last in range(first, min(b, first + longest)):
                total = (rows[first - a][0] + rows[last - a][1]).item()
                candidates.append((total, pieces[first][1], pieces[last][2]))
    if not candidates:
        return {"answers": [], "no_answer": None}
    norm = torch.logsumexp(torch.tensor([c[0] for c in candidates], dtype=torch.float64), 0).item()
    best = sorted(candidates, key=lambda c: -c[0])[:k]
    found = [
        {"answer": context[start:end], "score": rounded(math.exp(total - norm)), "start": start,
         "end": end, "logit": rounded(total)}
        for total, start, end in best
    ]  # fmt: skip
    return {"answers": found, "no_answer": rounded(no_answer)}


def fills(reader, text, k):
    pieces, rows = reader.read(text)
    found, mask = [], 0
    for (i, start, end), row in zip(pieces, rows):
        if i != reader.tokenizer.ids[MASK]:
            continue
        probabilities = torch.softmax(row, -1)
        for word in torch.argsort(probabilities, descending=True)[:k].tolist():
            token = reader.vocabulary[word]
            plain = token[2:] if token.startswith("##") else token
            found.append({"mask": mask, "start": start, "end": end, "token": token,
                          "score": rounded(probabilities[word].item()),
                          "text": text[:start] + plain + text[end:]})  # fmt: skip
        mask += 1
    return found


def sizes(**others):
    return {"embedding_size": 8, "hidden_size": 16, "intermediate_size": 24,
            "max_position_embeddings": MAX_LENGTH, "num_attention_heads": 2,
            "num_hidden_layers": 2, **others}  # fmt: skip


def with_labels(config, labels):
    config["id2label"] = {str(i): label for i, label in enumerate(labels)}
    config["label2id"] = {label: i for i, label in enumerate(labels)}
    return config


def write(name, config, vocabulary, tensors, cases):
    directory = os.path.join("heads", name)
    write_json(directory, "config.json", config)
    tokenizer = {"do_lower_case": False, "model_max_length": MAX_LENGTH}
    write_json(directory, "tokenizer_config.json", tokenizer)
    write_text(directory, "vocab.txt", "".join(token + "\n" for token in vocabulary))
    write_safetensors(os.path.join(HERE, directory, "model.safetensors"), tensors)
    lines = ",\n".join(json.dumps(case, ensure_ascii=False) for case in cases)
    write_text(directory, "expected.json", '{"cases": [\n' + lines + "\n]}\n")


def make_entities(vocabulary):
    """ElectraForTokenClassification, labels as Naver's NER data spells them."""
    labels = ["O", "PER-B", "PER-I", "LOC-B", "LOC-I", "DAT-B", "DAT-I"]
    config = make_config("ElectraForTokenClassification", vocabulary, **sizes())
    with_labels(config, labels)
    weights = Weights(31)
    weights.encoder(config, "electra.")
    weights.linear("classifier", config["hidden_size"], len(labels), std=0.6)
    weights.tensors["classifier.bias"][0] += 1.5  # most tokens are of no entity
    reader = Reader(config, vocabulary, weights.tensors)
    cases = []
    for text in TEXTS[:12] + ODD_TEXTS + [PARAGRAPH]:
        pieces, rows = reader.read(text)
        cases.append({
            "text": text,
            "word": entities(text, pieces, rows, labels, True),
            "token": entities(text, pieces, rows, labels, False),
        })  # fmt: skip
    write("entities", config, vocabulary, weights.tensors, cases)


def make_answers(vocabulary):
    """ElectraForQuestionAnswering."""
    config = make_config("ElectraForQuestionAnswering", vocabulary, **sizes())
    weights = Weights(32)
    weights.encoder(config, "electra.")
    weights.linear("qa_outputs", config["hidden_size"], 2, std=0.6)
    reader = Reader(config, vocabulary, weights.tensors)
    cases = []
    questions = ["도서관은 언제 닫아요?", "", LONG_TEXT]
    for number, context in enumerate(TEXTS[:6] + ["책", "", LONG_TEXT, PARAGRAPH]):
        for longest, stride in ((30, 128), (3, 7)):
            question = questions[number % 3]
            case = {"question": question, "context": context, "k": 5,
                    "max_answer_length": longest, "doc_stride": stride}  # fmt: skip
            case.update(answers(reader, question, context, 5, longest, stride))
            cases.append(case)
    write("answers", config, vocabulary, weights.tensors, cases)


def make_replaced(vocabulary):
    """ElectraForPreTraining, the discriminator."""
    config = make_config("ElectraForPreTraining", vocabulary, **sizes(embedding_size=16))
    weights = Weights(33)
    weights.encoder(config, "electra.")
    hidden = config["hidden_size"]
    weights.linear("discriminator_predictions.dense", hidden, hidden, std=0.4)
    weights.linear("discriminator_predictions.dense_prediction", hidden, 1, std=0.6)
    reader = Reader(config, vocabulary, weights.tensors)
    cases = []
    for text in TEXTS[:8] + ODD_TEXTS + [PARAGRAPH]:
        pieces, rows = reader.read(text)
        cases.append({
            "text": text,
            "tokens": [[number + 1, vocabulary[i], start, end, rounded(torch.sigmoid(row).item())]
                       for number, ((i, start, end), row) in enumerate(zip(pieces, rows))],
        })  # fmt: skip
    write("replaced", config, vocabulary, weights.tensors, cases)


def make_fill_mask(vocabulary):
    """ElectraForMaskedLM, the generator: tied embeddings, wider than the hidden states."""
    config = make_config("ElectraForMaskedLM", vocabulary, **sizes(embedding_size=20))
    weights = Weights(34)
    weights.encoder(config, "electra.")
    hidden, embedding = config["hidden_size"], config["embedding_size"]
    weights.linear("generator_predictions.dense", hidden, embedding, std=0.4)
    weights.layer_norm("generator_predictions.LayerNorm", embedding)
    # The embeddings are small: so that the words differ.
    weights.tensors["electra.embeddings.word_embeddings.weight"] *= 10
    weights.normal("generator_lm_head.bias", len(vocabulary), std=0.3)
    reader = Reader(config, vocabulary, weights.tensors)
    texts = [MASK, f"오늘은 {MASK}부터 비가 내려서 {MASK}을 닫았어요.", f"{MASK}{MASK} 책",
             f"산에는{MASK} 눈이 남아 있어요.", f"{PARAGRAPH} {MASK} {PARAGRAPH}",
             f"{MASK} {PARAGRAPH}{MASK}"]  # fmt: skip
    cases = [{"text": text, "fills": fills(reader, text, 4)} for text in texts]
    write("fill_mask", config, vocabulary, weights.tensors, cases)


def sequence_cases(config, vocabulary, tensors, texts, pairs):
    reader, model = Tokenizer(vocabulary), Electra(config, tensors)
    cases = []
    for text, pair in [(text, None) for text in texts] + pairs:
        ids, types = reader.encode(text, pair, MAX_LENGTH)
        case = {"text": text} if pair is None else {"text": text, "pair": pair}
        case["logits"] = rounded(model.logits(model.hidden_states(ids, types)).tolist())
        cases.append(case)
    return cases


def make_hate_speech(vocabulary):
    """ElectraForBiasClassification of monologg/korean-hate-speech-koelectra: two heads."""
    config = make_config("ElectraForBiasClassification", vocabulary, **sizes())
    weights = Weights(35)
    weights.encoder(config, "electra.")
    for name in ("bias", "hate"):
        weights.linear(f"{name}_classifier.classifier", config["hidden_size"], 3, std=0.8)
    tensors = weights.tensors
    cases = sequence_cases(config, vocabulary, tensors, TEXTS[:8], PAIRS[:8])
    write("hate_speech", config, vocabulary, tensors, cases)


def make_one_layer(vocabulary):
    """ElectraForSequenceClassification of before transformers 2.10: one layer on [CLS]."""
    config = make_config("ElectraForSequenceClassification", vocabulary, **sizes())
    with_labels(config, ["negative", "positive"])
    weights = Weights(36)
    weights.encoder(config, "electra.")
    weights.linear("classifier", config["hidden_size"], 2, std=0.8)
    tensors = weights.tensors
    cases = sequence_cases(config, vocabulary, tensors, TEXTS[:8], PAIRS[:4])
    write("one_layer", config, vocabulary, tensors, cases)


if __name__ == "__main__":
    words = build_vocabulary(TEXTS[:12], 190)
    make_entities(words)
    make_answers(words)
    make_replaced(words)
    make_fill_mask(words)
    make_hate_speech(words)
    make_one_layer(words)
