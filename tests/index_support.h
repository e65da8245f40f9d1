/* What the suites of koelectra_index share. */
#ifndef KOE_TEST_INDEX_SUPPORT_H
#define KOE_TEST_INDEX_SUPPORT_H

#include "database.h"

#include <stdbool.h>

/* Registers tests/reference/tiny as 'default'. */
void load_tiny(sqlite3 *db);

/* A database in memory with that model. */
sqlite3 *open_tiny_database(void);

/* Runs SQL; its code. */
int run(sqlite3 *db, const char *sql);

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

/* A file in a temporary directory. */
const char *temporary_file(const char *name);

#endif
