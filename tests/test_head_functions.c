/* koelectra_entities, _answers, _replaced and _fill_mask under SQL: texts without end, interrupts,
 * models that change meanwhile, memory that runs out. */
#include "../model/memory.h"
#include "database.h"
#include "interrupt.h"
#include "sqlite_faults.h"
#include "support.h"

#include <stdbool.h>
#include <string.h>

static sqlite3 *open_loaded(void) {
  sqlite3 *db = open_database();
  assert_sql(db,
             "SELECT koelectra_load('entities', 'tests/reference/heads/entities'),"
             " koelectra_load('answers', 'tests/reference/heads/answers'),"
             " koelectra_load('replaced', 'tests/reference/heads/replaced'),"
             " koelectra_load('fill_mask', 'tests/reference/heads/fill_mask')",
             "entities|answers|replaced|fill_mask");
  return db;
}

/* Makes t(body) of one row: `bytes` bytes of `unit` again and again, then `last`. */
static void make_text(sqlite3 *db, const char *unit, size_t bytes, const char *last) {
  size_t length = strlen(unit), at = 0;
  char *text = koe_alloc(bytes + length + strlen(last), 1);
  for (; at < bytes; at += length)
    memcpy(text + at, unit, length);
  memcpy(text + at, last, strlen(last));
  assert_sql(db, "DROP TABLE IF EXISTS t; CREATE TABLE t(body)", "");
  sqlite3_stmt *insert = prepare(db, "INSERT INTO t VALUES (?)");
  ck_assert_int_eq(sqlite3_bind_text(insert, 1, text, (int)(at + strlen(last)), SQLITE_TRANSIENT),
                   SQLITE_OK);
  ck_assert_int_eq(sqlite3_step(insert), SQLITE_DONE);
  sqlite3_finalize(insert);
  koe_free(text);
}

enum { TEN_MEGABYTES = 10 << 20 };

/* ── long texts ─────────────────────────────────────────────────────────────────────────────────
 */

/* The first rows of a text come before the rest is read. */
START_TEST(first_rows_of_a_long_text) {
  sqlite3 *db = open_loaded();
  make_text(db, "우리 동네 [MASK] ", TEN_MEGABYTES, "");
  assert_sql(
      db, "SELECT count(*) FROM (SELECT 1 FROM t, koelectra_entities(body, 'entities') LIMIT 20)",
      "20");
  assert_sql(db,
             "SELECT max(position) FROM (SELECT position FROM t, koelectra_replaced(body, "
             "'replaced') LIMIT 900)",
             "900");
  assert_sql(db,
             "SELECT max(mask) FROM (SELECT mask FROM t, koelectra_fill_mask(body, 'fill_mask', 1) "
             "LIMIT 100)",
             "99");
  assert_sql(db,
             "SELECT r.rowid FROM t, koelectra_replaced(body, 'replaced') AS r LIMIT 1 OFFSET 50",
             "51");
  close_database(db);
}
END_TEST

/* A mask at the end of a long text is found without encoding the rest. */
START_TEST(far_mask) {
  sqlite3 *db = open_loaded();
  make_text(db, "우리 동네 ", 1 << 20, "[MASK]");
  assert_sql(db,
             "SELECT mask, length(body) - \"end\", substr(text, -6) <> '[MASK]'"
             " FROM t, koelectra_fill_mask(body, 'fill_mask', 1)",
             "0|0|1");
  close_database(db);
}
END_TEST

/* Texts that hold little or nothing to read, and much of it. */
START_TEST(strange_long_texts) {
  static const char *const units[] = {" ", "a", "\xFF", "\xE2\x80\x8B", "\xEA\xB0", "ㄱ"};
  sqlite3 *db = open_loaded();
  for (size_t i = 0; i < sizeof units / sizeof units[0]; i++) {
    make_text(db, units[i], 2 << 20, "");
    assert_sql(db, "SELECT count(*) <= 1 FROM t, koelectra_entities(body, 'entities')", "1");
    assert_sql(db, "SELECT count(*) <= 1 FROM t, koelectra_replaced(body, 'replaced')", "1");
    assert_sql(db, "SELECT count(*) <= 1 FROM t, koelectra_answers(body, body, 'answers')", "1");
    assert_sql_fails(db, "SELECT count(*) FROM t, koelectra_fill_mask(body, 'fill_mask')",
                     SQLITE_ERROR, "the text has no [MASK]");
  }
  close_database(db);
}
END_TEST

/* ── interrupts ─────────────────────────────────────────────────────────────────────────────────
 */

static const char *const endless[] = {
    "SELECT count(*) FROM t, koelectra_entities(body, 'entities')",
    "SELECT max(answer) FROM t, koelectra_answers('언제?', body, 'answers')",
    "SELECT count(*) FROM t, koelectra_replaced(body, 'replaced')",
    "SELECT count(*) FROM t, koelectra_fill_mask(body, 'fill_mask')",
    /* No row ever comes: every word is looked at. */
    "SELECT count(*) FROM t, koelectra_entities(body, 'entities') AS e WHERE e.entity = 'none'",
};

enum { ENDLESS_STATEMENTS = sizeof endless / sizeof endless[0] };

/* A text that takes long, of masks for the statement that looks for them. */
static sqlite3 *open_endless(const char *sql) {
  sqlite3 *db = open_loaded();
  bool masked = strstr(sql, "fill_mask") != NULL;
  make_text(db, masked ? "[MASK] " : "우리 동네 도서관은 ", TEN_MEGABYTES, "");
  return db;
}

START_TEST(interrupted_by_a_thread) {
  sqlite3 *db = open_endless(endless[_i]);
  assert_interrupted_by_thread(db, endless[_i]);
  ck_assert(sqlite3_next_stmt(db, NULL) == NULL);
  assert_sql(db, "SELECT count(*) FROM koelectra_replaced('책 문', 'replaced')", "2");
  close_database(db);
}
END_TEST

START_TEST(interrupted_by_a_progress_handler) {
  sqlite3 *db = open_endless(endless[_i]);
  assert_interrupted_by_progress(db, endless[_i], 1, 5);
  close_database(db);
}
END_TEST

/* ── the model of a statement ───────────────────────────────────────────────────────────────────
 */

/* A statement keeps the model it began with, whatever becomes of the name. */
START_TEST(one_model_a_statement) {
  static const char sql[] = "SELECT w.i, count(r.token) FROM w, koelectra_replaced('책 문', 'one') "
                            "AS r GROUP BY w.i";
  sqlite3 *db = open_loaded();
  assert_sql(db,
             "CREATE TABLE w(i INTEGER PRIMARY KEY); INSERT INTO w VALUES (1), (2), (3);"
             "SELECT koelectra_load('one', 'tests/reference/heads/replaced')",
             "one");
  sqlite3_stmt *statement = prepare(db, sql);
  for (int i = 1; i <= 3; i++) {
    ck_assert_int_eq(sqlite3_step(statement), SQLITE_ROW);
    ck_assert_int_eq(sqlite3_column_int(statement, 1), 2);
    if (i == 1)
      assert_sql(db, "SELECT koelectra_load('one', 'tests/reference/heads/answers')", "one");
    if (i == 2) assert_sql(db, "SELECT koelectra_unload('one')", "one");
  }
  ck_assert_int_eq(sqlite3_step(statement), SQLITE_DONE);
  sqlite3_finalize(statement);
  assert_sql_fails(db, sql, SQLITE_ERROR, "no model is registered as 'one'");
  close_database(db);
}
END_TEST

/* Another name in each row. */
START_TEST(a_model_for_each_row) {
  sqlite3 *db = open_loaded();
  assert_sql(db,
             "SELECT koelectra_load('other', 'tests/reference/heads/replaced', "
             "'{\"precision\": \"int8\"}')",
             "other");
  assert_sql(db, "CREATE TABLE m(name); INSERT INTO m VALUES ('replaced'), ('other'), ('replaced')",
             "");
  assert_sql(db,
             "SELECT count(*), count(DISTINCT r.probability) FROM m, koelectra_replaced('책 문', "
             "m.name) AS r",
             "6|4");
  close_database(db);
}
END_TEST

/* ── memory ─────────────────────────────────────────────────────────────────────────────────────
 */

static const char *const statements[] = {
    "SELECT * FROM koelectra_entities('우리 동네 도서관은 월요일에', 'entities')",
    "SELECT * FROM t, koelectra_replaced(t.body, 'replaced')",
    "SELECT * FROM koelectra_answers('언제?', '우리 동네 도서관은', 'answers', 3)",
    "SELECT * FROM koelectra_fill_mask('[MASK] 책 [MASK]', 'fill_mask', 3)",
    "SELECT koelectra_scores('책', 'hate'), koelectra_score_pair('책', '문', 'hate', 'bias')",
};

enum { STATEMENTS = sizeof statements / sizeof statements[0] };

/* Over texts of several parts. */
static sqlite3 *open_filled(void) {
  sqlite3 *db = open_loaded();
  assert_sql(db, "SELECT koelectra_load('hate', 'tests/reference/heads/hate_speech')", "hate");
  make_text(db, "우리 동네 도서관은 ", 2000, "");
  return db;
}

#ifdef KOE_FAULTS
START_TEST(our_memory) {
  sqlite3 *db = open_filled();
  const char *sql = statements[_i];
  long n = 1, step = 1;
  int code;
  do {
    koe_memory_fail_after(n);
    code = run(db, sql);
    koe_memory_fail_after(0);
    ck_assert_msg(code == SQLITE_OK || code == SQLITE_NOMEM, "%s: allocation %ld: code %d: %s", sql,
                  n, code, sqlite3_errmsg(db));
    /* The first ones one by one: opening the model comes first and takes most. */
    step = n < 20 ? 1 : 3;
    n += step;
  } while (code == SQLITE_NOMEM);
  ck_assert_msg(n > 5, "only %ld allocations", n);
  ck_assert_int_eq(run(db, sql), SQLITE_OK);
  close_database(db);
}
END_TEST
#endif

START_TEST(sqlites_memory) {
  install_sqlite_faults();
  sqlite3 *db = open_filled();
  const char *sql = statements[_i];
  sweep_sqlite_faults(run, db, sql, 7);
  ck_assert_int_eq(run(db, sql), SQLITE_OK);
  close_database(db);
}
END_TEST

Suite *head_functions_suite(void);

Suite *head_functions_suite(void) {
  Suite *suite = suite_create("head_functions");
  TCase *tests = tcase_create("head_functions");
  tcase_set_timeout(tests, 60);
  tcase_add_test(tests, first_rows_of_a_long_text);
  tcase_add_test(tests, far_mask);
  tcase_add_test(tests, strange_long_texts);
  tcase_add_loop_test(tests, interrupted_by_a_thread, 0, ENDLESS_STATEMENTS);
  tcase_add_loop_test(tests, interrupted_by_a_progress_handler, 0, ENDLESS_STATEMENTS);
  tcase_add_test(tests, one_model_a_statement);
  tcase_add_test(tests, a_model_for_each_row);
#ifdef KOE_FAULTS
  tcase_add_loop_test(tests, our_memory, 0, STATEMENTS);
#endif
  tcase_add_loop_test(tests, sqlites_memory, 0, STATEMENTS);
  suite_add_tcase(suite, tests);
  return suite;
}
