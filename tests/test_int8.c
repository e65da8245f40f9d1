/* int8: every kernel table against the portable one, bit for bit, and against sums in 64 bits. */
#include "../model/kernels/int8.h"
#include "../model/memory.h"
#include "support.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const names[] = {"portable", "avx2", "avxvnni", "avx512vnni", "neon", "neondot"};

/* ── kernels ────────────────────────────────────────────────────────────────────────────────────
 */

typedef void (*table_test)(const koe_int8_kernels *kernels);

/* Runs a test with each table this machine can run. */
static void each_table(table_test test) {
  for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
    const koe_int8_kernels *kernels = koe_int8_named(names[i]);
    if (kernels != NULL) test(kernels);
  }
}

/* A product: plain weights, and the same packed here, by the layout that int8.h tells. */
typedef struct product {
  size_t rows, inputs, outputs;
  float *x;        /* [rows, inputs] */
  int8_t *weights; /* [outputs, inputs] */
  float *bias;     /* [outputs, padded] */
  koe_int8_matrix matrix;
} product;

static void *zeros(size_t count, size_t size) {
  void *memory = koe_alloc_zero(count, size);
  ck_assert_ptr_nonnull(memory);
  return memory;
}

static product new_product(size_t rows, size_t inputs, size_t outputs) {
  size_t padded = (outputs + 15) / 16 * 16, groups = (inputs + 3) / 4;
  product p = {.rows = rows, .inputs = inputs, .outputs = outputs};
  p.x = zeros(rows * inputs, sizeof *p.x);
  p.weights = zeros(outputs * inputs, 1);
  p.bias = zeros(padded, sizeof *p.bias);
  p.matrix = (koe_int8_matrix){.in_features = inputs,
                               .out_features = outputs,
                               .weights = zeros(padded * groups * 4, 1),
                               .scales = zeros(padded, sizeof(float)),
                               .offsets = zeros(padded, sizeof(int32_t))};
  return p;
}

static void free_product(product *p) {
  koe_free(p->x);
  koe_free(p->weights);
  koe_free(p->bias);
  koe_free(p->matrix.weights);
  koe_free(p->matrix.scales);
  koe_free(p->matrix.offsets);
}

static void pack(product *p) {
  size_t groups = (p->inputs + 3) / 4;
  for (size_t o = 0; o < p->outputs; o++) {
    int64_t sum = 0;
    for (size_t i = 0; i < p->inputs; i++) {
      int8_t weight = p->weights[o * p->inputs + i];
      p->matrix.weights[((o / 16 * groups + i / 4) * 16 + o % 16) * 4 + i % 4] = weight;
      sum += weight;
    }
    p->matrix.offsets[o] = (int32_t)(uint32_t)(-128 * sum);
  }
}

/* The product as `kernels` compute it; the caller frees. */
static float *multiply(const product *p, const koe_int8_kernels *kernels, bool bias) {
  size_t padded = (p->inputs + 3) / 4 * 4;
  void *rounded = koe_alloc_aligned(p->rows * padded, kernels->input_size);
  float *scales = zeros(p->rows, sizeof *scales);
  /* One float more, to see that nothing writes beyond. */
  float *y = zeros(p->rows * p->outputs + 1, sizeof *y);
  ck_assert_ptr_nonnull(rounded);
  y[p->rows * p->outputs] = 7;
  kernels->quantize(p->x, p->rows, p->inputs, rounded, scales);
  kernels->multiply(&p->matrix, rounded, scales, p->rows, bias ? p->bias : NULL, y);
  ck_assert_float_eq(y[p->rows * p->outputs], 7);
  koe_free(rounded);
  koe_free(scales);
  return y;
}

/* x of whole numbers whose rows have a 127, so that they round to themselves and their scale is 1:
 * y is the sums. */
static void check_sums(const product *p, const koe_int8_kernels *kernels) {
  float *y = multiply(p, kernels, false);
  for (size_t r = 0; r < p->rows; r++) {
    for (size_t o = 0; o < p->outputs; o++) {
      int64_t sum = 0;
      for (size_t i = 0; i < p->inputs; i++)
        sum += (int64_t)p->x[r * p->inputs + i] * p->weights[o * p->inputs + i];
      float expected = (float)sum * p->matrix.scales[o];
      ck_assert_msg(y[r * p->outputs + o] == expected,
                    "%s, %zu × %zu × %zu: [%zu, %zu] is %.9g, not %.9g", kernels->name, p->rows,
                    p->inputs, p->outputs, r, o, y[r * p->outputs + o], expected);
    }
  }
  koe_free(y);
}

static int random_int(int low, int high) {
  return low + rand() % (high - low + 1);
}

static void sums_agree(const koe_int8_kernels *kernels) {
  static const size_t inputs[] = {1, 2, 3, 4, 5, 7, 16, 31, 64, 66, 127, 256, 1000};
  static const size_t outputs[] = {1, 2, 15, 16, 17, 31, 32, 33, 48, 100};
  for (size_t i = 0; i < sizeof inputs / sizeof inputs[0]; i++) {
    for (size_t o = 0; o < sizeof outputs / sizeof outputs[0]; o++) {
      product p = new_product(1 + (size_t)rand() % 30, inputs[i], outputs[o]);
      for (size_t k = 0; k < p.rows * p.inputs; k++)
        p.x[k] = (float)(k % p.inputs == 0 ? 127 : random_int(-127, 127));
      for (size_t k = 0; k < p.outputs * p.inputs; k++)
        p.weights[k] = (int8_t)random_int(-128, 127);
      for (size_t k = 0; k < p.outputs; k++)
        p.matrix.scales[k] = (float)(1 << k % 5);
      pack(&p);
      check_sums(&p, kernels);
      free_product(&p);
    }
  }
}

START_TEST(sums) {
  srand(1);
  each_table(sums_agree);
}
END_TEST

/* Every number of rows, so that each tile and each rest of rows is met. */
static void rows_agree(const koe_int8_kernels *kernels) {
  for (size_t rows = 1; rows <= 40; rows++) {
    product p = new_product(rows, 20, 40);
    for (size_t k = 0; k < p.rows * p.inputs; k++)
      p.x[k] = (float)(k % p.inputs == 3 ? -127 : random_int(-127, 127));
    for (size_t k = 0; k < p.outputs * p.inputs; k++)
      p.weights[k] = (int8_t)random_int(-128, 127);
    for (size_t k = 0; k < p.outputs; k++)
      p.matrix.scales[k] = 1;
    pack(&p);
    check_sums(&p, kernels);
    free_product(&p);
  }
}

START_TEST(every_row_count) {
  srand(2);
  each_table(rows_agree);
}
END_TEST

/* All products as large as they can be, as many as are allowed: a kernel that saturates in 16 bits
 * or overflows in 32 is far off. */
static void extremes_agree(const koe_int8_kernels *kernels) {
  static const int weights[] = {127, -127, -128};
  static const size_t inputs[] = {2, 4, 64, 1023, 4096, KOE_INT8_MAX_INPUTS};
  for (size_t i = 0; i < sizeof inputs / sizeof inputs[0]; i++) {
    product p = new_product(4, inputs[i], 17);
    for (size_t k = 0; k < p.rows * p.inputs; k++) {
      size_t row = k / p.inputs; /* all 127, all -127, alternating, pairs alternating */
      p.x[k] = row == 0 || (row == 2 && k % 2 == 0) || (row == 3 && k % 4 < 2) ? 127 : -127;
    }
    for (size_t k = 0; k < p.outputs * p.inputs; k++)
      p.weights[k] = (int8_t)weights[k / p.inputs % 3];
    for (size_t k = 0; k < p.outputs; k++)
      p.matrix.scales[k] = 1;
    pack(&p);
    check_sums(&p, kernels);
    free_product(&p);
  }
}

START_TEST(extremes) {
  each_table(extremes_agree);
}
END_TEST

static void fill(float *x, size_t n, float magnitude) {
  for (size_t i = 0; i < n; i++)
    x[i] = ((float)rand() / (float)RAND_MAX * 2 - 1) * magnitude;
}

/* Rounding, scales and bias, with numbers as they come: equal to portable in every bit. */
static void floats_agree(const koe_int8_kernels *kernels) {
  static const float magnitudes[] = {1e-31f, 1e-25f, 1, 3e38f};
  for (size_t i = 0; i < 40; i++) {
    product p = new_product(9, 1 + (size_t)rand() % 90, 1 + (size_t)rand() % 40);
    fill(p.x, p.rows * p.inputs, magnitudes[i % 4]);
    fill(p.x, p.inputs, 0);
    for (size_t k = 0; k < p.inputs; k++)
      p.x[p.inputs + k] = k == 0 ? 127 : (float)k + 0.5f - 45; /* ties */
    p.x[2 * p.inputs + p.inputs / 2] = NAN;
    p.x[3 * p.inputs + p.inputs - 1] = i % 2 == 0 ? INFINITY : -INFINITY;
    for (size_t k = 0; k < p.outputs * p.inputs; k++)
      p.weights[k] = (int8_t)random_int(-128, 127);
    fill(p.matrix.scales, p.outputs, 1e-3f);
    fill(p.bias, p.outputs, 1);
    pack(&p);
    for (int bias = 0; bias < 2; bias++) {
      float *expected = multiply(&p, &koe_int8_portable, bias);
      float *actual = multiply(&p, kernels, bias);
      for (size_t k = 0; k < p.rows * p.outputs; k++) {
        size_t row = k / p.outputs;
        bool undefined = row == 2 || row == 3;
        ck_assert_int_eq(isnan(expected[k]) != 0, undefined);
        ck_assert_int_eq(isnan(actual[k]) != 0, undefined);
        ck_assert_msg(undefined || memcmp(&actual[k], &expected[k], sizeof *actual) == 0,
                      "%s: [%zu] is %.9g, not %.9g", kernels->name, k, actual[k], expected[k]);
        if (row == 0) ck_assert_float_eq(actual[k], bias ? p.bias[k] : 0);
      }
      koe_free(expected);
      koe_free(actual);
    }
    free_product(&p);
  }
}

START_TEST(floats) {
  srand(3);
  each_table(floats_agree);
}
END_TEST

/* Through the identity, a row comes back rounded: at most half a step away, steps of the largest
 * magnitude / 127. */
static void rounding_is_near(const koe_int8_kernels *kernels) {
  product p = new_product(50, 64, 64);
  for (size_t o = 0; o < p.outputs; o++) {
    p.weights[o * p.inputs + o] = 1;
    p.matrix.scales[o] = 1;
  }
  pack(&p);
  for (size_t r = 0; r < p.rows; r++)
    fill(p.x + r * p.inputs, p.inputs, (float)pow(10, (double)r / 5 - 5));
  float *y = multiply(&p, kernels, false);
  for (size_t r = 0; r < p.rows; r++) {
    double largest = 0;
    for (size_t i = 0; i < p.inputs; i++)
      largest = fmax(largest, fabsf(p.x[r * p.inputs + i]));
    for (size_t i = 0; i < p.inputs; i++) {
      double error = fabs((double)y[r * p.inputs + i] - p.x[r * p.inputs + i]);
      ck_assert_msg(error <= largest / 127 * 0.5001, "%s: %.9g became %.9g", kernels->name,
                    p.x[r * p.inputs + i], y[r * p.inputs + i]);
    }
  }
  koe_free(y);
  free_product(&p);
}

START_TEST(rounding) {
  srand(4);
  each_table(rounding_is_near);
}
END_TEST

START_TEST(choice) {
  ck_assert_ptr_null(koe_int8_named("vax"));
  ck_assert_ptr_eq(koe_int8_named("portable"), &koe_int8_portable);
  setenv("KOELECTRA_KERNELS", "portable", 1);
  ck_assert_ptr_eq(koe_int8_best(), &koe_int8_portable);
  setenv("KOELECTRA_KERNELS", "vax", 1);
  const koe_int8_kernels *best = koe_int8_best();
  unsetenv("KOELECTRA_KERNELS");
  ck_assert_ptr_eq(koe_int8_best(), best);
}
END_TEST

Suite *int8_suite(void);

Suite *int8_suite(void) {
  Suite *suite = suite_create("int8");
  TCase *tests = tcase_create("int8");
  tcase_add_test(tests, sums);
  tcase_add_test(tests, every_row_count);
  tcase_add_test(tests, extremes);
  tcase_add_test(tests, floats);
  tcase_add_test(tests, rounding);
  tcase_add_test(tests, choice);
  suite_add_tcase(suite, tests);
  return suite;
}
