/* For programs that link the extension in (every file of ext/ compiled with -DSQLITE_CORE) instead
 * of loading it. */
#ifndef KOELECTRA_H
#define KOELECTRA_H

#include <sqlite3.h>

/* Adds the functions and tables of sqlite-koelectra to a connection.  Returns an SQLite result
 * code; `*error` is then a message for sqlite3_free.  With -DSQLITE_CORE, `api` is not used and
 * success is SQLITE_OK, so that sqlite3_auto_extension takes the function. */
int sqlite3_koelectra_init(sqlite3 *db, char **error, const sqlite3_api_routines *api);

#endif
