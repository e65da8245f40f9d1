/* Vector arithmetic and the k best. */
#include "../model/memory.h"
#include "../model/search/vectors.h"
#include "support.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static float random_element(unsigned *seed) {
  return (float)((double)rand_r(seed) / RAND_MAX * 2 - 1);
}

START_TEST(finiteness) {
  float vector[19];
  for (size_t i = 0; i < 19; i++)
    vector[i] = i % 2 == 0 ? 3.4e38F : -1e-45F;
  ck_assert(koe_vector_is_finite(vector, 19));
  ck_assert(koe_vector_is_finite(vector, 0));
  const float bad[] = {INFINITY, -INFINITY, NAN, -NAN};
  for (size_t b = 0; b < 4; b++) {
    for (size_t i = 0; i < 19; i++) {
      float kept = vector[i];
      vector[i] = bad[b];
      ck_assert_msg(!koe_vector_is_finite(vector, 19), "%g at %zu passes for finite", bad[b], i);
      vector[i] = kept;
    }
  }
}
END_TEST

START_TEST(cosine) {
  double out = 7;
  const float a[] = {3, 4, 0}, b[] = {4, 3, 0}, zero[] = {0, 0, -0.0F};
  ck_assert(koe_vector_cosine(a, b, 3, &out));
  ck_assert_double_eq_tol(out, 24.0 / 25, 1e-15);
  ck_assert(koe_vector_cosine(a, a, 3, &out));
  ck_assert_double_eq(out, 1);
  out = 7;
  ck_assert(!koe_vector_cosine(a, zero, 3, &out));
  ck_assert(!koe_vector_cosine(zero, a, 3, &out));
  ck_assert(!koe_vector_cosine(a, b, 0, &out));
  ck_assert_double_eq(out, 7);
}
END_TEST

/* Lengths whose squares float32 cannot hold, and rounding that would leave [-1, 1]. */
START_TEST(cosine_extremes) {
  double out;
  const float large[] = {3e38F, -3e38F}, small[] = {1e-44F, -1e-44F};
  ck_assert(koe_vector_cosine(large, large, 2, &out));
  ck_assert_double_eq_tol(out, 1, 1e-12);
  ck_assert(koe_vector_cosine(small, large, 2, &out));
  ck_assert_double_eq_tol(out, 1, 1e-12);
  unsigned seed = 1;
  for (int i = 0; i < 2000; i++) {
    float a[5], b[5];
    for (int j = 0; j < 5; j++) {
      a[j] = random_element(&seed);
      b[j] = -a[j] * 3;
    }
    ck_assert(koe_vector_cosine(a, a, 5, &out) && out <= 1 && out > 1 - 1e-12);
    ck_assert(koe_vector_cosine(a, b, 5, &out) && out >= -1 && out < 1e-12 - 1);
  }
}
END_TEST

START_TEST(normalize) {
  float a[] = {3, -4}, large[] = {3e38F, 3e38F}, small[] = {0, 1e-45F}, zero[] = {0, 0};
  ck_assert(koe_vector_normalize(a, 2));
  ck_assert_float_eq(a[0], 0.6F);
  ck_assert_float_eq(a[1], -0.8F);
  ck_assert(koe_vector_normalize(large, 2));
  ck_assert_float_eq_tol(large[0], (float)sqrt(0.5), 1e-7F);
  ck_assert(koe_vector_normalize(small, 2));
  ck_assert_float_eq(small[1], 1);
  ck_assert(!koe_vector_normalize(zero, 2));
  ck_assert(!koe_vector_normalize(a, 0));
  ck_assert_float_eq(zero[0], 0);
}
END_TEST

START_TEST(dots) {
  enum { ROWS = 37, MOST = 67 };
  static float rows[ROWS * MOST + 1], out[ROWS + 1], query[MOST];
  unsigned seed = 2;
  for (size_t i = 0; i < ROWS * MOST; i++)
    rows[i] = random_element(&seed);
  for (size_t i = 0; i < MOST; i++)
    query[i] = random_element(&seed);
  for (size_t n = 1; n <= MOST; n++) {
    for (size_t count = 0; count <= ROWS; count += count < 9 ? 1 : 7) {
      out[count] = 77;
      koe_vector_dots(query, rows, count, n, out);
      ck_assert_float_eq(out[count], 77);
      for (size_t i = 0; i < count; i++) {
        double expected = 0;
        for (size_t j = 0; j < n; j++)
          expected += (double)query[j] * rows[i * n + j];
        ck_assert_msg(fabs(out[i] - expected) < 1e-5, "row %zu of %zu × %zu: %g, not %g", i, count,
                      n, out[i], expected);
      }
    }
  }
}
END_TEST

static int compare_matches(const void *a, const void *b) {
  const koe_match *x = a, *y = b;
  if (x->similarity != y->similarity) return x->similarity < y->similarity ? 1 : -1;
  return (x->rowid > y->rowid) - (x->rowid < y->rowid);
}

/* Against sorting everything; similarities repeat, rowids come in any order. */
START_TEST(top_k_is_a_prefix_of_the_sorted) {
  enum { MOST = 300 };
  koe_match all[MOST];
  unsigned seed = 3;
  for (size_t n = 0; n <= MOST; n += n < 10 ? 1 : 29) {
    for (size_t i = 0; i < n; i++) {
      all[i].similarity = (float)(rand_r(&seed) % 20) / 10 - 1;
      all[i].rowid = (int64_t)((i * 7919) % 1009) - 500;
    }
    const size_t ks[] = {0, 1, 2, 3, 10, n, n + 1, SIZE_MAX};
    for (size_t k = 0; k < sizeof ks / sizeof ks[0]; k++) {
      koe_match sorted[MOST];
      koe_top_k top;
      koe_top_k_init(&top, ks[k]);
      for (size_t i = 0; i < n; i++) {
        ck_assert(koe_top_k_offer(&top, all[i].rowid, all[i].similarity));
      }
      koe_top_k_finish(&top);
      memcpy(sorted, all, sizeof sorted);
      qsort(sorted, n, sizeof *sorted, compare_matches);
      ck_assert_uint_eq(top.count, ks[k] < n ? ks[k] : n);
      for (size_t i = 0; i < top.count; i++) {
        ck_assert_msg(top.heap[i].rowid == sorted[i].rowid &&
                          top.heap[i].similarity == sorted[i].similarity,
                      "n %zu, k %zu, place %zu: row %lld (%g), not %lld (%g)", n, ks[k], i,
                      (long long)top.heap[i].rowid, top.heap[i].similarity,
                      (long long)sorted[i].rowid, sorted[i].similarity);
      }
      koe_top_k_clear(&top);
      ck_assert_ptr_null(top.heap);
    }
  }
}
END_TEST

#ifdef KOE_FAULTS
START_TEST(top_k_without_memory) {
  koe_top_k top;
  koe_top_k_init(&top, SIZE_MAX);
  size_t kept = 0;
  koe_memory_fail_after(3);
  while (koe_top_k_offer(&top, (int64_t)kept, 0.5F))
    kept++;
  koe_memory_fail_after(0);
  ck_assert_uint_gt(kept, 0);
  ck_assert_uint_eq(top.count, kept);
  ck_assert(koe_top_k_offer(&top, -1, 0.5F));
  koe_top_k_finish(&top);
  ck_assert_int_eq(top.heap[0].rowid, -1);
  ck_assert_int_eq(top.heap[kept].rowid, (int64_t)kept - 1);
  koe_top_k_clear(&top);
}
END_TEST
#endif

Suite *vectors_suite(void);

Suite *vectors_suite(void) {
  Suite *suite = suite_create("vectors");
  TCase *tests = tcase_create("vectors");
  tcase_add_test(tests, finiteness);
  tcase_add_test(tests, cosine);
  tcase_add_test(tests, cosine_extremes);
  tcase_add_test(tests, normalize);
  tcase_add_test(tests, dots);
  tcase_add_test(tests, top_k_is_a_prefix_of_the_sorted);
#ifdef KOE_FAULTS
  tcase_add_test(tests, top_k_without_memory);
#endif
  suite_add_tcase(suite, tests);
  return suite;
}
