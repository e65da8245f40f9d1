/* Rows of a SELECT, labelled or embedded in batches on all threads.
 *
 *   SELECT id, label, score FROM koelectra_batch('SELECT id, body FROM review', 'sentiment');
 *
 *   1  positive  0.98
 *   2  negative  0.91
 *
 *   UPDATE review SET label = b.label
 *   FROM koelectra_batch('SELECT id, body FROM review WHERE label IS NULL') AS b
 *   WHERE review.id = b.id;
 *
 * koelectra_batch(sql [, model [, head]]) runs `sql`, one SELECT of (id, text) or (id, text, pair),
 * on the same connection and gives a row for each of its rows, in their order:
 *
 *   id         the first column as it is, any value
 *   label      the most probable label; NULL for a head with one output, and for a model that has
 *              several heads where none of them is named
 *   score      its probability, or the output of a head with one
 *   scores     what koelectra_scores returns, as JSON
 *   embedding  what koelectra_embed returns; of both texts where there is a pair
 *
 * A row whose text or pair is NULL has only an id.  What the outer query does not read is not
 * computed, and what it reads takes one pass of the encoder.  Rows are read window by window
 * (batch_window.h), so that memory does not depend on how many there are; inside a statement that
 * writes, SQLite first copies them to a temporary table, so that it may write to what they are read
 * from.  Numbers are those of the scalar functions, to the last bit.
 *
 * It runs SQL that its argument holds, so triggers and views of a database cannot use it. */
#include "batch_select.h"
#include "batch_window.h"
#include "table_function.h"

#include <string.h>

SQLITE_EXTENSION_INIT3

static const char schema[] = "CREATE TABLE x(id, label TEXT, score REAL, scores TEXT, "
                             "embedding BLOB, sql HIDDEN, model HIDDEN, head HIDDEN)";

enum { ID, LABEL, SCORE, SCORES, EMBEDDING, COLUMNS };

/* Hidden columns, after the visible ones. */
enum { SQL_ARGUMENT, MODEL_ARGUMENT, HEAD_ARGUMENT, ARGUMENTS };

/* The inner SELECT may read koelectra_batch again; one that reads itself ends here. */
enum { DEEPEST = 8 };

typedef struct table {
  sqlite3_vtab base;
  sqlite3 *db;
  int depth; /* inner SELECTs that are being stepped */
} table;

typedef struct cursor {
  sqlite3_vtab_cursor base;
  sqlite3_value *arguments[ARGUMENTS]; /* copies; NULL where not given */
  const koe_classifier *classifier;
  int wanted; /* of the outer query: KOE_BATCH_… */
  koe_batch_select select;
  koe_batch_window window;
  size_t row; /* of the window */
  sqlite3_int64 rowid;
} cursor;

static int x_connect(sqlite3 *db, void *client, int argc, const char *const *argv,
                     sqlite3_vtab **out, char **message) {
  (void)client, (void)argc, (void)argv, (void)message;
  int code = sqlite3_declare_vtab(db, schema);
  if (code == SQLITE_OK) code = sqlite3_vtab_config(db, SQLITE_VTAB_DIRECTONLY);
  if (code != SQLITE_OK) return code;
  table *t = sqlite3_malloc64(sizeof *t);
  if (t == NULL) return SQLITE_NOMEM;
  *t = (table){.db = db};
  *out = &t->base;
  return SQLITE_OK;
}

static int x_disconnect(sqlite3_vtab *vtab) {
  sqlite3_free(vtab);
  return SQLITE_OK;
}

/* ── plans ──────────────────────────────────────────────────────────────────────────────────────
 * idxNum: bit i where argument i is given, and above them what the outer query reads. */

static int wanted_columns(sqlite3_uint64 used) {
  int wanted = 0;
  if ((used & 1u << ID) != 0) wanted |= KOE_BATCH_ID;
  if ((used & (1u << LABEL | 1u << SCORE | 1u << SCORES)) != 0) wanted |= KOE_BATCH_LOGITS;
  if ((used & 1u << EMBEDDING) != 0) wanted |= KOE_BATCH_EMBEDDINGS;
  return wanted;
}

static int x_best_index(sqlite3_vtab *vtab, sqlite3_index_info *info) {
  (void)vtab;
  /* So expensive that a join puts it first: anywhere else it would run once for each row. */
  info->estimatedCost = 1e12;
  info->estimatedRows = 10000;
  int code = koe_plan_arguments(info, COLUMNS, ARGUMENTS, 1);
  info->idxNum |= wanted_columns(info->colUsed) << ARGUMENTS;
  return code;
}

/* ── cursors ────────────────────────────────────────────────────────────────────────────────────
 */

static int x_open(sqlite3_vtab *vtab, sqlite3_vtab_cursor **out) {
  (void)vtab;
  cursor *c = sqlite3_malloc64(sizeof *c);
  if (c == NULL) return SQLITE_NOMEM;
  memset(c, 0, sizeof *c);
  *out = &c->base;
  return SQLITE_OK;
}

static void reset(cursor *c) {
  koe_batch_select_close(&c->select);
  koe_batch_window_clear(&c->window);
  koe_classifier_release(c->classifier);
  c->classifier = NULL;
  for (int i = 0; i < ARGUMENTS; i++) {
    sqlite3_value_free(c->arguments[i]);
    c->arguments[i] = NULL;
  }
  c->row = 0;
  c->rowid = 1;
}

static int x_close(sqlite3_vtab_cursor *base) {
  reset((cursor *)base);
  sqlite3_free(base);
  return SQLITE_OK;
}

/* Ends the rows with an error. */
static int failed(cursor *c, int code, const koe_error *err) {
  char **message = &c->base.pVtab->zErrMsg;
  reset(c);
  sqlite3_free(*message);
  *message = NULL;
  /* SQLite has words of its own for both. */
  if (code == SQLITE_NOMEM || code == SQLITE_INTERRUPT) return code;
  *message = sqlite3_mprintf("koelectra_batch: %s", err->message);
  return *message != NULL ? code : SQLITE_NOMEM;
}

/* Goes to the first row of the next window, or to the end. */
static int next_window(cursor *c, koe_error *err) {
  table *t = (table *)c->base.pVtab;
  c->row = 0;
  if (t->depth >= DEEPEST) {
    return koe_sql_code(koe_fail(err, KOE_INVALID,
                                 "more than %d inner SELECTs are inside one another: does one "
                                 "read itself?",
                                 DEEPEST));
  }
  t->depth++;
  int code = koe_batch_window_fill(&c->window, &c->select, c->classifier, c->wanted, err);
  t->depth--;
  return code;
}

static koe_status copy_arguments(cursor *c, int given, sqlite3_value **argv, koe_error *err) {
  for (int i = 0; i < ARGUMENTS; i++) {
    if ((given & 1 << i) == 0) continue;
    c->arguments[i] = sqlite3_value_dup(*argv++);
    if (c->arguments[i] == NULL) return koe_fail_nomem(err);
  }
  return KOE_OK;
}

static koe_status get_sql(const cursor *c, const char **sql, koe_error *err) {
  sqlite3_value *argument = c->arguments[SQL_ARGUMENT];
  if (argument == NULL) {
    return koe_fail(err, KOE_INVALID, "the argument sql is missing: koelectra_batch(sql, …)");
  }
  koe_status status = koe_string_argument(argument, "sql", sql, err);
  if (status == KOE_OK && *sql == NULL) {
    return koe_fail(err, KOE_INVALID, "sql is NULL: a subquery that finds no row, perhaps");
  }
  return status;
}

static koe_status check_head(const cursor *c, koe_error *err) {
  if (c->select.paired && (c->wanted & KOE_BATCH_LOGITS) != 0 &&
      koe_classifier_head(c->classifier) != NULL) {
    return koe_fail(err, KOE_UNSUPPORTED,
                    "a head of koelectra_fit reads one text, not a pair: the inner SELECT must "
                    "give 2 columns (id, text)");
  }
  return KOE_OK;
}

/* Finds the head that labels are of. */
static koe_status get_group(cursor *c, koe_error *err) {
  const char *head = NULL;
  koe_status status = KOE_OK;
  if ((c->wanted & KOE_BATCH_LOGITS) == 0) return KOE_OK;
  if (c->arguments[HEAD_ARGUMENT] != NULL) {
    status = koe_string_argument(c->arguments[HEAD_ARGUMENT], "the name of the head", &head, err);
  }
  if (status != KOE_OK) return status;
  if (head == NULL && koe_classifier_group_count(c->classifier) != 1) return KOE_OK;
  return koe_classifier_find_group(c->classifier, head, &c->window.group, err);
}

static int start(cursor *c, int plan, sqlite3_value **argv, koe_error *err) {
  const char *sql;
  c->wanted = plan >> ARGUMENTS;
  koe_status status = copy_arguments(c, plan, argv, err);
  if (status == KOE_OK) status = get_sql(c, &sql, err);
  if (status == KOE_OK) {
    status = koe_classifier_value(c->arguments[MODEL_ARGUMENT], &c->classifier, err);
  }
  if (status == KOE_OK) status = get_group(c, err);
  if (status != KOE_OK) return koe_sql_code(status);
  int code = koe_batch_select_open(((table *)c->base.pVtab)->db, sql, &c->select, err);
  if (code == SQLITE_OK) code = koe_sql_code(check_head(c, err));
  return code == SQLITE_OK ? next_window(c, err) : code;
}

static int x_filter(sqlite3_vtab_cursor *base, int plan, const char *unused, int argc,
                    sqlite3_value **argv) {
  cursor *c = (cursor *)base;
  koe_error err;
  (void)unused, (void)argc;
  reset(c);
  int code = start(c, plan, argv, &err);
  return code == SQLITE_OK ? SQLITE_OK : failed(c, code, &err);
}

static int x_next(sqlite3_vtab_cursor *base) {
  cursor *c = (cursor *)base;
  koe_error err;
  c->rowid++;
  if (++c->row < c->window.count) return SQLITE_OK;
  int code = next_window(c, &err);
  return code == SQLITE_OK ? SQLITE_OK : failed(c, code, &err);
}

static int x_eof(sqlite3_vtab_cursor *base) {
  const cursor *c = (const cursor *)base;
  return c->row >= c->window.count;
}

static int x_rowid(sqlite3_vtab_cursor *base, sqlite3_int64 *rowid) {
  *rowid = ((const cursor *)base)->rowid;
  return SQLITE_OK;
}

/* ── values ─────────────────────────────────────────────────────────────────────────────────────
 */

static void result_scores(sqlite3_context *context, const cursor *c, const float *scores) {
  sqlite3_str *json = sqlite3_str_new(sqlite3_context_db_handle(context));
  const koe_label_group_view *group = &c->window.group;
  koe_json_append_scores(json, c->classifier, group->count > 0 ? group : NULL, scores);
  koe_json_result(context, json);
}

/* A column of what was computed of a text. */
static void result_of_text(sqlite3_context *context, const cursor *c, size_t text, int column) {
  const koe_batch_window *window = &c->window;
  size_t labels = koe_classifier_label_count(c->classifier);
  size_t dimension = koe_model_dimension(koe_classifier_model(c->classifier));
  if (column == EMBEDDING) {
    if ((c->wanted & KOE_BATCH_EMBEDDINGS) == 0) return;
    sqlite3_result_blob64(context, window->embeddings + text * dimension,
                          dimension * sizeof *window->embeddings, SQLITE_TRANSIENT);
    return;
  }
  if ((c->wanted & KOE_BATCH_LOGITS) == 0) return;
  const float *scores = window->scores + text * labels;
  size_t label = window->labels[text];
  size_t exclusive = window->group.count;
  if (column == LABEL && exclusive > 1) {
    sqlite3_result_text(context, koe_classifier_label(c->classifier, label), -1, SQLITE_TRANSIENT);
  } else if (column == SCORE && exclusive > 0) {
    sqlite3_result_double(context, scores[label]);
  } else if (column == SCORES) {
    result_scores(context, c, scores);
  }
}

static int x_column(sqlite3_vtab_cursor *base, sqlite3_context *context, int column) {
  const cursor *c = (const cursor *)base;
  const koe_batch_row *row = &c->window.rows[c->row];
  if (column >= COLUMNS) {
    sqlite3_value *argument = c->arguments[column - COLUMNS];
    if (argument != NULL) sqlite3_result_value(context, argument);
  } else if (column == ID) {
    if (row->id != NULL) sqlite3_result_value(context, row->id);
  } else if (row->text != KOE_BATCH_NO_TEXT) {
    result_of_text(context, c, row->text, column);
  }
  return SQLITE_OK;
}

int koe_register_batch(sqlite3 *db) {
  /* No xCreate: the table is there by its name alone. */
  static const sqlite3_module module = {.xConnect = x_connect,
                                        .xBestIndex = x_best_index,
                                        .xDisconnect = x_disconnect,
                                        .xOpen = x_open,
                                        .xClose = x_close,
                                        .xFilter = x_filter,
                                        .xNext = x_next,
                                        .xEof = x_eof,
                                        .xColumn = x_column,
                                        .xRowid = x_rowid};
  return sqlite3_create_module_v2(db, "koelectra_batch", &module, NULL, NULL);
}
