/* The heads of the ELECTRA family, texts in and rows out, against goldens that PyTorch made
 * (reference/README.md).
 *
 * KOELECTRA_DIFFERENCES=1 prints the largest difference of each comparison. */
#include "../model/memory.h"
#include "../model/tasks/answers.h"
#include "../model/tasks/entities.h"
#include "../model/tasks/entity_labels.h"
#include "../model/tasks/fill_mask.h"
#include "../model/tasks/replaced.h"
#include "golden.h"
#include "registry_support.h"
#include "support.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const double tolerance = 1e-4;

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

/* Compares what a model says of a case. */
typedef void check_function(const koe_model *model, const json_t *item, double *largest);

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

static void check_words(const koe_model *model, const json_t *item, double *largest) {
  check_entities(model, item, "word", largest);
}

static void check_tokens(const koe_model *model, const json_t *item, double *largest) {
  check_entities(model, item, "token", largest);
}

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

/* Of a sequence classifier, of whichever form. */
static void check_logits(const koe_model *model, const json_t *item, double *largest) {
  koe_error err;
  float logits[8];
  const json_t *expected = json_object_get(item, "logits");
  bool paired = json_object_get(item, "pair") != NULL;
  koe_text text = text_of(item, "text"), pair = paired ? text_of(item, "pair") : text;
  ck_assert_uint_eq(json_array_size(expected), koe_model_label_count(model));
  ck_assert_uint_le(koe_model_label_count(model), sizeof logits / sizeof logits[0]);
  assert_ok(koe_model_logits(model, &text, paired ? &pair : NULL, 1, logits, &err));
  for (size_t l = 0; l < json_array_size(expected); l++)
    check_number(logits[l], json_array_get(expected, l), "logit", largest);
}

/* ── goldens ────────────────────────────────────────────────────────────────────────────────────
 */

static const struct golden {
  const char *folder, *options;
  check_function *check;
} goldens[] = {
    {"entities", NULL, check_words}, /* PER-B */
    {"entities", "{\"aggregation\": \"token\"}", check_tokens},
    {"answers", NULL, check_answers},
    {"replaced", NULL, check_replaced},
    {"fill_mask", NULL, check_fills},
    {"hate_speech", NULL, check_logits},
    {"one_layer", NULL, check_logits},
};

enum { GOLDENS = sizeof goldens / sizeof goldens[0] };

static const char *golden_directory(const char *folder) {
  char path[100];
  snprintf(path, sizeof path, "reference/heads/%s", folder);
  return test_path(path);
}

START_TEST(golden_cases) {
  const struct golden *golden = &goldens[_i];
  const char *directory = golden_directory(golden->folder);
  json_t *cases = load_cases(directory), *item;
  size_t i;
  double largest = 0;
  const koe_model *model = open_model(directory, golden->options);
  json_array_foreach(cases, i, item) golden->check(model, item, &largest);
  close_model(model);
  json_decref(cases);
  report_difference(directory, largest);
}
END_TEST

/* The same whatever the threads: the longest case, which is the last. */
START_TEST(golden_threads) {
  koe_error err;
  const struct golden *golden = &goldens[_i];
  const char *directory = golden_directory(golden->folder);
  json_t *cases = load_cases(directory);
  for (int threads = 1; threads <= 3; threads += 2) {
    double largest = 0;
    assert_ok(koe_registry_config_set("threads", threads, &err));
    const koe_model *model = open_model(directory, golden->options);
    golden->check(model, json_array_get(cases, json_array_size(cases) - 1), &largest);
    close_model(model);
  }
  json_decref(cases);
}
END_TEST

/* ── labels ─────────────────────────────────────────────────────────────────────────────────────
 */

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

START_TEST(labels_of_two_heads) {
  static const char *const names[] = {"none", "gender", "others", "none", "hate", "offensive"};
  const koe_model *model = open_model(golden_directory("hate_speech"), NULL);
  ck_assert_uint_eq(koe_model_label_count(model), 6);
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

START_TEST(labels_of_one_layer) {
  const koe_model *model = open_model(golden_directory("one_layer"), NULL);
  ck_assert_uint_eq(koe_model_label_count(model), 2);
  ck_assert_str_eq(koe_model_label(model, 1), "positive");
  ck_assert(!koe_model_has(model, KOE_HEAD_ENTITIES));
  close_model(model);
}
END_TEST

Suite *heads_suite(void);

Suite *heads_suite(void) {
  Suite *suite = suite_create("heads");
  TCase *tests = tcase_create("heads");
  tcase_set_timeout(tests, 60);
  tcase_add_loop_test(tests, golden_cases, 0, GOLDENS);
  tcase_add_loop_test(tests, golden_threads, 0, GOLDENS);
  tcase_add_test(tests, labels_taken_apart);
  tcase_add_test(tests, spellings);
  tcase_add_test(tests, labels_of_two_heads);
  tcase_add_test(tests, labels_of_one_layer);
  suite_add_tcase(suite, tests);
  return suite;
}
