/* The internal header of ext/index/: the virtual table's object, and how its files report errors.
 *
 * Functions here return SQLite result codes; the place that finds a fault leaves the message in the
 * table's zErrMsg, and every caller above only passes the code on.  What is stored is told in
 * FORMAT.md. */
#ifndef KOE_INDEX_H
#define KOE_INDEX_H

#include "definition.h"
#include "rebuild_end.h"

#include "../koelectra_ext.h"

#include <stdbool.h>
#include <stdint.h>

/* The columns, as declared to SQLite. */
enum {
  KOE_COLUMN_BODY,
  KOE_COLUMN_TABLE, /* named as the table: MATCH and commands */
  KOE_COLUMN_K,
  KOE_COLUMN_SIMILARITY,
  KOE_COLUMN_FIRST /* definition.columns[0], and so on */
};

/* Every statement that an index runs; their SQL is in statements.c. */
typedef enum koe_statement {
  KOE_INFO_READ,
  KOE_INFO_WRITE,
  KOE_INFO_FORGET,
  KOE_INFO_STAMP,
  KOE_ROW_FIND,
  KOE_ROW_LAST,
  KOE_ROW_INSERT,
  KOE_ROW_PUT,
  KOE_ROW_CHANGE,
  KOE_ROW_MOVE,
  KOE_ROW_FREE_ALL,
  KOE_ROW_DELETE_STRAY,
  KOE_ROW_DELETE,
  KOE_ROW_SET_SLOT,
  KOE_ROW_DELETE_ALL,
  KOE_CHUNK_READ,
  KOE_CHUNK_FULLEST,
  KOE_CHUNK_EMPTIEST,
  KOE_CHUNK_LAST_ID,
  KOE_CHUNK_INSERT,
  KOE_CHUNK_UPDATE,
  KOE_CHUNK_DELETE_RANGE,
  KOE_CHUNK_SCAN,
  KOE_CHUNK_STAMPS,
  KOE_VECTORS_LAST_ID,
  KOE_VECTORS_INSERT,
  KOE_VECTORS_DELETE_RANGE,
  KOE_VECTORS_CHECK,
  KOE_BODY_READ,
  KOE_BODY_WRITE,
  KOE_BODY_CHANGE,
  KOE_BODY_MOVE,
  KOE_BODY_DELETE,
  KOE_SOURCE_READ,
  KOE_SOURCE_COUNT,
  KOE_CHECK_VECTORS,
  KOE_CHECK_ROWS,
  KOE_CHECK_NOT_IN_SOURCE,
  KOE_CHECK_NOT_IN_INDEX,
  KOE_CHECK_COLUMNS,
  KOE_CHECK_NULLS,
  KOE_STATEMENTS
} koe_statement;

typedef struct koe_queue koe_queue;

/* One connection's view of an index.  What changes is read from the shadow tables each time, but
 * for what this transaction has not written yet (queue.h). */
typedef struct koe_index {
  sqlite3_vtab base; /* SQLite's; zErrMsg is the error of the call in progress */
  sqlite3 *db;
  char *schema;        /* "main", "temp" or as attached */
  char *name;          /* of the virtual table */
  char *vectors_table; /* name of the shadow table of vectors, for incremental I/O */
  koe_index_definition definition;
  koe_queue *queue;
  koe_rebuild_end rebuilt;                  /* in this transaction */
  sqlite3_stmt *statements[KOE_STATEMENTS]; /* prepared on first use */
  bool has_image;                           /* the image searched last (image.h) */
  int64_t image_stamp;
  size_t image_dimension;
} koe_index;

/* ── index.c ────────────────────────────────────────────────────────────────────────────────────
 */

/* Whether a table may have this name: it is also the name of a column. */
bool koe_index_name_is_free(const koe_index_definition *definition, const char *name);

/* ── errors.c ───────────────────────────────────────────────────────────────────────────────────
 */

/* Sets the message, "koelectra_index NAME: …", and returns `code`. */
int koe_index_fail(koe_index *index, int code, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* A shadow table ("chunks", "rows", …) contradicts FORMAT.md or another: SQLITE_CORRUPT_VTAB, with
 * what to do about it. */
int koe_index_damaged(koe_index *index, const char *table, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* The error of a model or an argument. */
int koe_index_model_failed(koe_index *index, const koe_error *err);

/* ── statements.c ───────────────────────────────────────────────────────────────────────────────
 */

/* The prepared statement, ready for its bindings: koe_index_reset must follow its use.  Fails where
 * the SQL does (a shadow table or the content table is missing or has other columns), and where the
 * statement is in use: content that reads its own index. */
int koe_index_prepare(koe_index *index, koe_statement id, sqlite3_stmt **out);

/* A statement of the caller's own, who finalizes it: KOE_ROW_LIST of a cursor, say. */
int koe_index_prepare_sql(koe_index *index, const char *sql, const char *table, sqlite3_stmt **out);

/* Steps.  SQLITE_ROW, SQLITE_DONE, or an error with its message set. */
int koe_index_step(koe_index *index, koe_statement id, sqlite3_stmt *statement);

/* Ends a use.  Takes NULL. */
void koe_index_reset(sqlite3_stmt *statement);

/* Runs a statement that returns no rows, with up to two integers bound. */
int koe_index_execute(koe_index *index, koe_statement id, int count, int64_t first, int64_t second);

/* Finalizes all statements. */
void koe_index_finalize(koe_index *index);

/* `sql` with $info, $chunks, $vectors, $rows, $content (shadow tables), $source, $id, $body (where
 * texts are read from) replaced by quoted names, and with the words of columns.h.  NULL if memory
 * is short; sqlite3_free it. */
char *koe_index_expand(const koe_index *index, const char *sql);

#endif
