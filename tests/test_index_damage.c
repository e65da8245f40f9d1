/* koelectra_index over shadow tables that somebody has written to: every damage is an error that
 * names the table, or harmless; DROP works, and 'rebuild' repairs where the message says so. */
#include "index_support.h"
#include "support.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* 300 rows in two chunks, the second with free slots, and one row without a vector. */
static sqlite3 *open_filled(void) {
  sqlite3 *db = open_tiny_database();
  sqlite3_extended_result_codes(db, 1);
  run_format(db, "CREATE VIRTUAL TABLE s USING koelectra_index(body);"
                 "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n LIMIT 300) "
                 "INSERT INTO s(rowid, body) SELECT i, '글' || i FROM n;"
                 "INSERT INTO s(rowid, body) VALUES(400, NULL);");
  add_vector_table(db);
  return db;
}

static const char *const uses[] = {
    "SELECT rowid, body, similarity FROM s WHERE s MATCH '책' AND k = 3",
    "SELECT rowid, body FROM s WHERE s MATCH '책' AND rowid IN (1, 2, 270, 400)",
    "SELECT body FROM s WHERE rowid = 1",
    "SELECT body FROM s",
    "INSERT INTO s(body) VALUES('새')",
    "INSERT INTO s(body) SELECT v FROM ready",
    "UPDATE s SET body = (SELECT v FROM ready) WHERE rowid = 2",
    "INSERT OR REPLACE INTO s(rowid, body) VALUES(1, '새')",
    "UPDATE s SET body = '다른' WHERE rowid IN (1, 270)",
    "UPDATE s SET rowid = 500 WHERE rowid = 270",
    "DELETE FROM s WHERE rowid IN (1, 270, 400)",
    "DELETE FROM s WHERE rowid = 1",
    "UPDATE OR REPLACE s SET rowid = 270 WHERE rowid = 2",
    "INSERT INTO s(s) VALUES('optimize')", /* the last: what it has moved stays moved */
};

enum { USES = sizeof uses / sizeof uses[0] };

/* All bytes of the shadow tables; sqlite3_free it. */
static char *describe_shadow_tables(sqlite3 *db) {
  static const char *const queries[] = {
      "SELECT key, quote(value) FROM s_info", "SELECT id, quote(vectors) FROM s_vectors",
      "SELECT id, quote(free), quote(stamp), quote(live), quote(rowids) FROM s_chunks",
      "SELECT rowid, quote(slot) FROM s_rows", "SELECT id, quote(c0) FROM s_content"};
  sqlite3_str *out = sqlite3_str_new(db);
  for (size_t i = 0; i < sizeof queries / sizeof queries[0]; i++) {
    char *text;
    run_sql(db, queries[i], &text); /* of a table that is not there: the message */
    sqlite3_str_appendf(out, "%s\n", text);
    sqlite3_free(text);
  }
  char *all = sqlite3_str_finish(out);
  ck_assert_ptr_nonnull(all);
  return all;
}

/* ── each kind of damage ────────────────────────────────────────────────────────────────────────
 */

static const struct damage {
  const char *sql;
  const char *blamed; /* what the message of 'integrity-check' contains */
  bool repaired;      /* by 'rebuild' */
} damages[] = {
    {"DELETE FROM s_info WHERE key = 'version'", "s_info is damaged (version is missing", true},
    {"DELETE FROM s_info WHERE key = 'dimension'", "s_info is damaged (dimension is missing", true},
    {"DELETE FROM s_info", "s_info is damaged", true},
    {"UPDATE s_info SET value = 'x' WHERE key = 'fingerprint'", "s_info is damaged", true},
    {"UPDATE s_info SET value = NULL WHERE key = 'fingerprint'", "s_info is damaged", true},
    {"UPDATE s_info SET value = x'00' WHERE key = 'dimension'", "s_info is damaged", true},
    {"UPDATE s_info SET value = -1 WHERE key = 'dimension'", "s_info is damaged", true},
    {"UPDATE s_info SET value = 1 << 40 WHERE key = 'dimension'", "s_info is damaged", true},
    {"UPDATE s_info SET value = 33 WHERE key = 'dimension'", "s_vectors is damaged", true},
    {"UPDATE s_info SET value = 0 WHERE key = 'version'", "s_info is damaged", true},
    {"UPDATE s_info SET value = 128 WHERE key = 'chunk_size'", "s_info is damaged", true},
    {"DROP TABLE s_info", "s_info is damaged (no such table", true},
    {"ALTER TABLE s_info RENAME COLUMN value TO v", "s_info is damaged (no such column", false},

    {"DELETE FROM s_info WHERE key = 'stamp'", "s_info is damaged (stamp is missing", true},
    {"UPDATE s_info SET value = x'00' WHERE key = 'stamp'", "s_info is damaged", true},
    {"INSERT INTO s_info VALUES('sketch', 1)", "s_info is damaged (sketch", true},
    {"INSERT INTO s_info VALUES('sketch', zeroblob(32))", "s_info is damaged (sketch", true},
    {"INSERT INTO s_info VALUES('sketch', zeroblob(100000))", "s_info is damaged (sketch", true},

    {"DELETE FROM s_chunks WHERE id = 1",
     "s_vectors is damaged (run 1 is of a chunk that is not in s_chunks", true},
    {"DELETE FROM s_chunks", "s_vectors is damaged (run 1 is of a chunk that is not in s_chunks",
     true},
    {"UPDATE s_chunks SET stamp = 'x' WHERE id = 2", "s_chunks is damaged (chunk 2: stamp", true},
    {"UPDATE s_chunks SET free = 1 WHERE id = 1", "s_chunks is damaged (chunk 1: free is 1", true},
    {"UPDATE s_chunks SET free = -1 WHERE id = 2", "s_chunks is damaged (chunk 2: free is -1",
     true},
    {"UPDATE s_chunks SET free = 'x' WHERE id = 2", "s_chunks is damaged", true},
    {"UPDATE s_chunks SET free = 1e300 WHERE id = 2", "s_chunks is damaged", true},
    {"UPDATE s_chunks SET live = zeroblob(31)", "s_chunks is damaged", true},
    {"UPDATE s_chunks SET live = zeroblob(33)", "s_chunks is damaged", true},
    {"UPDATE s_chunks SET live = ''", "s_chunks is damaged", true},
    {"UPDATE s_chunks SET live = x''", "s_chunks is damaged", true},
    {"UPDATE s_chunks SET live = zeroblob(32), free = 256 WHERE id = 1",
     "s_vectors is damaged (chunk 1 has 16 runs", true},
    {"UPDATE s_chunks SET rowids = zeroblob(8)", "s_chunks is damaged", true},
    {"UPDATE s_chunks SET rowids = 5", "s_chunks is damaged", true},
    {"UPDATE s_chunks SET rowids = zeroblob(2048) WHERE id = 1", "s_rows is damaged", true},
    {"UPDATE s_chunks SET id = -1 WHERE id = 1", "s_chunks is damaged (chunk -1", true},
    {"UPDATE s_chunks SET id = 9223372036854775807 WHERE id = 2", "s_chunks is damaged", true},
    {"UPDATE s_chunks SET id = 7 WHERE id = 2", "s_vectors is damaged", true},
    {"DROP TABLE s_chunks", "s_chunks is damaged (no such table", true},
    {"ALTER TABLE s_chunks DROP COLUMN live", "s_chunks is damaged", false},

    {"DELETE FROM s_vectors WHERE id = 2", "s_vectors is damaged (chunk 1", true},
    {"INSERT INTO s_vectors SELECT 20, vectors FROM s_vectors WHERE id = 1",
     "s_vectors is damaged (chunk 2", true},
    {"UPDATE s_vectors SET vectors = zeroblob(length(vectors) - 4)", "s_vectors is damaged", true},
    {"UPDATE s_vectors SET vectors = zeroblob(length(vectors) + 4)", "s_vectors is damaged", true},
    {"UPDATE s_vectors SET vectors = 'text'", "s_vectors is damaged", true},
    {"UPDATE s_vectors SET vectors = 1", "s_vectors is damaged", true},
    {"UPDATE s_vectors SET vectors = x''", "s_vectors is damaged", true},
    {"UPDATE s_vectors SET vectors = zeroblob(length(vectors))",
     "s_vectors is damaged (the vector of row 1 is not of unit length", true},
    {"UPDATE s_vectors SET vectors = CAST(replace(hex(zeroblob(4 * 16 * 32 / 8)), '0', "
     "x'0000c07f') AS BLOB)",
     "s_vectors is damaged", true},
    {"INSERT INTO s_vectors VALUES(33, x'')", "s_vectors is damaged (run 33 is of a", true},
    {"INSERT INTO s_vectors VALUES(-5, x'')", "s_vectors is damaged (run -5 is of a", true},
    {"INSERT INTO s_vectors VALUES(9223372036854775807, x'')", "s_vectors is damaged", true},
    {"UPDATE s_vectors SET id = id + 500", "s_vectors is damaged", true},
    {"DROP TABLE s_vectors", "s_vectors is damaged (no such table", true},

    {"DELETE FROM s_rows WHERE rowid = 1", "s_rows is damaged (row 1 is not where chunk 1", true},
    {"DELETE FROM s_rows WHERE rowid = 400", "s_rows is damaged (row 400 is not in the index",
     true},
    {"INSERT INTO s_rows VALUES(777, NULL)", "s_rows is damaged (row 777 is in the index", true},
    {"INSERT INTO s_rows VALUES(777, 0)", "s_rows is damaged (301 rows have a slot", true},
    {"UPDATE s_rows SET slot = NULL WHERE rowid = 1", "s_rows is damaged (row 1", true},
    {"UPDATE s_rows SET slot = -1 WHERE rowid = 1", "s_rows is damaged (row 1", true},
    {"UPDATE s_rows SET slot = 1 << 62 WHERE rowid = 1", "s_rows is damaged (row 1", true},
    {"UPDATE s_rows SET slot = 1 << 40 WHERE rowid = 1", "s_rows is damaged (row 1", true},
    {"UPDATE s_rows SET slot = 511 WHERE rowid = 1", "s_rows is damaged (row 1", true},
    {"UPDATE s_rows SET slot = 'x' WHERE rowid = 1", "s_rows is damaged (row 1", true},
    {"UPDATE s_rows SET slot = 0.5 WHERE rowid = 1", "s_rows is damaged (row 1", true},
    {"UPDATE s_rows SET slot = x'00' WHERE rowid = 270", "s_rows is damaged (row 270", true},
    {"UPDATE s_rows SET slot = slot + 1", "s_rows is damaged (row 1", true},
    {"UPDATE s_rows SET slot = 3 WHERE rowid = 400", "s_rows is damaged", true},
    {"DROP TABLE s_rows", "s_rows is damaged (no such table", true},

    {"DELETE FROM s_content WHERE id = 1", "row 1 is in the index, but not in s_content", true},
    {"INSERT INTO s_content VALUES(777, '글')", "row 777 is not in the index, but in s_content",
     true},
    {"UPDATE s_content SET c0 = NULL WHERE id = 1", "row 1 has a vector or a text, but not both",
     true},
    {"UPDATE s_content SET c0 = '글' WHERE id = 400", "row 400 has a vector or a text", true},
    {"UPDATE s_content SET c0 = NULL", "has a vector or a text, but not both", true},
    {"DROP TABLE s_content", "s_content is damaged (no such table", false},
};

enum { DAMAGES = sizeof damages / sizeof damages[0] };

/* A statement on the damaged index works, or says which table is at fault. */
static int run_or_refuse(sqlite3 *db, const char *damage, const char *sql) {
  int code = run(db, sql);
  if (code == SQLITE_OK) return code;
  /* A dimension is believed as long as nothing contradicts it. */
  if (strstr(sqlite3_errmsg(db), "but the vectors of the index have 33") != NULL) return code;
  ck_assert_msg(code == SQLITE_CORRUPT_VTAB, "%s: %s: code %d: %s", damage, sql, code,
                sqlite3_errmsg(db));
  const char *message = sqlite3_errmsg(db);
  ck_assert_msg(strstr(message, "shadow table s_") != NULL &&
                    strstr(message, "is damaged (") != NULL,
                "%s: %s: the message names no table: %s", damage, sql, message);
  return code;
}

/* Runs each statement in a transaction: one that is refused has changed nothing. */
static void try_uses(sqlite3 *db, const char *damage) {
  char *before = describe_shadow_tables(db);
  for (int i = 0; i < USES; i++) {
    run_format(db, "BEGIN");
    if (run_or_refuse(db, damage, uses[i]) != SQLITE_OK && i < USES - 1) {
      ck_assert_msg(!sqlite3_get_autocommit(db), "%s: %s: rolled back", damage, uses[i]);
      char *after = describe_shadow_tables(db);
      ck_assert_msg(strcmp(before, after) == 0, "%s: %s: refused, but something changed", damage,
                    uses[i]);
      sqlite3_free(after);
    }
    run_format(db, "ROLLBACK");
  }
  sqlite3_free(before);
}

START_TEST(each_damage) {
  const struct damage *damage = &damages[_i];
  sqlite3 *db = open_filled();
  run_format(db, "%s", damage->sql);
  assert_sql_fails(db, "INSERT INTO s(s) VALUES('integrity-check')", SQLITE_CORRUPT_VTAB,
                   damage->blamed);
  try_uses(db, damage->sql);
  run_format(db, "SAVEPOINT dropped; DROP TABLE s; ROLLBACK TO dropped; RELEASE dropped");
  if (damage->repaired) {
    run_format(db, "INSERT INTO s(s) VALUES('rebuild')");
    assert_sound(db, "s");
    for (int i = 0; i < USES; i++)
      run_format(db, "%s", uses[i]);
    assert_sound(db, "s");
  } else {
    ck_assert_int_eq(run(db, "INSERT INTO s(s) VALUES('rebuild')"), SQLITE_CORRUPT_VTAB);
  }
  run_format(db, "DROP TABLE s");
  close_database(db);
}
END_TEST

/* A file that is damaged before the index is connected to. */
START_TEST(damaged_before_connecting) {
  static const char *const tables[] = {"info", "chunks", "vectors", "rows", "content"};
  for (int i = 0; i < 5; i++) {
    const char *path = temporary_file("damaged.db");
    sqlite3 *db = open_database_file(path);
    load_tiny(db);
    run_format(db,
               "CREATE VIRTUAL TABLE s USING koelectra_index(body);"
               "INSERT INTO s(body) VALUES('글'); DROP TABLE s_%s",
               tables[i]);
    add_vector_table(db);
    close_database(db);
    db = open_database_file(path);
    sqlite3_extended_result_codes(db, 1);
    for (int u = 0; u < USES; u++)
      run_or_refuse(db, tables[i], uses[u]);
    run_format(db, "DROP TABLE s; DROP TABLE ready");
    assert_sql(db, "SELECT count(*) FROM sqlite_schema", "0");
    close_database(db);
  }
}
END_TEST

/* An index of another format is left alone: not read, not written, not rebuilt. */
START_TEST(other_formats) {
  sqlite3 *db = open_filled();
  run_format(db, "UPDATE s_info SET value = 4 WHERE key = 'version'");
  for (int i = 0; i < USES; i++)
    assert_sql_fails(db, uses[i], SQLITE_ERROR, "a newer sqlite-koelectra wrote it (format 4");
  assert_sql_fails(db, "INSERT INTO s(s) VALUES('rebuild')", SQLITE_ERROR, "newer");
  assert_sql_fails(db, "INSERT INTO s(s) VALUES('integrity-check')", SQLITE_ERROR, "newer");
  run_format(db, "UPDATE s_info SET value = 2 WHERE key = 'version'");
  for (int i = 0; i < USES; i++)
    assert_sql_fails(db, uses[i], SQLITE_ERROR, "format 2, of a development version: DROP it");
  assert_sql_fails(db, "INSERT INTO s(s) VALUES('rebuild')", SQLITE_ERROR, "development version");
  run_format(db, "UPDATE s_info SET value = 3 WHERE key = 'version'");
  assert_sound(db, "s");
  run_format(db, "UPDATE s_info SET value = 4 WHERE key = 'version'; DROP TABLE s");
  close_database(db);
}
END_TEST

/* A row that was inserted as a vector, whose vector is gone: the error says which row and what to
 * do; nothing else is lost. */
START_TEST(lost_vector) {
  static const char *const ways[] = {
      "UPDATE s_rows SET slot = NULL WHERE rowid = 500", "DELETE FROM s_rows WHERE rowid = 500",
      "DELETE FROM s_vectors WHERE id > 16", "UPDATE s_chunks SET live = zeroblob(32), free = 256"};
  for (size_t i = 0; i < sizeof ways / sizeof ways[0]; i++) {
    sqlite3 *db = open_filled();
    run_format(db, "INSERT INTO s(rowid, body) SELECT 500, v FROM ready; %s", ways[i]);
    int code = run(db, "SELECT body FROM s WHERE rowid = 500");
    ck_assert(code == SQLITE_CORRUPT_VTAB || i == 1); /* 1: there is no such row */
    assert_sql_fails(db, "INSERT INTO s(s) VALUES('rebuild')", SQLITE_CORRUPT_VTAB,
                     "row 500 was inserted as a vector");
    run_format(db, "DELETE FROM s_content WHERE id = 500; INSERT INTO s(s) VALUES('rebuild')");
    assert_sound(db, "s");
    assert_sql(db, "SELECT count(*) FROM s", "301");
    close_database(db);
  }
}
END_TEST

/* What is damaged before it is written: the transaction cannot be committed, and is undone. */
START_TEST(damage_before_commit) {
  sqlite3 *db = open_filled();
  run_format(db, "BEGIN; UPDATE s SET body = '다른' WHERE rowid = 270; DELETE FROM s_vectors");
  int code = run(db, "COMMIT");
  ck_assert_msg(code == SQLITE_CORRUPT_VTAB, "code %d: %s", code, sqlite3_errmsg(db));
  ck_assert_ptr_nonnull(strstr(sqlite3_errmsg(db), "s_vectors is damaged ("));
  ck_assert_int_ne(sqlite3_get_autocommit(db), 0);
  assert_sql(db, "SELECT body FROM s WHERE rowid = 270", "글270");
  assert_sound(db, "s");
  close_database(db);
}
END_TEST

/* ── random damage ──────────────────────────────────────────────────────────────────────────────
 */

static unsigned seed;

static unsigned below(unsigned n) {
  return (unsigned)rand_r(&seed) % n;
}

/* A value that might do harm. */
static void random_value(char *out, size_t size) {
  static const char *const values[] = {"NULL",  "0",           "-1",  "1",       "'x'",
                                       "1.5",   "x'00'",       "256", "1 << 40", "-(1 << 62)",
                                       "1e300", "zeroblob(9)", "''",  "x''",     "randomblob(32)"};
  if (below(4) == 0) {
    snprintf(out, size, "%u", below(600));
  } else {
    snprintf(out, size, "%s", values[below(sizeof values / sizeof values[0])]);
  }
}

static void damage_something(sqlite3 *db, char *sql, size_t size) {
  static const char *const columns[][3] = {{"info", "key", "value"},  {"chunks", "id", "free"},
                                           {"chunks", "id", "live"},  {"chunks", "id", "rowids"},
                                           {"chunks", "id", "stamp"}, {"vectors", "id", "vectors"},
                                           {"rows", "rowid", "slot"}, {"content", "id", "c0"},
                                           {"chunks", "id", "id"},    {"rows", "rowid", "rowid"}};
  const char *const *column = columns[below(sizeof columns / sizeof columns[0])];
  char value[64];
  random_value(value, sizeof value);
  bool blob = strcmp(column[2], "live") == 0 || strcmp(column[2], "rowids") == 0;
  if (blob && below(2) == 0) {
    snprintf(value, sizeof value, "randomblob(length(%s))", column[2]);
  }
  snprintf(sql, size,
           "UPDATE OR IGNORE s_%s SET %s = %s WHERE %s = "
           "(SELECT %s FROM s_%s LIMIT 1 OFFSET %u)",
           column[0], column[2], value, column[1], column[1], column[0], below(6));
  run(db, sql);
}

START_TEST(random_damage) {
  seed = 1u + (unsigned)_i;
  sqlite3 *db = open_filled();
  for (int round = 0; round < 40; round++) {
    char sql[256];
    run_format(db, "BEGIN");
    for (int i = 0; i < 3; i++) {
      damage_something(db, sql, sizeof sql);
      int use = (int)below(USES);
      /* Writes what the last use changed, unless the damage is to that. */
      int saved = run(db, "SAVEPOINT use");
      if (saved != SQLITE_OK) {
        ck_assert_int_eq(saved, SQLITE_CORRUPT_VTAB);
        break;
      }
      int code = run(db, uses[use]);
      ck_assert_msg(code == SQLITE_OK || code == SQLITE_CORRUPT_VTAB || code == SQLITE_ERROR ||
                        code == SQLITE_CONSTRAINT,
                    "%s: %s: code %d: %s", sql, uses[use], code, sqlite3_errmsg(db));
      run_format(db, "RELEASE use");
    }
    run(db, "INSERT INTO s(s) VALUES('integrity-check')");
    int code = run(db, "INSERT INTO s(s) VALUES('rebuild')");
    if (code == SQLITE_OK) {
      assert_sound(db, "s");
    } else if (strstr(sqlite3_errmsg(db), "was inserted as a vector") != NULL) {
      ck_assert_int_eq(code, SQLITE_CORRUPT_VTAB); /* the damage says so, and has no vector */
    } else { /* a version that is newer, or a text that is none */
      ck_assert_msg(code == SQLITE_ERROR, "%s: code %d: %s", sql, code, sqlite3_errmsg(db));
    }
    run_format(db, "ROLLBACK");
    assert_sound(db, "s");
  }
  run_format(db, "DROP TABLE s");
  close_database(db);
}
END_TEST

Suite *index_damage_suite(void);

Suite *index_damage_suite(void) {
  Suite *suite = suite_create("index_damage");
  TCase *tests = tcase_create("index_damage");
  tcase_add_loop_test(tests, each_damage, 0, DAMAGES);
  tcase_add_test(tests, damaged_before_connecting);
  tcase_add_test(tests, other_formats);
  tcase_add_test(tests, lost_vector);
  tcase_add_test(tests, damage_before_commit);
  tcase_add_loop_test(tests, random_damage, 0, 5);
  suite_add_tcase(suite, tests);
  return suite;
}
