#!/usr/bin/env python3
"""Semantic search and labels from Python's own sqlite3, in several threads.

    python3 examples/python/search.py EXTENSION MODEL_DIRECTORY QUERY

EXTENSION is build/koelectra, MODEL_DIRECTORY any KoELECTRA directory with a classification head.
"""

import sqlite3
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

REVIEWS = [
    "배우들의 연기가 정말 좋았습니다.",
    "시간이 아까운 영화였어요.",
    "음악이 아름다워요.",
    "이야기가 너무 길고 지루합니다.",
    "다시 보고 싶은 영화입니다.",
]


def connect(database, extension):
    connection = sqlite3.connect(database)
    connection.enable_load_extension(True)
    connection.load_extension(extension)
    connection.enable_load_extension(False)
    return connection


def label(database, extension, text):
    """Labels one text on a connection of this thread: all of them share one model in memory."""
    connection = connect(database, extension)
    try:
        return connection.execute("SELECT koelectra_classify(?, 'reviews')", (text,)).fetchone()[0]
    finally:
        connection.close()


def main(extension, model, query):
    with tempfile.TemporaryDirectory() as folder:
        database = str(Path(folder) / "reviews.db")
        connection = connect(database, extension)
        connection.execute("SELECT koelectra_load('reviews', ?)", (model,))
        connection.execute("CREATE VIRTUAL TABLE review USING koelectra_index(body, model='reviews')")
        with connection:
            connection.executemany("INSERT INTO review(body) VALUES(?)", [(r,) for r in REVIEWS])

        print(f"nearest to {query!r}:")
        rows = connection.execute(
            "SELECT rowid, body, similarity FROM review WHERE review MATCH ? AND k = 3", (query,)
        )
        for rowid, body, similarity in rows:
            print(f"  {rowid}  {similarity:.3f}  {body}")

        print("labels:")
        with ThreadPoolExecutor(4) as threads:
            labels = threads.map(lambda text: label(database, extension, text), REVIEWS)
            for text, name in zip(REVIEWS, labels):
                print(f"  {name}  {text}")
        connection.close()


if __name__ == "__main__":
    if len(sys.argv) != 4:
        sys.exit(__doc__)
    main(*sys.argv[1:])
