#include "weights.h"

#include "checkpoint/convert.h"
#include "checkpoint/quantized.h"
#include "hash.h"
#include "memory.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

enum { HASH_SAMPLES = 16 };

koe_status koe_weights_init(koe_weights *weights, koe_checkpoint *checkpoint, koe_error *err) {
  weights->checkpoint = checkpoint;
  weights->hash = KOE_HASH_START;
  if (koe_checkpoint_find(checkpoint, "electra.embeddings.word_embeddings.weight") != NULL) {
    weights->prefix = "electra.";
  } else if (koe_checkpoint_find(checkpoint, "embeddings.word_embeddings.weight") != NULL) {
    weights->prefix = "";
  } else {
    return koe_fail(err, KOE_FORMAT,
                    "%s holds no ELECTRA model: it has neither "
                    "electra.embeddings.word_embeddings.weight nor the same without electra.",
                    koe_checkpoint_path(checkpoint));
  }
  return KOE_OK;
}

/* A sample, so that a fingerprint does not read a whole file that is otherwise read on demand. */
static uint64_t hash_sample(uint64_t hash, const float *values, size_t count) {
  size_t samples = count < HASH_SAMPLES ? count : HASH_SAMPLES;
  for (size_t i = 0; i < samples; i++) {
    hash = koe_hash(hash, &values[i * (count / samples)], sizeof *values);
  }
  return hash;
}

static bool has_shape(const koe_tensor *tensor, size_t rows, size_t columns) {
  if (columns == 0) return tensor->dims == 1 && tensor->shape[0] == (int64_t)rows;
  return tensor->dims == 2 && tensor->shape[0] == (int64_t)rows &&
         tensor->shape[1] == (int64_t)columns;
}

static void print_shape(const koe_tensor *tensor, char *out, size_t size) {
  size_t used = 0;
  for (int i = 0; i < tensor->dims && used < size; i++) {
    used += (size_t)snprintf(out + used, size - used, "%s%lld", i > 0 ? ", " : "",
                             (long long)tensor->shape[i]);
  }
  if (tensor->dims == 0) out[0] = '\0';
}

koe_status koe_weights_find(koe_weights *weights, const char *name, size_t rows, size_t columns,
                            const koe_tensor **out, koe_error *err) {
  const char *path = koe_checkpoint_path(weights->checkpoint);
  const koe_tensor *tensor = koe_checkpoint_find(weights->checkpoint, name);
  if (tensor == NULL) {
    return koe_fail(err, KOE_FORMAT, "%s has no tensor %s, which config.json implies", path, name);
  }
  if (!has_shape(tensor, rows, columns)) {
    char found[128], wanted[64];
    print_shape(tensor, found, sizeof found);
    snprintf(wanted, sizeof wanted, columns == 0 ? "%zu" : "%zu, %zu", rows, columns);
    return koe_fail(err, KOE_FORMAT, "%s: tensor %s has shape [%s], config.json implies [%s]", path,
                    name, found, wanted);
  }
  *out = tensor;
  return KOE_OK;
}

koe_status koe_weights_get(koe_weights *weights, const char *name, size_t rows, size_t columns,
                           const float **out, koe_error *err) {
  const koe_tensor *tensor;
  koe_status status = koe_weights_find(weights, name, rows, columns, &tensor, err);
  if (status == KOE_OK) status = koe_checkpoint_float32(weights->checkpoint, tensor, out, err);
  if (status != KOE_OK) return status;
  weights->hash = hash_sample(weights->hash, *out, rows * (columns == 0 ? 1 : columns));
  return KOE_OK;
}

void koe_matrix_read(const koe_matrix *matrix, size_t row, size_t first, size_t count, float *out) {
  const koe_tensor *tensor = matrix->tensor;
  size_t size = koe_dtype_size(tensor->dtype);
  if (tensor->transposed) {
    koe_convert_transposed(tensor->dtype, tensor->data, matrix->rows, row, first, count, out);
    return;
  }
  const uint8_t *data = tensor->data + (row * matrix->columns + first) * size;
  if (matrix->scales != NULL) {
    koe_dequantize((const int8_t *)data, matrix->scales + row, 1, count, out);
  } else {
    koe_convert_to_float32(tensor->dtype, data, count, out);
  }
}

koe_status koe_weights_matrix(koe_weights *weights, const char *name, size_t rows, size_t columns,
                              koe_matrix *out, koe_error *err) {
  const koe_tensor *tensor;
  memset(out, 0, sizeof *out);
  koe_status status = koe_weights_find(weights, name, rows, columns, &tensor, err);
  if (status != KOE_OK) return status;
  *out = (koe_matrix){.tensor = tensor, .rows = rows, .columns = columns};
  if (koe_is_quantized(tensor)) {
    status = koe_quantized_scales(weights->checkpoint, tensor, &out->scales, err);
  } else if (!koe_is_floating(tensor->dtype)) {
    const float *none; /* fails, saying which types there are */
    status = koe_checkpoint_float32(weights->checkpoint, tensor, &none, err);
  }
  if (status != KOE_OK) return status;
  /* The sample that hash_sample takes of the whole as float32. */
  size_t count = rows * columns, samples = count < HASH_SAMPLES ? count : HASH_SAMPLES;
  for (size_t i = 0; i < samples; i++) {
    size_t at = i * (count / samples);
    float value;
    koe_matrix_read(out, at / columns, at % columns, 1, &value);
    weights->hash = koe_hash(weights->hash, &value, sizeof value);
  }
  return KOE_OK;
}

/* Rounds a matrix of floats, and lets go of them. */
static koe_status quantize(koe_weights *weights, const koe_tensor *tensor, size_t rows,
                           size_t columns, koe_int8_rows *out, koe_error *err) {
  const float *floats;
  koe_status status = koe_checkpoint_float32(weights->checkpoint, tensor, &floats, err);
  if (status != KOE_OK) return status;
  out->own_values = koe_alloc(rows, columns);
  out->own_scales = koe_alloc(rows, sizeof *out->own_scales);
  if (out->own_values == NULL || out->own_scales == NULL) return koe_fail_nomem(err);
  for (size_t row = 0; row < rows; row++) {
    out->own_scales[row] =
        koe_quantize_row(floats + row * columns, columns, false, out->own_values + row * columns);
    if (!isfinite(out->own_scales[row])) {
      return koe_fail(err, KOE_FORMAT, "%s: tensor \"%s\" has an element that is not finite",
                      koe_checkpoint_path(weights->checkpoint), tensor->name);
    }
  }
  out->values = out->own_values;
  out->scales = out->own_scales;
  koe_checkpoint_release(weights->checkpoint, tensor);
  return KOE_OK;
}

koe_status koe_weights_int8(koe_weights *weights, const char *name, size_t rows, size_t columns,
                            koe_int8_rows *out, koe_error *err) {
  const koe_tensor *tensor;
  memset(out, 0, sizeof *out);
  koe_status status = koe_weights_find(weights, name, rows, columns, &tensor, err);
  if (status != KOE_OK) return status;
  if (koe_is_quantized(tensor)) {
    status = koe_quantized_scales(weights->checkpoint, tensor, &out->scales, err);
    out->values = (const int8_t *)tensor->data;
  } else {
    status = quantize(weights, tensor, rows, columns, out, err);
  }
  if (status != KOE_OK) {
    koe_int8_rows_clear(out);
    return status;
  }
  weights->hash = hash_sample(weights->hash, out->scales, rows);
  for (size_t i = 0; i < HASH_SAMPLES; i++)
    weights->hash = koe_hash(weights->hash, &out->values[i * (rows * columns / HASH_SAMPLES)], 1);
  return KOE_OK;
}

void koe_int8_rows_clear(koe_int8_rows *rows) {
  koe_free(rows->own_values);
  koe_free(rows->own_scales);
  memset(rows, 0, sizeof *rows);
}

bool koe_weights_have_linear(const koe_weights *weights, const char *name, size_t in_features) {
  char full[192];
  snprintf(full, sizeof full, "%s.weight", name);
  const koe_tensor *weight = koe_checkpoint_find(weights->checkpoint, full);
  snprintf(full, sizeof full, "%s.bias", name);
  const koe_tensor *bias = koe_checkpoint_find(weights->checkpoint, full);
  return weight != NULL && weight->dims == 2 && weight->shape[0] > 0 && bias != NULL &&
         has_shape(weight, (size_t)weight->shape[0], in_features) &&
         has_shape(bias, (size_t)weight->shape[0], 0);
}

koe_status koe_weights_linear(koe_weights *weights, const char *name, size_t in_features,
                              size_t out_features, koe_linear *out, koe_error *err) {
  char full[192];
  out->quantized = NULL;
  out->packed = NULL;
  out->in_features = in_features;
  out->out_features = out_features;
  snprintf(full, sizeof full, "%s.weight", name);
  koe_status status = koe_weights_get(weights, full, out_features, in_features, &out->weight, err);
  if (status != KOE_OK) return status;
  snprintf(full, sizeof full, "%s.bias", name);
  return koe_weights_get(weights, full, out_features, 0, &out->bias, err);
}
