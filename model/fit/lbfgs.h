/* Minimises a smooth function of many variables. */
#ifndef KOE_LBFGS_H
#define KOE_LBFGS_H

#include "../status.h"

#include <stddef.h>

/* The function: its value at x [n], and its gradient, written to `gradient` [n]. */
typedef koe_status (*koe_objective)(void *context, const double *x, double *value, double *gradient,
                                    koe_error *err);

typedef struct koe_lbfgs_options {
  double tolerance;   /* ends where no element of the gradient is larger */
  int max_iterations; /* ends there as well, with the best point so far */
  size_t history;     /* steps remembered, 1 or more; each takes 2 · n float64 */
} koe_lbfgs_options;

typedef struct koe_lbfgs_result {
  double value;    /* of the function, at the x that was found */
  double gradient; /* the largest element there, without its sign */
  int iterations;
} koe_lbfgs_result;

/* Limited-memory BFGS with a line search by bisection for the weak Wolfe conditions.
 *
 *   x [n]   where to start; then the minimum
 *
 * No randomness and no threads of its own: the same function gives the same result.  Every step
 * lowers the value; where rounding leaves no step that does, that point is the result.  Fails with
 * KOE_NOMEM, or as `objective` does.
 * Source: Nocedal & Wright, Numerical Optimization, algorithm 7.4; Lewis & Overton 2013 (the line
 * search). */
koe_status koe_lbfgs(koe_objective objective, void *context, size_t n, double *x,
                     const koe_lbfgs_options *options, koe_lbfgs_result *result, koe_error *err);

#endif
