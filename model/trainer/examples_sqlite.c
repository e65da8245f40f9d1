/* Examples from a database: where users' labels are.
 *
 * The trainer is a program with a SQLite of its own, so it includes sqlite3.h.  Nothing of it is
 * part of the extension, whose model/ knows nothing of SQLite. */
#include "examples_input.h"

#include <sqlite3.h>
#include <string.h>

enum { MAX_COLUMNS = 256 };

static koe_status fail_sqlite(sqlite3 *db, const char *path, const char *what, koe_error *err) {
  if (sqlite3_errcode(db) == SQLITE_NOMEM) return koe_fail_nomem(err);
  return koe_fail(err, KOE_INVALID, "%s: %s: %s", path, what, sqlite3_errmsg(db));
}

static koe_status open_database(const char *path, sqlite3 **db, koe_error *err) {
  int rc = sqlite3_open_v2(path, db, SQLITE_OPEN_READONLY, NULL);
  if (rc == SQLITE_OK) rc = sqlite3_busy_timeout(*db, 10000);
  if (rc == SQLITE_OK) return KOE_OK;
  if (rc == SQLITE_NOMEM) return koe_fail_nomem(err);
  return koe_fail(err, KOE_IO, "%s: %s", path, *db != NULL ? sqlite3_errmsg(*db) : "out of memory");
}

/* One statement that reads. */
static koe_status prepare(sqlite3 *db, const char *path, const char *query, sqlite3_stmt **out,
                          koe_error *err) {
  const char *tail;
  if (sqlite3_prepare_v2(db, query, -1, out, &tail) != SQLITE_OK) {
    return fail_sqlite(db, path, "the query fails", err);
  }
  if (*out == NULL || tail[strspn(tail, " \t\r\n;")] != '\0') {
    return koe_fail(err, KOE_INVALID, "%s: the query is not one SELECT", path);
  }
  if (!sqlite3_stmt_readonly(*out) || sqlite3_column_count(*out) == 0) {
    return koe_fail(err, KOE_INVALID, "%s: the query is not a SELECT", path);
  }
  return KOE_OK;
}

static koe_status find_places(sqlite3_stmt *statement, const char *path, const koe_columns *columns,
                              koe_column_places *places, koe_error *err) {
  koe_text names[MAX_COLUMNS];
  int count = sqlite3_column_count(statement);
  if (count > MAX_COLUMNS) {
    return koe_fail(err, KOE_INVALID, "%s: the query has %d columns; at most %d are read", path,
                    count, MAX_COLUMNS);
  }
  for (int i = 0; i < count; i++) {
    const char *name = sqlite3_column_name(statement, i);
    if (name == NULL) return koe_fail_nomem(err);
    names[i] = (koe_text){name, strlen(name)};
  }
  return koe_find_columns(names, (size_t)count, columns, path, places, err);
}

/* The text of a column; numbers stand for their spelling. */
static koe_status read_column(sqlite3_stmt *statement, size_t column, const koe_place *place,
                              koe_text *out, koe_error *err) {
  if (column == SIZE_MAX) return KOE_OK;
  int i = (int)column;
  int type = sqlite3_column_type(statement, i);
  if (type == SQLITE_NULL || type == SQLITE_BLOB) {
    return koe_fail_at(err, place, "\"%s\" is %s", sqlite3_column_name(statement, i),
                       type == SQLITE_NULL ? "NULL: leave such rows out with WHERE" : "a BLOB");
  }
  out->bytes = (const char *)sqlite3_column_text(statement, i);
  if (out->bytes == NULL) return koe_fail_nomem(err);
  out->length = (size_t)sqlite3_column_bytes(statement, i);
  return KOE_OK;
}

static koe_status read_rows(koe_examples *examples, sqlite3 *db, sqlite3_stmt *statement,
                            const char *path, const koe_columns *columns,
                            const koe_column_places *places, koe_error *err) {
  koe_place place = {path, "row", 0};
  int rc;
  while ((rc = sqlite3_step(statement)) == SQLITE_ROW) {
    koe_row row = {0};
    place.number++;
    koe_status status = read_column(statement, places->text, &place, &row.text, err);
    if (status == KOE_OK) status = read_column(statement, places->pair, &place, &row.pair, err);
    if (status == KOE_OK) status = read_column(statement, places->label, &place, &row.label, err);
    if (status == KOE_OK) status = koe_examples_add(examples, &row, columns->labels, &place, err);
    if (status != KOE_OK) return status;
  }
  if (rc != SQLITE_DONE) return fail_sqlite(db, path, "the query fails", err);
  if (place.number > 0) return KOE_OK;
  return koe_fail(err, KOE_FORMAT, "%s: the query gives no rows", path);
}

koe_status koe_examples_read_database(koe_examples *examples, const char *path, const char *query,
                                      const koe_columns *columns, koe_error *err) {
  sqlite3 *db = NULL;
  sqlite3_stmt *statement = NULL;
  koe_column_places places;
  koe_status status = open_database(path, &db, err);
  if (status != KOE_OK) goto cleanup;
  status = prepare(db, path, query, &statement, err);
  if (status != KOE_OK) goto cleanup;
  status = find_places(statement, path, columns, &places, err);
  if (status != KOE_OK) goto cleanup;
  status = read_rows(examples, db, statement, path, columns, &places, err);

cleanup:
  sqlite3_finalize(statement);
  sqlite3_close(db);
  return status;
}
