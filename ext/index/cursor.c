/* SELECT rowid, body, similarity FROM search WHERE search MATCH '배우 연기가 좋았어요' AND k = 5;
 *
 * Ranked rows are all found by xFilter and kept as (rowid, similarity); texts are read when a row's
 * body is asked for. */
#include "cursor.h"

#include "embedding.h"
#include "plan.h"
#include "queue.h"
#include "rowid.h"
#include "search.h"

#include "../../model/memory.h"

SQLITE_EXTENSION_INIT3

typedef struct cursor {
  sqlite3_vtab_cursor base; /* SQLite's */
  bool ranked;              /* rows have a similarity */
  bool has_k;
  int64_t k;
  koe_top_k matches;  /* the rows, but for a scan */
  size_t position;    /* in `matches` */
  sqlite3_stmt *scan; /* all rows; NULL where the rows are in `matches` */
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

/* Back to what it was after opening. */
static void clear(cursor *c) {
  sqlite3_finalize(c->scan);
  koe_top_k_clear(&c->matches);
  *c = (cursor){.base = c->base, .at_end = true};
}

int koe_cursor_close(sqlite3_vtab_cursor *base) {
  cursor *c = (cursor *)base;
  clear(c);
  koe_free(c);
  return SQLITE_OK;
}

/* ── xFilter ────────────────────────────────────────────────────────────────────────────────────
 */

/* The arguments by name; NULL where the plan has none. */
typedef struct arguments {
  sqlite3_value *match, *rowid, *rowid_in, *k, *limit, *offset;
  sqlite3_value *similarity_gt, *similarity_ge, *rowid_gt, *rowid_ge, *rowid_lt, *rowid_le;
} arguments;

static arguments name_arguments(int plan, sqlite3_value **argv) {
  arguments a = {0};
  sqlite3_value **places[KOE_PLAN_BITS] = {
      &a.match,         &a.rowid,         &a.rowid_in, &a.k,        &a.limit,    &a.offset,
      &a.similarity_gt, &a.similarity_ge, &a.rowid_gt, &a.rowid_ge, &a.rowid_lt, &a.rowid_le};
  for (int i = 0; i < KOE_PLAN_BITS; i++) {
    if ((plan >> i & 1) != 0) *places[i] = *argv++;
  }
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
  if (a->rowid != NULL || a->rowid_in != NULL) {
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
  int code = sqlite3_step(c->scan);
  c->at_end = code != SQLITE_ROW;
  return code == SQLITE_ROW || code == SQLITE_DONE ? SQLITE_OK : code;
}

int koe_cursor_filter(sqlite3_vtab_cursor *base, int plan, const char *words, int argc,
                      sqlite3_value **argv) {
  (void)words;
  (void)argc;
  cursor *c = (cursor *)base;
  koe_index *index = index_of(base);
  arguments a = name_arguments(plan, argv);
  clear(c);
  if (a.match != NULL) {
    c->ranked = true;
    return rank(c, &a);
  }
  if (a.k != NULL) {
    return koe_index_fail(index, SQLITE_ERROR, "k counts the nearest rows: it needs MATCH");
  }
  int code = koe_storage_check_version(index);
  if (code != SQLITE_OK) return code;
  if (a.rowid != NULL) return look_up(c, a.rowid);
  code = koe_index_prepare_sql(index, "SELECT rowid FROM $rows ORDER BY rowid", "rows", &c->scan);
  return code == SQLITE_OK ? step_scan(c) : code;
}

int koe_cursor_next(sqlite3_vtab_cursor *base) {
  cursor *c = (cursor *)base;
  if (c->scan != NULL) return step_scan(c);
  c->at_end = ++c->position >= c->matches.count;
  return SQLITE_OK;
}

int koe_cursor_eof(sqlite3_vtab_cursor *base) {
  return ((cursor *)base)->at_end;
}

/* ── the current row ────────────────────────────────────────────────────────────────────────────
 */

static int64_t current_rowid(const cursor *c) {
  return c->scan != NULL ? sqlite3_column_int64(c->scan, 0) : c->matches.heap[c->position].rowid;
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

int koe_cursor_column(sqlite3_vtab_cursor *base, sqlite3_context *context, int column) {
  cursor *c = (cursor *)base;
  switch (column) {
  case KOE_COLUMN_BODY:
    /* An UPDATE that leaves the text alone does not ask for it. */
    return sqlite3_vtab_nochange(context) ? SQLITE_OK : result_body(c, context);
  case KOE_COLUMN_K:
    if (c->has_k) sqlite3_result_int64(context, c->k);
    return SQLITE_OK;
  case KOE_COLUMN_SIMILARITY:
    if (c->ranked) {
      sqlite3_result_double(context, (double)c->matches.heap[c->position].similarity);
    }
    return SQLITE_OK;
  default:
    return SQLITE_OK; /* the table's own column is NULL */
  }
}
