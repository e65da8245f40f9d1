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

/* The SQL function match(text, s) where SQLite computes `s MATCH text` row by row.  True where the
 * cursor has already chosen its rows by it: of more than 16 conditions SQLite checks the rest
 * again. Otherwise an error that says what to write. */
void koe_cursor_match(sqlite3_context *context, int argc, sqlite3_value **argv);

#endif
