/* The loops in plain C, written so that compilers vectorise them: no branches on data, reductions
 * declared as such.  The including file defines LOOPS_NAME and LOOPS_TABLE and is compiled with an
 * instruction set's flags. */
#include "loops.h"

#include <math.h>
#include <string.h>

static inline uint32_t bits_of(float x) {
  uint32_t bits;
  memcpy(&bits, &x, sizeof bits);
  return bits;
}

static inline float float_of(uint32_t bits) {
  float x;
  memcpy(&x, &bits, sizeof x);
  return x;
}

/* exp(x) for x up to 88, about 0 below -87: 2^n · exp(r), as in kernels/simd.h. */
static inline float exponential(float x) {
  const float rounding = 12582912.0f; /* 1.5 · 2^23: the sum's low bits are the nearest integer */
  x = x < -87.0f ? -87.0f : x;
  float shifted = x * 1.44269504f + rounding;
  float n = shifted - rounding;
  float r = x - n * 0.693359375f + n * 2.12194440e-4f;
  float p = r * (1.0f / 5040) + 1.0f / 720;
  p = p * r + 1.0f / 120;
  p = p * r + 1.0f / 24;
  p = p * r + 1.0f / 6;
  p = p * r + 0.5f;
  p = p * r + 1.0f;
  p = p * r + 1.0f;
  return float_of(bits_of(p) + ((bits_of(shifted) - bits_of(rounding)) << 23));
}

/* Φ(x), given exp(-x² / 2): formula 7.1.26 of Abramowitz & Stegun 1964, error below 1.5e-7. */
static inline float normal_cdf(float x, float density) {
  float t = 1.0f / (fabsf(x) * (0.3275911f * 0.70710678f) + 1.0f);
  float p = t * 1.061405429f - 1.453152027f;
  p = p * t + 1.421413741f;
  p = p * t - 0.284496736f;
  p = p * t + 0.254829592f;
  float tail = p * t * density * 0.5f;
  return x < 0.0f ? tail : 1.0f - tail;
}

static inline float gelu_erf(float x) {
  return x * normal_cdf(x, exponential(x * x * -0.5f));
}

static inline float gelu_erf_slope(float x) {
  float density = exponential(x * x * -0.5f);
  return normal_cdf(x, density) + x * density * 0.39894228f;
}

/* (1 + tanh z) / 2 with z = √(2/π) · (x + 0.044715 x³) */
static inline float gelu_sigmoid(float x) {
  float z = (x + x * x * x * 0.044715f) * -1.59576912f;
  z = z > 87.0f ? 87.0f : z;
  return 1.0f / (1.0f + exponential(z));
}

static inline float gelu_tanh_slope(float x) {
  float s = gelu_sigmoid(x);
  return s + x * s * (1.0f - s) * 1.59576912f * (1.0f + x * x * (3 * 0.044715f));
}

static void activate_row(float *restrict x, const float *restrict bias, koe_activation activation,
                         size_t columns, float *restrict y) {
#pragma omp simd
  for (size_t c = 0; c < columns; c++)
    x[c] += bias[c];
  if (activation == KOE_GELU_ERF) {
#pragma omp simd
    for (size_t c = 0; c < columns; c++)
      y[c] = gelu_erf(x[c]);
  } else if (activation == KOE_GELU_TANH) {
#pragma omp simd
    for (size_t c = 0; c < columns; c++)
      y[c] = x[c] * gelu_sigmoid(x[c]);
  } else {
#pragma omp simd
    for (size_t c = 0; c < columns; c++)
      y[c] = x[c] > 0 ? x[c] : 0;
  }
}

static void activation_forward(float *x, const float *bias, koe_activation activation, size_t rows,
                               size_t columns, float *y) {
  for (size_t r = 0; r < rows; r++)
    activate_row(x + r * columns, bias, activation, columns, y + r * columns);
}

static void slope_row(float *restrict dy, const float *restrict x, koe_activation activation,
                      size_t columns, float *restrict dbias) {
  if (activation == KOE_GELU_ERF) {
#pragma omp simd
    for (size_t c = 0; c < columns; c++)
      dy[c] *= gelu_erf_slope(x[c]);
  } else if (activation == KOE_GELU_TANH) {
#pragma omp simd
    for (size_t c = 0; c < columns; c++)
      dy[c] *= gelu_tanh_slope(x[c]);
  } else {
#pragma omp simd
    for (size_t c = 0; c < columns; c++)
      dy[c] = x[c] > 0 ? dy[c] : 0;
  }
#pragma omp simd
  for (size_t c = 0; c < columns; c++)
    dbias[c] += dy[c];
}

static void activation_backward(float *dy, const float *x, koe_activation activation, size_t rows,
                                size_t columns, float *dbias) {
  for (size_t r = 0; r < rows; r++)
    slope_row(dy + r * columns, x + r * columns, activation, columns, dbias);
}

static void dropout(const float *x, koe_dropout drop, uint32_t first, size_t n, float *y) {
  if (drop.threshold == 0) {
    if (x != y) memcpy(y, x, n * sizeof *y);
    return;
  }
#pragma omp simd
  for (size_t i = 0; i < n; i++)
    y[i] = x[i] * koe_dropout_factor(drop, first + (uint32_t)i);
}

/* v = dropout(x + bias) + residual for one row. */
static void sum_row(const float *x, const float *bias, koe_dropout drop, uint32_t first,
                    const float *residual, size_t columns, float *v) {
  if (bias != NULL) {
#pragma omp simd
    for (size_t c = 0; c < columns; c++)
      v[c] = x[c] + bias[c];
  } else if (x != v) {
    memcpy(v, x, columns * sizeof *v);
  }
  if (drop.threshold != 0) dropout(v, drop, first, columns, v);
  if (residual != NULL) {
#pragma omp simd
    for (size_t c = 0; c < columns; c++)
      v[c] += residual[c];
  }
}

/* Normalizes v in place; returns 1 / standard deviation. */
static float normalize_row(float *restrict v, const float *restrict gamma,
                           const float *restrict beta, float eps, size_t columns,
                           float *restrict y) {
  float sum = 0, squares = 0;
#pragma omp simd reduction(+ : sum)
  for (size_t c = 0; c < columns; c++)
    sum += v[c];
  float mean = sum / (float)columns;
#pragma omp simd reduction(+ : squares)
  for (size_t c = 0; c < columns; c++)
    squares += (v[c] - mean) * (v[c] - mean);
  float inverse = 1 / sqrtf(squares / (float)columns + eps);
#pragma omp simd
  for (size_t c = 0; c < columns; c++) {
    v[c] = (v[c] - mean) * inverse;
    y[c] = v[c] * gamma[c] + beta[c];
  }
  return inverse;
}

static void layer_norm_forward(const float *x, const float *bias, koe_dropout drop,
                               const float *residual, const float *gamma, const float *beta,
                               float eps, size_t rows, size_t columns, float *normalized,
                               float *inverse, float *y) {
  for (size_t r = 0; r < rows; r++) {
    size_t first = r * columns;
    sum_row(x + first, bias, drop, (uint32_t)first, residual != NULL ? residual + first : NULL,
            columns, normalized + first);
    inverse[r] = normalize_row(normalized + first, gamma, beta, eps, columns, y + first);
  }
}

static void layer_norm_backward_row(float *restrict dy, const float *restrict normalized,
                                    float inverse, const float *restrict gamma, size_t columns,
                                    float *restrict dgamma, float *restrict dbeta) {
  float sum = 0, product = 0;
#pragma omp simd reduction(+ : sum, product)
  for (size_t c = 0; c < columns; c++) {
    float d = dy[c] * gamma[c];
    sum += d;
    product += d * normalized[c];
  }
  sum /= (float)columns;
  product /= (float)columns;
#pragma omp simd
  for (size_t c = 0; c < columns; c++) {
    dgamma[c] += dy[c] * normalized[c];
    dbeta[c] += dy[c];
    dy[c] = inverse * (dy[c] * gamma[c] - sum - normalized[c] * product);
  }
}

static void layer_norm_backward(float *dy, const float *normalized, const float *inverse,
                                const float *gamma, size_t rows, size_t columns, float *dgamma,
                                float *dbeta) {
  for (size_t r = 0; r < rows; r++) {
    layer_norm_backward_row(dy + r * columns, normalized + r * columns, inverse[r], gamma, columns,
                            dgamma, dbeta);
  }
}

static void softmax_backward(float *dp, const float *p, float scale, size_t rows, size_t columns) {
  for (size_t r = 0; r < rows; r++, dp += columns, p += columns) {
    float product = 0;
#pragma omp simd reduction(+ : product)
    for (size_t c = 0; c < columns; c++)
      product += dp[c] * p[c];
#pragma omp simd
    for (size_t c = 0; c < columns; c++)
      dp[c] = scale * p[c] * (dp[c] - product);
  }
}

static void add_columns(const float *restrict x, size_t rows, size_t columns,
                        float *restrict sums) {
  for (size_t r = 0; r < rows; r++, x += columns) {
#pragma omp simd
    for (size_t c = 0; c < columns; c++)
      sums[c] += x[c];
  }
}

static void add(const float *restrict x, float scale, size_t n, float *restrict y) {
#pragma omp simd
  for (size_t i = 0; i < n; i++)
    y[i] += scale * x[i];
}

static double dot(const float *x, const float *y, size_t n) {
  enum { RUN = 1024 };
  double total = 0;
  for (size_t start = 0; start < n; start += RUN) {
    size_t end = n - start < RUN ? n : start + RUN;
    float sum = 0;
#pragma omp simd reduction(+ : sum)
    for (size_t i = start; i < end; i++)
      sum += x[i] * y[i];
    total += sum;
  }
  return total;
}

static void adamw(const koe_adamw_step *step, const float *restrict gradient, size_t n,
                  float *restrict value, float *restrict first, float *restrict second) {
  float beta1 = step->beta1, beta2 = step->beta2, epsilon = step->epsilon, clip = step->clip;
  float shrink = 1 - step->rate * step->decay, rate = step->rate / step->correction1;
  float root = 1 / sqrtf(step->correction2);
#pragma omp simd
  for (size_t i = 0; i < n; i++) {
    float g = gradient[i] * clip;
    first[i] = beta1 * first[i] + (1 - beta1) * g;
    second[i] = beta2 * second[i] + (1 - beta2) * g * g;
    value[i] = value[i] * shrink - rate * first[i] / (sqrtf(second[i]) * root + epsilon);
  }
}

const koe_loops LOOPS_TABLE = {
    .name = LOOPS_NAME,
    .layer_norm_forward = layer_norm_forward,
    .layer_norm_backward = layer_norm_backward,
    .activation_forward = activation_forward,
    .activation_backward = activation_backward,
    .softmax_backward = softmax_backward,
    .dropout = dropout,
    .add_columns = add_columns,
    .add = add,
    .dot = dot,
    .adamw = adamw,
};
