/* koelectra_batch: what it gives is what the scalar functions give, in the order of the SELECT, and
 * it leaves nothing behind however it ends. */
#include "database.h"
#include "interrupt.h"
#include "support.h"

#include <stdio.h>
#include <string.h>

enum { ROWS = 300 };

/* A table of ids, texts and pairs: short, long, empty, NULL, numbers, invalid UTF-8. */
static sqlite3 *open_filled(void) {
  sqlite3 *db = open_database();
  char sql[1200];
  assert_sql(db,
             "SELECT koelectra_load('default', 'tests/reference/tiny'), "
             "koelectra_load('odd', 'tests/reference/odd'), "
             "koelectra_load('bare', 'tests/reference/bare')",
             "default|odd|bare");
  snprintf(
      sql, sizeof sql,
      "CREATE TABLE word(i, w); INSERT INTO word VALUES (0, '책'), (1, '문'), (2, '영화'), "
      "(3, '좋았어요'), (4, '사과'), (5, '12'), (6, '. '), (7, '뷁'), (8, 'ELECTRA'), "
      "(9, CAST(x'ff' AS TEXT)); "
      "CREATE TABLE t(id INTEGER PRIMARY KEY, a, b); "
      "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < %d), "
      "long(j) AS (SELECT 0 UNION ALL SELECT j + 1 FROM long WHERE j < 99) "
      "INSERT INTO t SELECT i, "
      "(SELECT group_concat(w, ' ') FROM long JOIN word ON word.i = (n.i * 7919 + j * 104729 + "
      "n.i * j * 31) %% 997 %% 10 WHERE j < CASE WHEN n.i %% 40 = 0 THEN 100 ELSE n.i * 13 %% 9 END), "
      "(SELECT group_concat(w, ' ') FROM long JOIN word ON word.i = (n.i * 3 + j * 7) %% 11 "
      "WHERE j < n.i * 11 %% 7) FROM n; "
      "UPDATE t SET a = '' WHERE id %% 31 = 0; UPDATE t SET a = 3.5 WHERE id %% 37 = 0; "
      "UPDATE t SET b = '' WHERE id %% 29 = 0",
      ROWS);
  assert_sql(db, sql, "");
  return db;
}

/* Nothing but `expected` statements are left on the connection. */
static void assert_statements(sqlite3 *db, int expected) {
  int seen = 0;
  for (sqlite3_stmt *s = sqlite3_next_stmt(db, NULL); s != NULL; s = sqlite3_next_stmt(db, s))
    seen++;
  ck_assert_int_eq(seen, expected);
}

START_TEST(as_the_scalar_functions) {
  sqlite3 *db = open_filled();
  assert_sql(db, "SELECT count(*) > 40, count(DISTINCT a) > 150 FROM t WHERE length(a) < 60",
             "1|1");
  assert_sql(db,
             "SELECT count(*), sum(x.id IS t.id), sum(label IS koelectra_classify(a)), "
             "sum((a IS NULL AND scores IS NULL AND score IS NULL AND embedding IS NULL) OR "
             "(abs(score - (koelectra_scores(a) ->> label)) < 1e-5 AND "
             "abs((scores ->> '부정') - (koelectra_scores(a) ->> '부정')) < 1e-5 AND "
             "abs((scores ->> '긍정') - (koelectra_scores(a) ->> '긍정')) < 1e-5 AND "
             "koelectra_cosine(embedding, koelectra_embed(a)) > 0.99999)) "
             "FROM koelectra_batch('SELECT id, a FROM t') x JOIN t ON t.id = x.id",
             "300|300|300|300");
  assert_sql(db, "SELECT count(*) > 20 FROM t WHERE a IS NULL", "1");
  close_database(db);
}
END_TEST

START_TEST(pairs) {
  sqlite3 *db = open_filled();
  assert_sql(db,
             "SELECT count(*), sum(label IS koelectra_classify_pair(a, b)), "
             "sum(((a IS NULL OR b IS NULL) AND score IS NULL AND embedding IS NULL) OR "
             "(abs(score - (koelectra_scores_pair(a, b) ->> label)) < 1e-5 AND "
             "length(embedding) = 128)), count(label) BETWEEN 150 AND 290 "
             "FROM koelectra_batch('SELECT id, a, b FROM t') x JOIN t USING (id)",
             "300|300|300|1");
  /* The embedding of a pair is of both texts. */
  assert_sql(
      db,
      "SELECT count(*) > 100, max(koelectra_cosine(x.embedding, y.embedding)) < 0.9999 "
      "FROM koelectra_batch('SELECT id, a FROM t WHERE a <> '''' AND b <> ''''') x CROSS JOIN "
      "(SELECT * FROM koelectra_batch('SELECT id, a, b FROM t') LIMIT -1) y USING (id)",
      "1|1");
  /* A head with one output: no label, the output is the score. */
  assert_sql(db,
             "SELECT count(*), count(label), sum(score IS NULL OR "
             "abs(score - (koelectra_scores_pair(a, b, 'odd') ->> 'score')) < 1e-4) "
             "FROM koelectra_batch('SELECT id, a, b FROM t', 'odd') JOIN t USING (id)",
             "300|0|300");
  close_database(db);
}
END_TEST

/* Texts with NUL characters inside, as the scalar functions read them. */
START_TEST(nul_characters) {
  sqlite3 *db = open_filled();
  assert_sql(
      db,
      "CREATE TABLE z(id INTEGER PRIMARY KEY, a, b); INSERT INTO z(a, b) VALUES "
      "('책' || char(0) || ' 문', char(0)), (char(0, 0), '책'), (char(0) || '영화', char(0) || '문');"
      "SELECT count(*), sum(x.label IS koelectra_classify_pair(a, b)), "
      "sum(abs(x.score - (koelectra_scores_pair(a, b) ->> x.label)) < 1e-5), "
      "sum(y.label IS koelectra_classify(a)), "
      "sum(koelectra_cosine(y.embedding, koelectra_embed(a)) > 0.99999) "
      "FROM koelectra_batch('SELECT id, a, b FROM z') x "
      "JOIN koelectra_batch('SELECT id, a FROM z') y USING (id) JOIN z USING (id)",
      "3|3|3|3|3");
  assert_sql(db,
             "SELECT hex(id) FROM koelectra_batch('SELECT char(97, 0, 98), ''책'' FROM z LIMIT 1')",
             "610062");
  close_database(db);
}
END_TEST

START_TEST(heads) {
  sqlite3 *db = open_filled();
  assert_sql(
      db,
      "CREATE TABLE h AS SELECT koelectra_fit(a, 'c' || (id % 3), '{\"l2\": 1}') AS head FROM t;"
      "SELECT count(*), sum(label IS koelectra_classify(a, (SELECT head FROM h))), "
      "sum(label IS NULL OR (abs(score - (scores ->> label)) < 1e-5 AND "
      "koelectra_cosine(embedding, koelectra_embed(a)) > 0.99999)) "
      "FROM koelectra_batch('SELECT id, a FROM t', (SELECT head FROM h)) JOIN t USING (id)",
      "300|300|300");
  assert_sql_fails(
      db, "SELECT label FROM koelectra_batch('SELECT id, a, b FROM t', (SELECT head FROM h))",
      SQLITE_ERROR, "reads one text, not a pair");
  assert_sql(db,
             "SELECT count(embedding) > 150 FROM "
             "koelectra_batch('SELECT id, a, b FROM t', (SELECT head FROM h))",
             "1");
  close_database(db);
}
END_TEST

/* A head is needed where label, score or scores are read, and only there. */
START_TEST(only_what_is_read) {
  sqlite3 *db = open_filled();
  assert_sql(db,
             "SELECT count(*), count(embedding) > 200 FROM "
             "koelectra_batch('SELECT id, a FROM t', 'bare')",
             "300|1");
  assert_sql(db, "SELECT count(id) FROM koelectra_batch('SELECT id, a FROM t', 'bare')", "300");
  static const char *const columns[] = {"label", "score", "scores", "*"};
  for (size_t i = 0; i < sizeof columns / sizeof columns[0]; i++) {
    char sql[100];
    snprintf(sql, sizeof sql, "SELECT %s FROM koelectra_batch('SELECT id, a FROM t', 'bare')",
             columns[i]);
    assert_sql_fails(db, sql, SQLITE_ERROR,
                     "koelectra_batch: the model has no sequence-classification head");
    assert_statements(db, 0);
  }
  /* The columns of WHERE and ORDER BY are read too. */
  assert_sql(db,
             "SELECT count(*) > 10 FROM (SELECT id FROM koelectra_batch('SELECT id, a FROM t') "
             "WHERE label = '긍정' ORDER BY score)",
             "1");
  close_database(db);
}
END_TEST

START_TEST(order_of_the_select) {
  sqlite3 *db = open_filled();
  assert_sql(
      db,
      "CREATE TABLE seen(id); INSERT INTO seen SELECT id FROM "
      "(SELECT id, label FROM koelectra_batch('SELECT id, a FROM t ORDER BY id * 7919 % 307'));"
      "SELECT (SELECT group_concat(id) FROM seen) = (SELECT group_concat(id) FROM "
      "(SELECT id FROM t ORDER BY id * 7919 % 307)), count(*) FROM seen",
      "1|300");
  assert_sql(db,
             "SELECT min(rowid), max(rowid), count(DISTINCT rowid) FROM "
             "koelectra_batch('SELECT id, a FROM t')",
             "1|300|300");
  close_database(db);
}
END_TEST

/* Any number of threads, several windows: the same labels. */
START_TEST(threads) {
  static const char query[] =
      "SELECT group_concat(id || label || round(score, 4)) FROM koelectra_batch("
      "'SELECT id, a FROM t UNION ALL SELECT id + 300, b FROM t UNION ALL SELECT -id, a FROM t')";
  sqlite3 *db = open_filled();
  char *one, *many;
  assert_sql(db, "SELECT koelectra_config('threads', 1)", "1");
  ck_assert_int_eq(run_sql(db, query, &one), SQLITE_OK);
  assert_sql(db, "SELECT koelectra_config('threads', 5)", "5");
  ck_assert_int_eq(run_sql(db, query, &many), SQLITE_OK);
  ck_assert_str_eq(one, many);
  ck_assert_uint_gt(strlen(one), 5000);
  sqlite3_free(one);
  sqlite3_free(many);
  close_database(db);
}
END_TEST

/* ── reading no more than is needed ─────────────────────────────────────────────────────────────
 */

static int ticks;

/* tick(x): x, counted. */
static void tick(sqlite3_context *context, int argc, sqlite3_value **argv) {
  (void)argc;
  ticks++;
  sqlite3_result_value(context, argv[0]);
}

static void add_tick(sqlite3 *db) {
  ck_assert_int_eq(sqlite3_create_function(db, "tick", 1, SQLITE_UTF8, NULL, tick, NULL, NULL),
                   SQLITE_OK);
  ticks = 0;
}

#define ENDLESS "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT "

START_TEST(limit_stops_early) {
  sqlite3 *db = open_filled();
  add_tick(db);
  assert_sql(db,
             "SELECT id, label IS NOT NULL FROM "
             "koelectra_batch('" ENDLESS "tick(i), ''책'' FROM n') LIMIT 3",
             "1|1\n2|1\n3|1");
  ck_assert_msg(ticks >= 3 && ticks < 200, "%d rows read for 3", ticks);
  assert_statements(db, 0);
  /* A statement that is reset early, and used again. */
  sqlite3_stmt *s = prepare(db, "SELECT label FROM koelectra_batch('SELECT tick(id), a FROM t')");
  for (int i = 0; i < 3; i++) {
    ck_assert_int_eq(sqlite3_step(s), SQLITE_ROW);
    assert_statements(db, 2);
    ck_assert_int_eq(sqlite3_reset(s), SQLITE_OK);
    assert_statements(db, 1);
  }
  sqlite3_finalize(s);
  close_database(db);
}
END_TEST

/* In a join, whatever the order it is written in, the inner SELECT runs once. */
START_TEST(once_in_a_join) {
  sqlite3 *db = open_filled();
  add_tick(db);
  assert_sql(db,
             "SELECT count(*) FROM t JOIN koelectra_batch('SELECT tick(id), a FROM t') x "
             "ON x.id = t.id",
             "300");
  ck_assert_int_eq(ticks, ROWS);
  assert_sql(db,
             "UPDATE t SET b = x.label FROM koelectra_batch('SELECT tick(id), a FROM t') x "
             "WHERE x.id = t.id AND a IS NOT NULL",
             "");
  ck_assert_int_eq(ticks, 2 * ROWS);
  close_database(db);
}
END_TEST

/* Rows of a hundred kilobytes each, four hundred megabytes in all. */
START_TEST(memory_is_bounded) {
  sqlite3 *db = open_filled();
  sqlite3_memory_highwater(1);
  assert_sql(db,
             "SELECT count(*), sum(length(id)), count(label) FROM koelectra_batch('" ENDLESS
             "zeroblob(100000), ''책'' FROM n LIMIT 4000')",
             "4000|400000000|4000");
  sqlite3_int64 most = sqlite3_memory_highwater(0);
  ck_assert_msg(most < 10 << 20, "%lld bytes", (long long)most);
  close_database(db);
}
END_TEST

/* ── interrupts ─────────────────────────────────────────────────────────────────────────────────
 */

static const char *const endless[] = {
    "SELECT count(label) FROM koelectra_batch('" ENDLESS "i, i || '' 책 문 영화'' FROM n')",
    "SELECT count(*) FROM koelectra_batch('" ENDLESS "i, ''책'' FROM n')",
    "SELECT max(embedding) FROM koelectra_batch('" ENDLESS
    "i, ''책'' FROM n', 'bare') WHERE id % 10 = 0",
    /* No row ever comes. */
    "SELECT id FROM koelectra_batch('" ENDLESS "i, ''책'' FROM n WHERE i < 0')",
    /* Each row takes its time, in SQLite. */
    "SELECT count(label) FROM koelectra_batch('" ENDLESS
    "i, (WITH RECURSIVE m(j) AS (SELECT 1 UNION ALL SELECT j + 1 FROM m WHERE j < 300000) "
    "SELECT count(*) || '' 책'' FROM m) FROM n')",
    "CREATE TABLE never AS SELECT id, scores FROM koelectra_batch('" ENDLESS "i, ''책'' FROM n')",
};

enum { ENDLESS_STATEMENTS = sizeof endless / sizeof endless[0] };

START_TEST(interrupted_by_a_thread) {
  sqlite3 *db = open_filled();
  assert_interrupted_by_thread(db, endless[_i]);
  assert_statements(db, 0);
  assert_sql(db, "SELECT count(*) FROM koelectra_batch('SELECT id, a FROM t')", "300");
  close_database(db);
}
END_TEST

START_TEST(interrupted_by_a_progress_handler) {
  sqlite3 *db = open_filled();
  assert_interrupted_by_progress(db, endless[_i], 100, 50);
  assert_statements(db, 0);
  assert_sql(db, "SELECT count(label) FROM koelectra_batch('SELECT id, ''책'' FROM t')", "300");
  close_database(db);
}
END_TEST

/* ── errors ─────────────────────────────────────────────────────────────────────────────────────
 */

START_TEST(errors_leave_nothing) {
  static const struct {
    const char *sql, *message;
  } bad[] = {
      {"SELECT * FROM koelectra_batch('SELEC 1')", "in the inner SQL: near \"SELEC\""},
      {"SELECT * FROM koelectra_batch('SELECT 1, nope')", "in the inner SQL: no such column: nope"},
      {"SELECT * FROM koelectra_batch('')", "empty"},
      {"SELECT * FROM koelectra_batch('-- nothing')", "empty"},
      {"SELECT * FROM koelectra_batch('SELECT 1, 2; SELECT 3')", "more than one statement"},
      {"SELECT * FROM koelectra_batch('SELECT 1, 2; nonsense')", "more than one statement"},
      {"SELECT * FROM koelectra_batch('DELETE FROM t')", "not a SELECT"},
      {"SELECT * FROM koelectra_batch('DELETE FROM t RETURNING id, a')", "not a SELECT"},
      {"SELECT * FROM koelectra_batch('EXPLAIN SELECT 1, 2')", "not a SELECT"},
      {"SELECT * FROM koelectra_batch('BEGIN')", "not a SELECT"},
      {"SELECT * FROM koelectra_batch('PRAGMA table_list')", "not a SELECT"},
      {"SELECT * FROM koelectra_batch('SELECT 1, 2; PRAGMA foreign_keys = 1')", "more than one"},
      {"SELECT * FROM koelectra_batch('SELECT a FROM t')", "gives 1 column: it must give 2"},
      {"SELECT * FROM koelectra_batch('SELECT 1, 2, 3, 4')", "gives 4 columns: it must give 2"},
      {"SELECT * FROM koelectra_batch('SELECT 1, ?')", "has a parameter, ?,"},
      {"SELECT * FROM koelectra_batch('SELECT 1, :text')", "has a parameter, :text,"},
      {"SELECT * FROM koelectra_batch('SELECT 17, x''00''')", "id 17: text is a BLOB"},
      {"SELECT * FROM koelectra_batch('SELECT ''n'', ''책'', x''00''')", "id n: pair is a BLOB"},
      {"SELECT * FROM koelectra_batch('SELECT x''01'', x''00''')", "id a BLOB: text is a BLOB"},
      {"SELECT label FROM koelectra_batch('SELECT id, iif(id = 250, x''00'', a) FROM t')",
       "row 250 of the inner SELECT, id 250: text is a BLOB"},
      {"SELECT label FROM koelectra_batch('SELECT id, abs(-9223372036854775807 - (id = 250)) FROM t')",
       "in the inner SQL: integer overflow"},
      {"SELECT * FROM koelectra_batch(NULL)", "sql is NULL"},
      {"SELECT * FROM koelectra_batch(x'00')", "sql is a BLOB"},
      {"SELECT * FROM koelectra_batch('SELECT 1, 2', NULL)", "the model is NULL"},
      {"SELECT * FROM koelectra_batch('SELECT 1, 2', 'nobody')", "'nobody'"},
      {"SELECT * FROM koelectra_batch", "the argument sql is missing"},
      {"SELECT * FROM koelectra_batch WHERE model = 'default'", "the argument sql is missing"},
  };
  sqlite3 *db = open_filled();
  for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
    assert_sql_fails(db, bad[i].sql, SQLITE_ERROR, bad[i].message);
    assert_sql_fails(db, bad[i].sql, SQLITE_ERROR, "koelectra_batch: ");
    assert_statements(db, 0);
  }
  assert_sql(db, "SELECT count(*) FROM t", "300");
  assert_sql(db, "PRAGMA foreign_keys", "0");
  close_database(db);
}
END_TEST

/* An inner SELECT that reads itself ends with an error and not with the stack. */
START_TEST(nesting) {
  sqlite3 *db = open_filled();
  assert_sql(db,
             "SELECT count(*), sum(label IS koelectra_classify(koelectra_classify(a))) FROM "
             "koelectra_batch('SELECT id, label FROM koelectra_batch(''SELECT id, a FROM t'')') "
             "JOIN t USING (id)",
             "300|300");
  assert_sql(db,
             "CREATE TABLE q(sql); INSERT INTO q VALUES "
             "('SELECT x.id, x.id FROM q, koelectra_batch(q.sql) x')",
             "");
  assert_sql_fails(db, "SELECT * FROM q, koelectra_batch(q.sql)", SQLITE_ERROR,
                   "does one read itself?");
  assert_statements(db, 0);
  assert_sql(db, "SELECT count(*) FROM koelectra_batch('SELECT id, a FROM t')", "300");
  close_database(db);
}
END_TEST

/* ── the connection changes meanwhile ───────────────────────────────────────────────────────────
 */

START_TEST(writes_meanwhile) {
  sqlite3 *db = open_filled();
  sqlite3_stmt *s = prepare(db, "SELECT id, label FROM koelectra_batch('SELECT id, a FROM t')");
  ck_assert_int_eq(sqlite3_step(s), SQLITE_ROW);
  assert_sql(db, "DELETE FROM t WHERE id > 200; SELECT count(*) FROM t", "200");
  assert_sql_fails(db, "DROP TABLE t", SQLITE_LOCKED, "locked");
  assert_sql(db, "SELECT koelectra_unload('default')", "default");
  int rows = 1, code;
  while ((code = sqlite3_step(s)) == SQLITE_ROW)
    rows++;
  ck_assert_int_eq(code, SQLITE_DONE);
  ck_assert_int_eq(rows, 200);
  /* All is read: the statement holds no lock although it is not reset. */
  assert_sql(db, "DROP TABLE t", "");
  sqlite3_finalize(s);
  close_database(db);
}
END_TEST

/* What the inner SELECT reads changes in other ways than its rows. */
START_TEST(schema_changes_meanwhile) {
  static const char *const changes[] = {"CREATE TABLE other(x)",
                                        "CREATE INDEX other_index ON t(b)",
                                        "ALTER TABLE word ADD COLUMN more",
                                        "CREATE VIEW seen AS SELECT * FROM t",
                                        "CREATE TEMP TABLE passing(x)",
                                        "DROP VIEW seen"};
  sqlite3 *db = open_filled();
  sqlite3_stmt *s = prepare(db, "SELECT id, label FROM koelectra_batch('SELECT id, a FROM t')");
  for (int round = 0; round < 2; round++) {
    int rows = 0, code;
    while ((code = sqlite3_step(s)) == SQLITE_ROW) {
      ck_assert_int_eq(sqlite3_column_int(s, 0), ++rows);
      if (round == 0 && rows % 50 == 0) assert_sql(db, changes[rows / 50 - 1], "");
    }
    ck_assert_int_eq(code, SQLITE_DONE);
    ck_assert_int_eq(rows, ROWS);
    ck_assert_int_eq(sqlite3_reset(s), SQLITE_OK);
  }
  /* A column more: an error of the next execution. */
  sqlite3_finalize(s);
  s = prepare(db, "SELECT label FROM koelectra_batch('SELECT * FROM word')");
  ck_assert_int_eq(sqlite3_step(s), SQLITE_ROW);
  ck_assert_int_eq(sqlite3_reset(s), SQLITE_OK);
  assert_sql(db, "ALTER TABLE word ADD COLUMN most", "");
  ck_assert_int_eq(sqlite3_step(s), SQLITE_ERROR);
  ck_assert_ptr_nonnull(strstr(sqlite3_errmsg(db), "gives 4 columns"));
  sqlite3_finalize(s);
  assert_statements(db, 0);
  close_database(db);
}
END_TEST

/* A statement may write to the table that the inner SELECT reads: it sees the rows as they were. */
START_TEST(writes_what_it_reads) {
  sqlite3 *db = open_filled();
  assert_sql(db,
             "CREATE TABLE before AS SELECT * FROM t;"
             "INSERT INTO t(a, b) SELECT label, id FROM koelectra_batch('SELECT id, a FROM t');"
             "SELECT count(*), count(b) - (SELECT count(b) FROM before), "
             "(SELECT group_concat(b) FROM t WHERE id > 300) = "
             "(SELECT group_concat(id) FROM before) FROM t",
             "600|300|1");
  assert_sql(db, "DELETE FROM t WHERE id > 300", "");
  /* Semicolons and comments round the SELECT, duplicate names, a WITH of its own, VALUES. */
  static const char *const selects[] = {
      "; SELECT id, a FROM t; -- end", "SELECT a, a, a FROM t -- no end",
      "/* */ SELECT id, a FROM t ;; /* end */", "WITH x AS (SELECT id, a FROM t) SELECT * FROM x",
      "SELECT id, a FROM t WHERE a IS NOT ';' LIMIT 300;"};
  for (size_t i = 0; i < sizeof selects / sizeof selects[0]; i++) {
    char *sql =
        sqlite3_mprintf("INSERT INTO t(a) SELECT label FROM koelectra_batch(%Q)", selects[i]);
    assert_sql(db, sql, "");
    assert_sql(db, "SELECT count(*) FROM t", "600");
    assert_sql(db, "DELETE FROM t WHERE id > 300", "");
    sqlite3_free(sql);
  }
  assert_sql(
      db,
      "INSERT INTO t(a, b) SELECT typeof(id), id FROM koelectra_batch("
      "'VALUES (1, ''책''), (2.5, ''책''), (''x'', NULL), (x''00ff'', ''책''), (NULL, '''')');"
      "SELECT group_concat(a || ' ' || quote(b), ', ') FROM t WHERE id > 300",
      "integer 1, real 2.5, text 'x', blob X'00FF', null NULL");
  assert_sql(db, "DELETE FROM t WHERE id > 300", "");

  assert_sql(
      db,
      "UPDATE t SET a = x.label FROM koelectra_batch('SELECT id, a FROM t') x WHERE x.id = t.id;"
      "SELECT count(*), sum(t.a IS koelectra_classify(before.a)) FROM t JOIN before USING (id)",
      "300|300");
  assert_sql(db,
             "DELETE FROM t WHERE id IN (SELECT id FROM koelectra_batch('SELECT id, a FROM t') "
             "WHERE id % 2); SELECT count(*) FROM t",
             "150");
  close_database(db);
}
END_TEST

/* Errors inside a statement that writes are the same, and it is undone. */
START_TEST(errors_inside_a_write) {
  static const struct {
    const char *select, *message;
  } bad[] = {{"SELECT id, x''00'' FROM t", "row 1 of the inner SELECT, id 1: text is a BLOB"},
             {"SELECT id, iif(id = 250, x''00'', a) FROM t", "row 250 of the inner SELECT, id 250"},
             {"SELECT id, abs(-9223372036854775807 - (id = 250)) FROM t",
              "in the inner SQL: integer overflow"},
             {"SELECT 1, 2; SELECT 3", "more than one statement"},
             {"SELECT 1, 2 /* no end", "in the inner SQL: "},
             {"INSERT INTO t(a) VALUES (1) RETURNING id, a", "not a SELECT"}};
  sqlite3 *db = open_filled();
  for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
    char sql[300];
    snprintf(sql, sizeof sql, "INSERT INTO t(a) SELECT label FROM koelectra_batch('%s')",
             bad[i].select);
    assert_sql_fails(db, sql, SQLITE_ERROR, bad[i].message);
    assert_statements(db, 0);
    assert_sql(db, "SELECT count(*) FROM t", "300");
  }
  close_database(db);
}
END_TEST

START_TEST(rolled_back_meanwhile) {
  sqlite3 *db = open_filled();
  assert_sql(db, "BEGIN; CREATE TABLE other(x); INSERT INTO other VALUES (1)", "");
  sqlite3_stmt *s = prepare(db, "SELECT id, label FROM koelectra_batch('SELECT id, a FROM t')");
  ck_assert_int_eq(sqlite3_step(s), SQLITE_ROW);
  assert_sql(db, "ROLLBACK", "");
  int code;
  while ((code = sqlite3_step(s)) == SQLITE_ROW) {
  }
  ck_assert_msg(code == SQLITE_ABORT || code == SQLITE_DONE, "code %d", code);
  sqlite3_finalize(s);
  assert_statements(db, 0);
  close_database(db);
}
END_TEST

Suite *batch_suite(void);

Suite *batch_suite(void) {
  Suite *suite = suite_create("batch");
  TCase *tests = tcase_create("batch");
  tcase_add_test(tests, as_the_scalar_functions);
  tcase_add_test(tests, pairs);
  tcase_add_test(tests, nul_characters);
  tcase_add_test(tests, heads);
  tcase_add_test(tests, only_what_is_read);
  tcase_add_test(tests, order_of_the_select);
  tcase_add_test(tests, threads);
  tcase_add_test(tests, limit_stops_early);
  tcase_add_test(tests, once_in_a_join);
  tcase_add_test(tests, memory_is_bounded);
  tcase_add_loop_test(tests, interrupted_by_a_thread, 0, ENDLESS_STATEMENTS);
  tcase_add_loop_test(tests, interrupted_by_a_progress_handler, 0, ENDLESS_STATEMENTS);
  tcase_add_test(tests, errors_leave_nothing);
  tcase_add_test(tests, nesting);
  tcase_add_test(tests, writes_meanwhile);
  tcase_add_test(tests, schema_changes_meanwhile);
  tcase_add_test(tests, writes_what_it_reads);
  tcase_add_test(tests, errors_inside_a_write);
  tcase_add_test(tests, rolled_back_meanwhile);
  suite_add_tcase(suite, tests);
  return suite;
}
