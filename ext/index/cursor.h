/* Reading an index: what SQLite's cursor methods do. */
#ifndef KOE_INDEX_CURSOR_H
#define KOE_INDEX_CURSOR_H

#include <sqlite3ext.h>

int koe_cursor_open(sqlite3_vtab *table, sqlite3_vtab_cursor **out);
int koe_cursor_close(sqlite3_vtab_cursor *base);
int koe_cursor_filter(sqlite3_vtab_cursor *base, int plan, const char *words, int argc,
                      sqlite3_value **argv);
int koe_cursor_next(sqlite3_vtab_cursor *base);
int koe_cursor_eof(sqlite3_vtab_cursor *base);
int koe_cursor_column(sqlite3_vtab_cursor *base, sqlite3_context *context, int column);
int koe_cursor_rowid(sqlite3_vtab_cursor *base, sqlite3_int64 *out);

#endif
