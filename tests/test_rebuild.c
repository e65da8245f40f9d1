/* 'rebuild': seen while it runs, interrupted, resumed, undone.  The file it leaves is told in
 * test_rebuild_journal.c, processes that are killed in kill/. */
#define SQLITE_CORE /* the headers of ext/ are read as the suites are linked */
#include "../ext/index/rebuild_texts.h"
#include "../model/memory.h"
#include "index_support.h"
#include "support.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { ROWS = 1500 };

static char database[128], journal[160];

/* A database with an index `s` over `article`, which is read through a view that calls spy(id). */
static sqlite3 *open_watched(const char *schema) {
  snprintf(database, sizeof database, "%s/a.db", temporary_directory());
  snprintf(journal, sizeof journal, "%s-s-rebuild", database);
  koe_rebuild_texts_set_delay(0);
  sqlite3 *db = open_database_file(*schema == 'm' ? database : ":memory:");
  load_tiny(db);
  run_format(db, "PRAGMA synchronous = OFF");
  if (*schema == 'a') run_format(db, "ATTACH %Q AS a", database);
  run_format(db,
             "CREATE TABLE %s.article(id INTEGER PRIMARY KEY, body TEXT);"
             "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n LIMIT %d) "
             "INSERT INTO article SELECT i, iif(i %% 50 = 0, NULL, '글 ' || i || ' 번') FROM n",
             schema, ROWS);
  return db;
}

/* What spy(id) does at a row. */
typedef struct spy {
  sqlite3 *other; /* a connection that looks */
  const char *sql;
  char *seen;
  int row;
  bool interrupt;
  int row_of_journal; /* from which on there is one; 0: as the delay says */
} spy;

static spy watching;

static void spy_function(sqlite3_context *context, int argc, sqlite3_value **argv) {
  (void)argc;
  if (sqlite3_value_int(argv[0]) == watching.row) {
    watching.row = -1; /* once: 'integrity-check' reads the view too */
    if (watching.sql != NULL) run_sql(watching.other, watching.sql, &watching.seen);
    if (watching.interrupt) sqlite3_interrupt(sqlite3_context_db_handle(context));
  }
  if (watching.row_of_journal > 0 && sqlite3_value_int(argv[0]) == watching.row_of_journal) {
    koe_rebuild_texts_set_delay(0);
  }
  sqlite3_result_value(context, argv[0]);
}

static void watch(sqlite3 *db, const char *schema) {
  sqlite3_create_function(db, "spy", 1, SQLITE_UTF8, NULL, spy_function, NULL, NULL);
  run_format(db,
             "CREATE VIEW %s.watched AS SELECT spy(id) AS id, body FROM article;"
             "CREATE VIRTUAL TABLE %s.s USING koelectra_index(body, content=watched, "
             "content_rowid=id)",
             schema, schema);
}

static sqlite3 *open_spied(void) {
  sqlite3 *db = open_watched("main");
  watch(db, "main");
  watching = (spy){.row = -1};
  return db;
}

static bool has_journal(void) {
  struct stat info;
  return lstat(journal, &info) == 0;
}

static const char rebuild[] = "INSERT INTO s(s) VALUES('rebuild')";

/* A rebuild that is stopped at a row. */
static void interrupt_at(sqlite3 *db, int row) {
  watching = (spy){.row = row, .interrupt = true};
  ck_assert_int_eq(run(db, rebuild), SQLITE_INTERRUPT);
}

/* What was saved of it, as another connection sees it. */
static int64_t count_saved(void) {
  sqlite3 *other = open_database();
  char *sql = sqlite3_mprintf("SELECT total(done) FROM koelectra_progress(%Q) WHERE NOT running "
                              "AND resumable",
                              database);
  int64_t saved = query_integer(other, sql);
  sqlite3_free(sql);
  close_database(other);
  return saved;
}

/* ── resuming ───────────────────────────────────────────────────────────────────────────────────
 */

/* Interrupted again and again, a rebuild gets there, and gives the same as one that was not. */
START_TEST(resumed) {
  sqlite3 *db = open_spied();
  int64_t before = 0;
  for (int row = 400; row < ROWS; row += 300) {
    interrupt_at(db, row);
    ck_assert(has_journal());
    ck_assert_int_gt(count_saved(), before);
    before = count_saved();
    /* Nothing is half there. */
    assert_sql(db, "SELECT count(*) FROM s_rows UNION ALL SELECT count(*) FROM s_chunks", "0\n0");
  }
  watching = (spy){.other = open_database(),
                   .sql = "SELECT resumed, done, total FROM koelectra_progress",
                   .row = ROWS};
  run_format(db, rebuild);
  char expected[64];
  snprintf(expected, sizeof expected, "%d|", (int)before);
  ck_assert_msg(strncmp(watching.seen, expected, strlen(expected)) == 0, "%s", watching.seen);
  sqlite3_free(watching.seen);
  ck_assert(!has_journal());
  ck_assert_int_eq(count_saved(), 0);
  assert_sound(db, "s");
  assert_sql(db,
             "SELECT count(*), count(body), "
             "(SELECT count(*) FROM s WHERE s MATCH '글 7 번' AND k = 100000) FROM s",
             "1500|1470|1470");

  /* A copy of the vectors, made at once. */
  run_format(db, "CREATE TABLE kept AS SELECT * FROM s_vectors");
  run_format(db, rebuild);
  assert_sql(db,
             "SELECT (SELECT count(*) FROM kept) = (SELECT count(*) FROM s_vectors), "
             "(SELECT group_concat(hex(vectors)) FROM kept) = "
             "(SELECT group_concat(hex(vectors)) FROM s_vectors)",
             "1|1");
  close_database(watching.other);
  close_database(db);
}
END_TEST

/* What has changed since is embedded; what a wrong vector would be noticed by. */
START_TEST(changed_since) {
  sqlite3 *db = open_spied();
  interrupt_at(db, 1200);
  run_format(db, "UPDATE article SET body = '다른 글 ' || id WHERE id %% 3 = 0;"
                 "UPDATE article SET id = id + 100000 WHERE id %% 7 = 0;"
                 "DELETE FROM article WHERE id < 20");
  run_format(db, rebuild);
  assert_sound(db, "s");
  run_format(db, "CREATE TEMP TABLE q AS SELECT id, body FROM article "
                 "WHERE body IS NOT NULL AND id %% 41 = 1");
  assert_sql(db,
             "SELECT count(*) > 20, total((SELECT min(similarity) FROM s WHERE s MATCH q.body "
             "AND rowid = q.id) > 0.99999) = count(*) FROM q",
             "1|1");
  close_database(db);
}
END_TEST

/* Another model's vectors are not taken. */
START_TEST(another_model) {
  sqlite3 *db = open_spied();
  interrupt_at(db, 1200);
  ck_assert_int_gt(count_saved(), 0);
  assert_sql(db, "SELECT koelectra_load('default', 'tests/reference/bare')", "default");
  watching =
      (spy){.other = open_database(), .sql = "SELECT resumed FROM koelectra_progress", .row = 1200};
  run_format(db, rebuild);
  ck_assert_str_eq(watching.seen, "0");
  sqlite3_free(watching.seen);
  assert_sound(db, "s");
  assert_sql(db, "SELECT count(*) FROM s WHERE s MATCH '글' AND k = 100000", "1470");
  ck_assert(!has_journal());
  close_database(watching.other);
  close_database(db);
}
END_TEST

/* Texts that are there many times are embedded once, as soon as there is a journal. */
START_TEST(repeated_texts) {
  sqlite3 *db = open_spied();
  run_format(db, "UPDATE article SET body = '같은 글 ' || (id %% 300)");
  interrupt_at(db, 1400);
  ck_assert_int_ge(count_saved(), 300);
  ck_assert_int_lt(count_saved(), 700);
  run_format(db, rebuild);
  assert_sound(db, "s");
  assert_sql(
      db, "SELECT count(*), min(similarity) > 0.99999 FROM s WHERE s MATCH '같은 글 7' AND k = 5",
      "5|1");
  close_database(db);
}
END_TEST

/* Metadata of every type, which a view gives in another order, are those of their rows. */
START_TEST(metadata) {
  static const char check[] =
      "SELECT count(*), total(s.shop IS a.shop), total(s.stars IS a.stars), "
      "total(s.price IS a.price) FROM s JOIN article AS a ON a.id = s.rowid";
  sqlite3 *db = open_watched("main");
  sqlite3_create_function(db, "spy", 1, SQLITE_UTF8, NULL, spy_function, NULL, NULL);
  run_format(
      db, "ALTER TABLE article ADD COLUMN shop TEXT; ALTER TABLE article ADD COLUMN stars INTEGER;"
          "ALTER TABLE article ADD COLUMN price REAL;"
          "UPDATE article SET shop = nullif('가게 ' || (id %% 7), '가게 3'), "
          "stars = nullif(id %% 5, 4), price = nullif(id / 4.0, 10.0);"
          "UPDATE article SET shop = '' WHERE id %% 11 = 0;"
          "CREATE VIEW watched AS SELECT spy(id) AS id, body, shop, stars, price FROM article "
          "ORDER BY id * 7 %% 1501 DESC;"
          "CREATE VIRTUAL TABLE s USING koelectra_index(body, shop TEXT PARTITION KEY, "
          "stars INTEGER, price REAL, content=watched, content_rowid=id)");
  interrupt_at(db, 77);
  run_format(db, rebuild);
  assert_sound(db, "s");
  assert_sql(db, check, "1500|1500.0|1500.0|1500.0");
  assert_sql(db, "SELECT count(*) FROM s WHERE s MATCH '글' AND k = 5000 AND shop = '가게 2'",
             "191");
  run_format(db, "DROP TABLE s;"
                 "CREATE VIRTUAL TABLE s USING koelectra_index(body, shop TEXT PARTITION KEY, "
                 "stars INTEGER, price REAL);"
                 "INSERT INTO s(rowid, body, shop, stars, price) SELECT * FROM article");
  run_format(db, rebuild);
  assert_sound(db, "s");
  assert_sql(db, check, "1500|1500.0|1500.0|1500.0");
  close_database(db);
}
END_TEST

/* ── progress ───────────────────────────────────────────────────────────────────────────────────
 */

static int handler_calls;
static int64_t last_done;

/* SQLite's rule: a progress handler does not use the connection it is of. */
static int handle(void *other) {
  sqlite3_stmt *statement = prepare(other, "SELECT done, total FROM koelectra_progress");
  handler_calls++;
  if (sqlite3_step(statement) == SQLITE_ROW) {
    ck_assert_int_ge(sqlite3_column_int64(statement, 0), last_done);
    last_done = sqlite3_column_int64(statement, 0);
    ck_assert_int_eq(sqlite3_column_int(statement, 1), ROWS);
  }
  sqlite3_finalize(statement);
  return 0;
}

static int stop(void *calls) {
  return --*(int *)calls == 0;
}

START_TEST(progress_handler) {
  sqlite3 *db = open_spied(), *other = open_database();
  sqlite3_progress_handler(db, 100, handle, other);
  run_format(db, rebuild);
  ck_assert_int_gt(handler_calls, 20);
  ck_assert_int_gt(last_done, ROWS / 2);
  int calls = 60;
  sqlite3_progress_handler(db, 100, stop, &calls);
  ck_assert_int_eq(run(db, rebuild), SQLITE_INTERRUPT);
  sqlite3_progress_handler(db, 0, NULL, NULL);
  assert_sound(db, "s");
  assert_sql(db, "SELECT count(*) FROM s", "1500");
  assert_sql(other, "SELECT count(*) FROM koelectra_progress", "0");
  close_database(other);
  close_database(db);
}
END_TEST

START_TEST(seen_by_others) {
  static const char sql[] =
      "SELECT name, operation, done BETWEEN 900 AND 1300, total, rows_per_second > 0, "
      "seconds_left > 0, resumed, resumable, running FROM koelectra_progress";
  sqlite3 *db = open_spied();
  watching = (spy){.other = open_database(), .sql = sql, .row = 1300};
  run_format(db, rebuild);
  ck_assert_str_eq(watching.seen, "s|rebuild|1|1500|1|1|0|1|1");
  sqlite3_free(watching.seen);
  close_database(watching.other);

  /* A connection to the same database sees it once; so does a path. */
  watching.other = open_database_file(database);
  watching.sql = "SELECT count(*) FROM koelectra_progress UNION ALL "
                 "SELECT count(*) FROM koelectra_progress((SELECT file FROM pragma_database_list))";
  run_format(watching.other, "PRAGMA cache_size = 10");
  run_format(db, "PRAGMA journal_mode = WAL");
  watching.row = 1300;
  run_format(db, rebuild);
  ck_assert_str_eq(watching.seen, "1\n1");
  sqlite3_free(watching.seen);
  assert_sql(watching.other, "SELECT count(*) FROM koelectra_progress", "0");
  close_database(watching.other);
  close_database(db);
}
END_TEST

/* An index in memory has nothing to resume from; an attached one has. */
START_TEST(in_memory_and_attached) {
  for (int attached = 0; attached < 2; attached++) {
    sqlite3 *db = open_watched(attached ? "a" : "temp");
    watch(db, attached ? "a" : "temp");
    watching = (spy){.other = open_database(),
                     .sql = "SELECT database IS NULL, resumable, done > 0 FROM koelectra_progress",
                     .row = 1300};
    run_format(db, rebuild);
    ck_assert_str_eq(watching.seen, attached ? "0|1|1" : "1|0|1");
    sqlite3_free(watching.seen);
    close_database(watching.other);
    interrupt_at(db, 1300);
    ck_assert_int_eq(has_journal(), attached);
    if (attached) ck_assert_int_gt(query_integer(db, "SELECT done FROM koelectra_progress"), 0);
    close_database(db);
  }
}
END_TEST

/* The journal has what was done before it was made, too. */
START_TEST(begun_later) {
  sqlite3 *db = open_spied();
  koe_rebuild_texts_set_delay(1000);
  watching = (spy){.row = 1400, .interrupt = true, .row_of_journal = 1000};
  ck_assert_int_eq(run(db, rebuild), SQLITE_INTERRUPT);
  ck_assert_int_gt(count_saved(), 1000);
  run_format(db, rebuild);
  assert_sound(db, "s");
  close_database(db);
}
END_TEST

/* A rebuild of less than a second leaves no trace. */
START_TEST(short_rebuilds) {
  sqlite3 *db = open_spied();
  koe_rebuild_texts_set_delay(1000);
  interrupt_at(db, 1400);
  ck_assert(!has_journal());
  close_database(db);
}
END_TEST

/* ── transactions ───────────────────────────────────────────────────────────────────────────────
 */

/* The journal goes when the rebuild is committed, and no sooner. */
START_TEST(committed_or_not) {
  static const struct {
    const char *before, *after, *end;
    bool kept;
  } cases[] = {
      {"BEGIN", "", "COMMIT", false},
      {"BEGIN", "", "ROLLBACK", true},
      {"SAVEPOINT a", "", "RELEASE a", false},
      {"BEGIN; SAVEPOINT a", "ROLLBACK TO a", "COMMIT", true},
      {"BEGIN; SAVEPOINT a; SAVEPOINT b", "RELEASE b; ROLLBACK TO a", "COMMIT", true},
      {"BEGIN; SAVEPOINT a", "SAVEPOINT b; DELETE FROM s WHERE rowid = 1; ROLLBACK TO b", "COMMIT",
       false},
      {"BEGIN; DELETE FROM s WHERE rowid = 1; SAVEPOINT a",
       "RELEASE a; SAVEPOINT a; DELETE FROM s WHERE rowid = 2; ROLLBACK TO a", "COMMIT", false},
      {"BEGIN; DELETE FROM s WHERE rowid = 1; SAVEPOINT a",
       "INSERT INTO s(s) VALUES('rebuild'); ROLLBACK TO a", "ROLLBACK", true},
  };
  sqlite3 *db = open_spied();
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    run_format(db, "%s", cases[i].before);
    run_format(db, rebuild);
    ck_assert_msg(has_journal(), "case %zu: no file before the end", i);
    run_format(db, "%s", cases[i].after);
    run_format(db, "%s", cases[i].end);
    ck_assert_msg(has_journal() == cases[i].kept, "case %zu", i);
    if (cases[i].kept) ck_assert_int_gt(count_saved(), 0);
    assert_sound(db, "s");
    unlink(journal);
  }
  /* Nor when the connection ends without. */
  run_format(db, "BEGIN");
  run_format(db, rebuild);
  close_database(db);
  ck_assert_int_gt(count_saved(), 0);
}
END_TEST

START_TEST(dropped_or_renamed) {
  sqlite3 *db = open_spied();
  interrupt_at(db, 1300);
  ck_assert(has_journal());
  run_format(db, "ALTER TABLE s RENAME TO r");
  ck_assert(!has_journal());
  run_format(db, "ALTER TABLE r RENAME TO s");
  interrupt_at(db, 1300);
  ck_assert(has_journal());
  run_format(db, "DROP TABLE s");
  ck_assert(!has_journal());
  close_database(db);
}
END_TEST

/* ── what goes wrong ────────────────────────────────────────────────────────────────────────────
 */

/* What is in the place of the journal is let alone, and the rebuild goes on without. */
START_TEST(something_in_its_place) {
  sqlite3 *db = open_spied();
  write_file(journal, "mine", 4);
  watching = (spy){
      .other = open_database(), .sql = "SELECT resumable FROM koelectra_progress", .row = 1300};
  run_format(db, rebuild);
  ck_assert_str_eq(watching.seen, "0");
  sqlite3_free(watching.seen);
  close_database(watching.other);
  assert_sound(db, "s");
  size_t length;
  char *bytes = read_file(journal, &length);
  ck_assert_str_eq(bytes, "mine");
  free(bytes);
  close_database(db);
}
END_TEST

/* A rebuild that fails for a row keeps what it has done. */
START_TEST(failing_row) {
  sqlite3 *db = open_spied();
  run_format(db, "UPDATE article SET body = x'c3' WHERE id = 1400");
  assert_sql_fails(db, rebuild, SQLITE_ERROR, "row 1400");
  ck_assert_int_gt(count_saved(), 1000);
  run_format(db, "UPDATE article SET body = '글' WHERE id = 1400");
  run_format(db, rebuild);
  assert_sound(db, "s");
  ck_assert(!has_journal());
  close_database(db);
}
END_TEST

#ifdef KOE_FAULTS
START_TEST(short_memory) {
  sqlite3 *db = open_spied();
  run_format(db, "DELETE FROM article WHERE id > 400");
  run_format(db, rebuild);
  interrupt_at(db, 350);
  int code = SQLITE_NOMEM, failures = 0;
  for (long n = 1; code != SQLITE_OK; n += 1 + n / 20) {
    ck_assert_int_lt(n, 100000);
    koe_memory_fail_after(n);
    code = run(db, rebuild);
    koe_memory_fail_after(0);
    ck_assert_msg(code == SQLITE_OK || code == SQLITE_NOMEM, "allocation %ld: code %d", n, code);
    if (code != SQLITE_OK) failures++;
    if (!sqlite3_get_autocommit(db)) run_format(db, "ROLLBACK");
    assert_sound(db, "s");
    assert_sql(db,
               "SELECT count(*), (SELECT count(*) FROM koelectra_progress WHERE running) FROM s",
               "400|0");
  }
  ck_assert_int_gt(failures, 10);
  close_database(db);
}
END_TEST
#endif

Suite *rebuild_suite(void);

Suite *rebuild_suite(void) {
  Suite *suite = suite_create("rebuild");
  TCase *tests = tcase_create("rebuild");
  tcase_add_test(tests, resumed);
  tcase_add_test(tests, changed_since);
  tcase_add_test(tests, another_model);
  tcase_add_test(tests, repeated_texts);
  tcase_add_test(tests, metadata);
  tcase_add_test(tests, progress_handler);
  tcase_add_test(tests, seen_by_others);
  tcase_add_test(tests, in_memory_and_attached);
  tcase_add_test(tests, begun_later);
  tcase_add_test(tests, short_rebuilds);
  tcase_add_test(tests, committed_or_not);
  tcase_add_test(tests, dropped_or_renamed);
  tcase_add_test(tests, something_in_its_place);
  tcase_add_test(tests, failing_row);
#ifdef KOE_FAULTS
  tcase_add_test(tests, short_memory);
#endif
  suite_add_tcase(suite, tests);
  return suite;
}
