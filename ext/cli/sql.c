/* SQL on a session's connection, and its errors. */
#include "session.h"

#include <stdarg.h>
#include <string.h>

/* ── errors ─────────────────────────────────────────────────────────────────────────────────────
 */

/* Passes over "koelectra_batch: " and what else says which function a user of SQL has called. */
static const char *without_function(const char *message) {
  static const char prefix[] = "koelectra_", inner[] = "in the inner SQL: ";
  while (strncmp(message, prefix, sizeof prefix - 1) == 0) {
    size_t length = strcspn(message, ": ");
    if (message[length] != ':' || message[length + 1] != ' ') break;
    message += length + 2;
  }
  if (strncmp(message, inner, sizeof inner - 1) == 0) message += sizeof inner - 1;
  return message;
}

koe_status koe_cli_sql_failed(koe_cli_session *session, koe_error *err) {
  const char *path = session->path != NULL ? session->path : "the database in memory";
  int code = sqlite3_errcode(session->db) & 0xff;
  switch (code) {
  case SQLITE_NOMEM:
    return koe_fail_nomem(err);
  case SQLITE_INTERRUPT:
    return koe_fail(err, KOE_INVALID, "interrupted");
  case SQLITE_BUSY:
  case SQLITE_LOCKED:
    if (koe_cli_stopped()) return koe_fail(err, KOE_INVALID, "interrupted");
    return koe_fail(err, KOE_IO,
                    "%s is in use by another program: run the same command again when that one has "
                    "finished its transaction",
                    path);
  case SQLITE_NOTADB:
    return koe_fail(err, KOE_FORMAT, "%s is not an SQLite database, or is encrypted", path);
  case SQLITE_READONLY:
  case SQLITE_FULL:
  case SQLITE_IOERR:
  case SQLITE_CANTOPEN:
    return koe_fail(err, KOE_IO, "%s: %s", path, sqlite3_errmsg(session->db));
  default:
    return koe_fail(err, KOE_INVALID, "%s", without_function(sqlite3_errmsg(session->db)));
  }
}

/* ── statements ─────────────────────────────────────────────────────────────────────────────────
 */

koe_status koe_cli_format(char **out, koe_error *err, const char *format, ...) {
  va_list values;
  va_start(values, format);
  *out = sqlite3_vmprintf(format, values);
  va_end(values);
  return *out != NULL ? KOE_OK : koe_fail_nomem(err);
}

static koe_status prepare(koe_cli_session *session, sqlite3_stmt **out, koe_error *err,
                          const char *format, va_list values) {
  *out = NULL;
  char *sql = sqlite3_vmprintf(format, values);
  if (sql == NULL) return koe_fail_nomem(err);
  int code = sqlite3_prepare_v2(session->db, sql, -1, out, NULL);
  sqlite3_free(sql);
  return code == SQLITE_OK ? KOE_OK : koe_cli_sql_failed(session, err);
}

koe_status koe_cli_prepare(koe_cli_session *session, sqlite3_stmt **out, koe_error *err,
                           const char *format, ...) {
  va_list values;
  va_start(values, format);
  koe_status status = prepare(session, out, err, format, values);
  va_end(values);
  return status;
}

koe_status koe_cli_step(koe_cli_session *session, sqlite3_stmt *statement, bool *row,
                        koe_error *err) {
  int code = sqlite3_step(statement);
  *row = code == SQLITE_ROW;
  if (*row) return KOE_OK;
  koe_status status = code == SQLITE_DONE ? KOE_OK : koe_cli_sql_failed(session, err);
  sqlite3_reset(statement);
  return status;
}

koe_status koe_cli_run(koe_cli_session *session, koe_error *err, const char *format, ...) {
  sqlite3_stmt *statement;
  va_list values;
  va_start(values, format);
  koe_status status = prepare(session, &statement, err, format, values);
  va_end(values);
  bool row = status == KOE_OK;
  while (status == KOE_OK && row)
    status = koe_cli_step(session, statement, &row, err);
  sqlite3_finalize(statement);
  return status;
}

koe_status koe_cli_integer(koe_cli_session *session, long long *out, long long fallback,
                           koe_error *err, const char *format, ...) {
  sqlite3_stmt *statement;
  bool row = false;
  va_list values;
  va_start(values, format);
  koe_status status = prepare(session, &statement, err, format, values);
  va_end(values);
  if (status == KOE_OK) status = koe_cli_step(session, statement, &row, err);
  *out = row ? sqlite3_column_int64(statement, 0) : fallback;
  sqlite3_finalize(statement);
  return status;
}

koe_status koe_cli_string(koe_cli_session *session, char **out, koe_error *err, const char *format,
                          ...) {
  sqlite3_stmt *statement;
  bool row = false;
  *out = NULL;
  va_list values;
  va_start(values, format);
  koe_status status = prepare(session, &statement, err, format, values);
  va_end(values);
  if (status == KOE_OK) status = koe_cli_step(session, statement, &row, err);
  if (row && sqlite3_column_type(statement, 0) != SQLITE_NULL) {
    *out = sqlite3_mprintf("%s", sqlite3_column_text(statement, 0));
    if (*out == NULL) status = koe_fail_nomem(err);
  }
  sqlite3_finalize(statement);
  return status;
}

koe_status koe_cli_end(koe_cli_session *session, koe_status status, koe_error *err) {
  if (status == KOE_OK) status = koe_cli_run(session, err, "COMMIT");
  /* SQLite has ended it already after some errors. */
  if (status != KOE_OK && sqlite3_get_autocommit(session->db) == 0)
    sqlite3_exec(session->db, "ROLLBACK", NULL, NULL, NULL);
  return status;
}
