#include "lbfgs.h"

#include "../memory.h"

#include <cblas.h>
#include <math.h>
#include <stdbool.h>
#include <string.h>

/* Sufficient decrease and curvature; evaluations of one line search. */
static const double decrease = 1e-4, curvature = 0.9;
enum { MOST_TRIALS = 40 };

typedef struct search {
  koe_objective objective;
  void *context;
  size_t n;
  double *x, *gradient;         /* [n] the current point; x is the caller's */
  double *trial, *trial_grad;   /* [n] the point that the line search looks at */
  double *direction;            /* [n] */
  double *steps, *differences;  /* [history, n] x and gradient, new − old; rings */
  double *inverse_curvature;    /* [history] 1 / step · difference */
  double *coefficients;         /* [history] of the two-loop recursion */
  size_t history, kept, newest; /* ring: `kept` entries, the last at `newest` */
  double value;
} search;

static double dot(const search *s, const double *a, const double *b) {
  return cblas_ddot((blasint)s->n, a, 1, b, 1);
}

static void add(const search *s, double factor, const double *a, double *to) {
  cblas_daxpy((blasint)s->n, factor, a, 1, to, 1);
}

static double largest(const double *vector, size_t n) {
  double most = 0;
  for (size_t i = 0; i < n; i++)
    most = fmax(most, fabs(vector[i]));
  return most;
}

/* direction = −H · gradient, H being what the remembered steps tell of the inverse Hessian. */
static void find_direction(search *s) {
  for (size_t i = 0; i < s->n; i++)
    s->direction[i] = -s->gradient[i];
  if (s->kept == 0) return;
  for (size_t back = 0; back < s->kept; back++) {
    size_t i = (s->newest + s->history - back) % s->history;
    s->coefficients[i] = s->inverse_curvature[i] * dot(s, s->steps + i * s->n, s->direction);
    add(s, -s->coefficients[i], s->differences + i * s->n, s->direction);
  }
  const double *difference = s->differences + s->newest * s->n;
  cblas_dscal((blasint)s->n, 1 / (s->inverse_curvature[s->newest] * dot(s, difference, difference)),
              s->direction, 1);
  for (size_t back = s->kept; back-- > 0;) {
    size_t i = (s->newest + s->history - back) % s->history;
    double b = s->inverse_curvature[i] * dot(s, s->differences + i * s->n, s->direction);
    add(s, s->coefficients[i] - b, s->steps + i * s->n, s->direction);
  }
}

/* Finds a point along the direction, in trial and trial_grad; `*found` is false where no step
 * lowers the value. */
static koe_status search_line(search *s, double first, bool *found, double *value, koe_error *err) {
  double slope = dot(s, s->gradient, s->direction);
  double low = 0, high = INFINITY, length = first;
  *found = false;
  for (int trials = 0; slope < 0 && trials < MOST_TRIALS; trials++) {
    memcpy(s->trial, s->x, s->n * sizeof *s->x);
    add(s, length, s->direction, s->trial);
    koe_status status = s->objective(s->context, s->trial, value, s->trial_grad, err);
    if (status != KOE_OK) return status;
    /* `!(≤)` and not `>`: a value that is not a number is too far as well. */
    if (!(*value <= s->value + decrease * length * slope)) {
      high = length;
    } else if (dot(s, s->trial_grad, s->direction) < curvature * slope) {
      low = length;
    } else {
      *found = *value < s->value;
      return KOE_OK;
    }
    length = isinf(high) ? 2 * low : (low + high) / 2;
  }
  return KOE_OK;
}

/* Moves to the trial point and remembers the step. */
static void accept(search *s, double value) {
  size_t next = s->kept == 0 ? 0 : (s->newest + 1) % s->history;
  double *step = s->steps + next * s->n, *difference = s->differences + next * s->n;
  for (size_t i = 0; i < s->n; i++) {
    step[i] = s->trial[i] - s->x[i];
    difference[i] = s->trial_grad[i] - s->gradient[i];
  }
  memcpy(s->x, s->trial, s->n * sizeof *s->x);
  memcpy(s->gradient, s->trial_grad, s->n * sizeof *s->gradient);
  s->value = value;
  double product = dot(s, step, difference);
  /* The Wolfe conditions make it positive, rounding may not. */
  if (!(product > 1e-16 * dot(s, difference, difference))) return;
  s->inverse_curvature[next] = 1 / product;
  s->newest = next;
  if (s->kept < s->history) s->kept++;
}

static koe_status minimise(search *s, const koe_lbfgs_options *options, koe_lbfgs_result *result,
                           koe_error *err) {
  koe_status status = s->objective(s->context, s->x, &s->value, s->gradient, err);
  if (status != KOE_OK) return status;
  result->iterations = 0;
  while (largest(s->gradient, s->n) > options->tolerance &&
         result->iterations < options->max_iterations) {
    bool found;
    double value;
    find_direction(s);
    double first = 1;
    if (s->kept == 0) first = fmin(1, 1 / cblas_dasum((blasint)s->n, s->gradient, 1));
    status = search_line(s, first, &found, &value, err);
    if (status != KOE_OK) return status;
    if (!found && s->kept == 0) break;
    if (found) {
      accept(s, value);
    } else {
      s->kept = 0; /* what was remembered misleads: once more along the gradient */
    }
    result->iterations++;
  }
  result->value = s->value;
  result->gradient = largest(s->gradient, s->n);
  return KOE_OK;
}

koe_status koe_lbfgs(koe_objective objective, void *context, size_t n, double *x,
                     const koe_lbfgs_options *options, koe_lbfgs_result *result, koe_error *err) {
  size_t history = options->history;
  double *vectors = koe_alloc_aligned(n, (4 + 2 * history) * sizeof *vectors);
  double *numbers = koe_alloc(2 * history, sizeof *numbers);
  koe_status status = KOE_OK;
  if (vectors == NULL || numbers == NULL) {
    status = koe_fail_nomem(err);
    goto cleanup;
  }
  search s = {.objective = objective,
              .context = context,
              .n = n,
              .x = x,
              .gradient = vectors,
              .trial = vectors + n,
              .trial_grad = vectors + 2 * n,
              .direction = vectors + 3 * n,
              .steps = vectors + 4 * n,
              .differences = vectors + (4 + history) * n,
              .inverse_curvature = numbers,
              .coefficients = numbers + history,
              .history = history};
  status = minimise(&s, options, result, err);

cleanup:
  koe_free(numbers);
  koe_free(vectors);
  return status;
}
