/* Writing to an index: xUpdate. */
#ifndef KOE_INDEX_UPDATE_H
#define KOE_INDEX_UPDATE_H

#include <sqlite3ext.h>

int koe_index_update(sqlite3_vtab *table, int argc, sqlite3_value **argv, sqlite3_int64 *rowid);

#endif
