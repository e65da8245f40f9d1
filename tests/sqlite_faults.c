#include "sqlite_faults.h"

#include "support.h"

static sqlite3_mem_methods real;
static long until_fault; /* allocations; 0: no faults */
static bool one_fault;

static bool fault(void) {
  if (until_fault == 0) return false;
  if (until_fault > 1) {
    until_fault--;
    return false;
  }
  if (one_fault) until_fault = 0;
  return true;
}

static void *faulty_malloc(int bytes) {
  return fault() ? NULL : real.xMalloc(bytes);
}

static void *faulty_realloc(void *memory, int bytes) {
  return fault() ? NULL : real.xRealloc(memory, bytes);
}

void install_sqlite_faults(void) {
  sqlite3_shutdown();
  ck_assert_int_eq(sqlite3_config(SQLITE_CONFIG_GETMALLOC, &real), SQLITE_OK);
  sqlite3_mem_methods faulty = real;
  faulty.xMalloc = faulty_malloc;
  faulty.xRealloc = faulty_realloc;
  ck_assert_int_eq(sqlite3_config(SQLITE_CONFIG_MALLOC, &faulty), SQLITE_OK);
  /* Every allocation of a connection is then one of the heap. */
  ck_assert_int_eq(sqlite3_config(SQLITE_CONFIG_LOOKASIDE, 0, 0), SQLITE_OK);
}

void set_sqlite_fault(long n, bool once) {
  until_fault = n;
  one_fault = once;
}

bool sqlite_fault_reached(void) {
  return one_fault ? until_fault == 0 : until_fault == 1;
}

void sweep_sqlite_faults(int (*attempt)(sqlite3 *db, const char *sql), sqlite3 *db, const char *sql,
                         int stride) {
  for (int once = 0; once < 2; once++) {
    bool reached = true;
    for (long n = 1; reached; n += n < 40 ? 1 : stride) {
      set_sqlite_fault(n, once == 1);
      int code = attempt(db, sql);
      reached = sqlite_fault_reached();
      set_sqlite_fault(0, false);
      ck_assert_msg(code == SQLITE_OK || code == SQLITE_NOMEM, "%s: allocation %ld: code %d", sql,
                    n, code);
      ck_assert_msg(reached || code == SQLITE_OK, "%s: no fault, but SQLITE_NOMEM", sql);
      ck_assert_msg(n < 100000, "%s: never succeeds", sql);
      if (db == NULL || sqlite3_get_autocommit(db)) continue;
      ck_assert_int_eq(sqlite3_exec(db, "ROLLBACK", NULL, NULL, NULL), SQLITE_OK);
    }
  }
}
