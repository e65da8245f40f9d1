"""A teacher for the sentiment head: hashed character 1- to 4-grams, TF-IDF, logistic regression; and stars.

    teacher.py WORK

WORK has sentiment_train.tsv of prepare.py: text, stars, label.  It gets

    sentiment_rows.tsv     the same rows, and those of 1 to 4 stars a second time with words left out: there are three
                           times as many of 9 and 10
    sentiment_teacher.tsv  two logits for each of them

A row's probability of being positive is the mean of what its stars say and what a regression says that has not seen
the row, one of three.  Needs scikit-learn.
"""
import os
import random
import sys

import numpy as np
from sklearn.feature_extraction.text import HashingVectorizer, TfidfTransformer
from sklearn.linear_model import LogisticRegression

FOLDS = 3
LEFT_OUT = 0.1
# How positive reviews of so many stars are.  Of 5 to 8: as the regression judges them on the average, scaled so that
# 1 star is 0 and 10 is 1; of the others: chosen so that 4 stars are less sure than 1.
STARS = {1: 0.03, 2: 0.06, 3: 0.10, 4: 0.15, 5: 0.20, 6: 0.35, 7: 0.60, 8: 0.82, 9: 0.92, 10: 0.975}


def judge(texts, labels):
    """How positive each text is, by the regression of the folds that it is not in."""
    grams = HashingVectorizer(analyzer="char", ngram_range=(1, 4), n_features=1 << 20, alternate_sign=False, norm=None)
    features = TfidfTransformer(sublinear_tf=True).fit_transform(grams.transform(texts))
    fold = np.arange(len(texts)) % FOLDS
    positive = np.zeros(len(texts))
    for f in range(FOLDS):
        seen = (fold != f) & (labels >= 0)
        regression = LogisticRegression(C=2.0, class_weight="balanced", solver="liblinear")
        regression.fit(features[seen], labels[seen])
        positive[fold == f] = regression.predict_proba(features[fold == f])[:, 1]
    known = labels >= 0
    print("accuracy", ((positive > 0.5) == labels)[known].mean(), file=sys.stderr)
    return positive


def main():
    work = sys.argv[1]
    with open(os.path.join(work, "sentiment_train.tsv"), encoding="utf-8") as file:
        rows = [line.split("\t") for line in file.read().split("\n")[1:] if line]
    labels = np.array([{"negative": 0, "positive": 1}.get(row[2], -1) for row in rows])
    judged = judge([row[0] for row in rows], labels)
    generator = random.Random(7)
    with open(os.path.join(work, "sentiment_rows.tsv"), "w", encoding="utf-8") as texts, \
            open(os.path.join(work, "sentiment_teacher.tsv"), "w", encoding="utf-8") as logits:
        texts.write("text\tstars\tlabel\n")
        logits.write("negative\tpositive\n")
        for (text, stars, label), positive in zip(rows, judged):
            p = min(max((positive + STARS[int(stars)]) / 2, 1e-4), 1 - 1e-4)
            half = 0.5 * np.log(p / (1 - p))
            copies = [text]
            if label == "negative":
                words = text.split()
                copies.append(" ".join([word for word in words if generator.random() > LEFT_OUT] or words))
            for copy in copies:
                texts.write(f"{copy}\t{stars}\t{label}\n")
                logits.write(f"{-half:.4f}\t{half:.4f}\n")


main()
