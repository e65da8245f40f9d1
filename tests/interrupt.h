/* Statements that are interrupted. */
#ifndef KOE_TEST_INTERRUPT_H
#define KOE_TEST_INTERRUPT_H

#include <sqlite3.h>

/* Runs SQL that never ends, and fails the test unless an interrupt by another thread soon ends it
 * with SQLITE_INTERRUPT. */
void assert_interrupted_by_thread(sqlite3 *db, const char *sql);

/* The same by a progress handler, called each so many `operations` of SQLite, that says so at its
 * n-th call and from then on. */
void assert_interrupted_by_progress(sqlite3 *db, const char *sql, int operations, int n);

/* Runs SQL with sqlite3_interrupt at the n-th call of a progress handler; the code of run(),
 * SQLITE_OK where it ends before. */
int run_interrupted(sqlite3 *db, const char *sql, int operations, int n);

#endif
