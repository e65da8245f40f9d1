/* koelectra_index against a plain table with the same rows: random changes in random transactions.
 * What a user sees is shown in tests/sql/index_*.sql. */
#include "index_support.h"
#include "support.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ── the same changes to an index and to a table ────────────────────────────────────────────────
 */

/* `naive` holds what the index `s` should; both see the same statements and the same rollbacks. */
typedef struct pair {
  sqlite3 *db;
  bool external; /* the index's texts are in `naive`, whose triggers tell it of changes */
  bool two;      /* another index `t` sees the same changes */
  unsigned seed;
  int savepoints; /* open ones */
  bool in_transaction;
} pair;

static unsigned below(pair *p, unsigned n) {
  return (unsigned)rand_r(&p->seed) % n;
}

/* A literal: one of 32 vectors, whose length is 1 without rounding. */
static const char *random_vector(pair *p) {
  static char blob[4 + 2 * 4 * 32];
  unsigned one = below(p, 32);
  char *to = stpcpy(blob, "x'");
  for (unsigned i = 0; i < 32; i++)
    to = stpcpy(to, i == one ? "0000803f" : "00000000");
  stpcpy(to, "'");
  return blob;
}

/* A literal: NULL, a vector, or one of a few hundred texts. */
static const char *random_text(pair *p) {
  static const char *const words[] = {"배우", "연기", "비가", "책",   "영화", "김치",
                                      "문",   "서울", "오늘", "새로", "좋은", "book"};
  static char text[128];
  if (below(p, 12) == 0) return "NULL";
  if (below(p, 40) == 0) return "''";
  if (below(p, 6) == 0) return random_vector(p);
  snprintf(text, sizeof text, "'%s %s %u'", words[below(p, 12)], words[below(p, 12)], below(p, 3));
  return text;
}

/* Runs a statement in which @ stands for the table. */
static int run_on(pair *p, const char *sql, const char *table) {
  sqlite3_str *out = sqlite3_str_new(p->db);
  for (const char *at = sql; *at != '\0'; at++) {
    if (*at == '@') {
      sqlite3_str_appendall(out, table);
    } else {
      sqlite3_str_appendchar(out, 1, *at);
    }
  }
  char *text = sqlite3_str_finish(out);
  ck_assert_ptr_nonnull(text);
  int code = run(p->db, text);
  sqlite3_free(text);
  return code;
}

/* Runs a statement on the table and on the index: both work, or both fail alike. */
__attribute__((format(printf, 2, 3))) static void change(pair *p, const char *format, ...) {
  char sql[1024];
  va_list args;
  va_start(args, format);
  int length = vsnprintf(sql, sizeof sql, format, args);
  va_end(args);
  ck_assert(length > 0 && length < (int)sizeof sql);
  int table_code = run_on(p, sql, "naive");
  ck_assert_msg(table_code == SQLITE_OK || table_code == SQLITE_CONSTRAINT, "%s: code %d: %s", sql,
                table_code, sqlite3_errmsg(p->db));
  if (p->external) return;
  int index_code = run_on(p, sql, "s");
  ck_assert_msg(table_code == index_code, "%s: code %d, but %d in the table: %s", sql, index_code,
                table_code, sqlite3_errmsg(p->db));
  if (p->two) ck_assert_int_eq(run_on(p, sql, "t"), table_code);
}

static void change_rows(pair *p) {
  enum { ROWIDS = 700 };
  static const char *const conflict[] = {"", " OR REPLACE", " OR IGNORE", " OR FAIL", " OR ABORT"};
  const char *how = conflict[below(p, 5)];
  unsigned rowid = 1 + below(p, ROWIDS), other = 1 + below(p, ROWIDS);
  switch (below(p, 10)) {
  case 0:
  case 1:
    change(p, "INSERT%s INTO @(rowid, body) VALUES(%u, %s)", how, rowid, random_text(p));
    break;
  case 2: /* several rows at once, of which some may be there */
    change(
        p,
        "WITH RECURSIVE n(i) AS (SELECT %u UNION ALL SELECT i + 1 FROM n LIMIT %u) "
        "INSERT%s INTO @(rowid, body) SELECT i, CASE i %% 9 WHEN 0 THEN NULL WHEN 1 THEN i ELSE '글 ' || (i %% 90) END "
        "FROM n",
        rowid, below(p, 80) + 1, how);
    break;
  case 3:
    change(p, "UPDATE%s @ SET body = %s WHERE rowid = %u", how, random_text(p), rowid);
    break;
  case 4:
    change(p, "UPDATE%s @ SET rowid = %u WHERE rowid = %u", how, other, rowid);
    break;
  case 5:
    change(p,
           "UPDATE%s @ SET rowid = rowid + 100, body = CASE typeof(body) WHEN 'blob' THEN body "
           "ELSE body || '!' END WHERE rowid BETWEEN %u AND %u",
           how, rowid, rowid + below(p, 20));
    break;
  case 6: /* onto the next row, which may be there */
    change(p, "UPDATE%s @ SET rowid = rowid + 1 WHERE rowid BETWEEN %u AND %u", how, rowid,
           rowid + below(p, 8));
    break;
  case 7:
    change(p, "DELETE FROM @ WHERE rowid = %u", rowid);
    break;
  case 8:
    change(p, "DELETE FROM @ WHERE rowid BETWEEN %u AND %u", rowid, rowid + below(p, 30));
    break;
  default:
    change(p, "INSERT INTO @(body) VALUES(%s)", random_text(p));
  }
}

static void change_transaction(pair *p) {
  unsigned which = below(p, 8);
  if (which < 4) {
    run_format(p->db, "SAVEPOINT p%d", ++p->savepoints);
  } else if (p->savepoints > 0 && which < 7) {
    unsigned to = 1 + below(p, (unsigned)p->savepoints);
    bool back = which != 6;
    run_format(p->db, back ? "ROLLBACK TO p%u" : "RELEASE p%u", to);
    p->savepoints = (int)to - (back ? 0 : 1);
  } else if (p->in_transaction) {
    run_format(p->db, below(p, 2) ? "COMMIT" : "ROLLBACK");
    p->in_transaction = false;
    p->savepoints = 0;
  } else if (p->savepoints == 0) {
    run_format(p->db, "BEGIN");
    p->in_transaction = true;
  }
}

static void run_command(pair *p, const char *command) {
  run_format(p->db, "INSERT INTO s(s) VALUES('%s')", command);
}

/* What may come in the middle of a transaction and changes no row. */
static void interfere(pair *p) {
  switch (below(p, 5)) {
  case 0: /* what is not written yet is found */
    assert_sql(p->db,
               "SELECT (SELECT count(*) FROM s WHERE s MATCH '글' AND k = 7) = "
               "(SELECT min(7, count(body)) FROM naive)",
               "1");
    break;
  case 1:
    run_command(p, "optimize");
    break;
  case 2:
    assert_sound(p->db, "s");
    break;
  case 3: /* SQLite reads the schema again, and connects to the index once more */
    run_format(p->db, "ALTER TABLE spare RENAME COLUMN a TO b;"
                      "ALTER TABLE spare RENAME COLUMN b TO a");
    break;
  default: /* a vector that is not written yet is read */
    assert_sql(
        p->db,
        "SELECT count(*) FROM s JOIN naive AS n ON n.rowid = s.rowid WHERE s.body IS NOT n.body",
        "0");
  }
}

/* ── what must hold afterwards ──────────────────────────────────────────────────────────────────
 */

/* The rows of the index are those of `truth`, best first, and none that it left out is better;
 * equal similarities may come in any order. */
static void assert_ranked(pair *p, const char *query, const char *where, int k) {
  char *found =
      sqlite3_mprintf("CREATE TEMP TABLE found AS SELECT s.rowid AS id, s.similarity AS similarity "
                      "FROM s WHERE s MATCH %Q AND k = %d AND %s",
                      query, k, where);
  ck_assert_ptr_nonnull(found);
  run_format(p->db, "DROP TABLE IF EXISTS temp.found");
  run_format(p->db, "%s", found);
  sqlite3_free(found);
  char sql[512];
  snprintf(sql, sizeof sql,
           "SELECT (SELECT count(DISTINCT id) FROM found) = "
           "(SELECT min(count(*), %d) FROM truth AS s WHERE %s) "
           "AND NOT EXISTS (SELECT 1 FROM found LEFT JOIN truth USING (id) "
           "WHERE cosine IS NULL OR abs(cosine - similarity) > 1e-5)",
           k, where);
  ck_assert_msg(query_integer(p->db, sql) == 1, "%s, k = %d, %s: not the rows of the table", query,
                k, where);
  snprintf(sql, sizeof sql,
           "SELECT count(*) FROM truth AS s WHERE %s AND id NOT IN (SELECT id FROM found) "
           "AND cosine > (SELECT min(similarity) FROM found) + 1e-5",
           where);
  ck_assert_msg(query_integer(p->db, sql) == 0, "%s, k = %d, %s: nearer rows are left out", query,
                k, where);
  assert_sql(p->db,
             "SELECT count(*) FROM found AS a JOIN found AS b ON b.rowid = a.rowid + 1 "
             "WHERE b.similarity > a.similarity",
             "0");
}

static void assert_equal(pair *p) {
  static const char *const queries[] = {"배우 연기가 좋은 영화", "글 7", ""};
  assert_sql(
      p->db,
      "SELECT count(*) FROM (SELECT rowid, body FROM s EXCEPT SELECT rowid, body FROM naive)", "0");
  assert_sql(p->db,
             "SELECT (SELECT count(*) FROM s) = (SELECT count(*) FROM naive), "
             "(SELECT count(*) FROM naive AS n JOIN s ON s.rowid = n.rowid WHERE s.body IS n.body) "
             "= (SELECT count(*) FROM naive)",
             "1|1");
  assert_sound(p->db, "s");
  if (p->two) {
    assert_sql(p->db,
               "SELECT count(*) FROM (SELECT rowid, body FROM s EXCEPT SELECT rowid, body FROM t)",
               "0");
    assert_sql(p->db, "SELECT (SELECT count(*) FROM s) = (SELECT count(*) FROM t)", "1");
    assert_sound(p->db, "t");
  }
  const char *query = queries[below(p, 3)];
  run_format(
      p->db,
      "DROP TABLE IF EXISTS temp.truth;"
      "CREATE TEMP TABLE truth(id INTEGER PRIMARY KEY, cosine REAL);"
      "INSERT INTO truth SELECT rowid, koelectra_cosine(CASE typeof(body) WHEN 'blob' THEN body "
      "ELSE koelectra_embed(body) END, koelectra_embed(%Q)) FROM naive WHERE body IS NOT NULL",
      query);
  assert_ranked(p, query, "1", 1 + (int)below(p, 20));
  assert_ranked(p, query, "1", 1000000);
  char where[128];
  unsigned first = below(p, 500);
  snprintf(where, sizeof where, "s.rowid > %u AND s.rowid <= %u.5", first, first + below(p, 300));
  assert_ranked(p, query, where, 1 + (int)below(p, 20));
  assert_ranked(p, query,
                "s.rowid IN (SELECT 7 * value FROM json_each("
                "'[1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,40,60,80,2,2]'))",
                5);
}

/* ── the test ───────────────────────────────────────────────────────────────────────────────────
 */

static void open_pair(pair *p, bool external, unsigned seed) {
  *p = (pair){.db = open_tiny_database(),
              .external = external,
              .two = !external && seed % 2 == 0,
              .seed = seed};
  run_format(p->db, "CREATE TABLE spare(a);"
                    "CREATE TABLE naive(rowid INTEGER PRIMARY KEY, body TEXT)");
  if (p->two) run_format(p->db, "CREATE VIRTUAL TABLE t USING koelectra_index(body)");
  run_format(p->db, external ? "CREATE VIRTUAL TABLE s USING koelectra_index(body, content='naive')"
                             : "CREATE VIRTUAL TABLE s USING koelectra_index(body)");
  if (external) {
    run_format(p->db, "CREATE TRIGGER naive_insert AFTER INSERT ON naive BEGIN"
                      "  INSERT INTO s(rowid, body) VALUES(new.rowid, new.body); END;"
                      "CREATE TRIGGER naive_delete AFTER DELETE ON naive BEGIN"
                      "  DELETE FROM s WHERE rowid = old.rowid; END;"
                      "CREATE TRIGGER naive_update AFTER UPDATE ON naive"
                      "  WHEN new.rowid <> old.rowid OR new.body IS NOT old.body BEGIN"
                      "  DELETE FROM s WHERE rowid = old.rowid;"
                      "  INSERT INTO s(rowid, body) VALUES(new.rowid, new.body); END");
  }
}

static void end_transactions(pair *p) {
  if (sqlite3_get_autocommit(p->db)) return;
  run_format(p->db, below(p, 3) ? "COMMIT" : "ROLLBACK");
  p->in_transaction = false;
  p->savepoints = 0;
}

static void compare_with_table(bool external, unsigned seed) {
  enum { ROUNDS = 9, CHANGES = 60 };
  pair p;
  sqlite3_int64 rows = 0;
  open_pair(&p, external, seed);
  for (int round = 0; round < ROUNDS; round++) {
    for (int i = 0; i < CHANGES; i++) {
      if (below(&p, 4) == 0) change_transaction(&p);
      change_rows(&p);
      if (below(&p, 8) == 0) interfere(&p);
    }
    /* Also what is not committed yet is found. */
    assert_equal(&p);
    end_transactions(&p);
    if (round % 3 == 1) run_command(&p, "optimize");
    if (round % 3 == 2) run_command(&p, "rebuild");
    assert_equal(&p);
    rows += query_integer(p.db, "SELECT count(*) FROM s");
  }
  ck_assert_int_gt(rows, 100 * ROUNDS);
  run_format(p.db, "DROP TABLE s; DROP TABLE IF EXISTS t; DROP TABLE naive; DROP TABLE spare");
  assert_sql(p.db, "SELECT count(*) FROM sqlite_schema", "0");
  close_database(p.db);
}

enum { SEEDS = 6 };

START_TEST(own_content) {
  compare_with_table(false, 1u + (unsigned)_i);
}
END_TEST

START_TEST(external_content) {
  compare_with_table(true, 101u + (unsigned)_i);
}
END_TEST

/* Deleted slots are taken again; 'optimize' leaves one chunk at most that is not full. */
START_TEST(room_is_reused) {
  sqlite3 *db = open_tiny_database();
  run_format(db, "CREATE VIRTUAL TABLE s USING koelectra_index(body);"
                 "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n LIMIT 1024) "
                 "INSERT INTO s(rowid, body) SELECT i, '글' || i FROM n");
  assert_sql(db, "SELECT count(*), sum(free) FROM s_chunks", "4|0");
  run_format(db, "DELETE FROM s WHERE rowid %% 3 = 0");
  assert_sql(db, "SELECT count(*), sum(free) FROM s_chunks", "4|341");
  run_format(db, "INSERT INTO s(rowid, body) SELECT rowid + 2000, '문' FROM s LIMIT 100");
  assert_sql(db, "SELECT count(*), sum(free) FROM s_chunks", "4|241");
  run_format(db, "DELETE FROM s WHERE rowid < 600");
  run_format(db, "INSERT INTO s(s) VALUES('optimize')");
  assert_sql(
      db,
      "SELECT count(*) - (count(*) FILTER (WHERE free = 0)) <= 1, sum(256 - free) FROM s_chunks",
      "1|383");
  assert_sound(db, "s");
  run_format(db, "DELETE FROM s");
  assert_sql(db, "SELECT (SELECT count(*) FROM s_chunks) + (SELECT count(*) FROM s_vectors)", "0");
  assert_sound(db, "s");
  close_database(db);
}
END_TEST

/* More than the queue holds, in one statement and in one transaction; what is replaced or deleted
 * before it is written leaves nothing. */
START_TEST(queue_that_fills) {
  sqlite3 *db = open_tiny_database();
  run_format(db,
             "CREATE VIRTUAL TABLE s USING koelectra_index(body);"
             "CREATE TABLE ready AS SELECT value AS id, koelectra_embed('글 ' || value) AS v "
             "FROM json_each('[1,2,3,4,5,6,7]'); BEGIN;"
             "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n LIMIT 3000) "
             "INSERT INTO s(rowid, body) SELECT i, CASE WHEN i %% 3 THEN "
             "(SELECT v FROM ready WHERE id = 1 + i %% 7) ELSE '글 ' || (1 + i %% 7) END FROM n");
  assert_sql(db, "SELECT count(*), sum(free) FROM s_chunks", "8|0"); /* of 3000 rows, 2048 */
  run_format(db, "INSERT OR REPLACE INTO s(rowid, body) SELECT rowid, '다른 글' FROM s "
                 "WHERE rowid > 2900; DELETE FROM s WHERE rowid BETWEEN 2001 AND 2990;"
                 "UPDATE s SET rowid = rowid + 10000 WHERE rowid > 2990");
  assert_sql(db, "SELECT count(*) FROM s WHERE s MATCH '다른 글' AND similarity > 0.9999", "10");
  assert_sql(db,
             "SELECT count(*) FROM s JOIN ready ON id = 1 + s.rowid % 7 WHERE s MATCH "
             "(SELECT v FROM ready WHERE id = 3) AND s.rowid <= 2000 AND id = 3 AND "
             "abs(similarity - 1) > 1e-5",
             "0");
  assert_sql(db, "SELECT count(*), max(rowid), sum(rowid) FROM s", "2010|13000|2130955");
  assert_sql(db, "SELECT sum(256 - free) FROM s_chunks", "2010");
  assert_sound(db, "s");
  run_format(db, "COMMIT");
  assert_sound(db, "s");
  close_database(db);
}
END_TEST

Suite *index_suite(void);

Suite *index_suite(void) {
  Suite *suite = suite_create("index");
  TCase *tests = tcase_create("index");
  tcase_add_loop_test(tests, own_content, 0, SEEDS);
  tcase_add_loop_test(tests, external_content, 0, SEEDS);
  tcase_add_test(tests, room_is_reused);
  tcase_add_test(tests, queue_that_fills);
  suite_add_tcase(suite, tests);
  return suite;
}
