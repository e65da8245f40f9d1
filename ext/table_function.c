/* The virtual table around a koe_table_function.
 *
 * Plans: idxNum has bit i set where argument i is given, in parentheses or by WHERE; xFilter gets
 * the given ones in order.  A plan in which the value of an argument is not known yet is refused,
 * so that SQLite tries another join order.  One without a required argument (the query gives none,
 * or CROSS JOIN puts its table later) is expensive, and an error when it runs. */
#include "table_function.h"

#include <string.h>

SQLITE_EXTENSION_INIT3

typedef struct table {
  sqlite3_vtab base;
  const koe_table_function *function;
  int columns;   /* visible */
  int arguments; /* hidden, after the visible ones */
} table;

typedef struct cursor {
  sqlite3_vtab_cursor base;
  sqlite3_value *arguments[KOE_TABLE_ARGUMENTS]; /* copies */
  void *rows;
  size_t count;
  size_t row;
} cursor;

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
  (void)vtab;
  cursor *c = sqlite3_malloc64(sizeof *c);
  if (c == NULL) return SQLITE_NOMEM;
  memset(c, 0, sizeof *c);
  *out = &c->base;
  return SQLITE_OK;
}

static void reset(cursor *c, const koe_table_function *function) {
  function->free_rows(c->rows);
  c->rows = NULL;
  c->count = c->row = 0;
  for (int i = 0; i < KOE_TABLE_ARGUMENTS; i++) {
    sqlite3_value_free(c->arguments[i]);
    c->arguments[i] = NULL;
  }
}

static int x_close(sqlite3_vtab_cursor *base) {
  reset((cursor *)base, ((table *)base->pVtab)->function);
  sqlite3_free(base);
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
  return t->function->filter(c->arguments, &c->rows, &c->count, err);
}

static int x_filter(sqlite3_vtab_cursor *base, int given, const char *plan, int argc,
                    sqlite3_value **argv) {
  cursor *c = (cursor *)base;
  const table *t = (const table *)base->pVtab;
  koe_error err, named;
  (void)plan, (void)argc;
  reset(c, t->function);
  if (fill(c, t, given, argv, &err) == KOE_OK) return SQLITE_OK;
  c->count = 0;
  koe_fail(&named, err.status, "%s: %s", t->function->name, err.message);
  return koe_sql_vtab_error(&base->pVtab->zErrMsg, &named);
}

static int x_next(sqlite3_vtab_cursor *base) {
  ((cursor *)base)->row++;
  return SQLITE_OK;
}

static int x_eof(sqlite3_vtab_cursor *base) {
  const cursor *c = (const cursor *)base;
  return c->row >= c->count;
}

static int x_column(sqlite3_vtab_cursor *base, sqlite3_context *context, int column) {
  const cursor *c = (const cursor *)base;
  const table *t = (const table *)base->pVtab;
  if (column < t->columns) {
    t->function->value(context, c->rows, c->row, column);
  } else if (c->arguments[column - t->columns] != NULL) {
    sqlite3_result_value(context, c->arguments[column - t->columns]);
  }
  return SQLITE_OK;
}

static int x_rowid(sqlite3_vtab_cursor *base, sqlite3_int64 *rowid) {
  *rowid = (sqlite3_int64)((const cursor *)base)->row + 1;
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
