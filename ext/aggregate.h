/* Aggregates that are window functions too: a row comes, the result is asked for, a row leaves.
 *
 * A feature declares the size of its state, which begins as zeros, and three functions.  The frame
 * keeps the state where SQLite keeps a group's, ends it, and reports an error once. */
#ifndef KOE_AGGREGATE_H
#define KOE_AGGREGATE_H

#include "koelectra_ext.h"

typedef struct koe_aggregate {
  const char *name;
  int least, most; /* arguments */
  size_t state_size;

  /* Takes a row in, or, where `leaves`, takes back the row that came first of those still in.  Rows
   * are skipped by leaving the state alone. */
  koe_status (*change)(void *state, int argc, sqlite3_value **argv, bool leaves, koe_error *err);

  /* Ends `context` with the result, or leaves it NULL. */
  koe_status (*result)(sqlite3_context *context, const void *state, koe_error *err);

  /* Frees what the state holds; NULL where it holds nothing. */
  void (*clear)(void *state);
} koe_aggregate;

/* Adds the aggregates to a connection; they live as long as the program.  An SQLite result code. */
int koe_register_aggregates(sqlite3 *db, const koe_aggregate *aggregates, size_t count);

#endif
