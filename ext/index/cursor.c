/* SELECT rowid, body, similarity FROM search WHERE search MATCH '배우 연기가 좋았어요' AND k = 5;
 *
 * Ranked rows are all found by xFilter and kept as (rowid, similarity); texts and other columns are
 * read when they are asked for. */
#include "cursor.h"

#include "columns.h"
#include "embedding.h"
#include "filter.h"
#include "plan.h"
#include "queue.h"
#include "rowid.h"
#include "search.h"

#include "../../model/memory.h"

#include <string.h>

SQLITE_EXTENSION_INIT3

/* Of a cursor as a value, which only koe_cursor_match reads. */
static const char pointer_type[] = "koelectra_index_cursor";

/* A statement that reads columns of one row, at the row that was asked for last. */
typedef struct row_reader {
  sqlite3_stmt *statement; /* NULL until there is a first row */
  bool is_at_row;          /* the current one */
  bool has_row;
} row_reader;

typedef struct cursor {
  sqlite3_vtab_cursor base; /* SQLite's */
  bool ranked;              /* rows have a similarity */
  bool has_k;
  int64_t k;
  bool scans;           /* the rows are those of `filter`; else they are in `matches` */
  koe_top_k matches;    /* the rows, but for a scan */
  size_t position;      /* in `matches` */
  koe_filter filter;    /* what chooses rows */
  row_reader metadata;  /* of a row in `matches` */
  row_reader auxiliary; /* of any row */
  sqlite3_value *match; /* what a ranked cursor was asked for */
  bool at_end;
} cursor;

static koe_index *index_of(const sqlite3_vtab_cursor *base) {
  return (koe_index *)base->pVtab;
}

int koe_cursor_open(sqlite3_vtab *table, sqlite3_vtab_cursor **out) {
  (void)table;
  cursor *c = koe_alloc_zero(1, sizeof *c);
  if (c == NULL) return SQLITE_NOMEM;
  koe_top_k_init(&c->matches, SIZE_MAX);
  *out = &c->base;
  return SQLITE_OK;
}

/* Another row, of which nothing was read yet. */
static void leave_row(cursor *c) {
  koe_index_reset(c->metadata.statement);
  koe_index_reset(c->auxiliary.statement);
  c->metadata.is_at_row = c->auxiliary.is_at_row = false;
}

/* Back to what it was after opening, but for statements that may serve again. */
static void clear(cursor *c) {
  leave_row(c);
  koe_filter_stop(&c->filter);
  koe_top_k_clear(&c->matches);
  sqlite3_value_free(c->match);
  *c = (cursor){.base = c->base,
                .filter = c->filter,
                .metadata = c->metadata,
                .auxiliary = c->auxiliary,
                .at_end = true};
}

int koe_cursor_close(sqlite3_vtab_cursor *base) {
  cursor *c = (cursor *)base;
  clear(c);
  koe_filter_clear(&c->filter);
  sqlite3_finalize(c->metadata.statement);
  sqlite3_finalize(c->auxiliary.statement);
  koe_free(c);
  return SQLITE_OK;
}

static const char what_is_known[] =
    "a constant, a parameter, or a column of a table that can be read before the index";

/* Where SQLite compares k itself, as in k = q.n with a q that it reads later, no row would come. */
static int fail_without_k(cursor *c) {
  return koe_index_fail(index_of(&c->base), SQLITE_ERROR,
                        "k is read, but not given: k = must be followed by %s", what_is_known);
}

/* ── xFilter ────────────────────────────────────────────────────────────────────────────────────
 */

/* The arguments by name; NULL where the plan has none. */
typedef struct arguments {
  sqlite3_value *match, *rowid, *rowid_in, *k, *limit, *offset;
  sqlite3_value *similarity_gt, *similarity_ge, *rowid_gt, *rowid_ge, *rowid_lt, *rowid_le;
  const char *filter;            /* words of filter.h */
  sqlite3_value *const *filters; /* and their values */
} arguments;

static arguments name_arguments(int plan, const char *words, sqlite3_value **argv) {
  arguments a = {.filter = (plan & KOE_PLAN_FILTER) != 0 ? words : NULL};
  sqlite3_value **places[KOE_PLAN_BITS] = {
      &a.match,         &a.rowid,         &a.rowid_in, &a.k,        &a.limit,    &a.offset,
      &a.similarity_gt, &a.similarity_ge, &a.rowid_gt, &a.rowid_ge, &a.rowid_lt, &a.rowid_le};
  for (int i = 0; i < KOE_PLAN_BITS; i++) {
    if ((plan >> i & 1) != 0) *places[i] = *argv++;
  }
  a.filters = argv;
  return a;
}

/* How many rows to rank: k, or LIMIT and OFFSET together, or all. */
static int read_count(cursor *c, const arguments *a, size_t *out) {
  *out = SIZE_MAX;
  if (a->k != NULL) {
    if (sqlite3_value_numeric_type(a->k) != SQLITE_INTEGER || sqlite3_value_int64(a->k) < 0) {
      return koe_index_fail(
          index_of(&c->base), SQLITE_ERROR, "k must be an integer that is not negative, not %s",
          sqlite3_value_type(a->k) == SQLITE_NULL ? "NULL"
                                                  : (const char *)sqlite3_value_text(a->k));
    }
    c->has_k = true;
    c->k = sqlite3_value_int64(a->k);
    *out = (size_t)c->k;
  } else if (a->limit != NULL && sqlite3_value_int64(a->limit) >= 0) {
    *out = (size_t)sqlite3_value_int64(a->limit);
    int64_t offset = a->offset != NULL ? sqlite3_value_int64(a->offset) : 0;
    if (offset > 0) *out += (size_t)offset; /* two non-negative int64 fit a size_t */
  }
  return SQLITE_OK;
}

static koe_range read_range(const arguments *a) {
  koe_range range;
  koe_range_init(&range);
  const struct {
    sqlite3_value *value;
    int op;
  } rowids[] = {{a->rowid_gt, SQLITE_INDEX_CONSTRAINT_GT},
                {a->rowid_ge, SQLITE_INDEX_CONSTRAINT_GE},
                {a->rowid_lt, SQLITE_INDEX_CONSTRAINT_LT},
                {a->rowid_le, SQLITE_INDEX_CONSTRAINT_LE}};
  for (int i = 0; i < 4; i++) {
    if (rowids[i].value != NULL) koe_range_limit_rowid(&range, rowids[i].op, rowids[i].value);
  }
  if (a->similarity_gt != NULL) {
    koe_range_limit_similarity(&range, SQLITE_INDEX_CONSTRAINT_GT, a->similarity_gt);
  }
  if (a->similarity_ge != NULL) {
    koe_range_limit_similarity(&range, SQLITE_INDEX_CONSTRAINT_GE, a->similarity_ge);
  }
  return range;
}

/* The values of rowid = ? or of rowid IN (…). */
static int read_rowids(const arguments *a, koe_rowids *out) {
  sqlite3_value *value = a->rowid;
  int code = a->rowid_in != NULL ? sqlite3_vtab_in_first(a->rowid_in, &value) : SQLITE_OK;
  while (code == SQLITE_OK) {
    int64_t rowid;
    if (koe_rowid_of_value(value, &rowid)) {
      if (!koe_grow(&out->items, &out->capacity, out->count + 1, sizeof *out->items)) {
        return SQLITE_NOMEM;
      }
      out->items[out->count++] = rowid;
    }
    code = a->rowid_in != NULL ? sqlite3_vtab_in_next(a->rowid_in, &value) : SQLITE_DONE;
  }
  return code == SQLITE_DONE ? SQLITE_OK : code;
}

/* Chooses rows by their columns, and ranks them. */
static int rank_filtered(cursor *c, const arguments *a, const koe_index_info *info,
                         const float *query, const koe_range *range) {
  koe_index *index = index_of(&c->base);
  koe_slots slots = {0};
  int code = koe_filter_start(index, a->filter, true, a->filters, &c->filter);
  if (code == SQLITE_OK) code = koe_filter_read_slots(index, &c->filter, &slots);
  koe_filter_stop(&c->filter);
  if (code == SQLITE_OK && slots.count > 0) {
    code = koe_search_slots(index, info, query, range, &slots, &c->matches);
  }
  koe_free(slots.items);
  return code;
}

static int rank(cursor *c, const arguments *a) {
  koe_index *index = index_of(&c->base);
  koe_index_info info;
  koe_rowids rowids = {0};
  float *query = NULL;
  koe_range range = read_range(a);
  size_t count;
  int code = read_count(c, a, &count);
  if (code == SQLITE_OK) code = koe_queue_flush(index);
  if (code == SQLITE_OK) code = koe_storage_read_info(index, &info);
  if (code == SQLITE_OK) code = koe_index_query(index, &info, a->match, &query);
  if (code != SQLITE_OK || query == NULL || count == 0) goto cleanup;

  koe_top_k_init(&c->matches, count);
  if (a->filter != NULL) {
    code = rank_filtered(c, a, &info, query, &range);
  } else if (a->rowid != NULL || a->rowid_in != NULL) {
    code = read_rowids(a, &rowids);
    if (code == SQLITE_OK)
      code = koe_search_rows(index, &info, query, &range, &rowids, &c->matches);
  } else {
    code = koe_search_all(index, &info, query, &range, &c->matches);
  }
  koe_top_k_finish(&c->matches);

cleanup:
  koe_free(rowids.items);
  koe_free(query);
  c->at_end = code != SQLITE_OK || c->matches.count == 0;
  return code;
}

static int look_up(cursor *c, sqlite3_value *value) {
  int64_t rowid;
  if (!koe_rowid_of_value(value, &rowid)) return SQLITE_OK;
  koe_row row;
  int code = koe_row_find(index_of(&c->base), rowid, &row);
  if (code != SQLITE_OK || !row.exists) return code;
  koe_top_k_init(&c->matches, 1);
  if (!koe_top_k_offer(&c->matches, rowid, 0)) return SQLITE_NOMEM;
  c->at_end = false;
  return SQLITE_OK;
}

static int step_scan(cursor *c) {
  int code = koe_filter_step(index_of(&c->base), &c->filter);
  c->at_end = code != SQLITE_ROW;
  return code == SQLITE_ROW || code == SQLITE_DONE ? SQLITE_OK : code;
}

int koe_cursor_filter(sqlite3_vtab_cursor *base, int plan, const char *words, int argc,
                      sqlite3_value **argv) {
  (void)argc;
  cursor *c = (cursor *)base;
  koe_index *index = index_of(base);
  arguments a = name_arguments(plan, words, argv);
  clear(c);
  if ((plan & KOE_PLAN_SEVERAL) != 0) {
    return koe_index_fail(index, SQLITE_ERROR, "a query can have one MATCH, not several");
  }
  if ((plan & KOE_PLAN_IMPOSSIBLE) != 0) {
    return koe_index_fail(index, SQLITE_ERROR, "MATCH and k = must be followed by %s",
                          what_is_known);
  }
  if (a.match != NULL) {
    c->ranked = true;
    c->match = sqlite3_value_dup(a.match);
    if (c->match == NULL) return SQLITE_NOMEM;
    return rank(c, &a);
  }
  if (a.k != NULL) {
    return koe_index_fail(
        index, SQLITE_ERROR,
        "k counts the nearest rows: it needs MATCH, with a text or vector that is "
        "known before the index is read");
  }
  int code = koe_storage_check_version(index);
  if (code != SQLITE_OK) return code;
  if (a.rowid != NULL) return look_up(c, a.rowid);
  c->scans = true;
  code = koe_filter_start(index, a.filter, false, a.filters, &c->filter);
  return code == SQLITE_OK ? step_scan(c) : code;
}

int koe_cursor_next(sqlite3_vtab_cursor *base) {
  cursor *c = (cursor *)base;
  leave_row(c);
  if (c->scans) return step_scan(c);
  c->at_end = ++c->position >= c->matches.count;
  return SQLITE_OK;
}

int koe_cursor_eof(sqlite3_vtab_cursor *base) {
  return ((cursor *)base)->at_end;
}

/* ── the current row ────────────────────────────────────────────────────────────────────────────
 */

static int64_t current_rowid(const cursor *c) {
  return c->scans ? sqlite3_column_int64(c->filter.statement, 0)
                  : c->matches.heap[c->position].rowid;
}

int koe_cursor_rowid(sqlite3_vtab_cursor *base, sqlite3_int64 *out) {
  *out = current_rowid((cursor *)base);
  return SQLITE_OK;
}

/* A row has no text in its table: then it has gone from a content table of the user's, or from the
 * index while this statement was reading it. */
static int check_gone(koe_index *index, int64_t rowid) {
  koe_row row;
  if (index->definition.content != NULL) return SQLITE_OK;
  int code = koe_row_find(index, rowid, &row);
  if (code != SQLITE_OK || !row.exists) return code;
  return koe_index_fail(
      index, SQLITE_CORRUPT_VTAB,
      "shadow table %s_content is damaged (row %lld is missing): its text is "
      "lost; INSERT INTO %s(%s) VALUES('rebuild') makes the index anew without it",
      index->name, (long long)rowid, index->name, index->name);
}

/* The text is the vector itself. */
static int result_vector(koe_index *index, int64_t rowid, sqlite3_context *context) {
  koe_index_info info;
  koe_row row;
  int code = koe_queue_flush(index);
  if (code == SQLITE_OK) code = koe_storage_read_info(index, &info);
  if (code == SQLITE_OK) code = koe_row_find(index, rowid, &row);
  if (code != SQLITE_OK) return code;
  if (!row.has_vector) {
    return koe_index_damaged(index, "rows", "row %lld has no slot, but was inserted as a vector",
                             (long long)rowid);
  }
  float *vector = koe_alloc_aligned(info.dimension, sizeof *vector);
  if (vector == NULL) return SQLITE_NOMEM;
  code = koe_slot_read(index, &info, rowid, row.slot, vector);
  if (code == SQLITE_OK) {
    sqlite3_result_blob64(context, vector, info.dimension * sizeof *vector, SQLITE_TRANSIENT);
  }
  koe_free(vector);
  return code;
}

static int result_body(cursor *c, sqlite3_context *context) {
  koe_index *index = index_of(&c->base);
  sqlite3_stmt *statement;
  int code = koe_index_prepare(index, KOE_BODY_READ, &statement);
  if (code != SQLITE_OK) return code;
  int64_t rowid = current_rowid(c);
  sqlite3_bind_int64(statement, 1, rowid);
  code = koe_index_step(index, KOE_BODY_READ, statement);
  bool is_vector = code == SQLITE_ROW && index->definition.content == NULL &&
                   sqlite3_column_type(statement, 0) == SQLITE_BLOB &&
                   sqlite3_column_bytes(statement, 0) == 0;
  if (code == SQLITE_ROW && !is_vector) {
    sqlite3_result_value(context, sqlite3_column_value(statement, 0));
  }
  koe_index_reset(statement);
  if (is_vector) return result_vector(index, rowid, context);
  return code == SQLITE_ROW ? SQLITE_OK : code == SQLITE_DONE ? check_gone(index, rowid) : code;
}

/* Steps the reader to the current row. */
static int read_row(cursor *c, row_reader *reader, const char *sql, koe_statement id,
                    const char *table) {
  koe_index *index = index_of(&c->base);
  if (reader->is_at_row) return SQLITE_OK;
  int code = SQLITE_OK;
  if (reader->statement == NULL) {
    code = koe_index_prepare_sql(index, sql, table, &reader->statement);
    if (code != SQLITE_OK) return code;
  }
  sqlite3_bind_int64(reader->statement, 1, current_rowid(c));
  code = koe_index_step(index, id, reader->statement);
  reader->is_at_row = true;
  reader->has_row = code == SQLITE_ROW;
  return code == SQLITE_ROW || code == SQLITE_DONE ? SQLITE_OK : code;
}

static int read_metadata(cursor *c) {
  return read_row(c, &c->metadata, "SELECT rowid$columns FROM $rows WHERE rowid = ?1", KOE_ROW_FIND,
                  "rows");
}

static int read_auxiliary(cursor *c) {
  int code = read_row(c, &c->auxiliary,
                      "SELECT content.$id$auxgiven FROM $source AS content WHERE content.$id = ?1",
                      KOE_BODY_READ, "source");
  if (code != SQLITE_OK || c->auxiliary.has_row) return code;
  return check_gone(index_of(&c->base), current_rowid(c));
}

/* A column beside the text. */
static int result_column(cursor *c, sqlite3_context *context, const koe_index_column *column) {
  if (column->is_auxiliary) {
    int code = read_auxiliary(c);
    if (code == SQLITE_OK && c->auxiliary.has_row) {
      sqlite3_result_value(context, sqlite3_column_value(c->auxiliary.statement, column->place));
    }
    return code;
  }
  int code = c->scans ? SQLITE_OK : read_metadata(c);
  sqlite3_stmt *statement = c->scans ? c->filter.statement : c->metadata.statement;
  if (code == SQLITE_OK && (c->scans || c->metadata.has_row)) {
    sqlite3_result_value(context, sqlite3_column_value(statement, 1 + column->place));
  }
  return code;
}

int koe_cursor_column(sqlite3_vtab_cursor *base, sqlite3_context *context, int column) {
  cursor *c = (cursor *)base;
  if (column >= KOE_COLUMN_FIRST) {
    const koe_index_definition *definition = &index_of(base)->definition;
    return sqlite3_vtab_nochange(context)
               ? SQLITE_OK
               : result_column(c, context, &definition->columns[column - KOE_COLUMN_FIRST]);
  }
  switch (column) {
  case KOE_COLUMN_BODY:
    /* An UPDATE that leaves the text alone does not ask for it. */
    return sqlite3_vtab_nochange(context) ? SQLITE_OK : result_body(c, context);
  case KOE_COLUMN_K:
    if (c->has_k) sqlite3_result_int64(context, c->k);
    return c->ranked && !c->has_k && !sqlite3_vtab_nochange(context) ? fail_without_k(c)
                                                                     : SQLITE_OK;
  case KOE_COLUMN_SIMILARITY:
    if (c->ranked) {
      sqlite3_result_double(context, (double)c->matches.heap[c->position].similarity);
    }
    return SQLITE_OK;
  default:
    /* The table's own column is NULL, but for koe_cursor_match. */
    if (c->ranked) sqlite3_result_pointer(context, c, pointer_type, NULL);
    return SQLITE_OK;
  }
}

static bool equal_values(sqlite3_value *a, sqlite3_value *b) {
  int type = sqlite3_value_type(a);
  if (type != sqlite3_value_type(b)) return false;
  if (type == SQLITE_INTEGER) return sqlite3_value_int64(a) == sqlite3_value_int64(b);
  if (type == SQLITE_FLOAT) return sqlite3_value_double(a) == sqlite3_value_double(b);
  const void *x = sqlite3_value_blob(a), *y = sqlite3_value_blob(b);
  int bytes = sqlite3_value_bytes(a);
  return bytes == sqlite3_value_bytes(b) &&
         (bytes == 0 || (x != NULL && y != NULL && memcmp(x, y, (size_t)bytes) == 0));
}

void koe_cursor_match(sqlite3_context *context, int argc, sqlite3_value **argv) {
  (void)argc;
  const cursor *c = sqlite3_value_pointer(argv[1], pointer_type);
  if (c != NULL && equal_values(argv[0], c->match)) {
    sqlite3_result_int(context, 1);
    return;
  }
  sqlite3_result_error(context,
                       "koelectra_index: MATCH cannot be answered here: write it as a condition "
                       "joined to the others by AND, in ON where the index is on the right of a "
                       "LEFT JOIN, and with a text that is known before the index is read",
                       -1);
}
