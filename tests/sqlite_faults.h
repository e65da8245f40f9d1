/* Allocations of SQLite that fail when a test says so. */
#ifndef KOE_SQLITE_FAULTS_H
#define KOE_SQLITE_FAULTS_H

#include <sqlite3.h>
#include <stdbool.h>

/* Makes allocations of SQLite fail from now on: call it before SQLite is first used in the process.
 */
void install_sqlite_faults(void);

/* The n-th allocation of SQLite from now fails, only that one if `once`, else every later one too;
 * 0 stops that. */
void set_sqlite_fault(long n, bool once);

/* Whether the allocation that was to fail was asked for. */
bool sqlite_fault_reached(void);

/* Runs `attempt`, perhaps run() of database.h, with the n-th allocation failing, alone and with all
 * later ones, for n from 1 until none fails: every n to 40, then each `stride`-th.  Fails the test
 * unless each ends with SQLITE_NOMEM or succeeds.  A transaction left open is rolled back; `db` may
 * be NULL. */
void sweep_sqlite_faults(int (*attempt)(sqlite3 *db, const char *sql), sqlite3 *db, const char *sql,
                         int stride);

#endif
