#include "values.h"

#include "../../model/memory.h"

SQLITE_EXTENSION_INIT3

/* Also the types of their pointers. */
static const char values_name[] = "koelectra_index_values", slots_name[] = "koelectra_index_slots";

enum { COLUMN_VALUE, COLUMN_LIST };

typedef struct cursor {
  sqlite3_vtab_cursor base;
  const koe_values *values; /* NULL: none were given */
  size_t row;
} cursor;

/* ── the list ───────────────────────────────────────────────────────────────────────────────────
 */

int koe_values_read(koe_values *values, sqlite3_value *in) {
  sqlite3_value *value;
  int code = sqlite3_vtab_in_first(in, &value);
  for (; code == SQLITE_OK; code = sqlite3_vtab_in_next(in, &value)) {
    if (!koe_grow(&values->items, &values->capacity, values->count + 1, sizeof *values->items)) {
      return SQLITE_NOMEM;
    }
    sqlite3_value *copy = sqlite3_value_dup(value);
    if (copy == NULL) return SQLITE_NOMEM;
    values->items[values->count++] = copy;
  }
  return code == SQLITE_DONE ? SQLITE_OK : code;
}

int koe_values_bind(const koe_values *values, sqlite3_stmt *statement, int parameter) {
  return sqlite3_bind_pointer(statement, parameter, (void *)(uintptr_t)values, values_name, NULL);
}

void koe_values_clear(koe_values *values) {
  for (size_t i = 0; i < values->count; i++)
    sqlite3_value_free(values->items[i]);
  koe_free(values->items);
  *values = (koe_values){0};
}

/* ── slots ──────────────────────────────────────────────────────────────────────────────────────
 */

int koe_collected_slots_bind(koe_slots *slots, sqlite3_stmt *statement, int parameter) {
  return sqlite3_bind_pointer(statement, parameter, slots, slots_name, NULL);
}

static void collect_slot(sqlite3_context *context, int argc, sqlite3_value **argv) {
  (void)argc;
  koe_slots *slots = sqlite3_value_pointer(argv[0], slots_name);
  int64_t slot = sqlite3_value_int64(argv[1]);
  if (slots == NULL) {
    sqlite3_result_error(context, "koelectra_index_slots is for koelectra_index itself", -1);
  } else if (sqlite3_value_type(argv[1]) != SQLITE_INTEGER || slot < 0 ||
             slot >= KOE_MAX_CHUNKS * KOE_CHUNK_SLOTS) {
    sqlite3_aggregate_context(context, 1); /* that there is one says it */
  } else if (!koe_grow(&slots->items, &slots->capacity, slots->count + 1, sizeof slot)) {
    sqlite3_result_error_nomem(context);
  } else {
    slots->items[slots->count++] = slot;
  }
}

static void end_slots(sqlite3_context *context) {
  if (sqlite3_aggregate_context(context, 0) != NULL) sqlite3_result_int(context, 1);
}

/* ── the table ──────────────────────────────────────────────────────────────────────────────────
 */

static int connect(sqlite3 *db, void *client, int argc, const char *const *argv, sqlite3_vtab **out,
                   char **message) {
  (void)client, (void)argc, (void)argv, (void)message;
  int code = sqlite3_declare_vtab(db, "CREATE TABLE x(value, list HIDDEN)");
  if (code != SQLITE_OK) return code;
  *out = koe_alloc_zero(1, sizeof **out);
  return *out != NULL ? SQLITE_OK : SQLITE_NOMEM;
}

static int disconnect(sqlite3_vtab *table) {
  koe_free(table);
  return SQLITE_OK;
}

static int best_index(sqlite3_vtab *table, sqlite3_index_info *info) {
  (void)table;
  for (int i = 0; i < info->nConstraint; i++) {
    if (info->aConstraint[i].iColumn != COLUMN_LIST ||
        info->aConstraint[i].op != SQLITE_INDEX_CONSTRAINT_EQ) {
      continue;
    }
    if (!info->aConstraint[i].usable) return SQLITE_CONSTRAINT;
    info->aConstraintUsage[i].argvIndex = 1;
    info->aConstraintUsage[i].omit = 1;
    info->idxNum = 1;
    break;
  }
  info->estimatedCost = 10;
  info->estimatedRows = 10;
  return SQLITE_OK;
}

static int open(sqlite3_vtab *table, sqlite3_vtab_cursor **out) {
  (void)table;
  cursor *c = koe_alloc_zero(1, sizeof *c);
  *out = &c->base;
  return c != NULL ? SQLITE_OK : SQLITE_NOMEM;
}

static int close(sqlite3_vtab_cursor *base) {
  koe_free(base);
  return SQLITE_OK;
}

static int filter(sqlite3_vtab_cursor *base, int plan, const char *words, int argc,
                  sqlite3_value **argv) {
  (void)words, (void)argc;
  cursor *c = (cursor *)base;
  c->row = 0;
  c->values = plan == 1 ? sqlite3_value_pointer(argv[0], values_name) : NULL;
  return SQLITE_OK;
}

static int next(sqlite3_vtab_cursor *base) {
  ((cursor *)base)->row++;
  return SQLITE_OK;
}

static int eof(sqlite3_vtab_cursor *base) {
  const cursor *c = (const cursor *)base;
  return c->values == NULL || c->row >= c->values->count;
}

static int column(sqlite3_vtab_cursor *base, sqlite3_context *context, int column) {
  const cursor *c = (const cursor *)base;
  if (column == COLUMN_VALUE) sqlite3_result_value(context, c->values->items[c->row]);
  return SQLITE_OK;
}

static int rowid(sqlite3_vtab_cursor *base, sqlite3_int64 *out) {
  *out = (sqlite3_int64)((const cursor *)base)->row;
  return SQLITE_OK;
}

int koe_register_index_values(sqlite3 *db) {
  /* Eponymous only: no xCreate. */
  static const sqlite3_module module = {
      .xConnect = connect,
      .xBestIndex = best_index,
      .xDisconnect = disconnect,
      .xOpen = open,
      .xClose = close,
      .xFilter = filter,
      .xNext = next,
      .xEof = eof,
      .xColumn = column,
      .xRowid = rowid,
  };
  int code =
      sqlite3_create_function(db, slots_name, 2, SQLITE_UTF8, NULL, NULL, collect_slot, end_slots);
  return code == SQLITE_OK ? sqlite3_create_module(db, values_name, &module, NULL) : code;
}
