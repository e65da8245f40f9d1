#include "interrupt.h"

#include "database.h"
#include "support.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <time.h>

typedef struct interrupter {
  sqlite3 *db;
  atomic_bool ended; /* the statement */
} interrupter;

/* Again and again: an interrupt while no statement runs is none. */
static void *interrupt_often(void *argument) {
  interrupter *i = argument;
  nanosleep(&(struct timespec){.tv_nsec = 50000000}, NULL);
  while (!atomic_load(&i->ended)) {
    sqlite3_interrupt(i->db);
    nanosleep(&(struct timespec){.tv_nsec = 10000000}, NULL);
  }
  return NULL;
}

static double now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

void assert_interrupted_by_thread(sqlite3 *db, const char *sql) {
  interrupter i = {.db = db};
  pthread_t thread;
  double start = now();
  ck_assert_int_eq(pthread_create(&thread, NULL, interrupt_often, &i), 0);
  assert_sql_fails(db, sql, SQLITE_INTERRUPT, "interrupted");
  atomic_store(&i.ended, true);
  pthread_join(thread, NULL);
  double seconds = now() - start;
  /* The time of a few windows, in a build that may be slow on a machine that may be busy. */
  ck_assert_msg(seconds < 10, "%.200s: %f seconds", sql, seconds);
}

static int stop_at_zero(void *calls) {
  return --*(int *)calls <= 0;
}

void assert_interrupted_by_progress(sqlite3 *db, const char *sql, int operations, int n) {
  int calls = n;
  sqlite3_progress_handler(db, operations, stop_at_zero, &calls);
  assert_sql_fails(db, sql, SQLITE_INTERRUPT, "interrupted");
  ck_assert_int_le(calls, 0);
  sqlite3_progress_handler(db, 0, NULL, NULL);
}

typedef struct countdown {
  sqlite3 *db;
  int calls;
} countdown;

static int interrupt_at_zero(void *argument) {
  countdown *c = argument;
  if (--c->calls == 0) sqlite3_interrupt(c->db);
  return 0;
}

int run_interrupted(sqlite3 *db, const char *sql, int operations, int n) {
  countdown c = {db, n};
  sqlite3_progress_handler(db, operations, interrupt_at_zero, &c);
  int code = run(db, sql);
  sqlite3_progress_handler(db, 0, NULL, NULL);
  return code;
}
