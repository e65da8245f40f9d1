/* The loops of training on every instruction set that this processor has, against float64. */
#include "../model/trainer/loops.h"
#include "support.h"

#include <math.h>
#include <string.h>

enum { ROWS = 3, MAX_COLUMNS = 70, MAX_FLOATS = ROWS * MAX_COLUMNS };

typedef void (*table_test)(const koe_loops *loops, size_t columns);

/* Runs a test with each table over row lengths that fill vectors and that do not. */
static void each_table(table_test test) {
  const koe_loops *tables[3] = {&koe_loops_generic};
  size_t count = 1;
#if defined(__x86_64__)
  if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma"))
    tables[count++] = &koe_loops_avx2;
  if (strcmp(koe_loops_best()->name, "avx512") == 0) tables[count++] = &koe_loops_avx512;
#endif
  for (size_t t = 0; t < count; t++) {
    for (size_t columns = 1; columns <= MAX_COLUMNS; columns++)
      test(tables[t], columns);
  }
}

static void fill(float *x, size_t n, float scale, uint64_t key) {
  koe_random random = {.key = key};
  for (size_t i = 0; i < n; i++)
    x[i] = ((float)koe_random_uniform(&random) * 2 - 1) * scale;
}

static void assert_close(const koe_loops *loops, double actual, double expected, double tolerance,
                         const char *what, size_t i) {
  ck_assert_msg(fabs(actual - expected) <= tolerance * (1 + fabs(expected)),
                "%s %s[%zu]: %.9g, not %.9g", loops->name, what, i, actual, expected);
}

static double activation_of(koe_activation activation, double x) {
  switch (activation) {
  case KOE_GELU_ERF:
    return x * 0.5 * erfc(-x / sqrt(2));
  case KOE_GELU_TANH:
    return 0.5 * x * (1 + tanh(sqrt(2 / M_PI) * (x + 0.044715 * x * x * x)));
  default:
    return x > 0 ? x : 0;
  }
}

static double slope_of(koe_activation activation, double x) {
  const double step = 1e-5;
  return (activation_of(activation, x + step) - activation_of(activation, x - step)) / (2 * step);
}

static void activations_agree(const koe_loops *loops, size_t columns) {
  static const koe_activation activations[] = {KOE_GELU_ERF, KOE_GELU_TANH, KOE_RELU};
  float x[MAX_FLOATS], start[MAX_FLOATS], bias[MAX_COLUMNS], y[MAX_FLOATS], dy[MAX_FLOATS],
      dbias[MAX_COLUMNS];
  for (size_t a = 0; a < 3; a++) {
    fill(start, ROWS * columns, 9, columns);
    fill(bias, columns, 1, columns + 100);
    memcpy(x, start, sizeof x);
    loops->activation_forward(x, bias, activations[a], ROWS, columns, y);
    fill(dy, ROWS * columns, 2, columns + 200);
    memset(dbias, 0, sizeof dbias);
    float before[MAX_FLOATS];
    memcpy(before, dy, sizeof before);
    loops->activation_backward(dy, x, activations[a], ROWS, columns, dbias);
    for (size_t c = 0; c < columns; c++) {
      double sum = 0;
      for (size_t i = c; i < ROWS * columns; i += columns) {
        double z = (double)start[i] + bias[c];
        assert_close(loops, x[i], z, 1e-6, "x + bias", i);
        assert_close(loops, y[i], activation_of(activations[a], z), 1e-6, "activation", i);
        double d = before[i] * slope_of(activations[a], z);
        assert_close(loops, dy[i], d, 4e-6, "slope", i);
        sum += d;
      }
      assert_close(loops, dbias[c], sum, 1e-5, "dbias", c);
    }
  }
}

START_TEST(activations) {
  each_table(activations_agree);
}
END_TEST

static void layer_norm_agrees(const koe_loops *loops, size_t columns) {
  float x[MAX_FLOATS], residual[MAX_FLOATS], bias[MAX_COLUMNS], gamma[MAX_COLUMNS],
      beta[MAX_COLUMNS], normalized[MAX_FLOATS], inverse[ROWS], y[MAX_FLOATS];
  koe_dropout dropout = koe_dropout_make(columns, 0.3f);
  if (columns == 1) return; /* everything is 0 / 0 */
  fill(x, ROWS * columns, 3, columns);
  fill(residual, ROWS * columns, 3, columns + 100);
  fill(bias, columns, 1, columns + 200);
  fill(gamma, columns, 2, columns + 300);
  fill(beta, columns, 2, columns + 400);
  loops->layer_norm_forward(x, bias, dropout, residual, gamma, beta, 1e-5f, ROWS, columns,
                            normalized, inverse, y);
  for (size_t r = 0; r < ROWS; r++) {
    double v[MAX_COLUMNS], mean = 0, variance = 0;
    for (size_t c = 0; c < columns; c++) {
      size_t i = r * columns + c;
      v[c] = ((double)x[i] + bias[c]) * koe_dropout_factor(dropout, (uint32_t)i) + residual[i];
      mean += v[c] / (double)columns;
    }
    for (size_t c = 0; c < columns; c++)
      variance += (v[c] - mean) * (v[c] - mean) / (double)columns;
    double scale = 1 / sqrt(variance + 1e-5);
    ck_assert_double_eq_tol(inverse[r] / scale, 1, 1e-4);
    for (size_t c = 0; c < columns; c++) {
      double expected = (v[c] - mean) * scale;
      assert_close(loops, normalized[r * columns + c], expected, 1e-4, "normalized", c);
      assert_close(loops, y[r * columns + c], expected * gamma[c] + beta[c], 1e-4, "y", c);
    }
  }
}

START_TEST(layer_norm) {
  each_table(layer_norm_agrees);
}
END_TEST

/* What finite differences check on one table: here that the tables agree. */
static void backward_agrees(const koe_loops *loops, size_t columns) {
  float normalized[MAX_FLOATS], gamma[MAX_COLUMNS], dy[2][MAX_FLOATS], dgamma[2][MAX_COLUMNS],
      dbeta[2][MAX_COLUMNS], p[MAX_FLOATS], dp[2][MAX_FLOATS];
  const float inverse[ROWS] = {0.5f, 2, 1};
  const koe_loops *tables[2] = {&koe_loops_generic, loops};
  fill(normalized, ROWS * columns, 2, columns);
  fill(gamma, columns, 2, columns + 100);
  fill(p, ROWS * columns, 1, columns + 300);
  memset(dgamma, 0, sizeof dgamma);
  memset(dbeta, 0, sizeof dbeta);
  for (size_t t = 0; t < 2; t++) {
    fill(dy[t], ROWS * columns, 2, columns + 200);
    fill(dp[t], ROWS * columns, 2, columns + 400);
    tables[t]->layer_norm_backward(dy[t], normalized, inverse, gamma, ROWS, columns, dgamma[t],
                                   dbeta[t]);
    tables[t]->softmax_backward(dp[t], p, 0.25f, ROWS, columns);
  }
  for (size_t i = 0; i < ROWS * columns; i++) {
    assert_close(loops, dy[1][i], dy[0][i], 2e-5, "layer_norm_backward", i);
    assert_close(loops, dp[1][i], dp[0][i], 2e-5, "softmax_backward", i);
  }
  for (size_t c = 0; c < columns; c++) {
    assert_close(loops, dgamma[1][c], dgamma[0][c], 2e-5, "dgamma", c);
    assert_close(loops, dbeta[1][c], dbeta[0][c], 2e-5, "dbeta", c);
  }
}

START_TEST(backward) {
  each_table(backward_agrees);
}
END_TEST

static void simple_loops_agree(const koe_loops *loops, size_t columns) {
  float x[MAX_FLOATS], y[MAX_FLOATS], sums[MAX_COLUMNS] = {0}, added[MAX_FLOATS],
                                      dropped[MAX_FLOATS];
  size_t n = ROWS * columns;
  koe_dropout dropout = koe_dropout_make(columns, 0.5f);
  double dot = 0;
  fill(x, n, 2, columns);
  fill(y, n, 2, columns + 100);
  memcpy(added, y, sizeof added);
  loops->add_columns(x, ROWS, columns, sums);
  loops->add(x, -1.5f, n, added);
  loops->dropout(x, dropout, 1000, n, dropped);
  for (size_t i = 0; i < n; i++) {
    dot += (double)x[i] * y[i];
    assert_close(loops, added[i], y[i] - 1.5 * x[i], 1e-6, "add", i);
    float factor = koe_dropout_factor(dropout, 1000 + (uint32_t)i);
    ck_assert(factor == 0 || factor == 2);
    ck_assert_float_eq(dropped[i], x[i] * factor);
  }
  assert_close(loops, loops->dot(x, y, n), dot, 1e-5, "dot", n);
  for (size_t c = 0; c < columns; c++) {
    double sum = 0;
    for (size_t r = 0; r < ROWS; r++)
      sum += x[r * columns + c];
    assert_close(loops, sums[c], sum, 1e-6, "add_columns", c);
  }
}

START_TEST(simple_loops) {
  each_table(simple_loops_agree);
}
END_TEST

Suite *trainer_loops_suite(void);
Suite *trainer_loops_suite(void) {
  Suite *suite = suite_create("trainer_loops");
  TCase *loops = tcase_create("loops");
  tcase_add_test(loops, activations);
  tcase_add_test(loops, layer_norm);
  tcase_add_test(loops, backward);
  tcase_add_test(loops, simple_loops);
  suite_add_tcase(suite, loops);
  return suite;
}
