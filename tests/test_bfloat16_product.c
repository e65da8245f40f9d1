/* Products with bfloat16 operands against float64 sums of operands rounded by bits. */
#include "../model/trainer/bfloat16_product.h"
#include "../model/trainer/random.h"
#include "support.h"

#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

/* What lies behind c, which a product must leave alone. */
enum { GUARD = 64 };
static const float guard = 12345;

static koe_bfloat16_multiply *multiply_or_skip(void) {
  koe_bfloat16_multiply *multiply = koe_bfloat16_best();
  if (multiply == NULL) skip_test("this processor has no AVX512-BF16");
  return multiply;
}

/* A pair of bfloat16 that is not wholly written is NaN, so that it shows. */
static float *new_scratch(void) {
  float *scratch = aligned_alloc(64, KOE_BFLOAT16_SCRATCH * sizeof(float));
  ck_assert_ptr_nonnull(scratch);
  memset(scratch, 0xff, KOE_BFLOAT16_SCRATCH * sizeof(float));
  return scratch;
}

/* To nearest, ties to even: half of what is cut off is added, less one bit where the kept part is
 * even. */
static float rounded(float x) {
  uint32_t bits;
  memcpy(&bits, &x, sizeof bits);
  bits = (bits + 0x7fff + (bits >> 16 & 1)) & 0xffff0000;
  memcpy(&x, &bits, sizeof bits);
  return x;
}

static float *random_floats(size_t count, uint64_t key) {
  koe_random random = {.key = key};
  float *x = malloc(count * sizeof *x);
  ck_assert_ptr_nonnull(x);
  for (size_t i = 0; i < count; i++)
    x[i] = (float)koe_random_uniform(&random) * 2 - 1;
  return x;
}

static double expected_sum(const koe_product *p, size_t row, size_t column, float before) {
  double sum = p->keep != 0 ? (double)p->keep * before : 0;
  for (size_t k = 0; k < p->depth; k++) {
    float a = p->a_transposed ? p->a[k * p->rows + row] : p->a[row * p->depth + k];
    float b = p->b_transposed ? p->b[column * p->depth + k] : p->b[k * p->columns + column];
    sum += (double)rounded(a) * rounded(b);
  }
  return sum;
}

static void check(size_t rows, size_t columns, size_t depth, int form, float keep, float *scratch) {
  size_t count = rows * columns;
  float *a = random_floats(rows * depth, 1), *b = random_floats(depth * columns, 2);
  float *before = random_floats(count, 3), *c = malloc((count + GUARD) * sizeof *c);
  ck_assert_ptr_nonnull(c);
  for (size_t i = 0; i < count + GUARD; i++)
    c[i] = i >= count ? guard : keep != 0 ? before[i] : NAN;
  koe_product product = {.rows = rows,
                         .columns = columns,
                         .depth = depth,
                         .a = a,
                         .a_transposed = (form & 1) != 0,
                         .b = b,
                         .b_transposed = (form & 2) != 0,
                         .keep = keep,
                         .c = c};
  koe_bfloat16_best()(&product, scratch);
  for (size_t i = 0; i < count; i++) {
    double expected = expected_sum(&product, i / columns, i % columns, before[i]);
    ck_assert_msg(fabs(c[i] - expected) <= 2e-6 * (1 + sqrt((double)depth)),
                  "%zu·%zu·%zu, form %d, keep %g: [%zu] is %.8g, not %.8g", rows, columns, depth,
                  form, keep, i, c[i], expected);
  }
  for (size_t i = count; i < count + GUARD; i++)
    ck_assert_float_eq(c[i], guard);
  free(a);
  free(b);
  free(before);
  free(c);
}

/* Sizes below, at and above those of tiles, registers and blocks; every form; c written and added
 * to. */
START_TEST(agrees) {
  static const size_t rows[] = {1, 5, 6, 7, 47, 48, 49, 95, 96, 97, 203};
  static const size_t columns[] = {1, 15, 16, 17, 33, 63, 64, 65, 130};
  static const size_t depths[] = {1, 2, 3, 31, 32, 33, 65, 160};
  if (multiply_or_skip() == NULL) return;
  float *scratch = new_scratch();
  size_t kinds = sizeof depths / sizeof depths[0];
  for (size_t r = 0; r < sizeof rows / sizeof rows[0]; r++) {
    for (size_t c = 0; c < sizeof columns / sizeof columns[0]; c++) {
      check(rows[r], columns[c], depths[(r + c) % kinds], _i, 0, scratch);
      if (c % 3 == r % 3 || full_sweeps()) {
        check(rows[r], columns[c], depths[(r + 3 * c + 1) % kinds], _i, (r + c) % 2 ? 1 : 0.5f,
              scratch);
      }
    }
  }
  free(scratch);
}
END_TEST

/* More than one block of columns, of depth, of rows. */
START_TEST(blocks) {
  if (multiply_or_skip() == NULL) return;
  float *scratch = new_scratch();
  check(7, KOE_BFLOAT16_COLUMNS + 37, 40, _i, 1, scratch);
  check(9, 70, KOE_BFLOAT16_DEPTH, _i, 0, scratch);
  check(9, 70, 2 * KOE_BFLOAT16_DEPTH + 3, _i, 0, scratch);
  check(3 * KOE_BFLOAT16_ROWS + 4, 50, KOE_BFLOAT16_DEPTH + 1, _i, 1, scratch);
  free(scratch);
}
END_TEST

/* Numbers half way between two bfloat16 go to the even one; large ones stay finite. */
START_TEST(rounds_to_even) {
  static const float numbers[] = {1 + 0x1p-8f, 1 + 0x3p-8f, 1 + 0x1.02p-8f, -1 - 0x1p-8f, 0x1p120f,
                                  0x1p-120f,   0,           -0x1.fdp10f};
  enum { COUNT = sizeof numbers / sizeof numbers[0] };
  koe_bfloat16_multiply *multiply = multiply_or_skip();
  if (multiply == NULL) return;
  float *scratch = new_scratch(), one = 1, c[COUNT];
  koe_product product = {.rows = COUNT, .columns = 1, .depth = 1, .a = numbers, .b = &one, .c = c};
  multiply(&product, scratch);
  for (size_t i = 0; i < COUNT; i++)
    ck_assert_float_eq(c[i], rounded(numbers[i]));
  ck_assert_float_eq(c[0], 1);
  ck_assert_float_eq(c[1], 1 + 0x1p-6f);
  free(scratch);
}
END_TEST

Suite *bfloat16_product_suite(void);
Suite *bfloat16_product_suite(void) {
  Suite *suite = suite_create("bfloat16_product");
  TCase *products = tcase_create("products");
  tcase_add_loop_test(products, agrees, 0, 4);
  tcase_add_loop_test(products, blocks, 0, 4);
  tcase_add_test(products, rounds_to_even);
  suite_add_tcase(suite, products);
  return suite;
}
