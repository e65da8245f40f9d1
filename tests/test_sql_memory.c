/* Memory that runs out under SQL, ours and SQLite's: every statement ends with SQLITE_NOMEM or with
 * its result, and the next one works. */
#include "../ext/koelectra.h"
#include "../model/memory.h"
#include "database.h"
#include "sqlite_faults.h"
#include "support.h"

#include <stdbool.h>

static const char *const statements[] = {
    "SELECT koelectra_info()",
    "SELECT koelectra_config('threads', 1)",
    "SELECT koelectra_load('other', 'tests/reference/bare', '{\"pooling\": \"mean\"}')",
    "SELECT * FROM koelectra_models",
    "SELECT koelectra_tokenize(body, 'default'), koelectra_token_ids(body) FROM t",
    "SELECT * FROM t, koelectra_tokens(t.body, '책', 'default')",
    "SELECT * FROM t, koelectra_chunks(t.body, 5, 2, 'default')",
    "SELECT koelectra_embed(body), koelectra_embed(body, 'default') FROM t",
    "SELECT koelectra_similarity('책', body, 'default'), koelectra_similarity(body, body) FROM t",
    "SELECT koelectra_classify(body), koelectra_scores_pair(body, '책', 'default') FROM t",
    "SELECT koelectra_scores('책', koelectra_fit(body, rowid, '{\"l2\": 1}')) FROM t",
    "SELECT koelectra_cosine(v, v), koelectra_vector_json(v) FROM t",
    "SELECT koelectra_accuracy(body, rowid), koelectra_f1(body, rowid, 'micro'), "
    "koelectra_spearman(rowid, rowid) FROM t",
    "SELECT koelectra_entity_f1(body, '[\"O\", \"B-PER\"]'), koelectra_character_f1(body, body) "
    "OVER (ROWS 1 PRECEDING) FROM t",
    "SELECT koelectra_vector('[1, 2.5, -3e-7]')",
    "SELECT koelectra_embed(body, 'nobody') FROM t WHERE body IS NULL",
    "SELECT * FROM koelectra_batch('SELECT rowid, body FROM t', 'default')",
    "SELECT id, label FROM koelectra_batch('SELECT body, body, ''책'' FROM t')",
};

enum { STATEMENTS = sizeof statements / sizeof statements[0] };

/* A connection that has encoded nothing yet, over the models there are. */
static sqlite3 *open_table(void) {
  sqlite3 *db = open_database();
  assert_sql(db,
             "CREATE TABLE t(body, v); INSERT INTO t VALUES('책 문', x'0000803f'), (NULL, NULL), "
             "('영화가 좋았어요', x'000080bf')",
             "");
  return db;
}

static sqlite3 *open_filled(void) {
  sqlite3 *db = open_table();
  assert_sql(db, "SELECT koelectra_load('default', 'tests/reference/tiny')", "default");
  return db;
}

/* ── allocations of model/ and ext/ ─────────────────────────────────────────────────────────────
 */

#ifdef KOE_FAULTS
START_TEST(our_memory) {
  enum { MOST_ALLOCATIONS = 100000 };
  sqlite3 *first = open_filled();
  for (size_t i = 0; i < STATEMENTS; i++) {
    long n = 1;
    int code;
    do {
      sqlite3 *db = open_table();
      koe_memory_fail_after(n);
      code = run(db, statements[i]);
      koe_memory_fail_after(0);
      ck_assert_msg(code == SQLITE_OK || code == SQLITE_NOMEM, "%s: allocation %ld: code %d: %s",
                    statements[i], n, code, sqlite3_errmsg(db));
      ck_assert_msg(run(db, statements[i]) == SQLITE_OK, "%s: after allocation %ld: %s",
                    statements[i], n, sqlite3_errmsg(db));
      close_database(db);
      n++;
    } while (code == SQLITE_NOMEM && n < MOST_ALLOCATIONS);
    ck_assert_msg(code == SQLITE_OK, "%s: never succeeds", statements[i]);
  }
  close_database(first);
}
END_TEST

/* Adding the extension to a connection. */
START_TEST(our_memory_registering) {
  long n = 0;
  int code;
  do {
    sqlite3 *db;
    char *message = NULL;
    ck_assert_int_eq(sqlite3_open(":memory:", &db), SQLITE_OK);
    koe_memory_fail_after(++n);
    code = sqlite3_koelectra_init(db, &message, NULL);
    koe_memory_fail_after(0);
    ck_assert_msg(code == SQLITE_OK || code == SQLITE_NOMEM, "allocation %ld: code %d", n, code);
    ck_assert_str_eq(message != NULL ? message : "",
                     code == SQLITE_OK ? "" : "koelectra: out of memory");
    sqlite3_free(message);
    close_database(db);
  } while (code == SQLITE_NOMEM);
  ck_assert_int_gt(n, 1);
}
END_TEST

/* The first use of a model, which opens it. */
START_TEST(our_memory_opening) {
  sqlite3 *db = open_filled();
  long n = 0;
  int code;
  do {
    assert_sql(db, "SELECT koelectra_load('fresh', 'tests/reference/odd')", "fresh");
    koe_memory_fail_after(++n);
    code = run(db, "SELECT koelectra_embed('책', 'fresh')");
    koe_memory_fail_after(0);
    ck_assert_msg(code == SQLITE_OK || code == SQLITE_NOMEM, "allocation %ld: code %d: %s", n, code,
                  sqlite3_errmsg(db));
    assert_sql(db, "SELECT koelectra_unload('fresh')", "fresh");
  } while (code == SQLITE_NOMEM);
  ck_assert_msg(n > 50, "only %ld allocations", n);
  close_database(db);
}
END_TEST
#endif

/* ── allocations of SQLite ──────────────────────────────────────────────────────────────────────
 */

START_TEST(memory_of_sqlite) {
  install_sqlite_faults();
  sqlite3 *db = open_filled();
  for (size_t i = 0; i < STATEMENTS; i++) {
    sweep_sqlite_faults(run, db, statements[i], 1);
    ck_assert_msg(run(db, statements[i]) == SQLITE_OK, "%s: %s", statements[i], sqlite3_errmsg(db));
  }
  close_database(db);
}
END_TEST

static int open_and_use(sqlite3 *unused, const char *sql) {
  sqlite3 *db;
  (void)unused;
  int code = sqlite3_open(":memory:", &db);
  if (code == SQLITE_OK) {
    char *message = NULL;
    code = sqlite3_koelectra_init(db, &message, NULL);
    sqlite3_free(message);
  }
  if (code == SQLITE_OK) code = run(db, sql);
  sqlite3_close(db);
  return code;
}

START_TEST(memory_of_sqlite_registering) {
  install_sqlite_faults();
  close_database(open_filled());
  sweep_sqlite_faults(open_and_use, NULL, "SELECT token FROM koelectra_tokens('책')", 1);
}
END_TEST

Suite *sql_memory_suite(void);

Suite *sql_memory_suite(void) {
  Suite *suite = suite_create("sql_memory");
  TCase *tests = tcase_create("sql_memory");
#ifdef KOE_FAULTS
  tcase_add_test(tests, our_memory);
  tcase_add_test(tests, our_memory_registering);
  tcase_add_test(tests, our_memory_opening);
#endif
  tcase_add_test(tests, memory_of_sqlite);
  tcase_add_test(tests, memory_of_sqlite_registering);
  suite_add_tcase(suite, tests);
  return suite;
}
