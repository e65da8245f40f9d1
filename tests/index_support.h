/* What the suites of koelectra_index share. */
#ifndef KOE_TEST_INDEX_SUPPORT_H
#define KOE_TEST_INDEX_SUPPORT_H

#include "database.h"

#include <stdbool.h>

/* Registers tests/reference/tiny as 'default'. */
void load_tiny(sqlite3 *db);

/* A database in memory with that model. */
sqlite3 *open_tiny_database(void);

/* Runs SQL that sqlite3_mprintf formats; fails the test if the SQL fails. */
void run_format(sqlite3 *db, const char *format, ...);

/* The integer that a query gives. */
sqlite3_int64 query_integer(sqlite3 *db, const char *sql);

/* Fails the test unless 'integrity-check' finds nothing in the index `name`. */
void assert_sound(sqlite3 *db, const char *name);

/* A database in memory with an index `s` of five rows, 1 to 4 and one of NULL text; its texts are
 * in the table `article(id, body)` if `external`, with triggers as in sql/semantic_search.sql. */
sqlite3 *open_small_index(bool external);

/* What the index holds: rows, texts and the ranking for a query; sqlite3_free it. */
char *describe_index(sqlite3 *db);

/* A table `ready` with one vector `v` that fits the tiny model. */
void add_vector_table(sqlite3 *db);

/* Gives a connection the function test_vector(n): a BLOB that fits the tiny model and depends on n
 * alone, near one of five directions, of which it is farther as n % 7 is larger. */
sqlite3 *add_test_vector(sqlite3 *db);

/* A database with the tiny model and that function: a file, or in memory where `path` is NULL. */
sqlite3 *open_vector_database(const char *path);

/* Inserts rows first … last, row n as test_vector(n). */
void insert_vectors(sqlite3 *db, const char *index, int first, int last);

/* The result of a query that sqlite3_mprintf formats, as run_sql gives it; fails the test if the
 * query fails.  sqlite3_free it. */
char *query_text(sqlite3 *db, const char *format, ...);

/* Fails the test, naming `what`, unless the texts are equal; frees both with sqlite3_free. */
void assert_same_text(char *expected, char *found, const char *what);

/* A file in a temporary directory. */
const char *temporary_file(const char *name);

#endif
