/* The virtual table around a koe_table_function.
 *
 * Plans: idxNum has bit i set where argument i is given, in parentheses or by WHERE; xFilter gets
 * the given ones in order.  A plan in which the value of an argument is not known yet is refused,
 * so that SQLite tries another join order.  One without a required argument (the query gives none,
 * or CROSS JOIN puts its table later) is expensive, and an error when it runs. */
#include "table_function.h"

#include "../model/registry.h"

#include <string.h>

SQLITE_EXTENSION_INIT3

typedef struct table {
  sqlite3_vtab base;
  const koe_table_function *function;
  sqlite3 *db;
  int columns;   /* visible */
  int arguments; /* hidden, after the visible ones */
} table;

struct koe_table_use {
  sqlite3_value *name; /* what `model` was resolved from: a copy; NULL where it was not given */
  const koe_model *model;
};

typedef struct cursor {
  sqlite3_vtab_cursor base;
  koe_table_use use;
  sqlite3_stmt *probe; /* tells an interrupt; NULL before the second part */
  sqlite3_value *arguments[KOE_TABLE_ARGUMENTS]; /* copies */
  size_t count;
  size_t row;
  bool done; /* no part is left */
  sqlite3_int64 rowid;
} cursor;

/* What the function keeps of its rows: behind the cursor, in its memory. */
static void *rows_of(cursor *c) {
  return c + 1;
}

static int count_names(const char *const *names) {
  int count = 0;
  while (names[count] != NULL)
    count++;
  return count;
}

static int declare(sqlite3 *db, const koe_table_function *function) {
  const char *separator = "";
  sqlite3_str *sql = sqlite3_str_new(db);
  sqlite3_str_appendall(sql, "CREATE TABLE x(");
  for (int i = 0; function->columns[i] != NULL; i++, separator = ", ")
    sqlite3_str_appendf(sql, "%s%s", separator, function->columns[i]);
  for (int i = 0; function->arguments[i] != NULL; i++)
    sqlite3_str_appendf(sql, ", %s HIDDEN", function->arguments[i]);
  sqlite3_str_appendchar(sql, 1, ')');
  char *text = sqlite3_str_finish(sql);
  int code = text != NULL ? sqlite3_declare_vtab(db, text) : SQLITE_NOMEM;
  sqlite3_free(text);
  if (code == SQLITE_OK && function->innocuous)
    code = sqlite3_vtab_config(db, SQLITE_VTAB_INNOCUOUS);
  if (code == SQLITE_OK && function->direct) code = sqlite3_vtab_config(db, SQLITE_VTAB_DIRECTONLY);
  return code;
}

static int x_connect(sqlite3 *db, void *client, int argc, const char *const *argv,
                     sqlite3_vtab **out, char **message) {
  const koe_table_function *function = client;
  (void)argc, (void)argv, (void)message;
  int code = declare(db, function);
  if (code != SQLITE_OK) return code;
  table *t = sqlite3_malloc64(sizeof *t);
  if (t == NULL) return SQLITE_NOMEM;
  *t = (table){.function = function,
               .db = db,
               .columns = count_names(function->columns),
               .arguments = count_names(function->arguments)};
  *out = &t->base;
  return SQLITE_OK;
}

static int x_disconnect(sqlite3_vtab *vtab) {
  sqlite3_free(vtab);
  return SQLITE_OK;
}

int koe_plan_arguments(sqlite3_index_info *info, int columns, int arguments, int required) {
  int constraint_of[KOE_TABLE_ARGUMENTS];
  int unknown = 0; /* bit i: a value of argument i is not known in this plan */
  memset(constraint_of, -1, sizeof constraint_of);
  for (int i = 0; i < info->nConstraint; i++) {
    int argument = info->aConstraint[i].iColumn - columns;
    if (argument < 0 || info->aConstraint[i].op != SQLITE_INDEX_CONSTRAINT_EQ) continue;
    if (!info->aConstraint[i].usable) {
      unknown |= 1 << argument;
    } else if (constraint_of[argument] < 0) {
      constraint_of[argument] = i;
    }
  }
  int given = 0;
  for (int argument = 0; argument < arguments; argument++) {
    if (constraint_of[argument] < 0) continue;
    info->idxNum |= 1 << argument;
    info->aConstraintUsage[constraint_of[argument]].argvIndex = ++given;
    info->aConstraintUsage[constraint_of[argument]].omit = 1;
  }
  if ((unknown & ~info->idxNum) != 0) return SQLITE_CONSTRAINT;
  if ((info->idxNum & ((1 << required) - 1)) != (1 << required) - 1) info->estimatedCost = 1e50;
  return SQLITE_OK;
}

static int x_best_index(sqlite3_vtab *vtab, sqlite3_index_info *info) {
  const table *t = (const table *)vtab;
  info->estimatedCost = 1000;
  info->estimatedRows = 25;
  return koe_plan_arguments(info, t->columns, t->arguments, t->function->required);
}

static int x_open(sqlite3_vtab *vtab, sqlite3_vtab_cursor **out) {
  size_t size = sizeof(cursor) + ((table *)vtab)->function->rows_size;
  cursor *c = sqlite3_malloc64(size);
  if (c == NULL) return SQLITE_NOMEM;
  memset(c, 0, size);
  *out = &c->base;
  return SQLITE_OK;
}

static void reset(cursor *c, const koe_table_function *function) {
  function->clear(rows_of(c));
  memset(rows_of(c), 0, function->rows_size);
  c->count = c->row = 0;
  c->done = true;
  c->rowid = 1;
  for (int i = 0; i < KOE_TABLE_ARGUMENTS; i++) {
    sqlite3_value_free(c->arguments[i]);
    c->arguments[i] = NULL;
  }
}

static void forget_model(koe_table_use *use) {
  sqlite3_value_free(use->name);
  koe_registry_release(use->model);
  *use = (koe_table_use){NULL, NULL};
}

static int x_close(sqlite3_vtab_cursor *base) {
  cursor *c = (cursor *)base;
  reset(c, ((table *)base->pVtab)->function);
  forget_model(&c->use);
  sqlite3_finalize(c->probe);
  sqlite3_free(base);
  return SQLITE_OK;
}

/* ── the model of a use ─────────────────────────────────────────────────────────────────────────
 */

static bool same_value(sqlite3_value *a, sqlite3_value *b) {
  if (a == NULL || b == NULL) return a == b;
  int type = sqlite3_value_type(a);
  if (type != sqlite3_value_type(b) || (type != SQLITE_TEXT && type != SQLITE_BLOB)) return false;
  const void *x = type == SQLITE_TEXT ? sqlite3_value_text(a) : sqlite3_value_blob(a);
  const void *y = type == SQLITE_TEXT ? sqlite3_value_text(b) : sqlite3_value_blob(b);
  int bytes = sqlite3_value_bytes(a);
  return x != NULL && y != NULL && bytes == sqlite3_value_bytes(b) &&
         memcmp(x, y, (size_t)bytes) == 0;
}

koe_status koe_table_model(koe_table_use *use, sqlite3_value *value, const koe_model **out,
                           koe_error *err) {
  if (use->model == NULL || !same_value(use->name, value)) {
    forget_model(use);
    koe_status status = koe_model_value(value, &use->model, err);
    if (status != KOE_OK) return status;
    if (value != NULL) use->name = sqlite3_value_dup(value);
    if (value != NULL && use->name == NULL) {
      forget_model(use);
      return koe_fail_nomem(err);
    }
  }
  *out = use->model;
  return KOE_OK;
}

/* ── rows that come in parts ────────────────────────────────────────────────────────────────────
 */

static int fail(cursor *c, const koe_error *err) {
  koe_error named;
  const koe_table_function *function = ((table *)c->base.pVtab)->function;
  c->count = 0;
  c->done = true;
  koe_fail(&named, err->status, "%s: %s", function->name, err->message);
  return koe_sql_vtab_error(&c->base.pVtab->zErrMsg, &named);
}

/* SQLITE_INTERRUPT if the statement is to end: SQLite 3.40 tells that to statements alone. */
static int check_interrupt(cursor *c) {
  int code = SQLITE_OK;
  if (c->probe == NULL) {
    code = sqlite3_prepare_v2(((table *)c->base.pVtab)->db, "SELECT 1", -1, &c->probe, NULL);
  }
  if (code != SQLITE_OK) return code;
  code = sqlite3_step(c->probe);
  sqlite3_reset(c->probe);
  return code == SQLITE_ROW ? SQLITE_OK : code;
}

/* Goes to the first row of the next part that has one, or to the end. */
static int next_part(cursor *c, bool first) {
  const koe_table_function *function = ((table *)c->base.pVtab)->function;
  koe_error err;
  c->row = c->count = 0;
  while (c->count == 0 && !c->done) {
    int code = first ? SQLITE_OK : check_interrupt(c);
    if (code != SQLITE_OK) {
      c->done = true;
      return code;
    }
    first = false;
    if (function->more(rows_of(c), &c->count, &c->done, &err) != KOE_OK) return fail(c, &err);
  }
  return SQLITE_OK;
}

static koe_status fill(cursor *c, const table *t, int given, sqlite3_value **argv, koe_error *err) {
  for (int i = 0; i < t->arguments; i++) {
    if ((given & 1 << i) != 0) {
      c->arguments[i] = sqlite3_value_dup(*argv++);
      if (c->arguments[i] == NULL) return koe_fail_nomem(err);
    } else if (i < t->function->required) {
      return koe_fail(err, KOE_INVALID, "the argument %s is missing: %s(%s%s)",
                      t->function->arguments[i], t->function->name, t->function->arguments[0],
                      t->arguments > 1 ? ", …" : "");
    }
  }
  if (t->function->start != NULL) {
    c->done = false;
    return t->function->start(&c->use, c->arguments, rows_of(c), &c->done, err);
  }
  if (t->function->filter == NULL) {
    return t->function->filter_of(t->db, c->arguments, rows_of(c), &c->count, err);
  }
  return t->function->filter(c->arguments, rows_of(c), &c->count, err);
}

static int x_filter(sqlite3_vtab_cursor *base, int given, const char *plan, int argc,
                    sqlite3_value **argv) {
  cursor *c = (cursor *)base;
  const table *t = (const table *)base->pVtab;
  koe_error err;
  (void)plan, (void)argc;
  reset(c, t->function);
  if (fill(c, t, given, argv, &err) != KOE_OK) return fail(c, &err);
  return c->done ? SQLITE_OK : next_part(c, true);
}

static int x_next(sqlite3_vtab_cursor *base) {
  cursor *c = (cursor *)base;
  c->rowid++;
  if (++c->row < c->count || c->done) return SQLITE_OK;
  return next_part(c, false);
}

static int x_eof(sqlite3_vtab_cursor *base) {
  const cursor *c = (const cursor *)base;
  return c->row >= c->count;
}

static int x_column(sqlite3_vtab_cursor *base, sqlite3_context *context, int column) {
  cursor *c = (cursor *)base;
  const table *t = (const table *)base->pVtab;
  if (column < t->columns) {
    t->function->value(context, rows_of(c), c->row, column);
  } else if (c->arguments[column - t->columns] != NULL) {
    sqlite3_result_value(context, c->arguments[column - t->columns]);
  }
  return SQLITE_OK;
}

static int x_rowid(sqlite3_vtab_cursor *base, sqlite3_int64 *rowid) {
  *rowid = ((const cursor *)base)->rowid;
  return SQLITE_OK;
}

int koe_register_table_function(sqlite3 *db, const koe_table_function *function) {
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
  return sqlite3_create_module_v2(db, function->name, &module, (void *)function, NULL);
}
