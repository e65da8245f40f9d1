/* koelectra_index where something goes wrong: memory, interrupts, rollbacks, other connections,
 * another model.  The error is said, and the index is sound afterwards. */
#include "../model/memory.h"
#include "index_support.h"
#include "interrupt.h"
#include "sqlite_faults.h"
#include "support.h"

#include <stdio.h>
#include <string.h>

/* ── memory ─────────────────────────────────────────────────────────────────────────────────────
 */

static const char *const statements_own[] = {
    "CREATE VIRTUAL TABLE other USING koelectra_index(body, model='default')",
    "INSERT INTO s(body) VALUES('새로 산 노트북')",
    "INSERT INTO s(rowid, body) SELECT rowid + 10, body || ' 둘' FROM s WHERE rowid < 6",
    ("INSERT INTO s(rowid, body) SELECT 7, koelectra_vector('[1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,"
     "16,17,18,19,20,21,22,23,24,25,26,27,28,29,30,31,32]')"),
    "SELECT body FROM s WHERE rowid = 6",
    "INSERT OR REPLACE INTO s(rowid, body) VALUES(2, '다른 글')",
    "UPDATE s SET body = '고친 글' WHERE rowid = 3",
    "UPDATE OR REPLACE s SET rowid = rowid + 1 WHERE rowid > 1",
    "UPDATE s SET body = NULL",
    "DELETE FROM s WHERE rowid = 1",
    "DELETE FROM s",
    "SELECT rowid, body, similarity FROM s WHERE s MATCH '영화' AND k = 3",
    "SELECT rowid, body FROM s WHERE s MATCH koelectra_embed('책') AND rowid IN (1, 3, 5)",
    "SELECT rowid, body FROM s WHERE rowid = 2 UNION ALL SELECT rowid, body FROM s",
    "INSERT INTO s(s) VALUES('rebuild')",
    "INSERT INTO s(s) VALUES('optimize')",
    "INSERT INTO s(s) VALUES('integrity-check')",
    "ALTER TABLE s RENAME TO renamed",
    "DROP TABLE s",
};

static const char *const statements_external[] = {
    "INSERT INTO article(body) VALUES('새로 산 노트북')",
    "UPDATE article SET body = body || '!', id = id + 10",
    "DELETE FROM article WHERE id < 3",
    "INSERT INTO s(s, rowid) VALUES('delete', 1)",
    "INSERT INTO s(s) VALUES('rebuild')",
};

enum {
  OWN = sizeof statements_own / sizeof statements_own[0],
  EXTERNAL = sizeof statements_external / sizeof statements_external[0]
};

static const char *statement_at(int i, bool *external) {
  *external = i >= OWN;
  return *external ? statements_external[i - OWN] : statements_own[i];
}

/* After a failed or undone statement the index holds what it did. */
static void assert_unchanged(sqlite3 *db, const char *before, const char *sql, long n) {
  char *after = describe_index(db);
  ck_assert_msg(strcmp(before, after) == 0, "%s: after allocation %ld: %s\nnot: %s", sql, n, after,
                before);
  sqlite3_free(after);
  assert_sound(db, "s");
}

/* Whose allocations fail. */
typedef enum memory { OURS, OF_SQLITE, OF_SQLITE_ONCE } memory;

static void set_fault(memory which, long n) {
  if (which != OURS) {
    set_sqlite_fault(n, which == OF_SQLITE_ONCE);
  } else {
#ifdef KOE_FAULTS
    koe_memory_fail_after(n);
#endif
  }
}

/* Runs a statement with the n-th allocation failing, for n from 1 until there is no fault, each
 * time in a transaction that is rolled back if SQLite has not done so. */
static void sweep(sqlite3 *db, const char *sql, memory which) {
  char *before = describe_index(db);
  bool faulted = true;
  int failures = 0;
  for (long n = 1; faulted; n = next_in_sweep(n)) {
    run_format(db, "BEGIN");
    set_fault(which, n);
    int code = run(db, sql);
    faulted = which == OURS ? code != SQLITE_OK : sqlite_fault_reached();
    set_fault(which, 0);
    ck_assert_msg(code == SQLITE_OK || (code == SQLITE_NOMEM && faulted),
                  "%s: allocation %ld: code %d: %s", sql, n, code, sqlite3_errmsg(db));
    ck_assert_msg(n < 100000, "%s: never succeeds", sql);
    if (code != SQLITE_OK) {
      failures++;
      assert_unchanged(db, before, sql, n);
    }
    if (!sqlite3_get_autocommit(db)) run_format(db, "ROLLBACK");
    if (code == SQLITE_OK) assert_unchanged(db, before, sql, n);
  }
  /* Ours: DROP and the like take none. */
  ck_assert_msg(failures > 0 || which == OURS, "%s: nothing failed", sql);
  sqlite3_free(before);
}

#ifdef KOE_FAULTS
START_TEST(our_memory) {
  bool external;
  const char *sql = statement_at(_i, &external);
  sqlite3 *db = open_small_index(external);
  sweep(db, sql, OURS);
  close_database(db);
}
END_TEST
#endif

START_TEST(memory_of_sqlite) {
  bool external;
  const char *sql = statement_at(_i, &external);
  install_sqlite_faults();
  sqlite3 *db = open_small_index(external);
  sweep(db, sql, OF_SQLITE);
  sweep(db, sql, OF_SQLITE_ONCE);
  close_database(db);
}
END_TEST

/* ── interrupts ─────────────────────────────────────────────────────────────────────────────────
 */

/* Interrupts a statement at its n-th progress call, for n from 1 until it ends before. */
static void interrupt_sweep(sqlite3 *db, const char *sql, int operations) {
  char *before = describe_index(db);
  int code = SQLITE_INTERRUPT, interrupted = 0;
  for (int n = 1; code != SQLITE_OK; n++) {
    code = run_interrupted(db, sql, operations, n);
    ck_assert_msg(code == SQLITE_OK || code == SQLITE_INTERRUPT, "%s: call %d: code %d: %s", sql, n,
                  code, sqlite3_errmsg(db));
    if (code == SQLITE_INTERRUPT) {
      interrupted++;
      assert_unchanged(db, before, sql, n);
    }
  }
  ck_assert_msg(interrupted > 3, "%s: interrupted %d times", sql, interrupted);
  sqlite3_free(before);
}

START_TEST(interrupts) {
  sqlite3 *db = open_small_index(false);
  run_format(db, "WITH RECURSIVE n(i) AS (SELECT 11 UNION ALL SELECT i + 1 FROM n LIMIT 520) "
                 "INSERT INTO s(rowid, body) SELECT i, '글' || i FROM n; "
                 "DELETE FROM s WHERE rowid BETWEEN 100 AND 250");
  interrupt_sweep(db, "SELECT count(*) FROM s WHERE s MATCH '글' AND k = 1", 7);
  interrupt_sweep(db, "INSERT INTO s(s) VALUES('integrity-check')", 400);
  interrupt_sweep(db, "INSERT INTO s(s) VALUES('optimize')", 20);
  interrupt_sweep(db, "INSERT INTO s(s) VALUES('rebuild')", 700);
  interrupt_sweep(db, "DELETE FROM s WHERE rowid BETWEEN 300 AND 303", 20);
  assert_sound(db, "s");
  close_database(db);
}
END_TEST

/* ── rollbacks ──────────────────────────────────────────────────────────────────────────────────
 */

static void assert_fails_unchanged(sqlite3 *db, const char *sql, int code, const char *fragment) {
  char *before = describe_index(db);
  assert_sql_fails(db, sql, code, fragment);
  assert_unchanged(db, before, sql, 0);
  sqlite3_free(before);
}

START_TEST(statements_that_fail) {
  sqlite3 *db = open_small_index(false);
  run_format(db, "CREATE TABLE t(x INTEGER PRIMARY KEY, y); INSERT INTO t VALUES(1, 'a');"
                 "CREATE TRIGGER t_after AFTER UPDATE ON t BEGIN"
                 "  UPDATE s SET body = new.y;"
                 "  SELECT RAISE(ABORT, 'no') WHERE new.y = 'b'; END");
  for (int in_transaction = 0; in_transaction < 2; in_transaction++) {
    if (in_transaction) run_format(db, "BEGIN; INSERT INTO s(rowid, body) VALUES(9, '아홉')");
    assert_fails_unchanged(db, "INSERT INTO s(rowid, body) VALUES(7, '일곱'), (8, x'61')",
                           SQLITE_ERROR, "BLOB");
    assert_fails_unchanged(db, "INSERT INTO s(rowid, body) VALUES(7, '일곱'), (1, '하나')",
                           SQLITE_CONSTRAINT, "there is a row 1 already");
    assert_fails_unchanged(db, "INSERT INTO s(rowid, body) VALUES(1, '하나')", SQLITE_CONSTRAINT,
                           "there is a row 1 already");
    assert_fails_unchanged(db, "UPDATE s SET rowid = rowid + 1", SQLITE_CONSTRAINT, "already");
    assert_fails_unchanged(db, "UPDATE s SET body = x'61' WHERE rowid = 1", SQLITE_ERROR, "BLOB");
    assert_fails_unchanged(db, "UPDATE t SET y = 'b'", SQLITE_CONSTRAINT_TRIGGER, "no");
    assert_fails_unchanged(db, "INSERT INTO s(s) VALUES('tidy')", SQLITE_ERROR, "no command");
    if (in_transaction) run_format(db, "COMMIT");
  }
  assert_sql(db, "SELECT body FROM s WHERE rowid = 9", "아홉");
  /* OR FAIL keeps what went before; OR ROLLBACK ends the transaction. */
  assert_sql_fails(db, "INSERT OR FAIL INTO s(rowid, body) VALUES(20, '스물'), (1, '하나')",
                   SQLITE_CONSTRAINT, "there is a row 1 already");
  assert_sql(db, "SELECT body FROM s WHERE rowid = 20", "스물");
  run_format(db, "BEGIN; DELETE FROM s");
  assert_sql_fails(db, "INSERT OR ROLLBACK INTO s(rowid, body) VALUES(1, '하나'), (1, '하나')",
                   SQLITE_CONSTRAINT, "there is a row 1 already");
  ck_assert_int_ne(sqlite3_get_autocommit(db), 0);
  assert_sql(db, "SELECT count(*) FROM s", "8");
  assert_sound(db, "s");
  close_database(db);
}
END_TEST

/* A failing 'rebuild' leaves the index as it was, in a transaction as well. */
START_TEST(rebuild_that_fails) {
  sqlite3 *db = open_small_index(true);
  run_format(db, "DROP TRIGGER article_insert; DROP TRIGGER article_update; BEGIN;"
                 "WITH RECURSIVE n(i) AS (SELECT 11 UNION ALL SELECT i + 1 FROM n LIMIT 600) "
                 "INSERT INTO article(id, body) SELECT i, '글' || i FROM n;"
                 "INSERT INTO article VALUES(1000, x'61'); DELETE FROM article WHERE id > 1000");
  char *before = describe_index(db);
  assert_sql_fails(db, "INSERT INTO s(s) VALUES('rebuild')", SQLITE_ERROR, "row 1000");
  char *after = describe_index(db);
  ck_assert_str_eq(before, after);
  assert_sql(db, "SELECT (SELECT count(*) FROM s_chunks), (SELECT count(*) FROM s_vectors)", "1|1");
  run_format(db, "COMMIT; UPDATE article SET body = 'a' WHERE id = 1000;"
                 "INSERT INTO s(s) VALUES('rebuild')");
  assert_sql(db, "SELECT count(*) FROM s", "606");
  assert_sound(db, "s");
  sqlite3_free(before);
  sqlite3_free(after);
  close_database(db);
}
END_TEST

/* Rows that go while a statement reads them have no text; no damage is reported. */
START_TEST(changes_under_a_reader) {
  static const char *const queries[] = {"SELECT rowid, body FROM s WHERE s MATCH '책'",
                                        "SELECT rowid, body FROM s"};
  for (size_t i = 0; i < 2; i++) {
    sqlite3 *db = open_small_index(false);
    sqlite3_stmt *reader = prepare(db, queries[i]);
    ck_assert_int_eq(sqlite3_step(reader), SQLITE_ROW);
    run_format(db, "BEGIN; DELETE FROM s; INSERT INTO s(rowid, body) VALUES(99, '새 글')");
    int code;
    while ((code = sqlite3_step(reader)) == SQLITE_ROW) {
      ck_assert(sqlite3_column_int64(reader, 0) == 99 ||
                sqlite3_column_type(reader, 1) == SQLITE_NULL);
    }
    ck_assert_msg(code == SQLITE_DONE, "%s: code %d: %s", queries[i], code, sqlite3_errmsg(db));
    /* No statement of the index is left open that would keep this from happening. */
    ck_assert_int_eq(sqlite3_reset(reader), SQLITE_OK);
    run_format(db, "COMMIT; DROP TABLE s");
    sqlite3_finalize(reader);
    close_database(db);
  }
}
END_TEST

/* ── two connections ────────────────────────────────────────────────────────────────────────────
 */

static const char *const journals[] = {"wal", "delete"};

typedef struct connections {
  sqlite3 *a, *b;
} connections;

static connections open_connections(const char *journal) {
  const char *path = temporary_file("two.db");
  connections c = {open_database_file(path), open_database_file(path)};
  load_tiny(c.a);
  char *text;
  ck_assert_int_eq(run_sql(c.a,
                           strcmp(journal, "wal") == 0 ? "PRAGMA journal_mode = wal"
                                                       : "PRAGMA journal_mode = delete",
                           &text),
                   SQLITE_OK);
  ck_assert_str_eq(text, journal);
  sqlite3_free(text);
  run_format(c.a, "CREATE VIRTUAL TABLE s USING koelectra_index(body);"
                  "INSERT INTO s(rowid, body) VALUES(1, '책'), (2, '문')");
  return c;
}

START_TEST(reader_and_writer) {
  bool wal = _i == 0;
  connections c = open_connections(journals[_i]);
  static const char *const count = "SELECT count(*) FROM s WHERE s MATCH '책'";
  run_format(c.b, "BEGIN");
  assert_sql(c.b, count, "2");
  if (wal) {
    run_format(c.a, "INSERT INTO s(rowid, body) VALUES(3, '강')");
    assert_sql(c.a, count, "3");
    assert_sql(c.b, count, "2"); /* its snapshot */
    assert_sql_fails(c.b, "INSERT INTO s(rowid, body) VALUES(4, '비')", SQLITE_BUSY, "locked");
    run_format(c.b, "COMMIT");
  } else {
    assert_sql_fails(c.a, "INSERT INTO s(rowid, body) VALUES(3, '강')", SQLITE_BUSY, "locked");
    assert_sql(c.b, count, "2");
    run_format(c.b, "COMMIT");
    run_format(c.a, "INSERT INTO s(rowid, body) VALUES(3, '강')");
  }
  assert_sql(c.b, count, "3");
  run_format(c.a, "BEGIN; DELETE FROM s WHERE rowid = 1");
  assert_sql(c.b, count, "3"); /* not committed: not seen */
  assert_sql_fails(c.b, "INSERT INTO s(body) VALUES('비')", SQLITE_BUSY, "locked");
  run_format(c.a, "ROLLBACK");
  run_format(c.b, "INSERT INTO s(body) VALUES('비')");
  assert_sql(c.a, "SELECT rowid, body FROM s", "1|책\n2|문\n3|강\n4|비");
  assert_sound(c.a, "s");
  assert_sound(c.b, "s");
  close_database(c.a);
  close_database(c.b);
}
END_TEST

/* What one connection does to the table, the other follows. */
START_TEST(table_changed_elsewhere) {
  connections c = open_connections(journals[_i]);
  static const char *const match = "SELECT rowid FROM s WHERE s MATCH '책' AND k = 1";
  assert_sql(c.b, match, "1");
  run_format(c.a, "INSERT INTO s(s) VALUES('rebuild'); DELETE FROM s WHERE rowid = 1");
  assert_sql(c.b, match, "2");
  run_format(c.a, "ALTER TABLE s RENAME TO t");
  assert_sql_fails(c.b, match, SQLITE_ERROR, "no such table: s");
  assert_sql(c.b, "SELECT rowid, body FROM t WHERE t MATCH '책' AND k = 1", "2|문");
  run_format(c.b, "ALTER TABLE t RENAME TO s; INSERT INTO s(body) VALUES('셋')");
  assert_sql(c.a, "SELECT rowid, body FROM s", "2|문\n3|셋");
  assert_sql(c.a, "SELECT koelectra_load('default', 'tests/reference/bare')", "default");
  run_format(c.a, "INSERT INTO s(s) VALUES('rebuild'); VACUUM");
  assert_sql(c.b, "SELECT count(*) FROM s WHERE s MATCH '문'", "2");
  assert_sound(c.b, "s");
  run_format(c.a, "DROP TABLE s");
  assert_sql_fails(c.b, match, SQLITE_ERROR, "no such table: s");
  close_database(c.a);
  close_database(c.b);
}
END_TEST

/* ── another model under the name ───────────────────────────────────────────────────────────────
 */

START_TEST(another_model) {
  static const char *const refused = "another model made its vectors";
  sqlite3 *db = open_database();
  assert_sql(db, "SELECT koelectra_load('tiny', 'tests/reference/tiny')", "tiny");
  run_format(db, "CREATE VIRTUAL TABLE s USING koelectra_index(body, model=tiny);"
                 "INSERT INTO s(rowid, body) VALUES(1, '책 문'), (2, '영화가 좋았어요'), "
                 "(3, '김치찌개'), (4, '서울은 비'), (5, NULL)");
  assert_sql(db, "CREATE TABLE q AS SELECT koelectra_embed('책 문', 'tiny') AS v", "");
  assert_sql(db, "SELECT koelectra_load('tiny', 'tests/reference/bare')", "tiny");
  assert_sql_fails(db, "SELECT * FROM s WHERE s MATCH '책'", SQLITE_ERROR, refused);
  assert_sql_fails(db, "INSERT INTO s(body) VALUES('글')", SQLITE_ERROR, refused);
  assert_sql_fails(db, "UPDATE s SET body = '글'", SQLITE_ERROR, refused);
  /* What needs no model works. */
  assert_sql(db, "SELECT s.rowid FROM s, q WHERE s MATCH v AND k = 1", "1");
  assert_sql(db,
             "UPDATE s SET rowid = 11 WHERE rowid = 1; DELETE FROM s WHERE rowid = 2;"
             "INSERT INTO s(body) VALUES(NULL); SELECT count(*) FROM s",
             "5");
  assert_sound(db, "s");
  run_format(db, "INSERT INTO s(s) VALUES('rebuild')");
  assert_sql(db, "SELECT count(*) FROM s WHERE s MATCH '책'", "3");
  assert_sql_fails(db, "SELECT * FROM s, q WHERE s MATCH v", SQLITE_ERROR,
                   "the query has 32 elements, but the vectors of the index have");
  assert_sound(db, "s");
  /* Gone altogether. */
  assert_sql(db, "SELECT koelectra_unload('tiny')", "tiny");
  assert_sql_fails(db, "SELECT * FROM s WHERE s MATCH '책'", SQLITE_ERROR, "'tiny'");
  assert_sql_fails(db, "INSERT INTO s(s) VALUES('rebuild')", SQLITE_ERROR, "'tiny'");
  assert_sound(db, "s");
  run_format(db, "DROP TABLE s");
  close_database(db);
}
END_TEST

Suite *index_faults_suite(void);

Suite *index_faults_suite(void) {
  Suite *suite = suite_create("index_faults");
  TCase *tests = tcase_create("index_faults");
#ifdef KOE_FAULTS
  tcase_add_loop_test(tests, our_memory, 0, OWN + EXTERNAL);
#endif
  tcase_add_loop_test(tests, memory_of_sqlite, 0, OWN + EXTERNAL);
  tcase_add_test(tests, interrupts);
  tcase_add_test(tests, statements_that_fail);
  tcase_add_test(tests, rebuild_that_fails);
  tcase_add_test(tests, changes_under_a_reader);
  tcase_add_loop_test(tests, reader_and_writer, 0, 2);
  tcase_add_loop_test(tests, table_changed_elsewhere, 0, 2);
  tcase_add_test(tests, another_model);
  suite_add_tcase(suite, tests);
  return suite;
}
