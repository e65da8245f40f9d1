#include "index_support.h"

#include "support.h"

#include <stdarg.h>
#include <stdio.h>

void load_tiny(sqlite3 *db) {
  assert_sql(db, "SELECT koelectra_load('default', 'tests/reference/tiny')", "default");
}

sqlite3 *open_tiny_database(void) {
  sqlite3 *db = open_database();
  load_tiny(db);
  return db;
}

/* Allocates nothing of its own. */
int run(sqlite3 *db, const char *sql) {
  int code = SQLITE_OK;
  while (code == SQLITE_OK && *sql != '\0') {
    sqlite3_stmt *statement;
    code = sqlite3_prepare_v2(db, sql, -1, &statement, &sql);
    if (code != SQLITE_OK || statement == NULL) continue;
    while (sqlite3_step(statement) == SQLITE_ROW) {
    }
    code = sqlite3_finalize(statement);
  }
  return code;
}

void run_format(sqlite3 *db, const char *format, ...) {
  va_list args;
  va_start(args, format);
  char *sql = sqlite3_vmprintf(format, args), *text;
  va_end(args);
  ck_assert_ptr_nonnull(sql);
  int code = run_sql(db, sql, &text);
  ck_assert_msg(code == SQLITE_OK, "%.300s: code %d: %s", sql, code, text);
  sqlite3_free(text);
  sqlite3_free(sql);
}

sqlite3_int64 query_integer(sqlite3 *db, const char *sql) {
  sqlite3_stmt *statement;
  int code = sqlite3_prepare_v2(db, sql, -1, &statement, NULL);
  ck_assert_msg(code == SQLITE_OK, "%s: %s", sql, sqlite3_errmsg(db));
  code = sqlite3_step(statement);
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

const char *temporary_file(const char *name) {
  static char path[1024];
  snprintf(path, sizeof path, "%s/%s", temporary_directory(), name);
  return path;
}
