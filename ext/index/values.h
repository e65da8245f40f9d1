/* What statements of ours take and give without a step for each value:
 *
 *   SELECT koelectra_index_slots(?1, slot) FROM … WHERE m0 IN (SELECT value FROM
 *   koelectra_index_values(?2))
 *
 * Both are bound as pointers, which SQL cannot make: to a user the table is empty, and the function
 * an error. */
#ifndef KOE_INDEX_VALUES_H
#define KOE_INDEX_VALUES_H

#include "search.h"

typedef struct koe_values {
  sqlite3_value **items; /* copies */
  size_t count;
  size_t capacity;
} koe_values;

/* Fills an empty list with the right side of an IN that xFilter got all at once (sqlite3_vtab_in).
 * SQLITE_OK, SQLITE_NOMEM or another error; koe_values_clear must follow. */
int koe_values_read(koe_values *values, sqlite3_value *in);

/* The list must outlive the binding. */
int koe_values_bind(const koe_values *values, sqlite3_stmt *statement, int parameter);

void koe_values_clear(koe_values *values);

/* Slots that koelectra_index_slots has collected; it gives NULL, or 1 where a value was no possible
 * slot.  The list must outlive the binding. */
int koe_collected_slots_bind(koe_slots *slots, sqlite3_stmt *statement, int parameter);

/* Adds both to a connection. */
int koe_register_index_values(sqlite3 *db);

#endif
