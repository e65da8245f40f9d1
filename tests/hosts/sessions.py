"""koelectra_index through Python's sqlite3: transactions, threads, backup, interrupts, long texts.

    python3 tests/hosts/sessions.py EXTENSION MODEL_DIRECTORY
"""
import os
import resource
import sqlite3
import struct
import sys
import tempfile
import threading

extension, model = sys.argv[1:3]


def connect(path, **options):
    db = sqlite3.connect(path, timeout=60, **options)
    db.enable_load_extension(True)
    db.load_extension(extension)
    db.enable_load_extension(False)
    db.execute("SELECT koelectra_load('default', ?)", (model,))
    return db


def nearest(db, query):
    row = db.execute("SELECT rowid FROM s WHERE s MATCH ? AND k = 1", (query,)).fetchone()
    return row and row[0]


def failure(db, sql, arguments=()):
    try:
        db.execute(sql, arguments).fetchall()
    except sqlite3.Error as error:
        return f"{type(error).__name__}: {error}"
    return "no error"


def sessions(folder):
    path = os.path.join(folder, "python.db")
    db = connect(path)
    db.execute("CREATE VIRTUAL TABLE s USING koelectra_index(body)")

    print("-- executemany in the transaction that Python opens; with: commit, or rollback")
    with db:
        db.executemany("INSERT INTO s(rowid, body) VALUES(?, ?)", [(1, "책"), (2, "문"), (3, "강")])
    try:
        with db:
            db.execute("INSERT INTO s(rowid, body) VALUES(4, '산')")
            print(nearest(db, "산"), db.in_transaction)
            db.execute("INSERT INTO s(rowid, body) VALUES(1, '또')")
    except sqlite3.IntegrityError as error:
        print(error)
    print(db.execute("SELECT count(*) FROM s").fetchone(), nearest(db, "문"))

    print("-- vectors as bytes, memoryview and bytearray; lastrowid")
    vector = db.execute("SELECT koelectra_embed('산')").fetchone()[0]
    print(len(vector), round(sum(x * x for x in struct.unpack(f"<{len(vector) // 4}f", vector)), 4))
    cursor = db.cursor()
    for value in (vector, memoryview(vector), bytearray(vector)):
        cursor.execute("INSERT INTO s(body) VALUES(?)", (value,))
        print(cursor.lastrowid, nearest(db, value))
    db.rollback()

    print("-- a cursor that is open while rows change and the transaction ends")
    cursor = db.execute("SELECT rowid FROM s WHERE s MATCH '책'")
    print(cursor.fetchone() is not None)
    db.execute("DELETE FROM s WHERE rowid = 3")
    print(len(cursor.fetchall()))
    db.rollback()
    print(db.execute("SELECT count(*) FROM s").fetchone())

    print("-- backup to memory, and from there to a file")
    memory = connect(":memory:")
    db.backup(memory)
    print(nearest(memory, "강"))
    memory.execute("UPDATE s SET body = '눈' WHERE rowid = 3")
    memory.commit()
    print(nearest(memory, "눈"), nearest(db, "강"))
    memory.backup(db, pages=1)
    print(nearest(db, "눈"))
    memory.close()

    print("-- a progress handler that interrupts, and one that does not")
    db.execute("BEGIN")
    db.set_progress_handler(lambda: 1, 1000)
    print(failure(db, "INSERT INTO s(body) SELECT hex(randomblob(20)) FROM "
                      "(WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n LIMIT 100000) SELECT i FROM n)"))
    db.set_progress_handler(None, 0)
    db.rollback()
    print(db.execute("SELECT count(*) FROM s").fetchone())

    print("-- WAL: readers in threads, each with a connection, beside a writer")
    db.execute("PRAGMA journal_mode = WAL").fetchone()
    done = threading.Event()
    wrong = []

    def read():
        reader = connect(path)
        while not done.is_set():
            count, found = reader.execute(
                "SELECT (SELECT count(*) FROM s), (SELECT count(*) FROM s WHERE s MATCH '책')").fetchone()
            if count != found or count % 3 != 0:
                wrong.append((count, found))
        reader.close()

    threads = [threading.Thread(target=read) for _ in range(3)]
    for thread in threads:
        thread.start()
    for i in range(30):
        with db:
            db.executemany("INSERT INTO s(body) VALUES(?)", [(f"글 {i}",), ("책",), ("문",)])
    done.set()
    for thread in threads:
        thread.join()
    print(wrong, db.execute("SELECT count(*) FROM s").fetchone())

    print("-- one connection that several threads use in turn")
    shared = connect(path, check_same_thread=False)
    lock = threading.Lock()

    def use(i):
        with lock, shared:
            shared.execute("INSERT INTO s(rowid, body) VALUES(?, '강')", (1000 + i,))

    threads = [threading.Thread(target=use, args=(i,)) for i in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    print(shared.execute("SELECT count(*) FROM s WHERE rowid >= 1000").fetchone())
    shared.close()

    print("-- triggers where the schema is not trusted")
    db.execute("PRAGMA trusted_schema = OFF")
    db.executescript("CREATE TABLE note(id INTEGER PRIMARY KEY, body TEXT);"
                     "CREATE TRIGGER note_insert AFTER INSERT ON note BEGIN "
                     "INSERT INTO s(rowid, body) VALUES(new.id + 5000, new.body); END;"
                     "CREATE VIEW found AS SELECT rowid AS id FROM s('눈', 1);")
    print(failure(db, "INSERT INTO note(body) VALUES('눈')"))
    print(failure(db, "SELECT id FROM found"))
    db.rollback()

    print("-- a file that cannot be written")
    db.execute("PRAGMA journal_mode = DELETE").fetchone()
    db.close()
    db = connect(f"file:{path}?mode=ro", uri=True)
    print(nearest(db, "책"))
    print(failure(db, "INSERT INTO s(body) VALUES('책')"))
    db.close()


def long_text(folder):
    """Padding a batch to its longest text is what takes gigabytes elsewhere."""
    print("-- a text of ten megabytes beside a thousand short ones takes no more than a hundred megabytes")
    db = connect(os.path.join(folder, "long.db"))
    db.execute("CREATE VIRTUAL TABLE s USING koelectra_index(body)")
    texts = [(f"짧은 글 {i}",) for i in range(1000)]
    with db:
        db.executemany("INSERT INTO s(body) VALUES(?)", texts)
    long = "아주 긴 글 " * (10_000_000 // 17)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with db:
        db.executemany("INSERT INTO s(body) VALUES(?)", texts[:500] + [(long,)] + texts[500:])
    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    print("yes" if grown < 100_000 else f"no: {grown} KiB",
          db.execute("SELECT count(*) FROM s").fetchone())
    db.close()


with tempfile.TemporaryDirectory() as folder:
    sessions(folder)
    long_text(folder)
