/* Allocation: sizes that overflow, growth, and the faults that tests inject. */
#include "../model/memory.h"
#include "support.h"

#include <stdint.h>
#include <string.h>

START_TEST(allocates) {
  char *bytes = koe_alloc(3, 5);
  ck_assert_ptr_nonnull(bytes);
  memset(bytes, 1, 15);
  koe_free(bytes);

  bytes = koe_alloc_zero(3, 5);
  ck_assert_ptr_nonnull(bytes);
  for (int i = 0; i < 15; i++)
    ck_assert_int_eq(bytes[i], 0);
  koe_free(bytes);

  for (size_t count = 0; count < 200; count++) {
    bytes = koe_alloc_aligned(count, 1);
    ck_assert_ptr_nonnull(bytes);
    ck_assert_uint_eq((uintptr_t)bytes % 64, 0);
    memset(bytes, 1, count);
    koe_free(bytes);
  }
  koe_free(NULL);
}
END_TEST

START_TEST(nothing_is_something) {
  void *a = koe_alloc(0, 8), *b = koe_alloc(8, 0);
  ck_assert_ptr_nonnull(a);
  ck_assert_ptr_nonnull(b);
  ck_assert_ptr_ne(a, b);
  koe_free(a);
  koe_free(b);
}
END_TEST

START_TEST(products_that_overflow_fail) {
  ck_assert_ptr_null(koe_alloc(SIZE_MAX, 2));
  ck_assert_ptr_null(koe_alloc(SIZE_MAX / 2 + 2, 2));
  ck_assert_ptr_null(koe_alloc_zero(SIZE_MAX, SIZE_MAX));
  ck_assert_ptr_null(koe_alloc_aligned(SIZE_MAX, 1));
  ck_assert_ptr_null(koe_alloc_aligned((size_t)PTRDIFF_MAX, 1));
  ck_assert_ptr_null(koe_copy_string("", SIZE_MAX));
  int *items = NULL;
  size_t capacity = 0;
  ck_assert(!koe_grow(&items, &capacity, SIZE_MAX, sizeof *items));
  ck_assert_ptr_null(items);
  ck_assert_uint_eq(capacity, 0);
}
END_TEST

START_TEST(copies_strings) {
  char *copy = koe_copy_string("abc\0def", 7);
  ck_assert_ptr_nonnull(copy);
  ck_assert_int_eq(memcmp(copy, "abc\0def", 8), 0);
  koe_free(copy);
  copy = koe_copy_string(NULL, 0);
  ck_assert_str_eq(copy, "");
  koe_free(copy);
}
END_TEST

START_TEST(grows_by_doubling) {
  int *items = NULL;
  size_t capacity = 0, moves = 0;
  for (int i = 0; i < 100000; i++) {
    size_t before = capacity;
    ck_assert(koe_grow(&items, &capacity, (size_t)i + 1, sizeof *items));
    ck_assert_uint_gt(capacity, (size_t)i);
    if (capacity != before) {
      moves++;
      ck_assert_uint_ge(capacity, 2 * before);
    }
    items[i] = i;
  }
  ck_assert_uint_lt(moves, 20);
  for (int i = 0; i < 100000; i++)
    ck_assert_int_eq(items[i], i);
  ck_assert(koe_grow(&items, &capacity, 1000000, sizeof *items));
  ck_assert_uint_ge(capacity, 1000000);
  koe_free(items);
}
END_TEST

#ifdef KOE_FAULTS
START_TEST(faults_begin_at_the_nth) {
  koe_memory_fail_after(3);
  void *first = koe_alloc(1, 1), *second = koe_alloc_zero(1, 1);
  ck_assert_ptr_nonnull(first);
  ck_assert_ptr_nonnull(second);
  int *items = NULL;
  size_t capacity = 0;
  ck_assert_ptr_null(koe_alloc(1, 1));
  ck_assert_ptr_null(koe_alloc_aligned(1, 1));
  ck_assert_ptr_null(koe_copy_string("a", 1));
  ck_assert(!koe_grow(&items, &capacity, 1, 1));
  koe_memory_fail_after(0);
  void *third = koe_alloc(1, 1);
  ck_assert_ptr_nonnull(third);
  koe_free(first);
  koe_free(second);
  koe_free(third);
}
END_TEST
#endif

Suite *memory_suite(void);

Suite *memory_suite(void) {
  Suite *suite = suite_create("memory");
  TCase *tcase = tcase_create("memory");
  tcase_add_test(tcase, allocates);
  tcase_add_test(tcase, nothing_is_something);
  tcase_add_test(tcase, products_that_overflow_fail);
  tcase_add_test(tcase, copies_strings);
  tcase_add_test(tcase, grows_by_doubling);
#ifdef KOE_FAULTS
  tcase_add_test(tcase, faults_begin_at_the_nth);
#endif
  suite_add_tcase(suite, tcase);
  return suite;
}
