/* The backward passes: against PyTorch's gradients, and against finite differences. */
#include "support.h"
#include "trainer_model.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static const koe_dropout_plan no_dropout = {0};

/* ── PyTorch ────────────────────────────────────────────────────────────────────────────────────
 */

static size_t flatten(const json_t *value, float *out) {
  if (!json_is_array(value)) {
    *out = (float)json_number_value(value);
    return 1;
  }
  size_t count = 0, i;
  json_t *item;
  json_array_foreach(value, i, item) count += flatten(item, out + count);
  return count;
}

static void append_tokens(koe_batch *batch, const json_t *ids, const json_t *types) {
  koe_token tokens[16] = {0};
  koe_error err;
  size_t i;
  json_t *id;
  ck_assert_uint_le(json_array_size(ids), 16);
  json_array_foreach(ids, i, id) {
    tokens[i].id = (int32_t)json_integer_value(id);
    tokens[i].segment = (int32_t)json_integer_value(json_array_get(types, i));
  }
  assert_ok(koe_batch_append(batch, tokens, json_array_size(ids), &err));
}

static void read_values(const json_t *fixture, trainer_model *model) {
  const char *name;
  json_t *value;
  json_object_foreach(json_object_get(fixture, "parameters"), name, value) {
    const koe_parameter *parameter = koe_parameters_find(&model->parameters, name);
    ck_assert_msg(parameter != NULL, "no parameter %s", name);
    ck_assert_uint_eq(flatten(value, model->parameters.values + parameter->offset),
                      koe_parameter_size(parameter));
  }
  ck_assert_uint_eq(json_object_size(json_object_get(fixture, "parameters")),
                    model->parameters.count);
}

static void compare_gradients(const json_t *fixture, const trainer_model *model) {
  static float expected[4096];
  const char *name;
  json_t *value;
  json_object_foreach(json_object_get(fixture, "gradients"), name, value) {
    const koe_parameter *parameter = koe_parameters_find(&model->parameters, name);
    const float *actual = model->gradients + parameter->offset;
    size_t count = flatten(value, expected);
    for (size_t i = 0; i < count; i++) {
      ck_assert_msg(fabsf(actual[i] - expected[i]) <= 2e-6f + 2e-4f * fabsf(expected[i]),
                    "%s[%zu]: %.8g, PyTorch has %.8g", name, i, actual[i], expected[i]);
    }
  }
}

static void agree_with_torch(const char *file, probe_task task) {
  const char *path = shared_path(file);
  if (path == NULL) return;
  json_t *fixture = load_json(path), *target = json_object_get(fixture, "target"), *value;
  koe_config config = tiny_config(6);
  trainer_model model;
  koe_batch batch = {0};
  int32_t labels[16];
  uint32_t selected[16];
  probe_targets targets = {.labels = labels};
  trainer_model_open(&model, task, &config, 2, 1);
  if (task == PROBE_SEQUENCE) {
    labels[0] = (int32_t)json_integer_value(target);
  } else if (task == PROBE_REPLACED) {
    size_t i;
    json_array_foreach(target, i, value) labels[i] = (int32_t)json_integer_value(value);
  } else {
    const char *position;
    targets.selected = selected;
    json_object_foreach(target, position, value) {
      labels[targets.selected_count] = (int32_t)json_integer_value(value);
      selected[targets.selected_count++] = (uint32_t)atoi(position);
    }
  }
  append_tokens(&batch, json_object_get(fixture, "input_ids"),
                json_object_get(fixture, "token_type_ids"));
  read_values(fixture, &model);
  double loss = trainer_model_loss(&model, &batch, &targets, &no_dropout, true);
  ck_assert_double_eq_tol(loss, json_number_value(json_object_get(fixture, "loss")), 2e-6);
  compare_gradients(fixture, &model);
  trainer_model_close(&model);
  koe_batch_clear(&batch);
  json_decref(fixture);
}

START_TEST(torch_sequence) {
  agree_with_torch("fixtures/gradients/seq.json", PROBE_SEQUENCE);
}
END_TEST

START_TEST(torch_replaced) {
  agree_with_torch("fixtures/gradients/rtd.json", PROBE_REPLACED);
}
END_TEST

START_TEST(torch_masked) {
  agree_with_torch("fixtures/gradients/mlm.json", PROBE_MASKED);
}
END_TEST

/* ── finite differences ─────────────────────────────────────────────────────────────────────────
 */

enum { SEQUENCES = 6 };

static void fill_batch(koe_batch *batch) {
  static const size_t lengths[SEQUENCES] = {5, 1, 9, 16, 3, 7};
  koe_error err;
  uint64_t state = 7;
  for (size_t s = 0; s < SEQUENCES; s++) {
    koe_token tokens[16] = {0};
    for (size_t t = 0; t < lengths[s]; t++) {
      state = koe_random_mix(state);
      tokens[t].id = (int32_t)(state % 40);
      tokens[t].segment = t > 4;
    }
    assert_ok(koe_batch_append(batch, tokens, lengths[s], &err));
  }
}

/* Values large enough that no gradient is lost in float32's noise. */
static void widen(koe_parameters *parameters) {
  koe_random random = {.key = 99};
  for (size_t i = 0; i < parameters->count; i++) {
    const koe_parameter *parameter = &parameters->items[i];
    float *values = parameters->values + parameter->offset;
    float factor = parameter->initial == KOE_INITIAL_TABLE ? 12 : 0.7f;
    for (size_t k = 0; k < koe_parameter_size(parameter); k++)
      values[k] = values[k] * factor + (float)koe_random_uniform(&random) * 0.2f;
  }
  for (size_t i = 0; i < parameters->count; i++) {
    if (strstr(parameters->items[i].name, "LayerNorm.weight") == NULL) continue;
    float *gamma = parameters->values + parameters->items[i].offset;
    for (size_t c = 0; c < parameters->items[i].rows; c++)
      gamma[c] = 0.6f + (float)koe_random_uniform(&random) * 0.8f;
  }
}

/* The derivative along a random direction within each parameter: one number a parameter tells of
 * every element, and its difference quotient is far above the noise of float32. */
static void compare_parameter(trainer_model *model, const koe_parameter *parameter,
                              const koe_batch *batch, const probe_targets *targets,
                              const koe_dropout_plan *dropout, const float *gradients) {
  float *values = model->parameters.values + parameter->offset, kept[1024];
  size_t count = koe_parameter_size(parameter);
  double expected = 0, quotient[2], step = 2e-3;
  ck_assert_uint_le(count, 1024);
  memcpy(kept, values, count * sizeof *kept);
  for (int trial = 0; trial < 3; trial++) {
    uint64_t key = koe_random_key(parameter->offset, (uint64_t)trial);
    expected = 0;
    for (int side = 0; side < 2; side++) {
      koe_random random = {.key = key};
      for (size_t i = 0; i < count; i++) {
        double direction = koe_random_next(&random) & 1 ? 1 : -1;
        values[i] = (float)(kept[i] + (side == 0 ? step : -step) * direction);
        if (side == 0) expected += gradients[parameter->offset + i] * direction;
      }
      quotient[side] = trainer_model_loss(model, batch, targets, dropout, false);
    }
    memcpy(values, kept, count * sizeof *kept);
    double actual = (quotient[0] - quotient[1]) / (2 * step);
    ck_assert_msg(fabs(actual - expected) <= 1e-3 + 1e-2 * fabs(expected),
                  "task %d, %s: gradient %.6g, difference quotient %.6g", (int)model->task,
                  parameter->name, expected, actual);
  }
}

START_TEST(finite_differences) {
  static const int32_t token_labels[64] = {0, 2, 1, 1, -1, 0, 2, 2, 0, 1, -1, 1, 0, 2, 1, 0};
  static const int32_t bits[64] = {0, 1, 0, 0, 1, 1, 1, 0, 0, 0, 1, 0, 1};
  static const int32_t answers[2 * SEQUENCES] = {1, 3, 0, 0, 2, 8, -1, -1, 0, 2, 6, 6};
  static const int32_t words[4] = {3, 39, 0, 17}, groups[3] = {4, 5, 4};
  static const uint32_t selected[4] = {1, 5, 20, 40};
  static const float values[3 * SEQUENCES] = {0.5f, -1, 2, 0.25f, 0.1f, 3, NAN, 0, 0,
                                              1,    2,  3, 0.3f,  0.2f, 0, 1,   1, -1};
  static const float graded[SEQUENCES] = {0.9f, 0.2f, 0.5f, -1, 0.25f, 1};
  float embeddings[SEQUENCES * 8];
  for (size_t i = 0; i < sizeof embeddings / sizeof embeddings[0]; i++)
    embeddings[i] = (float)((int)(i * 7 % 11) - 5) / 8;
  const probe_targets targets[PROBE_TASKS] = {
      [PROBE_SEQUENCE] = {.labels = token_labels},
      [PROBE_REGRESSION] = {.values = graded},
      [PROBE_DISTILLATION] = {.values = values},
      [PROBE_TOKEN] = {.labels = token_labels},
      [PROBE_ANSWERS] = {.labels = answers},
      [PROBE_REPLACED] = {.labels = bits},
      [PROBE_MASKED] = {.labels = words, .selected = selected, .selected_count = 4},
      [PROBE_CONTRASTIVE] = {.labels = groups},
      [PROBE_COSINE] = {.values = graded},
      [PROBE_COSENT] = {.values = graded},
      [PROBE_TEACHER] = {.values = embeddings},
  };
  static const koe_dropout_plan dropout = {.key = 5, .hidden = 0.2f, .attention = 0.3f};
  probe_task task = (probe_task)(_i / 3);
  koe_config config = tiny_config(_i % 3 == 0 ? 6 : 8);
  if (_i % 3 == 2) config.hidden_act = KOE_GELU_TANH;
  const koe_dropout_plan *plan = _i % 3 == 0 ? &no_dropout : &dropout;
  trainer_model model;
  koe_batch batch = {0};
  trainer_model_open(&model, task, &config, 3, 11);
  widen(&model.parameters);
  fill_batch(&batch);
  trainer_model_loss(&model, &batch, &targets[task], plan, true);
  size_t bytes = model.parameters.total * sizeof(float);
  float *gradients = malloc(bytes);
  memcpy(gradients, model.gradients, bytes);
  for (size_t i = 0; i < model.parameters.count; i++) {
    compare_parameter(&model, &model.parameters.items[i], &batch, &targets[task], plan, gradients);
  }
  free(gradients);
  trainer_model_close(&model);
  koe_batch_clear(&batch);
}
END_TEST

Suite *trainer_gradients_suite(void);
Suite *trainer_gradients_suite(void) {
  Suite *suite = suite_create("trainer_gradients");
  TCase *torch = tcase_create("torch");
  tcase_add_test(torch, torch_sequence);
  tcase_add_test(torch, torch_replaced);
  tcase_add_test(torch, torch_masked);
  suite_add_tcase(suite, torch);
  TCase *differences = tcase_create("finite differences");
  tcase_add_loop_test(differences, finite_differences, 0, 3 * PROBE_TASKS);
  suite_add_tcase(suite, differences);
  return suite;
}
