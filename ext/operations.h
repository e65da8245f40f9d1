/* Long operations of the process, and how far they are: what koelectra_progress shows.
 *
 * Belongs to the process, as the registry of models does: who asks is another connection than
 * the one that works, which SQLite keeps busy.  Every function may be called by any thread. */
#ifndef KOE_OPERATIONS_H
#define KOE_OPERATIONS_H

#include "../model/status.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct koe_operation_state {
  int64_t total;   /* rows that there are to do; -1: not known */
  int64_t done;    /* rows */
  int64_t resumed; /* of them, those that needed no model since an earlier run had done them */
  double seconds;  /* what the others took */
  bool resumable;  /* what is done outlives the process */
} koe_operation_state;

/* An operation that is running. */
typedef struct koe_operation koe_operation;

/* Enters an operation.
 *
 *   database   path of its file, "" where it has none; copied, as `name` is
 *   operation  "rebuild"; a constant */
koe_status koe_operation_begin(const char *database, const char *name, const char *operation,
                               koe_operation **out, koe_error *err);

/* Takes NULL. */
void koe_operation_update(koe_operation *operation, const koe_operation_state *state);

/* The operation is over.  Takes NULL. */
void koe_operation_end(koe_operation *operation);

/* An operation as it was when it was looked at. */
typedef struct koe_operation_entry {
  char *database, *name;
  const char *operation;
  koe_operation_state state;
  bool running; /* false: it ended without its result, and can be resumed */
} koe_operation_entry;

typedef struct koe_operations {
  koe_operation_entry *entries; /* [count] */
  size_t count, capacity;
} koe_operations;

/* Adds the operations of the process to a list: those on a database, or all if that is NULL. */
koe_status koe_operations_collect(koe_operations *list, const char *database, koe_error *err);

/* Adds one; its strings are copied. */
koe_status koe_operations_add(koe_operations *list, const koe_operation_entry *entry,
                              koe_error *err);

/* Frees what is in a list and leaves it empty. */
void koe_operations_clear(koe_operations *list);

#endif
