/* Row numbers given as SQL values. */
#ifndef KOE_INDEX_ROWID_H
#define KOE_INDEX_ROWID_H

#include <sqlite3ext.h>

#include <stdbool.h>
#include <stdint.h>

/* Whether `value` equals an integer as a rowid does in a comparison: 5, 5.0 and '5', not 5.5. */
bool koe_rowid_of_value(sqlite3_value *value, int64_t *out);

#endif
