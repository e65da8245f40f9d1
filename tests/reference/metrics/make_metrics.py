#!/usr/bin/env python3
"""Prints tests/reference/metrics/expected.json: what scikit-learn and SciPy say of random labels and
numbers, and what two definitions written out here say of tags and of answers.

    python3 tests/reference/metrics/make_metrics.py > tests/reference/metrics/expected.json

Entities are counted as seqeval counts them (its default mode, without its code): a chunk is a run
of words of one type that no B parts.  Answers are scored as KorQuAD 1.0 describes it.  Needs
scikit-learn and SciPy; a second run changes no byte."""
import collections
import json
import random
import string
import warnings

from scipy.stats import pearsonr, spearmanr
from sklearn.metrics import accuracy_score, f1_score

warnings.simplefilter("ignore")
random.seed(20)


def labels(rows, expected_names, predicted_names):
    expected = random.choices(expected_names, k=rows)
    predicted = [e if e in predicted_names and random.random() < 0.5 else random.choice(predicted_names) for e in expected]
    case = {"rows": [list(pair) for pair in zip(predicted, expected)], "accuracy": accuracy_score(expected, predicted)}
    for average in ("macro", "weighted", "micro"):
        case[average] = f1_score(expected, predicted, average=average)
    names = sorted(set(expected) | set(predicted))
    case["classes"] = dict(zip(names, f1_score(expected, predicted, average=None, labels=names)))
    return case


def numbers(rows, digits):
    x = [round(random.gauss(2.5, 1.5), digits) for _ in range(rows)]
    y = [round(v + random.gauss(0, 2), digits) for v in x]
    return {"rows": [list(pair) for pair in zip(x, y)], "pearson": pearsonr(x, y)[0], "spearman": spearmanr(x, y)[0]}


def chunks(tags, suffix):
    """(type, first, last) of each entity."""
    found = []
    for i, tag in enumerate(tags):
        if tag == "O":
            continue
        kind, mark = tag.rsplit("-", 1) if suffix else tag.split("-", 1)[::-1]
        previous = found[-1] if found else None
        if mark == "I" and previous and previous[0] == kind and previous[2] == i - 1:
            previous[2] = i
        else:
            found.append([kind, i, i])
    return {tuple(chunk) for chunk in found}


def entities(sentences, suffix):
    names = ["PER", "LOC", "ORG"]
    tags = ["O", "O", "O"] + [f"{n}-{m}" if suffix else f"{m}-{n}" for n in names for m in "BI"]
    rows, right, expected, predicted = [], 0, 0, 0
    for _ in range(sentences):
        gold = random.choices(tags, k=random.randint(1, 12))
        given = [g if random.random() < 0.7 else random.choice(tags) for g in gold]
        rows.append([" ".join(given), " ".join(gold)])
        a, b = chunks(gold, suffix), chunks(given, suffix)
        right, expected, predicted = right + len(a & b), expected + len(a), predicted + len(b)
    precision, recall = right / predicted, right / expected
    return {"rows": rows, "f1": 2 * precision * recall / (precision + recall)}


def normal(answer):
    for mark in "'\"《》<>〈〉()‘’":
        answer = answer.replace(mark, " ")
    return " ".join("".join(c for c in answer.lower() if c not in string.punctuation).split())


def answer_score(predicted, answer):
    a, b = normal(predicted), normal(answer)
    letters, right = a.replace(" ", ""), b.replace(" ", "")
    common = sum((collections.Counter(letters) & collections.Counter(right)).values())
    f1 = 0 if common == 0 else 2 * (common / len(letters)) * (common / len(right)) / (common / len(letters) + common / len(right))
    return float(a == b), f1


def answers(rows):
    pieces = ["서울", "특별시", "1989년", " ", "2월", "15일", "《", "》", "파우스트", "'", "BTS", "bts", "(", ")", ".", ",", "-",
              "‘", "’", "임수경", "의", "에서", "\u00a0", "\t", "\u3000", "É", "é", "%", "3.5", "“", "”", "·", "Ⅳ", "ⅳ", "\u2028", "\x1c", "\x85"]
    table, exact, f1 = [], 0, 0
    for _ in range(rows):
        golds = ["".join(random.choices(pieces, k=random.randint(1, 5))) for _ in range(random.choice((1, 1, 1, 3)))]
        given = random.choice(golds)
        change = random.random()
        if change < 0.6:
            given += random.choice(pieces)
        if change < 0.2:
            given = "".join(random.choices(pieces, k=3))
        scores = [answer_score(given, gold) for gold in golds]
        exact, f1 = exact + max(s[0] for s in scores), f1 + max(s[1] for s in scores)
        table.append([given, golds[0] if len(golds) == 1 else json.dumps(golds, ensure_ascii=False)])
    return {"rows": table, "exact_match": exact / rows, "character_f1": f1 / rows}


print(json.dumps({
    "labels": [labels(40, ["a", "b", "c"], ["a", "b", "c"]), labels(30, ["none", "hate", "offensive"], ["none", "hate"]),
               labels(20, ["긍정"], ["긍정", "부정"]), labels(25, ["0", "1"], ["0", "1"]), labels(5, ["x"], ["x"]),
               labels(12, ["a", "b"], ["c", "d"])],
    "numbers": [numbers(30, 3), numbers(40, 0), numbers(2, 1)],
    "entities": [entities(30, True), entities(30, False)],
    "answers": [answers(120)],
}, ensure_ascii=False, separators=(",", ":")).replace('},{', '},\n{'))
