/* Logits of every head for token ids, against PyTorch's in the shared fixtures: float32 and int8.
 *
 * KOELECTRA_DIFFERENCES=1 prints the largest difference of each comparison. */
#include "../model/backbone.h"
#include "../model/memory.h"
#include "../model/model_open.h"
#include "../model/tasks/hidden_states.h"
#include "golden.h"
#include "registry_support.h"
#include "support.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const double tolerance = 1e-4;

/* Numbers of an array of any depth, in order: into `out`, which has room for `most`. */
static size_t flatten(const json_t *value, double *out, size_t most) {
  size_t count = 0, i;
  json_t *item;
  if (json_is_number(value)) {
    ck_assert_uint_gt(most, 0);
    *out = json_number_value(value);
    return 1;
  }
  json_array_foreach(value, i, item) count += flatten(item, out + count, most - count);
  return count;
}

enum { MOST_NUMBERS = 100000 };

/* What a fixture's head says of one sequence. */
typedef struct sequence_head {
  const koe_model *model;
  const koe_batch *batch; /* of the one */
  float *out;             /* [MOST_NUMBERS] */
} sequence_head;

static koe_status read_sequence(void *context, size_t first, size_t tokens, const float *hidden,
                                koe_error *err) {
  const sequence_head *h = context;
  const koe_backbone *backbone = koe_model_backbone(h->model);
  const koe_kernels *kernels = koe_model_runtime(h->model)->kernels;
  size_t width = koe_model_dimension(h->model);
  (void)first;
  if (koe_model_head(h->model) == KOE_HEAD_FILL_MASK) { /* positions 1 and 2 are printed */
    size_t rows = tokens - 1 < 2 ? tokens - 1 : 2;
    return koe_mask_head_forward(&backbone->masked, backbone->encoder, 1, hidden + width, rows,
                                 h->out, err);
  }
  float *work = koe_alloc(2, width * sizeof *work);
  koe_classification_head_forward(&backbone->classification, kernels, h->batch, hidden, work,
                                  h->out);
  koe_free(work);
  return KOE_OK;
}

static const koe_token_head *token_head(const koe_model *model) {
  const koe_backbone *backbone = koe_model_backbone(model);
  switch (koe_model_head(model)) {
  case KOE_HEAD_ENTITIES:
    return &backbone->entities;
  case KOE_HEAD_ANSWERS:
    return &backbone->answers;
  case KOE_HEAD_REPLACED:
    return &backbone->replaced;
  default:
    return NULL;
  }
}

static void compute_case(const koe_model *model, const json_t *item, float *out) {
  koe_error err;
  koe_batch batch = {0};
  const koe_token_head *head = token_head(model);
  append_case(&batch, item);
  if (head != NULL) {
    assert_ok(koe_token_logits(model, head, &batch, out, &err));
  } else {
    sequence_head h = {model, &batch, out};
    assert_ok(koe_hidden_states_run(model, &batch, read_sequence, &h, &err));
  }
  koe_batch_clear(&batch);
}

static double cosine(const double *a, const float *b, size_t count) {
  double ab = 0, aa = 0, bb = 0;
  for (size_t i = 0; i < count; i++) {
    ab += a[i] * b[i];
    aa += a[i] * a[i];
    bb += (double)b[i] * b[i];
  }
  return ab / sqrt(aa * bb);
}

static const struct shared_task {
  const char *name;
  koe_head_kind kind;
} shared_tasks[] = {
    {"discriminator", KOE_HEAD_REPLACED},  {"generator", KOE_HEAD_FILL_MASK},
    {"ner-naver", KOE_HEAD_ENTITIES},      {"pair-kornli", KOE_HEAD_CLASSIFICATION},
    {"qa-korquad", KOE_HEAD_ANSWERS},      {"regression-korsts", KOE_HEAD_CLASSIFICATION},
    {"seq-nsmc", KOE_HEAD_CLASSIFICATION},
};

enum { SHARED_TASKS = sizeof shared_tasks / sizeof shared_tasks[0] };

/* In float32 within 1e-4; in int8 in the same direction. */
START_TEST(shared_tasks_match) {
  const struct shared_task *task = &shared_tasks[_i];
  char folder[100];
  snprintf(folder, sizeof folder, "fixtures/tasks/%s", task->name);
  const char *directory = shared_path(folder);
  if (directory == NULL) return;
  json_t *cases = load_cases(directory), *item;
  double *expected = koe_alloc(MOST_NUMBERS, sizeof *expected);
  float *out = koe_alloc(MOST_NUMBERS, sizeof *out);
  for (int int8 = 0; int8 < 2; int8++) {
    size_t i;
    double largest = 0, least = 1;
    const koe_model *model = open_model(directory, int8 ? "{\"precision\": \"int8\"}" : NULL);
    ck_assert_int_eq(koe_model_head(model), task->kind);
    json_array_foreach(cases, i, item) {
      size_t count = flatten(json_object_get(item, "logits"), expected, MOST_NUMBERS);
      compute_case(model, item, out);
      for (size_t n = 0; n < count; n++) {
        double difference = fabs(out[n] - expected[n]);
        if (difference > largest) largest = difference;
        ck_assert_msg(int8 || difference <= tolerance, "%s: case %zu: %zu: %.9g, not %.9g",
                      task->name, i, n, out[n], expected[n]);
      }
      double same = cosine(expected, out, count);
      if (count > 1 && same < least) least = same;
    }
    ck_assert_msg(least >= 0.98, "%s in int8: cosine %.4f", task->name, least);
    close_model(model);
    snprintf(folder, sizeof folder, "tasks/%s, %s (cosine >= %.4f)", task->name,
             int8 ? "int8" : "float32", least);
    report_difference(folder, largest);
  }
  koe_free(expected);
  koe_free(out);
  json_decref(cases);
}
END_TEST

Suite *head_logits_suite(void);

Suite *head_logits_suite(void) {
  Suite *suite = suite_create("head_logits");
  TCase *tests = tcase_create("head_logits");
  tcase_set_timeout(tests, 60);
  tcase_add_loop_test(tests, shared_tasks_match, 0, SHARED_TASKS);
  suite_add_tcase(suite, tests);
  return suite;
}
