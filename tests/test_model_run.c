/* One pass for everything that is asked of texts, whatever their lengths and the threads. */
#include "../model/classifier.h"
#include "../model/memory.h"
#include "../model/registry.h"
#include "support.h"

#include <stdio.h>
#include <string.h>

/* More than the tokens of one slice hold, so that a call is more than one. */
enum { TEXTS = 5000, LONGEST = 400 /* bytes */, WIDEST = 36 };

typedef struct corpus {
  char *bytes;
  koe_text texts[TEXTS], pairs[TEXTS];
} corpus;

/* A text of up to `most` words. */
static koe_text random_text(char *bytes, size_t most, uint32_t *state) {
  static const char *const words[] = {"책", "문", "영화", "좋았어요", "사과", "12", ".", "뷁"};
  size_t length = 0;
  *state = *state * 1664525 + 1013904223;
  for (size_t n = (*state >> 8) % (most + 1); n > 0; n--) {
    *state = *state * 1664525 + 1013904223;
    const char *word = words[*state >> 29];
    length += (size_t)snprintf(bytes + length, LONGEST - length, "%s ", word);
  }
  return (koe_text){bytes, length};
}

/* Mostly short texts, now and then one of the model's length. */
static void make_corpus(corpus *c) {
  uint32_t state = 1;
  c->bytes = koe_alloc(2 * TEXTS, LONGEST);
  ck_assert_ptr_nonnull(c->bytes);
  for (size_t i = 0; i < TEXTS; i++) {
    char *bytes = c->bytes + 2 * i * LONGEST;
    c->texts[i] = random_text(bytes, i % 50 == 0 ? 28 : 8, &state);
    c->pairs[i] = random_text(bytes + LONGEST, 5, &state);
  }
}

static const koe_classifier *open_classifier(const char *directory, const char *options) {
  koe_error err;
  const koe_classifier *classifier;
  assert_ok(koe_registry_load("default", test_path(directory), options, &err));
  assert_ok(koe_classifier_named(NULL, &classifier, &err));
  return classifier;
}

static float *alloc_rows(size_t width) {
  float *rows = koe_alloc_zero(TEXTS, width * sizeof *rows);
  ck_assert_ptr_nonnull(rows);
  return rows;
}

/* Each text alone against all in one call: the same bits. */
static void check_against_single(const koe_model *model, const corpus *c, const koe_text *pairs,
                                 const koe_outputs *all) {
  koe_error err;
  float logits[WIDEST], embedding[WIDEST];
  size_t labels = koe_model_label_count(model), dimension = koe_model_dimension(model);
  koe_outputs one = {logits, embedding};
  for (size_t i = 0; i < TEXTS; i += 7) {
    assert_ok(koe_model_run(model, &c->texts[i], pairs != NULL ? &pairs[i] : NULL, 1, &one, &err));
    ck_assert_msg(memcmp(logits, all->logits + i * labels, labels * sizeof *logits) == 0,
                  "text %zu: other logits", i);
    ck_assert_msg(
        memcmp(embedding, all->embeddings + i * dimension, dimension * sizeof *embedding) == 0,
        "text %zu: another embedding", i);
  }
}

static void check_run(const char *directory, bool paired, const char *options) {
  static const int64_t threads[] = {1, 2, 7};
  koe_error err;
  corpus *c = koe_alloc(1, sizeof *c);
  ck_assert_ptr_nonnull(c);
  make_corpus(c);
  const koe_text *pairs = paired ? c->pairs : NULL;
  const koe_classifier *classifier = open_classifier(directory, options);
  const koe_model *model = koe_classifier_model(classifier);
  size_t labels = koe_model_label_count(model), dimension = koe_model_dimension(model);
  ck_assert(labels <= WIDEST && dimension <= WIDEST);
  koe_outputs both = {alloc_rows(labels), alloc_rows(dimension)};
  koe_outputs other = {alloc_rows(labels), alloc_rows(dimension)};

  assert_ok(koe_registry_config_set("threads", threads[0], &err));
  assert_ok(koe_model_run(model, c->texts, pairs, TEXTS, &both, &err));
  check_against_single(model, c, pairs, &both);
  /* The same bits, whatever the threads, and whether both are asked for or one. */
  for (size_t t = 1; t < sizeof threads / sizeof threads[0]; t++) {
    assert_ok(koe_registry_config_set("threads", threads[t], &err));
    assert_ok(koe_model_run(model, c->texts, pairs, TEXTS,
                            &(koe_outputs){.embeddings = other.embeddings}, &err));
    assert_ok(
        koe_model_run(model, c->texts, pairs, TEXTS, &(koe_outputs){.logits = other.logits}, &err));
    ck_assert(memcmp(both.logits, other.logits, TEXTS * labels * sizeof(float)) == 0);
    ck_assert(memcmp(both.embeddings, other.embeddings, TEXTS * dimension * sizeof(float)) == 0);
    memset(other.logits, 0, TEXTS * labels * sizeof(float));
    memset(other.embeddings, 0, TEXTS * dimension * sizeof(float));
  }
  koe_free(both.logits);
  koe_free(both.embeddings);
  koe_free(other.logits);
  koe_free(other.embeddings);
  koe_classifier_release(classifier);
  koe_registry_clear();
  koe_free(c->bytes);
  koe_free(c);
}

START_TEST(texts) {
  check_run("reference/tiny", false, NULL);
}
END_TEST

START_TEST(pairs_of_texts) {
  check_run("reference/tiny", true, NULL);
}
END_TEST

START_TEST(one_output) {
  check_run("reference/odd", false, NULL);
}
END_TEST

START_TEST(texts_int8) {
  check_run("reference/tiny", false, "{\"precision\": \"int8\"}");
}
END_TEST

/* Few texts are one batch, which threads share where it is long enough: the same bits. */
START_TEST(threads_share_a_batch) {
  enum { MOST = 40 };
  static const char *const options[] = {NULL, "{\"precision\": \"int8\"}"};
  static const int64_t threads[] = {2, 3, 16};
  koe_error err;
  float one[MOST * WIDEST], many[MOST * WIDEST];
  corpus *c = koe_alloc(1, sizeof *c);
  ck_assert_ptr_nonnull(c);
  make_corpus(c);
  const koe_classifier *classifier = open_classifier("reference/tiny", options[_i]);
  const koe_model *model = koe_classifier_model(classifier);
  for (size_t count = 1; count <= MOST; count += 3) {
    size_t bytes = count * koe_model_dimension(model) * sizeof *one;
    assert_ok(koe_registry_config_set("threads", 1, &err));
    assert_ok(koe_model_embed(model, c->texts, count, one, &err));
    for (size_t t = 0; t < sizeof threads / sizeof threads[0]; t++) {
      assert_ok(koe_registry_config_set("threads", threads[t], &err));
      memset(many, 0, sizeof many);
      assert_ok(koe_model_embed(model, c->texts, count, many, &err));
      ck_assert_msg(memcmp(one, many, bytes) == 0, "%zu texts, %d threads", count, (int)threads[t]);
    }
  }
  koe_classifier_release(classifier);
  koe_registry_clear();
  koe_free(c->bytes);
  koe_free(c);
}
END_TEST

START_TEST(nothing_asked) {
  koe_error err;
  const koe_classifier *classifier = open_classifier("reference/tiny", NULL);
  const koe_text text = {"책", 3};
  float logits[3] = {9, 9, 9};
  assert_ok(koe_classifier_run(classifier, &text, NULL, 1, &(koe_outputs){NULL, NULL}, &err));
  assert_ok(koe_classifier_run(classifier, NULL, NULL, 0, &(koe_outputs){.logits = logits}, &err));
  ck_assert_float_eq(logits[0], 9);
  koe_classifier_release(classifier);
  koe_registry_clear();
}
END_TEST

START_TEST(no_head) {
  koe_error err;
  float logits[1], embedding[WIDEST];
  const koe_classifier *classifier = open_classifier("reference/bare", NULL);
  const koe_text text = {"책", 3};
  koe_outputs both = {logits, embedding};
  assert_fails(koe_classifier_run(classifier, &text, NULL, 1, &both, &err), KOE_UNSUPPORTED,
               "no sequence-classification head");
  both.logits = NULL;
  assert_ok(koe_classifier_run(classifier, &text, NULL, 1, &both, &err));
  koe_classifier_release(classifier);
  koe_registry_clear();
}
END_TEST

#ifdef KOE_FAULTS
/* Each allocation fails in turn, also those of other threads. */
START_TEST(memory_runs_out) {
  enum { FEW = 100 };
  koe_error err;
  koe_status status;
  float logits[FEW * 3], embeddings[FEW * 32];
  koe_outputs both = {logits, embeddings};
  corpus *c = koe_alloc(1, sizeof *c);
  make_corpus(c);
  const koe_classifier *classifier = open_classifier("reference/tiny", NULL);
  assert_ok(koe_registry_config_set("threads", 2, &err));
  long n = 0;
  do {
    koe_memory_fail_after(++n);
    status = koe_classifier_run(classifier, c->texts, c->pairs, FEW, &both, &err);
    koe_memory_fail_after(0);
    ck_assert_msg(status == KOE_OK || status == KOE_NOMEM, "allocation %ld: %s", n, err.message);
  } while (status == KOE_NOMEM);
  ck_assert_msg(n > 1, "no allocation failed");
  koe_classifier_release(classifier);
  koe_registry_clear();
  koe_free(c->bytes);
  koe_free(c);
}
END_TEST
#endif

Suite *model_run_suite(void);

Suite *model_run_suite(void) {
  Suite *suite = suite_create("model_run");
  TCase *tests = tcase_create("model_run");
  tcase_add_test(tests, texts);
  tcase_add_test(tests, pairs_of_texts);
  tcase_add_test(tests, one_output);
  tcase_add_test(tests, texts_int8);
  tcase_add_loop_test(tests, threads_share_a_batch, 0, 2);
  tcase_add_test(tests, nothing_asked);
  tcase_add_test(tests, no_head);
#ifdef KOE_FAULTS
  tcase_add_test(tests, memory_runs_out);
#endif
  suite_add_tcase(suite, tests);
  return suite;
}
