"""The baseline beside which the built-in model's sentiment head is measured: hashed character 1- to 4-grams,
TF-IDF, logistic regression, on the same split.

    baseline_nsmc.py SHARED

Train: all reviews of nsmc/train with 1 to 4 stars (negative) or 9 and 10 (positive), weighted so that both
count alike.  Test: the balanced test, all reviews of nsmc/test with 1 to 4 stars and as many of the first with 9 and 10.
Needs scikit-learn.
"""
import lzma
import os
import sys
import time

from sklearn.feature_extraction.text import HashingVectorizer, TfidfTransformer
from sklearn.linear_model import LogisticRegression


def read(path):
    texts, labels = [], []
    with lzma.open(path, "rt", encoding="utf-8") as lines:
        next(lines)
        for line in lines:
            fields = line.rstrip("\n").split("\t")
            stars = int(fields[2])
            if len(fields) == 4 and fields[3] and not 4 < stars < 9:
                texts.append(fields[3])
                labels.append(int(stars >= 9))
    return texts, labels


def balanced(texts, labels):
    negatives = labels.count(0)
    kept, positives = [], 0
    for text, label in zip(texts, labels):
        positives += label
        if not label or positives <= negatives:
            kept.append((text, label))
    return [t for t, _ in kept], [l for _, l in kept]


def main():
    folder = os.path.join(sys.argv[1], "data", "nsmc")
    texts, labels = read(os.path.join(folder, "train.tsv.xz"))
    test_texts, test_labels = balanced(*read(os.path.join(folder, "test.tsv.xz")))
    began = time.time()
    grams = HashingVectorizer(analyzer="char", ngram_range=(1, 4), n_features=1 << 20, alternate_sign=False, norm=None)
    weights = TfidfTransformer(sublinear_tf=True)
    features = weights.fit_transform(grams.transform(texts))
    classifier = LogisticRegression(C=2.0, class_weight="balanced", solver="liblinear")
    classifier.fit(features, labels)
    accuracy = classifier.score(weights.transform(grams.transform(test_texts)), test_labels)
    print(f"train {len(texts)}, test {len(test_texts)}: accuracy {100 * accuracy:.2f} % ({time.time() - began:.0f} s)")


main()
