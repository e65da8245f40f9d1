"""Teachers for the sentiment head: linear models of hashed character 1- to 4-grams with TF-IDF; and stars.

    teacher.py WORK

WORK has sentiment_train.tsv and sentiment_dev.tsv of prepare.py: text, stars, label.  It gets, for the first training,

    sentiment_rows.tsv, sentiment_teacher.tsv
        the rows, and those of 1 to 4 stars a second time with words left out (there are three times as many of 9 and
        10), and two logits for each: the mean of what its stars say and what a logistic regression says that has not
        seen the row, one of three

and for the second

    parts_rows.tsv, parts_teacher.tsv
        the rows, and of each a part of one to six words, and two logits for each: what the linear models say that are
        best on the dev set, of whole reviews averaged with their stars.  A part's logits have no noise: from many parts
        the student can learn what the linear models know.

Needs scikit-learn.
"""
import os
import random
import sys

import numpy as np
from sklearn.feature_extraction.text import HashingVectorizer, TfidfTransformer
from sklearn.linear_model import LogisticRegression, Ridge

FOLDS = 3
LEFT_OUT = 0.1
LONGEST_PART = 6
# How positive reviews of so many stars are.  Of 5 to 8: as the regression judges them on the average, scaled so that
# 1 star is 0 and 10 is 1; of the others: chosen so that 4 stars are less sure than 1.
STARS = np.array([0, 0.03, 0.06, 0.10, 0.15, 0.20, 0.35, 0.60, 0.82, 0.92, 0.975])
# What the ridge regression is fitted to, from -1 to 1.
GRADES = np.array([0, 0, 0.06, 0.10, 0.14, 0.30, 0.42, 0.60, 0.80, 0.94, 1.0]) * 2 - 1


def read(path):
    with open(path, encoding="utf-8") as file:
        rows = [line.split("\t") for line in file.read().split("\n")[1:] if line]
    labels = np.array([{"negative": 0, "positive": 1}.get(row[2], -1) for row in rows])
    return [row[0] for row in rows], np.array([int(row[1]) for row in rows]), labels


class Grams:
    def __init__(self, texts):
        self.hashing = HashingVectorizer(analyzer="char", ngram_range=(1, 4), n_features=1 << 20,
                                         alternate_sign=False, norm=None, dtype=np.float32)
        self.tfidf = TfidfTransformer(sublinear_tf=True)
        self.features = self.tfidf.fit_transform(self.hashing.transform(texts))

    def of(self, texts):
        return self.tfidf.transform(self.hashing.transform(texts))


def regression(features, labels):
    return LogisticRegression(C=2.0, class_weight="balanced", solver="liblinear").fit(features, labels)


def judge_unseen(features, labels):
    """How positive each row is, by the regression of the folds that it is not in."""
    fold = np.arange(len(labels)) % FOLDS
    positive = np.zeros(len(labels))
    for f in range(FOLDS):
        seen = (fold != f) & (labels >= 0)
        positive[fold == f] = regression(features[seen], labels[seen]).predict_proba(features[fold == f])[:, 1]
    return positive


class Linear:
    """Logistic and ridge regression, each centred and scaled on the dev set, where their mean becomes a logit."""

    def __init__(self, features, stars, labels, dev, dev_labels):
        known = labels >= 0
        weights = np.where(stars <= 4, 3.0, 1.0)
        logistic = regression(features[known], labels[known])
        ridge = Ridge(alpha=3.0, solver="sag", max_iter=25, tol=1e-3).fit(features, GRADES[stars], sample_weight=weights)
        self.models = [(1.0, logistic.decision_function), (1.3, ridge.predict)]
        self.scales = [(np.median(model(dev)), model(dev).std()) for _, model in self.models]
        self.scale = 1.0
        signs = np.where(dev_labels == 1, 1, -1)
        mean = self(dev)
        losses = [(np.log1p(np.exp(-scale * signs * mean)).mean(), scale) for scale in np.linspace(0.5, 6, 56)]
        self.scale = min(losses)[1]
        print("teacher, dev: accuracy", (signs * mean > 0).mean(), file=sys.stderr)

    def __call__(self, features):
        parts = [share * (model(features) - middle) / deviation
                 for (share, model), (middle, deviation) in zip(self.models, self.scales)]
        return self.scale * sum(parts) / sum(share for share, _ in self.models)


class Output:
    def __init__(self, work, name):
        self.rows = open(os.path.join(work, name + "_rows.tsv"), "w", encoding="utf-8")
        self.logits = open(os.path.join(work, name + "_teacher.tsv"), "w", encoding="utf-8")
        self.rows.write("text\tlabel\n")
        self.logits.write("negative\tpositive\n")

    def add(self, text, label, positive):
        positive = min(max(positive, 1e-4), 1 - 1e-4)
        half = 0.5 * np.log(positive / (1 - positive))
        self.rows.write(f"{text}\t{label}\n")
        self.logits.write(f"{-half:.4f}\t{half:.4f}\n")

    def close(self):
        self.rows.close()
        self.logits.close()


def write_first(work, texts, stars, labels, judged):
    generator = random.Random(7)
    out = Output(work, "sentiment")
    for text, star, label, positive in zip(texts, stars, labels, judged):
        name = ("negative", "positive", "-")[label]
        out.add(text, name, (positive + STARS[star]) / 2)
        if name == "negative":
            words = text.split()
            out.add(" ".join([word for word in words if generator.random() > LEFT_OUT] or words), name,
                    (positive + STARS[star]) / 2)
    out.close()


def a_part(generator, text):
    words = text.split()
    count = generator.randint(1, min(LONGEST_PART, len(words))) if len(words) > 1 else 1
    start = generator.randint(0, len(words) - count) if len(words) >= count else 0
    return " ".join(words[start:start + count]) or text


def write_second(work, texts, stars, grams, teacher):
    generator = random.Random(11)
    parts = [a_part(generator, text) for text in texts]
    out = Output(work, "parts")
    of_texts, of_parts = teacher(grams.features), teacher(grams.of(parts))
    for text, part, star, whole, short in zip(texts, parts, stars, of_texts, of_parts):
        positive = 0.75 / (1 + np.exp(-whole)) + 0.25 * STARS[star]
        out.add(text, "positive" if positive > 0.5 else "negative", positive)
        positive = 1 / (1 + np.exp(-short))
        out.add(part, "positive" if positive > 0.5 else "negative", positive)
    out.close()


def main():
    work = sys.argv[1]
    texts, stars, labels = read(os.path.join(work, "sentiment_train.tsv"))
    dev_texts, _, dev_labels = read(os.path.join(work, "sentiment_dev.tsv"))
    grams = Grams(texts)
    write_first(work, texts, stars, labels, judge_unseen(grams.features, labels))
    teacher = Linear(grams.features, stars, labels, grams.of(dev_texts), dev_labels)
    write_second(work, texts, stars, grams, teacher)


main()
