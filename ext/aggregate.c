/* The frame around a koe_aggregate. */
#include "aggregate.h"

SQLITE_EXTENSION_INIT3

/* What SQLite keeps for a group, zeros at first; the state of the aggregate follows. */
typedef union group {
  struct {
    bool failed; /* SQLite has the error: there is no result */
  };
  double alignment;
  void *pointer_alignment;
} group;

static void *state_of(group *g) {
  return g + 1;
}

static void report(sqlite3_context *context, group *g, const koe_error *err) {
  const koe_aggregate *aggregate = sqlite3_user_data(context);
  g->failed = true;
  koe_sql_result_error(context, aggregate->name, err);
}

static void change(sqlite3_context *context, int argc, sqlite3_value **argv, bool leaves) {
  koe_error err;
  const koe_aggregate *aggregate = sqlite3_user_data(context);
  group *g = sqlite3_aggregate_context(context, (int)(sizeof *g + aggregate->state_size));
  if (g == NULL) {
    sqlite3_result_error_nomem(context);
    return;
  }
  if (g->failed) return;
  if (aggregate->change(state_of(g), argc, argv, leaves, &err) != KOE_OK) report(context, g, &err);
}

static void step(sqlite3_context *context, int argc, sqlite3_value **argv) {
  change(context, argc, argv, false);
}

static void inverse(sqlite3_context *context, int argc, sqlite3_value **argv) {
  change(context, argc, argv, true);
}

static void value(sqlite3_context *context) {
  koe_error err;
  const koe_aggregate *aggregate = sqlite3_user_data(context);
  group *g = sqlite3_aggregate_context(context, 0);
  if (g == NULL || g->failed) return; /* no rows: NULL */
  if (aggregate->result(context, state_of(g), &err) != KOE_OK) report(context, g, &err);
}

static void finish(sqlite3_context *context) {
  const koe_aggregate *aggregate = sqlite3_user_data(context);
  group *g = sqlite3_aggregate_context(context, 0);
  value(context);
  if (g != NULL && aggregate->clear != NULL) aggregate->clear(state_of(g));
}

int koe_register_aggregates(sqlite3 *db, const koe_aggregate *aggregates, size_t count) {
  for (size_t i = 0; i < count; i++) {
    const koe_aggregate *aggregate = &aggregates[i];
    for (int n = aggregate->least; n <= aggregate->most; n++) {
      int code = sqlite3_create_window_function(
          db, aggregate->name, n, SQLITE_UTF8 | SQLITE_INNOCUOUS | SQLITE_DETERMINISTIC,
          (void *)aggregate, step, finish, value, inverse, NULL);
      if (code != SQLITE_OK) return code;
    }
  }
  return SQLITE_OK;
}
