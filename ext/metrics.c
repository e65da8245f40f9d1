/* How good a model is on a labelled table.
 *
 *   SELECT koelectra_accuracy(predicted, label), koelectra_f1(predicted, label) FROM review;
 *   SELECT koelectra_f1(predicted, label, 'weighted'), koelectra_f1(predicted, label, 'hate') …
 *   SELECT koelectra_spearman(score, gold), koelectra_pearson(score, gold) FROM pair;
 *
 * koelectra_accuracy(predicted, label): the share of equal ones.  koelectra_f1(predicted, label
 * [, average]): the F1 of scikit-learn, of which 'macro' (as where none is given), 'weighted' and
 * 'micro' are averages over labels; any other text is a label, and the F1 is that label's, NULL
 * where no row has it.  Numbers are read as text, 1.0 as 1.  koelectra_spearman(x, y) and
 * koelectra_pearson(x, y): correlations, NULL where one side is constant.
 *
 * Fractions, 0.893 and not 89.3.  All are aggregates and window functions; a row with a NULL is
 * skipped, and no rows give NULL. */
#include "aggregate.h"

#include "../model/memory.h"
#include "../model/metrics/label_scores.h"
#include "../model/metrics/number_pairs.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

SQLITE_EXTENSION_INIT3

/* ── labels ─────────────────────────────────────────────────────────────────────────────────────
 */

/* A label argument; `room` holds the text of a REAL that is a whole number. */
typedef struct label {
  koe_text text;
  bool is_null;
  char room[24];
} label;

static koe_status label_argument(sqlite3_value *value, const char *what, label *out,
                                 koe_error *err) {
  enum { EXACT = 1 << 30 };
  koe_status status = koe_text_argument(value, what, &out->text, &out->is_null, err);
  if (status != KOE_OK || sqlite3_value_type(value) != SQLITE_FLOAT) return status;
  double number = sqlite3_value_double(value);
  if (fabs(number) > EXACT || number != trunc(number)) return KOE_OK;
  int length = snprintf(out->room, sizeof out->room, "%d", (int)number);
  out->text = (koe_text){out->room, (size_t)length};
  return KOE_OK;
}

static koe_status label_arguments(sqlite3_value **argv, label *predicted, label *expected,
                                  bool *is_null, koe_error *err) {
  koe_status status = label_argument(argv[0], "predicted", predicted, err);
  if (status == KOE_OK) status = label_argument(argv[1], "label", expected, err);
  if (status == KOE_OK) *is_null = predicted->is_null || expected->is_null;
  return status;
}

typedef struct accuracy_state {
  size_t rows, right;
} accuracy_state;

static koe_status accuracy_change(void *state, int argc, sqlite3_value **argv, bool leaves,
                                  koe_error *err) {
  accuracy_state *s = state;
  label predicted, expected;
  bool is_null;
  (void)argc;
  koe_status status = label_arguments(argv, &predicted, &expected, &is_null, err);
  if (status != KOE_OK || is_null) return status;
  bool right = predicted.text.length == expected.text.length &&
               memcmp(predicted.text.bytes, expected.text.bytes, expected.text.length) == 0;
  s->rows += leaves ? (size_t)-1 : 1;
  if (right) s->right += leaves ? (size_t)-1 : 1;
  return KOE_OK;
}

static koe_status accuracy_result(sqlite3_context *context, const void *state, koe_error *err) {
  const accuracy_state *s = state;
  (void)err;
  if (s->rows > 0) sqlite3_result_double(context, (double)s->right / (double)s->rows);
  return KOE_OK;
}

typedef struct f1_state {
  koe_label_scores scores;
  size_t rows;
  char *average; /* the third argument of the first row; NULL: none */
} f1_state;

static koe_status read_average(f1_state *s, int argc, sqlite3_value **argv, koe_error *err) {
  label average;
  if (s->average != NULL || argc < 3) return KOE_OK;
  koe_status status = label_argument(argv[2], "average", &average, err);
  if (status != KOE_OK) return status;
  if (average.is_null) {
    return koe_fail(err, KOE_INVALID,
                    "the average is NULL: give 'macro', 'weighted', 'micro' or a "
                    "label");
  }
  s->average = koe_copy_string(average.text.bytes, average.text.length);
  return s->average != NULL ? KOE_OK : koe_fail_nomem(err);
}

static koe_status f1_change(void *state, int argc, sqlite3_value **argv, bool leaves,
                            koe_error *err) {
  f1_state *s = state;
  label predicted, expected;
  bool is_null;
  koe_status status = read_average(s, argc, argv, err);
  if (status == KOE_OK) status = label_arguments(argv, &predicted, &expected, &is_null, err);
  if (status != KOE_OK || is_null) return status;
  if (leaves) {
    koe_label_scores_remove(&s->scores, predicted.text, expected.text);
    s->rows--;
    return KOE_OK;
  }
  status = koe_label_scores_add(&s->scores, predicted.text, expected.text, err);
  s->rows += status == KOE_OK;
  return status;
}

static koe_status f1_result(sqlite3_context *context, const void *state, koe_error *err) {
  static const char *const averages[] = {[KOE_AVERAGE_MACRO] = "macro",
                                         [KOE_AVERAGE_WEIGHTED] = "weighted",
                                         [KOE_AVERAGE_MICRO] = "micro"};
  const f1_state *s = state;
  const char *name = s->average != NULL ? s->average : averages[KOE_AVERAGE_MACRO];
  (void)err;
  if (s->rows == 0) return KOE_OK;
  for (koe_average average = KOE_AVERAGE_MACRO; average <= KOE_AVERAGE_MICRO; average++) {
    if (strcmp(name, averages[average]) != 0) continue;
    sqlite3_result_double(context, koe_label_scores_average(&s->scores, average));
    return KOE_OK;
  }
  const koe_match_counts *counts =
      koe_label_scores_find(&s->scores, (koe_text){name, strlen(name)});
  if (counts != NULL) sqlite3_result_double(context, koe_f1(counts));
  return KOE_OK;
}

static void f1_clear(void *state) {
  f1_state *s = state;
  koe_label_scores_clear(&s->scores);
  koe_free(s->average);
  s->average = NULL;
}

/* ── numbers ────────────────────────────────────────────────────────────────────────────────────
 */

static koe_status number_argument(sqlite3_value *value, const char *what, double *out,
                                  koe_error *err) {
  int type = sqlite3_value_numeric_type(value);
  *out = sqlite3_value_double(value);
  if (type == SQLITE_INTEGER || type == SQLITE_FLOAT) return KOE_OK;
  if (type == SQLITE_BLOB) return koe_fail(err, KOE_INVALID, "%s is a BLOB, not a number", what);
  const char *text = (const char *)sqlite3_value_text(value);
  return text != NULL ? koe_fail(err, KOE_INVALID, "%s is not a number: '%.60s'", what, text)
                      : koe_fail_nomem(err);
}

static koe_status pairs_change(void *state, int argc, sqlite3_value **argv, bool leaves,
                               koe_error *err) {
  double x, y;
  (void)argc;
  if (sqlite3_value_type(argv[0]) == SQLITE_NULL || sqlite3_value_type(argv[1]) == SQLITE_NULL) {
    return KOE_OK;
  }
  koe_status status = number_argument(argv[0], "x", &x, err);
  if (status == KOE_OK) status = number_argument(argv[1], "y", &y, err);
  if (status != KOE_OK) return status;
  if (!leaves) return koe_number_pairs_add(state, x, y, err);
  koe_number_pairs_remove_first(state);
  return KOE_OK;
}

/* koe_pearson or koe_spearman. */
typedef koe_status correlation_function(const double *x, const double *y, size_t count, double *out,
                                        koe_error *err);

static koe_status correlate(sqlite3_context *context, const koe_number_pairs *pairs,
                            correlation_function *function, koe_error *err) {
  double correlation;
  size_t first = pairs->first, count = pairs->end - first;
  if (count == 0) return KOE_OK;
  koe_status status = function(pairs->x + first, pairs->y + first, count, &correlation, err);
  if (status == KOE_OK && !isnan(correlation)) sqlite3_result_double(context, correlation);
  return status;
}

static koe_status pearson_result(sqlite3_context *context, const void *state, koe_error *err) {
  return correlate(context, state, koe_pearson, err);
}

static koe_status spearman_result(sqlite3_context *context, const void *state, koe_error *err) {
  return correlate(context, state, koe_spearman, err);
}

static void pairs_clear(void *state) {
  koe_number_pairs_clear(state);
}

int koe_register_metrics(sqlite3 *db) {
  static const koe_aggregate aggregates[] = {
      {"koelectra_accuracy", 2, 2, sizeof(accuracy_state), accuracy_change, accuracy_result, NULL},
      {"koelectra_f1", 2, 3, sizeof(f1_state), f1_change, f1_result, f1_clear},
      {"koelectra_pearson", 2, 2, sizeof(koe_number_pairs), pairs_change, pearson_result,
       pairs_clear},
      {"koelectra_spearman", 2, 2, sizeof(koe_number_pairs), pairs_change, spearman_result,
       pairs_clear},
  };
  return koe_register_aggregates(db, aggregates, sizeof aggregates / sizeof aggregates[0]);
}
