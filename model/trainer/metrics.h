/* How good predictions are.  All results are fractions: 0.893, not 89.3. */
#ifndef KOE_METRICS_H
#define KOE_METRICS_H

#include "../status.h"
#include "../text.h"

#include <stddef.h>
#include <stdint.h>

/* Share of equal labels.  0 where count is 0. */
double koe_accuracy(const int32_t *expected, const int32_t *predicted, size_t count);

/* Mean over classes of the F1 of each, as scikit-learn's f1_score(average="macro"): classes that
 * occur in neither array are left out, and the F1 of one never predicted rightly is 0.
 *
 *   expected, predicted  [count] labels from 0 to num_labels - 1
 *
 * Fails with KOE_INVALID (a label out of range), KOE_NOMEM. */
koe_status koe_macro_f1(const int32_t *expected, const int32_t *predicted, size_t count,
                        int32_t num_labels, double *out, koe_error *err);

/* Pearson's correlation; 0 where one of them is constant.  Fails with KOE_NOMEM. */
koe_status koe_pearson(const float *a, const float *b, size_t count, double *out, koe_error *err);

/* Spearman's: Pearson's of ranks, equal values having the mean of their ranks.  Fails with
 * KOE_INVALID (a value is not a number), KOE_NOMEM. */
koe_status koe_spearman(const float *a, const float *b, size_t count, double *out, koe_error *err);

/* An answer against the one expected, as KorQuAD 1.0 scores it: both in lower case,
 * without ASCII punctuation and angle quotes, white space made one space; `exact` is 1 or 0, `f1`
 * that of characters. Of several expected answers the best counts: see koe_answer_score_best.
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

/* Counts of entities over many sentences; all zero to begin with. */
typedef struct koe_entity_counts {
  size_t expected;
  size_t predicted;
  size_t right; /* same type, same first and last word */
} koe_entity_counts;

/* Adds a sentence.
 *
 *   expected, predicted  [count] numbers into `names`
 *   names                tags: "O", and "B-PER" and "I-PER" or "PER-B" and "PER-I"
 *
 * An I that does not follow its type begins an entity, as in the CoNLL evaluation and seqeval.  A
 * name without B or I is read as I. */
void koe_entity_count(const int32_t *expected, const int32_t *predicted, size_t count,
                      const char *const *names, koe_entity_counts *counts);

/* 2PR/(P+R) over all entities (micro); 0 where there are none. */
double koe_entity_f1(const koe_entity_counts *counts);

#endif
