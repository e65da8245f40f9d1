#include "index_support.h"

#include "support.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

void load_tiny(sqlite3 *db) {
  assert_sql(db, "SELECT koelectra_load('default', 'tests/reference/tiny')", "default");
}

sqlite3 *open_tiny_database(void) {
  sqlite3 *db = open_database();
  load_tiny(db);
  return db;
}

static char *query_list(sqlite3 *db, const char *format, va_list args) {
  char *sql = sqlite3_vmprintf(format, args), *text;
  ck_assert_ptr_nonnull(sql);
  int code = run_sql(db, sql, &text);
  ck_assert_msg(code == SQLITE_OK, "%.300s: code %d: %s", sql, code, text);
  sqlite3_free(sql);
  return text;
}

char *query_text(sqlite3 *db, const char *format, ...) {
  va_list args;
  va_start(args, format);
  char *text = query_list(db, format, args);
  va_end(args);
  return text;
}

void run_format(sqlite3 *db, const char *format, ...) {
  va_list args;
  va_start(args, format);
  sqlite3_free(query_list(db, format, args));
  va_end(args);
}

sqlite3_int64 query_integer(sqlite3 *db, const char *sql) {
  sqlite3_stmt *statement = prepare(db, sql);
  int code = sqlite3_step(statement);
  ck_assert_msg(code == SQLITE_ROW, "%s: %s", sql, sqlite3_errmsg(db));
  sqlite3_int64 value = sqlite3_column_int64(statement, 0);
  sqlite3_finalize(statement);
  return value;
}

void assert_sound(sqlite3 *db, const char *name) {
  run_format(db, "INSERT INTO \"%w\"(\"%w\") VALUES('integrity-check')", name, name);
}

sqlite3 *open_small_index(bool external) {
  sqlite3 *db = open_tiny_database();
  sqlite3_extended_result_codes(db, 1);
  if (!external) {
    run_format(db, "CREATE VIRTUAL TABLE s USING koelectra_index(body);"
                   "INSERT INTO s(rowid, body) VALUES(1, '책 문'), (2, '영화가 좋았어요'), "
                   "(3, '김치찌개'), (4, '서울은 비'), (5, NULL);"
                   "INSERT INTO s(rowid, body) SELECT 6, koelectra_embed('책 문')");
    return db;
  }
  run_format(db, "CREATE TABLE article(id INTEGER PRIMARY KEY, body TEXT);"
                 "INSERT INTO article VALUES(1, '책 문'), (2, '영화가 좋았어요'), (3, '김치찌개'), "
                 "(4, '서울은 비'), (5, NULL);"
                 "CREATE VIRTUAL TABLE s USING koelectra_index(body, content=article, "
                 "content_rowid=id);"
                 "INSERT INTO s(s) VALUES('rebuild');"
                 "CREATE TRIGGER article_insert AFTER INSERT ON article BEGIN"
                 "  INSERT INTO s(rowid, body) VALUES(new.id, new.body); END;"
                 "CREATE TRIGGER article_delete AFTER DELETE ON article BEGIN"
                 "  DELETE FROM s WHERE rowid = old.id; END;"
                 "CREATE TRIGGER article_update AFTER UPDATE ON article"
                 "  WHEN new.id <> old.id OR new.body IS NOT old.body BEGIN"
                 "  DELETE FROM s WHERE rowid = old.id;"
                 "  INSERT INTO s(rowid, body) VALUES(new.id, new.body); END");
  return db;
}

char *describe_index(sqlite3 *db) {
  char *text;
  int code = run_sql(db,
                     "SELECT rowid, quote(body) FROM s; "
                     "SELECT rowid, round(similarity, 4) FROM s WHERE s MATCH '영화'",
                     &text);
  ck_assert_msg(code == SQLITE_OK, "code %d: %s", code, text);
  return text;
}

void add_vector_table(sqlite3 *db) {
  run_format(db, "CREATE TABLE ready AS SELECT koelectra_embed('준비된 벡터') AS v");
}

/* ── vectors without texts ──────────────────────────────────────────────────────────────────────
 */

static void test_vector(sqlite3_context *context, int argc, sqlite3_value **argv) {
  float vector[32];
  int64_t n = sqlite3_value_int64(argv[0]);
  uint64_t state = (uint64_t)n;
  (void)argc;
  for (int i = 0; i < 32; i++) {
    state = (state + 1) * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    vector[i] = (float)(int32_t)(state >> 32) / 4e9F;
  }
  vector[n % 5] += 2 - 0.2F * (float)(n % 7);
  sqlite3_result_blob(context, vector, sizeof vector, SQLITE_TRANSIENT);
}

sqlite3 *add_test_vector(sqlite3 *db) {
  ck_assert_int_eq(sqlite3_create_function(db, "test_vector", 1, SQLITE_UTF8 | SQLITE_DETERMINISTIC,
                                           NULL, test_vector, NULL, NULL),
                   SQLITE_OK);
  return db;
}

sqlite3 *open_vector_database(const char *path) {
  sqlite3 *db = path == NULL ? open_database() : open_database_file(path);
  load_tiny(db);
  return add_test_vector(db);
}

void insert_vectors(sqlite3 *db, const char *index, int first, int last) {
  run_format(
      db,
      "INSERT INTO %s(rowid, body) WITH RECURSIVE n(i) AS "
      "(SELECT %d UNION ALL SELECT i + 1 FROM n WHERE i < %d) SELECT i, test_vector(i) FROM n",
      index, first, last);
}

void assert_same_text(char *expected, char *found, const char *what) {
  ck_assert_msg(strcmp(expected, found) == 0, "%s: expected\n%.1000s\nnot\n%.1000s", what, expected,
                found);
  sqlite3_free(expected);
  sqlite3_free(found);
}

const char *temporary_file(const char *name) {
  static char path[1024];
  snprintf(path, sizeof path, "%s/%s", temporary_directory(), name);
  return path;
}
