#!/usr/bin/env python3
"""Which search finds the right text: FTS5 with three tokenizers, koelectra_index, and both merged.

  tests/bench/full_text.py EXTENSION [QUERIES]

EXTENSION is a path without .so.  Two tasks, both in Korean and both of the shared folder
($KOELECTRA_SHARED, or ../shared); skipped where it is not there:

  paragraphs  KorQuAD 1.0 dev: the paragraph that answers a question, among all of them
  questions   Question_pair: the other question of a pair that asks the same, among all questions

QUERIES of each task are drawn at random with a fixed seed; 2000 unless told, 0 for all.  Printed are
the share of queries whose text comes first, or among the first ten, and the mean of 1/place (MRR@10).
"pieces" is an index of the model's WordPiece pieces, which ext/fts5_terms.h decided against.  Merging is
reciprocal rank fusion (Cormack, Clarke, Buettcher 2009), as in sql/hybrid_search.sql, with the constant
and the weight of meaning that are named; and bm25, divided by its best, plus a part of the cosine.
"passages" is koelectra_index over the chunks of the texts, as in sql/long_documents.sql: a text is as
near as its nearest chunk; what is merged with it is named so.
"""
import csv
import json
import os
import random
import re
import sqlite3
import sys
import time

SHARED = os.environ.get("KOELECTRA_SHARED", "../shared")
DEPTH = 100  # of each ranking that is merged
CHUNKS = "64, 12"  # tokens of a chunk, and of those that it repeats


def korquad():
    with open(os.path.join(SHARED, "data/korquad/KorQuAD_v1.0_dev.json"), encoding="utf-8") as file:
        articles = json.load(file)["data"]
    texts, queries = [], []
    for article in articles:
        for paragraph in article["paragraphs"]:
            texts.append(paragraph["context"])
            queries += [(qa["question"], {len(texts)}) for qa in paragraph["qas"]]
    return texts, queries


def question_pairs():
    """Questions of all files are searched; queries are of pairs that ask the same (is_duplicate 0)."""
    numbers, same = {}, {}
    for name in ("train", "dev", "test"):
        path = os.path.join(SHARED, "data/question-pair", name + ".tsv")
        with open(path, encoding="utf-8", newline="") as file:
            for row in csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE):
                a, b = row["question1"], row["question2"]
                for text in (a, b):
                    numbers.setdefault(text, len(numbers) + 1)
                if row["is_duplicate"] == "0" and a != b:
                    same.setdefault(a, set()).add(numbers[b])
                    same.setdefault(b, set()).add(numbers[a])
    return list(numbers), list(same.items())


def quoted_words(text):
    """An OR query for tokenizers that have no koelectra_fts_query."""
    words = dict.fromkeys(re.findall(r"\w+", text.lower()))
    return " OR ".join(f'"{word}"' for word in words) or '""'


def quoted_trigrams(text):
    parts = [w[i:i + 3] for w in re.findall(r"\w+", text.lower()) for i in range(len(w) - 2)]
    return " OR ".join(f'"{part}"' for part in dict.fromkeys(parts)) or '""'


def fuse_places(words, meaning, constant, weight):
    scores = {}
    for ranking, share in ((words, 1), (meaning, weight)):
        for place, (row, _) in enumerate(ranking, 1):
            scores[row] = scores.get(row, 0) + share / (constant + place)
    return sorted(scores, key=lambda row: (-scores[row], row))


def fuse_scores(words, meaning, weight):
    scores = {row: rank / words[0][1] for row, rank in words}
    for row, similarity in meaning:
        scores[row] = scores.get(row, 0) + weight * similarity
    return sorted(scores, key=lambda row: (-scores[row], row))


class Tally:
    def __init__(self):
        self.first = self.ten = self.reciprocal = self.seconds = 0

    def add(self, ranking, right, seconds):
        place = next((i for i, row in enumerate(ranking[:10], 1) if row in right), 0)
        self.first += place == 1
        self.ten += place > 0
        self.reciprocal += 1 / place if place else 0
        self.seconds += seconds


TOKENIZERS = {"unicode61": quoted_words, "trigram": quoted_trigrams, "pieces": quoted_words,
              "koelectra": None}
MERGED = {
    "merged by place, 60, 1": lambda w, m: fuse_places(w, m, 60, 1),
    "merged by place, 60, 0.3": lambda w, m: fuse_places(w, m, 60, 0.3),
    "merged by place, 10, 0.3": lambda w, m: fuse_places(w, m, 10, 0.3),
    "merged by score, 0.2": lambda w, m: fuse_scores(w, m, 0.2),
}
MERGED_PASSAGES = {
    "passages by place, 10, 0.3": lambda w, m: fuse_places(w, m, 10, 0.3),
    "passages by place, 10, 0.5": lambda w, m: fuse_places(w, m, 10, 0.5),
    "passages by score, 0.5": lambda w, m: fuse_scores(w, m, 0.5),
}


def pieces(db, text):
    tokens = json.loads(db.execute("SELECT koelectra_tokenize(?)", (text,)).fetchone()[0])
    return " ".join(token.removeprefix("##") for token in tokens)


def build(db, texts):
    rows = list(enumerate(texts, 1))
    for name in TOKENIZERS:
        start = time.perf_counter()
        tokenizer = "unicode61" if name == "pieces" else name
        db.execute(f"CREATE VIRTUAL TABLE {name} USING fts5(body, tokenize='{tokenizer}')")
        body = (lambda text: pieces(db, text)) if name == "pieces" else (lambda text: text)
        db.executemany(f"INSERT INTO {name}(rowid, body) VALUES(?, ?)",
                       [(row, body(text)) for row, text in rows])
        db.execute(f"INSERT INTO {name}({name}) VALUES('optimize')")
        size = db.execute(f"SELECT sum(length(block)) FROM {name}_data").fetchone()[0]
        print(f"  {name}: built in {time.perf_counter() - start:.2f} s, index {size / 1e6:.2f} MB")
    start = time.perf_counter()
    db.execute("CREATE VIRTUAL TABLE meaning USING koelectra_index(body)")
    db.executemany("INSERT INTO meaning(rowid, body) VALUES(?, ?)", rows)
    db.commit()
    print(f"  koelectra_index: built in {time.perf_counter() - start:.2f} s")
    start = time.perf_counter()
    db.execute("CREATE TABLE text(id INTEGER PRIMARY KEY, body)")
    db.executemany("INSERT INTO text VALUES(?, ?)", rows)
    db.execute("CREATE TABLE passage AS SELECT text.id AS text_id, c.chunk "
               f"FROM text, koelectra_chunks(text.body, {CHUNKS}) AS c")
    db.execute("CREATE VIRTUAL TABLE passages USING koelectra_index(body)")
    db.execute("INSERT INTO passages(rowid, body) SELECT rowid, chunk FROM passage")
    db.commit()
    count = db.execute("SELECT count(*) FROM passage").fetchone()[0]
    print(f"  {count} passages: built in {time.perf_counter() - start:.2f} s")


def rank(db, name, question):
    """[(row, bm25 or cosine)], best first."""
    if name == "meaning":
        sql = f"SELECT rowid, similarity FROM meaning WHERE meaning MATCH ? AND k = {DEPTH + 1}"
        return db.execute(sql, (question,)).fetchall()
    if name == "passages":
        sql = ("SELECT text_id, max(similarity) AS nearest FROM passages "
               "JOIN passage ON passage.rowid = passages.rowid "
               f"WHERE passages MATCH ? AND k = {8 * DEPTH} "
               f"GROUP BY text_id ORDER BY nearest DESC LIMIT {DEPTH + 1}")
        return db.execute(sql, (question,)).fetchall()
    if name == "koelectra":
        query = db.execute("SELECT koelectra_fts_query(?)", (question,)).fetchone()[0]
    else:
        query = TOKENIZERS[name](pieces(db, question) if name == "pieces" else question)
    sql = f"SELECT rowid, rank FROM {name} WHERE {name} MATCH ? ORDER BY rank LIMIT {DEPTH + 1}"
    return db.execute(sql, (query,)).fetchall()


def evaluate(extension, title, texts, queries, count):
    own = {text: i for i, text in enumerate(texts, 1)}
    if 0 < count < len(queries):
        queries = random.Random(1).sample(queries, count)
    print(f"{title}: {len(queries)} queries, {len(texts)} texts, "
          f"{sum(map(len, texts)) / len(texts):.0f} characters each")
    db = sqlite3.connect(":memory:")
    db.enable_load_extension(True)
    db.load_extension(extension)
    build(db, texts)
    tallies = {name: Tally()
               for name in [*TOKENIZERS, "meaning", "passages", *MERGED, *MERGED_PASSAGES]}
    for question, right in queries:
        rankings = {}
        itself = own.get(question)
        for name in [*TOKENIZERS, "meaning", "passages"]:
            start = time.perf_counter()
            rankings[name] = rank(db, name, question)
            seconds = time.perf_counter() - start
            rankings[name] = [found for found in rankings[name] if found[0] != itself]
            tallies[name].add([row for row, _ in rankings[name]], right, seconds)
        for meaning, merged in (("meaning", MERGED), ("passages", MERGED_PASSAGES)):
            for name, merge in merged.items():
                tallies[name].add(merge(rankings["koelectra"], rankings[meaning]), right, 0)
    print(f"  {'':28}recall@1  recall@10  MRR@10  ms")
    for name, t in tallies.items():
        label = {"meaning": "koelectra_index", "passages": "koelectra_index of passages"}.get(
            name, f"fts5 {name}" if name in TOKENIZERS else name)
        n = len(queries)
        milliseconds = f"{1000 * t.seconds / n:.2f}" if t.seconds else "sum"
        print(f"  {label:28}{t.first / n:8.3f}  {t.ten / n:9.3f}  {t.reciprocal / n:6.3f}  "
              f"{milliseconds}")


def main():
    if len(sys.argv) not in (2, 3):
        sys.exit(__doc__)
    if not os.path.isdir(os.path.join(SHARED, "data/korquad")):
        print(f"skipped: no {SHARED}/data/korquad")
        return
    count = int(sys.argv[2]) if len(sys.argv) == 3 else 2000
    evaluate(sys.argv[1], "paragraphs", *korquad(), count)
    evaluate(sys.argv[1], "questions", *question_pairs(), count)


main()
