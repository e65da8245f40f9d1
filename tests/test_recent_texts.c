/* What is remembered of texts is what the model computes of them, and nothing else is remembered.
 * A text that is known is told by its needing no memory: encoding does. */
#include "../model/classifier.h"
#include "../model/memory.h"
#include "../model/recent_texts.h"
#include "../model/registry.h"
#include "registry_support.h"
#include "support.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { WIDEST = 36 };

static const koe_text book = {"책", 3}, film = {"영화가 좋았어요", 22};

static const koe_model *open_tiny(void) {
  return open_model_as("default", test_path("reference/tiny"), NULL);
}

static koe_recent_texts *new_recent(void) {
  koe_error err;
  koe_recent_texts *recent;
  assert_ok(koe_recent_texts_new(&recent, &err));
  return recent;
}

static void embed(koe_recent_texts *recent, const koe_model *model, koe_text text) {
  koe_error err;
  float out[WIDEST];
  assert_ok(
      koe_recent_texts_run(recent, model, &text, NULL, 1, &(koe_outputs){.embeddings = out}, &err));
}

#ifdef KOE_FAULTS
static bool known_pair(koe_recent_texts *recent, const koe_model *model, koe_text text,
                       const koe_text *pair) {
  koe_error err;
  float out[WIDEST];
  koe_memory_fail_after(1);
  koe_status status =
      koe_recent_texts_run(recent, model, &text, pair, 1, &(koe_outputs){.embeddings = out}, &err);
  koe_memory_fail_after(0);
  ck_assert_msg(status == KOE_OK || status == KOE_NOMEM, "status %d: %s", status, err.message);
  return status == KOE_OK;
}

static bool known(koe_recent_texts *recent, const koe_model *model, koe_text text) {
  return known_pair(recent, model, text, NULL);
}
#endif

/* ── the numbers ────────────────────────────────────────────────────────────────────────────────
 */

/* In every order of asking: the first time, when it is known, one output, both, two texts at once.
 */
START_TEST(as_the_model) {
  static const koe_text texts[] = {{"책", 3},
                                   {"문", 3},
                                   {"책", 3},
                                   {"", 0},
                                   {"책\0문", 7},
                                   {"\xff", 1},
                                   {"영화가 좋았어요", 22}};
  enum { TEXTS = sizeof texts / sizeof texts[0] };
  koe_error err;
  const koe_model *model = open_tiny();
  koe_recent_texts *recent = new_recent();
  size_t labels = koe_model_label_count(model), dimension = koe_model_dimension(model);
  float logits[2 * WIDEST], embeddings[2 * WIDEST], seen_logits[2 * WIDEST], seen[2 * WIDEST];
  for (int round = 0; round < 3; round++) {
    for (size_t i = 0; i < TEXTS; i++) {
      for (int paired = 0; paired < 2; paired++) {
        const koe_text two[] = {texts[i], texts[(i + 3) % TEXTS]};
        const koe_text pairs[] = {texts[(i + 1) % TEXTS], texts[(i + 2) % TEXTS]};
        const koe_text *second = paired == 1 ? pairs : NULL;
        size_t count = 1 + (i + (size_t)round) % 2;
        assert_ok(
            koe_model_run(model, two, second, count, &(koe_outputs){logits, embeddings}, &err));
        memset(seen, 0, sizeof seen);
        memset(seen_logits, 0, sizeof seen_logits);
        koe_outputs out = {seen_logits, seen};
        if (i % 3 == 1) out.logits = NULL;
        if (i % 3 == 2) out.embeddings = NULL;
        assert_ok(koe_recent_texts_run(recent, model, two, second, count, &out, &err));
        for (size_t j = 0; j < count * labels && out.logits != NULL; j++)
          ck_assert_msg(fabs(seen_logits[j] - logits[j]) < 1e-4, "text %zu: logit %zu", i, j);
        for (size_t j = 0; j < count * dimension && out.embeddings != NULL; j++)
          ck_assert_msg(fabs(seen[j] - embeddings[j]) < 1e-5, "text %zu: element %zu", i, j);
      }
    }
  }
  koe_recent_texts_free(recent);
  close_model(model);
}
END_TEST

/* Two models that differ in an option, in turn. */
START_TEST(models_apart) {
  koe_error err;
  float mean[WIDEST], cls[WIDEST], seen[WIDEST];
  const koe_model *one = open_model_as("one", test_path("reference/tiny"), NULL);
  const koe_model *other =
      open_model_as("other", test_path("reference/tiny"), "{\"pooling\": \"cls\"}");
  koe_recent_texts *recent = new_recent();
  assert_ok(koe_model_embed(one, &film, 1, mean, &err));
  assert_ok(koe_model_embed(other, &film, 1, cls, &err));
  ck_assert(memcmp(mean, cls, koe_model_dimension(one) * sizeof *mean) != 0);
  for (int round = 0; round < 3; round++) {
    koe_outputs out = {.embeddings = seen};
    assert_ok(koe_recent_texts_run(recent, one, &film, NULL, 1, &out, &err));
    ck_assert(memcmp(seen, mean, koe_model_dimension(one) * sizeof *mean) == 0);
    assert_ok(koe_recent_texts_run(recent, other, &film, NULL, 1, &out, &err));
    ck_assert(memcmp(seen, cls, koe_model_dimension(one) * sizeof *cls) == 0);
  }
  koe_recent_texts_free(recent);
  koe_registry_release(other);
  close_model(one);
}
END_TEST

START_TEST(no_head) {
  koe_error err;
  float logits[WIDEST], embedding[WIDEST];
  const koe_model *model = open_model_as("default", test_path("reference/bare"), NULL);
  koe_recent_texts *recent = new_recent();
  koe_outputs both = {logits, embedding};
  for (int round = 0; round < 2; round++) {
    assert_fails(koe_recent_texts_run(recent, model, &book, NULL, 1, &both, &err), KOE_UNSUPPORTED,
                 "no sequence-classification head");
    embed(recent, model, book);
  }
  koe_recent_texts_free(recent);
  close_model(model);
}
END_TEST

/* Logits that are not numbers are an error each time; embeddings are there all the same. */
START_TEST(damaged_head) {
  static const float nan_value = NAN;
  koe_error err;
  float logits[WIDEST];
  char path[1200];
  size_t length;
  const char *directory = copy_directory(test_path("reference/odd"));
  snprintf(path, sizeof path, "%s/model.safetensors", directory);
  char *bytes = read_file(path, &length);
  memcpy(bytes + length - sizeof nan_value, &nan_value, sizeof nan_value); /* out_proj.bias */
  write_file(path, bytes, length);
  free(bytes);
  const koe_model *model = open_model_as("default", directory, NULL);
  koe_recent_texts *recent = new_recent();
  for (int round = 0; round < 2; round++) {
    embed(recent, model, book);
    assert_fails(
        koe_recent_texts_run(recent, model, &book, NULL, 1, &(koe_outputs){.logits = logits}, &err),
        KOE_FORMAT, "not finite");
  }
  koe_recent_texts_free(recent);
  close_model(model);
}
END_TEST

/* A head of koelectra_fit, through a classifier, reads the embedding that is known. */
START_TEST(fitted_head) {
  enum { LABELS = 2 };
  koe_error err;
  void *bytes;
  size_t size;
  const koe_model *model = open_tiny();
  size_t dimension = koe_model_dimension(model);
  float weight[LABELS * WIDEST], bias[LABELS] = {0.5F, -1}, seen[LABELS], logits[LABELS];
  for (size_t i = 0; i < LABELS * dimension; i++)
    weight[i] = (float)(i % 7) - 3;
  const char *labels[] = {"가", "나"};
  koe_fitted_head head = {
      koe_model_fingerprint(model),
      "default",
      labels,
      {.weight = weight, .bias = bias, .in_features = dimension, .out_features = LABELS}};
  const koe_classifier *classifier;
  assert_ok(koe_fitted_head_write(&head, &bytes, &size, &err));
  assert_ok(koe_classifier_fitted(bytes, size, &classifier, &err));
  koe_recent_texts *recent = new_recent();
  assert_ok(koe_classifier_run(classifier, &film, NULL, 1, &(koe_outputs){.logits = logits}, &err));
  for (int round = 0; round < 2; round++) {
    assert_ok(koe_classifier_run_recent(classifier, recent, &film, NULL,
                                        &(koe_outputs){.logits = seen}, &err));
    ck_assert(memcmp(seen, logits, sizeof seen) == 0);
    embed(recent, model, film);
  }
  assert_fails(koe_classifier_run_recent(classifier, recent, &film, &book,
                                         &(koe_outputs){.logits = seen}, &err),
               KOE_UNSUPPORTED, "reads one text, not a pair");
  koe_recent_texts_free(recent);
  koe_classifier_release(classifier);
  koe_free(bytes);
  close_model(model);
}
END_TEST

/* ── what is known ──────────────────────────────────────────────────────────────────────────────
 */

#ifdef KOE_FAULTS

static const koe_text door = {"문", 3};

/* Asked for one output, it knows the other; bytes and pairs must be the same. */
START_TEST(known_by_bytes) {
  koe_error err;
  float logits[WIDEST];
  const koe_model *model = open_tiny();
  koe_recent_texts *recent = new_recent();
  ck_assert(!known(recent, model, book));
  koe_outputs out = {.logits = logits};
  assert_ok(koe_recent_texts_run(recent, model, &book, NULL, 1, &out, &err));
  ck_assert(known(recent, model, book));
  ck_assert(!known(recent, model, door));
  ck_assert(!known(recent, model, (koe_text){"책 ", 4}));
  ck_assert(!known(recent, model, (koe_text){"책\0", 4}));
  ck_assert(!known(recent, model, (koe_text){"", 0}));

  /* A pair is neither of its texts, nor both in a row, nor the other way round. */
  ck_assert(!known_pair(recent, model, book, &door));
  assert_ok(koe_recent_texts_run(recent, model, &book, &door, 1, &out, &err));
  ck_assert(known_pair(recent, model, book, &door));
  ck_assert(!known_pair(recent, model, door, &book));
  ck_assert(!known_pair(recent, model, (koe_text){"책문", 6}, &(koe_text){"", 0}));
  ck_assert(!known_pair(recent, model, book, &(koe_text){"", 0}));
  ck_assert(!known(recent, model, (koe_text){"책문", 6}));
  ck_assert(!known(recent, model, door));

  /* Two at once are two. */
  const koe_text two[] = {door, film};
  float embeddings[2 * WIDEST];
  assert_ok(koe_recent_texts_run(recent, model, two, NULL, 2,
                                 &(koe_outputs){.embeddings = embeddings}, &err));
  ck_assert(known(recent, model, door));
  ck_assert(known(recent, model, film));
  koe_recent_texts_free(recent);
  close_model(model);
}
END_TEST

/* The bytes are a copy. */
START_TEST(own_bytes) {
  char bytes[] = "책";
  const koe_model *model = open_tiny();
  koe_recent_texts *recent = new_recent();
  embed(recent, model, (koe_text){bytes, 3});
  memcpy(bytes, "문", 3);
  ck_assert(known(recent, model, book));
  ck_assert(!known(recent, model, (koe_text){bytes, 3}));
  koe_recent_texts_free(recent);
  close_model(model);
}
END_TEST

/* The same files opened anew are another model: nothing old is known of it. */
START_TEST(opened_anew) {
  koe_recent_texts *recent = new_recent();
  for (int round = 0; round < 3; round++) {
    const koe_model *model = open_tiny();
    ck_assert(!known(recent, model, book));
    embed(recent, model, book);
    ck_assert(known(recent, model, book));
    close_model(model);
  }
  koe_recent_texts_free(recent);
}
END_TEST

/* A text and its number, in `length` bytes. */
static koe_text numbered(char *bytes, size_t length, int number) {
  memset(bytes, ' ', length);
  memcpy(bytes, bytes + length, (size_t)snprintf(bytes + length, 12, "%d", number));
  return (koe_text){bytes, length};
}

START_TEST(most_texts) {
  enum { MOST = 256, LENGTH = 10 };
  char bytes[LENGTH + 12];
  const koe_model *model = open_tiny();
  koe_recent_texts *recent = new_recent();
  for (int i = 0; i < MOST; i++)
    embed(recent, model, numbered(bytes, LENGTH, i));
  for (int i = 0; i < MOST; i++)
    ck_assert_msg(known(recent, model, numbered(bytes, LENGTH, i)), "text %d is forgotten", i);
  /* The one used longest ago goes; looking above was a use. */
  ck_assert(known(recent, model, numbered(bytes, LENGTH, 0)));
  for (int i = 0; i < 100; i++)
    embed(recent, model, numbered(bytes, LENGTH, MOST + i));
  ck_assert(known(recent, model, numbered(bytes, LENGTH, 0)));
  for (int i = 1; i <= 100; i++)
    ck_assert_msg(!known(recent, model, numbered(bytes, LENGTH, i)), "text %d is known", i);
  for (int i = 101; i < MOST + 100; i++)
    ck_assert_msg(known(recent, model, numbered(bytes, LENGTH, i)), "text %d is forgotten", i);
  koe_recent_texts_free(recent);
  close_model(model);
}
END_TEST

START_TEST(most_bytes) {
  enum { MOST = 1 << 20, LENGTH = 200000 };
  char *bytes = malloc(MOST + 13);
  ck_assert_ptr_nonnull(bytes);
  const koe_model *model = open_tiny();
  koe_recent_texts *recent = new_recent();
  for (int i = 0; i < 7; i++)
    embed(recent, model, numbered(bytes, LENGTH, i));
  for (int i = 0; i < 7; i++)
    ck_assert_int_eq(known(recent, model, numbered(bytes, LENGTH, i)), i >= 2);
  /* Pairs count as well. */
  koe_error err;
  float logits[WIDEST];
  koe_text text = numbered(bytes, LENGTH, 7);
  koe_outputs out = {.logits = logits};
  assert_ok(koe_recent_texts_run(recent, model, &text, &text, 1, &out, &err));
  ck_assert(known_pair(recent, model, text, &text));
  for (int i = 2; i < 7; i++)
    ck_assert_int_eq(known(recent, model, numbered(bytes, LENGTH, i)), i >= 4);
  /* One that is larger than all changes nothing, alone or with its pair. */
  embed(recent, model, numbered(bytes, MOST, 8));
  ck_assert(!known(recent, model, numbered(bytes, MOST, 8)));
  text = numbered(bytes, MOST / 2, 9);
  assert_ok(koe_recent_texts_run(recent, model, &text, &text, 1, &out, &err));
  ck_assert(!known_pair(recent, model, text, &text));
  ck_assert(known(recent, model, numbered(bytes, LENGTH, 4)));
  koe_recent_texts_free(recent);
  close_model(model);
  free(bytes);
}
END_TEST

/* Each allocation fails in turn: an error or the result, and what is kept is right. */
START_TEST(memory_runs_out) {
  koe_error err;
  koe_status status;
  float logits[2 * WIDEST], embeddings[2 * WIDEST], seen[2 * WIDEST];
  const koe_text two[] = {book, film};
  const koe_model *model = open_tiny();
  size_t dimension = koe_model_dimension(model);
  assert_ok(koe_model_embed(model, two, 2, embeddings, &err));
  long n = 0;
  do {
    koe_recent_texts *recent = new_recent();
    koe_outputs out = {logits, seen};
    koe_memory_fail_after(++n);
    status = koe_recent_texts_run(recent, model, two, NULL, 2, &out, &err);
    koe_memory_fail_after(0);
    ck_assert_msg(status == KOE_OK || status == KOE_NOMEM, "allocation %ld: %s", n, err.message);
    assert_ok(koe_recent_texts_run(recent, model, two, NULL, 2, &out, &err));
    for (size_t i = 0; i < 2 * dimension; i++)
      ck_assert_msg(fabs(seen[i] - embeddings[i]) < 1e-5, "allocation %ld: element %zu", n, i);
    koe_recent_texts_free(recent);
  } while (status == KOE_NOMEM);
  ck_assert_msg(n > 1, "no allocation failed");
  koe_memory_fail_after(1);
  koe_recent_texts *none;
  status = koe_recent_texts_new(&none, &err);
  koe_memory_fail_after(0);
  ck_assert_int_eq(status, KOE_NOMEM);
  koe_recent_texts_free(none);
  close_model(model);
}
END_TEST
#endif

Suite *recent_texts_suite(void);

Suite *recent_texts_suite(void) {
  Suite *suite = suite_create("recent_texts");
  TCase *numbers = tcase_create("numbers");
  tcase_add_test(numbers, as_the_model);
  tcase_add_test(numbers, models_apart);
  tcase_add_test(numbers, no_head);
  tcase_add_test(numbers, damaged_head);
  tcase_add_test(numbers, fitted_head);
  suite_add_tcase(suite, numbers);
#ifdef KOE_FAULTS
  TCase *knowledge = tcase_create("knowledge");
  tcase_add_test(knowledge, known_by_bytes);
  tcase_add_test(knowledge, own_bytes);
  tcase_add_test(knowledge, opened_anew);
  tcase_add_test(knowledge, most_texts);
  tcase_add_test(knowledge, most_bytes);
  tcase_add_test(knowledge, memory_runs_out);
  suite_add_tcase(suite, knowledge);
#endif
  return suite;
}
