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

int run(sqlite3 *db, const char *sql) {
  char *text;
  int code = run_sql(db, sql, &text);
  sqlite3_free(text);
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

const char *temporary_file(const char *name) {
  static char path[1024];
  snprintf(path, sizeof path, "%s/%s", temporary_directory(), name);
  return path;
}
