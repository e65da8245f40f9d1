/* How good predictions are.  All results are fractions: 0.893, not 89.3. */
#ifndef KOE_METRICS_H
#define KOE_METRICS_H

#include "../status.h"
#include "../text.h"

#include <stddef.h>
#include <stdint.h>

/* ── labels ─────────────────────────────────────────────────────────────────────────────────────
 */

/* Of the rows that have a label, or of entities: how often it was expected, how often predicted,
 * how often both.  All zero to begin with. */
typedef struct koe_match_counts {
  size_t expected;
  size_t predicted;
  size_t right;
} koe_match_counts;

/* 2PR/(P+R), P being right / predicted and R right / expected; 0 where nothing is right. */
double koe_f1(const koe_match_counts *counts);

/* How the F1 of labels are averaged, in scikit-learn's terms. */
typedef enum koe_average {
  KOE_AVERAGE_MACRO,    /* their mean */
  KOE_AVERAGE_WEIGHTED, /* their mean, weighted by how often each was expected */
  KOE_AVERAGE_MICRO     /* F1 of all counts together: with one label a row, the accuracy */
} koe_average;

/* As scikit-learn's f1_score(average=…): labels that were neither expected nor predicted are left
 * out, and the F1 of one that is never predicted rightly is 0.  0 where no label is left.
 *
 *   labels  [count] */
double koe_average_f1(const koe_match_counts *labels, size_t count, koe_average average);

/* Share of equal labels.  0 where count is 0. */
double koe_accuracy(const int32_t *expected, const int32_t *predicted, size_t count);

/* koe_average_f1 with KOE_AVERAGE_MACRO.
 *
 *   expected, predicted  [count] labels from 0 to num_labels - 1
 *
 * Fails with KOE_INVALID (a label out of range), KOE_NOMEM. */
koe_status koe_macro_f1(const int32_t *expected, const int32_t *predicted, size_t count,
                        int32_t num_labels, double *out, koe_error *err);

/* ── numbers ────────────────────────────────────────────────────────────────────────────────────
 */

/* Pearson's correlation of a [count] and b [count]; not a number where it has none: one of them is
 * constant, has a value that is not finite, or there are fewer than two.  Fails with KOE_NOMEM. */
koe_status koe_pearson(const double *a, const double *b, size_t count, double *out, koe_error *err);

/* Spearman's: Pearson's of ranks, equal values having the mean of their ranks.  Fails with
 * KOE_INVALID (a value is not a number), KOE_NOMEM. */
koe_status koe_spearman(const double *a, const double *b, size_t count, double *out,
                        koe_error *err);

/* ── answers ────────────────────────────────────────────────────────────────────────────────────
 */

/* An answer against the one expected, as KorQuAD 1.0 scores it: both in lower case,
 * without ASCII punctuation and angle quotes, white space made one space; `exact` is 1 or 0, `f1`
 * that of characters. Of several expected answers the best counts: see koe_score_answer_best.
 *
 * Method: that of the evaluation script of KorQuAD 1.0 (Lim, Kim, Lee 2018), after SQuAD's.  Fails
 * with KOE_NOMEM. */
typedef struct koe_answer_score {
  double exact;
  double f1;
} koe_answer_score;

koe_status koe_score_answer(koe_text expected, koe_text predicted, koe_answer_score *out,
                            koe_error *err);

/* The best of `count` expected answers, exact and f1 apart; 0 and 0 where count is 0. */
koe_status koe_score_answer_best(const koe_text *expected, size_t count, koe_text predicted,
                                 koe_answer_score *out, koe_error *err);

/* ── entities ───────────────────────────────────────────────────────────────────────────────────
 */

/* Adds the entities of a sentence; one is right that has the type, the first and the last word of
 * one expected.  koe_f1 is then what seqeval calls the micro F1.
 *
 *   expected, predicted  [count] tags, one a word: "O", and "B-PER" and "I-PER" or "PER-B" and
 *                        "PER-I" (entity_labels.h)
 *
 * An I that does not follow its type begins an entity, as in the CoNLL evaluation and seqeval.  A
 * tag without B or I is read as I. */
void koe_entity_count(const char *const *expected, const char *const *predicted, size_t count,
                      koe_match_counts *counts);

#endif
