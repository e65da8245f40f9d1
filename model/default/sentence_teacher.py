"""A teacher for the embeddings: what texts say by their letters and by the company of their words.

    sentence_teacher.py WORK

WORK has the files of prepare.py and vocab.txt.  It gets

    sentences.tsv           text, pair: texts to learn by, two a row
    sentences.safetensors   "embeddings" [2 · rows, 192] float16: the teacher's for each
    start.safetensors       the student's embedding table [vocabulary, 160] and its projection [192, 160] to begin with

The teacher's embedding of a text is the sum of two vectors of length 1 and 0.5.  The first is TF-IDF of character 1- to
3-grams within words, projected at random (Johnson and Lindenstrauss 1984); its cosine is nearly that of TF-IDF.  The
second is the mean of its pieces' vectors, weighted by inverse document frequency; those come from the positive
pointwise mutual information of pieces up to 8 apart, by singular value decomposition (Levy and Goldberg 2014), also
projected at random.  Needs NumPy, SciPy and scikit-learn.
"""
import json
import os
import random
import re
import struct
import sys

import numpy as np
from scipy import sparse
from sklearn.feature_extraction.text import HashingVectorizer, TfidfTransformer
from sklearn.utils.extmath import randomized_svd

HIDDEN = 192
EMBEDDING = 160
WINDOW = 8
MEANING = 0.5
GRAMS = 1 << 18
WORDS = re.compile(r"[^\W_]+|[\W_]")


class Pieces:
    """WordPiece, longest match first, words cut at spaces and punctuation."""

    def __init__(self, path):
        self.names = [line.rstrip("\n") for line in open(path, encoding="utf-8")]
        self.ids = {name: i for i, name in enumerate(self.names)}
        self.known = {}

    def of_word(self, word):
        ids, start = [], 0
        while start < len(word):
            for end in range(len(word), start, -1):
                piece = self.ids.get(("##" if start else "") + word[start:end])
                if piece is not None:
                    break
            else:
                return [self.ids["[UNK]"]]
            ids.append(piece)
            start = end
        return ids

    def __call__(self, text):
        ids = []
        for word in WORDS.findall(text):
            if not word.isspace():
                if word not in self.known:
                    self.known[word] = self.of_word(word)
                ids += self.known[word]
        return ids


def rows_of(path):
    return [line.split("\t") for line in open(path, encoding="utf-8").read().split("\n")[1:] if line]


def unit(rows):
    return rows / np.maximum(1e-9, np.linalg.norm(rows, axis=1, keepdims=True))


def cooccurrences(documents, size):
    """How often two pieces are at most WINDOW apart in one text: sparse [size, size]."""
    counts = sparse.csr_matrix((size, size))
    for first in range(0, len(documents), 100000):
        part = documents[first:first + 100000]
        pieces = np.concatenate([np.array(d, dtype=np.int64) for d in part])
        text = np.repeat(np.arange(len(part)), [len(d) for d in part])
        for distance in range(1, WINDOW + 1):
            same = text[:-distance] == text[distance:]
            keys, times = np.unique(pieces[:-distance][same] * size + pieces[distance:][same], return_counts=True)
            counts += sparse.csr_matrix((times.astype(float), (keys // size, keys % size)), shape=(size, size))
    return counts + counts.T


def piece_meanings(documents, size):
    """Vectors of pieces by the company they keep, of length 1: [size, EMBEDDING]."""
    counts = cooccurrences(documents, size).tocoo()
    often = counts.data > 1.5
    row, column, times = counts.row[often], counts.col[often], counts.data[often]
    total = np.maximum(1, np.asarray(counts.sum(1)).ravel())
    context = total**0.75 / (total**0.75).sum()  # smoothed, else rare contexts weigh too much
    information = np.log(times / total[row] / context[column])
    positive = information > 0
    matrix = sparse.csr_matrix((information[positive], (row[positive], column[positive])), shape=(size, size))
    left, values, _ = randomized_svd(matrix, EMBEDDING, n_iter=3, random_state=0)
    return unit(left * np.sqrt(values))


class Teacher:
    def __init__(self, texts, pieces):
        generator = np.random.default_rng(0)
        documents = [pieces(text) for text in texts]
        size = len(pieces.names)
        self.pieces = pieces
        self.meanings = piece_meanings(documents, size)
        frequency = np.bincount(np.concatenate([np.unique(d) for d in documents if d]), minlength=size)
        self.weights = np.log((len(texts) + 1) / (frequency + 1))
        self.grams = HashingVectorizer(analyzer="char_wb", ngram_range=(1, 3), n_features=GRAMS, alternate_sign=False,
                                       norm=None)
        self.tfidf = TfidfTransformer(sublinear_tf=True).fit(self.grams.transform(texts[::3]))
        self.letters = generator.standard_normal((GRAMS, HIDDEN)).astype(np.float32) / np.sqrt(HIDDEN)
        self.turn = np.linalg.qr(generator.standard_normal((HIDDEN, EMBEDDING)))[0].T.astype(np.float32)
        self.common = self.mean_meanings(documents[:30000]).mean(0)

    def mean_meanings(self, documents):
        size = len(self.pieces.names)
        lengths = [len(d) for d in documents]
        pieces = np.concatenate([np.array(d, dtype=np.int64) for d in documents])
        rows = np.repeat(np.arange(len(documents)), lengths)
        matrix = sparse.csr_matrix((self.weights[pieces], (rows, pieces)), shape=(len(documents), size))
        return unit(matrix @ self.meanings)

    def embed(self, texts):
        letters = unit(self.tfidf.transform(self.grams.transform(texts)) @ self.letters)
        meanings = unit(self.mean_meanings([self.pieces(text) for text in texts]) - self.common) @ self.turn
        return unit(letters + MEANING * meanings)

    def embed_pieces(self):
        """The same of single pieces: a text of pieces is about the sum of these."""
        grams = HashingVectorizer(analyzer="char", ngram_range=(1, 3), n_features=GRAMS, alternate_sign=False,
                                  norm=None)
        strings = [name[2:] if name.startswith("##") else " " + name for name in self.pieces.names]
        letters = unit(self.tfidf.transform(grams.transform(strings)) @ self.letters)
        return unit(letters + MEANING * self.meanings @ self.turn)


def write_safetensors(path, tensors):
    header, offset = {}, 0
    for name, array in tensors.items():
        dtype = {"float16": "F16", "float32": "F32"}[array.dtype.name]
        header[name] = {"dtype": dtype, "shape": array.shape, "data_offsets": [offset, offset + array.nbytes]}
        offset += array.nbytes
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    with open(path, "wb") as file:
        file.write(struct.pack("<Q", len(text)) + text)
        for array in tensors.values():
            file.write(np.ascontiguousarray(array).tobytes())


def sentences(work, reviews, texts):
    """What the student learns by: whole texts, parts of texts, and words put together at random, so that also rare
    words are met often enough."""
    generator = random.Random(3)
    graded = [text for name in ("sts_train", "klue_sts") for row in rows_of(os.path.join(work, name + ".tsv"))
              for text in row[:2]]
    out = texts + reviews[::4] + 4 * graded
    for text in generator.sample(reviews, 50000) + generator.sample(texts, 50000):
        words = text.split()
        if len(words) > 3:
            length = generator.randrange(2, min(12, len(words)))
            start = generator.randrange(len(words) - length + 1)
            out.append(" ".join(words[start:start + length]))
    words = list(dict.fromkeys(word for text in texts + reviews[::2] for word in text.split() if len(word) < 10))
    for _ in range(100000):
        out.append(" ".join(generator.choice(words) for _ in range(generator.randrange(3, 10))))
    out = [" ".join(text.split()[:40]) for text in out if text.strip()]
    generator.shuffle(out)
    return out[:len(out) // 2 * 2]


def main():
    work = sys.argv[1]
    reviews = [row[0] for row in rows_of(os.path.join(work, "sentiment_train.tsv"))]
    texts = [line for line in open(os.path.join(work, "texts.txt"), encoding="utf-8").read().split("\n") if line]
    teacher = Teacher(reviews + texts, Pieces(os.path.join(work, "vocab.txt")))
    pieces = teacher.embed_pieces()
    _, _, basis = np.linalg.svd(pieces, full_matrices=False)
    turn = np.linalg.qr(np.random.default_rng(1).standard_normal((EMBEDDING, EMBEDDING)))[0]
    basis = turn @ basis[:EMBEDDING]  # spreads what each piece has over all numbers
    table = pieces @ basis.T
    table *= 0.15 * np.sqrt(EMBEDDING) / np.linalg.norm(table, axis=1, keepdims=True)
    write_safetensors(os.path.join(work, "start.safetensors"), {
        "electra.embeddings.word_embeddings.weight": table.astype(np.float32),
        "electra.embeddings_project.weight": basis.T.astype(np.float32)})
    learned = sentences(work, reviews, texts)
    embeddings = np.concatenate([teacher.embed(learned[i:i + 20000]).astype(np.float16)
                                 for i in range(0, len(learned), 20000)])
    write_safetensors(os.path.join(work, "sentences.safetensors"), {"embeddings": embeddings})
    with open(os.path.join(work, "sentences.tsv"), "w", encoding="utf-8") as file:
        file.write("text\tpair\n")
        for i in range(0, len(learned), 2):
            file.write(learned[i].replace("\t", " ") + "\t" + learned[i + 1].replace("\t", " ") + "\n")


main()
