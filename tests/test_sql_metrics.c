/* koelectra_accuracy and the other aggregates: what scikit-learn, SciPy and two definitions written
 * out say (reference/metrics/), windows, bad rows, memory that runs out. */
#include "../model/memory.h"
#include "database.h"
#include "index_support.h"
#include "support.h"

#include <math.h>
#include <string.h>

static sqlite3 *db;

static void setup(void) {
  db = open_database();
}

static void finish(void) {
  close_database(db);
}

/* ── references ─────────────────────────────────────────────────────────────────────────────────
 */

/* The table `pair(a, b)` with the rows of a case. */
static void fill_pairs(const json_t *rows) {
  run_format(db, "DROP TABLE IF EXISTS pair; CREATE TABLE pair(a, b)");
  sqlite3_stmt *insert = prepare(db, "INSERT INTO pair VALUES(?1, ?2)");
  for (size_t i = 0; i < json_array_size(rows); i++) {
    for (int side = 0; side < 2; side++) {
      const json_t *value = json_array_get(json_array_get(rows, i), (size_t)side);
      if (json_is_string(value)) {
        sqlite3_bind_text(insert, side + 1, json_string_value(value), -1, SQLITE_STATIC);
      } else {
        sqlite3_bind_double(insert, side + 1, json_number_value(value));
      }
    }
    ck_assert_int_eq(sqlite3_step(insert), SQLITE_DONE);
    sqlite3_reset(insert);
  }
  sqlite3_finalize(insert);
  ck_assert_uint_gt(json_array_size(rows), 0);
}

static void assert_metric(const char *call, double expected) {
  char *sql = sqlite3_mprintf("SELECT %s FROM pair", call);
  sqlite3_stmt *statement = prepare(db, sql);
  ck_assert_msg(sqlite3_step(statement) == SQLITE_ROW, "%s: %s", sql, sqlite3_errmsg(db));
  ck_assert_int_eq(sqlite3_column_type(statement, 0), SQLITE_FLOAT);
  double seen = sqlite3_column_double(statement, 0);
  ck_assert_msg(fabs(seen - expected) < 1e-12, "%s is %.15g, not %.15g", call, seen, expected);
  sqlite3_finalize(statement);
  sqlite3_free(sql);
}

static const json_t *cases_of(const json_t *root, const char *kind) {
  const json_t *cases = json_object_get(root, kind);
  ck_assert_msg(json_array_size(cases) > 0, "no cases of %s", kind);
  return cases;
}

static void check_labels(const json_t *one) {
  const char *name;
  json_t *f1;
  assert_metric("koelectra_accuracy(a, b)", json_number_value(json_object_get(one, "accuracy")));
  assert_metric("koelectra_f1(a, b)", json_number_value(json_object_get(one, "macro")));
  assert_metric("koelectra_f1(a, b, 'macro')", json_number_value(json_object_get(one, "macro")));
  assert_metric("koelectra_f1(a, b, 'weighted')",
                json_number_value(json_object_get(one, "weighted")));
  assert_metric("koelectra_f1(a, b, 'micro')", json_number_value(json_object_get(one, "micro")));
  json_object_foreach(json_object_get(one, "classes"), name, f1) {
    char *call = sqlite3_mprintf("koelectra_f1(a, b, %Q)", name);
    assert_metric(call, json_number_value(f1));
    sqlite3_free(call);
  }
}

START_TEST(agrees_with_the_references) {
  json_t *root = load_json(test_path("reference/metrics/expected.json"));
  size_t i;
  json_t *one;
  json_array_foreach(cases_of(root, "labels"), i, one) {
    fill_pairs(json_object_get(one, "rows"));
    check_labels(one);
  }
  json_array_foreach(cases_of(root, "numbers"), i, one) {
    fill_pairs(json_object_get(one, "rows"));
    assert_metric("koelectra_pearson(a, b)", json_number_value(json_object_get(one, "pearson")));
    assert_metric("koelectra_spearman(a, b)", json_number_value(json_object_get(one, "spearman")));
  }
  json_array_foreach(cases_of(root, "entities"), i, one) {
    fill_pairs(json_object_get(one, "rows"));
    assert_metric("koelectra_entity_f1(a, b)", json_number_value(json_object_get(one, "f1")));
  }
  json_array_foreach(cases_of(root, "answers"), i, one) {
    fill_pairs(json_object_get(one, "rows"));
    assert_metric("koelectra_exact_match(a, b)",
                  json_number_value(json_object_get(one, "exact_match")));
    assert_metric("koelectra_character_f1(a, b)",
                  json_number_value(json_object_get(one, "character_f1")));
  }
  json_decref(root);
}
END_TEST

/* ── rows that are no pairs, groups, windows ────────────────────────────────────────────────────
 */

static const char *const calls[] = {
    "koelectra_accuracy(a, b)",  "koelectra_f1(a, b)",          "koelectra_f1(a, b, 'weighted')",
    "koelectra_f1(a, b, '1')",   "koelectra_pearson(a, b)",     "koelectra_spearman(a, b)",
    "koelectra_entity_f1(a, b)", "koelectra_exact_match(a, b)", "koelectra_character_f1(a, b)"};

enum { CALLS = sizeof calls / sizeof calls[0] };

START_TEST(nulls_are_skipped) {
  run_format(db, "CREATE TABLE pair(a, b); INSERT INTO pair VALUES(NULL, 1), (2, NULL), (NULL, "
                 "NULL)");
  for (size_t i = 0; i < CALLS; i++) {
    char *sql =
        sqlite3_mprintf("SELECT %s FROM pair; SELECT %s FROM pair WHERE 0", calls[i], calls[i]);
    assert_sql(db, sql, "NULL\nNULL");
    sqlite3_free(sql);
  }
  run_format(db, "INSERT INTO pair VALUES(1, 1), (2, 2), (1, 2), (NULL, 5)");
  assert_sql(db,
             "SELECT round(koelectra_accuracy(a, b), 4), round(koelectra_f1(a, b), 4), "
             "round(koelectra_pearson(a, b), 4), round(koelectra_exact_match(a, b), 4) FROM pair",
             "0.6667|0.6667|0.5|0.6667");
}
END_TEST

START_TEST(numbers_are_labels) {
  assert_sql(db,
             "SELECT koelectra_accuracy(a, b), koelectra_f1(a, b, 1.0) FROM "
             "(SELECT '1' AS a, 1.0 AS b UNION ALL SELECT 0, '0' UNION ALL SELECT 2.5, '2.5')",
             "1.0|1.0");
  assert_sql(db, "SELECT koelectra_f1('a', 'b', 'c'), koelectra_f1('a', 'b', 'b')", "NULL|0.0");
  assert_sql(db, "SELECT koelectra_accuracy('', ''), koelectra_accuracy('a', 'ab')", "1.0|0.0");
}
END_TEST

START_TEST(constants_have_no_correlation) {
  assert_sql(db,
             "SELECT koelectra_pearson(value, 3), koelectra_spearman(3, value), "
             "koelectra_pearson(0.1, value), koelectra_pearson(value, value * 9e999), "
             "koelectra_spearman(value, value * 4e307) FROM json_each('[1, 2, 3]')",
             "NULL|NULL|NULL|NULL|1.0");
  assert_sql(db, "SELECT koelectra_spearman(1, 2)", "NULL");
  assert_sql(db,
             "SELECT round(koelectra_spearman('1' || value, value), 6) FROM json_each('[5, 7]')",
             "1.0");
}
END_TEST

START_TEST(answers_may_be_lists) {
  assert_sql(db,
             "SELECT koelectra_exact_match('서울', '[\"부산\", \"서울\"]'), "
             "koelectra_exact_match('[1] 절', '[1] 절'), koelectra_exact_match('[1', '[1'), "
             "koelectra_exact_match('', ''), koelectra_exact_match('a', '[]'), "
             "koelectra_character_f1(1989, 1989)",
             "1.0|1.0|1.0|1.0|0.0|1.0");
}
END_TEST

START_TEST(tags_may_be_lists) {
  assert_sql(db,
             "SELECT koelectra_entity_f1('[\"B-PER\", \"O\"]', ' B-PER\tO\n'), "
             "koelectra_entity_f1('', ''), koelectra_entity_f1('[]', '[]'), "
             "koelectra_entity_f1('PER-B PER-I O', 'PER-B PER-I PER-B')",
             "1.0|0.0|0.0|0.666666666666667");
}
END_TEST

/* What a window gives is what the rows of its frame give. */
START_TEST(windows_agree_with_groups) {
  run_format(db,
             "CREATE TABLE pair AS SELECT value AS id, abs(random() %% 3) AS a, "
             "abs(random() %% 3) AS b FROM (WITH RECURSIVE n(value) AS (SELECT 1 UNION ALL SELECT "
             "value + 1 FROM n WHERE value < 60) SELECT value FROM n); "
             "UPDATE pair SET a = NULL WHERE id %% 11 = 0");
  for (size_t i = 0; i < CALLS; i++) {
    char *sql = sqlite3_mprintf(
        "SELECT count(*), count(w) > 30 FROM (SELECT id, %s OVER (ORDER BY id ROWS BETWEEN 6 "
        "PRECEDING AND 1 FOLLOWING EXCLUDE NO OTHERS) AS w FROM pair) AS windows WHERE abs("
        "coalesce(w, 9) - coalesce((SELECT %s FROM pair WHERE pair.id BETWEEN windows.id - 6 AND "
        "windows.id + 1), 9)) < 1e-9",
        calls[i], calls[i]);
    assert_sql(db, sql, "60|1");
    sqlite3_free(sql);
  }
}
END_TEST

/* ── errors ─────────────────────────────────────────────────────────────────────────────────────
 */

START_TEST(bad_rows_are_refused) {
  static const struct {
    const char *call, *message;
  } cases[] = {
      {"koelectra_accuracy(x'00', 'a')", "koelectra_accuracy: predicted is a BLOB"},
      {"koelectra_accuracy('a', x'00')", "koelectra_accuracy: label is a BLOB"},
      {"koelectra_f1('a', 'b', NULL)", "koelectra_f1: the average is NULL"},
      {"koelectra_f1('a', 'b', x'00')", "koelectra_f1: average is a BLOB"},
      {"koelectra_f1(replace(hex(zeroblob(501)), '0', 'a'), 'b')", "a label has 1002 bytes"},
      {"koelectra_f1('a' || char(0), 'b')", "a label contains a NUL character"},
      {"koelectra_spearman('high', 1)", "koelectra_spearman: x is not a number: 'high'"},
      {"koelectra_pearson(1, x'00')", "koelectra_pearson: y is a BLOB"},
      {"koelectra_entity_f1('O O', 'B-PER')",
       "koelectra_entity_f1: a sentence has 2 predicted tags and 1 labels, beginning with 'B-PER'"},
      {"koelectra_entity_f1('O', '')", "beginning with 'O'"},
      {"koelectra_entity_f1('[1]', 'O')", "element 0 of the array (from 0) is not a text"},
      {"koelectra_exact_match('a', '[\"a\", null]')", "answer: element 1 of the array"},
      {"koelectra_character_f1(x'00', 'a')", "koelectra_character_f1: predicted is a BLOB"},
  };
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    char *sql = sqlite3_mprintf("SELECT %s", cases[i].call);
    assert_sql_fails(db, sql, SQLITE_ERROR, cases[i].message);
    sqlite3_free(sql);
  }
  assert_sql_fails(db, "SELECT koelectra_accuracy(1)", SQLITE_ERROR, "wrong number of arguments");
  assert_sql_fails(db,
                   "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 20000)"
                   " SELECT koelectra_f1(i, -i) FROM n",
                   SQLITE_ERROR, "more than 10000 classes");
}
END_TEST

START_TEST(long_rows) {
  assert_sql(db,
             "SELECT koelectra_entity_f1(t, t), koelectra_exact_match(t, t), "
             "koelectra_character_f1(t, t) FROM "
             "(SELECT replace(hex(zeroblob(100000)), '00', 'PER-B ') AS t)",
             "1.0|1.0|1.0");
}
END_TEST

#ifdef KOE_FAULTS
START_TEST(memory_may_fail_anywhere) {
  static const char *const rows[] = {"(1, 2), (2, 2), (3, 1)", "('O B-PER', '[\"O\", \"B-PER\"]')"};
  for (size_t i = 0; i < 2 * CALLS; i++) {
    char *sql =
        sqlite3_mprintf("SELECT %s FROM (SELECT column1 AS a, column2 AS b FROM (VALUES %s))",
                        calls[i / 2], rows[i % 2]);
    bool numeric = strstr(sql, "pearson") != NULL || strstr(sql, "spearman") != NULL;
    long n = 1;
    int code = i % 2 == 1 && numeric ? SQLITE_OK : SQLITE_NOMEM;
    for (; code == SQLITE_NOMEM; n++) {
      koe_memory_fail_after(n);
      code = run(db, sql);
      koe_memory_fail_after(0);
      ck_assert_msg(code == SQLITE_OK || code == SQLITE_NOMEM, "%s: allocation %ld: %d", sql, n,
                    code);
    }
    ck_assert_msg(n < 100, "%s: never succeeds", sql);
    sqlite3_free(sql);
  }
}
END_TEST
#endif

Suite *sql_metrics_suite(void);

Suite *sql_metrics_suite(void) {
  Suite *suite = suite_create("sql_metrics");
  TCase *metrics = tcase_create("metrics");
  tcase_add_checked_fixture(metrics, setup, finish);
  tcase_add_test(metrics, agrees_with_the_references);
  tcase_add_test(metrics, nulls_are_skipped);
  tcase_add_test(metrics, numbers_are_labels);
  tcase_add_test(metrics, constants_have_no_correlation);
  tcase_add_test(metrics, answers_may_be_lists);
  tcase_add_test(metrics, tags_may_be_lists);
  tcase_add_test(metrics, windows_agree_with_groups);
  tcase_add_test(metrics, bad_rows_are_refused);
  tcase_add_test(metrics, long_rows);
#ifdef KOE_FAULTS
  tcase_add_test(metrics, memory_may_fail_anywhere);
#endif
  suite_add_tcase(suite, metrics);
  return suite;
}
