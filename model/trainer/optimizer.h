/* AdamW (Loshchilov & Hutter 2019) over gradients that several workers computed, with clipping by
 * the global norm and a linear schedule. */
#ifndef KOE_OPTIMIZER_H
#define KOE_OPTIMIZER_H

#include "loops.h"
#include "parameters.h"

typedef struct koe_optimizer_options {
  float rate;    /* peak learning rate */
  float beta1;   /* 0.9 */
  float beta2;   /* 0.999 */
  float epsilon; /* 1e-8; 1e-6 in ELECTRA's own code */
  float decay;   /* decoupled weight decay; not of biases and LayerNorm */
  float clip;    /* largest norm of all gradients together; 0: no limit */
  size_t warmup; /* steps from 0 to the peak */
  size_t steps;  /* of the whole training; the rate falls linearly to 0 behind the last */
} koe_optimizer_options;

koe_optimizer_options koe_optimizer_options_default(void);

/* The rate of a step, counted from 0. */
float koe_learning_rate(const koe_optimizer_options *options, size_t step);

/* One update, on `threads` threads:
 *
 *   gradients [workers][parameters->total]  summed in the order of workers; zero afterwards
 *   step                                    counted from 0
 *   norm                                    length of the summed gradient before clipping
 *
 * The result is the same for any number of threads.  A gradient that is not finite is not applied:
 * fails with KOE_INVALID, values and moments unchanged.  Fails with KOE_NOMEM. */
koe_status koe_optimizer_update(const koe_optimizer_options *options, const koe_loops *loops,
                                koe_parameters *parameters, float *const *gradients, size_t workers,
                                size_t threads, size_t step, double *norm, koe_error *err);

#endif
