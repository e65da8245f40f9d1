#include "quantized.h"

#include "convert.h"
#include "tensor_list.h"

#include <math.h>
#include <string.h>

enum { LARGEST = 127 };

bool koe_is_quantized(const koe_tensor *tensor) {
  return tensor->dtype == KOE_I8 && tensor->dims == 2;
}

bool koe_is_scale(const koe_checkpoint *checkpoint, const char *name) {
  char matrix[KOE_TENSOR_MAX_NAME + 1];
  size_t length = strlen(name), suffix = strlen(KOE_SCALE_SUFFIX);
  if (length < suffix || strcmp(name + length - suffix, KOE_SCALE_SUFFIX) != 0) return false;
  memcpy(matrix, name, length - suffix);
  matrix[length - suffix] = '\0';
  const koe_tensor *tensor = koe_checkpoint_find(checkpoint, matrix);
  return tensor != NULL && koe_is_quantized(tensor);
}

static bool fits(const koe_tensor *scale, const koe_tensor *tensor) {
  bool column = scale->dims == 1 || (scale->dims == 2 && scale->shape[1] == 1);
  return column && scale->shape[0] == tensor->shape[0] && koe_is_floating(scale->dtype);
}

koe_status koe_quantized_scales(koe_checkpoint *checkpoint, const koe_tensor *tensor,
                                const float **out, koe_error *err) {
  const char *path = koe_checkpoint_path(checkpoint);
  char name[KOE_TENSOR_MAX_NAME + sizeof KOE_SCALE_SUFFIX];
  strcpy(name, tensor->name); /* a name has at most KOE_TENSOR_MAX_NAME bytes */
  strcat(name, KOE_SCALE_SUFFIX);
  const koe_tensor *scale = koe_checkpoint_find(checkpoint, name);
  if (scale == NULL) {
    return koe_fail(err, KOE_FORMAT,
                    "%s: tensor \"%s\" is int8, but its scales, \"%s\", are missing", path,
                    tensor->name, name);
  }
  if (!fits(scale, tensor)) {
    return koe_fail(err, KOE_FORMAT,
                    "%s: tensor \"%s\" is not [%lld, 1] floats, a scale a row of %s", path, name,
                    (long long)tensor->shape[0], tensor->name);
  }
  koe_status status = koe_checkpoint_float32(checkpoint, scale, out, err);
  if (status != KOE_OK) return status;
  for (int64_t row = 0; row < tensor->shape[0]; row++) {
    if (!isfinite((*out)[row]) || (*out)[row] < 0) {
      return koe_fail(err, KOE_FORMAT, "%s: tensor \"%s\": scale %lld is %g", path, name,
                      (long long)row, (double)(*out)[row]);
    }
  }
  return KOE_OK;
}

void koe_dequantize(const int8_t *quantized, const float *scales, size_t rows, size_t columns,
                    float *out) {
  for (size_t row = 0; row < rows; row++) {
    const int8_t *from = quantized + row * columns;
    float *to = out + row * columns;
    for (size_t i = 0; i < columns; i++)
      to[i] = scales[row] * (float)from[i];
  }
}

/* The nearest float of 11 significant bits, and no subnormal float16: a row whose scale would be
 * smaller is zero to any model, and keeps steps of 2^-14. */
static float round_to_half(float number) {
  int exponent;
  if (number == 0) return 0;
  if (number < 0x1p-14f) return 0x1p-14f;
  float fraction = frexpf(number, &exponent);
  return ldexpf(rintf(ldexpf(fraction, 11)), exponent - 11);
}

/* Magnitudes compare as their bits do, infinity and NaN above all numbers; and integers compare
 * without branches. */
static float largest_magnitude(const float *row, size_t columns) {
  int32_t largest = 0;
  for (size_t i = 0; i < columns; i++) {
    int32_t bits;
    memcpy(&bits, &row[i], sizeof bits);
    bits &= 0x7FFFFFFF;
    largest = bits > largest ? bits : largest;
  }
  float result;
  memcpy(&result, &largest, sizeof result);
  return result;
}

float koe_quantize_row(const float *row, size_t columns, bool half, int8_t *out) {
  float scale = largest_magnitude(row, columns) / LARGEST;
  if (half && isfinite(scale)) scale = round_to_half(scale);
  if (scale == 0 || !isfinite(scale)) {
    memset(out, 0, columns);
    return scale;
  }
  for (size_t i = 0; i < columns; i++) {
    /* 1.5 · 2^23 leaves no bits for fractions: the nearest whole number, ties to even. */
    int32_t steps = (int32_t)(row[i] / scale + 12582912.0f - 12582912.0f);
    /* A scale that is subnormal is coarse: up to twice the steps there are. */
    steps = steps > LARGEST ? LARGEST : steps;
    out[i] = (int8_t)(steps < -LARGEST ? -LARGEST : steps);
  }
  return scale;
}
