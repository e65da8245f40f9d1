/* The heads of the ELECTRA family, texts in and rows out, against goldens that PyTorch made
 * (reference/README.md).
 *
 * KOELECTRA_DIFFERENCES=1 prints the largest difference of each comparison. */
#include "../model/answers.h"
#include "../model/entities.h"
#include "../model/entity_labels.h"
#include "../model/fill_mask.h"
#include "../model/memory.h"
#include "../model/replaced.h"
#include "registry_support.h"
#include "support.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const double tolerance = 1e-4;

static const koe_model *open_model(const char *directory, const char *options) {
  koe_error err;
  const koe_model *model;
  assert_ok(koe_registry_load("test", directory, options, &err));
  assert_ok(koe_registry_acquire("test", &model, &err));
  return model;
}

static void close_model(const koe_model *model) {
  koe_registry_release(model);
  koe_registry_clear();
}

static json_t *load_cases(const char *directory) {
  json_t *file = load_json(file_in(directory, "expected.json"));
  json_t *cases = json_incref(json_object_get(file, "cases"));
  json_decref(file);
  ck_assert_uint_gt(json_array_size(cases), 0);
  return cases;
}

static const char *string_of(const json_t *item, const char *key) {
  const char *string = json_string_value(json_object_get(item, key));
  ck_assert_msg(string != NULL, "no %s", key);
  return string;
}

static koe_text text_of(const json_t *item, const char *key) {
  const char *string = string_of(item, key);
  return (koe_text){string, strlen(string)};
}

static int64_t integer_of(const json_t *item, const char *key) {
  return json_integer_value(json_object_get(item, key));
}

/* Compares a number, and remembers the largest difference. */
static void check_number(double actual, const json_t *expected, const char *what, double *largest) {
  double difference = fabs(actual - json_number_value(expected));
  ck_assert(json_is_number(expected));
  ck_assert_msg(difference <= tolerance, "%s: %.9g, not %.9g", what, actual,
                json_number_value(expected));
  if (difference > *largest) *largest = difference;
}

static void check_text(koe_text actual, const char *expected) {
  ck_assert_msg(actual.length == strlen(expected) &&
                    memcmp(actual.bytes, expected, actual.length) == 0,
                "\"%.*s\", not \"%s\"", (int)actual.length, actual.bytes, expected);
}

static void report(const char *what, double largest) {
  if (getenv("KOELECTRA_DIFFERENCES") != NULL) {
    printf("difference: %-40s %.1e\n", what, largest);
    fflush(stdout);
  }
}

/* ── goldens: entities ──────────────────────────────────────────────────────────────────────────
 */

static void check_entities(const koe_model *model, const json_t *item, const char *key,
                           double *largest) {
  koe_error err;
  koe_entities *entities;
  const koe_entity *found;
  size_t count, seen = 0;
  bool done = false;
  const json_t *expected = json_object_get(item, key);
  assert_ok(koe_entities_open(model, text_of(item, "text"), &entities, &err));
  while (!done) {
    assert_ok(koe_entities_next(entities, &found, &count, &done, &err));
    for (size_t i = 0; i < count; i++) {
      const json_t *row = json_array_get(expected, seen++);
      ck_assert_msg(row != NULL, "%s: more than %zu entities", string_of(item, "text"),
                    json_array_size(expected));
      check_text(found[i].type, string_of(row, "entity"));
      check_text(found[i].text, string_of(row, "text"));
      ck_assert_int_eq(found[i].start, integer_of(row, "start"));
      ck_assert_int_eq(found[i].end, integer_of(row, "end"));
      check_number(found[i].score, json_object_get(row, "score"), key, largest);
    }
  }
  ck_assert_msg(seen == json_array_size(expected), "%s: %zu entities, not %zu",
                string_of(item, "text"), seen, json_array_size(expected));
  koe_entities_free(entities);
}

START_TEST(golden_entities) {
  const char *directory = test_path("reference/heads/entities");
  json_t *cases = load_cases(directory), *item;
  size_t i;
  double largest = 0;
  const koe_model *model = open_model(directory, NULL); /* by words: PER-B */
  json_array_foreach(cases, i, item) check_entities(model, item, "word", &largest);
  close_model(model);
  model = open_model(directory, "{\"aggregation\": \"token\"}");
  json_array_foreach(cases, i, item) check_entities(model, item, "token", &largest);
  close_model(model);
  json_decref(cases);
  report("heads/entities, score", largest);
}
END_TEST

START_TEST(labels_taken_apart) {
  static const struct {
    const char *label;
    koe_label_spelling spelling;
    koe_label_mark mark;
    const char *type;
  } parts[] = {
      {"O", KOE_SPELLING_MARK_LAST, KOE_MARK_OUTSIDE, "O"},
      {"", KOE_SPELLING_PLAIN, KOE_MARK_OUTSIDE, ""},
      {"PER-B", KOE_SPELLING_MARK_LAST, KOE_MARK_BEGIN, "PER"},
      {"PER_I", KOE_SPELLING_MARK_LAST, KOE_MARK_INSIDE, "PER"},
      {"B-PER", KOE_SPELLING_MARK_FIRST, KOE_MARK_BEGIN, "PER"},
      {"I-PS_NAME", KOE_SPELLING_MARK_FIRST, KOE_MARK_INSIDE, "PS_NAME"},
      {"S-PER", KOE_SPELLING_MARK_FIRST, KOE_MARK_SINGLE, "PER"},
      {"L-PER", KOE_SPELLING_MARK_FIRST, KOE_MARK_END, "PER"},
      {"PLAN-B", KOE_SPELLING_MARK_FIRST, KOE_MARK_INSIDE, "PLAN-B"},
      {"B-", KOE_SPELLING_MARK_FIRST, KOE_MARK_INSIDE, "B-"},
      {"PER", KOE_SPELLING_PLAIN, KOE_MARK_INSIDE, "PER"},
  };
  for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++) {
    koe_entity_label label = koe_entity_label_parse(parts[i].label, parts[i].spelling);
    ck_assert_msg(label.mark == parts[i].mark, "%s: mark %d", parts[i].label, label.mark);
    check_text(label.type, parts[i].type);
  }
}
END_TEST

START_TEST(spellings) {
  static char *naver[] = {"O", "PER-B", "PER-I"}, *bio[] = {"B-PER", "I-PER", "O"},
              *plain[] = {"O", "PER", "LOC"};
  const struct {
    char **labels;
    koe_label_spelling spelling;
    koe_aggregation aggregation;
  } all[] = {
      {naver, KOE_SPELLING_MARK_LAST, KOE_AGGREGATE_WORDS},
      {bio, KOE_SPELLING_MARK_FIRST, KOE_AGGREGATE_TOKENS},
      {plain, KOE_SPELLING_PLAIN, KOE_AGGREGATE_TOKENS},
      {NULL, KOE_SPELLING_PLAIN, KOE_AGGREGATE_TOKENS},
  };
  for (size_t i = 0; i < sizeof all / sizeof all[0]; i++) {
    koe_config config = {.labels = all[i].labels, .num_labels = 3};
    ck_assert_int_eq(koe_label_spelling_of(&config), all[i].spelling);
    ck_assert_int_eq(koe_aggregation_of_labels(&config), all[i].aggregation);
  }
}
END_TEST

/* ── goldens: answers, replaced tokens, masks ───────────────────────────────────────────────────
 */

static void check_answers(const koe_model *model, const json_t *item, double *largest) {
  koe_error err;
  koe_answers *answers;
  const koe_answer *found;
  size_t count;
  double no_answer;
  bool done = false;
  const json_t *expected = json_object_get(item, "answers");
  koe_answer_options options = {
      .k = (size_t)integer_of(item, "k"),
      .max_answer_length = (size_t)integer_of(item, "max_answer_length"),
      .doc_stride = (size_t)integer_of(item, "doc_stride"),
  };
  assert_ok(koe_answers_open(model, text_of(item, "question"), text_of(item, "context"), &options,
                             &answers, &err));
  while (!done)
    assert_ok(koe_answers_next(answers, &found, &count, &no_answer, &done, &err));
  ck_assert_uint_eq(count, json_array_size(expected));
  for (size_t i = 0; i < count; i++) {
    const json_t *row = json_array_get(expected, i);
    check_text(found[i].text, string_of(row, "answer"));
    ck_assert_int_eq(found[i].start, integer_of(row, "start"));
    ck_assert_int_eq(found[i].end, integer_of(row, "end"));
    check_number(found[i].logit, json_object_get(row, "logit"), "logit", largest);
    check_number(found[i].score, json_object_get(row, "score"), "score", largest);
  }
  if (count > 0) check_number(no_answer, json_object_get(item, "no_answer"), "no answer", largest);
  koe_answers_free(answers);
}

START_TEST(golden_answers) {
  const char *directory = test_path("reference/heads/answers");
  json_t *cases = load_cases(directory), *item;
  size_t i;
  double largest = 0;
  const koe_model *model = open_model(directory, NULL);
  json_array_foreach(cases, i, item) check_answers(model, item, &largest);
  close_model(model);
  json_decref(cases);
  report("heads/answers, logit and score", largest);
}
END_TEST

static void check_replaced(const koe_model *model, const json_t *item, double *largest) {
  koe_error err;
  koe_replaced *replaced;
  const koe_replaced_token *found;
  size_t count, seen = 0;
  bool done = false;
  const json_t *expected = json_object_get(item, "tokens");
  assert_ok(koe_replaced_open(model, text_of(item, "text"), &replaced, &err));
  while (!done) {
    assert_ok(koe_replaced_next(replaced, &found, &count, &done, &err));
    for (size_t i = 0; i < count; i++) {
      const json_t *row = json_array_get(expected, seen++);
      const koe_tokenizer *tokenizer = koe_model_tokenizer(model);
      ck_assert_int_eq(found[i].position, json_integer_value(json_array_get(row, 0)));
      check_text(koe_tokenizer_token(tokenizer, found[i].id),
                 json_string_value(json_array_get(row, 1)));
      ck_assert_int_eq(found[i].start, json_integer_value(json_array_get(row, 2)));
      ck_assert_int_eq(found[i].end, json_integer_value(json_array_get(row, 3)));
      check_number(found[i].probability, json_array_get(row, 4), "probability", largest);
    }
  }
  ck_assert_uint_eq(seen, json_array_size(expected));
  koe_replaced_free(replaced);
}

START_TEST(golden_replaced) {
  const char *directory = test_path("reference/heads/replaced");
  json_t *cases = load_cases(directory), *item;
  size_t i;
  double largest = 0;
  const koe_model *model = open_model(directory, NULL);
  json_array_foreach(cases, i, item) check_replaced(model, item, &largest);
  close_model(model);
  json_decref(cases);
  report("heads/replaced, probability", largest);
}
END_TEST

static void check_fills(const koe_model *model, const json_t *item, double *largest) {
  koe_error err;
  koe_fill_mask *fill;
  const koe_fill *found;
  size_t count, seen = 0;
  bool done = false;
  const json_t *expected = json_object_get(item, "fills");
  assert_ok(koe_fill_mask_open(model, text_of(item, "text"), 4, &fill, &err));
  while (!done) {
    assert_ok(koe_fill_mask_next(fill, &found, &count, &done, &err));
    for (size_t i = 0; i < count; i++) {
      const json_t *row = json_array_get(expected, seen++);
      ck_assert_int_eq(found[i].mask, integer_of(row, "mask"));
      ck_assert_int_eq(found[i].start, integer_of(row, "start"));
      ck_assert_int_eq(found[i].end, integer_of(row, "end"));
      ck_assert_int_eq(memcmp(string_of(item, "text") + found[i].begin, "[MASK]", 6), 0);
      check_text(koe_tokenizer_token(koe_model_tokenizer(model), found[i].id),
                 string_of(row, "token"));
      check_number(found[i].probability, json_object_get(row, "score"), "probability", largest);
    }
  }
  ck_assert_uint_eq(seen, json_array_size(expected));
  koe_fill_mask_free(fill);
}

START_TEST(golden_fill_mask) {
  const char *directory = test_path("reference/heads/fill_mask");
  json_t *cases = load_cases(directory), *item;
  size_t i;
  double largest = 0;
  const koe_model *model = open_model(directory, NULL);
  json_array_foreach(cases, i, item) check_fills(model, item, &largest);
  close_model(model);
  json_decref(cases);
  report("heads/fill_mask, probability", largest);
}
END_TEST

/* ── goldens: sequence classifiers of other forms ───────────────────────────────────────────────
 */

static void check_sequences(const char *folder, size_t labels) {
  koe_error err;
  const char *directory = test_path(folder);
  json_t *cases = load_cases(directory), *item;
  size_t i;
  double largest = 0;
  float logits[8];
  const koe_model *model = open_model(directory, NULL);
  ck_assert_uint_eq(koe_model_label_count(model), labels);
  json_array_foreach(cases, i, item) {
    const json_t *expected = json_object_get(item, "logits");
    bool paired = json_object_get(item, "pair") != NULL;
    koe_text text = text_of(item, "text"), pair = paired ? text_of(item, "pair") : text;
    assert_ok(koe_model_logits(model, &text, paired ? &pair : NULL, 1, logits, &err));
    ck_assert_uint_eq(json_array_size(expected), labels);
    for (size_t l = 0; l < labels; l++)
      check_number(logits[l], json_array_get(expected, l), "logit", &largest);
  }
  close_model(model);
  json_decref(cases);
  report(folder, largest);
}

START_TEST(golden_hate_speech) {
  static const char *const names[] = {"none", "gender", "others", "none", "hate", "offensive"};
  check_sequences("reference/heads/hate_speech", 6);
  const koe_model *model = open_model(test_path("reference/heads/hate_speech"), NULL);
  ck_assert_uint_eq(koe_model_group_count(model), 2);
  ck_assert_str_eq(koe_model_group(model, 0).name, "bias");
  ck_assert_str_eq(koe_model_group(model, 1).name, "hate");
  ck_assert_uint_eq(koe_model_group(model, 1).first, 3);
  ck_assert_uint_eq(koe_model_group(model, 1).count, 3);
  for (size_t i = 0; i < 6; i++)
    ck_assert_str_eq(koe_model_label(model, i), names[i]);
  close_model(model);
}
END_TEST

START_TEST(golden_one_layer) {
  check_sequences("reference/heads/one_layer", 2);
  const koe_model *model = open_model(test_path("reference/heads/one_layer"), NULL);
  ck_assert_str_eq(koe_model_label(model, 1), "positive");
  ck_assert(!koe_model_has(model, KOE_HEAD_ENTITIES));
  close_model(model);
}
END_TEST

/* ── the same whatever the threads and precision ────────────────────────────────────────────────
 */

START_TEST(golden_threads) {
  koe_error err;
  static const char *const folders[] = {"entities", "answers", "replaced", "fill_mask"};
  for (int t = 1; t <= 3; t += 2) {
    assert_ok(koe_registry_config_set("threads", t, &err));
    for (size_t f = 0; f < sizeof folders / sizeof folders[0]; f++) {
      char folder[100];
      double largest = 0;
      snprintf(folder, sizeof folder, "reference/heads/%s", folders[f]);
      json_t *cases = load_cases(test_path(folder));
      const json_t *item = json_array_get(cases, json_array_size(cases) - 1); /* the longest */
      const koe_model *model = open_model(test_path(folder), NULL);
      if (f == 0) check_entities(model, item, "word", &largest);
      if (f == 1) check_answers(model, item, &largest);
      if (f == 2) check_replaced(model, item, &largest);
      if (f == 3) check_fills(model, item, &largest);
      close_model(model);
      json_decref(cases);
    }
  }
}
END_TEST

Suite *heads_suite(void);

Suite *heads_suite(void) {
  Suite *suite = suite_create("heads");
  TCase *tests = tcase_create("heads");
  tcase_set_timeout(tests, 60);
  tcase_add_test(tests, golden_entities);
  tcase_add_test(tests, labels_taken_apart);
  tcase_add_test(tests, spellings);
  tcase_add_test(tests, golden_answers);
  tcase_add_test(tests, golden_replaced);
  tcase_add_test(tests, golden_fill_mask);
  tcase_add_test(tests, golden_hate_speech);
  tcase_add_test(tests, golden_one_layer);
  tcase_add_test(tests, golden_threads);
  suite_add_tcase(suite, tests);
  return suite;
}
