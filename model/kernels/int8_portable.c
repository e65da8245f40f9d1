/* The products in plain C: what each means, and the oracle of the others. */
#include "int8.h"

#include <math.h>

static void quantize(const float *x, size_t rows, size_t columns, void *out, float *scales) {
  int8_t *out_r = out;
  size_t padded = koe_int8_padded(columns);
  for (size_t r = 0; r < rows; r++, x += columns, out_r += padded) {
    float largest = 0;
    int finite = 1;
    for (size_t c = 0; c < columns; c++) {
      finite = finite && isfinite(x[c]);
      largest = fmaxf(largest, fabsf(x[c]));
    }
    int rounds = finite && largest >= 1e-30f;
    float inverse = rounds ? 127 / largest : 0;
    for (size_t c = 0; c < padded; c++) {
      out_r[c] = (int8_t)(rounds && c < columns ? rintf(x[c] * inverse) : 0);
    }
    scales[r] = rounds ? largest / 127 : finite ? 0 : NAN;
  }
}

static void multiply(const koe_int8_matrix *matrix, const void *x, const float *x_scales,
                     size_t rows, const float *bias, float *y) {
  const int8_t *x_r = x;
  size_t groups = koe_int8_groups(matrix->in_features), outputs = matrix->out_features;
  for (size_t r = 0; r < rows; r++, x_r += groups * KOE_INT8_GROUP, y += outputs) {
    const int8_t *weights = matrix->weights;
    for (size_t first = 0; first < outputs; first += KOE_INT8_PANEL) {
      int32_t sums[KOE_INT8_PANEL] = {0};
      for (size_t g = 0; g < groups; g++) {
        for (size_t o = 0; o < KOE_INT8_PANEL; o++) {
          for (size_t i = 0; i < KOE_INT8_GROUP; i++)
            sums[o] += x_r[g * KOE_INT8_GROUP + i] * *weights++;
        }
      }
      for (size_t o = 0; o < KOE_INT8_PANEL && first + o < outputs; o++) {
        float added = bias != NULL ? bias[first + o] : 0;
        y[first + o] = (float)sums[o] * x_scales[r] * matrix->scales[first + o] + added;
      }
    }
  }
}

const koe_int8_kernels koe_int8_portable = {
    .name = "portable", .input_size = sizeof(int8_t), .quantize = quantize, .multiply = multiply};
