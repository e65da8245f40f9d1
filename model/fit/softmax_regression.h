/* Softmax regression (multinomial logistic regression) with an L2 penalty: the mathematics of
 * koelectra_fit. */
#ifndef KOE_SOFTMAX_REGRESSION_H
#define KOE_SOFTMAX_REGRESSION_H

#include "../status.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What is fitted: rows of features, each of one class.  All borrowed. */
typedef struct koe_labelled_rows {
  const float *features;   /* [rows, dimension] */
  const uint32_t *classes; /* [rows] the class of each, less than `class_count` */
  const uint32_t *order;   /* [rows] row numbers in the order in which sums are taken: sorted by
                              class, so that folds hold their share of each */
  size_t rows;
  size_t dimension;
  size_t class_count; /* 2 or more, each with a row */
} koe_labelled_rows;

typedef struct koe_softmax_options {
  double l2;     /* strength of the penalty, or 0: chosen */
  bool balanced; /* classes weigh the same, however many rows each has */
  size_t threads;
} koe_softmax_options;

typedef struct koe_softmax_report {
  double l2;        /* the one that was used */
  double objective; /* the minimum, see below */
  int iterations;
} koe_softmax_report;

/* Fits logits = weight · x + bias.
 *
 *   weight [class_count, dimension]   caller's
 *   bias   [class_count]              caller's
 *
 * Minimises  (Σ_i w_i · −log p(class_i | x_i)  +  l2 / 2 · ‖W‖²) / Σ_i w_i,  where W are the
 * weights of centred features, scaled by one number so that their variance is 1 on average; the
 * bias is not penalised.  w_i is 1, or rows / (class_count · rows of the class) where balanced.
 * This is scikit-learn's LogisticRegression(C = 1 / l2) over such features; weight and bias are
 * those of features as they are.
 *
 * Where l2 is 0, it is the one of 0.001, 0.01, …, 1000 that gives held-out rows the least mean
 * loss, in five folds over (a sample of) the rows, or 1 where classes are too many for that.
 *
 * Ends at the minimum; or, where classes and rows are so many that this would take more than about
 * 5 · 10¹¹ multiply-adds, on the way to it.  The result depends on neither `threads` nor the
 * placing of rows in memory.  Takes float64 memory of about 20 · class_count · (dimension + 1).
 * Fails with KOE_NOMEM. */
koe_status koe_softmax_fit(const koe_labelled_rows *rows, const koe_softmax_options *options,
                           float *weight, float *bias, koe_softmax_report *report, koe_error *err);

#endif
