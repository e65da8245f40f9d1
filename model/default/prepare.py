"""Writes the training files of the built-in model from the data sets.

    prepare.py SHARED OUT

SHARED is the folder of the data sets; those read here may be used to train what is given away: NSMC (CC0), KorSTS,
KLUE and the hate-speech corpus (CC BY-SA 4.0).  No file named test, and of KorSTS no dev file, goes into training.
OUT gets

    sentiment_train.tsv  text, stars, label: all reviews of nsmc/train but those of every fortieth film; the label is
                         negative for 1 to 4 stars, positive for 9 and 10, else - (none)
    sentiment_dev.tsv    of those films, as many positive as negative
    texts.txt            sentences of the other sets
    sts_train.tsv, sts_dev.tsv, klue_sts.tsv   a, b, score from 0 to 1
    pairs.tsv            a, b that mean the same: KLUE-NLI entailments, graded pairs of high grade

The same data give the same files.  Python's standard library is enough.
"""
import json
import lzma
import os
import random
import sys

FILMS = 40
DEV_EACH = 4000


def one_line(text):
    return " ".join(text.split())


def reviews(path):
    with lzma.open(path, "rt", encoding="utf-8") as lines:
        next(lines)
        for line in lines:
            fields = line.rstrip("\n").split("\t")
            if len(fields) == 4 and fields[3].strip():
                yield int(fields[1]), int(fields[2]), fields[3]


def label_of(stars):
    return "negative" if stars <= 4 else "positive" if stars >= 9 else "-"


def write_sentiment(shared, out):
    dev = []
    with open(os.path.join(out, "sentiment_train.tsv"), "w", encoding="utf-8") as train:
        train.write("text\tstars\tlabel\n")
        for film, stars, text in reviews(os.path.join(shared, "data/nsmc/train.tsv.xz")):
            if film % FILMS == 7:
                dev.append((text, stars))
            else:
                train.write(f"{text}\t{stars}\t{label_of(stars)}\n")
    generator = random.Random(1)
    negative = [row for row in dev if row[1] <= 4]
    positive = [row for row in dev if row[1] >= 9]
    count = min(len(negative), len(positive), DEV_EACH)
    generator.shuffle(negative)
    generator.shuffle(positive)
    with open(os.path.join(out, "sentiment_dev.tsv"), "w", encoding="utf-8") as file:
        file.write("text\tstars\tlabel\n")
        for text, stars in negative[:count] + positive[:count]:
            file.write(f"{text}\t{stars}\t{label_of(stars)}\n")


def korsts(shared, part):
    with open(os.path.join(shared, f"data/korsts/sts-{part}.tsv"), encoding="utf-8") as file:
        for line in file.read().split("\n")[1:]:
            fields = line.split("\t")
            if len(fields) >= 7:
                yield fields[5], fields[6], float(fields[4]) / 5


def klue(shared, name):
    with open(os.path.join(shared, "data/klue", name), encoding="utf-8") as file:
        return json.load(file)


def write_pairs(path, rows, header):
    with open(path, "w", encoding="utf-8") as file:
        file.write(header + "\n")
        for row in rows:
            file.write("\t".join(row) + "\n")


def write_similarity(shared, out):
    """The graded pairs, and those that mean the same."""
    nli = klue(shared, "klue-nli-v1.1_dev.json")
    klue_sts = [(one_line(e["sentence1"]), one_line(e["sentence2"]), e["labels"]["real-label"] / 5)
                for e in klue(shared, "klue-sts-v1.1_dev.json")]
    graded = {"sts_train": list(korsts(shared, "train")), "sts_dev": list(korsts(shared, "dev")), "klue_sts": klue_sts}
    for name, rows in graded.items():
        write_pairs(os.path.join(out, name + ".tsv"), ((a, b, f"{score:.3f}") for a, b, score in rows), "a\tb\tscore")
    same = [(one_line(e["premise"]), one_line(e["hypothesis"])) for e in nli if e["gold_label"] == "entailment"]
    same += [(a, b) for a, b, score in graded["sts_train"] if score >= 0.8]
    same += [(a, b) for a, b, score in klue_sts if score >= 0.7]
    write_pairs(os.path.join(out, "pairs.tsv"), same, "a\tb")
    return nli, graded


def write_texts(shared, out, nli, graded):
    texts = []
    folder = os.path.join(shared, "data/hate-speech")
    for name in ("unlabeled_comments_5.txt.xz", "unlabeled_news_title_5.txt.xz"):
        with lzma.open(os.path.join(folder, name), "rt", encoding="utf-8") as lines:
            texts += [one_line(line) for line in lines if line.strip()]
    with open(os.path.join(folder, "train.tsv"), encoding="utf-8") as file:
        texts += [one_line(line.split("\t")[0]) for line in file.read().split("\n")[1:] if line.split("\t")[0]]
    texts += [text for a, b, _ in graded["sts_train"] for text in (a, b)]
    texts += [one_line(e[key]) for e in nli for key in ("premise", "hypothesis")]
    texts += [text for a, b, _ in graded["klue_sts"] for text in (a, b)]
    with open(os.path.join(out, "texts.txt"), "w", encoding="utf-8") as file:
        file.writelines(text + "\n" for text in texts)


def main():
    shared, out = sys.argv[1], sys.argv[2]
    os.makedirs(out, exist_ok=True)
    write_sentiment(shared, out)
    nli, graded = write_similarity(shared, out)
    write_texts(shared, out, nli, graded)


main()
