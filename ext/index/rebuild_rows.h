/* The rows that a rebuild has read: they replace those of the index when all vectors are there. */
#ifndef KOE_INDEX_REBUILD_ROWS_H
#define KOE_INDEX_REBUILD_ROWS_H

#include "storage.h"

typedef struct koe_rebuild_row {
  int64_t rowid;
  koe_row row;
  size_t values; /* where its metadata begin in `values` */
} koe_rebuild_row;

/* All zero is empty. */
typedef struct koe_rebuild_rows {
  koe_rebuild_row *items; /* [count] */
  size_t count, capacity;
  int columns;           /* of metadata that come with a row */
  unsigned char *values; /* [length]: type, number or length and bytes, of each in turn */
  size_t length, value_capacity;
} koe_rebuild_rows;

void koe_rebuild_rows_clear(koe_rebuild_rows *rows);

/* Adds the row that `source`, a statement KOE_SOURCE_READ, is at. */
int koe_rebuild_rows_add(koe_rebuild_rows *rows, int64_t rowid, const koe_row *row,
                         sqlite3_stmt *source);

/* Into the order of row numbers; a view may have given them in another.  Fails where it has given
 * one twice. */
int koe_rebuild_rows_sort(koe_index *index, koe_rebuild_rows *rows);

/* Writes them in place of the index's. */
int koe_rebuild_rows_write(koe_index *index, const koe_rebuild_rows *rows);

#endif
