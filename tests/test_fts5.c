/* Full-text search: where terms stand, what is found, and what happens to bad and to long texts. */
#include "../ext/fts5_terms.h"
#include "../ext/koelectra.h"
#include "database.h"
#include "index_support.h"
#include "sqlite_faults.h"
#include "support.h"

#include <stdint.h>
#include <stdlib.h>

/* ── terms ──────────────────────────────────────────────────────────────────────────────────────
 */

/* Writes terms as `영화:0-3 =영:0-3`; '=' is at the position of the one before. */
static int describe_term(void *context, const koe_term *term) {
  sqlite3_str *out = context;
  sqlite3_str_appendf(out, "%s%s%.*s:%d-%d", sqlite3_str_length(out) > 0 ? " " : "",
                      term->colocated ? "=" : "", term->length, term->bytes, term->start,
                      term->end);
  return SQLITE_OK;
}

static void assert_terms(koe_terms_mode mode, const char *text, const char *expected) {
  sqlite3_str *out = sqlite3_str_new(NULL);
  ck_assert_int_eq(koe_terms_read((koe_text){text, strlen(text)}, mode, describe_term, out),
                   SQLITE_OK);
  char *seen = sqlite3_str_finish(out);
  ck_assert_str_eq(seen != NULL ? seen : "", expected);
  sqlite3_free(seen);
}

START_TEST(terms_of_scripts) {
  const koe_terms_mode document = KOE_TERMS_DOCUMENT, query = KOE_TERMS_QUERY;
  assert_terms(document, "", "");
  assert_terms(document, " .?", "");
  assert_terms(document, "영화관", "영화:0-3 =영:0-3 화관:3-6 =화:3-6 관:6-9");
  assert_terms(query, "영화관", "영화:0-3 화관:3-6 관:6-9");
  assert_terms(KOE_TERMS_LOOSE, "영화관 책", "영화:0-3 화관:3-6 책:10-13");
  assert_terms(query, "책", "책:0-3");
  assert_terms(query, "ELECTRA를", "electra:0-7 를:7-10");
  assert_terms(query, "를2018", "를:0-3 2018:3-7");
  assert_terms(query, "ㅋㅋ 漢字 かな", "ㅋㅋ:0-3 ㅋ:3-6 漢字:7-10 字:10-13 かな:14-17 な:17-20");
  assert_terms(query, "Ärger Ёлка İ", "arger:0-6 елка:7-15 i:16-18");
  assert_terms(query, "👍좋👍a", "👍:0-4 좋:4-7 👍:7-11 a:11-12");
  assert_terms(query, "snake_case don't", "snake:0-5 case:6-10 don:11-14 t:15-16");
}
END_TEST

START_TEST(terms_of_composed) {
  /* 각 as three letters, with a fourth that joins nothing; é as two; ガ is not カ. */
  assert_terms(KOE_TERMS_QUERY, "\u1100\u1161\u11A8도", "각도:0-9 도:9-12");
  assert_terms(KOE_TERMS_QUERY, "\u1100\u1161\u1161", "가\u1161:0-9 \u1161:9-9");
  assert_terms(KOE_TERMS_QUERY, "cafe\u0301s", "cafes:0-7");
  assert_terms(KOE_TERMS_QUERY, "カ\u3099", "ガ:0-6");
  assert_terms(KOE_TERMS_QUERY, "x\u0301", "x:0-3");
}
END_TEST

START_TEST(terms_of_invalid) {
  /* What is no character is skipped, as the tokenizer of the models skips it. */
  assert_terms(KOE_TERMS_QUERY, "영\xFF화", "영화:0-3 화:4-7");
  assert_terms(KOE_TERMS_QUERY, "a\xED\xA0\x80z", "az:0-5");
  assert_terms(KOE_TERMS_QUERY, "\x80\xC1\xF5 a\xEC\x98", "a:4-5");
  assert_terms(KOE_TERMS_QUERY, "영\u200B화", "영화:0-3 화:6-9");
}
END_TEST

typedef struct places {
  int length;
  int last_end;
  size_t terms;
} places;

static int check_place(void *context, const koe_term *term) {
  places *p = context;
  ck_assert_int_gt(term->length, 0);
  ck_assert_int_le(term->length, KOE_TERM_MAX);
  ck_assert_int_le(term->start, term->end);
  ck_assert_int_le(term->end, p->length);
  if (term->colocated) {
    ck_assert_int_eq(term->end, p->last_end);
  } else {
    ck_assert_int_ge(term->start, p->last_end);
  }
  p->last_end = term->end;
  p->terms++;
  return SQLITE_OK;
}

static uint32_t next_random(uint32_t *state) {
  *state = *state * 1664525u + 1013904223u;
  return *state >> 8;
}

/* Writes up to `most` pieces of everything that is read in a way of its own. */
static size_t random_text(uint32_t *state, char *out, size_t most) {
  static const char *const parts[] = {"영",     "화",        "관",       "서울",   "a",
                                      "B",      "é",         "e\u0301",  " ",      ".",
                                      "\"",     "👍",         "ㅋ",       "\u1100", "\u1161",
                                      "\u11A8", "\xFF",      "\xEC\x98", "\u0301", "\u200D",
                                      "\uFE0F", "漢",        "カ\u3099", "\u1161", "2",
                                      "İ",      "*",         "-",        "ﬁ",      "\xED\xA0\x80",
                                      "AND ",   "\U000E0100"};
  size_t length = 0;
  for (size_t n = next_random(state) % (most + 1); n > 0; n--) {
    const char *part = parts[next_random(state) % (sizeof parts / sizeof parts[0])];
    memcpy(out + length, part, strlen(part));
    length += strlen(part);
  }
  out[length] = '\0';
  return length;
}

START_TEST(places_never_overlap) {
  char text[400];
  uint32_t state = 7;
  size_t terms = 0;
  int count = full_sweeps() ? 20000 : 5000;
  for (int i = 0; i < count; i++) {
    size_t length = random_text(&state, text, 40);
    char *exact = malloc(length > 0 ? length : 1); /* AddressSanitizer sees a read beyond */
    memcpy(exact, text, length);
    places p = {.length = (int)length};
    koe_terms_mode mode = i % 3 == 0   ? KOE_TERMS_DOCUMENT
                          : i % 3 == 1 ? KOE_TERMS_QUERY
                                       : KOE_TERMS_LOOSE;
    ck_assert_int_eq(koe_terms_read((koe_text){exact, length}, mode, check_place, &p), SQLITE_OK);
    terms += p.terms;
    free(exact);
  }
  ck_assert_uint_gt(terms, 5 * (size_t)count);
}
END_TEST

static int fail_at_third(void *context, const koe_term *term) {
  int *left = context;
  (void)term;
  return --*left == 0 ? SQLITE_NOMEM : SQLITE_OK;
}

START_TEST(callback_ends_the_reading) {
  static const char text[] = "영화관에서 ELECTRA를 👍 cafe\u0301 \u1100\u1161\u1161";
  const koe_text whole = {text, sizeof text - 1};
  for (int n = 1; n <= 12; n++) {
    int left = n;
    ck_assert_int_eq(koe_terms_read(whole, KOE_TERMS_DOCUMENT, fail_at_third, &left), SQLITE_NOMEM);
    ck_assert_int_eq(left, 0);
  }
}
END_TEST

/* ── what is found ──────────────────────────────────────────────────────────────────────────────
 */

/* A table `t` of `count` random texts, kept in `plain` as well. */
static sqlite3 *open_random(int count, size_t most, bool hangul) {
  static const char *const syllables[] = {"영", "화", "관", "가", " "};
  char text[400];
  uint32_t state = 11;
  sqlite3 *db = open_database();
  assert_sql(db,
             "CREATE VIRTUAL TABLE t USING fts5(body, tokenize = koelectra); "
             "CREATE TABLE plain(body); BEGIN",
             "");
  sqlite3_stmt *insert = prepare(db, "INSERT INTO plain VALUES(?1)");
  for (int i = 0; i < count; i++) {
    size_t length = 0;
    if (hangul) {
      for (size_t n = next_random(&state) % most; n > 0; n--) {
        const char *syllable = syllables[next_random(&state) % 5];
        memcpy(text + length, syllable, strlen(syllable));
        length += strlen(syllable);
      }
    } else {
      length = random_text(&state, text, most);
    }
    sqlite3_bind_text(insert, 1, text, (int)length, SQLITE_TRANSIENT);
    ck_assert_int_eq(sqlite3_step(insert), SQLITE_DONE);
    sqlite3_reset(insert);
  }
  sqlite3_finalize(insert);
  assert_sql(db, "INSERT INTO t(rowid, body) SELECT rowid, body FROM plain; COMMIT", "");
  return db;
}

/* MATCH finds in Hangul exactly what LIKE finds; where a phrase has a space the text need not. */
START_TEST(finds_what_like_finds) {
  sqlite3 *db = open_random(300, 12, true);
  assert_sql(db,
             "DELETE FROM plain WHERE instr(body, '  '); DELETE FROM t WHERE instr(body, '  ');"
             "CREATE TABLE q AS SELECT DISTINCT substr(body, a.value, b.value) AS text FROM plain, "
             "json_each('[1,2,3,5]') a, json_each('[1,2,3,4,6]') b WHERE plain.rowid < 60;"
             "DELETE FROM q WHERE trim(text) <> text OR text = '' OR text LIKE '% % %'",
             "");
  ck_assert_int_gt(query_integer(db, "SELECT count(*) FROM q WHERE text LIKE '% %'"), 50);
  ck_assert_int_gt(query_integer(db, "SELECT count(*) FROM q WHERE text NOT LIKE '% %'"), 100);
  assert_sql(
      db,
      "SELECT count(*) FROM q WHERE "
      "(SELECT group_concat(rowid) FROM (SELECT rowid FROM t WHERE t MATCH '\"' || q.text || "
      "'\"' ORDER BY rowid)) IS NOT "
      "(SELECT group_concat(rowid) FROM (SELECT rowid FROM plain WHERE body LIKE '%' || "
      "q.text || '%' OR body LIKE '%' || replace(q.text, ' ', '') || '%' ORDER BY rowid))",
      "0");
  assert_sound(db, "t");
  close_database(db);
}
END_TEST

/* Any text makes a query that is read, and that finds the text itself if it has a term at all;
 * without its marks, what is highlighted is the text. */
START_TEST(queries_of_any_text) {
  sqlite3 *db = open_random(2000, 12, false);
  assert_sql(db,
             "SELECT count(*) FROM plain WHERE koelectra_fts_query(body) <> '\"\"' AND NOT EXISTS "
             "(SELECT 1 FROM t WHERE t MATCH koelectra_fts_query(plain.body) AND t.rowid = "
             "plain.rowid)",
             "0");
  ck_assert_int_gt(query_integer(db, "SELECT count(*) FROM plain WHERE "
                                     "koelectra_fts_query(body) <> '\"\"'"),
                   1500);
  assert_sql(
      db,
      "CREATE TABLE shown AS SELECT p.rowid AS id, p.body AS body, "
      "highlight(t, 0, '<', '>') AS marked FROM (SELECT rowid, body FROM plain LIMIT 200) p, "
      "t WHERE t MATCH koelectra_fts_query(p.body) AND t.rowid = p.rowid;"
      "SELECT count(*) > 100, sum(replace(replace(marked, '<', ''), '>', '') <> body), "
      "sum(instr(marked, '<') = 0) FROM shown",
      "1|0|0");
  assert_sound(db, "t");
  close_database(db);
}
END_TEST

START_TEST(highlights_the_letters_asked_for) {
  sqlite3 *db = open_database();
  assert_sql(db,
             "CREATE VIRTUAL TABLE t USING fts5(body, tokenize = koelectra);"
             "INSERT INTO t VALUES('전쟁영화가 👍KoELECTRA는 cafe\u0301, \u1109\u1165\u110B\u116E"
             "\u11AF역 \xFF영화')",
             "");
  assert_sql(db, "SELECT highlight(t, 0, '[', ']') FROM t WHERE t MATCH '영화'",
             "전쟁[영화]가 👍KoELECTRA는 cafe\u0301, \u1109\u1165\u110B\u116E\u11AF역 \xFF[영화]");
  assert_sql(db, "SELECT highlight(t, 0, '[', ']') FROM t WHERE t MATCH '서울 AND café AND 👍'",
             "전쟁영화가 [👍]KoELECTRA는 [cafe\u0301], [\u1109\u1165\u110B\u116E\u11AF]역 \xFF영화");
  assert_sql(db, "SELECT highlight(t, 0, '[', ']') FROM t WHERE t MATCH '쟁영 OR 영화'",
             "전[쟁영화]가 👍KoELECTRA는 cafe\u0301, \u1109\u1165\u110B\u116E\u11AF역 \xFF[영화]");
  assert_sql(db, "SELECT snippet(t, 0, '[', ']', '~', 4) FROM t WHERE t MATCH 'koelectra'",
             "~👍[KoELECTRA]는 cafe\u0301~");
  close_database(db);
}
END_TEST

/* ── long texts ─────────────────────────────────────────────────────────────────────────────────
 */

START_TEST(a_megabyte) {
  static const char *const texts[] = {
      "replace(hex(zeroblob(175000)), '0', '영')",       /* one Korean word */
      "replace(hex(zeroblob(500000)), '0', 'a')",        /* one Latin word */
      "replace(hex(zeroblob(250000)), '0', char(769))",  /* one letter's accents */
      "replace(hex(zeroblob(150000)), '0', char(4449))", /* vowels that join nothing */
      "replace(hex(zeroblob(500000)), '0', '.')",        /* no word */
      "replace(hex(zeroblob(120000)), '0', '👍')",
  };
  sqlite3 *db = open_database();
  assert_sql(db, "CREATE VIRTUAL TABLE t USING fts5(body, tokenize = koelectra)", "");
  for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
    run_format(db, "INSERT INTO t VALUES('가 ' || %s || ' 끝말')", texts[i]);
    run_format(db, "SELECT length(koelectra_fts_query(%s))", texts[i]);
  }
  assert_sql(
      db, "SELECT count(*), min(length(CAST(body AS BLOB))) > 900000 FROM t WHERE t MATCH '끝말'",
      "6|1");
  assert_sql(db, "SELECT rowid FROM t WHERE t MATCH '영영영'", "1");
  assert_sql(db, "SELECT rowid FROM t WHERE t MATCH 'aaaa*'", "2");
  assert_sql(db, "SELECT rowid FROM t WHERE t MATCH replace(hex(zeroblob(600)), '0', 'a')", "2");
  assert_sound(db, "t");
  close_database(db);
}
END_TEST

/* A query has at most 500 terms, and FTS5 takes them. */
START_TEST(a_long_query) {
  sqlite3 *db = open_database();
  assert_sql(db,
             "CREATE VIRTUAL TABLE t USING fts5(body, tokenize = koelectra);"
             "CREATE TABLE long AS WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n "
             "WHERE i < 3000) SELECT group_concat(char(44032 + i), '') AS body FROM n;"
             "INSERT INTO t SELECT body FROM long;"
             "SELECT (length(q) - length(replace(q, ' OR ', ''))) / 4 FROM "
             "(SELECT koelectra_fts_query(body) AS q FROM long);"
             "SELECT t.rowid FROM long, t WHERE t MATCH koelectra_fts_query(long.body) "
             "ORDER BY rank",
             "499\n1");
  close_database(db);
}
END_TEST

/* ── hosts ──────────────────────────────────────────────────────────────────────────────────────
 */

static int deny_fts5(void *context, int action, const char *unused, const char *function,
                     const char *database, const char *trigger) {
  (void)context, (void)unused, (void)database, (void)trigger;
  bool denied = action == SQLITE_FUNCTION && function != NULL && strcmp(function, "fts5") == 0;
  return denied ? SQLITE_DENY : SQLITE_OK;
}

/* Where FTS5 cannot be had, everything else is there. */
START_TEST(without_fts5) {
  sqlite3 *db;
  ck_assert_int_eq(sqlite3_open(":memory:", &db), SQLITE_OK);
  sqlite3_set_authorizer(db, deny_fts5, NULL);
  ck_assert_int_eq(sqlite3_koelectra_init(db, NULL, NULL), SQLITE_OK);
  assert_sql(db, "SELECT koelectra_fts_query('영화, 책')", "\"영화\" OR \"책\"");
  assert_sql_fails(db, "CREATE VIRTUAL TABLE t USING fts5(body, tokenize = koelectra)",
                   SQLITE_ERROR, "no such tokenizer: koelectra");
  close_database(db);
}
END_TEST

/* A table is the same to every connection, whatever models are registered; one without the
 * extension is told what it lacks. */
START_TEST(other_connections) {
  const char *path = temporary_file("fts.db");
  sqlite3 *first = open_database_file(path);
  assert_sql(first,
             "CREATE VIRTUAL TABLE t USING fts5(body, tokenize = koelectra);"
             "INSERT INTO t VALUES('전쟁영화가')",
             "");
  sqlite3 *second = open_database_file(path);
  load_tiny(second);
  assert_sql(second, "SELECT rowid FROM t WHERE t MATCH '영화'; SELECT koelectra_unload('default')",
             "1\ndefault");
  assert_sql(second, "INSERT INTO t VALUES('영화'); INSERT INTO t(t) VALUES('integrity-check')",
             "");
  assert_sql(first, "SELECT count(*) FROM t WHERE t MATCH '영화'", "2");
  close_database(second);
  close_database(first);

  sqlite3 *plain;
  ck_assert_int_eq(sqlite3_open(path, &plain), SQLITE_OK);
  assert_sql_fails(plain, "SELECT rowid FROM t", SQLITE_ERROR, "no such tokenizer: koelectra");
  close_database(plain);
}
END_TEST

START_TEST(arguments_are_refused) {
  sqlite3 *db = open_database();
  assert_sql_fails(db, "CREATE VIRTUAL TABLE t USING fts5(body, tokenize = 'koelectra model x')",
                   SQLITE_ERROR, "error in tokenizer constructor");
  assert_sql_fails(db, "SELECT koelectra_fts_query(x'ec9881')", SQLITE_ERROR,
                   "koelectra_fts_query: text is a BLOB");
  assert_sql(db, "SELECT koelectra_fts_query(NULL), koelectra_fts_query(2018)", "NULL|\"2018\"");
  close_database(db);
}
END_TEST

/* ── memory ─────────────────────────────────────────────────────────────────────────────────────
 */

/* With any allocation of SQLite failing, once or from then on, statements end with SQLITE_NOMEM or
 * their result. */
START_TEST(memory_of_sqlite) {
  static const char *const statements[] = {
      "SELECT koelectra_fts_query('영화 책 cafe')",
      ("BEGIN; CREATE VIRTUAL TABLE u USING fts5(body, tokenize = koelectra); "
       "INSERT INTO u VALUES('영화'); ROLLBACK"),
      "SELECT highlight(t, 0, '[', ']') FROM t WHERE t MATCH koelectra_fts_query('영화, 책')",
  };
  install_sqlite_faults();
  sqlite3 *db = open_database();
  assert_sql(db,
             "CREATE VIRTUAL TABLE t USING fts5(body, tokenize = koelectra);"
             "INSERT INTO t VALUES('전쟁영화가'), ('책')",
             "");
  for (size_t i = 0; i < sizeof statements / sizeof statements[0]; i++) {
    sweep_sqlite_faults(run, db, statements[i], 1);
    ck_assert_int_eq(run(db, statements[i]), SQLITE_OK);
  }
  assert_sound(db, "t");
  close_database(db);
}
END_TEST

Suite *fts5_suite(void);

Suite *fts5_suite(void) {
  Suite *suite = suite_create("fts5");
  TCase *tests = tcase_create("fts5");
  tcase_add_test(tests, terms_of_scripts);
  tcase_add_test(tests, terms_of_composed);
  tcase_add_test(tests, terms_of_invalid);
  tcase_add_test(tests, places_never_overlap);
  tcase_add_test(tests, callback_ends_the_reading);
  tcase_add_test(tests, finds_what_like_finds);
  tcase_add_test(tests, queries_of_any_text);
  tcase_add_test(tests, highlights_the_letters_asked_for);
  tcase_add_test(tests, a_megabyte);
  tcase_add_test(tests, a_long_query);
  tcase_add_test(tests, without_fts5);
  tcase_add_test(tests, other_connections);
  tcase_add_test(tests, arguments_are_refused);
  tcase_add_test(tests, memory_of_sqlite);
  suite_add_tcase(suite, tests);
  return suite;
}
