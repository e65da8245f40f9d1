#include "database.h"

#include "../ext/koelectra.h"
#include "support.h"

#include <string.h>

sqlite3 *open_database_file(const char *path) {
  sqlite3 *db;
  char *message = NULL;
  ck_assert_int_eq(sqlite3_open(path, &db), SQLITE_OK);
  int code = sqlite3_koelectra_init(db, &message, NULL);
  ck_assert_msg(code == SQLITE_OK, "cannot add the extension: code %d: %s", code, message);
  return db;
}

sqlite3 *open_database(void) {
  return open_database_file(":memory:");
}

void close_database(sqlite3 *db) {
  ck_assert_int_eq(sqlite3_close(db), SQLITE_OK);
}

static void append_value(sqlite3_str *out, sqlite3_stmt *statement, int column) {
  const unsigned char *blob;
  switch (sqlite3_column_type(statement, column)) {
  case SQLITE_NULL:
    sqlite3_str_appendall(out, "NULL");
    break;
  case SQLITE_BLOB:
    blob = sqlite3_column_blob(statement, column);
    sqlite3_str_appendall(out, "x'");
    for (int i = 0; i < sqlite3_column_bytes(statement, column); i++)
      sqlite3_str_appendf(out, "%02x", blob[i]);
    sqlite3_str_appendchar(out, 1, '\'');
    break;
  default:
    sqlite3_str_appendf(out, "%s", sqlite3_column_text(statement, column));
  }
}

/* Steps one statement to its end. */
static int run_statement(sqlite3_stmt *statement, sqlite3_str *out) {
  int code;
  while ((code = sqlite3_step(statement)) == SQLITE_ROW) {
    if (sqlite3_str_length(out) > 0) sqlite3_str_appendchar(out, 1, '\n');
    for (int column = 0; column < sqlite3_column_count(statement); column++) {
      if (column > 0) sqlite3_str_appendchar(out, 1, '|');
      append_value(out, statement, column);
    }
  }
  return code == SQLITE_DONE ? SQLITE_OK : code;
}

int run_sql(sqlite3 *db, const char *sql, char **text) {
  sqlite3_str *out = sqlite3_str_new(NULL);
  int code = SQLITE_OK;
  while (code == SQLITE_OK && *sql != '\0') {
    sqlite3_stmt *statement;
    code = sqlite3_prepare_v2(db, sql, -1, &statement, &sql);
    if (code == SQLITE_OK && statement != NULL) code = run_statement(statement, out);
    /* An error of sqlite3_step is returned once more. */
    sqlite3_finalize(statement);
  }
  if (code == SQLITE_OK) code = sqlite3_str_errcode(out);
  *text = sqlite3_str_finish(out);
  if (code != SQLITE_OK) {
    sqlite3_free(*text);
    *text = sqlite3_mprintf("%s", sqlite3_errmsg(db));
  }
  if (*text == NULL) *text = sqlite3_mprintf("");
  return code;
}

int run(sqlite3 *db, const char *sql) {
  int code = SQLITE_OK;
  while (code == SQLITE_OK && *sql != '\0') {
    sqlite3_stmt *statement;
    code = sqlite3_prepare_v2(db, sql, -1, &statement, &sql);
    if (code != SQLITE_OK || statement == NULL) continue;
    while (sqlite3_step(statement) == SQLITE_ROW) {
      for (int column = 0; column < sqlite3_column_count(statement); column++)
        (void)sqlite3_column_text(statement, column);
    }
    code = sqlite3_finalize(statement);
  }
  return code;
}

sqlite3_stmt *prepare(sqlite3 *db, const char *sql) {
  sqlite3_stmt *statement;
  int code = sqlite3_prepare_v2(db, sql, -1, &statement, NULL);
  ck_assert_msg(code == SQLITE_OK, "%.200s: %s", sql, sqlite3_errmsg(db));
  return statement;
}

void assert_sql(sqlite3 *db, const char *sql, const char *expected) {
  char *text;
  int code = run_sql(db, sql, &text);
  ck_assert_msg(code == SQLITE_OK, "%.200s: code %d: %s", sql, code, text);
  ck_assert_msg(strcmp(text, expected) == 0, "%.200s: gives \"%.300s\", not \"%.300s\"", sql, text,
                expected);
  sqlite3_free(text);
}

void assert_sql_fails(sqlite3 *db, const char *sql, int code, const char *fragment) {
  char *text;
  int seen = run_sql(db, sql, &text);
  ck_assert_msg(seen == code, "%.200s: code %d, not %d: %.300s", sql, seen, code, text);
  ck_assert_msg(strstr(text, fragment) != NULL, "%.200s: \"%.300s\" lacks \"%s\"", sql, text,
                fragment);
  sqlite3_free(text);
}
