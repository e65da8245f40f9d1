/* The operations that koelectra_progress shows, entered and looked at by several threads. */
#include "../ext/operations.h"
#include "../model/memory.h"
#include "index_support.h"
#include "support.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static size_t count_operations(const char *database) {
  koe_error err;
  koe_operations list = {0};
  assert_ok(koe_operations_collect(&list, database, &err));
  size_t count = list.count;
  koe_operations_clear(&list);
  return count;
}

START_TEST(entered_and_ended) {
  koe_error err;
  koe_operation *first, *second;
  koe_operations list = {0};
  assert_ok(koe_operation_begin("/a.db", "s", "rebuild", &first, &err));
  assert_ok(koe_operation_begin("", "t", "rebuild", &second, &err));
  koe_operation_update(first, &(koe_operation_state){.total = 10, .done = 4, .seconds = 2});
  assert_ok(koe_operations_collect(&list, NULL, &err));
  ck_assert_uint_eq(list.count, 2);
  ck_assert_str_eq(list.entries[0].database, "/a.db");
  ck_assert_str_eq(list.entries[0].name, "s");
  ck_assert_str_eq(list.entries[0].operation, "rebuild");
  ck_assert_int_eq(list.entries[0].state.done, 4);
  ck_assert_int_eq(list.entries[1].state.total, -1);
  ck_assert(list.entries[0].running && list.entries[1].running);
  ck_assert_uint_eq(count_operations("/a.db"), 1);
  ck_assert_uint_eq(count_operations("/b.db"), 0);
  koe_operation_end(first);
  ck_assert_uint_eq(count_operations(NULL), 1);
  koe_operation_end(second);
  koe_operation_end(NULL);
  koe_operation_update(NULL, &list.entries[0].state);
  ck_assert_uint_eq(count_operations(NULL), 0);
  /* What was looked at is a copy. */
  ck_assert_str_eq(list.entries[1].name, "t");
  koe_operations_clear(&list);
}
END_TEST

START_TEST(as_a_table) {
  koe_error err;
  koe_operation *known, *unknown;
  sqlite3 *db = open_database();
  static const char all[] = "SELECT * FROM koelectra_progress ORDER BY name";
  assert_sql(db, all, "");
  assert_ok(koe_operation_begin("/no/such.db", "s", "rebuild", &known, &err));
  assert_ok(koe_operation_begin("", "t", "rebuild", &unknown, &err));
  koe_operation_update(
      known, &(koe_operation_state){
                 .total = 100, .done = 40, .resumed = 20, .seconds = 4, .resumable = true});
  assert_sql(db, all,
             "/no/such.db|s|rebuild|40|100|5.0|12.0|20|1|1\n"
             "NULL|t|rebuild|0|NULL|NULL|NULL|0|0|1");
  assert_sql(db, "SELECT count(*) FROM koelectra_progress('/no/such.db')", "0");
  assert_sql(db, "SELECT count(*) FROM koelectra_progress('')", "0");
  assert_sql(db, "SELECT count(*) FROM koelectra_progress(NULL)", "0");
  assert_sql_fails(db, "SELECT * FROM koelectra_progress(x'00')", SQLITE_ERROR,
                   "koelectra_progress: path is a BLOB");
  assert_sql(db, "CREATE VIEW v AS SELECT * FROM koelectra_progress", "");
  assert_sql_fails(db, "SELECT * FROM v", SQLITE_ERROR, "unsafe use of virtual table");
  koe_operation_end(known);
  koe_operation_end(unknown);
  assert_sql(db, all, "");
  close_database(db);
}
END_TEST

/* ── who tells ──────────────────────────────────────────────────────────────────────────────────
 */

static char seen[256];
static int64_t most_done;

/* A progress handler does not use the connection it is of. */
static int look(void *other) {
  sqlite3_stmt *statement = prepare(other,
                                    "SELECT format('%s %s %s %s', operation, name, total IS NULL, "
                                    "rows_per_second > 0), done FROM koelectra_progress");
  while (sqlite3_step(statement) == SQLITE_ROW) {
    snprintf(seen, sizeof seen, "%s", (const char *)sqlite3_column_text(statement, 0));
    ck_assert_int_ge(sqlite3_column_int64(statement, 1), most_done);
    most_done = sqlite3_column_int64(statement, 1);
  }
  sqlite3_finalize(statement);
  return 0;
}

static void assert_told(sqlite3 *db, sqlite3 *other, const char *sql, const char *expected) {
  char *text;
  seen[0] = '\0';
  most_done = 0;
  sqlite3_progress_handler(db, 500, look, other);
  int code = run_sql(db, sql, &text);
  sqlite3_progress_handler(db, 0, NULL, NULL);
  ck_assert_msg(code == SQLITE_OK, "%s", text);
  sqlite3_free(text);
  ck_assert_msg(strcmp(seen, expected) == 0, "%s: \"%s\"", sql, seen);
  if (*expected != '\0') ck_assert_int_gt(most_done, 1000);
  ck_assert_uint_eq(count_operations(NULL), 0);
}

/* Long inserts and batches; short ones are over before somebody could ask. */
START_TEST(inserts_and_batches) {
  sqlite3 *db = open_tiny_database(), *other = open_database();
  run_format(db, "CREATE VIRTUAL TABLE s USING koelectra_index(body);"
                 "CREATE TABLE t(id INTEGER PRIMARY KEY, body TEXT);"
                 "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n LIMIT 5000) "
                 "INSERT INTO t(body) SELECT '글 ' || i FROM n");
  assert_told(db, other, "INSERT INTO s(body) SELECT body FROM t", "insert s 1 1");
  assert_told(db, other, "INSERT INTO s(body) SELECT body FROM t LIMIT 200", "");
  assert_told(db, other, "BEGIN; INSERT INTO s(body) SELECT body FROM t; ROLLBACK", "insert s 1 1");
  assert_told(db, other, "SELECT label FROM koelectra_batch('SELECT id, body FROM t')",
              "batch koelectra_batch 1 1");
  assert_told(db, other, "SELECT label FROM koelectra_batch('SELECT id, body FROM t LIMIT 30')",
              "");
  close_database(other);
  close_database(db);
}
END_TEST

/* ── threads ────────────────────────────────────────────────────────────────────────────────────
 */

enum { WORKERS = 4, ROUNDS = 200 };

static void *work(void *argument) {
  koe_error err;
  koe_operation *operation;
  atomic_int *failures = argument;
  for (int round = 0; round < ROUNDS; round++) {
    if (koe_operation_begin("/a.db", "s", "rebuild", &operation, &err) != KOE_OK) {
      atomic_fetch_add(failures, 1);
      continue;
    }
    for (int i = 0; i < 5; i++) {
      koe_operation_update(
          operation, &(koe_operation_state){.total = i, .done = i, .resumed = i, .seconds = i});
    }
    koe_operation_end(operation);
  }
  return NULL;
}

static void *watch(void *argument) {
  koe_error err;
  atomic_int *failures = argument;
  for (int round = 0; round < ROUNDS; round++) {
    koe_operations list = {0};
    if (koe_operations_collect(&list, NULL, &err) != KOE_OK || list.count > WORKERS) {
      atomic_fetch_add(failures, 1);
    }
    for (size_t i = 0; i < list.count; i++) {
      const koe_operation_state *state = &list.entries[i].state;
      bool begun = state->total == -1 && state->done == 0;
      if (!begun && state->total != state->done) atomic_fetch_add(failures, 1);
    }
    koe_operations_clear(&list);
  }
  return NULL;
}

START_TEST(several_threads) {
  pthread_t threads[2 * WORKERS];
  atomic_int failures = 0;
  for (int i = 0; i < 2 * WORKERS; i++)
    ck_assert_int_eq(pthread_create(&threads[i], NULL, i % 2 ? watch : work, &failures), 0);
  for (int i = 0; i < 2 * WORKERS; i++)
    pthread_join(threads[i], NULL);
  ck_assert_int_eq(atomic_load(&failures), 0);
  ck_assert_uint_eq(count_operations(NULL), 0);
}
END_TEST

typedef struct watcher {
  sqlite3 *own, *watched;
  int64_t done; /* seen before it interrupted; -1: an error */
} watcher;

static void *interrupt(void *argument) {
  watcher *w = argument;
  while (w->done == 0) {
    char *text;
    int code = run_sql(w->own, "SELECT done FROM koelectra_progress WHERE running", &text);
    w->done = code == SQLITE_OK ? strtoll(text, NULL, 10) : -1;
    sqlite3_free(text);
  }
  sqlite3_interrupt(w->watched);
  return NULL;
}

/* A rebuild that another thread watches, by a connection of its own, and stops. */
START_TEST(watched_and_stopped) {
  pthread_t thread;
  sqlite3 *db = open_tiny_database();
  run_format(db, "CREATE VIEW endless AS "
                 "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n LIMIT 100000) "
                 "SELECT i, '글 ' || i AS body FROM n;"
                 "CREATE VIRTUAL TABLE e USING koelectra_index(body, content=endless, "
                 "content_rowid=i)");
  watcher w = {.own = open_database(), .watched = db};
  ck_assert_int_eq(pthread_create(&thread, NULL, interrupt, &w), 0);
  int code = run(db, "INSERT INTO e(e) VALUES('rebuild')");
  pthread_join(thread, NULL);
  ck_assert_int_eq(code, SQLITE_INTERRUPT);
  ck_assert_int_gt(w.done, 0);
  ck_assert_uint_eq(count_operations(NULL), 0);
  assert_sql(db, "SELECT count(*) FROM e_rows", "0");
  close_database(w.own);
  close_database(db);
}
END_TEST

#ifdef KOE_FAULTS
START_TEST(short_memory) {
  koe_error err;
  koe_operation *operation, *other;
  assert_ok(koe_operation_begin("/a.db", "s", "rebuild", &operation, &err));
  for (long n = 1; n <= 3; n++) {
    koe_operations list = {0};
    koe_memory_fail_after(n);
    koe_status begun = koe_operation_begin("/b.db", "t", "rebuild", &other, &err);
    koe_status collected = koe_operations_collect(&list, NULL, &err);
    koe_memory_fail_after(0);
    ck_assert_int_eq(begun, KOE_NOMEM);
    ck_assert_ptr_null(other);
    ck_assert_int_eq(collected, KOE_NOMEM);
    koe_operations_clear(&list);
    ck_assert_uint_eq(count_operations(NULL), 1);
  }
  koe_operation_end(operation);
}
END_TEST
#endif

Suite *operations_suite(void);

Suite *operations_suite(void) {
  Suite *suite = suite_create("operations");
  TCase *tests = tcase_create("operations");
  tcase_add_test(tests, entered_and_ended);
  tcase_add_test(tests, as_a_table);
  tcase_add_test(tests, inserts_and_batches);
  tcase_add_test(tests, several_threads);
  tcase_add_test(tests, watched_and_stopped);
#ifdef KOE_FAULTS
  tcase_add_test(tests, short_memory);
#endif
  suite_add_tcase(suite, tests);
  return suite;
}
