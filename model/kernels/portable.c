/* The kernels in plain C on libm: what each means, and the oracle of the others. */
#include "kernels.h"

#include <math.h>
#include <string.h>

static void add_layer_norm(const float *x, const float *bias, const float *residual,
                           const float *gamma, const float *beta, float eps, size_t rows,
                           size_t columns, float *y) {
  for (size_t r = 0; r < rows; r++) {
    const float *x_r = x + r * columns;
    const float *residual_r = residual != NULL ? residual + r * columns : NULL;
    float *y_r = y + r * columns;
    double sum = 0;
    for (size_t c = 0; c < columns; c++) {
      y_r[c] = x_r[c] + (bias != NULL ? bias[c] : 0) + (residual_r != NULL ? residual_r[c] : 0);
      sum += y_r[c];
    }
    double mean = sum / (double)columns, squares = 0;
    for (size_t c = 0; c < columns; c++)
      squares += (y_r[c] - mean) * (y_r[c] - mean);
    double scale = 1 / sqrt(squares / (double)columns + eps);
    for (size_t c = 0; c < columns; c++) {
      y_r[c] = (float)((y_r[c] - mean) * scale) * gamma[c] + beta[c];
    }
  }
}

static float activate(float x, koe_activation activation) {
  switch (activation) {
  case KOE_GELU_ERF:
    return (float)(0.5 * x * (1 + erf(x * M_SQRT1_2)));
  case KOE_GELU_TANH:
    return (float)(0.5 * x * (1 + tanh(sqrt(2 / M_PI) * (x + 0.044715 * x * x * x))));
  case KOE_RELU:
    return x > 0 ? x : 0;
  }
  return x;
}

static void bias_activation(float *x, const float *bias, koe_activation activation, size_t rows,
                            size_t columns) {
  for (size_t r = 0; r < rows; r++) {
    for (size_t c = 0; c < columns; c++) {
      x[r * columns + c] = activate(x[r * columns + c] + bias[c], activation);
    }
  }
}

static void add_bias(float *x, const float *bias, size_t rows, size_t columns) {
  for (size_t r = 0; r < rows; r++) {
    for (size_t c = 0; c < columns; c++)
      x[r * columns + c] += bias[c];
  }
}

static void softmax(float *x, float scale, size_t rows, size_t columns, size_t stride) {
  for (size_t r = 0; r < rows; r++) {
    float *x_r = x + r * stride;
    float largest = -INFINITY;
    for (size_t c = 0; c < columns; c++)
      largest = fmaxf(largest, x_r[c] * scale);
    double sum = 0;
    for (size_t c = 0; c < columns; c++) {
      x_r[c] = (float)exp((double)(x_r[c] * scale) - largest);
      sum += x_r[c];
    }
    for (size_t c = 0; c < columns; c++)
      x_r[c] = (float)(x_r[c] / sum);
  }
}

static void multiply(const koe_panels *panels, const float *x, size_t x_stride, size_t rows,
                     const koe_epilogue *epilogue, float *y, size_t y_stride) {
  for (size_t r = 0; r < rows; r++, x += x_stride, y += y_stride) {
    for (size_t first = 0; first < panels->out_features; first += KOE_PANEL) {
      const float *w = panels->values + first / KOE_PANEL * panels->panel_stride;
      size_t columns = panels->out_features - first;
      float sums[KOE_PANEL] = {0};
      if (columns > KOE_PANEL) columns = KOE_PANEL;
      for (size_t c = 0; c < columns && epilogue->bias != NULL; c++)
        sums[c] = epilogue->bias[first + c];
      for (size_t i = 0; i < panels->in_features; i++, w += panels->input_stride) {
        for (size_t c = 0; c < KOE_PANEL; c++)
          sums[c] += x[i] * w[c];
      }
      for (size_t c = 0; c < columns; c++)
        y[first + c] = epilogue->activates ? activate(sums[c], epilogue->activation) : sums[c];
    }
  }
}

/* binary16: 1 sign, 5 exponent (bias 15), 10 fraction bits. */
static void widen_half(const uint16_t *x, size_t count, float *out) {
  for (size_t i = 0; i < count; i++) {
    int exponent = x[i] >> 10 & 0x1F, fraction = x[i] & 0x3FF;
    float magnitude = exponent == 0 ? ldexpf((float)fraction, -24)
                                    : ldexpf((float)(fraction + 1024), exponent - 25);
    if (exponent == 0x1F) magnitude = fraction == 0 ? INFINITY : NAN;
    out[i] = x[i] >> 15 ? -magnitude : magnitude;
  }
}

/* bfloat16: the upper half of a float32. */
static void widen_bfloat(const uint16_t *x, size_t count, float *out) {
  for (size_t i = 0; i < count; i++) {
    uint32_t bits = (uint32_t)x[i] << 16;
    memcpy(out + i, &bits, sizeof bits);
  }
}

static void mean_rows(const float *x, size_t rows, size_t columns, float *out) {
  for (size_t c = 0; c < columns; c++) {
    double sum = 0;
    for (size_t r = 0; r < rows; r++)
      sum += x[r * columns + c];
    out[c] = (float)(sum / (double)rows);
  }
}

static void dots(const float *query, const float *rows, size_t count, size_t n, float *out) {
  for (size_t i = 0; i < count; i++) {
    double sum = 0;
    for (size_t j = 0; j < n; j++)
      sum += (double)query[j] * rows[i * n + j];
    out[i] = (float)sum;
  }
}

const koe_kernels koe_kernels_portable = {
    .name = "portable",
    .add_layer_norm = add_layer_norm,
    .bias_activation = bias_activation,
    .add_bias = add_bias,
    .softmax = softmax,
    .multiply = multiply,
    .widen_half = widen_half,
    .widen_bfloat = widen_bfloat,
    .mean_rows = mean_rows,
    .dots = dots,
};
