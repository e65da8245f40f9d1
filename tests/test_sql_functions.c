/* The SQL functions and tables, called from C: hostile arguments, limits, what a statement keeps.
 * What a user sees is shown in tests/sql. */
#include "../ext/koelectra.h"
#include "../model/memory.h"
#include "../model/registry.h"
#include "database.h"
#include "support.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static sqlite3 *open_tiny(void) {
  sqlite3 *db = open_database();
  assert_sql(db, "SELECT koelectra_load('default', 'tests/reference/tiny')", "default");
  return db;
}

/* Every function and table of texts, with ? where a text goes; all read the model 'default'. */
static const char *const text_calls[] = {
    "SELECT koelectra_tokenize(?)",
    "SELECT koelectra_tokenize(?, 'default')",
    "SELECT koelectra_token_ids(?)",
    "SELECT koelectra_token_ids(?, 'default')",
    "SELECT koelectra_embed(?)",
    "SELECT koelectra_embed(?, 'default')",
    "SELECT koelectra_similarity(?, '책')",
    "SELECT koelectra_similarity('책', ?)",
    "SELECT koelectra_similarity('책', ?, 'default')",
    "SELECT koelectra_classify(?)",
    "SELECT koelectra_classify(?, 'default')",
    "SELECT koelectra_classify_pair(?, '책')",
    "SELECT koelectra_classify_pair('책', ?, 'default')",
    "SELECT koelectra_scores(?)",
    "SELECT koelectra_scores_pair('책', ?)",
    "SELECT koelectra_scores_pair(?, '책', 'default')",
    "SELECT group_concat(token), max(\"end\") FROM koelectra_tokens(?)",
    "SELECT group_concat(token), max(\"end\") FROM koelectra_tokens('책', ?)",
};

enum { CALLS = sizeof text_calls / sizeof text_calls[0] };

/* Steps a statement that has one row and copies the row's first column; NULL is "NULL". */
static char *step_once(sqlite3_stmt *statement) {
  int code = sqlite3_step(statement);
  ck_assert_msg(code == SQLITE_ROW, "%s: %s", sqlite3_sql(statement),
                sqlite3_errmsg(sqlite3_db_handle(statement)));
  const void *bytes = sqlite3_column_blob(statement, 0);
  int length = sqlite3_column_bytes(statement, 0);
  char *copy = sqlite3_column_type(statement, 0) == SQLITE_NULL
                   ? sqlite3_mprintf("NULL")
                   : sqlite3_mprintf("%.*s", length, bytes == NULL ? "" : bytes);
  ck_assert_ptr_nonnull(copy);
  ck_assert_int_eq(sqlite3_reset(statement), SQLITE_OK);
  return copy;
}

START_TEST(blob_is_no_text) {
  sqlite3 *db = open_tiny();
  for (size_t i = 0; i < CALLS; i++) {
    sqlite3_stmt *statement = prepare(db, text_calls[i]);
    sqlite3_bind_blob(statement, 1, "\xec\xb1\x85", 3, SQLITE_STATIC);
    ck_assert_int_eq(sqlite3_step(statement), SQLITE_ERROR);
    const char *message = sqlite3_errmsg(db);
    ck_assert_msg(strncmp(message, "koelectra_", 10) == 0 && strstr(message, "is a BLOB") != NULL,
                  "%s: \"%s\"", text_calls[i], message);
    sqlite3_finalize(statement);
  }
  close_database(db);
}
END_TEST

START_TEST(null_gives_null) {
  sqlite3 *db = open_tiny();
  for (size_t i = 0; i < CALLS; i++) {
    if (strstr(text_calls[i], "koelectra_tokens('책'") != NULL) continue; /* no pair */
    sqlite3_stmt *statement = prepare(db, text_calls[i]);
    char *result = step_once(statement);
    ck_assert_msg(strcmp(result, "NULL") == 0, "%s: %s", text_calls[i], result);
    sqlite3_free(result);
    sqlite3_finalize(statement);
  }
  close_database(db);
}
END_TEST

/* Bytes that are not the text they decode to give the result of that text: what is invalid, and NUL
 * characters, are dropped. */
START_TEST(hostile_bytes) {
  static const struct {
    const char *bytes;
    int length;
  } hostile[] = {{"\xec\xb1\x85", 3},
                 {"\xec\xb1\x85\xff", 4},
                 {"\xfe\xec\xb1\x85", 4},
                 {"\xec\xb1\x85\0", 4},
                 {"\0\0\xec\xb1\x85", 5},
                 {"\xec\xb1\x85\xed\xa0\x80", 6},      /* a surrogate */
                 {"\xc0\x80\xec\xb1\x85", 5},          /* an overlong NUL */
                 {"\xec\xb1\x85\xec\xb1", 5},          /* cut short */
                 {"\xf4\x90\x80\x80\xec\xb1\x85", 7}}; /* beyond Unicode */
  sqlite3 *db = open_tiny();
  for (size_t i = 0; i < CALLS; i++) {
    sqlite3_stmt *statement = prepare(db, text_calls[i]);
    char *expected = NULL;
    for (size_t j = 0; j < sizeof hostile / sizeof hostile[0]; j++) {
      sqlite3_bind_text(statement, 1, hostile[j].bytes, hostile[j].length, SQLITE_STATIC);
      char *result = step_once(statement);
      if (expected == NULL) expected = sqlite3_mprintf("%s", result);
      ck_assert_msg(strcmp(result, expected) == 0, "%s: text %zu gives \"%s\", not \"%s\"",
                    text_calls[i], j, result, expected);
      sqlite3_free(result);
    }
    sqlite3_free(expected);
    sqlite3_finalize(statement);
  }
  close_database(db);
}
END_TEST

/* Ten megabytes: words, one endless word, spaces, invalid bytes. */
START_TEST(huge_texts) {
  enum { BYTES = 10000000 };
  sqlite3 *db = open_tiny();
  char *text = malloc(BYTES);
  ck_assert_ptr_nonnull(text);
  for (size_t kind = 0; kind < 4; kind++) {
    for (size_t i = 0; i < BYTES; i++) {
      text[i] = kind == 0 ? "b 1 "[i % 4] : kind == 1 ? 'b' : kind == 2 ? ' ' : (char)0xFF;
    }
    for (size_t i = 0; i < CALLS; i++) {
      if (strstr(text_calls[i], "'default'") != NULL) continue;
      sqlite3_stmt *statement = prepare(db, text_calls[i]);
      sqlite3_bind_text(statement, 1, text, kind == 0 ? BYTES : BYTES / 5, SQLITE_STATIC);
      char *result = step_once(statement);
      ck_assert_msg(strcmp(result, "NULL") != 0, "%s: NULL", text_calls[i]);
      sqlite3_free(result);
      sqlite3_finalize(statement);
    }
  }
  free(text);
  close_database(db);
}
END_TEST

START_TEST(results_beyond_the_limit) {
  static const struct {
    int limit; /* bytes of any value */
    const char *sql;
  } calls[] = {
      {250,
       "SELECT koelectra_tokenize('책 책 책 책 책 책 책 책 책 책 책 책 책 책 책 책 책 책 책 책 책 책 책 책 책 책 책 책 책 책 "
       "책 책 책 책 책 책 책 책 책 책 책 책 책 책 책 책 책 책 책 책')"},
      {250, "SELECT koelectra_vector_json(koelectra_embed('책'))"},
      {80, "SELECT koelectra_embed('책')"},
      {80,
       "SELECT koelectra_token_ids('책 책 책 책 책 책 책 책 책 책 책 책 책 책 책 책 책 책 책')"},
      {80, "SELECT koelectra_info()"},
      {30, "SELECT koelectra_scores('책')"},
  };
  sqlite3 *db = open_tiny();
  for (size_t i = 0; i < sizeof calls / sizeof calls[0]; i++) {
    sqlite3_limit(db, SQLITE_LIMIT_LENGTH, calls[i].limit);
    assert_sql_fails(db, calls[i].sql, SQLITE_TOOBIG, "too big");
  }
  close_database(db);
}
END_TEST

/* Text of a UTF-16 database, numbers, and every kind of value as the name of a model. */
START_TEST(conversions) {
  sqlite3 *db = open_tiny();
  assert_sql(db, "SELECT koelectra_load(7, 'tests/reference/bare')", "7");
  assert_sql(db, "SELECT length(koelectra_embed('책', 7)), length(koelectra_embed(1.5, '7'))",
             "96|96");
  assert_sql_fails(db, "SELECT koelectra_embed('책', 7.5)", SQLITE_ERROR, "'7.5'");
  close_database(db);

  db = open_database();
  assert_sql(db, "PRAGMA encoding = 'UTF-16'; CREATE TABLE t(body); INSERT INTO t VALUES('책 문')",
             "");
  assert_sql(db, "SELECT koelectra_tokenize(body), koelectra_token_ids(body, 'default') FROM t",
             "[\"책\",\"문\"]|[2,124,62,3]");
  assert_sql(db, "SELECT u.token FROM t, koelectra_tokens(t.body) u", "[CLS]\n책\n문\n[SEP]");
  assert_sql_fails(db, "SELECT koelectra_embed(body, '없음') FROM t", SQLITE_ERROR, "'없음'");
  close_database(db);
}
END_TEST

/* A model argument that is constant is looked up once a statement: the model of the first row is
 * that of all rows, and the next execution looks again. */
START_TEST(model_of_a_statement) {
  sqlite3 *db = open_database();
  assert_sql(db, "SELECT koelectra_load('m', 'tests/reference/tiny')", "m");
  sqlite3_stmt *statement =
      prepare(db, "SELECT length(koelectra_embed(column1, ?)) FROM (VALUES ('책'), ('문'))");
  sqlite3_bind_text(statement, 1, "m", 1, SQLITE_STATIC);
  ck_assert_int_eq(sqlite3_step(statement), SQLITE_ROW);
  ck_assert_int_eq(sqlite3_column_int(statement, 0), 128);
  assert_sql(db, "SELECT koelectra_load('m', 'tests/reference/bare')", "m");
  ck_assert_int_eq(sqlite3_step(statement), SQLITE_ROW);
  ck_assert_int_eq(sqlite3_column_int(statement, 0), 128);
  ck_assert_int_eq(sqlite3_step(statement), SQLITE_DONE);
  ck_assert_int_eq(sqlite3_reset(statement), SQLITE_OK);
  ck_assert_int_eq(sqlite3_step(statement), SQLITE_ROW);
  ck_assert_int_eq(sqlite3_column_int(statement, 0), 96);
  sqlite3_finalize(statement);

  /* One that changes from row to row is looked up for each. */
  assert_sql(db, "SELECT koelectra_load('n', 'tests/reference/tiny')", "n");
  assert_sql(db, "SELECT length(koelectra_embed('책', column1)) FROM (VALUES ('m'), ('n'), ('m'))",
             "96\n128\n96");
  close_database(db);
}
END_TEST

/* What is remembered of a constant text belongs to a model: when 'default' becomes another within a
 * statement, it is computed again. */
START_TEST(constant_text_of_another_model) {
  sqlite3 *db = open_tiny();
  assert_sql(
      db, "CREATE TABLE t(id INTEGER PRIMARY KEY, body); INSERT INTO t(body) VALUES('문'), ('책')",
      "");
  sqlite3_stmt *statement = prepare(db, "SELECT koelectra_similarity('책', body) FROM t");
  ck_assert_int_eq(sqlite3_step(statement), SQLITE_ROW);
  double first = sqlite3_column_double(statement, 0);
  ck_assert_msg(first < 0.999, "%f", first);
  assert_sql(db, "SELECT koelectra_load('default', 'tests/reference/odd')", "default");
  ck_assert_int_eq(sqlite3_step(statement), SQLITE_ROW);
  double second = sqlite3_column_double(statement, 0);
  ck_assert_msg(second > 0.99999, "%f", second);
  sqlite3_finalize(statement);
  close_database(db);
}
END_TEST

/* ── texts that were encoded a moment ago (model/recent_texts.h) ─────────────────────────────────
 */

static uint64_t serial_of(const char *name) {
  koe_error err;
  const koe_model *model;
  assert_ok(koe_registry_acquire(name, &model, &err));
  uint64_t serial = koe_model_serial(model);
  koe_registry_release(model);
  return serial;
}

/* Remembering texts keeps no model: what is loaded again after an unload is opened again. */
START_TEST(remembering_keeps_no_model) {
  sqlite3 *db = open_tiny();
  uint64_t first = serial_of("default");
  assert_sql(db,
             "SELECT length(koelectra_embed('책')), koelectra_similarity('책', '책', 'default') > "
             "0.999, koelectra_classify_pair('책', '문') IS NOT NULL",
             "128|1|1");
  ck_assert_uint_eq(serial_of("default"), first);
  assert_sql(db, "SELECT koelectra_unload('default')", "default");
  assert_sql_fails(db, "SELECT koelectra_embed('책')", SQLITE_ERROR, "no model is registered");
  assert_sql(db, "SELECT koelectra_load('default', 'tests/reference/tiny')", "default");
  ck_assert_uint_ne(serial_of("default"), first);
  close_database(db);
}
END_TEST

/* The files behind a name change: old answers are not given again. */
START_TEST(other_files_under_a_name) {
  char sql[1300], *tiny, *odd, *seen;
  const char *directory = copy_directory("tests/reference/tiny");
  static const char query[] = "SELECT koelectra_scores('책'), hex(koelectra_embed('책'))";
  sqlite3 *db = open_database();
  snprintf(sql, sizeof sql, "SELECT koelectra_load('default', '%s') IS NOT NULL", directory);
  assert_sql(db, sql, "1");
  ck_assert_int_eq(run_sql(db, query, &tiny), SQLITE_OK);
  snprintf(sql, sizeof sql, "rm -r '%s'/* && cp -rL tests/reference/odd/. '%s'", directory,
           directory);
  ck_assert_int_eq(system(sql), 0);
  /* Opened files stay what they were, until they are loaded again. */
  assert_sql(db, query, tiny);
  snprintf(sql, sizeof sql, "SELECT koelectra_load('default', '%s') IS NOT NULL", directory);
  assert_sql(db, sql, "1");
  ck_assert_int_eq(run_sql(db, query, &seen), SQLITE_OK);
  assert_sql(db, "SELECT koelectra_load('default', 'tests/reference/odd')", "default");
  ck_assert_int_eq(run_sql(db, query, &odd), SQLITE_OK);
  ck_assert_str_eq(seen, odd);
  ck_assert_str_ne(seen, tiny);
  sqlite3_free(tiny);
  sqlite3_free(odd);
  sqlite3_free(seen);
  close_database(db);
}
END_TEST

#ifdef KOE_FAULTS
/* Runs a statement of one text with little memory: enough for functions that know the text, too
 * little to encode one. */
static int run_in_little_memory(sqlite3 *db, const char *sql, const char *text) {
  enum { LITTLE = 9 }; /* allocations; a function that knows the text makes two */
  sqlite3_stmt *statement = prepare(db, sql);
  sqlite3_bind_text(statement, 1, text, -1, SQLITE_STATIC);
  koe_memory_fail_after(LITTLE);
  (void)sqlite3_step(statement);
  koe_memory_fail_after(0);
  return sqlite3_finalize(statement);
}

/* One function has encoded the text for all; another connection knows nothing of it. */
START_TEST(encoded_once_for_all_functions) {
  static const char *const calls[] = {
      "SELECT koelectra_embed(?1)", "SELECT koelectra_classify(?1, 'default')",
      "SELECT koelectra_scores(?1)", "SELECT koelectra_similarity('책', ?1)"};
  static const char all[] = "SELECT koelectra_classify(?1), koelectra_scores(?1, 'default'), "
                            "koelectra_embed(?1), koelectra_similarity(?1, '책')";
  sqlite3 *db = open_tiny(), *other = open_database();
  assert_sql(db, "SELECT koelectra_embed('책') IS NULL", "0");
  for (size_t i = 0; i < sizeof calls / sizeof calls[0]; i++) {
    char text[20];
    snprintf(text, sizeof text, "영화 %zu", i);
    ck_assert_int_eq(run_in_little_memory(db, calls[i], text), SQLITE_NOMEM);
    sqlite3_stmt *statement = prepare(db, calls[i]);
    sqlite3_bind_text(statement, 1, text, -1, SQLITE_STATIC);
    ck_assert_int_eq(sqlite3_step(statement), SQLITE_ROW);
    sqlite3_finalize(statement);
    ck_assert_int_eq(run_in_little_memory(db, all, text), SQLITE_OK);
    ck_assert_int_eq(run_in_little_memory(other, all, text), SQLITE_NOMEM);
  }
  close_database(other);
  close_database(db);
}
END_TEST

/* The constant side of a comparison is encoded once, and so is each of few values. */
START_TEST(encoded_once_in_a_column) {
  sqlite3 *db = open_tiny();
  assert_sql(db,
             "CREATE TABLE t(body); WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n "
             "WHERE i < 999) INSERT INTO t SELECT '갈래 ' || (i % 10) FROM n",
             "");
  assert_sql(db, "SELECT count(koelectra_similarity(body, '영화')) FROM t", "1000");
  sqlite3_stmt *statement =
      prepare(db, "SELECT koelectra_similarity(body, '영화'), koelectra_classify('영화') FROM t");
  for (int row = 0; row < 1000; row++) {
    koe_memory_fail_after(9);
    int code = sqlite3_step(statement);
    koe_memory_fail_after(0);
    ck_assert_msg(code == SQLITE_ROW, "row %d: code %d", row, code);
  }
  sqlite3_finalize(statement);
  close_database(db);
}
END_TEST
#endif

/* A model that rows still refer to outlives its name. */
START_TEST(rows_outlive_the_name) {
  sqlite3 *db = open_tiny();
  sqlite3_stmt *statement = prepare(db, "SELECT token FROM koelectra_tokens('책 문')");
  ck_assert_int_eq(sqlite3_step(statement), SQLITE_ROW);
  assert_sql(db, "SELECT koelectra_unload('default')", "default");
  ck_assert_int_eq(sqlite3_step(statement), SQLITE_ROW);
  ck_assert_str_eq((const char *)sqlite3_column_text(statement, 0), "책");
  sqlite3_finalize(statement);
  assert_sql_fails(db, "SELECT token FROM koelectra_tokens('책 문')", SQLITE_ERROR,
                   "koelectra_tokens: no model is registered as 'default'");
  close_database(db);
}
END_TEST

/* Models are the process's: one connection loads, another uses, closing either changes nothing. */
START_TEST(two_connections) {
  sqlite3 *one = open_tiny(), *other = open_database();
  assert_sql(other, "SELECT koelectra_tokenize('책')", "[\"책\"]");
  assert_sql(other, "SELECT name, loaded FROM koelectra_models", "default|1");
  close_database(one);
  assert_sql(other, "SELECT koelectra_tokenize('책')", "[\"책\"]");
  close_database(other);
  one = open_database();
  assert_sql(one, "SELECT name, loaded FROM koelectra_models", "default|1");
  assert_sql(one, "SELECT koelectra_unload('default')", "default");
  close_database(one);
}
END_TEST

START_TEST(registering_twice) {
  sqlite3 *db = open_tiny();
  char *message = NULL;
  ck_assert_int_eq(sqlite3_koelectra_init(db, &message, NULL), SQLITE_OK);
  assert_sql(db, "SELECT koelectra_tokenize('책'), count(*) FROM koelectra_tokens('책')",
             "[\"책\"]|3");
  close_database(db);
}
END_TEST

/* As an SQL trigger on every connection: sqlite3_auto_extension takes success for SQLITE_OK only.
 */
START_TEST(auto_extension) {
  sqlite3 *db;
  ck_assert_int_eq(sqlite3_auto_extension((void (*)(void))sqlite3_koelectra_init), SQLITE_OK);
  ck_assert_int_eq(sqlite3_open(":memory:", &db), SQLITE_OK);
  sqlite3_reset_auto_extension();
  assert_sql(db, "SELECT count(*) FROM koelectra_models", "0");
  close_database(db);
}
END_TEST

/* The trained checkpoint and what PyTorch computed of real reviews, through SQL. */
START_TEST(agrees_with_pytorch) {
  const char *path = shared_path("fixtures/checkpoints/nsmc-small/expected.json");
  if (path == NULL) return;
  char sql[2000];
  sqlite3 *db = open_database();
  snprintf(sql, sizeof sql, "SELECT koelectra_load('nsmc', '%s')",
           shared_path("fixtures/checkpoints/nsmc-small"));
  assert_sql(db, sql, "nsmc");
  char *json = read_file(path, NULL);
  assert_sql(db, "CREATE TABLE expected(json)", "");
  sqlite3_stmt *insert = prepare(db, "INSERT INTO expected SELECT value FROM json_each(?)");
  sqlite3_bind_text(insert, 1, json, -1, SQLITE_STATIC);
  ck_assert_int_eq(sqlite3_step(insert), SQLITE_DONE);
  sqlite3_finalize(insert);
  free(json);

  assert_sql(
      db,
      "SELECT count(*) > 50, sum(koelectra_token_ids(json ->> 'text', 'nsmc') = json -> 'input_ids') = count(*), "
      "min(koelectra_cosine(koelectra_embed(json ->> 'text', 'nsmc'), "
      "koelectra_vector(json -> 'mean_pooled_normalised'))) > 0.999999, "
      "sum((koelectra_classify(json ->> 'text', 'nsmc') = 'positive') = "
      "((json ->> '$.logits[1]') > (json ->> '$.logits[0]'))) = count(*), "
      "max(abs(koelectra_scores(json ->> 'text', 'nsmc') ->> 'positive' - "
      "1 / (1 + exp((json ->> '$.logits[0]') - (json ->> '$.logits[1]'))))) < 1e-4 "
      "FROM expected",
      "1|1|1|1|1");
  close_database(db);
}
END_TEST

Suite *sql_functions_suite(void);

Suite *sql_functions_suite(void) {
  Suite *suite = suite_create("sql_functions");
  TCase *tests = tcase_create("sql_functions");
  tcase_add_test(tests, blob_is_no_text);
  tcase_add_test(tests, null_gives_null);
  tcase_add_test(tests, hostile_bytes);
  tcase_add_test(tests, huge_texts);
  tcase_add_test(tests, results_beyond_the_limit);
  tcase_add_test(tests, conversions);
  tcase_add_test(tests, model_of_a_statement);
  tcase_add_test(tests, constant_text_of_another_model);
  tcase_add_test(tests, remembering_keeps_no_model);
  tcase_add_test(tests, other_files_under_a_name);
#ifdef KOE_FAULTS
  tcase_add_test(tests, encoded_once_for_all_functions);
  tcase_add_test(tests, encoded_once_in_a_column);
#endif
  tcase_add_test(tests, rows_outlive_the_name);
  tcase_add_test(tests, two_connections);
  tcase_add_test(tests, registering_twice);
  tcase_add_test(tests, auto_extension);
  tcase_add_test(tests, agrees_with_pytorch);
  suite_add_tcase(suite, tests);
  return suite;
}
