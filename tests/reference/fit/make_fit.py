"""What scikit-learn fits to rows made by a formula: expected.json, the oracle of tests/test_fit.c.

    python3 tests/reference/fit/make_fit.py

Needs scikit-learn (1.2.1 made the committed file).  A second run changes no byte."""
import json
import os

import numpy as np
from sklearn.linear_model import LogisticRegression

CASES = [  # rows, dimension, classes, l2, balanced
    (200, 16, 2, 1.0, False),
    (300, 24, 5, 0.1, True),
    (2500, 8, 3, 10.0, False),
    (40, 64, 4, 0.01, False),
    (1500, 12, 7, 0.5, True),
]
SHOWN = 6  # rows whose probabilities are written


def uniform(seed, count):
    """`count` numbers of [0, 1), multiples of 2**-24, from a linear congruential generator."""
    numbers, state = [], seed
    for _ in range(count):
        state = (1664525 * state + 1013904223) % 2**32
        numbers.append((state >> 8) / 2**24)
    return numbers


def make_rows(rows, dimension, classes):
    """Features [rows, dimension], exact in float32, and classes [rows], the first one rarest."""
    numbers = np.array(uniform(rows, rows * (dimension + 1))).reshape(rows, dimension + 1)
    y = (np.sqrt(numbers[:, 0]) * classes).astype(int)
    near = (np.arange(dimension)[None, :] % classes) == y[:, None]
    return numbers[:, 1:] - 0.5 + 0.25 * near, y


def fit(rows, dimension, classes, l2, balanced):
    x, y = make_rows(rows, dimension, classes)
    counts = np.bincount(y, minlength=classes)
    assert counts.min() > 0
    worth = (rows / (classes * counts) if balanced else np.ones(classes))[y]
    x = x - x.mean(0)
    x = x / np.sqrt(x.var(0).mean())
    model = LogisticRegression(C=1 / l2, multi_class="multinomial", solver="newton-cg", tol=1e-7,
                               max_iter=10000).fit(x, y, sample_weight=worth)
    # Two classes are stored as one row of half the difference.
    weight = model.coef_ if classes > 2 else np.vstack([-model.coef_, model.coef_])
    bias = model.intercept_ if classes > 2 else np.hstack([-model.intercept_, model.intercept_])
    logits = x @ weight.T + bias
    logits -= logits.max(1, keepdims=True)
    p = np.exp(logits) / np.exp(logits).sum(1, keepdims=True)
    assert np.allclose(p, model.predict_proba(x), atol=1e-12)
    loss = -(worth * np.log(p[np.arange(rows), y])).sum()
    objective = (loss + l2 / 2 * (weight ** 2).sum()) / worth.sum()
    return objective, p[:SHOWN]


def main():
    path = os.path.join(os.path.dirname(os.path.abspath(__file__)), "expected.json")
    with open(path, "w") as out:
        out.write('{"cases": [\n')
        for i, case in enumerate(CASES):
            objective, p = fit(*case)
            values = dict(zip(("rows", "dimension", "classes", "l2", "balanced"), case))
            values["objective"] = round(objective, 10)
            values["probabilities"] = [[round(v, 8) for v in row] for row in p]
            out.write(json.dumps(values) + (",\n" if i + 1 < len(CASES) else "\n"))
        out.write("]}\n")


main()
