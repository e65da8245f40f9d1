#include "rebuild_rows.h"

#include "columns.h"

#include "../../model/memory.h"

#include <stdlib.h>
#include <string.h>

SQLITE_EXTENSION_INIT3

/* The metadata of a row are columns 2 … of what gives it. */
enum { FIRST_VALUE = 2 };

void koe_rebuild_rows_clear(koe_rebuild_rows *rows) {
  koe_free(rows->items);
  koe_free(rows->values);
  *rows = (koe_rebuild_rows){0};
}

/* ── metadata, packed ───────────────────────────────────────────────────────────────────────────
 */

static bool append(koe_rebuild_rows *rows, const void *bytes, size_t length) {
  if (!koe_grow(&rows->values, &rows->value_capacity, rows->length + length, 1)) return false;
  if (length > 0) memcpy(rows->values + rows->length, bytes, length);
  rows->length += length;
  return true;
}

static bool pack(koe_rebuild_rows *rows, sqlite3_stmt *source, int column) {
  unsigned char type = (unsigned char)sqlite3_column_type(source, column);
  sqlite3_int64 integer;
  double real;
  if (!append(rows, &type, sizeof type)) return false;
  switch (type) {
  case SQLITE_NULL:
    return true;
  case SQLITE_INTEGER:
    integer = sqlite3_column_int64(source, column);
    return append(rows, &integer, sizeof integer);
  case SQLITE_FLOAT:
    real = sqlite3_column_double(source, column);
    return append(rows, &real, sizeof real);
  default:;
    /* Text as text: in the encoding that its bytes are then counted in. */
    const void *bytes = type == SQLITE_TEXT ? (const void *)sqlite3_column_text(source, column)
                                            : sqlite3_column_blob(source, column);
    int length = sqlite3_column_bytes(source, column);
    if (bytes == NULL && (type == SQLITE_TEXT || length > 0)) return false;
    return append(rows, &length, sizeof length) && append(rows, bytes, (size_t)length);
  }
}

/* Binds the value at `*at` and goes on to the next. */
static int unpack(const unsigned char **at, sqlite3_stmt *statement, int parameter) {
  unsigned char type = *(*at)++;
  sqlite3_int64 integer;
  double real;
  int length;
  const unsigned char *bytes;
  switch (type) {
  case SQLITE_NULL:
    return sqlite3_bind_null(statement, parameter);
  case SQLITE_INTEGER:
    memcpy(&integer, *at, sizeof integer);
    *at += sizeof integer;
    return sqlite3_bind_int64(statement, parameter, integer);
  case SQLITE_FLOAT:
    memcpy(&real, *at, sizeof real);
    *at += sizeof real;
    return sqlite3_bind_double(statement, parameter, real);
  default:
    memcpy(&length, *at, sizeof length);
    bytes = *at + sizeof length;
    *at = bytes + length;
    return type == SQLITE_TEXT
               ? sqlite3_bind_text(statement, parameter, (const char *)bytes, length, SQLITE_STATIC)
               : sqlite3_bind_blob(statement, parameter, bytes, length, SQLITE_STATIC);
  }
}

/* ── rows ───────────────────────────────────────────────────────────────────────────────────────
 */

int koe_rebuild_rows_add(koe_rebuild_rows *rows, int64_t rowid, const koe_row *row,
                         sqlite3_stmt *source) {
  if (!koe_grow(&rows->items, &rows->capacity, rows->count + 1, sizeof *rows->items)) {
    return SQLITE_NOMEM;
  }
  rows->columns = sqlite3_column_count(source) - FIRST_VALUE;
  rows->items[rows->count] = (koe_rebuild_row){rowid, *row, rows->length};
  for (int i = 0; i < rows->columns; i++) {
    if (!pack(rows, source, FIRST_VALUE + i)) return SQLITE_NOMEM;
  }
  rows->count++;
  return SQLITE_OK;
}

static int compare_rows(const void *a, const void *b) {
  int64_t x = ((const koe_rebuild_row *)a)->rowid, y = ((const koe_rebuild_row *)b)->rowid;
  return (x > y) - (x < y);
}

int koe_rebuild_rows_sort(koe_index *index, koe_rebuild_rows *rows) {
  bool sorted = true;
  for (size_t i = 1; sorted && i < rows->count; i++)
    sorted = rows->items[i - 1].rowid < rows->items[i].rowid;
  if (sorted) return SQLITE_OK;
  qsort(rows->items, rows->count, sizeof *rows->items, compare_rows);
  for (size_t i = 1; i < rows->count; i++) {
    if (rows->items[i - 1].rowid == rows->items[i].rowid) {
      return koe_index_fail(index, SQLITE_ERROR,
                            "content table %s has row number %lld twice in \"%s\"",
                            index->definition.content, (long long)rows->items[i].rowid,
                            index->definition.content_rowid);
    }
  }
  return SQLITE_OK;
}

/* A statement that gives packed values as KOE_SOURCE_READ does: SELECT NULL, NULL, ?1, ?2. */
static int prepare_values(koe_index *index, int columns, sqlite3_stmt **out) {
  *out = NULL;
  if (columns == 0) return SQLITE_OK;
  sqlite3_str *sql = sqlite3_str_new(index->db);
  sqlite3_str_appendall(sql, "SELECT NULL, NULL");
  for (int i = 1; i <= columns; i++)
    sqlite3_str_appendf(sql, ", ?%d", i);
  char *text = sqlite3_str_finish(sql);
  if (text == NULL) return SQLITE_NOMEM;
  int code = sqlite3_prepare_v2(index->db, text, -1, out, NULL);
  sqlite3_free(text);
  return code;
}

static int write_row(koe_index *index, const koe_rebuild_rows *rows, const koe_rebuild_row *row,
                     sqlite3_stmt *values) {
  if (values == NULL) return koe_row_put(index, row->rowid, &row->row, NULL);
  const unsigned char *at = rows->values + row->values;
  int code = SQLITE_OK;
  for (int i = 1; code == SQLITE_OK && i <= rows->columns; i++)
    code = unpack(&at, values, i);
  if (code != SQLITE_OK) return code;
  code = sqlite3_step(values);
  if (code == SQLITE_ROW) code = koe_row_put(index, row->rowid, &row->row, values);
  sqlite3_reset(values);
  return code;
}

int koe_rebuild_rows_write(koe_index *index, const koe_rebuild_rows *rows) {
  sqlite3_stmt *values;
  int code = prepare_values(index, rows->columns, &values);
  if (code == SQLITE_OK) code = koe_rows_begin_rebuild(index);
  for (size_t i = 0; code == SQLITE_OK && i < rows->count; i++)
    code = write_row(index, rows, &rows->items[i], values);
  sqlite3_finalize(values);
  return code == SQLITE_OK ? koe_rows_end_rebuild(index) : code;
}
