/* The SELECT that koelectra_batch runs: checked, stepped, its errors named as those of the inner
 * SQL. */
#ifndef KOE_BATCH_SELECT_H
#define KOE_BATCH_SELECT_H

#include "koelectra_ext.h"

#include <stdint.h>

enum { KOE_BATCH_ID_COLUMN, KOE_BATCH_TEXT_COLUMN, KOE_BATCH_PAIR_COLUMN };

/* All zero is none. */
typedef struct koe_batch_select {
  sqlite3 *db;
  sqlite3_stmt *statement; /* NULL: none, or all its rows are read */
  bool paired;             /* its columns are id, text, pair and not id, text */
  int64_t row;             /* rows read */
} koe_batch_select;

/* Prepares the SELECT.  Where a statement of the connection is writing, all rows are read before
 * the first is given: INSERT INTO t SELECT … FROM koelectra_batch('SELECT … FROM t') would find the
 * rows that it has just written otherwise.  Returns an SQLite result code; `err` is filled where
 * that is not SQLITE_OK: an error of the SQL, several statements or none, one that is no SELECT,
 * has parameters, or gives other than two or three columns. */
int koe_batch_select_open(sqlite3 *db, const char *sql, koe_batch_select *out, koe_error *err);

/* Goes to the next row: SQLITE_ROW, SQLITE_DONE, or an error with `err` filled.  The statement is
 * finalized after all but a row. */
int koe_batch_select_step(koe_batch_select *select, koe_error *err);

/* The text in a column of the row, alive until the next step; `*is_null` for NULL.  A BLOB is an
 * error that names the row. */
koe_status koe_batch_select_text(const koe_batch_select *select, int column, koe_text *out,
                                 bool *is_null, koe_error *err);

/* Finalizes the statement, if there is one. */
void koe_batch_select_close(koe_batch_select *select);

#endif
