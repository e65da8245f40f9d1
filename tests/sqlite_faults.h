/* Allocations of SQLite that fail when a test says so. */
#ifndef KOE_SQLITE_FAULTS_H
#define KOE_SQLITE_FAULTS_H

#include <stdbool.h>

/* Makes allocations of SQLite fail from now on: call it before SQLite is first used in the process.
 */
void install_sqlite_faults(void);

/* The n-th allocation of SQLite from now fails, only that one if `once`, else every later one too;
 * 0 stops that. */
void set_sqlite_fault(long n, bool once);

/* Whether the allocation that was to fail was asked for. */
bool sqlite_fault_reached(void);

#endif
