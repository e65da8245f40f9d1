/* How many texts a batch has. */
#include "../ext/pace.h"
#include "support.h"

/* Fills a batch with texts of 1000 bytes and says how many fit. */
static size_t fill(koe_pace *pace) {
  size_t count = 0;
  for (; !koe_pace_is_full(pace); count++)
    koe_pace_add(pace, 1000);
  return count;
}

START_TEST(follows_the_clock) {
  koe_pace pace = {.longest = 4096, .limit = 4096};
  size_t first = fill(&pace);
  ck_assert_uint_ge(first, 2);
  koe_pace_end(&pace, 0.3); /* as it should be */
  ck_assert_uint_eq(fill(&pace), first);
  koe_pace_end(&pace, 0.01);
  size_t longer = fill(&pace);
  ck_assert_uint_gt(longer, first);
  koe_pace_end(&pace, 0.8);
  ck_assert_uint_eq(fill(&pace), first);
  for (int i = 0; i < 20; i++) {
    koe_pace_end(&pace, 5);
    fill(&pace);
  }
  koe_pace_end(&pace, 5);
  ck_assert_uint_eq(fill(&pace), 1); /* never none */
}
END_TEST

/* A batch that was short since there were no more texts says nothing about a longer one. */
START_TEST(grows_when_full) {
  koe_pace pace = {.longest = 4096, .limit = 4096};
  for (int i = 0; i < 10; i++) {
    koe_pace_add(&pace, 1000);
    koe_pace_end(&pace, 0.001);
  }
  ck_assert_uint_eq(pace.limit, 4096);
  koe_pace_end(&pace, 0);
  ck_assert_uint_eq(pace.limit, 4096);
}
END_TEST

/* A model truncates long texts, so they take no longer. */
START_TEST(long_texts) {
  koe_pace one = {.longest = 4096, .limit = 1 << 20}, other = one;
  koe_pace_add(&one, 4096);
  koe_pace_add(&other, 10 << 20);
  ck_assert_uint_eq(one.spent, other.spent);
  koe_pace_add(&one, 0);
  ck_assert_uint_gt(one.spent, other.spent);
}
END_TEST

Suite *pace_suite(void);

Suite *pace_suite(void) {
  Suite *suite = suite_create("pace");
  TCase *tests = tcase_create("pace");
  tcase_add_test(tests, follows_the_clock);
  tcase_add_test(tests, grows_when_full);
  tcase_add_test(tests, long_texts);
  suite_add_tcase(suite, tests);
  return suite;
}
