/* Training steps: the loss goes down on toy tasks, a seed decides everything, workers agree. */
#include "../model/memory.h"
#include "../model/trainer/losses.h"
#include "../model/trainer/pretraining.h"
#include "../model/trainer/training.h"
#include "support.h"
#include "trainer_model.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { EXAMPLES = 96, STEPS = 60, BATCH = 32, MARK = 7, WORDS = 40 };

typedef struct toy_task {
  koe_dataset dataset;
  koe_training_options options;
  koe_objective objective;
  trainer_model model;
  koe_training *training;
} toy_task;

/* Sequences of random words, [CLS] first; `mark` puts the word MARK somewhere. */
static void append(koe_dataset *dataset, koe_random *random, bool mark) {
  koe_token tokens[16] = {0};
  koe_error err;
  size_t length = 4 + koe_random_below(random, 10);
  tokens[0].id = 2;
  for (size_t t = 1; t < length; t++)
    tokens[t].id = (int32_t)(8 + koe_random_below(random, WORDS - 8));
  if (mark) tokens[1 + koe_random_below(random, length - 1)].id = MARK;
  assert_ok(koe_batch_append(&dataset->tokens, tokens, length, &err));
}

/* Whether a sequence holds MARK, as a class, a number, a label of each token, the answer. */
static void make_dataset(koe_dataset *dataset, probe_task task) {
  koe_random random = {.key = 3};
  bool pairs = task >= PROBE_CONTRASTIVE, numbers = task == PROBE_COSINE || task == PROBE_COSENT;
  dataset->group = pairs ? 2 : 1;
  for (size_t s = 0; s < EXAMPLES * dataset->group; s++)
    append(dataset, &random, task == PROBE_ANSWERS || (pairs ? s / 2 % 2 == s % 2 : s % 2));
  size_t total = dataset->tokens.total;
  dataset->labels = calloc(2 * total, sizeof *dataset->labels);
  dataset->values = calloc(EXAMPLES, sizeof *dataset->values);
  for (size_t i = 0; i < EXAMPLES; i++) {
    dataset->labels[i] = (int32_t)(i % 2);
    dataset->values[i] = (float)(i % 2);
  }
  if (task == PROBE_TOKEN) dataset->label_rows = KOE_LABELS_OF_TOKENS;
  if (task == PROBE_ANSWERS) dataset->label_rows = KOE_LABELS_OF_ANSWERS;
  for (size_t s = 0; s < dataset->tokens.sequences && task == PROBE_ANSWERS; s++) {
    size_t start = dataset->tokens.starts[s], t = start;
    while (dataset->tokens.token_ids[t] != MARK)
      t++;
    dataset->labels[2 * s] = dataset->labels[2 * s + 1] = (int32_t)(t - start);
  }
  for (size_t t = 0; t < total && task == PROBE_TOKEN; t++)
    dataset->labels[t] = dataset->tokens.token_ids[t] % 2;
  if (task == PROBE_CONTRASTIVE || numbers) {
    free(dataset->labels);
    dataset->labels = NULL;
  }
  if (task == PROBE_TEACHER) {
    /* Texts with the mark lie in one direction, those without in another. */
    dataset->teacher_columns = 8;
    dataset->teacher = calloc(EXAMPLES * 2 * 8, sizeof *dataset->teacher);
    for (size_t s = 0; s < EXAMPLES * 2; s++)
      dataset->teacher[s * 8 + (s / 2 % 2 == s % 2 ? 1 : 6)] = 1;
  }
  if (task != PROBE_REGRESSION && !numbers) {
    free(dataset->values);
    dataset->values = NULL;
  }
}

static koe_objective_kind kind_of(probe_task task) {
  switch (task) {
  case PROBE_REGRESSION:
    return KOE_OBJECTIVE_REGRESSION;
  case PROBE_ANSWERS:
    return KOE_OBJECTIVE_ANSWERS;
  case PROBE_CONTRASTIVE:
    return KOE_OBJECTIVE_CONTRASTIVE;
  case PROBE_COSINE:
    return KOE_OBJECTIVE_COSINE;
  case PROBE_COSENT:
    return KOE_OBJECTIVE_COSENT;
  case PROBE_TEACHER:
    return KOE_OBJECTIVE_TEACHER;
  default:
    return KOE_OBJECTIVE_CLASSES;
  }
}

static void open_toy(toy_task *toy, probe_task task, size_t threads, float dropout, uint64_t seed) {
  koe_config config = tiny_config(8);
  koe_error err;
  memset(toy, 0, sizeof *toy);
  make_dataset(&toy->dataset, task);
  trainer_model_open(&toy->model, task, &config, task == PROBE_REGRESSION ? 1 : 2, seed);
  toy->options = koe_training_options_default();
  toy->options.seed = seed;
  toy->options.threads = threads;
  toy->options.pass_tokens = 64;
  toy->options.hidden_dropout = toy->options.attention_dropout = dropout;
  toy->options.optimizer.rate = 1e-2f;
  toy->options.optimizer.warmup = 5;
  toy->options.optimizer.steps = STEPS;
  toy->objective = (koe_objective){.kind = kind_of(task),
                                   .encoder = &toy->model.encoder,
                                   .head = &toy->model.head,
                                   .weight = 1,
                                   .temperature = 0.1f};
  assert_ok(koe_training_new(&toy->model.parameters, toy->model.encoder.loops, &toy->options,
                             &toy->training, &err));
}

static void close_toy(toy_task *toy) {
  koe_training_free(toy->training);
  trainer_model_close(&toy->model);
  koe_batch_clear(&toy->dataset.tokens);
  free(toy->dataset.labels);
  free(toy->dataset.values);
  free(toy->dataset.teacher);
}

static double step(toy_task *toy) {
  uint32_t order[EXAMPLES];
  koe_error err;
  double loss, norm;
  size_t done = koe_training_steps(toy->training), batches = EXAMPLES / BATCH;
  koe_dataset_shuffle(&toy->dataset, toy->options.seed, done / batches, order);
  assert_ok(koe_training_accumulate(toy->training, &toy->objective, &toy->dataset,
                                    order + done % batches * BATCH, BATCH, &loss, &err));
  assert_ok(koe_training_update(toy->training, &norm, &err));
  ck_assert_double_gt(norm, 0);
  return loss;
}

START_TEST(learns) {
  static const probe_task tasks[] = {PROBE_SEQUENCE, PROBE_REGRESSION,  PROBE_TOKEN,
                                     PROBE_ANSWERS,  PROBE_CONTRASTIVE, PROBE_COSINE,
                                     PROBE_COSENT,   PROBE_TEACHER};
  toy_task toy;
  open_toy(&toy, tasks[_i], 2, 0, 1);
  double first = 0, last = 0;
  for (size_t i = 0; i < STEPS; i++) {
    double loss = step(&toy);
    if (i < 3) first += loss;
    if (i >= STEPS - 3) last += loss;
  }
  ck_assert_msg(last < 0.75 * first, "task %d: loss %.4f, then %.4f", (int)tasks[_i], first / 3,
                last / 3);
  close_toy(&toy);
}
END_TEST

START_TEST(seed_decides) {
  toy_task a, b, c;
  open_toy(&a, PROBE_SEQUENCE, 2, 0.1f, 5);
  open_toy(&b, PROBE_SEQUENCE, 2, 0.1f, 5);
  open_toy(&c, PROBE_SEQUENCE, 2, 0.1f, 6);
  size_t bytes = a.model.parameters.total * sizeof(float);
  for (size_t i = 0; i < 7; i++) {
    ck_assert_double_eq(step(&a), step(&b));
    step(&c);
  }
  ck_assert_mem_eq(a.model.parameters.values, b.model.parameters.values, bytes);
  ck_assert_mem_ne(a.model.parameters.values, c.model.parameters.values, bytes);
  close_toy(&a);
  close_toy(&b);
  close_toy(&c);
}
END_TEST

/* Products in bfloat16 change a training's losses a little, and not where it gets. */
START_TEST(bfloat16_learns) {
  static const probe_task tasks[] = {PROBE_SEQUENCE, PROBE_TOKEN, PROBE_COSINE};
  toy_task exact, rounded;
  open_toy(&exact, tasks[_i], 2, 0, 1);
  open_toy(&rounded, tasks[_i], 2, 0, 1);
  rounded.model.encoder.multiply = koe_bfloat16_best();
  bool able = rounded.model.encoder.multiply != NULL;
  double first = 0, last = 0, wanted = 0, differences = 0;
  for (size_t i = 0; able && i < STEPS; i++) {
    double loss = step(&rounded), other = step(&exact);
    if (i < 3) first += loss;
    if (i >= STEPS - 3) last += loss;
    if (i >= STEPS - 3) wanted += other;
    if (i == 0) ck_assert_double_eq_tol(loss, other, 0.02 * other);
    differences += fabs(loss - other);
  }
  close_toy(&exact);
  close_toy(&rounded);
  if (!able) {
    skip_test("this processor has no AVX512-BF16");
    return;
  }
  ck_assert_double_gt(differences, 0);
  ck_assert_msg(fabs(last - wanted) < 0.1 * first, "loss %.4f, then %.4f, in float32 %.4f",
                first / 3, last / 3, wanted / 3);
}
END_TEST

/* Without dropout the batch's gradient does not depend on how it is dealt out. */
START_TEST(workers_agree) {
  static const probe_task tasks[] = {PROBE_SEQUENCE, PROBE_TOKEN, PROBE_ANSWERS, PROBE_CONTRASTIVE};
  toy_task one, three;
  open_toy(&one, tasks[_i], 1, 0, 5);
  open_toy(&three, tasks[_i], 3, 0, 5);
  for (size_t i = 0; i < 3; i++) {
    double loss = step(&one);
    ck_assert_double_eq_tol(loss, step(&three), 1e-4 * (1 + loss));
  }
  close_toy(&one);
  close_toy(&three);
}
END_TEST

/* ── pretraining ────────────────────────────────────────────────────────────────────────────────
 */

/* Every token is the one before plus one, so that a mask can be filled and a wrong one be seen. */
static void append_counting(koe_dataset *dataset, koe_random *random) {
  koe_token tokens[12] = {0};
  koe_error err;
  size_t first = koe_random_below(random, 32);
  tokens[0].id = 2;
  for (size_t t = 1; t < 12; t++)
    tokens[t].id = (int32_t)(8 + (first + t) % 32);
  assert_ok(koe_batch_append(&dataset->tokens, tokens, 12, &err));
}

START_TEST(pretraining_learns) {
  koe_config config = tiny_config(8), small = koe_generator_config(&config, 0.5f);
  koe_trained_encoder generator;
  koe_trained_head masked;
  koe_dataset dataset = {.group = 1};
  koe_random random = {.key = 3};
  koe_error err;
  trainer_model model = {.task = PROBE_REPLACED};
  uint32_t order[EXAMPLES];
  ck_assert_int_eq(small.hidden_size, 4);
  assert_ok(
      koe_trained_encoder_declare(&model.parameters, "", &config, NULL, &model.encoder, &err));
  assert_ok(koe_head_declare_replaced(&model.parameters, "", &model.encoder, &model.head, &err));
  assert_ok(koe_trained_encoder_declare(&model.parameters, "generator.", &small, &model.encoder,
                                        &generator, &err));
  assert_ok(koe_head_declare_masked(&model.parameters, "generator.", &generator, &masked, &err));
  assert_ok(koe_parameters_allocate(&model.parameters, 1, &err));
  for (size_t i = 0; i < EXAMPLES; i++)
    append_counting(&dataset, &random);
  koe_pretraining pretraining = {.discriminator = &model.encoder,
                                 .replaced = &model.head,
                                 .generator = &generator,
                                 .masked = &masked,
                                 .mask_id = 4,
                                 .special_ids = {0, 1, 2, 3, 4},
                                 .share = 0.15f,
                                 .mask_share = 0.85f,
                                 .replaced_weight = 50};
  koe_objective objective = {.kind = KOE_OBJECTIVE_PRETRAINING,
                             .encoder = &model.encoder,
                             .weight = 1,
                             .pretraining = &pretraining};
  koe_training_options options = koe_training_options_default();
  options.optimizer.rate = 1e-2f;
  options.optimizer.steps = 4 * STEPS;
  options.threads = 2;
  options.pass_tokens = 100;
  options.hidden_dropout = options.attention_dropout = 0;
  koe_training *training;
  assert_ok(koe_training_new(&model.parameters, model.encoder.loops, &options, &training, &err));
  double first = 0, last = 0, loss, norm;
  for (size_t i = 0; i < 4 * STEPS; i++) {
    koe_dataset_shuffle(&dataset, 1, i, order);
    assert_ok(koe_training_accumulate(training, &objective, &dataset, order, BATCH, &loss, &err));
    assert_ok(koe_training_update(training, &norm, &err));
    if (i < 3) first += loss;
    if (i >= 4 * STEPS - 3) last += loss;
  }
  ck_assert_msg(last < 0.7 * first, "loss %.4f, then %.4f", first / 3, last / 3);
  koe_training_free(training);
  koe_parameters_clear(&model.parameters);
  koe_trained_encoder_clear(&model.encoder);
  koe_trained_encoder_clear(&generator);
  koe_batch_clear(&dataset.tokens);
}
END_TEST

START_TEST(mask_counts) {
  const koe_pretraining pretraining = {.special_ids = {2, 3, -1, -1, -1}, .share = 0.15f};
  static const int32_t ids[12] = {2, 9, 9, 9, 9, 9, 9, 9, 9, 9, 9, 3};
  ck_assert_uint_eq(koe_pretraining_count(&pretraining, ids, 12), 2);
  ck_assert_uint_eq(koe_pretraining_count(&pretraining, ids, 2), 1);
  ck_assert_uint_eq(koe_pretraining_count(&pretraining, ids, 1), 0);
}
END_TEST

/* ── optimizer ──────────────────────────────────────────────────────────────────────────────────
 */

/* Two steps of AdamW by hand, in float64; weight 0 decays, the bias does not. */
START_TEST(adamw) {
  koe_optimizer_options options = koe_optimizer_options_default();
  koe_parameters parameters = {0};
  koe_error err;
  size_t weight, bias;
  double norm;
  options.rate = 0.1f;
  options.decay = 0.5f;
  options.clip = 1;
  options.steps = 4;
  assert_ok(koe_parameters_add(&parameters, "x.weight", 1, 1, KOE_INITIAL_ONE, &weight, &err));
  assert_ok(koe_parameters_add(&parameters, "x.bias", 1, 0, KOE_INITIAL_ONE, &bias, &err));
  assert_ok(koe_parameters_allocate(&parameters, 1, &err));
  double value[2] = {1, 1}, m[2] = {0}, v[2] = {0};
  float gradient[2];
  float *const gradients[1] = {gradient};
  for (size_t t = 0; t < 2; t++) {
    double g[2] = {3, 4}; /* norm 5: clipped to 1 */
    gradient[weight] = 3;
    gradient[bias] = 4;
    assert_ok(koe_optimizer_update(&options, koe_loops_best(), &parameters, gradients, 1, 1, t,
                                   &norm, &err));
    ck_assert_double_eq_tol(norm, 5, 1e-6);
    double rate = 0.1 * (double)(4 - t) / 4;
    for (size_t i = 0; i < 2; i++) {
      g[i] /= 5;
      m[i] = 0.9 * m[i] + 0.1 * g[i];
      v[i] = 0.999 * v[i] + 0.001 * g[i] * g[i];
      if (i == 0) value[i] -= rate * 0.5 * value[i];
      value[i] -= rate * (m[i] / (1 - pow(0.9, (double)t + 1))) /
                  (sqrt(v[i] / (1 - pow(0.999, (double)t + 1))) + 1e-8);
    }
    ck_assert_double_eq_tol(parameters.values[weight], value[0], 1e-5);
    ck_assert_double_eq_tol(parameters.values[bias], value[1], 1e-5);
    ck_assert_float_eq(gradient[weight], 0);
  }
  gradient[weight] = NAN;
  assert_fails(koe_optimizer_update(&options, koe_loops_best(), &parameters, gradients, 1, 1, 2,
                                    &norm, &err),
               KOE_INVALID, "not finite");
  ck_assert_double_eq_tol(parameters.values[weight], value[0], 1e-5);
  koe_parameters_clear(&parameters);
}
END_TEST

START_TEST(schedule) {
  koe_optimizer_options options = {.rate = 1, .warmup = 4, .steps = 12};
  ck_assert_float_eq(koe_learning_rate(&options, 0), 0.25f);
  ck_assert_float_eq(koe_learning_rate(&options, 3), 1);
  ck_assert_float_eq(koe_learning_rate(&options, 4), 1);
  ck_assert_float_eq(koe_learning_rate(&options, 8), 0.5f);
  ck_assert_float_eq(koe_learning_rate(&options, 12), 0);
}
END_TEST

/* ── loops ──────────────────────────────────────────────────────────────────────────────────────
 */

/* The shares that dropout leaves, and that two masks are not one another's copies. */
START_TEST(dropout_statistics) {
  koe_dropout a = koe_dropout_make(1, 0.1f), b = koe_dropout_make(2, 0.1f);
  size_t kept = 0, both = 0, count = 100000;
  for (uint32_t i = 0; i < count; i++) {
    kept += koe_dropout_factor(a, i) != 0;
    both += koe_dropout_factor(a, i) == 0 && koe_dropout_factor(b, i) == 0;
  }
  ck_assert_double_eq_tol((double)kept / (double)count, 0.9, 0.005);
  ck_assert_double_eq_tol((double)both / (double)count, 0.01, 0.003);
  ck_assert_float_eq(koe_dropout_make(1, 0).scale, 1);
}
END_TEST

Suite *trainer_training_suite(void);
Suite *trainer_training_suite(void) {
  Suite *suite = suite_create("trainer_training");
  TCase *steps = tcase_create("steps");
  tcase_add_loop_test(steps, learns, 0, 8);
  tcase_add_loop_test(steps, bfloat16_learns, 0, 3);
  tcase_add_test(steps, seed_decides);
  tcase_add_loop_test(steps, workers_agree, 0, 4);
  tcase_add_test(steps, pretraining_learns);
  suite_add_tcase(suite, steps);
  TCase *parts = tcase_create("parts");
  tcase_add_test(parts, mask_counts);
  tcase_add_test(parts, adamw);
  tcase_add_test(parts, schedule);
  tcase_add_test(parts, dropout_statistics);
  suite_add_tcase(suite, parts);
  return suite;
}
