#include "metrics.h"

#include "../memory.h"

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

static double harmonic_mean(double a, double b) {
  return a + b > 0 ? 2 * a * b / (a + b) : 0;
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
  /* A class's F1 is 2 · right / (occurrences expected + occurrences predicted). */
  size_t *right = koe_alloc_zero((size_t)num_labels, sizeof *right);
  size_t *occurrences = koe_alloc_zero((size_t)num_labels, sizeof *occurrences);
  if (right == NULL || occurrences == NULL) {
    status = koe_fail_nomem(err);
    goto cleanup;
  }
  for (size_t i = 0; i < count; i++) {
    if (expected[i] < 0 || expected[i] >= num_labels || predicted[i] < 0 ||
        predicted[i] >= num_labels) {
      status = koe_fail(err, KOE_INVALID, "label %d or %d is not one of %d", expected[i],
                        predicted[i], num_labels);
      goto cleanup;
    }
    occurrences[expected[i]]++;
    occurrences[predicted[i]]++;
    right[expected[i]] += expected[i] == predicted[i];
  }
  double sum = 0;
  size_t classes = 0;
  for (int32_t label = 0; label < num_labels; label++) {
    if (occurrences[label] == 0) continue;
    sum += 2 * (double)right[label] / (double)occurrences[label];
    classes++;
  }
  *out = classes > 0 ? sum / (double)classes : 0;

cleanup:
  koe_free(right);
  koe_free(occurrences);
  return status;
}

/* ── correlation ────────────────────────────────────────────────────────────────────────────────
 */

static double correlate(const double *a, const double *b, size_t count) {
  double mean_a = 0, mean_b = 0, aa = 0, bb = 0, ab = 0;
  for (size_t i = 0; i < count; i++) {
    mean_a += a[i] / (double)count;
    mean_b += b[i] / (double)count;
  }
  for (size_t i = 0; i < count; i++) {
    double x = a[i] - mean_a, y = b[i] - mean_b;
    aa += x * x;
    bb += y * y;
    ab += x * y;
  }
  return aa > 0 && bb > 0 ? ab / sqrt(aa * bb) : 0;
}

typedef struct ranked {
  float value;
  size_t place;
} ranked;

static int compare_ranked(const void *a, const void *b) {
  const ranked *x = a;
  const ranked *y = b;
  return (x->value > y->value) - (x->value < y->value);
}

/* ranks [count]: 1 for the smallest, equal values the mean of their ranks.  `order` is room for
 * [count]. */
static void rank(const float *values, size_t count, ranked *order, double *ranks) {
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

koe_status koe_pearson(const float *a, const float *b, size_t count, double *out, koe_error *err) {
  double *wide = koe_alloc(count, 2 * sizeof *wide);
  if (wide == NULL) return koe_fail_nomem(err);
  for (size_t i = 0; i < count; i++) {
    wide[i] = (double)a[i];
    wide[count + i] = (double)b[i];
  }
  *out = correlate(wide, wide + count, count);
  koe_free(wide);
  return KOE_OK;
}

koe_status koe_spearman(const float *a, const float *b, size_t count, double *out, koe_error *err) {
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
  *out = correlate(ranks, ranks + count, count);

cleanup:
  koe_free(ranks);
  koe_free(order);
  return status;
}

/* ── entities ───────────────────────────────────────────────────────────────────────────────────
 */

typedef struct entity {
  size_t start, end; /* words, half-open */
  const char *type;  /* into a tag's name; NULL: outside, or no entity */
  size_t type_length;
} entity;

/* Takes a tag's name apart; `*begins` where it is a B. */
static void parse_tag(const char *name, entity *out, bool *begins) {
  size_t length = strlen(name);
  *begins = false;
  out->type = NULL;
  out->type_length = 0;
  if (strcmp(name, "O") == 0) return;
  out->type = name;
  out->type_length = length;
  if (length >= 2 && name[1] == '-' && (name[0] == 'B' || name[0] == 'I')) {
    *begins = name[0] == 'B';
    out->type = name + 2;
    out->type_length = length - 2;
  } else if (length >= 2 && name[length - 2] == '-' &&
             (name[length - 1] == 'B' || name[length - 1] == 'I')) {
    *begins = name[length - 1] == 'B';
    out->type_length = length - 2;
  }
}

static bool same_type(const entity *a, const entity *b) {
  return a->type != NULL && b->type != NULL && a->type_length == b->type_length &&
         memcmp(a->type, b->type, a->type_length) == 0;
}

/* The first entity that starts at word `from` or later; type NULL if there is none. */
static entity next_entity(const int32_t *tags, size_t count, size_t from,
                          const char *const *names) {
  entity found = {count, count, NULL, 0}, tag;
  bool begins;
  while (from < count && found.type == NULL) {
    parse_tag(names[tags[from]], &found, &begins);
    found.start = from++;
  }
  if (found.type == NULL) return found;
  for (found.end = from; found.end < count; found.end++) {
    parse_tag(names[tags[found.end]], &tag, &begins);
    if (begins || !same_type(&found, &tag)) break;
  }
  return found;
}

void koe_entity_count(const int32_t *expected, const int32_t *predicted, size_t count,
                      const char *const *names, koe_entity_counts *counts) {
  entity right = next_entity(expected, count, 0, names);
  entity given = next_entity(predicted, count, 0, names);
  while (right.type != NULL || given.type != NULL) {
    bool take_right = right.type != NULL && (given.type == NULL || right.start <= given.start);
    bool take_given = given.type != NULL && (right.type == NULL || given.start <= right.start);
    if (take_right && take_given && right.end == given.end && same_type(&right, &given)) {
      counts->right++;
    }
    if (take_right) {
      counts->expected++;
      right = next_entity(expected, count, right.end, names);
    }
    if (take_given) {
      counts->predicted++;
      given = next_entity(predicted, count, given.end, names);
    }
  }
}

double koe_entity_f1(const koe_entity_counts *counts) {
  if (counts->expected == 0 || counts->predicted == 0) return 0;
  double right = (double)counts->right;
  return harmonic_mean(right / (double)counts->predicted, right / (double)counts->expected);
}
