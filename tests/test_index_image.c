/* What koelectra_index finds through its image in memory is what the stored vectors say, whoever
 * has changed them: the oracle is the ranking of all rows, for which every vector is read. */
#include "index_support.h"
#include "interrupt.h"
#include "support.h"

#include "../model/memory.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static sqlite3_int64 images(sqlite3 *db, const char *key) {
  char sql[128];
  snprintf(sql, sizeof sql, "SELECT json_extract(koelectra_info(), '$.images.%s')", key);
  return query_integer(db, sql);
}

static void set_cache(sqlite3 *db, sqlite3_int64 bytes) {
  run_format(db, "SELECT koelectra_config('cache_bytes', %lld)", bytes);
}

/* ── the oracle ─────────────────────────────────────────────────────────────────────────────────
 */

typedef struct found {
  sqlite3_int64 rowid;
  double similarity;
} found;

typedef struct ranking {
  found *rows;
  size_t count, capacity;
} ranking;

/* Runs a query whose ?1 is test_vector(n); no assertion, so that any thread may. */
static int rank(sqlite3 *db, const char *sql, int n, ranking *out) {
  sqlite3_stmt *statement;
  out->count = 0;
  int code = sqlite3_prepare_v2(db, sql, -1, &statement, NULL);
  if (code != SQLITE_OK) return code;
  sqlite3_bind_int(statement, 1, n);
  while (sqlite3_step(statement) == SQLITE_ROW) {
    if (out->count == out->capacity) {
      out->capacity = 2 * out->capacity + 64;
      out->rows = realloc(out->rows, out->capacity * sizeof *out->rows);
      if (out->rows == NULL) abort();
    }
    out->rows[out->count++] =
        (found){sqlite3_column_int64(statement, 0), sqlite3_column_double(statement, 1)};
  }
  return sqlite3_finalize(statement);
}

/* Which of all rows a query should find. */
typedef struct wish {
  size_t k;
  double more_than;           /* similarity */
  sqlite3_int64 first, last;  /* rowids */
  sqlite3_int64 multiples_of; /* rowids */
} wish;

/* NULL, or what is wrong with what a query found.
 *
 *   all   every row, ranked by reading it */
static const char *compare(const ranking *all, const ranking *some, const wish *w) {
  size_t expected = 0;
  for (size_t i = 0; i < all->count && expected < w->k; i++) {
    const found *row = &all->rows[i];
    if (!(row->similarity > w->more_than) || row->rowid < w->first || row->rowid > w->last ||
        row->rowid % w->multiples_of != 0) {
      continue;
    }
    if (expected == some->count) return "too few rows";
    if (some->rows[expected].rowid != row->rowid) return "another row";
    /* Not nearly: the very bits. */
    if (some->rows[expected++].similarity != row->similarity) return "another similarity";
  }
  return expected == some->count ? NULL : "too many rows";
}

/* Compares every kind of search; NULL, or what is wrong. */
static const char *try_searches(sqlite3 *db, const char *index, int n) {
  static const sqlite3_int64 any = INT64_MAX;
  const struct {
    const char *where;
    wish wish;
  } searches[] = {
      {"k = 1", {1, -2, -any, any, 1}},
      {"k = 10", {10, -2, -any, any, 1}},
      {"k = 300", {300, -2, -any, any, 1}},
      {"k = 100000", {100000, -2, -any, any, 1}},
      {"s.similarity > 0.8", {SIZE_MAX, 0.8, -any, any, 1}},
      {"s.similarity > -0.2", {SIZE_MAX, -0.2, -any, any, 1}},
      {"s.similarity > -0.2 AND k = 1100", {1100, -0.2, -any, any, 1}},
      {"s.similarity > 0.5 AND k = 7", {7, 0.5, -any, any, 1}},
      {"k = 5 AND s.rowid BETWEEN 100 AND 900", {5, -2, 100, 900, 1}},
      {"k = 5 AND s.rowid > 300 AND s.rowid < 310", {5, -2, 301, 309, 1}},
      {"k = 5 AND s.rowid < 0", {5, -2, -any, -1, 1}},
      {"k = 9 AND s.rowid IN (WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 3 FROM n LIMIT "
       "1000) SELECT i FROM n)",
       {9, -2, 0, 2999, 3}},
      {"k = 9 AND s.rowid > 50 AND s.rowid IN (WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 "
       "FROM n LIMIT 2500) SELECT i FROM n)",
       {9, -2, 51, 2499, 1}},
  };
  char sql[512];
  ranking all = {0}, some = {0};
  const char *wrong = NULL;
  snprintf(sql, sizeof sql,
           "SELECT s.rowid, s.similarity FROM %s AS s WHERE s.body MATCH test_vector(?1)", index);
  if (rank(db, sql, n, &all) != SQLITE_OK) wrong = "the oracle failed";
  for (size_t i = 0; wrong == NULL && i < sizeof searches / sizeof searches[0]; i++) {
    snprintf(sql, sizeof sql,
             "SELECT s.rowid, s.similarity FROM %s AS s WHERE s.body MATCH test_vector(?1) AND %s",
             index, searches[i].where);
    if (rank(db, sql, n, &some) != SQLITE_OK) wrong = "the search failed";
    if (wrong == NULL) wrong = compare(&all, &some, &searches[i].wish);
  }
  free(all.rows);
  free(some.rows);
  return wrong;
}

static void assert_searches(sqlite3 *db, const char *index, int n) {
  const char *wrong = try_searches(db, index, n);
  ck_assert_msg(wrong == NULL, "%s, vector %d: %s: %s", index, n, wrong, sqlite3_errmsg(db));
}

/* A database, in memory where `path` is NULL, whose index `s` has that many rows. */
static sqlite3 *open_index(const char *path, int rows) {
  sqlite3 *db = open_vector_database(path);
  run_format(db, "CREATE VIRTUAL TABLE s USING koelectra_index(body)");
  insert_vectors(db, "s", 1, rows);
  return db;
}

/* ── one connection ─────────────────────────────────────────────────────────────────────────────
 */

static unsigned seed;

static int below(int n) {
  return (int)((unsigned)rand_r(&seed) % (unsigned)n);
}

static void change_something(sqlite3 *db, const char *index) {
  int rowid = 1 + below(1500);
  switch (below(6)) {
  case 0:
    run_format(db, "INSERT OR REPLACE INTO %s(rowid, body) VALUES(%d, test_vector(%d))", index,
               rowid, below(300));
    break;
  case 1:
    run_format(db, "UPDATE %s SET body = test_vector(rowid + %d) WHERE rowid BETWEEN %d AND %d",
               index, below(100), rowid, rowid + below(20));
    break;
  case 2:
    run_format(db, "DELETE FROM %s WHERE rowid BETWEEN %d AND %d", index, rowid,
               rowid + below(200));
    break;
  case 3:
    run_format(db, "UPDATE OR REPLACE %s SET rowid = %d WHERE rowid = %d", index, 1 + below(2000),
               rowid);
    break;
  case 4:
    if (below(4) == 0) run_format(db, "INSERT INTO %s(%s) VALUES('optimize')", index, index);
    break;
  default:
    run_format(db,
               "INSERT OR IGNORE INTO %s(rowid, body) SELECT value, test_vector(value %% 211) "
               "FROM json_each('[%d,%d,%d,%d]')",
               index, rowid, rowid + 1, rowid + 700, below(5000));
  }
}

START_TEST(random_changes) {
  sqlite3 *db = open_index(NULL, 1300);
  seed = 1u + (unsigned)_i;
  for (int round = 0; round < 8; round++) {
    int changes = below(6), end = below(4);
    if (end > 0) run_format(db, "BEGIN");
    change_something(db, "s");
    assert_searches(db, "s", below(1000));
    run_format(db, "SAVEPOINT p");
    for (int i = 0; i < changes; i++)
      change_something(db, "s");
    if (below(2)) assert_searches(db, "s", below(1000)); /* what is not committed is found */
    if (below(2)) run_format(db, "ROLLBACK TO p");
    assert_searches(db, "s", below(1000));
    run_format(db, "RELEASE p");
    if (end > 0) run_format(db, end == 1 ? "COMMIT" : "ROLLBACK");
    assert_searches(db, "s", below(1000));
    ck_assert_int_eq(images(db, "count"), 1); /* older ones have gone */
  }
  assert_sound(db, "s");
  run_format(db, "DELETE FROM s");
  assert_searches(db, "s", 1);
  insert_vectors(db, "s", 1, 3);
  assert_searches(db, "s", 1);
  run_format(db, "DROP TABLE s");
  ck_assert_int_eq(images(db, "count"), 0);
  ck_assert_int_eq(images(db, "bytes"), 0);
  close_database(db);
}
END_TEST

/* A change of one row makes one block anew; the others stay. */
START_TEST(unchanged_blocks_stay) {
  sqlite3 *db = open_index(NULL, 2560);
  run_format(db, "CREATE TABLE before AS SELECT id, stamp FROM s_chunks");
  assert_searches(db, "s", 1);
  run_format(db, "UPDATE s SET body = test_vector(7777) WHERE rowid = 300");
  assert_sql(db,
             "SELECT group_concat(id) FROM s_chunks JOIN before USING (id) "
             "WHERE s_chunks.stamp <> before.stamp",
             "2");
  /* Vectors of a chunk that is not read again are not missed, until their row is a candidate. */
  run_format(db, "DELETE FROM s_vectors WHERE id BETWEEN 33 AND 160");
  assert_sql(db, "SELECT rowid FROM s WHERE s MATCH test_vector(7777) AND k = 1", "300");
  assert_sql_fails(db, "SELECT rowid FROM s WHERE s MATCH test_vector(1000) AND k = 1",
                   SQLITE_CORRUPT, "s_vectors is damaged (run ");
  close_database(db);
}
END_TEST

/* Chosen rows are read one by one where they are few, and make an image worth its reading where
 * they are many. */
START_TEST(chosen_rows) {
  static const char *const query =
      "SELECT s.rowid, s.similarity FROM s WHERE s MATCH test_vector(?1) AND k = 50 AND s.rowid IN "
      "(WITH RECURSIVE n(i) AS (SELECT 2 UNION ALL SELECT i + 2 FROM n LIMIT %d) SELECT i FROM n)";
  const int counts[] = {1, 40, 300, 4200};
  char sql[512];
  ranking all = {0}, some = {0};
  sqlite3 *db = open_index(NULL, 8500);
  ck_assert_int_eq(
      rank(db, "SELECT rowid, similarity FROM s WHERE s MATCH test_vector(?1)", 9, &all),
      SQLITE_OK);
  for (int i = 0; i < 4; i++) {
    snprintf(sql, sizeof sql, query, counts[i]);
    ck_assert_int_eq(rank(db, sql, 9, &some), SQLITE_OK);
    const wish wished = {50, -2, 1, 2 * counts[i], 2};
    const char *wrong = compare(&all, &some, &wished);
    ck_assert_msg(wrong == NULL, "%d rows: %s", counts[i], wrong);
    ck_assert_int_eq(images(db, "count"), i == 3);
  }
  free(all.rows);
  free(some.rows);
  close_database(db);
}
END_TEST

/* ── several connections and files ──────────────────────────────────────────────────────────────
 */

START_TEST(snapshots) {
  const char *path = temporary_file("wal.db");
  sqlite3 *a = open_index(path, 1000), *b = open_vector_database(path);
  run_format(a, "PRAGMA journal_mode = wal");
  seed = 7;
  for (int round = 0; round < 4; round++) {
    run_format(b, "BEGIN");
    assert_searches(b, "s", round);
    ranking before = {0}, after = {0};
    static const char *const query =
        "SELECT rowid, similarity FROM s WHERE s MATCH test_vector(?1) AND k = 20";
    ck_assert_int_eq(rank(b, query, round, &before), SQLITE_OK);
    for (int i = 0; i < 3; i++) {
      change_something(a, "s");
      assert_searches(a, "s", round);
      /* Its snapshot. */
      ck_assert_int_eq(rank(b, query, round, &after), SQLITE_OK);
      ck_assert_uint_eq(before.count, after.count);
      ck_assert_mem_eq(before.rows, after.rows, before.count * sizeof *before.rows);
      assert_searches(b, "s", round);
    }
    run_format(b, "COMMIT");
    assert_searches(b, "s", round);
    free(before.rows);
    free(after.rows);
  }
  run_format(b, "DROP TABLE s");
  assert_sql_fails(a, "SELECT rowid FROM s WHERE s MATCH test_vector(1) AND k = 1", SQLITE_ERROR,
                   "no such table");
  close_database(a);
  close_database(b);
}
END_TEST

/* Another process changes the file; what was in memory is not taken for what it holds now. */
START_TEST(another_process) {
  const char *path = temporary_file("process.db");
  sqlite3 *db = open_index(path, 1000);
  assert_searches(db, "s", 5);
  close_database(db);
  pid_t child = fork();
  if (child == 0) {
    db = open_vector_database(path);
    assert_searches(db, "s", 5);
    seed = 3;
    for (int i = 0; i < 5; i++)
      change_something(db, "s");
    run_format(db, "INSERT OR REPLACE INTO s(rowid, body) VALUES(500, test_vector(99999))");
    close_database(db);
    _exit(0);
  }
  int status;
  ck_assert_int_eq(waitpid(child, &status, 0), child);
  ck_assert(WIFEXITED(status) && WEXITSTATUS(status) == 0);
  db = open_vector_database(path);
  ck_assert_int_eq(images(db, "count"), 1); /* of the connection that was closed */
  assert_sql(db, "SELECT rowid FROM s WHERE s MATCH test_vector(99999) AND k = 1", "500");
  assert_searches(db, "s", 5);
  close_database(db);
}
END_TEST

/* A host that connects anew for each request finds the image, and leaves no old ones behind. */
START_TEST(connection_for_each_request) {
  const char *path = temporary_file("requests.db");
  sqlite3 *db = open_index(path, 1000);
  assert_searches(db, "s", 1);
  sqlite3_int64 bytes = images(db, "bytes");
  close_database(db);
  for (int i = 1; i < 5; i++) {
    db = open_vector_database(path);
    ck_assert_int_eq(images(db, "count"), 1);
    run_format(db, "UPDATE s SET body = test_vector(%d) WHERE rowid = %d", 5000 + i, 200 * i);
    assert_searches(db, "s", 5000 + i);
    ck_assert_int_eq(images(db, "count"), 1);
    ck_assert_int_eq(images(db, "bytes"), bytes);
    close_database(db);
  }
}
END_TEST

/* A copy of the file shares the memory of what is the same, and goes its own way. */
START_TEST(copies) {
  char copy[1024];
  snprintf(copy, sizeof copy, "%s", temporary_file("copy.db"));
  sqlite3 *db = open_index(temporary_file("original.db"), 1500);
  assert_searches(db, "s", 5);
  sqlite3_int64 bytes = images(db, "bytes");
  run_format(db, "VACUUM INTO %Q; ATTACH %Q AS copy", copy, copy);
  assert_searches(db, "copy.s", 5);
  ck_assert_int_eq(images(db, "count"), 1);
  ck_assert_int_eq(images(db, "bytes"), bytes);
  run_format(db, "DELETE FROM copy.s WHERE rowid = 3");
  assert_searches(db, "copy.s", 3);
  assert_searches(db, "main.s", 3);
  ck_assert_int_eq(images(db, "count"), 2);
  ck_assert_int_lt(images(db, "bytes"), bytes + bytes / 3);
  seed = 17;
  for (int i = 0; i < 4; i++) {
    change_something(db, "s");
    run_format(db, "UPDATE copy.s SET body = test_vector(%d) WHERE rowid = %d", i, 100 * i + 1);
    assert_searches(db, "main.s", i);
    assert_searches(db, "copy.s", i);
  }
  run_format(db, "DETACH copy");
  assert_searches(db, "s", 5);
  close_database(db);
}
END_TEST

/* ── memory ─────────────────────────────────────────────────────────────────────────────────────
 */

START_TEST(little_memory) {
  sqlite3 *db = open_index(NULL, 1500);
  run_format(db, "CREATE VIRTUAL TABLE t USING koelectra_index(body)");
  insert_vectors(db, "t", 1, 1500);
  assert_searches(db, "s", 1);
  sqlite3_int64 bytes = images(db, "bytes");
  ck_assert_int_gt(bytes, 1500 * 32 / 2);
  assert_searches(db, "t", 1);
  ck_assert_int_eq(images(db, "count"), 2);
  set_cache(db, bytes + bytes / 2); /* one of the two: the one used last */
  ck_assert_int_eq(images(db, "count"), 1);
  for (int i = 0; i < 3; i++) {
    assert_searches(db, "s", i);
    assert_searches(db, "t", i);
    ck_assert_int_eq(images(db, "count"), 1);
    ck_assert_int_le(images(db, "bytes"), bytes + bytes / 2);
  }
  static const sqlite3_int64 too_little[] = {0, 1, 70000};
  for (size_t i = 0; i < sizeof too_little / sizeof too_little[0]; i++) {
    set_cache(db, too_little[i] < bytes ? too_little[i] : bytes / 2);
    ck_assert_int_eq(images(db, "bytes"), 0);
    assert_searches(db, "s", 7);
    ck_assert_int_eq(images(db, "bytes"), 0);
  }
  set_cache(db, 512 << 20);
  assert_searches(db, "s", 7);
  ck_assert_int_eq(images(db, "count"), 1);
  assert_sql_fails(db, "SELECT koelectra_config('cache_bytes', -1)", SQLITE_ERROR,
                   "cache_bytes is a number from 0");
  close_database(db);
}
END_TEST

static const char first_search[] = "SELECT rowid FROM s WHERE s MATCH test_vector(8) AND k = 2";

static void assert_nothing_kept(sqlite3 *db) {
  ck_assert_int_eq(images(db, "count"), 0);
  ck_assert_int_eq(images(db, "bytes"), 0);
}

#ifdef KOE_FAULTS
START_TEST(no_memory) {
  sqlite3 *db = open_index(NULL, 600);
  int code = SQLITE_NOMEM, failures = 0;
  for (long n = 1; code != SQLITE_OK; n++) {
    koe_memory_fail_after(n);
    code = run(db, first_search);
    koe_memory_fail_after(0);
    ck_assert_msg(code == SQLITE_OK || code == SQLITE_NOMEM, "allocation %ld: %s", n,
                  sqlite3_errmsg(db));
    if (code == SQLITE_OK) break;
    failures++;
    run_format(db, "SELECT koelectra_config('cache_bytes', 0); "
                   "SELECT koelectra_config('cache_bytes', 1 << 29)");
    assert_nothing_kept(db);
  }
  ck_assert_int_gt(failures, 10);
  assert_searches(db, "s", 8);
  close_database(db);
}
END_TEST
#endif

START_TEST(interrupted_reading) {
  sqlite3 *db = open_index(NULL, 2000);
  int code = SQLITE_INTERRUPT, interrupted = 0;
  for (int n = 1; code != SQLITE_OK; n++) {
    code = run_interrupted(db, first_search, 5, n);
    if (code == SQLITE_OK) break;
    ck_assert_int_eq(code, SQLITE_INTERRUPT);
    interrupted++;
    if (images(db, "count") == 0) assert_nothing_kept(db);
  }
  ck_assert_int_gt(interrupted, 5);
  assert_searches(db, "s", 8);
  close_database(db);
}
END_TEST

/* ── threads ────────────────────────────────────────────────────────────────────────────────────
 */

enum { READERS = 3, SEARCHES = 6 };

typedef struct reader {
  pthread_t thread;
  const char *path;
  int number;
  const char *wrong; /* NULL: nothing */
} reader;

/* Each search and its oracle see one snapshot. */
static void *read_snapshots(void *argument) {
  reader *r = argument;
  sqlite3 *db = add_test_vector(open_database_file(r->path));
  sqlite3_busy_timeout(db, 10000);
  for (int i = 0; i < SEARCHES && r->wrong == NULL; i++) {
    run(db, "BEGIN");
    r->wrong = try_searches(db, "s", 10 * r->number + i);
    run(db, "COMMIT");
  }
  if (sqlite3_close(db) != SQLITE_OK) r->wrong = "does not close";
  return NULL;
}

static void *write_changes(void *argument) {
  reader *r = argument;
  sqlite3 *db = add_test_vector(open_database_file(r->path));
  sqlite3_busy_timeout(db, 10000);
  for (int i = 0; i < 12 && r->wrong == NULL; i++) {
    char sql[256];
    snprintf(sql, sizeof sql,
             "BEGIN IMMEDIATE; UPDATE s SET body = test_vector(rowid + %d) WHERE rowid = %d; "
             "DELETE FROM s WHERE rowid = %d; INSERT INTO s(body) VALUES(test_vector(%d)); COMMIT",
             i, 37 * i + 1, 53 * i + 2, i);
    if (run(db, sql) != SQLITE_OK) r->wrong = "a change failed";
    if (i % 4 == 3) r->wrong = try_searches(db, "s", i);
  }
  if (sqlite3_close(db) != SQLITE_OK) r->wrong = "does not close";
  return NULL;
}

START_TEST(threads) {
  const char *path = temporary_file("threads.db");
  sqlite3 *db = open_index(path, 1200);
  reader readers[READERS + 1];
  run_format(db, "PRAGMA journal_mode = wal");
  for (int i = 0; i <= READERS; i++) {
    readers[i] = (reader){.path = path, .number = i};
    ck_assert_int_eq(pthread_create(&readers[i].thread, NULL,
                                    i < READERS ? read_snapshots : write_changes, &readers[i]),
                     0);
  }
  for (int i = 0; i <= READERS; i++) {
    ck_assert_int_eq(pthread_join(readers[i].thread, NULL), 0);
    ck_assert_msg(readers[i].wrong == NULL, "thread %d: %s", i, readers[i].wrong);
  }
  assert_searches(db, "s", 1);
  assert_sound(db, "s");
  close_database(db);
}
END_TEST

Suite *index_image_suite(void);

Suite *index_image_suite(void) {
  Suite *suite = suite_create("index_image");
  TCase *tests = tcase_create("index_image");
  tcase_add_loop_test(tests, random_changes, 0, 2);
  tcase_add_test(tests, unchanged_blocks_stay);
  tcase_add_test(tests, chosen_rows);
  tcase_add_test(tests, snapshots);
  tcase_add_test(tests, another_process);
  tcase_add_test(tests, connection_for_each_request);
  tcase_add_test(tests, copies);
  tcase_add_test(tests, little_memory);
#ifdef KOE_FAULTS
  tcase_add_test(tests, no_memory);
#endif
  tcase_add_test(tests, interrupted_reading);
  tcase_add_test(tests, threads);
  suite_add_tcase(suite, tests);
  return suite;
}
