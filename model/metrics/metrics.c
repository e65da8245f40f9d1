/* Scores of labels, and correlations. */
#include "metrics.h"

#include "../memory.h"

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>

double koe_f1(const koe_match_counts *counts) {
  if (counts->right == 0) return 0;
  return 2 * (double)counts->right / ((double)counts->expected + (double)counts->predicted);
}

double koe_average_f1(const koe_match_counts *labels, size_t count, koe_average average) {
  double sum = 0, weights = 0;
  koe_match_counts all = {0};
  for (size_t i = 0; i < count; i++) {
    const koe_match_counts *label = &labels[i];
    if (label->expected + label->predicted == 0) continue;
    double weight = average == KOE_AVERAGE_WEIGHTED ? (double)label->expected : 1;
    sum += weight * koe_f1(label);
    weights += weight;
    all.expected += label->expected;
    all.predicted += label->predicted;
    all.right += label->right;
  }
  if (average == KOE_AVERAGE_MICRO) return koe_f1(&all);
  return weights > 0 ? sum / weights : 0;
}

double koe_accuracy(const int32_t *expected, const int32_t *predicted, size_t count) {
  size_t right = 0;
  for (size_t i = 0; i < count; i++)
    right += expected[i] == predicted[i];
  return count > 0 ? (double)right / (double)count : 0;
}

koe_status koe_macro_f1(const int32_t *expected, const int32_t *predicted, size_t count,
                        int32_t num_labels, double *out, koe_error *err) {
  koe_status status = KOE_OK;
  koe_match_counts *labels = koe_alloc_zero((size_t)num_labels, sizeof *labels);
  if (labels == NULL) return koe_fail_nomem(err);
  for (size_t i = 0; i < count; i++) {
    if (expected[i] < 0 || expected[i] >= num_labels || predicted[i] < 0 ||
        predicted[i] >= num_labels) {
      status = koe_fail(err, KOE_INVALID, "label %d or %d is not one of %d", expected[i],
                        predicted[i], num_labels);
      goto cleanup;
    }
    labels[expected[i]].expected++;
    labels[predicted[i]].predicted++;
    labels[expected[i]].right += expected[i] == predicted[i];
  }
  *out = koe_average_f1(labels, (size_t)num_labels, KOE_AVERAGE_MACRO);

cleanup:
  koe_free(labels);
  return status;
}

/* ── correlation ────────────────────────────────────────────────────────────────────────────────
 */

/* Writes the deviations from the mean, the largest being 1 or -1 so that no square overflows. False
 * where all values are equal, or one is not finite. */
static bool deviate(const double *values, size_t count, double *out) {
  double mean = 0, largest = 0;
  bool varies = false;
  for (size_t i = 0; i < count; i++) {
    mean += values[i] / (double)count;
    varies = varies || values[i] != values[0];
  }
  for (size_t i = 0; i < count; i++) {
    out[i] = values[i] - mean;
    largest = fmax(largest, fabs(out[i]));
  }
  if (!varies || !isfinite(mean) || !isfinite(largest)) return false;
  for (size_t i = 0; i < count; i++)
    out[i] /= largest;
  return true;
}

static double dot(const double *a, const double *b, size_t count) {
  double sum = 0;
  for (size_t i = 0; i < count; i++)
    sum += a[i] * b[i];
  return sum;
}

koe_status koe_pearson(const double *a, const double *b, size_t count, double *out,
                       koe_error *err) {
  *out = NAN;
  double *x = koe_alloc(count, 2 * sizeof *x);
  if (x == NULL) return koe_fail_nomem(err);
  double *y = x + count;
  if (deviate(a, count, x) && deviate(b, count, y)) {
    double r = dot(x, y, count) / sqrt(dot(x, x, count)) / sqrt(dot(y, y, count));
    *out = fmax(-1, fmin(1, r));
  }
  koe_free(x);
  return KOE_OK;
}

typedef struct ranked {
  double value;
  size_t place;
} ranked;

static int compare_ranked(const void *a, const void *b) {
  const ranked *x = a;
  const ranked *y = b;
  return (x->value > y->value) - (x->value < y->value);
}

/* ranks [count]: 1 for the smallest, equal values the mean of their ranks.  `order` is room for
 * [count]. */
static void rank(const double *values, size_t count, ranked *order, double *ranks) {
  for (size_t i = 0; i < count; i++)
    order[i] = (ranked){values[i], i};
  if (count > 0) qsort(order, count, sizeof *order, compare_ranked);
  for (size_t start = 0, end; start < count; start = end) {
    end = start + 1;
    while (end < count && order[end].value == order[start].value)
      end++;
    double mean = ((double)start + (double)end + 1) / 2; /* of start + 1 … end */
    for (size_t i = start; i < end; i++)
      ranks[order[i].place] = mean;
  }
}

koe_status koe_spearman(const double *a, const double *b, size_t count, double *out,
                        koe_error *err) {
  koe_status status = KOE_OK;
  double *ranks = koe_alloc(count, 2 * sizeof *ranks);
  ranked *order = koe_alloc(count, sizeof *order);
  if (ranks == NULL || order == NULL) {
    status = koe_fail_nomem(err);
    goto cleanup;
  }
  for (size_t i = 0; i < count; i++) {
    if (isnan(a[i]) || isnan(b[i])) {
      status = koe_fail(err, KOE_INVALID, "value %zu is not a number", i + 1);
      goto cleanup;
    }
  }
  rank(a, count, order, ranks);
  rank(b, count, order, ranks + count);
  status = koe_pearson(ranks, ranks + count, count, out, err);

cleanup:
  koe_free(ranks);
  koe_free(order);
  return status;
}
