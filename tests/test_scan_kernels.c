/* The loops of scans, every table against the portable one, and the rotation before them. */
#include "../model/kernels/scan.h"
#include "../model/memory.h"
#include "../model/search/rotation.h"
#include "../model/search/vector_block.h"
#include "coded_rows.h"
#include "support.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* ── kernels ────────────────────────────────────────────────────────────────────────────────────
 */

static const char *const names[] = {"portable", "avx2", "avxvnni", "avx512vnni", "neon", "neondot"};

typedef void (*table_test)(const koe_scan_kernels *kernels);

/* Runs a test with each table this machine can run. */
static void each_table(table_test test) {
  for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
    const koe_scan_kernels *kernels = koe_scan_named(names[i]);
    if (kernels != NULL) test(kernels);
  }
}

enum { MOST_ROWS = 256 };

static void compare_nibble_dots(const koe_scan_kernels *kernels, const int8_t *query,
                                const uint8_t *rows, size_t units, const uint8_t *slots,
                                size_t count) {
  int32_t expected[MOST_ROWS + 1], actual[MOST_ROWS + 1];
  expected[count] = actual[count] = 77;
  koe_scan_portable.nibble_dots(query, rows, units, slots, count, expected);
  kernels->nibble_dots(query, rows, units, slots, count, actual);
  for (size_t i = 0; i <= count; i++)
    ck_assert_msg(actual[i] == expected[i], "%s, %zu units, row %zu of %zu: %d, not %d",
                  kernels->name, units, i, count, actual[i], expected[i]);
}

static void nibble_dots_agree(const koe_scan_kernels *kernels) {
  static const size_t unit_counts[] = {1, 2, 3, 4, 7, 16};
  for (size_t u = 0; u < sizeof unit_counts / sizeof unit_counts[0]; u++) {
    size_t units = unit_counts[u];
    int8_t *query = take_memory(units, KOE_SCAN_UNIT);
    uint8_t *rows = take_memory(MOST_ROWS, units * KOE_SCAN_UNIT_BYTES), slots[MOST_ROWS];
    for (size_t i = 0; i < units * KOE_SCAN_UNIT; i++)
      query[i] = (int8_t)((int)(random_bits() % 255) - 127);
    for (size_t i = 0; i < MOST_ROWS * units * KOE_SCAN_UNIT_BYTES; i++)
      rows[i] = (uint8_t)random_bits();
    for (size_t i = 0; i < MOST_ROWS; i++)
      slots[i] = (uint8_t)random_bits();
    for (size_t count = 0; count <= MOST_ROWS; count += count < 18 ? 1 : 17) {
      compare_nibble_dots(kernels, query, rows, units, NULL, count);
      compare_nibble_dots(kernels, query, rows, units, slots, count);
    }
    koe_free(query);
    koe_free(rows);
  }
}

/* The meaning, by hand, and the largest sums there can be. */
START_TEST(nibbles_mean_what_is_said) {
  enum { UNITS = KOE_BLOCK_MAX_DIMENSION / KOE_SCAN_UNIT };
  int8_t *query = koe_alloc_zero(UNITS, KOE_SCAN_UNIT);
  uint8_t *rows = koe_alloc_zero(UNITS, KOE_SCAN_UNIT_BYTES);
  int32_t sum;
  ck_assert(query != NULL && rows != NULL);
  query[3] = 100;
  query[32 + 3] = -7;
  query[64 + 31] = 1;
  rows[3] = 0x95;
  rows[32 + 31] = 0xFE;
  koe_scan_portable.nibble_dots(query, rows, 2, NULL, 1, &sum);
  ck_assert_int_eq(sum, 100 * 5 - 7 * 9 + 14);
  for (size_t i = 0; i < (size_t)UNITS * KOE_SCAN_UNIT; i++)
    query[i] = -127;
  memset(rows, 0xFF, (size_t)UNITS * KOE_SCAN_UNIT_BYTES);
  for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
    const koe_scan_kernels *kernels = koe_scan_named(names[i]);
    if (kernels == NULL) continue;
    kernels->nibble_dots(query, rows, UNITS, NULL, 1, &sum);
    ck_assert_int_eq(sum, -127 * 15 * KOE_BLOCK_MAX_DIMENSION);
  }
  koe_free(query);
  koe_free(rows);
}
END_TEST

START_TEST(nibble_dots) {
  start_random(1);
  each_table(nibble_dots_agree);
}
END_TEST

static void sign_dots_agree(const koe_scan_kernels *kernels) {
  enum { GROUPS = 5, UNITS = 40 };
  uint64_t planes[UNITS * KOE_SCAN_PLANES], signs[GROUPS * UNITS * KOE_SCAN_GROUP];
  int32_t expected[GROUPS * KOE_SCAN_GROUP], actual[GROUPS * KOE_SCAN_GROUP + 1];
  for (int fill = 0; fill < 3; fill++) {
    for (size_t i = 0; i < sizeof planes / sizeof planes[0]; i++)
      planes[i] = fill == 0 ? UINT64_MAX : (uint64_t)random_bits() << 32 | random_bits();
    for (size_t i = 0; i < sizeof signs / sizeof signs[0]; i++)
      signs[i] = fill < 2 ? UINT64_MAX : (uint64_t)random_bits() << 32 | random_bits();
    for (size_t units = 1; units <= UNITS; units += units < 6 ? 1 : 17) {
      size_t groups = 1 + units % GROUPS;
      actual[groups * KOE_SCAN_GROUP] = 77;
      koe_scan_portable.sign_dots(planes, signs, units, groups, expected);
      kernels->sign_dots(planes, signs, units, groups, actual);
      ck_assert_int_eq(actual[groups * KOE_SCAN_GROUP], 77);
      for (size_t i = 0; i < groups * KOE_SCAN_GROUP; i++)
        ck_assert_msg(actual[i] == expected[i], "%s, %zu units, row %zu: %d, not %d", kernels->name,
                      units, i, actual[i], expected[i]);
    }
  }
}

START_TEST(sign_dots) {
  uint64_t planes[4] = {1, 3, 5, 8}, signs[8] = {1, 2, 4, 8, 15, 0, UINT64_MAX, 9};
  const int32_t expected[8] = {7, 2, 4, -8, 5, 0, 5, -1};
  int32_t sums[8];
  koe_scan_portable.sign_dots(planes, signs, 1, 1, sums);
  ck_assert_mem_eq(sums, expected, sizeof sums);
  start_random(2);
  each_table(sign_dots_agree);
}
END_TEST

static void selections_agree(const koe_scan_kernels *kernels) {
  int32_t sums[MOST_ROWS];
  float gains[MOST_ROWS], factors[MOST_ROWS], errors[MOST_ROWS];
  uint8_t expected[MOST_ROWS], actual[MOST_ROWS];
  koe_scan_bound bound = {.base = 0.25F, .scale = 1e-3F, .offset = 0.5F, .length = 1.01F};
  for (size_t i = 0; i < MOST_ROWS; i++) {
    sums[i] = (int32_t)(random_bits() % 2000) - 1000;
    gains[i] = 1 + random_element() / 4;
    factors[i] = random_element();
    errors[i] = i % 50 == 0 ? INFINITY : random_element() / 8;
  }
  for (size_t i = 0; i < MOST_ROWS; i++) {
    /* Thresholds that a row reaches exactly: one bit of difference shows. */
    float sum = (float)sums[i] * bound.scale - bound.offset;
    bound.threshold = gains[i] * bound.base + factors[i] * sum + errors[i] * bound.length;
    if (i == 1) bound.threshold = -INFINITY;
    koe_scan_portable.select(sums, gains, factors, errors, &bound, MOST_ROWS, expected);
    kernels->select(sums, gains, factors, errors, &bound, MOST_ROWS, actual);
    ck_assert_mem_eq(actual, expected, MOST_ROWS);
    ck_assert_int_eq(expected[50], 1);
  }
}

START_TEST(selections) {
  start_random(3);
  each_table(selections_agree);
}
END_TEST

static void transforms_agree(const koe_scan_kernels *kernels) {
  enum { MOST = 2048 };
  float expected[MOST], actual[MOST];
  for (size_t n = 1; n <= MOST; n *= 2) {
    for (size_t first = 1; first <= n; first *= 4) {
      for (size_t i = 0; i < n; i++)
        expected[i] = actual[i] = random_element();
      koe_scan_portable.transform(expected, n, first);
      kernels->transform(actual, n, first);
      ck_assert_mem_eq(actual, expected, n * sizeof *actual);
    }
  }
}

START_TEST(transforms) {
  float x[8] = {1, 2, 3, 4, 5, 6, 7, 8};
  static const float expected[8] = {16, 20, -4, -4, -8, -8, 0, 0};
  koe_scan_portable.transform(x, 8, 2);
  ck_assert_mem_eq(x, expected, sizeof x);
  start_random(5);
  each_table(transforms_agree);
}
END_TEST

START_TEST(choice) {
  ck_assert_ptr_null(koe_scan_named("vax"));
  ck_assert_ptr_eq(koe_scan_named("portable"), &koe_scan_portable);
  setenv("KOELECTRA_KERNELS", "portable", 1);
  ck_assert_ptr_eq(koe_scan_best(), &koe_scan_portable);
  setenv("KOELECTRA_KERNELS", "vax", 1);
  const koe_scan_kernels *best = koe_scan_best();
  unsetenv("KOELECTRA_KERNELS");
  ck_assert_ptr_eq(koe_scan_best(), best);
}
END_TEST

/* ── rotation ───────────────────────────────────────────────────────────────────────────────────
 */

START_TEST(rotation_keeps_products_and_spreads) {
  static const size_t sizes[] = {1, 2, 3, 17, 64, 100, 192, 256, 1000};
  start_random(4);
  for (size_t s = 0; s < sizeof sizes / sizeof sizes[0]; s++) {
    size_t n = sizes[s];
    float *a = take_memory(n, sizeof *a), *b = take_memory(n, sizeof *b),
          *one = koe_alloc_zero(n, sizeof *one);
    float *lanes = koe_alloc_zero(n * KOE_ROTATION_LANES, sizeof *lanes);
    ck_assert(one != NULL && lanes != NULL);
    double before = 0, after = 0, length = 0, largest = 0;
    one[n / 2] = 1;
    for (size_t i = 0; i < n; i++) {
      a[i] = random_element();
      b[i] = random_element();
      lanes[i * KOE_ROTATION_LANES + 5] = a[i];
      before += (double)a[i] * b[i];
    }
    koe_rotate(a, n);
    koe_rotate(b, n);
    koe_rotate(one, n);
    koe_rotate_lanes(lanes, n);
    for (size_t i = 0; i < n; i++) {
      after += (double)a[i] * b[i];
      length += (double)one[i] * one[i];
      largest = fmax(largest, fabsf(one[i]));
      ck_assert_float_eq(lanes[i * KOE_ROTATION_LANES + 5], a[i]);
      ck_assert_float_eq(lanes[i * KOE_ROTATION_LANES + 4], 0);
    }
    ck_assert_double_eq_tol(before, after, 1e-5 * sqrt((double)n));
    ck_assert_double_eq_tol(sqrt(length), 1, (double)koe_rotation_error(n));
    if (n >= 17) ck_assert_double_le(largest, 5 / sqrt((double)n));
    koe_free(a);
    koe_free(b);
    koe_free(one);
    koe_free(lanes);
  }
}
END_TEST

Suite *scan_kernels_suite(void);

Suite *scan_kernels_suite(void) {
  Suite *suite = suite_create("scan_kernels");
  TCase *tests = tcase_create("scan_kernels");
  tcase_add_test(tests, nibbles_mean_what_is_said);
  tcase_add_test(tests, nibble_dots);
  tcase_add_test(tests, sign_dots);
  tcase_add_test(tests, selections);
  tcase_add_test(tests, transforms);
  tcase_add_test(tests, choice);
  tcase_add_test(tests, rotation_keeps_products_and_spreads);
  suite_add_tcase(suite, tests);
  return suite;
}
