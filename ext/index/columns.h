/* The columns that an index has beside its text:
 *
 *   CREATE VIRTUAL TABLE search USING koelectra_index(body, shop TEXT PARTITION KEY, stars INTEGER,
 *                                                     price REAL, +url TEXT);
 *
 *   shop, stars, price   metadata: conditions on them are applied before rows are ranked.  They are
 *                        m0, m1, m2 of `rows`, and shop, a partition key, has an index there
 *   url                  auxiliary: returned when asked for.  It is c1 of `content`, or that column
 *                        of the content table
 *
 * This file writes the SQL of statements.c that names them, and reads and binds their values. Words
 * that koe_index_expand replaces; all are empty for an index without such columns:
 *
 *   $definitions   , m0 TEXT, m1 INTEGER, m2 REAL, UNIQUE(m0, slot)    of `rows`
 *   $columns       , m0, m1, m2
 *   $parameters    , ?3, ?4, ?5                                        their values
 *   $changes       , m0 = iif(?6, ?3, m0) …                            where ?6 says it is new
 *   $given         , content."shop", content."stars", content."price"  of a content table
 *   $differences    OR (r.m0 IS NOT +content."shop") …                 from a content table
 *   $textflag      ?4                                                  whether the text is new
 *
 * and $auxdefinitions, $auxcolumns, $auxparameters, $auxchanges, $auxgiven, the same of auxiliary
 * columns.
 *
 * 'rebuild' and metadata: where the index has the texts, `rows` is the only place of metadata, and
 * must keep its rows; a content table has them as well, and they follow in the rows of
 * KOE_SOURCE_READ, from column 2 on.  The functions for rebuilding below serve both. */
#ifndef KOE_INDEX_COLUMNS_H
#define KOE_INDEX_COLUMNS_H

#include "storage.h"

/* Appends what stands for a word above; false if the word is none of them. */
bool koe_columns_expand(const koe_index *index, const char *word, size_t length, sqlite3_str *out);

/* Whether an UPDATE gives new values to metadata, or to auxiliary columns.
 *
 *   values [definition.column_count]   as xUpdate gets them */
bool koe_columns_change(const koe_index *index, bool auxiliary, sqlite3_value *const *values);

/* ── rows and content with their columns ────────────────────────────────────────────────────────
 */

/* Inserts a row with its metadata. */
int koe_row_add(koe_index *index, int64_t rowid, const koe_row *row, sqlite3_value *const *values);

/* Sets the slot, and the metadata that are new. */
int koe_row_change(koe_index *index, int64_t rowid, const koe_row *row,
                   sqlite3_value *const *values);

typedef struct koe_new_content {
  bool same_text; /* keeps its text; else it has `body`, or a vector in its slot */
  bool is_vector;
  sqlite3_value *body;
  sqlite3_value *const *values; /* of all columns; the auxiliary ones are written */
} koe_new_content;

/* Writes what is new of the text and the auxiliary columns of a row to `content`. */
int koe_content_write(koe_index *index, int64_t rowid, const koe_new_content *content);

/* ── rows, for 'rebuild' ────────────────────────────────────────────────────────────────────────
 */

/* No row has a slot any more. */
int koe_rows_begin_rebuild(koe_index *index);

/* Inserts a row, or sets the slot of the one that is there.  Metadata come from `source`, a
 * statement at a row as of KOE_SOURCE_READ; NULL: they stay what they are, or NULL in a new row. */
int koe_row_put(koe_index *index, int64_t rowid, const koe_row *row, sqlite3_stmt *source);

/* Rows that are not in `content` go. */
int koe_rows_end_rebuild(koe_index *index);

#endif
