/* Every kernel table against the portable one, over row lengths that fill vectors and that do not.
 */
#include "../model/kernels/kernels.h"
#include "support.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { ROWS = 3, MAX_COLUMNS = 70, MAX_FLOATS = ROWS * MAX_COLUMNS };

static const char *const names[] = {"portable", "avx2", "avx512", "neon"};

typedef void (*table_test)(const koe_kernels *kernels);

/* Runs a test with each table this machine can run but the portable one. */
static void each_table(table_test test) {
  int tested = 0;
  for (size_t i = 1; i < sizeof names / sizeof names[0]; i++) {
    const koe_kernels *kernels = koe_kernels_named(names[i]);
    if (kernels == NULL) continue;
    test(kernels);
    tested++;
  }
  if (tested == 0) skip_test("this processor runs the portable kernels only");
}

static float random_float(float scale) {
  return ((float)rand() / (float)RAND_MAX * 2 - 1) * scale;
}

static void fill(float *x, size_t n, float scale) {
  for (size_t i = 0; i < n; i++)
    x[i] = random_float(scale);
}

static void assert_close(const float *actual, const float *expected, size_t n, double tolerance,
                         const char *what) {
  for (size_t i = 0; i < n; i++) {
    double error = fabs((double)actual[i] - expected[i]);
    ck_assert_msg(error <= tolerance * (1 + fabs(expected[i])), "%s: [%zu] is %.9g, not %.9g", what,
                  i, actual[i], expected[i]);
  }
}

static void layer_norm_agrees(const koe_kernels *kernels) {
  float x[MAX_FLOATS], residual[MAX_FLOATS], actual[MAX_FLOATS], expected[MAX_FLOATS];
  float bias[MAX_COLUMNS], gamma[MAX_COLUMNS], beta[MAX_COLUMNS];
  for (size_t columns = 1; columns <= MAX_COLUMNS; columns++) {
    fill(x, ROWS * columns, 3);
    fill(residual, ROWS * columns, 3);
    fill(bias, columns, 2);
    fill(gamma, columns, 2);
    fill(beta, columns, 2);
    for (int parts = 0; parts < 4; parts++) {
      const float *with_bias = parts & 1 ? bias : NULL,
                  *with_residual = parts & 2 ? residual : NULL;
      koe_kernels_portable.add_layer_norm(x, with_bias, with_residual, gamma, beta, 1e-5f, ROWS,
                                          columns, expected);
      kernels->add_layer_norm(x, with_bias, with_residual, gamma, beta, 1e-5f, ROWS, columns,
                              actual);
      assert_close(actual, expected, ROWS * columns, columns == 1 ? 1e-3 : 2e-5, "add_layer_norm");
      memcpy(actual, x, sizeof actual);
      kernels->add_layer_norm(actual, with_bias, with_residual, gamma, beta, 1e-5f, ROWS, columns,
                              actual);
      assert_close(actual, expected, ROWS * columns, columns == 1 ? 1e-3 : 2e-5, "in place");
    }
  }
}

START_TEST(layer_norm) {
  each_table(layer_norm_agrees);
}
END_TEST

/* A row far from zero with a small variance, where one-pass formulas lose every digit. */
static void layer_norm_keeps_variance(const koe_kernels *kernels) {
  float x[64], gamma[64], beta[64] = {0}, actual[64], expected[64];
  for (size_t i = 0; i < 64; i++) {
    x[i] = 1000 + (float)(i % 4) * 0.25f;
    gamma[i] = 1;
  }
  koe_kernels_portable.add_layer_norm(x, NULL, NULL, gamma, beta, 1e-12f, 1, 64, expected);
  kernels->add_layer_norm(x, NULL, NULL, gamma, beta, 1e-12f, 1, 64, actual);
  assert_close(actual, expected, 64, 1e-3, "add_layer_norm far from zero");
}

START_TEST(layer_norm_far_from_zero) {
  each_table(layer_norm_keeps_variance);
}
END_TEST

static void activations_agree(const koe_kernels *kernels) {
  static const koe_activation activations[] = {KOE_GELU_ERF, KOE_GELU_TANH, KOE_RELU};
  enum { COLUMNS = 67, STEPS = 400 };
  float bias[COLUMNS], actual[COLUMNS], expected[COLUMNS];
  fill(bias, COLUMNS, 0.01f);
  for (size_t a = 0; a < 3; a++) {
    for (int step = -STEPS; step <= STEPS; step++) {
      for (size_t c = 0; c < COLUMNS; c++) {
        actual[c] = expected[c] = (float)step * 0.05f + (float)c * 0.0007f;
      }
      koe_kernels_portable.bias_activation(expected, bias, activations[a], 1, COLUMNS);
      kernels->bias_activation(actual, bias, activations[a], 1, COLUMNS);
      assert_close(actual, expected, COLUMNS, 1e-6, "bias_activation");
    }
    float extremes[4] = {-1e30f, -200, 200, 1e30f}, none[4] = {0}, same[4];
    memcpy(same, extremes, sizeof same);
    koe_kernels_portable.bias_activation(extremes, none, activations[a], 1, 4);
    kernels->bias_activation(same, none, activations[a], 1, 4);
    assert_close(same, extremes, 4, 1e-6, "bias_activation of extremes");
  }
}

START_TEST(activation) {
  each_table(activations_agree);
}
END_TEST

static void softmax_agrees(const koe_kernels *kernels) {
  float actual[MAX_FLOATS], expected[MAX_FLOATS];
  static const float spreads[] = {0.1f, 10, 1000, 1e30f};
  for (size_t columns = 1; columns <= MAX_COLUMNS; columns++) {
    for (size_t s = 0; s < 4; s++) {
      fill(actual, MAX_FLOATS, spreads[s]);
      memcpy(expected, actual, sizeof expected);
      koe_kernels_portable.softmax(expected, 0.176776695f, ROWS, columns, MAX_COLUMNS);
      kernels->softmax(actual, 0.176776695f, ROWS, columns, MAX_COLUMNS);
      /* What lies between the rows is untouched, so the whole block is compared. */
      assert_close(actual, expected, MAX_FLOATS, 3e-6 * (spreads[s] > 100 ? 100 : 1), "softmax");
    }
  }
}

START_TEST(softmax) {
  each_table(softmax_agrees);
}
END_TEST

static void sums_agree(const koe_kernels *kernels) {
  float x[MAX_FLOATS], query[MAX_COLUMNS], actual[MAX_COLUMNS], expected[MAX_COLUMNS];
  for (size_t columns = 1; columns <= MAX_COLUMNS; columns++) {
    fill(x, ROWS * columns, 2);
    fill(query, columns, 2);
    koe_kernels_portable.mean_rows(x, ROWS, columns, expected);
    kernels->mean_rows(x, ROWS, columns, actual);
    assert_close(actual, expected, columns, 1e-6, "mean_rows");
    koe_kernels_portable.dots(query, x, ROWS, columns, expected);
    kernels->dots(query, x, ROWS, columns, actual);
    assert_close(actual, expected, ROWS, 2e-5, "dots");
    memcpy(actual, x, columns * sizeof *actual);
    memcpy(expected, x, columns * sizeof *actual);
    koe_kernels_portable.add_bias(expected, query, 1, columns);
    kernels->add_bias(actual, query, 1, columns);
    assert_close(actual, expected, columns, 1e-6, "add_bias");
  }
}

START_TEST(sums) {
  each_table(sums_agree);
}
END_TEST

/* The portable table itself, against values of the functions' definitions. */
START_TEST(portable_values) {
  float x[2] = {1, -2}, zero[2] = {0};
  koe_kernels_portable.bias_activation(x, zero, KOE_GELU_ERF, 1, 2);
  ck_assert_float_eq_tol(x[0], 0.8413447f, 1e-6f); /* Φ(1) */
  ck_assert_float_eq_tol(x[1], -0.0455003f, 1e-6f);
  float logits[3] = {0, 0.693147181f, 1.09861229f}; /* ln 1, ln 2, ln 3 */
  koe_kernels_portable.softmax(logits, 1, 1, 3, 3);
  ck_assert_float_eq_tol(logits[0], 1.0f / 6, 1e-6f);
  ck_assert_float_eq_tol(logits[2], 0.5f, 1e-6f);
  float row[2] = {1, 3}, gamma[2] = {2, 2}, beta[2] = {10, 20};
  koe_kernels_portable.add_layer_norm(row, NULL, NULL, gamma, beta, 0, 1, 2, row);
  ck_assert_float_eq_tol(row[0], 8, 1e-6f);
  ck_assert_float_eq_tol(row[1], 22, 1e-6f);
}
END_TEST

START_TEST(choice) {
  ck_assert_ptr_nonnull(koe_kernels_named("portable"));
  ck_assert_ptr_null(koe_kernels_named("vax"));
  setenv("KOELECTRA_KERNELS", "portable", 1);
  ck_assert_str_eq(koe_kernels_best()->name, "portable");
  setenv("KOELECTRA_KERNELS", "vax", 1);
  ck_assert_ptr_nonnull(koe_kernels_best());
}
END_TEST

Suite *kernels_suite(void);

Suite *kernels_suite(void) {
  Suite *suite = suite_create("kernels");
  TCase *tests = tcase_create("kernels");
  tcase_add_test(tests, layer_norm);
  tcase_add_test(tests, layer_norm_far_from_zero);
  tcase_add_test(tests, activation);
  tcase_add_test(tests, softmax);
  tcase_add_test(tests, sums);
  tcase_add_test(tests, portable_values);
  tcase_add_test(tests, choice);
  suite_add_tcase(suite, tests);
  return suite;
}
