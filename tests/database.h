/* SQLite with the extension linked in, for suites that test what SQL sees. */
#ifndef KOE_TEST_DATABASE_H
#define KOE_TEST_DATABASE_H

#include <sqlite3.h>

/* A new database in memory with the extension's functions; the caller closes it. */
sqlite3 *open_database(void);

/* The same for a file. */
sqlite3 *open_database_file(const char *path);

void close_database(sqlite3 *db);

/* Runs SQL and gives its result as text: columns separated by '|', rows by a newline, NULL as
 * "NULL", a BLOB as x'…'.  Returns an SQLite result code; the caller frees `*text` with
 * sqlite3_free, also after an error: it is then what SQLite says of it, never NULL. */
int run_sql(sqlite3 *db, const char *sql, char **text);

/* Runs SQL, reading every column; an SQLite result code.  Allocates nothing of its own and asserts
 * nothing: for memory that runs out, and for any thread. */
int run(sqlite3 *db, const char *sql);

/* Fails the test if the statement is not accepted; the caller finalizes it. */
sqlite3_stmt *prepare(sqlite3 *db, const char *sql);

/* Fails the test unless the SQL gives exactly this text. */
void assert_sql(sqlite3 *db, const char *sql, const char *expected);

/* Fails the test unless the SQL fails with this code and a message that contains `fragment`. */
void assert_sql_fails(sqlite3 *db, const char *sql, int code, const char *fragment);

#endif
