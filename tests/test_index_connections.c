/* koelectra_index between connections, processes and files: who reads sees what was committed, all
 * of it and nothing else, whatever happened to the file in the meantime. */
#include "../model/memory.h"
#include "index_support.h"
#include "sqlite_faults.h"
#include "support.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static sqlite3 *open_file(const char *path) {
  sqlite3 *db = open_database_file(path);
  load_tiny(db);
  sqlite3_busy_timeout(db, 60000);
  return db;
}

/* A file with an index `s` of three rows: 1 '책', 2 '문', 3 '강'. */
static sqlite3 *open_new_file(const char *path) {
  sqlite3 *db = open_file(path);
  run_format(db, "CREATE VIRTUAL TABLE s USING koelectra_index(body);"
                 "INSERT INTO s(rowid, body) VALUES(1, '책'), (2, '문'), (3, '강')");
  return db;
}

static void copy_name(char *to, const char *name) {
  snprintf(to, 1024, "%s", temporary_file(name));
}

#define ROW_OF(text) \
  "SELECT group_concat(rowid) FROM s WHERE s MATCH '" text "' AND similarity > 0.9999"

/* ── one writer, many readers ───────────────────────────────────────────────────────────────────
 */

enum { READERS = 3, ROWS = 60, STEP = 6, STEPS = 40 };

typedef struct shared_file {
  const char *path;
  atomic_bool written; /* the writer is done */
  atomic_int reads;
} shared_file;

/* What a thread does that the test cannot do with Check's macros. */
static void must(bool condition, const char *what, sqlite3 *db) {
  if (condition) return;
  fprintf(stderr, "%s: %s\n", what, sqlite3_errmsg(db));
  abort();
}

static sqlite3_int64 number(sqlite3 *db, const char *sql) {
  sqlite3_stmt *statement;
  must(sqlite3_prepare_v2(db, sql, -1, &statement, NULL) == SQLITE_OK, sql, db);
  must(sqlite3_step(statement) == SQLITE_ROW, sql, db);
  sqlite3_int64 value = sqlite3_column_int64(statement, 0);
  must(sqlite3_finalize(statement) == SQLITE_OK, sql, db);
  return value;
}

/* Each transaction sees ROWS rows that follow each other, in the table and by a search. */
static void *read_rows(void *argument) {
  shared_file *file = argument;
  sqlite3 *db = open_file(file->path);
  bool last = false;
  while (!last) {
    last = atomic_load(&file->written);
    must(run(db, "BEGIN") == SQLITE_OK, "BEGIN", db);
    sqlite3_int64 first = number(db, "SELECT min(rowid) FROM s");
    must(number(db, "SELECT count(*) FROM s WHERE s MATCH '글' AND k = 1000") == ROWS, "count", db);
    must(number(db, "SELECT min(rowid) FROM s WHERE s MATCH '글' AND k = 1000") == first, "min",
         db);
    must(number(db, "SELECT max(rowid) FROM s WHERE s MATCH '글' AND k = 1000") == first + ROWS - 1,
         "max", db);
    must(number(db, "SELECT max(rowid) FROM s") == first + ROWS - 1, "max of the table", db);
    must(run(db, "COMMIT") == SQLITE_OK, "COMMIT", db);
    atomic_fetch_add(&file->reads, 1);
  }
  must(number(db, "SELECT min(rowid) FROM s") == 1 + STEP * STEPS, "the last row", db);
  must(sqlite3_close(db) == SQLITE_OK, "close", db);
  return NULL;
}

static void write_rows(sqlite3 *db) {
  for (int i = 0; i < STEPS; i++) {
    run_format(db,
               "BEGIN IMMEDIATE;"
               "INSERT INTO s(rowid, body) SELECT %d + value, '글' || (value %% 7) FROM "
               "json_each('[1,2,3,4,5,6]');"
               "DELETE FROM s WHERE rowid <= %d; COMMIT",
               ROWS + i * STEP, (i + 1) * STEP);
    /* A search between, so that the writer has an image of its own, too. */
    if (i % 8 == 0) ck_assert_int_eq(query_integer(db, "SELECT count(*) FROM s('글', 9)"), 9);
  }
}

static void readers_and_a_writer(const char *mode) {
  pthread_t threads[READERS];
  shared_file file = {.path = temporary_file("shared.db")};
  sqlite3 *db = open_file(file.path);
  run_format(db,
             "PRAGMA journal_mode = %s; PRAGMA synchronous = OFF;"
             "CREATE VIRTUAL TABLE s USING koelectra_index(body);"
             "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n LIMIT %d) "
             "INSERT INTO s(rowid, body) SELECT i, '글' || (i %% 7) FROM n",
             mode, ROWS);
  for (int i = 0; i < READERS; i++)
    ck_assert_int_eq(pthread_create(&threads[i], NULL, read_rows, &file), 0);
  write_rows(db);
  atomic_store(&file.written, true);
  for (int i = 0; i < READERS; i++)
    pthread_join(threads[i], NULL);
  ck_assert_int_ge(atomic_load(&file.reads), READERS);
  assert_sound(db, "s");
  close_database(db);
}

START_TEST(wal) {
  readers_and_a_writer("WAL");
}
END_TEST

/* Readers keep the writer waiting, and it them. */
START_TEST(rollback_journal) {
  readers_and_a_writer("DELETE");
}
END_TEST

/* Each change of another process, and the row of '책' after it. */
static const struct {
  const char *sql, *rows;
} changes[] = {
    {"SELECT 1", "1"},
    {"INSERT INTO s(rowid, body) VALUES(7, '책')", "1,7"},
    {"UPDATE s SET body = '산' WHERE rowid = 1", "7"},
    {"UPDATE s SET rowid = 70 WHERE rowid = 7", "70"},
    {"BEGIN; INSERT INTO s(rowid, body) VALUES(8, '책'); ROLLBACK", "70"},
    {"INSERT INTO s(s) VALUES('optimize')", "70"},
    {"DELETE FROM s WHERE rowid = 70; INSERT INTO s(rowid, body) VALUES(4, '책')", "4"},
    {"INSERT INTO s(s) VALUES('rebuild')", "4"},
    {"VACUUM", "4"},
    {"DROP TABLE s; CREATE VIRTUAL TABLE s USING koelectra_index(body);"
     "INSERT INTO s(rowid, body) VALUES(3, '책'), (4, '문')",
     "3"},
    {"ALTER TABLE s RENAME TO t; CREATE VIRTUAL TABLE s USING koelectra_index(body);"
     "INSERT INTO s(rowid, body) SELECT rowid + 1, body FROM t",
     "4"},
};

enum { CHANGES = sizeof changes / sizeof changes[0] };

/* Makes one change for each byte that comes, and sends it back; without Check's macros. */
static void change_on_demand(const char *path, int from, int to) {
  char byte;
  for (int i = 0; i < CHANGES && read(from, &byte, 1) == 1; i++) {
    sqlite3 *db = open_file(path);
    must(run(db, changes[i].sql) == SQLITE_OK, changes[i].sql, db);
    must(sqlite3_close(db) == SQLITE_OK, "close", db);
    if (write(to, &byte, 1) != 1) break;
  }
}

static void another_process_in(const char *mode) {
  int there[2], back[2], status;
  char byte = 'x', path[1024];
  copy_name(path, "processes.db");
  sqlite3 *db = open_new_file(path);
  run_format(db, "PRAGMA journal_mode = %s", mode);
  close_database(db);
  ck_assert_int_eq(pipe(there), 0);
  ck_assert_int_eq(pipe(back), 0);
  pid_t child = fork();
  if (child == 0) {
    close(there[1]);
    change_on_demand(path, there[0], back[1]);
    _exit(0);
  }
  db = open_file(path);
  for (int i = 0; i < CHANGES; i++) {
    ck_assert_int_eq(write(there[1], &byte, 1), 1);
    ck_assert_msg(read(back[0], &byte, 1) == 1, "%s failed", changes[i].sql);
    assert_sql(db, ROW_OF("책"), changes[i].rows);
    assert_sql(db, "SELECT rowid IN (SELECT rowid FROM s WHERE body = '책') FROM s('책', 1)", "1");
    assert_sound(db, "s");
  }
  ck_assert_int_eq(waitpid(child, &status, 0), child);
  ck_assert_int_eq(status, 0);
  close_database(db);
}

START_TEST(another_process) {
  another_process_in(_i == 0 ? "DELETE" : "WAL");
}
END_TEST

/* The same changes by another connection, beside a statement that was prepared before. */
START_TEST(another_connection) {
  char path[1024];
  copy_name(path, "connections.db");
  sqlite3 *writer = open_new_file(path), *db = open_file(path);
  sqlite3_stmt *search;
  ck_assert_int_eq(sqlite3_prepare_v2(db, ROW_OF("책"), -1, &search, NULL), SQLITE_OK);
  for (int i = 0; i < CHANGES; i++) {
    run_format(writer, "%s", changes[i].sql);
    int code = sqlite3_step(search);
    ck_assert_msg(code == SQLITE_ROW, "%s: code %d: %s", changes[i].sql, code, sqlite3_errmsg(db));
    ck_assert_str_eq((const char *)sqlite3_column_text(search, 0), changes[i].rows);
    sqlite3_reset(search);
  }
  sqlite3_finalize(search);
  close_database(db);
  close_database(writer);
}
END_TEST

/* What a transaction has not committed is seen by it alone, and by nobody once it is undone. */
START_TEST(uncommitted) {
  const char *path = temporary_file("uncommitted.db");
  sqlite3 *writer = open_new_file(path);
  run_format(writer, "PRAGMA journal_mode = WAL");
  sqlite3 *db = open_file(path);
  assert_sql(db, ROW_OF("책"), "1");
  run_format(writer, "BEGIN; UPDATE s SET body = '산' WHERE rowid = 1;"
                     "INSERT INTO s(rowid, body) VALUES(9, '책')");
  assert_sql(writer, ROW_OF("책"), "9");
  assert_sql(db, ROW_OF("책"), "1");
  run_format(writer, "SAVEPOINT a; INSERT INTO s(rowid, body) VALUES(10, '책')");
  assert_sql(writer, ROW_OF("책"), "9,10");
  run_format(writer, "ROLLBACK TO a; INSERT INTO s(rowid, body) VALUES(11, '책')");
  assert_sql(writer, ROW_OF("책"), "9,11");
  run_format(writer, "ROLLBACK");
  assert_sql(writer, ROW_OF("책"), "1");
  run_format(writer, "INSERT INTO s(rowid, body) VALUES(12, '책')");
  assert_sql(writer, ROW_OF("책"), "1,12");
  assert_sql(db, ROW_OF("책"), "1,12");
  close_database(db);
  close_database(writer);
}
END_TEST

/* ── files that are copied, replaced, attached ──────────────────────────────────────────────────
 */

static void back_up(sqlite3 *from, sqlite3 *to) {
  sqlite3_backup *backup = sqlite3_backup_init(to, "main", from, "main");
  ck_assert_msg(backup != NULL, "%s", sqlite3_errmsg(to));
  ck_assert_int_eq(sqlite3_backup_step(backup, -1), SQLITE_DONE);
  ck_assert_int_eq(sqlite3_backup_finish(backup), SQLITE_OK);
}

/* Two databases with as many rows and changes as each other replace a third that was searched. */
START_TEST(backups) {
  sqlite3 *a = open_new_file(temporary_file("a.db")), *b = open_new_file(temporary_file("b.db"));
  sqlite3 *to = open_database();
  run_format(a, "UPDATE s SET body = '산' WHERE rowid = 1");
  run_format(b, "UPDATE s SET body = '산' WHERE rowid = 2");
  for (int i = 0; i < 4; i++) {
    back_up(i % 2 == 0 ? a : b, to);
    assert_sql(to, ROW_OF("산"), i % 2 == 0 ? "1" : "2");
    assert_sql(to, ROW_OF("책"), i % 2 == 0 ? "NULL" : "1");
    assert_sound(to, "s");
  }
  run_format(to, "INSERT INTO s(rowid, body) VALUES(50, '산')");
  assert_sql(to, ROW_OF("산"), "2,50");
  assert_sql(b, ROW_OF("산"), "2");
  close_database(to);
  close_database(b);
  close_database(a);
}
END_TEST

/* A copy that goes its own way, by the same number of changes. */
START_TEST(copies_diverge) {
  char a[1024], b[1024];
  copy_name(a, "a.db");
  copy_name(b, "b.db");
  sqlite3 *db = open_new_file(a);
  run_format(db, "VACUUM INTO %Q", b);
  sqlite3 *copy = open_file(b);
  assert_sql(db, ROW_OF("책"), "1");
  assert_sql(copy, ROW_OF("책"), "1");
  run_format(db, "UPDATE s SET body = '책' WHERE rowid = 2");
  run_format(copy, "UPDATE s SET body = '책' WHERE rowid = 3");
  run_format(db, "ATTACH %Q AS other", b);
  for (int i = 0; i < 2; i++) {
    assert_sql(db, ROW_OF("책"), "1,2");
    assert_sql(copy, ROW_OF("책"), "1,3");
    assert_sql(db, "SELECT group_concat(rowid) FROM other.s('책') WHERE similarity > 0.9999",
               "1,3");
  }
  run_format(db, "BEGIN; DELETE FROM other.s WHERE rowid = 1; DELETE FROM s WHERE rowid = 2");
  assert_sql(db, "SELECT group_concat(rowid) FROM other.s('책') WHERE similarity > 0.9999", "3");
  assert_sql(db, ROW_OF("책"), "1");
  run_format(db, "COMMIT");
  assert_sql(copy, ROW_OF("책"), "3");
  close_database(copy);
  close_database(db);
}
END_TEST

/* Other files under one schema name, one after the other. */
START_TEST(attached_in_turn) {
  char paths[2][1024];
  sqlite3 *db = open_tiny_database();
  for (int i = 0; i < 2; i++) {
    copy_name(paths[i], i == 0 ? "a.db" : "b.db");
    sqlite3 *file = open_new_file(paths[i]);
    run_format(file, "UPDATE s SET body = '산' WHERE rowid = %d", i + 1);
    close_database(file);
  }
  for (int i = 0; i < 4; i++) {
    run_format(db, "ATTACH %Q AS other", paths[i % 2]);
    assert_sql(db, "SELECT rowid FROM other.s WHERE s MATCH '산' AND k = 1",
               i % 2 == 0 ? "1" : "2");
    run_format(db, "INSERT INTO other.s(body) VALUES('들')");
    run_format(db, "DETACH other");
  }
  run_format(db, "ATTACH %Q AS a; ATTACH %Q AS b", paths[0], paths[1]);
  assert_sql(db,
             "SELECT (SELECT rowid FROM a.s WHERE s MATCH '산' AND k = 1), "
             "(SELECT rowid FROM b.s WHERE s MATCH '산' AND k = 1), "
             "(SELECT count(*) FROM a.s), (SELECT count(*) FROM b.s)",
             "1|2|5|5");
  close_database(db);
}
END_TEST

/* Connections of one shared cache: who writes keeps the others out, with SQLite's own error. */
START_TEST(shared_cache) {
  static const char uri[] = "file:shared_cache?mode=memory&cache=shared";
  sqlite3_config(SQLITE_CONFIG_URI, 1);
  sqlite3 *a = open_new_file(uri), *b = open_file(uri);
  assert_sql(b, ROW_OF("책"), "1");
  run_format(a, "BEGIN; INSERT INTO s(rowid, body) VALUES(9, '책'); SELECT count(*) FROM s('책')");
  char *text;
  int code = run_sql(b, ROW_OF("책"), &text);
  ck_assert_msg(code == SQLITE_LOCKED, "code %d: %s", code, text);
  sqlite3_free(text);
  run_format(a, "COMMIT");
  assert_sql(b, ROW_OF("책"), "1,9");
  close_database(b);
  close_database(a);
}
END_TEST

static sqlite3 *open_read_only(const char *path, const char *parameter) {
  sqlite3 *db;
  char *uri = sqlite3_mprintf("file:%s?%s", path, parameter);
  sqlite3_config(SQLITE_CONFIG_URI, 1);
  db = open_file(uri);
  sqlite3_free(uri);
  return db;
}

START_TEST(read_only) {
  static const char *const parameters[] = {"mode=ro", "immutable=1"};
  static const char *const writes[] = {
      "INSERT INTO s(body) VALUES('책')", "DELETE FROM s", "UPDATE s SET body = NULL",
      "INSERT INTO s(s) VALUES('rebuild')", "INSERT INTO s(s) VALUES('optimize')"};
  char path[1024];
  copy_name(path, "read.db");
  sqlite3 *db = open_new_file(path);
  close_database(db);
  ck_assert_int_eq(chmod(path, 0444), 0);
  for (size_t i = 0; i < sizeof parameters / sizeof parameters[0]; i++) {
    db = open_read_only(path, parameters[i]);
    assert_sql(db, ROW_OF("책"), "1");
    for (size_t w = 0; w < sizeof writes / sizeof writes[0]; w++)
      assert_sql_fails(db, writes[w], SQLITE_READONLY, "readonly");
    assert_sql(db, ROW_OF("책"), "1");
    close_database(db);
  }
}
END_TEST

/* ── space ──────────────────────────────────────────────────────────────────────────────────────
 */

/* One user of a peer had 8 % of the slots in use, and the file never shrank.  Rows go that way:
 * every chunk keeps some. */
static void fill_and_thin(sqlite3 *db) {
  run_format(db, "CREATE VIRTUAL TABLE s USING koelectra_index(body);"
                 "CREATE TABLE ready AS SELECT koelectra_embed('책') AS v;"
                 "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n LIMIT 10000) "
                 "INSERT INTO s(rowid, body) SELECT i, v FROM n, ready");
}

static sqlite3_int64 pages(sqlite3 *db) {
  return query_integer(db, "PRAGMA page_count");
}

START_TEST(space_comes_back) {
  static const char *const pragmas[] = {"PRAGMA auto_vacuum = NONE", "PRAGMA auto_vacuum = FULL",
                                        "PRAGMA auto_vacuum = INCREMENTAL"};
  static const char *const returns[] = {"VACUUM", "SELECT 1", "PRAGMA incremental_vacuum"};
  sqlite3 *db = open_file(temporary_file("space.db"));
  run_format(db, "PRAGMA synchronous = OFF; %s", pragmas[_i]);
  fill_and_thin(db);
  sqlite3_int64 full = pages(db);
  run_format(db, "DELETE FROM s WHERE rowid %% 25 >= 2"); /* 92 % */
  /* New rows take the holes: nothing grows. */
  sqlite3_int64 thin = pages(db) - query_integer(db, "PRAGMA freelist_count");
  run_format(db, "INSERT INTO s(rowid, body) SELECT 20000 + s.rowid, v FROM s, ready "
                 "WHERE s.rowid %% 25 = 1");
  ck_assert_int_le(pages(db), full);
  ck_assert_int_le(pages(db) - query_integer(db, "PRAGMA freelist_count"), thin + thin / 10 + 10);
  run_format(db, "DELETE FROM s WHERE rowid > 20000; INSERT INTO s(s) VALUES('optimize')");
  run_format(db, "%s", returns[_i]);
  sqlite3_int64 left = pages(db);
  ck_assert_msg(left * 5 < full, "%lld pages of %lld are left for 8 %% of the rows",
                (long long)left, (long long)full);
  assert_sql(db, "SELECT count(*) FROM s('책', 5000)", "800");
  assert_sound(db, "s");
  close_database(db);
}
END_TEST

/* ── a model that fails while the queue is written ──────────────────────────────────────────────
 */

/* A copy of the tiny model whose last numbers, of the encoder's last layer, are none. */
static const char *damaged_model(void) {
  size_t length;
  char path[1200];
  const char *directory = copy_directory(test_path("reference/tiny"));
  snprintf(path, sizeof path, "%s/model.safetensors", directory);
  char *bytes = read_file(path, &length);
  size_t header = 0;
  memcpy(&header, bytes, sizeof(uint64_t)); /* little-endian machines */
  memset(bytes + 8 + header, 0xFF, length - 8 - header);
  write_file(path, bytes, length);
  free(bytes);
  return directory;
}

/* What writes the queue says which index failed, and why.  Of a savepoint's error SQLite passes on
 * the code alone; the transaction goes on without it, and COMMIT says the rest. */
START_TEST(model_that_fails) {
  static const char *const writes[] = {"COMMIT", "SELECT count(*) FROM s('책')",
                                       "INSERT INTO s(s) VALUES('optimize')"};
  static const char *const savepoints[] = {"SAVEPOINT a", "UPDATE t SET x = 3 WHERE x < 3",
                                           "INSERT INTO s(body) SELECT '책' FROM t"};
  sqlite3 *db = open_database();
  run_format(db, "SELECT koelectra_load('bad', %Q)", damaged_model());
  run_format(db, "CREATE VIRTUAL TABLE s USING koelectra_index(body, model='bad');"
                 "CREATE TABLE t(x UNIQUE); INSERT INTO t VALUES(1), (2);"
                 "CREATE TRIGGER two AFTER UPDATE ON t BEGIN SELECT 1; END");
  for (size_t i = 0; i < sizeof writes / sizeof writes[0]; i++) {
    char *text;
    run_format(db, "BEGIN; INSERT INTO s(rowid, body) VALUES(41, '책')");
    int code = run_sql(db, savepoints[i], &text);
    sqlite3_free(text);
    ck_assert_msg(code != SQLITE_OK, "%s: no error", savepoints[i]);
    code = run_sql(db, writes[i], &text);
    ck_assert_msg(code != SQLITE_OK, "%s: no error", writes[i]);
    ck_assert_msg(strstr(text, "koelectra_index s") != NULL && strstr(text, "not finite") != NULL,
                  "%s: %s", writes[i], text);
    sqlite3_free(text);
    if (!sqlite3_get_autocommit(db)) run_format(db, "ROLLBACK");
    assert_sql(db, "SELECT (SELECT count(*) FROM s), (SELECT count(*) FROM t)", "0|2");
    assert_sound(db, "s");
  }
  close_database(db);
}
END_TEST

/* Statements that begin a savepoint of their own, before which the queues of two indexes are
 * written; with every allocation failing once.  What the transaction did before is there. */
static void savepoint_sweep(sqlite3 *db, const char *sql, void (*set_fault)(long n),
                            bool (*reached)(void)) {
  bool faulted = true;
  for (long n = 1; faulted; n = next_in_sweep(n)) {
    run_format(
        db,
        "BEGIN; INSERT INTO s(rowid, body) VALUES(41, '산');"
        "UPDATE s SET body = '들' WHERE rowid = 2; INSERT INTO t(rowid, body) VALUES(41, '산')");
    set_fault(n);
    int code = run(db, sql);
    faulted = reached != NULL ? reached() : code != SQLITE_OK;
    set_fault(0);
    if (code == SQLITE_OK || sqlite3_get_autocommit(db)) {
      if (!sqlite3_get_autocommit(db)) run_format(db, "ROLLBACK");
      assert_sql(db, "SELECT count(*) FROM s WHERE rowid = 41", "0");
    } else {
      ck_assert_msg(code == SQLITE_NOMEM, "%s: allocation %ld: code %d", sql, n, code);
      run_format(db, "COMMIT");
      assert_sql(
          db, "SELECT (SELECT group_concat(rowid) FROM s('산', 1)), (SELECT rowid FROM t('산', 1))",
          "41|41");
      assert_sql(db, "SELECT body FROM s('들', 1)", "들");
      assert_sound(db, "s");
      assert_sound(db, "t");
      run_format(db, "DELETE FROM s WHERE rowid = 41; DELETE FROM t;"
                     "UPDATE s SET body = '문' WHERE rowid = 2");
    }
    assert_sound(db, "s");
    assert_sound(db, "t");
  }
}

static const char *const with_savepoint[] = {
    "INSERT INTO s(body) SELECT value FROM json_each('[1,2]')",
    "UPDATE plain SET x = x + 10",
};

static sqlite3 *open_two_indexes(void) {
  sqlite3 *db = open_new_file(":memory:");
  run_format(db, "CREATE VIRTUAL TABLE t USING koelectra_index(body);"
                 "CREATE TABLE plain(x UNIQUE); INSERT INTO plain VALUES(1), (2);"
                 "CREATE TRIGGER two AFTER UPDATE ON plain BEGIN SELECT 1; END");
  return db;
}

static void fault_of_sqlite(long n) {
  set_sqlite_fault(n, true);
}

START_TEST(savepoints_out_of_memory) {
  install_sqlite_faults();
  sqlite3 *db = open_two_indexes();
  savepoint_sweep(db, with_savepoint[_i], fault_of_sqlite, sqlite_fault_reached);
#ifdef KOE_FAULTS
  savepoint_sweep(db, with_savepoint[_i], koe_memory_fail_after, NULL);
#endif
  close_database(db);
}
END_TEST

/* The disk is full while the queue is written before a savepoint, or at COMMIT; there is room
 * later. SQLite undoes the statement or the transaction; what is left is sound and whole. */
START_TEST(disk_full) {
  static const char *const writes[] = {"INSERT INTO s(body) SELECT '문' FROM json_each('[1,2]')",
                                       "UPDATE plain SET x = x + 10", "SAVEPOINT a", "COMMIT",
                                       "SELECT count(*) FROM s('책')"};
  sqlite3 *db = open_file(temporary_file("full.db"));
  run_format(db, "PRAGMA synchronous = OFF; CREATE VIRTUAL TABLE s USING koelectra_index(body);"
                 "CREATE TABLE plain(x UNIQUE); INSERT INTO plain VALUES(1), (2);"
                 "CREATE TRIGGER two AFTER UPDATE ON plain BEGIN SELECT 1; END;"
                 "CREATE TABLE ready AS SELECT koelectra_embed('책') AS v");
  int failures = 0;
  for (int room = 0; room < 60; room += 7) {
    run_format(db, "BEGIN");
    for (int i = 0; i < 600; i++)
      run_format(db, "INSERT INTO s(rowid, body) VALUES(%d, (SELECT v FROM ready))", i + 1);
    run_format(db, "PRAGMA max_page_count = %lld", (long long)pages(db) + room);
    char *text;
    int code = run_sql(db, writes[_i], &text);
    ck_assert_msg(code == SQLITE_FULL || code == SQLITE_OK, "code %d: %s", code, text);
    failures += code == SQLITE_FULL;
    sqlite3_free(text);
    run_format(db, "PRAGMA max_page_count = 1000000");
    if (!sqlite3_get_autocommit(db)) run_format(db, "COMMIT");
    sqlite3_int64 count = query_integer(db, "SELECT count(*) FROM s");
    ck_assert_msg(count == 0 || count >= 600, "%lld rows", (long long)count);
    ck_assert_int_eq(query_integer(db, "SELECT count(*) FROM s('책')"), count);
    assert_sound(db, "s");
    run_format(db, "DELETE FROM s; VACUUM");
  }
  ck_assert_int_gt(failures, 3);
  close_database(db);
}
END_TEST

Suite *index_connections_suite(void);

Suite *index_connections_suite(void) {
  Suite *suite = suite_create("index_connections");
  TCase *connections = tcase_create("connections");
  tcase_add_test(connections, wal);
  tcase_add_test(connections, rollback_journal);
  tcase_add_loop_test(connections, another_process, 0, 2);
  tcase_add_test(connections, another_connection);
  tcase_add_test(connections, uncommitted);
  suite_add_tcase(suite, connections);
  TCase *files = tcase_create("files");
  tcase_add_test(files, backups);
  tcase_add_test(files, copies_diverge);
  tcase_add_test(files, attached_in_turn);
  tcase_add_test(files, shared_cache);
  tcase_add_test(files, read_only);
  tcase_add_loop_test(files, space_comes_back, 0, 3);
  suite_add_tcase(suite, files);
  TCase *failures = tcase_create("failures");
  tcase_add_test(failures, model_that_fails);
  tcase_add_loop_test(failures, savepoints_out_of_memory, 0, 2);
  tcase_add_loop_test(failures, disk_full, 0, 5);
  suite_add_tcase(suite, failures);
  return suite;
}
