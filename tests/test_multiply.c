/* Products of every kernel table, against sums in double, and against themselves with other rows
 * around: a row's result is its own. */
#include "../model/kernels/kernels.h"
#include "../model/memory.h"
#include "support.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static const char *const names[] = {"portable", "avx2", "avx512", "neon"};

typedef void (*table_test)(const koe_kernels *kernels);

/* Runs a test with each table this machine can run. */
static void each_table(table_test test) {
  for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
    const koe_kernels *kernels = koe_kernels_named(names[i]);
    if (kernels != NULL) test(kernels);
  }
}

/* Whole panels, and none of them: the last is padded with numbers that must go nowhere. */
typedef struct product {
  size_t rows, inputs, outputs;
  size_t x_stride, y_stride;
  float *x;       /* [rows, x_stride] */
  float *weights; /* [outputs, inputs] */
  float *bias;    /* [outputs] */
  koe_panels panels;
} product;

static float random_float(void) {
  return (float)rand() / (float)RAND_MAX * 2 - 1;
}

static float *random_floats(size_t count) {
  float *x = koe_alloc_aligned(count + 1, sizeof *x);
  ck_assert_ptr_nonnull(x);
  for (size_t i = 0; i < count; i++)
    x[i] = random_float();
  return x;
}

static product new_product(size_t rows, size_t inputs, size_t outputs) {
  size_t panels = koe_panel_count(outputs);
  product p = {.rows = rows, .inputs = inputs, .outputs = outputs};
  p.x_stride = inputs + rows % 3;
  p.y_stride = outputs + rows % 2;
  p.x = random_floats(rows * p.x_stride);
  p.weights = random_floats(outputs * inputs);
  p.bias = random_floats(outputs);
  float *values = random_floats(panels * inputs * KOE_PANEL);
  for (size_t o = 0; o < panels * KOE_PANEL; o++) {
    for (size_t i = 0; i < inputs; i++) {
      values[(o / KOE_PANEL * inputs + i) * KOE_PANEL + o % KOE_PANEL] =
          o < outputs ? p.weights[o * inputs + i] : NAN;
    }
  }
  p.panels = (koe_panels){values, inputs * KOE_PANEL, KOE_PANEL, inputs, outputs};
  return p;
}

static void free_product(product *p) {
  koe_free(p->x);
  koe_free(p->weights);
  koe_free(p->bias);
  koe_free((void *)p->panels.values);
}

/* Rows [first, first + rows) of the product; the caller frees.  What lies between and behind the
 * rows must stay as it was. */
static float *multiply(const product *p, const koe_kernels *kernels, const koe_epilogue *epilogue,
                       size_t first, size_t rows) {
  size_t count = rows * p->y_stride + 1;
  float *y = random_floats(count);
  for (size_t i = 0; i < count; i++)
    y[i] = 7;
  kernels->multiply(&p->panels, p->x + first * p->x_stride, p->x_stride, rows, epilogue, y,
                    p->y_stride);
  for (size_t r = 0; r < rows; r++) {
    for (size_t c = p->outputs; c < p->y_stride; c++)
      ck_assert_float_eq(y[r * p->y_stride + c], 7);
  }
  ck_assert_float_eq(y[count - 1], 7);
  return y;
}

static double gelu(double x) {
  return 0.5 * x * (1 + erf(x * M_SQRT1_2));
}

static void check_product(const product *p, const koe_kernels *kernels, bool bias, bool activates) {
  koe_epilogue epilogue = {bias ? p->bias : NULL, activates, KOE_GELU_ERF};
  float *y = multiply(p, kernels, &epilogue, 0, p->rows);
  for (size_t r = 0; r < p->rows; r++) {
    for (size_t o = 0; o < p->outputs; o++) {
      double sum = bias ? p->bias[o] : 0, magnitude = 1;
      for (size_t i = 0; i < p->inputs; i++) {
        double term = (double)p->x[r * p->x_stride + i] * p->weights[o * p->inputs + i];
        sum += term;
        magnitude += fabs(term);
      }
      double expected = activates ? gelu(sum) : sum, actual = y[r * p->y_stride + o];
      ck_assert_msg(fabs(actual - expected) <= 2e-6 * magnitude,
                    "%s, %zu × %zu × %zu: [%zu, %zu] is %.9g, not %.9g", kernels->name, p->rows,
                    p->inputs, p->outputs, r, o, actual, expected);
    }
  }
  koe_free(y);
}

static void values_agree(const koe_kernels *kernels) {
  static const size_t inputs[] = {1, 2, 7, 16, 33, 130}, outputs[] = {1, 15, 16, 17, 32, 47, 66};
  for (size_t rows = 1; rows <= 33; rows++) {
    for (size_t i = 0; i < sizeof inputs / sizeof inputs[0]; i++) {
      for (size_t o = 0; o < sizeof outputs / sizeof outputs[0]; o++) {
        if ((rows + i + o) % 2 != 0 && !full_sweeps()) continue;
        product p = new_product(rows, inputs[i], outputs[o]);
        check_product(&p, kernels, rows % 2 == 0, o % 2 == 0);
        free_product(&p);
      }
    }
  }
}

START_TEST(values) {
  srand(11);
  each_table(values_agree);
}
END_TEST

/* More rows than a block of the cache holds: 2^16 floats of x. */
static void large_agrees(const koe_kernels *kernels) {
  product p = new_product(300, 1030, 35);
  check_product(&p, kernels, true, true);
  free_product(&p);
}

START_TEST(large) {
  srand(12);
  each_table(large_agrees);
}
END_TEST

/* Rows that lie among columns of a wider matrix, as the values of attention. */
static void strided_agrees(const koe_kernels *kernels) {
  enum { KEYS = 21, WIDE = 100, SIZE = 24 };
  product p = new_product(13, KEYS, SIZE);
  float *wide = random_floats(KEYS * WIDE + KOE_PANEL);
  for (size_t i = 0; i < KEYS; i++) {
    for (size_t o = 0; o < SIZE; o++)
      wide[i * WIDE + 60 + o] = p.weights[o * KEYS + i];
  }
  koe_epilogue none = {0};
  float *expected = multiply(&p, kernels, &none, 0, p.rows);
  product strided = p;
  strided.panels = (koe_panels){wide + 60, KOE_PANEL, WIDE, KEYS, SIZE};
  float *actual = multiply(&strided, kernels, &none, 0, p.rows);
  ck_assert_mem_eq(actual, expected, p.rows * p.y_stride * sizeof *actual);
  koe_free(wide);
  koe_free(expected);
  koe_free(actual);
  free_product(&p);
}

START_TEST(strided) {
  srand(13);
  each_table(strided_agrees);
}
END_TEST

/* A row alone, in any tile, and in the midst of a large product: the same bits. */
static void rows_are_independent(const koe_kernels *kernels) {
  enum { ROWS = 150 };
  product p = new_product(ROWS, 517, 50);
  koe_epilogue epilogue = {p.bias, true, KOE_GELU_ERF};
  float *all = multiply(&p, kernels, &epilogue, 0, ROWS);
  for (size_t rows = 1; rows <= 40; rows++) {
    size_t first = (rows * 37) % (ROWS - rows);
    float *some = multiply(&p, kernels, &epilogue, first, rows);
    ck_assert_msg(memcmp(some, all + first * p.y_stride, rows * p.y_stride * sizeof *some) == 0,
                  "%s: %zu rows differ from the same rows among %d", kernels->name, rows, ROWS);
    koe_free(some);
  }
  koe_free(all);
  free_product(&p);
}

START_TEST(independent_rows) {
  srand(14);
  each_table(rows_are_independent);
}
END_TEST

/* Every float16 and every bfloat16, also where there are fewer than fill a vector. */
static void widening_agrees(const koe_kernels *kernels) {
  enum { COUNT = 1 << 16 };
  uint16_t *halves = koe_alloc(COUNT, sizeof *halves);
  float *expected = random_floats(COUNT), *actual = random_floats(COUNT);
  for (size_t i = 0; i < COUNT; i++)
    halves[i] = (uint16_t)i;
  for (int bfloat = 0; bfloat < 2; bfloat++) {
    (bfloat ? koe_kernels_portable.widen_bfloat : koe_kernels_portable.widen_half)(halves, COUNT,
                                                                                   expected);
    (bfloat ? kernels->widen_bfloat : kernels->widen_half)(halves, COUNT, actual);
    for (size_t i = 0; i < COUNT; i++) {
      bool same = memcmp(&actual[i], &expected[i], sizeof *actual) == 0;
      ck_assert_msg(same || (isnan(actual[i]) && isnan(expected[i])), "%s: %04zx is %g, not %g",
                    kernels->name, i, actual[i], expected[i]);
    }
    for (size_t n = 0; n < 35; n++) {
      actual[n] = 7;
      (bfloat ? kernels->widen_bfloat : kernels->widen_half)(halves + 0x3C00, n, actual);
      ck_assert_float_eq(actual[n], 7);
      (bfloat ? koe_kernels_portable.widen_bfloat
              : koe_kernels_portable.widen_half)(halves + 0x3C00, n, expected);
      ck_assert_mem_eq(actual, expected, n * sizeof *actual);
    }
  }
  koe_free(halves);
  koe_free(expected);
  koe_free(actual);
}

START_TEST(widening) {
  each_table(widening_agrees);
}
END_TEST

/* What float16 and bfloat16 are, by hand. */
START_TEST(widened_values) {
  static const uint16_t halves[] = {0x3C00, 0xC000, 0x0001, 0x03FF, 0x0400, 0x7BFF, 0x7C00, 0x8000};
  static const float of_half[] = {1, -2, 0x1p-24f, 0x1.FF8p-15f, 0x1p-14f, 65504, INFINITY, -0.0f};
  static const uint16_t bfloats[] = {0x3F80, 0xC000, 0x0001, 0x7F80};
  static const float of_bfloat[] = {1, -2, 0x1p-133f, INFINITY};
  float out[8];
  koe_kernels_portable.widen_half(halves, 8, out);
  ck_assert_mem_eq(out, of_half, sizeof of_half);
  koe_kernels_portable.widen_bfloat(bfloats, 4, out);
  ck_assert_mem_eq(out, of_bfloat, sizeof of_bfloat);
}
END_TEST

Suite *multiply_suite(void);

Suite *multiply_suite(void) {
  Suite *suite = suite_create("multiply");
  TCase *tests = tcase_create("multiply");
  tcase_add_test(tests, values);
  tcase_add_test(tests, large);
  tcase_add_test(tests, strided);
  tcase_add_test(tests, independent_rows);
  tcase_add_test(tests, widening);
  tcase_add_test(tests, widened_values);
  suite_add_tcase(suite, tests);
  return suite;
}
