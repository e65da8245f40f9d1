/* model/metrics/metrics.c, answer_score.c and entity_score.c: values computed by hand. */
#include "support.h"

#include "../model/memory.h"
#include "../model/metrics/metrics.h"

#include <math.h>
#include <string.h>

static koe_error err;

static void assert_near(double value, double expected) {
  ck_assert_msg(fabs(value - expected) < 1e-12, "%.15g is not %.15g", value, expected);
}

START_TEST(accuracy_is_the_share_that_is_right) {
  static const int32_t expected[] = {0, 1, 2, 1, 0}, predicted[] = {0, 2, 2, 1, 1};
  assert_near(koe_accuracy(expected, predicted, 5), 0.6);
  assert_near(koe_accuracy(expected, expected, 5), 1);
  assert_near(koe_accuracy(expected, predicted, 0), 0);
}
END_TEST

START_TEST(macro_f1_is_the_mean_over_classes) {
  /* Class 0: P 1, R 1/2, F1 2/3.  1: P 1/2, R 1/2, F1 1/2.  2: P 1/2, R 1, F1 2/3.  3: none. */
  static const int32_t expected[] = {0, 1, 2, 1, 0}, predicted[] = {0, 2, 2, 1, 1};
  double f1;
  assert_ok(koe_macro_f1(expected, predicted, 5, 4, &f1, &err));
  assert_near(f1, (2.0 / 3 + 1.0 / 2 + 2.0 / 3) / 3);
  assert_ok(koe_macro_f1(expected, expected, 5, 3, &f1, &err));
  assert_near(f1, 1);
}
END_TEST

START_TEST(averages_weigh_labels) {
  /* F1 1/2, 6/7 and 0; the last one never occurs. */
  static const koe_match_counts labels[] = {{1, 3, 1}, {4, 3, 3}, {1, 0, 0}, {0, 0, 0}};
  assert_near(koe_average_f1(labels, 4, KOE_AVERAGE_MACRO), (1.0 / 2 + 6.0 / 7) / 3);
  assert_near(koe_average_f1(labels, 4, KOE_AVERAGE_WEIGHTED), (1.0 / 2 + 4 * 6.0 / 7) / 6);
  assert_near(koe_average_f1(labels, 4, KOE_AVERAGE_MICRO), 4.0 / 6);
  assert_near(koe_average_f1(labels + 3, 1, KOE_AVERAGE_WEIGHTED), 0);
}
END_TEST

START_TEST(a_class_never_found_counts_as_0) {
  static const int32_t expected[] = {0, 0, 1, 0}, predicted[] = {0, 0, 0, 0};
  double f1;
  assert_ok(koe_macro_f1(expected, predicted, 4, 2, &f1, &err));
  assert_near(f1, (6.0 / 7 + 0) / 2);
  assert_ok(koe_macro_f1(expected, predicted, 0, 2, &f1, &err));
  assert_near(f1, 0);
  assert_fails(koe_macro_f1(expected, predicted, 4, 1, &f1, &err), KOE_INVALID, "not one of 1");
}
END_TEST

static double pearson(const double *a, const double *b, size_t count) {
  double r;
  assert_ok(koe_pearson(a, b, count, &r, &err));
  return r;
}

START_TEST(pearson_follows_the_values) {
  static const double a[] = {1, 2, 3, 4}, b[] = {2, 1, 4, 3}, c[] = {-3, -5, -7, -9},
                      d[] = {0.1, 0.1, 0.1, 0.1}, e[] = {1, 2, INFINITY, 4},
                      f[] = {1e306, 2e306, 3e306, 4e306};
  assert_near(pearson(a, b, 4), 0.6); /* 3 / 5 */
  assert_near(pearson(a, c, 4), -1);
  assert_near(pearson(f, a, 4), 1);
  ck_assert(isnan(pearson(a, d, 4)));
  ck_assert(isnan(pearson(a, e, 4)));
  ck_assert(isnan(pearson(a, b, 1)));
  ck_assert(isnan(pearson(a, b, 0)));
}
END_TEST

START_TEST(pearson_is_unmoved_by_an_offset) {
  static const double a[] = {1000001, 1000002, 1000003, 1000004}, b[] = {2, 1, 4, 3};
  assert_near(pearson(a, b, 4), 0.6);
}
END_TEST

START_TEST(spearman_follows_the_ranks) {
  static const double a[] = {0.1, 0.2, 5, 100}, b[] = {1, 2, 30, 31}, c[] = {10, 20, 40, 30};
  double r;
  assert_ok(koe_spearman(a, b, 4, &r, &err));
  assert_near(r, 1);
  assert_ok(koe_spearman(a, c, 4, &r, &err));
  assert_near(r, 0.8); /* 1 - 6 · 2 / (4 · 15) */
}
END_TEST

START_TEST(ties_share_the_mean_rank) {
  /* Ranks 1, 2.5, 2.5, 4 against 1, 3, 2, 4: covariance 4.5, variances 4.5 and 5. */
  static const double a[] = {1, 2, 2, 3}, b[] = {1, 3, 2, 4};
  double r;
  assert_ok(koe_spearman(a, b, 4, &r, &err));
  assert_near(r, 4.5 / sqrt(4.5 * 5));
  /* Ranks 2, 2, 2, 4 against 1, 2, 3.5, 3.5. */
  static const double c[] = {7, 7, 7, 9}, d[] = {-1, 0, 2, 2};
  assert_ok(koe_spearman(c, d, 4, &r, &err));
  assert_near(r, 2.0 / sqrt(3.0 * 4.5));
}
END_TEST

START_TEST(what_has_no_rank_fails) {
  static const double a[] = {1, NAN}, b[] = {1, 2};
  double r;
  assert_fails(koe_spearman(a, b, 2, &r, &err), KOE_INVALID, "value 2 is not a number");
  assert_fails(koe_spearman(b, a, 2, &r, &err), KOE_INVALID, "value 2 is not a number");
}
END_TEST

/* ── answers ────────────────────────────────────────────────────────────────────────────────────
 */

static koe_text text_of(const char *string) {
  return (koe_text){string, strlen(string)};
}

static void assert_score(const char *expected, const char *predicted, double exact, double f1) {
  koe_answer_score score;
  assert_ok(koe_score_answer(text_of(expected), text_of(predicted), &score, &err));
  ck_assert_msg(score.exact == exact && fabs(score.f1 - f1) < 1e-12,
                "\"%s\" against \"%s\": exact %g, F1 %.15g; expected %g, %.15g", predicted,
                expected, score.exact, score.f1, exact, f1);
}

START_TEST(answers_are_compared_by_characters) {
  assert_score("1989년 2월 15일", "1989년 2월 15일", 1, 1);
  assert_score("임수경", "임수경의", 0, 2 * 3.0 / 7); /* P 3/4, R 1 */
  assert_score("바그너", "베토벤", 0, 0);
  assert_score("가나다", "다나가", 0, 1);       /* a bag of characters */
  assert_score("가가나", "가", 0, 2 * 1.0 / 4); /* once, not twice */
  assert_score("가", "", 0, 0);
  assert_score("", "", 1, 0);
}
END_TEST

START_TEST(marks_and_case_do_not_count) {
  assert_score("파우스트", "《파우스트》", 1, 1);
  assert_score("파우스트", "〈파우스트〉,", 1, 1);
  assert_score("'BTS'", "bts", 1, 1);
  assert_score("Dr. Kim", "dr kim.", 1, 1);
  assert_score("가 나", "  가   나 ", 1, 1);
  assert_score("가(나)다", "가 나 다", 1, 1); /* brackets separate */
  assert_score("가-나", "가나", 1, 1);        /* other punctuation does not */
  assert_score("가 나", "가나", 0, 1);        /* the space counts for exact match only */
  assert_score("가\xC2\xA0나", "가\t나", 1, 1);
}
END_TEST

START_TEST(the_best_of_several_answers_counts) {
  koe_answer_score score;
  koe_text expected[] = {text_of("서울"), text_of("서울특별시")};
  assert_ok(koe_score_answer_best(expected, 2, text_of("서울특별시"), &score, &err));
  assert_near(score.exact, 1);
  assert_near(score.f1, 1);
  assert_ok(koe_score_answer_best(expected, 2, text_of("서울시"), &score, &err));
  assert_near(score.exact, 0);
  assert_near(score.f1, 2 * 2.0 / 5); /* against 서울; 6 / 8 = 0.75 against the other is less */
  assert_ok(koe_score_answer_best(expected, 0, text_of("서울"), &score, &err));
  assert_near(score.f1, 0);
}
END_TEST

/* ── entities ───────────────────────────────────────────────────────────────────────────────────
 */

enum { O, BP, IP, BL, IL };
static const char *const prefixes[] = {"O", "B-PER", "I-PER", "B-LOC", "I-LOC"};
static const char *const suffixes[] = {"O", "PER-B", "PER-I", "LOC-B", "LOC-I"};
static const char *const bare[] = {"O", "PER", "PER", "LOC", "LOC"};

static void assert_entities(const char *const *names, const int32_t *expected,
                            const int32_t *predicted, size_t count, size_t in_expected,
                            size_t in_predicted, size_t right) {
  const char *expected_tags[8], *predicted_tags[8];
  koe_match_counts counts = {0};
  for (size_t i = 0; i < count; i++) {
    expected_tags[i] = names[expected[i]];
    predicted_tags[i] = names[predicted[i]];
  }
  koe_entity_count(expected_tags, predicted_tags, count, &counts);
  ck_assert_uint_eq(counts.expected, in_expected);
  ck_assert_uint_eq(counts.predicted, in_predicted);
  ck_assert_uint_eq(counts.right, right);
}

START_TEST(an_entity_is_right_as_a_whole) {
  static const int32_t expected[] = {BP, IP, O, BL, IL, O, BP};
  static const int32_t predicted[] = {BP, IP, O, BL, O, O, BL};
  assert_entities(prefixes, expected, predicted, 7, 3, 3, 1);
  assert_entities(suffixes, expected, predicted, 7, 3, 3, 1);
  assert_entities(prefixes, expected, expected, 7, 3, 3, 3);
}
END_TEST

START_TEST(entities_begin_where_the_type_changes) {
  /* As B-PER B-PER I-PER and B-LOC: four entities, and the same from I alone. */
  static const int32_t expected[] = {BP, BP, IP, IL, O, IL};
  static const int32_t predicted[] = {IP, BP, IP, BL, O, BL};
  assert_entities(prefixes, expected, predicted, 6, 4, 4, 4);
  assert_entities(suffixes, expected, predicted, 6, 4, 4, 4);
}
END_TEST

START_TEST(tags_without_b_and_i_make_runs) {
  static const int32_t expected[] = {BP, IP, O, BL, BP};
  static const int32_t predicted[] = {BP, O, O, BL, BP};
  assert_entities(bare, expected, predicted, 5, 3, 3, 2);
}
END_TEST

START_TEST(an_end_ends_an_entity) {
  static const char *const ends[] = {"B-PER", "E-PER", "E-PER", "S-LOC", "I-LOC"};
  static const char *const begins[] = {"B-PER", "I-PER", "B-PER", "B-LOC", "B-LOC"};
  koe_match_counts counts = {0};
  koe_entity_count(ends, begins, 5, &counts);
  ck_assert_uint_eq(counts.expected, 4);
  ck_assert_uint_eq(counts.right, 4);
}
END_TEST

START_TEST(overlapping_entities_are_wrong) {
  static const int32_t expected[] = {O, BP, IP, IP, O};
  static const int32_t predicted[] = {BP, IP, BP, IP, IP};
  assert_entities(prefixes, expected, predicted, 5, 1, 2, 0);
  static const int32_t none[] = {O, O, O, O, O};
  assert_entities(prefixes, expected, none, 5, 1, 0, 0);
  assert_entities(prefixes, none, predicted, 5, 0, 2, 0);
  assert_entities(prefixes, none, none, 0, 0, 0, 0);
}
END_TEST

START_TEST(entity_f1_is_of_all_sentences_together) {
  koe_match_counts counts = {.expected = 4, .predicted = 5, .right = 3};
  assert_near(koe_f1(&counts), 2 * 3.0 / 9);
  counts = (koe_match_counts){.expected = 4};
  assert_near(koe_f1(&counts), 0);
  counts = (koe_match_counts){0};
  assert_near(koe_f1(&counts), 0);
}
END_TEST

#ifdef KOE_FAULTS
START_TEST(memory_may_fail_anywhere) {
  static const int32_t labels[] = {0, 1};
  static const double values[] = {1, 2};
  double number;
  koe_answer_score score;
  for (long n = 1; n <= 2; n++) {
    koe_memory_fail_after(1);
    koe_status macro = koe_macro_f1(labels, labels, 2, 2, &number, &err);
    koe_memory_fail_after(n);
    koe_status spearman = koe_spearman(values, values, 2, &number, &err);
    koe_memory_fail_after(n);
    koe_status answer = koe_score_answer(text_of("가"), text_of("가"), &score, &err);
    koe_memory_fail_after(1);
    koe_status correlation = koe_pearson(values, values, 2, &number, &err);
    koe_memory_fail_after(0);
    ck_assert_int_eq(macro, KOE_NOMEM);
    ck_assert_int_eq(spearman, KOE_NOMEM);
    ck_assert_int_eq(answer, KOE_NOMEM);
    ck_assert_int_eq(correlation, KOE_NOMEM);
  }
}
END_TEST
#endif

Suite *metrics_suite(void);

Suite *metrics_suite(void) {
  Suite *suite = suite_create("metrics");
  TCase *values = tcase_create("values");
  tcase_add_test(values, accuracy_is_the_share_that_is_right);
  tcase_add_test(values, macro_f1_is_the_mean_over_classes);
  tcase_add_test(values, averages_weigh_labels);
  tcase_add_test(values, a_class_never_found_counts_as_0);
  tcase_add_test(values, pearson_follows_the_values);
  tcase_add_test(values, pearson_is_unmoved_by_an_offset);
  tcase_add_test(values, spearman_follows_the_ranks);
  tcase_add_test(values, ties_share_the_mean_rank);
  tcase_add_test(values, what_has_no_rank_fails);
  tcase_add_test(values, answers_are_compared_by_characters);
  tcase_add_test(values, marks_and_case_do_not_count);
  tcase_add_test(values, the_best_of_several_answers_counts);
  tcase_add_test(values, an_entity_is_right_as_a_whole);
  tcase_add_test(values, entities_begin_where_the_type_changes);
  tcase_add_test(values, tags_without_b_and_i_make_runs);
  tcase_add_test(values, an_end_ends_an_entity);
  tcase_add_test(values, overlapping_entities_are_wrong);
  tcase_add_test(values, entity_f1_is_of_all_sentences_together);
#ifdef KOE_FAULTS
  tcase_add_test(values, memory_may_fail_anywhere);
#endif
  suite_add_tcase(suite, values);
  return suite;
}
