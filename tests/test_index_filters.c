/* Conditions on the columns of koelectra_index against a plain table with the same rows: random
 * changes, random conditions, ranked by koelectra_cosine.  What a user sees is shown in
 * tests/sql/index_filters.sql. */
#include "index_support.h"
#include "support.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static unsigned seed;

static unsigned below(unsigned n) {
  return (unsigned)rand_r(&seed) % n;
}

/* ── random SQL ─────────────────────────────────────────────────────────────────────────────────
 */

/* Values of every type, some of which look like another. */
static const char *random_value(void) {
  static const char *const values[] = {"NULL",  "'a'",     "'A'",  "'b'",   "'ab'", "'abc'",
                                       "'B'",   "'1'",     "'01'", "'1.0'", "'-1'", "1",
                                       "1.0",   "2",       "-1",   "0",     "2.5",  "1e300",
                                       "x'61'", "x'6162'", "x''",  "''",    "'가'", "'가나'"};
  return values[below(sizeof values / sizeof values[0])];
}

/* One of 32 vectors, whose length is 1 without rounding: equal similarities are common, and equal
 * to the last bit however they are computed. */
static const char *random_body(void) {
  static char literal[16 + 2 * 4 * 32];
  if (below(8) == 0) return "NULL";
  unsigned one = below(32);
  char *to = stpcpy(literal, "x'");
  for (unsigned i = 0; i < 32; i++)
    to = stpcpy(to, i == one ? "0000803f" : "00000000");
  stpcpy(to, "'");
  return literal;
}

static const char query_vector[] =
    "koelectra_vector('[1,-2,3,4,5,-6,7,8,9,10,11,12,13,-14,15,16,17,"
    "18,19,20,21,-22,23,24,25,26,27,28,29,30,31,32]')";

static const char *const columns[] = {"city", "stars", "price", "\"any \"\"one\"", "tag"};

enum { COLUMNS = 5 };

static void append_value_list(sqlite3_str *out) {
  int count = (int)below(5);
  for (int i = 0; i < count; i++)
    sqlite3_str_appendf(out, "%s%s", i > 0 ? ", " : "", random_value());
}

/* Which conditions. */
typedef enum kind {
  ANY,
  /* Of which k rows are found: without a collation of <> and IS NOT, and without a range beside
   * LIKE, which SQLite has to check again. */
  EXACT,
  /* For an OR, without LIKE and GLOB, of which SQLite makes ranges there that leave out BLOBs, and
   * without collations, which SQLite 3.40 forgets where it makes an IN of it. */
  IN_OR,
  PATTERN /* LIKE or GLOB */
} kind;

static bool is_rough(const char *operator) {
  return strcmp(operator, "<>") == 0 || strcmp(operator, "IS NOT") == 0;
}

/* A condition on one column. */
static void append_condition(sqlite3_str *out, kind which) {
  static const char *const operators[] = {"=",  "<>", "<",      "<=", ">",
                                          ">=", "IS", "IS NOT", "=",  "="};
  static const char *const patterns[] = {"'a%'",  "'%b%'", "'A_'",    "'1%'", "'%.0'",
                                         "'가%'", "NULL",  "x'6125'", "''",   "'-%'"};
  static const char *const globs[] = {"'a*'",  "'*b*'", "'[aA]?'", "'1*'", "'*.0'",
                                      "'가*'", "NULL",  "x'612a'", "''",   "'-*'"};
  const char *column = columns[below(COLUMNS)], *operator= operators[below(10)];
  unsigned choice = below(12);
  if (which != ANY && (choice == 3 || choice == 4)) choice = 8;
  if (which == PATTERN) choice = 3 + below(2);
  bool collates = below(4) == 0 && which != IN_OR && (which == ANY || !is_rough(operator));
  switch (choice) {
  case 0:
    sqlite3_str_appendf(out, "%s IS%s NULL", column, below(2) == 0 ? "" : " NOT");
    break;
  case 1:
    sqlite3_str_appendf(out, "%s IN (", column);
    append_value_list(out);
    sqlite3_str_appendall(out, ")");
    break;
  case 2:
    sqlite3_str_appendf(out, "%s%s IN (SELECT v FROM pool WHERE n %% 4 = %u)", column,
                        below(3) == 0 ? " COLLATE NOCASE" : "", below(4));
    break;
  case 3:
    sqlite3_str_appendf(out, "%s LIKE %s", column, patterns[below(10)]);
    break;
  case 4:
    sqlite3_str_appendf(out, "%s GLOB %s", column, globs[below(10)]);
    break;
  case 5:
    sqlite3_str_appendf(out, "%s BETWEEN %s AND %s", column, random_value(), random_value());
    break;
  case 6:
    sqlite3_str_appendf(out, "rowid %s %u", operator, below(60));
    break;
  case 7:
    sqlite3_str_appendf(out, "rowid IN (%u, %u, 5, 7, 11, '13', 17.0, NULL)", below(60), below(60));
    break;
  default:
    sqlite3_str_appendf(out, "%s %s %s%s", column, operator, random_value(),
                        collates ? " COLLATE NOCASE" : "");
  }
}

static char *random_conditions(kind which) {
  sqlite3_str *out = sqlite3_str_new(NULL);
  append_condition(out, which);
  for (unsigned more = which == PATTERN ? 0 : below(3); more > 0; more--) {
    sqlite3_str_appendall(out, " AND ");
    append_condition(out, which);
  }
  char *text = sqlite3_str_finish(out);
  ck_assert_ptr_nonnull(text);
  return text;
}

/* ── an index and a table with the same rows ────────────────────────────────────────────────────
 */

static const char metadata[] = "city TEXT%s, stars INTEGER, price REAL%s, \"any \"\"one\" NUMERIC, "
                               "tag BLOB";

static sqlite3 *open_pair(bool partitions) {
  sqlite3 *db = open_tiny_database();
  sqlite3_extended_result_codes(db, 1);
  const char *key = partitions ? " PARTITION KEY" : "";
  char with_keys[256], plain[256];
  snprintf(with_keys, sizeof with_keys, metadata, key, key);
  snprintf(plain, sizeof plain, metadata, "", "");
  run_format(db,
             "CREATE VIRTUAL TABLE s USING koelectra_index(body, %s, +url);"
             "CREATE TABLE plain(rowid INTEGER PRIMARY KEY, body, %s, url);"
             "CREATE TABLE pool(n INTEGER, v)",
             with_keys, plain);
  for (int i = 0; i < 20; i++)
    run_format(db, "INSERT INTO pool VALUES(%d, %s)", i, random_value());
  return db;
}

/* Runs a statement in which @ stands for the table on both; both work, or both fail alike. */
__attribute__((format(printf, 2, 3))) static void change(sqlite3 *db, const char *format, ...) {
  va_list args;
  va_start(args, format);
  char *sql = sqlite3_vmprintf(format, args);
  va_end(args);
  ck_assert_ptr_nonnull(sql);
  int codes[2];
  for (int i = 0; i < 2; i++) {
    sqlite3_str *out = sqlite3_str_new(db);
    for (const char *at = sql; *at != '\0'; at++)
      sqlite3_str_appendf(out, *at == '@' ? (i == 0 ? "plain" : "s") : "%c", *at);
    char *text = sqlite3_str_finish(out);
    codes[i] = run(db, text) & 0xff;
    sqlite3_free(text);
  }
  ck_assert_msg(codes[0] == codes[1], "%s: code %d of the table, %d of the index: %s", sql,
                codes[0], codes[1], sqlite3_errmsg(db));
  sqlite3_free(sql);
}

static void change_something(sqlite3 *db) {
  unsigned rowid = 1 + below(60);
  const char *conflict[] = {"", "OR REPLACE", "OR IGNORE"};
  char *conditions = random_conditions(ANY);
  switch (below(10)) {
  case 0:
  case 1:
  case 2:
    change(db,
           "INSERT %s INTO @(rowid, body, city, stars, price, \"any \"\"one\", tag, url) "
           "VALUES(%u, %s, %s, %s, %s, %s, %s, %s)",
           conflict[below(3)], rowid, random_body(), random_value(), random_value(), random_value(),
           random_value(), random_value(), random_value());
    break;
  case 3:
    change(db, "INSERT OR REPLACE INTO @(rowid, body, tag) VALUES(%u, %s, %s)", rowid,
           random_body(), random_value());
    break;
  case 4:
    change(db, "UPDATE @ SET %s = %s WHERE %s", columns[below(COLUMNS)], random_value(),
           conditions);
    break;
  case 5:
    change(db, "UPDATE @ SET %s = %s, url = %s, body = %s WHERE rowid = %u",
           columns[below(COLUMNS)], random_value(), random_value(), random_body(), rowid);
    break;
  case 6:
    change(db, "UPDATE %s @ SET rowid = %u, city = %s WHERE rowid = %u", conflict[below(3)],
           1 + below(60), random_value(), rowid);
    break;
  case 7:
    change(db, "UPDATE @ SET body = %s WHERE rowid = %u", random_body(), rowid);
    break;
  case 8:
    change(db, "UPDATE @ SET url = %s, rowid = rowid + 100 WHERE rowid = %u AND rowid < 100",
           random_value(), rowid);
    break;
  default:
    change(db, "DELETE FROM @ WHERE rowid = %u", rowid + (below(2) == 0 ? 0 : 100));
  }
  sqlite3_free(conditions);
}

static void compare_rows(sqlite3 *db) {
  static const char list[] =
      "rowid, quote(city), quote(stars), quote(price), quote(\"any \"\"one\"), quote(tag), quote(url)";
  assert_same_text(query_text(db, "SELECT %s, quote(body) FROM plain ORDER BY rowid", list),
                   query_text(db, "SELECT %s, quote(body) FROM s ORDER BY rowid", list),
                   "all rows");
  assert_same_text(
      query_text(db, "SELECT %s FROM plain WHERE body IS NOT NULL ORDER BY rowid", list),
      query_text(db, "SELECT %s FROM s WHERE s MATCH %s ORDER BY rowid", list, query_vector),
      "all rows, ranked");
}

static char *ranking(const char *where) {
  return sqlite3_mprintf("SELECT rowid FROM plain WHERE body IS NOT NULL AND %s ORDER BY "
                         "koelectra_cosine(body, %s) DESC, rowid LIMIT",
                         where, query_vector);
}

/* Without k, any condition gives the rows of the table, whoever evaluates it. */
static void compare_any(sqlite3 *db) {
  char *where = random_conditions(ANY), *ranked = ranking(where);
  assert_same_text(query_text(db, "SELECT rowid FROM plain WHERE %s ORDER BY rowid", where),
                   query_text(db, "SELECT rowid FROM s WHERE %s ORDER BY rowid", where), where);
  assert_same_text(
      query_text(db, "%s -1", ranked),
      query_text(db, "SELECT rowid FROM s WHERE s MATCH %s AND %s", query_vector, where), where);
  unsigned limit = below(8), offset = below(4);
  const char *from = below(2) == 0 ? "s(%s) WHERE" : "s WHERE s MATCH %s AND";
  char *page = sqlite3_mprintf("SELECT rowid FROM %z %s LIMIT %u OFFSET %u",
                               sqlite3_mprintf(from, query_vector), where, limit, offset);
  assert_same_text(query_text(db, "%s %u OFFSET %u", ranked, limit, offset),
                   query_text(db, "%s", page), where);
  sqlite3_free(page);
  sqlite3_free(ranked);
  sqlite3_free(where);
}

static void compare_k(sqlite3 *db) {
  char *where = random_conditions(below(4) == 0 ? PATTERN : EXACT), *ranked = ranking(where);
  unsigned k = below(8);
  assert_same_text(query_text(db, "%s %u", ranked, k),
                   query_text(db, "SELECT rowid FROM s WHERE s MATCH %s AND k = %u AND %s",
                              query_vector, k, where),
                   where);
  sqlite3_free(ranked);
  sqlite3_free(where);
}

static void compare_or(sqlite3 *db) {
  char *one = random_conditions(IN_OR), *other = random_conditions(IN_OR);
  char *where = sqlite3_mprintf("((%s) OR (%s)) ORDER BY rowid", one, other);
  assert_same_text(
      query_text(db, "SELECT rowid FROM plain WHERE body IS NOT NULL AND %s", where),
      query_text(db, "SELECT rowid FROM s WHERE s MATCH %s AND %s", query_vector, where), where);
  sqlite3_free(where);
  sqlite3_free(other);
  sqlite3_free(one);
}

static void compare_conditions(sqlite3 *db) {
  compare_any(db);
  compare_k(db);
  compare_or(db);
}

/* In transactions, some of which are undone. */
START_TEST(same_as_a_table) {
  seed = (unsigned)_i + 1;
  sqlite3 *db = open_pair(_i % 2 == 0);
  for (int round = 0; round < 12; round++) {
    bool keep = below(3) > 0, savepoint = below(2) == 0;
    run_format(db, "BEGIN");
    for (int i = 0; i < 12; i++)
      change_something(db);
    if (savepoint) {
      run_format(db, "SAVEPOINT one");
      for (int i = 0; i < 5; i++)
        change_something(db);
      compare_conditions(db);
      run_format(db, below(2) == 0 ? "ROLLBACK TO one" : "RELEASE one");
    }
    for (int i = 0; i < 4; i++)
      compare_conditions(db);
    run_format(db, keep ? "COMMIT" : "ROLLBACK");
    compare_rows(db);
    for (int i = 0; i < 8; i++)
      compare_conditions(db);
    if (round == 8) run_format(db, "INSERT INTO s(s) VALUES('optimize')");
  }
  assert_sound(db, "s");
  run_format(db, "INSERT INTO s(s) VALUES('rebuild')");
  compare_rows(db);
  assert_sound(db, "s");
  close_database(db);
}
END_TEST

/* Many rows in several chunks, of which a condition leaves few or most. */
START_TEST(many_rows) {
  sqlite3 *db = open_tiny_database();
  run_format(
      db, "CREATE TABLE t AS WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n LIMIT "
          "2000) SELECT i, i %% 100 AS part, i %% 7 AS day, koelectra_vector('[' || (i %% 13 + 1) "
          "|| ',' || (i %% 17 + 1) || ',' || (i %% 29 + 1) || replace(hex(zeroblob(29)), '00', "
          "',0') || ']') AS v FROM n;"
          "CREATE VIRTUAL TABLE s USING koelectra_index(body, part INTEGER PARTITION KEY, "
          "day INTEGER);"
          "INSERT INTO s(rowid, body, part, day) SELECT i, v, part, day FROM t;"
          "DELETE FROM s WHERE rowid %% 3 = 0; DELETE FROM t WHERE i %% 3 = 0");
  static const char *const conditions[] = {"part = 5",
                                           "part <> 5",
                                           "part IN (1, 2, 3) AND day = 2",
                                           "day < 6",
                                           "part = 5 AND day IN (1, 2)",
                                           "part > 98",
                                           "part = 1000",
                                           "day IS NOT NULL"};
  for (size_t i = 0; i < sizeof conditions / sizeof conditions[0]; i++) {
    for (int k = 1; k < 2000; k = 4 * k + 1) {
      /* Equal but for rounding, so that the order may differ: the sums of similarities do not. */
      char *expected =
          query_text(db,
                     "SELECT count(*), round(sum(c), 3) FROM (SELECT koelectra_cosine(v, "
                     "(SELECT v FROM t WHERE i = 7)) AS c FROM t WHERE %s ORDER BY c DESC "
                     "LIMIT %d)",
                     conditions[i], k);
      char *found = query_text(db,
                               "SELECT count(*), round(sum(similarity), 3) FROM s WHERE s MATCH "
                               "(SELECT v FROM t WHERE i = 7) AND k = %d AND %s",
                               k, conditions[i]);
      assert_same_text(expected, found, conditions[i]);
    }
  }
  assert_sound(db, "s");
  close_database(db);
}
END_TEST

/* A LIKE of the user's own is the one that chooses. */
static void like_reversed(sqlite3_context *context, int argc, sqlite3_value **argv) {
  (void)argc;
  const char *pattern = (const char *)sqlite3_value_text(argv[0]);
  const char *text = (const char *)sqlite3_value_text(argv[1]);
  if (pattern != NULL && text != NULL) sqlite3_result_int(context, strcmp(pattern, text) != 0);
}

START_TEST(own_like) {
  sqlite3 *db = open_tiny_database();
  run_format(db, "CREATE VIRTUAL TABLE s USING koelectra_index(body, city TEXT);"
                 "INSERT INTO s VALUES('책', 'a'), ('책', 'b'), ('책', 'c')");
  static const char sql[] = "SELECT group_concat(rowid) FROM s WHERE s MATCH '책' AND k = 2 AND "
                            "city LIKE 'b'";
  assert_sql(db, sql, "2");
  sqlite3_create_function(db, "like", 2, SQLITE_UTF8, NULL, like_reversed, NULL, NULL);
  assert_sql(db, sql, "1,3");
  close_database(db);
}
END_TEST

Suite *index_filters_suite(void);

Suite *index_filters_suite(void) {
  Suite *suite = suite_create("index_filters");
  TCase *tests = tcase_create("index_filters");
  tcase_set_timeout(tests, 60);
  tcase_add_loop_test(tests, same_as_a_table, 0, 6);
  tcase_add_test(tests, many_rows);
  tcase_add_test(tests, own_like);
  suite_add_tcase(suite, tests);
  return suite;
}
