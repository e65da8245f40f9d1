/* Connections of several threads, each its own, over the models of the process. */
#include "database.h"
#include "support.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <string.h>

enum { THREADS = 6, ROUNDS = 20 };

static const char queries[] =
    "SELECT koelectra_tokenize('영화가 좋았어요'), hex(koelectra_embed('책', 'shared')), "
    "koelectra_classify('비가 내려요', 'shared'), koelectra_similarity('책', '문', 'shared') > 0, "
    "(SELECT group_concat(token) FROM koelectra_tokens('책 문', '강아지', 'shared'))";

typedef struct worker {
  pthread_t thread;
  const char *expected; /* of `queries`; NULL for one that loads and unloads */
  atomic_int *ready;
  bool agreed;
} worker;

/* Assertions of Check belong to the main thread: a worker tells what it saw. */
static bool gives(sqlite3 *db, const char *sql, const char *expected) {
  char *text;
  bool same = run_sql(db, sql, &text) == SQLITE_OK && strcmp(text, expected) == 0;
  sqlite3_free(text);
  return same;
}

static void *work(void *argument) {
  worker *w = argument;
  sqlite3 *db = open_database();
  w->agreed = true;
  /* All at once, so that the first use is everybody's. */
  atomic_fetch_add(w->ready, 1);
  while (atomic_load(w->ready) < THREADS) {
  }
  for (int round = 0; round < ROUNDS; round++) {
    if (w->expected != NULL) {
      w->agreed &= gives(db, queries, w->expected);
    } else {
      w->agreed &= gives(db, "SELECT koelectra_load('shared', 'tests/reference/tiny')", "shared");
      w->agreed &= gives(db, "SELECT koelectra_load('passing', 'tests/reference/odd')", "passing");
      w->agreed &= gives(db, "SELECT length(koelectra_embed('책', 'passing'))", "144");
      w->agreed &= gives(db, "SELECT koelectra_unload('passing')", "passing");
      w->agreed &= gives(db, "SELECT count(*) FROM koelectra_models WHERE hidden_size = 32", "2");
    }
  }
  w->agreed &= sqlite3_close(db) == SQLITE_OK;
  return NULL;
}

START_TEST(one_connection_a_thread) {
  sqlite3 *db = open_database();
  char *expected;
  atomic_int ready = 0;
  worker workers[THREADS];
  assert_sql(db, "SELECT koelectra_load('default', 'tests/reference/tiny')", "default");
  assert_sql(db, "SELECT koelectra_load('shared', 'tests/reference/tiny')", "shared");
  ck_assert_int_eq(run_sql(db, queries, &expected), SQLITE_OK);
  /* Closed again, for the threads to open. */
  assert_sql(db, "SELECT koelectra_unload('default'), koelectra_unload('shared')",
             "default|shared");
  assert_sql(db, "SELECT koelectra_load('default', 'tests/reference/tiny')", "default");
  assert_sql(db, "SELECT koelectra_load('shared', 'tests/reference/tiny')", "shared");
  for (int i = 0; i < THREADS; i++) {
    workers[i] = (worker){.expected = i > 0 ? expected : NULL, .ready = &ready};
    ck_assert_int_eq(pthread_create(&workers[i].thread, NULL, work, &workers[i]), 0);
  }
  for (int i = 0; i < THREADS; i++) {
    pthread_join(workers[i].thread, NULL);
    ck_assert_msg(workers[i].agreed, "thread %d saw something else than one thread does", i);
  }
  sqlite3_free(expected);
  close_database(db);
}
END_TEST

/* One connection that threads share: SQLite serializes the calls. */
static void *share(void *argument) {
  bool agreed = true;
  for (int round = 0; round < ROUNDS; round++)
    agreed &= gives(argument, "SELECT koelectra_token_ids('책 문')", "[2,124,62,3]");
  return agreed ? argument : NULL;
}

START_TEST(one_connection_for_all) {
  sqlite3 *db = open_database();
  pthread_t threads[THREADS];
  void *result;
  assert_sql(db, "SELECT koelectra_load('default', 'tests/reference/tiny')", "default");
  for (int i = 0; i < THREADS; i++)
    ck_assert_int_eq(pthread_create(&threads[i], NULL, share, db), 0);
  for (int i = 0; i < THREADS; i++) {
    pthread_join(threads[i], &result);
    ck_assert_ptr_eq(result, db);
  }
  close_database(db);
}
END_TEST

Suite *threads_suite(void);

Suite *threads_suite(void) {
  Suite *suite = suite_create("threads");
  TCase *tests = tcase_create("threads");
  tcase_add_test(tests, one_connection_a_thread);
  tcase_add_test(tests, one_connection_for_all);
  suite_add_tcase(suite, tests);
  return suite;
}
