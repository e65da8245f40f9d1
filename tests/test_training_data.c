/* model/trainer/examples*.c: every kind of source gives the same examples, and what is wrong with
 * one is told with its place. */
#include "support.h"

#include "../model/memory.h"
#include "../model/trainer/examples.h"

#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static koe_error err;
static koe_examples set;
static const koe_columns texts = {.text = "text"};
static const koe_columns classes = {.text = "text", .label = "label", .labels = KOE_LABELS_CLASSES};
static const koe_columns pairs = {
    .text = "a", .pair = "b", .label = "score", .labels = KOE_LABELS_NUMBERS};

static void start(void) {
  memset(&set, 0, sizeof set);
}

static void finish(void) {
  koe_examples_clear(&set);
}

static const char *path_of(const char *name, const void *bytes, size_t length) {
  static char path[128];
  snprintf(path, sizeof path, "%s/%s", temporary_directory(), name);
  write_file(path, bytes, length);
  return path;
}

/* Reads a file of this name and content. */
static koe_status read(const char *name, const char *content, const koe_columns *columns) {
  return koe_examples_read(&set, path_of(name, content, strlen(content)), columns, &err);
}

static void assert_stretch(koe_stretch stretch, const char *expected) {
  koe_text text = koe_examples_text(&set, stretch);
  ck_assert_msg(text.length == strlen(expected) && memcmp(text.bytes, expected, text.length) == 0,
                "\"%.*s\" is not \"%s\"", (int)text.length, text.bytes, expected);
}

static void assert_example(size_t i, const char *text, const char *label) {
  ck_assert_uint_lt(i, set.count);
  assert_stretch(set.items[i].text, text);
  ck_assert_int_ge(set.items[i].label, 0);
  ck_assert_str_eq(set.labels[set.items[i].label], label);
}

/* ── sources ────────────────────────────────────────────────────────────────────────────────────
 */

static void assert_three_reviews(void) {
  assert_ok(koe_examples_finish(&set, NULL, &err));
  ck_assert_uint_eq(set.count, 3);
  ck_assert_uint_eq(set.num_labels, 2);
  assert_example(0, "재밌어요 \"정말\"", "1");
  assert_example(1, "별로", "0");
  assert_example(2, "a\\tb", "1");
  ck_assert_int_eq(set.items[1].label, 0); /* by their bytes */
  ck_assert_uint_eq(set.items[0].pair.length, 0);
}

START_TEST(a_table_of_tabs) {
  assert_ok(read("a.tsv", "id\tlabel\ttext\n1\t1\t재밌어요 \"정말\"\n2\t0\t별로\n\n3\t1\ta\\tb\n",
                 &classes));
  assert_three_reviews();
}
END_TEST

START_TEST(a_table_from_windows) {
  assert_ok(read("a.tsv", "\xEF\xBB\xBFtext\tlabel\r\n재밌어요 \"정말\"\t1\r\n별로\t0\r\na\\tb\t1",
                 &classes));
  assert_three_reviews();
}
END_TEST

START_TEST(an_object_a_line) {
  assert_ok(read("a.jsonl",
                 "{\"text\": \"재밌어요 \\\"정말\\\"\", \"label\": \"1\"}\n"
                 "{\"label\": 0, \"text\": \"별로\", \"other\": null}\n\n"
                 "{\"label\": 1, \"text\": \"a\\\\tb\"}",
                 &classes));
  assert_three_reviews();
}
END_TEST

START_TEST(an_array_of_objects) {
  assert_ok(read("a.json",
                 "[{\"text\": \"재밌어요 \\\"정말\\\"\", \"label\": \"1\"},\n"
                 "{\"label\": 0, \"text\": \"별로\"}, {\"label\": 1, \"text\": \"a\\\\tb\"}]",
                 &classes));
  assert_three_reviews();
}
END_TEST

static const char *make_database(const char *sql) {
  static char path[128];
  sqlite3 *db;
  snprintf(path, sizeof path, "%s/reviews.db", temporary_directory());
  ck_assert_int_eq(sqlite3_open(path, &db), SQLITE_OK);
  ck_assert_int_eq(sqlite3_exec(db, sql, NULL, NULL, NULL), SQLITE_OK);
  sqlite3_close(db);
  return path;
}

static koe_status query(const char *path, const char *sql, const koe_columns *columns) {
  return koe_examples_read_database(&set, path, sql, columns, &err);
}

START_TEST(a_query) {
  const char *path = make_database(
      "CREATE TABLE r(id INTEGER PRIMARY KEY, body TEXT, stars INT);"
      "INSERT INTO r(body, stars) VALUES ('재밌어요 \"정말\"', 5), ('별로', 1), ('a\\tb', 4);");
  assert_ok(query(path, "SELECT body AS text, stars > 3 AS label FROM r ORDER BY id; ", &classes));
  assert_three_reviews();
}
END_TEST

START_TEST(plain_texts) {
  assert_ok(read("a.txt", "첫 줄\t그대로\n\n둘째 줄\n", &texts));
  assert_ok(koe_examples_finish(&set, NULL, &err));
  ck_assert_uint_eq(set.count, 2);
  assert_stretch(set.items[0].text, "첫 줄\t그대로");
  assert_stretch(set.items[1].text, "둘째 줄");
  ck_assert_int_eq(set.items[0].label, -1);
  ck_assert_uint_eq(set.num_labels, 0);
}
END_TEST

START_TEST(pairs_with_numbers) {
  assert_ok(read("a.tsv", "score\ta\tb\n4.5\t가\t나\n-1e1\t다\t\n", &pairs));
  assert_ok(read("b.jsonl", "{\"a\": \"라\", \"b\": \"마\", \"score\": 0.25}", &pairs));
  assert_ok(koe_examples_finish(&set, NULL, &err));
  ck_assert_uint_eq(set.count, 3);
  assert_stretch(set.items[0].pair, "나");
  ck_assert(set.items[0].number == 4.5f);
  ck_assert(set.items[1].number == -10.0f);
  assert_stretch(set.items[1].pair, "");
  assert_stretch(set.items[2].text, "라");
  ck_assert(set.items[2].number == 0.25f);
  ck_assert_int_eq(set.items[2].label, -1);
}
END_TEST

START_TEST(keys_of_objects_within) {
  koe_columns columns = {"s", NULL, "labels.real.label", KOE_LABELS_CLASSES};
  assert_ok(read("a.json",
                 "[{\"s\": \"가\", \"labels\": {\"real\": {\"label\": true}}},"
                 " {\"s\": \"나\", \"labels.real.label\": false}]",
                 &columns));
  assert_example(0, "가", "true");
  assert_example(1, "나", "false");
}
END_TEST

START_TEST(sentences_with_tags) {
  static const char content[] = "송 씨는 서울 .\tPER-B O LOC-B O\n네\tO\n";
  const char *path = path_of("ner.tsv", content, sizeof content - 1);
  assert_ok(koe_examples_read_tagged(&set, path, &err));
  assert_ok(koe_examples_finish(&set, NULL, &err));
  ck_assert_uint_eq(set.count, 2);
  ck_assert_uint_eq(set.num_labels, 3);
  ck_assert_str_eq(set.labels[0], "LOC-B");
  ck_assert_uint_eq(set.items[0].word_count, 4);
  const koe_tagged_word *words = set.words + set.items[0].words;
  ck_assert_str_eq(set.labels[words[0].tag], "PER-B");
  ck_assert_str_eq(set.labels[words[1].tag], "O");
  ck_assert_str_eq(set.labels[words[2].tag], "LOC-B");
  ck_assert_uint_eq(words[2].start, strlen("송 씨는 "));
  ck_assert_uint_eq(words[2].end, strlen("송 씨는 서울"));
  ck_assert_uint_eq(set.items[1].words, 4);
  ck_assert_uint_eq(set.items[1].word_count, 1);
}
END_TEST

static const char squad[] =
    "{\"version\": \"1\", \"data\": [{\"title\": \"t\", \"paragraphs\": [{\"context\": \"가나 다라 "
    "마\", \"qas\": [{\"id\": \"1\", \"question\": \"무엇?\", \"answers\": [{\"text\": \"다라\", "
    "\"answer_start\": 3}, {\"text\": \"마\", \"answer_start\": 6}]}, {\"id\": \"2\", "
    "\"question\": \"왜?\", \"answers\": []}]}]}]}";

START_TEST(questions_with_answers) {
  assert_ok(koe_examples_read_questions(&set, path_of("q.json", squad, sizeof squad - 1), &err));
  assert_ok(koe_examples_finish(&set, NULL, &err));
  ck_assert_uint_eq(set.count, 2);
  assert_stretch(set.items[0].text, "무엇?");
  assert_stretch(set.items[0].pair, "가나 다라 마");
  ck_assert_uint_eq(set.items[0].answer_count, 2);
  ck_assert_uint_eq(set.items[1].answer_count, 0);
  ck_assert_uint_eq(set.items[1].pair.offset, set.items[0].pair.offset); /* once in memory */
  const koe_gold_answer *answers = set.answers + set.items[0].answers;
  assert_stretch(answers[0].text, "다라");
  ck_assert_uint_eq(answers[0].start, strlen("가나 "));
  assert_stretch(answers[1].text, "마");
}
END_TEST

START_TEST(sources_make_one_set) {
  assert_ok(read("a.tsv", "text\tlabel\n가\tz\n나\tb\n", &classes));
  assert_ok(read("b.jsonl", "{\"text\": \"다\", \"label\": \"m\"}", &classes));
  assert_ok(koe_examples_finish(&set, NULL, &err));
  ck_assert_uint_eq(set.num_labels, 3);
  assert_example(0, "가", "z");
  assert_example(1, "나", "b");
  assert_example(2, "다", "m");
  ck_assert_int_eq(set.items[0].label, 2);
}
END_TEST

START_TEST(labels_have_the_numbers_of_training) {
  koe_examples train = {0};
  assert_ok(read("train.tsv", "text\tlabel\n가\tc\n나\ta\n다\tb\n", &classes));
  train = set;
  memset(&set, 0, sizeof set);
  assert_ok(koe_examples_finish(&train, NULL, &err));
  assert_ok(read("dev.tsv", "text\tlabel\n라\tc\n", &classes));
  assert_ok(koe_examples_finish(&set, &train, &err));
  ck_assert_int_eq(set.items[0].label, 2);
  ck_assert_uint_eq(set.num_labels, 3);
  ck_assert_str_eq(set.labels[0], "a");
  koe_examples_clear(&set);
  assert_ok(read("dev.tsv", "text\tlabel\n라\td\n", &classes));
  assert_fails(koe_examples_finish(&set, &train, &err), KOE_INVALID,
               "the label \"d\" is not among the 3 of training");
  koe_examples_clear(&train);
}
END_TEST

START_TEST(many_labels_are_told_apart) {
  enum { ROWS = 3000 };
  char *content = malloc(ROWS * 16 + 32);
  size_t length = (size_t)sprintf(content, "text\tlabel\n");
  for (int i = 0; i < ROWS; i++)
    length += (size_t)sprintf(content + length, "t%d\tl%04d\n", i, (i * 7919) % ROWS);
  assert_ok(koe_examples_read(&set, path_of("a.tsv", content, length), &classes, &err));
  assert_ok(koe_examples_finish(&set, NULL, &err));
  ck_assert_uint_eq(set.num_labels, ROWS);
  for (int i = 0; i < ROWS; i++)
    ck_assert_int_eq(set.items[i].label, (i * 7919) % ROWS);
  free(content);
}
END_TEST

/* ── errors ─────────────────────────────────────────────────────────────────────────────────────
 */

/* What is wrong with a file, and what the message says. */
static const struct {
  const char *name;
  const char *content;
  const koe_columns *columns;
  const char *fragment;
} faults[] = {
    {"a.tsv", "", &classes, "a.tsv is empty"},
    {"a.tsv", "text\tlabel\n", &classes, "a.tsv has no rows"},
    {"a.tsv", "body\tlabel\n가\t1\n", &classes, "no column \"text\"; it has body, label"},
    {"a.tsv", "text\tstars\n가\t1\n", &classes, "no column \"label\"; it has text, stars"},
    {"a.tsv", "a\tscore\n가\t1\n", &pairs, "no column \"b\""},
    {"a.tsv", "text\ttext\tlabel\n", &classes, "two columns \"text\""},
    {"a.tsv", "text\tlabel\n가\t1\n나\n", &classes,
     "a.tsv, line 3: 1 fields, where the first line names 2 columns"},
    {"a.tsv", "text\tlabel\n\n가\t1\t2\n", &classes, "line 3: 3 fields"},
    {"a.tsv", "text\tlabel\n가\t\n", &classes, "line 2: the label is empty"},
    {"a.tsv", "text\tlabel\n가\xEA\xB0\t1\n", &classes,
     "line 2: the text is not valid UTF-8 at byte 4"},
    {"a.tsv", "text\tlabel\n가\t\xFF\n", &classes, "line 2: the label is not valid UTF-8"},
    {"a.tsv", "score\ta\tb\n좋음\t가\t나\n", &pairs, "line 2: the label \"좋음\" is not a number"},
    {"a.tsv", "score\ta\tb\n1,5\t가\t나\n", &pairs, "is not a number"},
    {"a.tsv", "score\ta\tb\nnan\t가\t나\n", &pairs, "is not a number"},
    {"a.tsv", "score\ta\tb\n1e999\t가\t나\n", &pairs, "is not a number"},
    {"a.tsv", "score\ta\tb\n\t가\t나\n", &pairs, "is not a number"},
    {"a.jsonl", "", &classes, "a.jsonl has no rows"},
    {"a.jsonl", "{\"text\": \"가\", \"label\": 1}\n{\"text\": \"가\"", &classes,
     "line 2: not valid JSON"},
    {"a.jsonl", "{\"text\": null, \"label\": 1}", &classes, "line 1: \"text\" is null"},
    {"a.jsonl", "{\"text\": \"가\"}", &classes, "line 1: there is no \"label\""},
    {"a.jsonl", "[1]", &classes, "line 1: an array; expected an object"},
    {"a.jsonl", "{\"text\": [], \"label\": 1}", &classes, "\"text\" is an array"},
    {"a.json", "", &classes, "a.json is empty"},
    {"a.json", "{}", &classes, "holds an object; expected an array of objects"},
    {"a.json", "[]", &classes, "a.json has no rows"},
    {"a.json", "[\n{]", &classes, "line 2: not valid JSON"},
    {"a.json", "[{\"text\": \"가\", \"label\": 1}, {\"text\": \"가\", \"label\": null}]", &classes,
     "object 2: \"label\" is null"},
    {"a.txt", "\n\n", &texts, "a.txt has no rows"},
    {"a.txt", "가\n\x80\n", &texts, "line 2: the text is not valid UTF-8 at byte 1"},
};

START_TEST(faults_are_told_with_their_place) {
  assert_fails(read(faults[_i].name, faults[_i].content, faults[_i].columns), KOE_FORMAT,
               faults[_i].fragment);
}
END_TEST

START_TEST(bytes_of_0_are_refused) {
  static const char content[] = "text\tlabel\na\0b\t1\n";
  const char *path = path_of("a.tsv", content, sizeof content - 1);
  assert_fails(koe_examples_read(&set, path, &classes, &err), KOE_FORMAT,
               "line 2: the text has a NUL character at byte 2");
}
END_TEST

START_TEST(a_replacement_character_is_text) {
  assert_ok(read("a.txt", "\xEF\xBF\xBD", &texts));
  ck_assert_uint_eq(set.count, 1);
}
END_TEST

START_TEST(other_files_are_refused) {
  assert_fails(read("a.csv", "text,label\n", &classes), KOE_INVALID, ".tsv, .json and .jsonl");
  assert_fails(read("a.txt", "가\n", &classes), KOE_INVALID, "a.txt");
  assert_fails(koe_examples_read(&set, "/nonexistent/a.tsv", &classes, &err), KOE_IO,
               "/nonexistent/a.tsv");
  assert_fails(koe_examples_finish(&set, NULL, &err), KOE_INVALID, "no examples");
}
END_TEST

START_TEST(queries_that_cannot_be_read) {
  const char *path = make_database("CREATE TABLE r(text, label); INSERT INTO r VALUES ('가', 1), "
                                   "(NULL, 2), (x'00', 3), (CAST(x'ff' AS TEXT), 4)");
  assert_fails(query("/nonexistent.db", "SELECT 1", &classes), KOE_IO, "/nonexistent.db");
  assert_fails(query(path, "SELECT stars FROM r", &classes), KOE_INVALID, "no such column");
  assert_fails(query(path, "DELETE FROM r", &classes), KOE_INVALID, "not a SELECT");
  assert_fails(query(path, "SELECT 1; SELECT 2", &classes), KOE_INVALID, "not one SELECT");
  assert_fails(query(path, "", &classes), KOE_INVALID, "not one SELECT");
  assert_fails(query(path, "SELECT text FROM r", &classes), KOE_FORMAT,
               "no column \"label\"; it has text");
  assert_fails(query(path, "SELECT * FROM r WHERE 0", &classes), KOE_FORMAT, "gives no rows");
  assert_fails(query(path, "SELECT * FROM r", &classes), KOE_FORMAT, "row 2: \"text\" is NULL");
  assert_fails(query(path, "SELECT * FROM r WHERE label = 3", &classes), KOE_FORMAT,
               "row 1: \"text\" is a BLOB");
  assert_fails(query(path, "SELECT * FROM r WHERE label = 4", &classes), KOE_FORMAT,
               "row 1: the text is not valid UTF-8");
  assert_fails(query(path, "SELECT text, label, abs(-9223372036854775808) FROM r", &classes),
               KOE_INVALID, "integer overflow");
}
END_TEST

START_TEST(words_and_tags_must_be_as_many) {
  static const char few[] = "가 나\tO\n", none[] = "가 나\n", empty[] = "가 나\tO \n";
  assert_fails(koe_examples_read_tagged(&set, path_of("a", few, sizeof few - 1), &err), KOE_FORMAT,
               "line 1: 2 words and 1 tags");
  assert_fails(koe_examples_read_tagged(&set, path_of("a", none, sizeof none - 1), &err),
               KOE_FORMAT, "line 1: 1 fields");
  assert_fails(koe_examples_read_tagged(&set, path_of("a", empty, sizeof empty - 1), &err),
               KOE_FORMAT, "line 1: the label is empty");
  assert_fails(koe_examples_read_tagged(&set, path_of("a", "\n", 1), &err), KOE_FORMAT,
               "has no sentences");
}
END_TEST

/* Replaces the first occurrence of a part of the questions above and reads that. */
static koe_status read_changed(const char *part, const char *by) {
  char changed[1024];
  const char *at = strstr(squad, part);
  ck_assert_ptr_nonnull(at);
  int length = snprintf(changed, sizeof changed, "%.*s%s%s", (int)(at - squad), squad, by,
                        at + strlen(part));
  return koe_examples_read_questions(&set, path_of("q.json", changed, (size_t)length), &err);
}

START_TEST(questions_that_do_not_fit) {
  assert_fails(read_changed("\"answer_start\": 3", "\"answer_start\": 2"), KOE_FORMAT,
               "question 1: the context does not have the answer at character 2");
  assert_fails(read_changed("\"answer_start\": 6", "\"answer_start\": 600"), KOE_FORMAT,
               "does not have the answer");
  assert_fails(read_changed("\"answer_start\": 6", "\"answer_start\": -1"), KOE_FORMAT,
               "does not have the answer");
  assert_fails(read_changed("\"answer_start\": 3", "\"answer_start\": \"3\""), KOE_FORMAT,
               "no whole number \"answer_start\"");
  assert_fails(read_changed("\"question\": \"왜?\"", "\"q\": 1"), KOE_FORMAT,
               "question 2: there is no \"question\"");
  assert_fails(read_changed("\"paragraphs\"", "\"p\""), KOE_FORMAT, "no array \"paragraphs\"");
  assert_fails(read_changed("\"data\"", "\"d\""), KOE_FORMAT, "no array \"data\"");
}
END_TEST

/* ── real files ─────────────────────────────────────────────────────────────────────────────────
 */

START_TEST(shared_files_are_read) {
  const char *path = shared_path("data/korsts/sts-dev.tsv");
  if (path == NULL) return;
  koe_columns sts = {"sentence1", "sentence2", "score", KOE_LABELS_NUMBERS};
  assert_ok(koe_examples_read(&set, path, &sts, &err));
  ck_assert_uint_eq(set.count, 1500);
  koe_examples_clear(&set);

  koe_columns klue = {"sentence1", "sentence2", "labels.label", KOE_LABELS_NUMBERS};
  assert_ok(koe_examples_read(&set, shared_path("data/klue/klue-sts-v1.1_dev.json"), &klue, &err));
  ck_assert_uint_eq(set.count, 519);
  koe_examples_clear(&set);

  assert_ok(koe_examples_read_tagged(&set, shared_path("data/naver-ner/test.tsv"), &err));
  ck_assert_uint_eq(set.count, 9000);
  koe_examples_clear(&set);

  path = shared_path("data/korquad/KorQuAD_v1.0_dev.json");
  assert_ok(koe_examples_read_questions(&set, path, &err));
  ck_assert_uint_eq(set.count, 5774);
  assert_stretch(set.answers[0].text, "1989년 2월 15일");
}
END_TEST

START_TEST(the_reviews_of_the_demo_are_in_order) {
  koe_columns stars = {"text", NULL, "stars", KOE_LABELS_CLASSES};
  size_t of_stars[5] = {0};
  assert_ok(koe_examples_read(&set, test_path("../examples/data/reviews.tsv"), &stars, &err));
  assert_ok(koe_examples_finish(&set, NULL, &err));
  ck_assert_uint_eq(set.count, 300);
  ck_assert_uint_eq(set.num_labels, 5);
  for (size_t i = 0; i < set.count; i++)
    of_stars[set.items[i].label]++;
  size_t negative = of_stars[0] + of_stars[1], positive = of_stars[3] + of_stars[4];
  ck_assert_uint_ge(of_stars[2], 30);
  ck_assert_uint_le(positive > negative ? positive - negative : negative - positive, 15);
}
END_TEST

#ifdef KOE_FAULTS
START_TEST(memory_may_fail_anywhere) {
  static const char tagged[] = "가 나\tA O\n";
  char tsv[128], tags[128], questions[128];
  strcpy(tsv, path_of("a.tsv", "text\tlabel\n가\t1\n나\t2\n", 23));
  strcpy(tags, path_of("n.tsv", tagged, sizeof tagged - 1));
  strcpy(questions, path_of("q.json", squad, sizeof squad - 1));
  koe_status status = KOE_NOMEM;
  long n;
  for (n = 1; status != KOE_OK && n < 1000; n++) {
    koe_memory_fail_after(n);
    status = koe_examples_read(&set, tsv, &classes, &err);
    if (status == KOE_OK) status = koe_examples_read_tagged(&set, tags, &err);
    if (status == KOE_OK) status = koe_examples_read_questions(&set, questions, &err);
    if (status == KOE_OK) status = koe_examples_finish(&set, NULL, &err);
    koe_memory_fail_after(0);
    ck_assert(status == KOE_OK || status == KOE_NOMEM);
    if (status != KOE_OK) koe_examples_clear(&set);
  }
  ck_assert_int_eq(status, KOE_OK);
  ck_assert_uint_eq(set.count, 5);
  ck_assert_int_gt(n, 15);
}
END_TEST
#endif

Suite *training_data_suite(void);

Suite *training_data_suite(void) {
  Suite *suite = suite_create("training_data");
  TCase *sources = tcase_create("sources");
  tcase_add_checked_fixture(sources, start, finish);
  tcase_add_test(sources, a_table_of_tabs);
  tcase_add_test(sources, a_table_from_windows);
  tcase_add_test(sources, an_object_a_line);
  tcase_add_test(sources, an_array_of_objects);
  tcase_add_test(sources, a_query);
  tcase_add_test(sources, plain_texts);
  tcase_add_test(sources, pairs_with_numbers);
  tcase_add_test(sources, keys_of_objects_within);
  tcase_add_test(sources, sentences_with_tags);
  tcase_add_test(sources, questions_with_answers);
  tcase_add_test(sources, sources_make_one_set);
  tcase_add_test(sources, labels_have_the_numbers_of_training);
  tcase_add_test(sources, many_labels_are_told_apart);
  tcase_add_test(sources, shared_files_are_read);
  tcase_add_test(sources, the_reviews_of_the_demo_are_in_order);
#ifdef KOE_FAULTS
  tcase_add_test(sources, memory_may_fail_anywhere);
#endif
  suite_add_tcase(suite, sources);

  TCase *errors = tcase_create("errors");
  tcase_add_checked_fixture(errors, start, finish);
  tcase_add_loop_test(errors, faults_are_told_with_their_place, 0,
                      (int)(sizeof faults / sizeof faults[0]));
  tcase_add_test(errors, bytes_of_0_are_refused);
  tcase_add_test(errors, a_replacement_character_is_text);
  tcase_add_test(errors, other_files_are_refused);
  tcase_add_test(errors, queries_that_cannot_be_read);
  tcase_add_test(errors, words_and_tags_must_be_as_many);
  tcase_add_test(errors, questions_that_do_not_fit);
  suite_add_tcase(suite, errors);
  return suite;
}
