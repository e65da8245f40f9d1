/* Work spread over threads: each index once, failures passed on, no thread left behind. */
#include "../model/parallel.h"
#include "../model/scratch.h"
#include "support.h"

#include <dirent.h>
#include <stdatomic.h>
#include <string.h>
#include <unistd.h>

enum { COUNT = 1000 };

static koe_status count_task(void *context, size_t index, koe_error *err) {
  atomic_int *counts = context;
  (void)err;
  atomic_fetch_add(&counts[index], 1);
  return KOE_OK;
}

START_TEST(each_index_once) {
  static atomic_int counts[COUNT];
  static const size_t threads[] = {1, 2, 7, 64, 5000};
  koe_error err;
  for (size_t t = 0; t < sizeof threads / sizeof threads[0]; t++) {
    memset(counts, 0, sizeof counts);
    assert_ok(koe_parallel(COUNT, threads[t], count_task, counts, &err));
    for (size_t i = 0; i < COUNT; i++)
      ck_assert_int_eq(counts[i], 1);
  }
  assert_ok(koe_parallel(0, 4, count_task, counts, &err));
}
END_TEST

/* What comes after the failure takes its time, so that all of it would take minutes: whatever the
 * thread that failed is kept waiting by, the others do not get far. */
static koe_status fail_task(void *context, size_t index, koe_error *err) {
  atomic_fetch_add((atomic_int *)context, 1);
  if (index == 10) return koe_fail(err, KOE_INVALID, "index %zu", index);
  if (index > 10) usleep(1000);
  return KOE_OK;
}

START_TEST(failure_stops) {
  static const size_t threads[] = {1, 4};
  koe_error err;
  for (size_t t = 0; t < 2; t++) {
    atomic_int calls = 0;
    assert_fails(koe_parallel(1000000, threads[t], fail_task, &calls, &err), KOE_INVALID,
                 "index 10");
    ck_assert_int_lt(calls, 900000);
  }
}
END_TEST

static int running_threads(void) {
  int count = 0;
  DIR *tasks = opendir("/proc/self/task");
  if (tasks == NULL) return 1;
  for (struct dirent *entry = readdir(tasks); entry != NULL; entry = readdir(tasks)) {
    if (entry->d_name[0] != '.') count++;
  }
  closedir(tasks);
  return count;
}

START_TEST(no_thread_stays) {
  static atomic_int counts[COUNT];
  koe_error err;
  /* ThreadSanitizer starts a thread of its own beside the first. */
  assert_ok(koe_parallel(COUNT, 2, count_task, counts, &err));
  int before = running_threads();
  assert_ok(koe_parallel(COUNT, 8, count_task, counts, &err));
  /* The kernel may list a joined thread for a moment longer. */
  for (int tries = 0; running_threads() != before && tries < 500; tries++)
    usleep(10000);
  ck_assert_int_eq(running_threads(), before);
}
END_TEST

static koe_status scratch_task(void *context, size_t index, koe_error *err) {
  koe_scratch_pool *pool = context;
  koe_scratch *scratch = koe_scratch_take(pool);
  koe_status status = koe_scratch_reserve(scratch, 100 + index, err);
  if (status == KOE_OK) {
    for (size_t i = 0; i < 100 + index; i++)
      scratch->floats[i] = (float)index;
    for (size_t i = 0; i < 100 + index; i++) {
      if (scratch->floats[i] != (float)index) status = koe_fail(err, KOE_INVALID, "shared scratch");
    }
  }
  koe_scratch_give(pool, scratch);
  return status;
}

/* More threads than scratches: some wait, none shares. */
START_TEST(scratch_pool) {
  static koe_scratch_pool pool;
  koe_error err;
  koe_scratch_pool_init(&pool);
  assert_ok(koe_parallel(2000, 3 * KOE_SCRATCH_POOL_SIZE, scratch_task, &pool, &err));
  ck_assert_int_eq(pool.free_count, KOE_SCRATCH_POOL_SIZE);
  koe_scratch_pool_clear(&pool);
}
END_TEST

Suite *parallel_suite(void);

Suite *parallel_suite(void) {
  Suite *suite = suite_create("parallel");
  TCase *tests = tcase_create("parallel");
  tcase_add_test(tests, each_index_once);
  tcase_add_test(tests, failure_stops);
  tcase_add_test(tests, no_thread_stays);
  tcase_add_test(tests, scratch_pool);
  suite_add_tcase(suite, tests);
  return suite;
}
