#include "parameters.h"

#include "../hash.h"
#include "../memory.h"
#include "random.h"

#include <math.h>
#include <string.h>

static bool has_suffix(const char *name, const char *suffix) {
  size_t length = strlen(name), suffix_length = strlen(suffix);
  return length >= suffix_length && strcmp(name + length - suffix_length, suffix) == 0;
}

koe_status koe_parameters_add(koe_parameters *parameters, const char *name, size_t rows,
                              size_t columns, koe_initial initial, size_t *offset, koe_error *err) {
  if (strlen(name) >= KOE_PARAMETER_NAME) {
    return koe_fail(err, KOE_INVALID, "the parameter name \"%.64s…\" is too long", name);
  }
  if (koe_parameters_find(parameters, name) != NULL) {
    return koe_fail(err, KOE_INVALID,
                    "two tasks have a head called %s: they cannot be trained at once", name);
  }
  if (!koe_grow(&parameters->items, &parameters->capacity, parameters->count + 1,
                sizeof *parameters->items)) {
    return koe_fail_nomem(err);
  }
  koe_parameter *parameter = &parameters->items[parameters->count++];
  strcpy(parameter->name, name);
  parameter->rows = rows;
  parameter->columns = columns;
  parameter->offset = parameters->total;
  parameter->initial = initial;
  parameter->decays = !has_suffix(name, ".bias") && strstr(name, "LayerNorm") == NULL;
  parameters->total += koe_parameter_size(parameter);
  *offset = parameter->offset;
  return KOE_OK;
}

const koe_parameter *koe_parameters_find(const koe_parameters *parameters, const char *name) {
  for (size_t i = 0; i < parameters->count; i++) {
    if (strcmp(parameters->items[i].name, name) == 0) return &parameters->items[i];
  }
  return NULL;
}

/* A normal deviate within two standard deviations, by the Box-Muller transform with rejection. */
static float truncated_normal(koe_random *random) {
  for (;;) {
    double radius = sqrt(-2 * log(1 - koe_random_uniform(random)));
    double value = radius * cos(2 * M_PI * koe_random_uniform(random));
    if (fabs(value) <= 2) return (float)value;
  }
}

static float deviation(const koe_parameter *parameter) {
  if (parameter->initial == KOE_INITIAL_TABLE) return 0.02f;
  return sqrtf(2.0f / (float)(parameter->rows + parameter->columns));
}

static void initialize(const koe_parameter *parameter, uint64_t seed, float *values) {
  uint64_t name = koe_hash(KOE_HASH_START, parameter->name, strlen(parameter->name));
  koe_random random = {.key = koe_random_key(seed, name)};
  for (size_t i = 0; i < koe_parameter_size(parameter); i++) {
    if (parameter->initial == KOE_INITIAL_TABLE || parameter->initial == KOE_INITIAL_WEIGHT) {
      values[i] = deviation(parameter) * truncated_normal(&random);
    } else {
      values[i] = parameter->initial == KOE_INITIAL_ONE ? 1 : 0;
    }
  }
}

koe_status koe_parameters_allocate(koe_parameters *parameters, uint64_t seed, koe_error *err) {
  size_t bytes = parameters->total * sizeof(float);
  parameters->values = koe_alloc_aligned(parameters->total, sizeof(float));
  parameters->first_moments = koe_alloc_aligned(parameters->total, sizeof(float));
  parameters->second_moments = koe_alloc_aligned(parameters->total, sizeof(float));
  if (parameters->values == NULL || parameters->first_moments == NULL ||
      parameters->second_moments == NULL) {
    return koe_fail_nomem(err);
  }
  memset(parameters->first_moments, 0, bytes);
  memset(parameters->second_moments, 0, bytes);
  for (size_t i = 0; i < parameters->count; i++) {
    initialize(&parameters->items[i], seed, parameters->values + parameters->items[i].offset);
  }
  return KOE_OK;
}

/* ── from a checkpoint ──────────────────────────────────────────────────────────────────────────
 */

static const char encoder_prefix[] = "electra.";

static bool is_encoder(const char *name) {
  return strncmp(name, encoder_prefix, sizeof encoder_prefix - 1) == 0;
}

static bool has_shape(const koe_tensor *tensor, const koe_parameter *parameter) {
  if (parameter->columns == 0) {
    return tensor->dims == 1 && tensor->shape[0] == (int64_t)parameter->rows;
  }
  return tensor->dims == 2 && tensor->shape[0] == (int64_t)parameter->rows &&
         tensor->shape[1] == (int64_t)parameter->columns;
}

/* Reads one parameter, called `name` in the checkpoint. */
static koe_status load_one(const koe_parameter *parameter, const char *name, float *values,
                           koe_checkpoint *checkpoint, size_t *read, koe_error *err) {
  const koe_tensor *tensor = koe_checkpoint_find(checkpoint, name);
  if (tensor == NULL && is_encoder(name)) {
    tensor = koe_checkpoint_find(checkpoint, name + sizeof encoder_prefix - 1);
  }
  const char *path = koe_checkpoint_path(checkpoint);
  if (tensor == NULL) {
    if (!is_encoder(name)) return KOE_OK;
    return koe_fail(err, KOE_FORMAT, "%s has no tensor %s, which the model needs", path, name);
  }
  if (!has_shape(tensor, parameter)) {
    if (!is_encoder(name)) return KOE_OK;
    return koe_fail(err, KOE_FORMAT,
                    "%s: tensor %s is not [%zu, %zu] as the configuration implies (a vector has 0 "
                    "columns)",
                    path, name, parameter->rows, parameter->columns);
  }
  const float *source;
  koe_status status = koe_checkpoint_float32(checkpoint, tensor, &source, err);
  if (status != KOE_OK) return status;
  memcpy(values, source, koe_parameter_size(parameter) * sizeof *values);
  ++*read;
  return KOE_OK;
}

koe_status koe_parameters_load(koe_parameters *parameters, const char *prefix,
                               koe_checkpoint *checkpoint, size_t *read, koe_error *err) {
  size_t length = strlen(prefix);
  *read = 0;
  for (size_t i = 0; i < parameters->count; i++) {
    const koe_parameter *parameter = &parameters->items[i];
    if (strncmp(parameter->name, prefix, length) != 0) continue;
    koe_status status = load_one(parameter, parameter->name + length,
                                 parameters->values + parameter->offset, checkpoint, read, err);
    if (status != KOE_OK) return status;
  }
  return KOE_OK;
}

void koe_parameters_clear(koe_parameters *parameters) {
  koe_free(parameters->items);
  koe_free(parameters->values);
  koe_free(parameters->first_moments);
  koe_free(parameters->second_moments);
  memset(parameters, 0, sizeof *parameters);
}
