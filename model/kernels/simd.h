/* The kernels in GCC's vector extensions, compiled once an instruction set.
 *
 * The including file is compiled with the instruction set's flags.  It defines KERNELS_NAME,
 * KERNELS_TABLE and LANES (floats in a vector), what multiply.h needs, LOAD_HALF(x), which is LANES
 * floats of as many binary16, and where the instruction set has what vector extensions lack:
 *
 *   LARGER(a, b)                 a > b ? a : b, by lanes
 *   PARTIAL_LOAD(x, n, fill)     the first n < LANES elements; the others are `fill`
 *   PARTIAL_STORE(x, v, n)       of the first n < LANES elements
 *
 * Rows of any length: the columns that do not fill a vector are done through one padded vector, so
 * every column takes the same path. */
#include "kernels.h"

#include <math.h>
#include <stdint.h>
#include <string.h>

typedef float vector __attribute__((vector_size(LANES * sizeof(float))));
typedef int32_t vector_int __attribute__((vector_size(LANES * sizeof(int32_t))));

static inline vector load(const float *x) {
  vector v;
  memcpy(&v, x, sizeof v);
  return v;
}

static inline vector load_half(const uint16_t *x) {
  return (vector)LOAD_HALF(x);
}

static inline void store(float *x, vector v) {
  memcpy(x, &v, sizeof v);
}

#ifdef PARTIAL_LOAD
/* The first n < LANES elements; the others are `fill`. */
static inline vector load_part(const float *x, size_t n, float fill) {
  return (vector)PARTIAL_LOAD(x, n, fill);
}

static inline void store_part(float *x, vector v, size_t n) {
  PARTIAL_STORE(x, v, n);
}
#else
static inline vector load_part(const float *x, size_t n, float fill) {
  float padded[LANES];
  for (size_t i = 0; i < LANES; i++)
    padded[i] = i < n ? x[i] : fill;
  return load(padded);
}

static inline void store_part(float *x, vector v, size_t n) {
  float padded[LANES];
  store(padded, v);
  for (size_t i = 0; i < n; i++)
    x[i] = padded[i];
}
#endif

static inline vector splat(float x) {
  return x - (vector){0};
}

static inline vector blend(vector_int mask, vector yes, vector no) {
  return (vector)((mask & (vector_int)yes) | (~mask & (vector_int)no));
}

static inline vector larger(vector a, vector b) {
#ifdef LARGER
  return (vector)LARGER(a, b);
#else
  return blend(a > b, a, b);
#endif
}

/* Halving adds, so that the error grows with the logarithm of the number of lanes. */
static inline float sum_lanes(vector v) {
  float x[LANES];
  store(x, v);
  for (size_t width = LANES / 2; width > 0; width /= 2) {
    for (size_t i = 0; i < width; i++)
      x[i] += x[i + width];
  }
  return x[0];
}

static inline float max_lanes(vector v) {
  float x[LANES];
  store(x, v);
  for (size_t width = LANES / 2; width > 0; width /= 2) {
    for (size_t i = 0; i < width; i++)
      x[i] = x[i] > x[i + width] ? x[i] : x[i + width];
  }
  return x[0];
}

/* exp(x) for x ≤ 88; 0 below -87.  x = n·ln 2 + r with |r| ≤ ln 2 / 2, so exp(x) = 2^n · exp(r),
 * and exp(r) is its Taylor polynomial of degree 7 (remainder below 1e-8).  ln 2 is split in two so
 * that r is exact (Cody & Waite 1980). */
static inline vector exponential(vector x) {
  const float ln2_high = 0.693359375f, ln2_low = -2.12194440e-4f, rounding = 12582912.0f;
  vector_int vanishes = x < -87.0f;
  x = blend(vanishes, splat(-87.0f), x);
  /* Adding 1.5 · 2^23 leaves the nearest integer in the low mantissa bits. */
  vector shifted = x * 1.44269504f + rounding;
  vector n = shifted - rounding;
  vector r = x - n * ln2_high - n * ln2_low;
  vector p = r * (1.0f / 5040) + 1.0f / 720;
  p = p * r + 1.0f / 120;
  p = p * r + 1.0f / 24;
  p = p * r + 1.0f / 6;
  p = p * r + 0.5f;
  p = p * r + 1.0f;
  p = p * r + 1.0f;
  vector_int exponent = ((vector_int)shifted - (vector_int)splat(rounding)) << 23;
  vector result = (vector)((vector_int)p + exponent);
  return (vector)(~vanishes & (vector_int)result);
}

/* 2^x for x from -100 to 0.  x = n + r with |r| ≤ 1/2; 2^r is the polynomial of degree 5 of least
 * relative error, 7.5e-8. */
static inline vector power_of_two(vector x) {
  const float rounding = 12582912.0f;
  vector shifted = x + rounding; /* as in exponential */
  vector r = x - (shifted - rounding);
  vector p = r * 0.00132764713f + 0.00967554096f;
  p = p * r + 0.0555071309f;
  p = p * r + 0.240221202f;
  p = p * r + 0.693146944f;
  p = p * r + 1.00000012f;
  /* The low 9 bits of `rounding` are zero: the shift leaves n alone. */
  return (vector)((vector_int)p + ((vector_int)shifted << 23));
}

/* x · Φ(x) = max(x, 0) - |x| · Φ(-|x|).  Φ(-|x|) = t·(a1 + … + a5·t^4)·exp(-x²/2) / 2 with
 * t = 1 / (1 + 0.3275911·|x|/√2): formula 7.1.26 of Abramowitz & Stegun 1964 for erfc, absolute
 * error below 1.5e-7.  The a are halved here; Φ stops falling at 2^-100. */
static inline vector gelu_erf(vector x) {
  vector magnitude = (vector)((vector_int)x & 0x7FFFFFFF);
  vector t = 1.0f / (magnitude * (0.3275911f * 0.70710678f) + 1.0f);
  vector p = t * (1.061405429f / 2) - 1.453152027f / 2;
  p = p * t + 1.421413741f / 2;
  p = p * t - 0.284496736f / 2;
  p = p * t + 0.254829592f / 2;
  /* exp(-x²/2) = 2^(-x² · log2(e) / 2) */
  vector e = power_of_two(larger(x * x * -0.72134752f, splat(-100)));
  return larger(x, splat(0)) - magnitude * (p * t * e);
}

static inline vector gelu_tanh(vector x) {
  /* (1 + tanh z) / 2 = 1 / (1 + exp(-2z)) */
  vector z = (x + x * x * x * 0.044715f) * -1.59576912f;
  return x / (1.0f + exponential(blend(z > 87.0f, splat(87.0f), z)));
}

static inline vector activate(vector x, koe_activation activation) {
  switch (activation) {
  case KOE_GELU_ERF:
    return gelu_erf(x);
  case KOE_GELU_TANH:
    return gelu_tanh(x);
  case KOE_RELU:
    return larger(x, splat(0));
  }
  return x;
}

static void bias_activation_of(float *x, const float *bias, koe_activation activation, size_t rows,
                               size_t columns) {
  for (size_t r = 0; r < rows; r++, x += columns) {
    size_t c = 0;
    for (; c + LANES <= columns; c += LANES) {
      store(x + c, activate(load(x + c) + load(bias + c), activation));
    }
    if (c < columns) {
      size_t n = columns - c;
      vector v = load_part(x + c, n, 0) + load_part(bias + c, n, 0);
      store_part(x + c, activate(v, activation), n);
    }
  }
}

/* x = activation(x), rows `stride` floats apart. */
static inline void activate_rows(float *x, size_t stride, koe_activation activation, size_t rows,
                                 size_t columns) {
  for (size_t r = 0; r < rows; r++, x += stride) {
    size_t c = 0;
    for (; c + LANES <= columns; c += LANES)
      store(x + c, activate(load(x + c), activation));
    if (c < columns)
      store_part(x + c, activate(load_part(x + c, columns - c, 0), activation), columns - c);
  }
}

/* One call a constant, so that each loop is compiled for its activation. */
static void bias_activation(float *x, const float *bias, koe_activation activation, size_t rows,
                            size_t columns) {
  switch (activation) {
  case KOE_GELU_ERF:
    bias_activation_of(x, bias, KOE_GELU_ERF, rows, columns);
    break;
  case KOE_GELU_TANH:
    bias_activation_of(x, bias, KOE_GELU_TANH, rows, columns);
    break;
  case KOE_RELU:
    bias_activation_of(x, bias, KOE_RELU, rows, columns);
    break;
  }
}

static void add_bias(float *x, const float *bias, size_t rows, size_t columns) {
  for (size_t r = 0; r < rows; r++, x += columns) {
    for (size_t c = 0; c < columns; c++)
      x[c] += bias[c];
  }
}

/* y = x + bias + residual for one row; returns the sum of y. */
static float add_row(const float *x, const float *bias, const float *residual, size_t columns,
                     float *y) {
  vector sum = {0};
  size_t c = 0;
  for (; c + LANES <= columns; c += LANES) {
    vector v = load(x + c);
    if (bias != NULL) v += load(bias + c);
    if (residual != NULL) v += load(residual + c);
    store(y + c, v);
    sum += v;
  }
  float total = sum_lanes(sum);
  for (; c < columns; c++) {
    y[c] = x[c] + (bias != NULL ? bias[c] : 0) + (residual != NULL ? residual[c] : 0);
    total += y[c];
  }
  return total;
}

/* Two passes, mean then squared deviations: one pass loses the variance of rows far from zero. */
static void normalize_row(float *y, float mean, const float *gamma, const float *beta, float eps,
                          size_t columns) {
  vector squares = {0};
  size_t c = 0;
  for (; c + LANES <= columns; c += LANES) {
    vector d = load(y + c) - mean;
    squares += d * d;
  }
  float total = sum_lanes(squares);
  for (; c < columns; c++)
    total += (y[c] - mean) * (y[c] - mean);
  float scale = 1 / sqrtf(total / (float)columns + eps);
  for (c = 0; c + LANES <= columns; c += LANES) {
    store(y + c, (load(y + c) - mean) * scale * load(gamma + c) + load(beta + c));
  }
  for (; c < columns; c++)
    y[c] = (y[c] - mean) * scale * gamma[c] + beta[c];
}

static void add_layer_norm(const float *x, const float *bias, const float *residual,
                           const float *gamma, const float *beta, float eps, size_t rows,
                           size_t columns, float *y) {
  for (size_t r = 0; r < rows; r++) {
    float sum = add_row(x + r * columns, bias, residual != NULL ? residual + r * columns : NULL,
                        columns, y + r * columns);
    normalize_row(y + r * columns, sum / (float)columns, gamma, beta, eps, columns);
  }
}

static void softmax_row(float *x, float scale, size_t columns) {
  size_t whole = columns - columns % LANES, rest = columns % LANES;
  vector best = splat(-INFINITY);
  for (size_t c = 0; c < whole; c += LANES)
    best = larger(load(x + c), best);
  if (rest > 0) best = larger(load_part(x + whole, rest, -INFINITY), best);
  float largest = max_lanes(best);

  vector sum = {0};
  for (size_t c = 0; c < whole; c += LANES) {
    vector e = exponential((load(x + c) - largest) * scale);
    store(x + c, e);
    sum += e;
  }
  if (rest > 0) {
    /* -3e38 is finite, so that scale 0 is no NaN, and its exponential is 0. */
    vector e = exponential((load_part(x + whole, rest, -3e38f) - largest) * scale);
    store_part(x + whole, e, rest);
    for (size_t i = 0; i < rest; i++)
      sum[i] += e[i];
  }
  float inverse = 1 / sum_lanes(sum);
  for (size_t c = 0; c < columns; c++)
    x[c] *= inverse;
}

/* `scale` is positive: the largest x is the largest scale · x. */
static void softmax(float *x, float scale, size_t rows, size_t columns, size_t stride) {
  for (size_t r = 0; r < rows; r++)
    softmax_row(x + r * stride, scale, columns);
}

static void widen_half(const uint16_t *x, size_t count, float *out) {
  size_t i = 0;
  for (; i + LANES <= count; i += LANES)
    store(out + i, load_half(x + i));
  if (i < count) {
    uint16_t padded[LANES] = {0};
    memcpy(padded, x + i, (count - i) * sizeof *x);
    store_part(out + i, load_half(padded), count - i);
  }
}

static void widen_bfloat(const uint16_t *x, size_t count, float *out) {
  for (size_t i = 0; i < count; i++) {
    uint32_t bits = (uint32_t)x[i] << 16;
    memcpy(out + i, &bits, sizeof bits);
  }
}

static void mean_rows(const float *x, size_t rows, size_t columns, float *out) {
  memset(out, 0, columns * sizeof *out);
  for (size_t r = 0; r < rows; r++, x += columns) {
    for (size_t c = 0; c < columns; c++)
      out[c] += x[c];
  }
  float inverse = 1 / (float)rows;
  for (size_t c = 0; c < columns; c++)
    out[c] *= inverse;
}

/* Four sums at once hide the latency of the multiply-add. */
static float dot(const float *a, const float *b, size_t n) {
  vector sums[4] = {{0}, {0}, {0}, {0}};
  size_t i = 0;
  for (; i + 4 * LANES <= n; i += 4 * LANES) {
    for (size_t s = 0; s < 4; s++)
      sums[s] += load(a + i + s * LANES) * load(b + i + s * LANES);
  }
  for (; i + LANES <= n; i += LANES)
    sums[0] += load(a + i) * load(b + i);
  float total = sum_lanes((sums[0] + sums[1]) + (sums[2] + sums[3]));
  for (; i < n; i++)
    total += a[i] * b[i];
  return total;
}

static void dots(const float *query, const float *rows, size_t count, size_t n, float *out) {
  for (size_t i = 0; i < count; i++)
    out[i] = dot(query, rows + i * n, n);
}

#include "multiply.h"

const koe_kernels KERNELS_TABLE = {
    .name = KERNELS_NAME,
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
