/* The columns of koelectra_index beside the text: connections, affinities, memory that is short,
 * shadow tables that somebody has written to.  Conditions on them are tested in
 * test_index_filters.c; what a user sees is shown in tests/sql/index_columns.sql. */
#include "../model/memory.h"
#include "index_support.h"
#include "sqlite_faults.h"
#include "support.h"

#include <string.h>

/* Metadata are seen as everything else: by others when they are committed. */
START_TEST(two_connections) {
  const char *path = temporary_file("columns.db");
  sqlite3 *one = open_database_file(path);
  load_tiny(one);
  run_format(one, "PRAGMA journal_mode = WAL;"
                  "CREATE VIRTUAL TABLE s USING koelectra_index(body, n INTEGER PARTITION KEY);"
                  "INSERT INTO s VALUES('책', 1), ('문', 1), ('강', 2)");
  sqlite3 *two = open_database_file(path);
  static const char sql[] = "SELECT count(*) FROM s WHERE s MATCH '책' AND k = 5 AND n = 1";
  assert_sql(two, sql, "2");
  run_format(one, "BEGIN; UPDATE s SET n = 1 WHERE n = 2; INSERT INTO s VALUES('산', 1)");
  assert_sql(one, sql, "4");
  assert_sql(two, sql, "2");
  run_format(two, "BEGIN; SELECT * FROM s WHERE n = 1");
  run_format(one, "COMMIT");
  assert_sql(two, sql, "2");
  run_format(two, "COMMIT");
  assert_sql(two, sql, "4");
  run_format(two, "DELETE FROM s WHERE n = 1 AND rowid > 1");
  assert_sql(one, sql, "1");
  assert_sound(one, "s");
  close_database(two);
  close_database(one);
}
END_TEST

/* A content table may give its columns other affinities: metadata are in step all the same. */
START_TEST(other_affinities) {
  static const char *const types[] = {"", "TEXT", "INTEGER", "REAL", "BLOB"};
  sqlite3 *db = open_tiny_database();
  sqlite3_extended_result_codes(db, 1);
  run_format(
      db,
      "CREATE TABLE c(id INTEGER PRIMARY KEY, body, t %s, i %s, r %s, n %s, b %s);"
      "INSERT INTO c SELECT key, '책', value, value, value, value, value FROM json_each("
      "'[null, \"a\", \"1\", \"01\", \"1.0\", \" 5 \", \"1e3\", \"\", \"0x10\", 1, 1.0, 2.5, "
      "1e300, -1, 9007199254740993, 9223372036854775807, \"9223372036854775807\"]');"
      "INSERT INTO c VALUES(100, '책', x'31', x'31', x'31', x'31', x'');"
      "CREATE VIRTUAL TABLE s USING koelectra_index(body, t TEXT, i INTEGER, r REAL, "
      "n NUMERIC, b BLOB, content=c, content_rowid=id);"
      "INSERT INTO s(s) VALUES('rebuild')",
      types[_i], types[_i], types[_i], types[_i], types[_i]);
  assert_sound(db, "s");
  static const char *const changes[] = {"t = 'z'", "i = 77", "r = -5.5", "n = NULL", "b = x'00'"};
  for (int i = 0; i < 5; i++) {
    run_format(db, "SAVEPOINT one; UPDATE s SET %s WHERE rowid = 10", changes[i]);
    assert_sql_fails(db, "INSERT INTO s(s) VALUES('integrity-check')", SQLITE_CORRUPT_VTAB,
                     "row 10 has other values in its columns than in c");
    run_format(db, "ROLLBACK TO one; RELEASE one");
  }
  assert_sound(db, "s");
  close_database(db);
}
END_TEST

/* ── memory ─────────────────────────────────────────────────────────────────────────────────────
 */

static sqlite3 *open_small(bool external) {
  sqlite3 *db = open_tiny_database();
  sqlite3_extended_result_codes(db, 1);
  run_format(db,
             "CREATE TABLE article(id INTEGER PRIMARY KEY, body TEXT, city TEXT, stars INT, url);"
             "INSERT INTO article VALUES(1, '책', 'a', 5, 'u1'), (2, '문', 'b', 4, 'u2'), "
             "(3, NULL, 'a', 3, 'u3'), (4, '강', NULL, 2, NULL)");
  run_format(db,
             "CREATE VIRTUAL TABLE s USING koelectra_index(body, city TEXT PARTITION KEY, "
             "stars INTEGER, +url%s);"
             "INSERT INTO s(rowid, body, city, stars, url) SELECT * FROM article",
             external ? ", content='article', content_rowid='id'" : "");
  return db;
}

static const char *const statements[] = {
    "CREATE VIRTUAL TABLE other USING koelectra_index(body, \"a b\" TEXT PARTITION KEY, n INT, +u)",
    "INSERT INTO s(rowid, body, city, stars, url) VALUES(9, '산', 'c', 1, 'u9')",
    "INSERT OR REPLACE INTO s(rowid, body, city, url) VALUES(2, '산', 'c', 'u22')",
    "UPDATE s SET stars = stars + 1, city = city || 'x' WHERE city = 'a'",
    "UPDATE s SET url = 'new', stars = 0 WHERE rowid = 1",
    "UPDATE OR REPLACE s SET rowid = 2, city = 'z' WHERE rowid = 1",
    ("SELECT *, similarity FROM s WHERE s MATCH '책' AND k = 2 AND city IN ('a', 'b') AND stars > 1 "
     "AND city LIKE '%a%' AND city = 'A' COLLATE NOCASE"),
    "SELECT city, url FROM s WHERE stars BETWEEN 2 AND 4",
    "SELECT count(*) FROM article a JOIN s ON s MATCH a.body AND k = 1 AND s.city = a.city",
    "INSERT INTO s(s) VALUES('integrity-check')",
    "INSERT INTO s(s) VALUES('rebuild')",
    "ALTER TABLE s RENAME TO renamed",
};

enum { STATEMENTS = sizeof statements / sizeof statements[0] };

static char *describe(sqlite3 *db) {
  return query_text(
      db, "SELECT rowid, quote(city), stars, url, body FROM s;"
          "SELECT rowid, round(similarity, 4), stars FROM s WHERE s MATCH '책' AND stars > 0;"
          "SELECT group_concat(name) FROM sqlite_schema");
}

static void set_fault(bool ours, long n) {
  if (!ours) set_sqlite_fault(n, false);
#ifdef KOE_FAULTS
  if (ours) koe_memory_fail_after(n);
#endif
}

/* Every allocation of ours, every few of SQLite's: the error is said and nothing has changed. */
static void sweep(sqlite3 *db, const char *sql, bool ours) {
  char *before = describe(db);
  bool faulted = true;
  for (long n = 1; faulted; n += ours ? 1 + n / 50 : 5 + n / 20) {
    run_format(db, "BEGIN");
    set_fault(ours, n);
    int code = run(db, sql);
    faulted = ours ? code != SQLITE_OK : sqlite_fault_reached();
    set_fault(ours, 0);
    ck_assert_msg(code == SQLITE_OK || (code == SQLITE_NOMEM && faulted),
                  "%s: allocation %ld: code %d: %s", sql, n, code, sqlite3_errmsg(db));
    if (code != SQLITE_OK) assert_same_text(sqlite3_mprintf("%s", before), describe(db), sql);
    if (!sqlite3_get_autocommit(db)) run_format(db, "ROLLBACK");
    if (code == SQLITE_OK) assert_same_text(sqlite3_mprintf("%s", before), describe(db), sql);
    assert_sound(db, "s");
  }
  sqlite3_free(before);
}

START_TEST(memory_of_sqlite) {
  install_sqlite_faults();
  sqlite3 *db = open_small(_i % 2 == 1);
  sweep(db, statements[_i], false);
  close_database(db);
}
END_TEST

#ifdef KOE_FAULTS
START_TEST(our_memory) {
  sqlite3 *db = open_small(_i % 2 == 0);
  sweep(db, statements[_i], true);
  close_database(db);
}
END_TEST
#endif

/* ── damage ─────────────────────────────────────────────────────────────────────────────────────
 */

static const char *const uses[] = {
    "SELECT * FROM s WHERE s MATCH '책' AND k = 3 AND city = 'a'",
    "SELECT * FROM s WHERE s MATCH '책' AND stars > 1 AND city IN ('a', 'b')",
    "SELECT city, stars, url FROM s WHERE s MATCH '책'",
    "SELECT url, stars FROM s WHERE rowid = 1",
    "SELECT * FROM s WHERE stars = 5",
    "INSERT INTO s(body, city, stars, url) VALUES('산', 'b', 1, 'u')",
    "INSERT OR REPLACE INTO s(rowid, body, city, stars, url) VALUES(1, '산', 'b', 1, 'u')",
    "UPDATE s SET stars = 9 WHERE rowid = 1",
    "UPDATE s SET url = 'x', body = '섬' WHERE city = 'b'",
    "UPDATE s SET rowid = 50 WHERE rowid = 1",
    "DELETE FROM s WHERE rowid = 1",
    "INSERT INTO s(s) VALUES('integrity-check')",
    "INSERT INTO s(s) VALUES('optimize')",
    "INSERT INTO s(s) VALUES('rebuild')",
};

enum { USES = sizeof uses / sizeof uses[0] };

/* Each with the shadow table that some use must blame; NULL: it may go unnoticed. */
static const struct damage {
  const char *sql, *blamed;
} damages[] = {
    {"ALTER TABLE s_rows DROP COLUMN m1", "s_rows is damaged (no such column: m1"},
    {"ALTER TABLE s_rows RENAME COLUMN m0 TO shop", "s_rows is damaged (no such column: m0"},
    {"DROP TABLE s_rows", "s_rows is damaged (no such table"},
    {"DROP TABLE s_rows; CREATE TABLE s_rows(rowid INTEGER PRIMARY KEY, slot)",
     "s_rows is damaged ("},
    {"ALTER TABLE s_content DROP COLUMN c1", "s_content is damaged (no such column: content.c1"},
    {"DROP TABLE s_content", "s_content is damaged (no such table"},
    {"UPDATE s_rows SET slot = slot + 1", "s_rows is damaged ("},
    {"UPDATE s_rows SET slot = -1 WHERE rowid = 1", "s_rows is damaged ("},
    {"UPDATE s_rows SET slot = 1e300 WHERE rowid = 1", "s_rows is damaged ("},
    {"UPDATE s_rows SET slot = 9223372036854775807 WHERE rowid = 1", "s_rows is damaged ("},
    {"UPDATE s_rows SET slot = 'x' WHERE rowid = 1", "s_rows is damaged ("},
    {"UPDATE s_rows SET slot = 100000 WHERE rowid = 1", "is damaged ("},
    {"DELETE FROM s_rows WHERE rowid = 1", "s_rows is damaged ("},
    {"INSERT INTO s_rows(rowid, slot, m0) VALUES(77, 7, 'a')", "s_rows is damaged ("},
    {"DELETE FROM s_content WHERE id = 1", "s_content is damaged (row 1 is missing)"},
    {"INSERT INTO s_content(id, c0, c1) VALUES(77, 'x', 'y')", "is not in the index, but in"},
    {"UPDATE s_rows SET m0 = x'00', m1 = 'text'", NULL},
};

enum { DAMAGES = sizeof damages / sizeof damages[0] };

START_TEST(damaged) {
  const struct damage *damage = &damages[_i];
  bool blamed = damage->blamed == NULL;
  sqlite3 *db = open_small(false);
  run_format(db, "%s", damage->sql);
  for (int i = 0; i < USES; i++) {
    run_format(db, "BEGIN");
    int code = run(db, uses[i]);
    const char *message = sqlite3_errmsg(db);
    ck_assert_msg(code == SQLITE_OK || code == SQLITE_CORRUPT_VTAB ||
                      strstr(message, "there is a row 50 already") != NULL,
                  "%s: %s: code %d: %s", damage->sql, uses[i], code, message);
    if (damage->blamed != NULL && strstr(message, damage->blamed) != NULL) blamed = true;
    run_format(db, "ROLLBACK");
  }
  ck_assert_msg(blamed, "%s: no use was refused for %s", damage->sql, damage->blamed);
  run_format(db, "DROP TABLE s");
  close_database(db);
}
END_TEST

/* Metadata of rows that were lost are lost; the index is made anew around the others. */
START_TEST(rebuilt_without_a_row) {
  sqlite3 *db = open_small(false);
  run_format(db,
             "DELETE FROM s_rows WHERE rowid = 2; INSERT INTO s_rows(rowid, m0) VALUES(77, 'x');"
             "INSERT INTO s(s) VALUES('rebuild')");
  assert_sound(db, "s");
  assert_sql(db, "SELECT rowid, body, city, stars, url FROM s",
             "1|책|a|5|u1\n2|문|NULL|NULL|u2\n3|NULL|a|3|u3\n4|강|NULL|2|NULL");
  close_database(db);
}
END_TEST

Suite *index_columns_suite(void);

Suite *index_columns_suite(void) {
  Suite *suite = suite_create("index_columns");
  TCase *tests = tcase_create("index_columns");
  tcase_set_timeout(tests, 60);
  tcase_add_test(tests, two_connections);
  tcase_add_loop_test(tests, other_affinities, 0, 5);
  tcase_add_loop_test(tests, memory_of_sqlite, 0, STATEMENTS);
#ifdef KOE_FAULTS
  tcase_add_loop_test(tests, our_memory, 0, STATEMENTS);
#endif
  tcase_add_loop_test(tests, damaged, 0, DAMAGES);
  tcase_add_test(tests, rebuilt_without_a_row);
  suite_add_tcase(suite, tests);
  return suite;
}
