/* The commands of koelectra_index that keep it in order: 'optimize' gives space back and trains
 * approximate search, 'integrity-check-texts' finds vectors of other texts. */
#include "index_support.h"
#include "support.h"

#include "../model/memory.h"

#include <stdio.h>
#include <string.h>

/* ── space ──────────────────────────────────────────────────────────────────────────────────────
 */

static sqlite3_int64 pragma(sqlite3 *db, const char *name) {
  char sql[64];
  snprintf(sql, sizeof sql, "PRAGMA %s", name);
  return query_integer(db, sql);
}

/* 11 of 12 rows are deleted, here and there; 'optimize' frees their pages. */
START_TEST(space_of_deleted_rows) {
  bool automatic = _i == 1;
  sqlite3 *db = open_vector_database(temporary_file("space.db"));
  run_format(db, automatic ? "PRAGMA auto_vacuum = full" : "PRAGMA auto_vacuum = none");
  run_format(db, "CREATE VIRTUAL TABLE s USING koelectra_index(body)");
  insert_vectors(db, "s", 1, 6000);
  sqlite3_int64 full = pragma(db, "page_count");
  run_format(db, "DELETE FROM s WHERE rowid %% 12");
  ck_assert_int_gt(query_integer(db, "SELECT count(*) FROM s_chunks"), 20);
  sqlite3_int64 free_before = pragma(db, "freelist_count"), before = pragma(db, "page_count");
  run_format(db, "INSERT INTO s(s) VALUES('optimize')");
  assert_sql(db, "SELECT count(*), sum(256 - free) FROM s_chunks", "2|500");
  ck_assert_int_eq(query_integer(db, "SELECT count(*) FROM s_vectors"), 32);
  if (automatic) {
    ck_assert_int_lt(pragma(db, "page_count"), full / 6);
    ck_assert_int_lt(pragma(db, "page_count"), before);
  } else {
    ck_assert_int_eq(pragma(db, "page_count"), full);
    ck_assert_int_gt(pragma(db, "freelist_count"), free_before + full / 4);
    ck_assert_int_gt(pragma(db, "freelist_count"), full * 4 / 5);
    run_format(db, "VACUUM");
    ck_assert_int_lt(pragma(db, "page_count"), full / 6);
  }
  assert_sound(db, "s");
  assert_sql(db, "SELECT rowid FROM s WHERE s MATCH test_vector(1200) AND k = 1", "1200");
  close_database(db);
}
END_TEST

/* ── approximate search ─────────────────────────────────────────────────────────────────────────
 */

enum { ROWS = 10240, QUERIES = 20 };

/* How many of the ten nearest rows of QUERIES vectors a search finds. */
static sqlite3_int64 count_found(sqlite3 *db) {
  sqlite3_int64 hits = 0;
  for (int q = 0; q < QUERIES; q++) {
    char sql[512];
    snprintf(sql, sizeof sql,
             "SELECT count(*) FROM (SELECT rowid AS id FROM s WHERE s MATCH test_vector(%d) AND "
             "k = 10) JOIN (SELECT rowid AS id FROM s WHERE s MATCH test_vector(%d) "
             "ORDER BY +similarity DESC, rowid LIMIT 10) USING (id)",
             ROWS + 7 * q, ROWS + 7 * q);
    hits += query_integer(db, sql);
  }
  return hits;
}

START_TEST(approximate) {
  static const char *const sketch = "SELECT count(*) FROM s_info WHERE key = 'sketch'";
  sqlite3 *db = open_vector_database(NULL);
  run_format(db, "CREATE VIRTUAL TABLE s USING koelectra_index(body, search=approximate)");
  insert_vectors(db, "s", 1, ROWS);
  ck_assert_int_eq(count_found(db), 10 * QUERIES); /* exact before it has learnt */
  assert_sql(db, sketch, "0");
  run_format(db, "INSERT INTO s(s) VALUES('optimize')");
  assert_sql(db, "SELECT length(value) FROM s_info WHERE key = 'sketch'", "32");
  ck_assert_int_ge(count_found(db), 95 * QUERIES / 10);
  insert_vectors(db, "s", ROWS + 1, ROWS + 300); /* nothing to train for new rows */
  run_format(db, "DELETE FROM s WHERE rowid %% 100 = 3");
  ck_assert_int_ge(count_found(db), 95 * QUERIES / 10);
  assert_sql(db, "SELECT rowid FROM s WHERE s MATCH test_vector(10300) AND k = 1", "10300");
  assert_sound(db, "s");
  run_format(db, "DELETE FROM s WHERE rowid > 300; INSERT INTO s(s) VALUES('optimize')");
  ck_assert_int_eq(count_found(db), 10 * QUERIES); /* so few rows are searched exactly */
  run_format(db, "INSERT INTO s(s) VALUES('rebuild')");
  assert_sql(db, sketch, "0");
  close_database(db);
}
END_TEST

START_TEST(options_of_search) {
  sqlite3 *db = open_vector_database(NULL);
  run_format(db, "CREATE VIRTUAL TABLE a USING koelectra_index(body, search='Approximate');"
                 "CREATE VIRTUAL TABLE e USING koelectra_index(body, search='exact')");
  insert_vectors(db, "a", 1, 3);
  run_format(db, "INSERT INTO a(a) VALUES('optimize'); DELETE FROM a; "
                 "INSERT INTO a(a) VALUES('optimize'); INSERT INTO e(e) VALUES('optimize')");
  char *plan;
  run_sql(db, "EXPLAIN QUERY PLAN SELECT * FROM a WHERE a MATCH 'x' AND k = 5", &plan);
  ck_assert_ptr_nonnull(strstr(plan, ":match-approximate k"));
  sqlite3_free(plan);
  run_sql(db, "EXPLAIN QUERY PLAN SELECT * FROM e WHERE e MATCH 'x' AND k = 5", &plan);
  ck_assert_ptr_nonnull(strstr(plan, ":match k"));
  sqlite3_free(plan);
  assert_sql_fails(db, "CREATE VIRTUAL TABLE b USING koelectra_index(body, search='fast')",
                   SQLITE_ERROR, "search='fast' is unknown: say 'exact' or 'approximate'");
  close_database(db);
}
END_TEST

/* ── texts ──────────────────────────────────────────────────────────────────────────────────────
 */

static const char check_texts[] = "INSERT INTO s(s) VALUES('integrity-check-texts')";

static void assert_texts_differ(sqlite3 *db, const char *message) {
  assert_sound(db, "s"); /* finds nothing */
  assert_sql_fails(db, check_texts, SQLITE_CORRUPT_VTAB, message);
}

START_TEST(vectors_of_other_texts) {
  bool external = _i == 1;
  sqlite3 *db = open_small_index(external);
  run_format(db, "%s", check_texts);
  if (external) {
    run_format(db, "DROP TRIGGER article_update; UPDATE article SET body = '다른 글' WHERE id = 3");
    assert_texts_differ(db, "the vector of row 3 is not that of its text");
    run_format(db, "UPDATE article SET body = koelectra_embed('김치찌개') WHERE id = 3; %s",
               check_texts);
    run_format(db, "UPDATE article SET body = koelectra_embed('문') WHERE id = 3");
    assert_texts_differ(db, "the vector of row 3 is not that of its BLOB");
  } else {
    run_format(db, "INSERT INTO s(rowid, body) WITH RECURSIVE n(i) AS (SELECT 10 UNION ALL "
                   "SELECT i + 1 FROM n LIMIT 600) SELECT i, '글 ' || i || ' 책' FROM n");
    run_format(db, "%s; UPDATE s_content SET c0 = '배우' WHERE id = 555", check_texts);
    assert_texts_differ(db, "the vector of row 555 is not that of its text");
  }
  run_format(db, "INSERT INTO s(s) VALUES('rebuild'); %s", check_texts);
  assert_sql(db, "SELECT koelectra_load('default', 'tests/reference/bare')", "default");
  assert_sql_fails(db, check_texts, SQLITE_ERROR, "another model made its vectors");
  close_database(db);
}
END_TEST

#ifdef KOE_FAULTS
START_TEST(texts_without_memory) {
  sqlite3 *db = open_small_index(false);
  int code = SQLITE_NOMEM, failures = 0;
  for (long n = 1; code != SQLITE_OK; n++) {
    koe_memory_fail_after(n);
    code = run(db, check_texts);
    koe_memory_fail_after(0);
    if (code == SQLITE_OK) break;
    ck_assert_int_eq(code, SQLITE_NOMEM);
    failures++;
  }
  ck_assert_int_gt(failures, 3);
  close_database(db);
}
END_TEST
#endif

Suite *index_commands_suite(void);

Suite *index_commands_suite(void) {
  Suite *suite = suite_create("index_commands");
  TCase *tests = tcase_create("index_commands");
  tcase_add_loop_test(tests, space_of_deleted_rows, 0, 2);
  tcase_add_test(tests, approximate);
  tcase_add_test(tests, options_of_search);
  tcase_add_loop_test(tests, vectors_of_other_texts, 0, 2);
#ifdef KOE_FAULTS
  tcase_add_test(tests, texts_without_memory);
#endif
  suite_add_tcase(suite, tests);
  return suite;
}
