/* The loops of training that are not matrix products, compiled once an instruction set from
 * loops_body.h.  Those that the encoder has too (softmax) are in kernels/kernels.h. */
#ifndef KOE_LOOPS_H
#define KOE_LOOPS_H

#include "../config.h"
#include "random.h"

#include <stddef.h>

/* What AdamW needs in one step beside gradients and moments; see optimizer.h. */
typedef struct koe_adamw_step {
  float rate;        /* learning rate of this step */
  float beta1;       /* decay of the first moment */
  float beta2;       /* decay of the second moment */
  float epsilon;     /* added to the root of the second moment */
  float decay;       /* weight decay; 0 for biases and LayerNorm */
  float correction1; /* 1 - beta1^step */
  float correction2; /* 1 - beta2^step */
  float clip;        /* what gradients are multiplied with */
} koe_adamw_step;

typedef struct koe_loops {
  const char *name; /* "generic", "avx2", "avx512" */

  /* y = layer_norm(dropout(x + bias) + residual) · gamma + beta, by rows (Ba et al. 2016).
   *   x [rows, columns], bias [columns] or NULL, residual [rows, columns] or NULL
   *   gamma, beta [columns]
   *   normalized [rows, columns]  the normalized rows before gamma and beta, for backward; may be x
   *   inverse [rows]              1 / standard deviation, for backward
   *   y [rows, columns]           may be residual */
  void (*layer_norm_forward)(const float *x, const float *bias, koe_dropout dropout,
                             const float *residual, const float *gamma, const float *beta,
                             float eps, size_t rows, size_t columns, float *normalized,
                             float *inverse, float *y);

  /* Turns dy into the gradient of what was normalized, in place.
   *   dy [rows, columns]; normalized, inverse as forward left them
   *   dgamma, dbeta [columns]  added to */
  void (*layer_norm_backward)(float *dy, const float *normalized, const float *inverse,
                              const float *gamma, size_t rows, size_t columns, float *dgamma,
                              float *dbeta);

  /* x = x + bias, y = activation(x).  x, y [rows, columns], bias [columns]. */
  void (*activation_forward)(float *x, const float *bias, koe_activation activation, size_t rows,
                             size_t columns, float *y);

  /* dy = dy · activation'(x) in place, dbias += column sums.  dy, x [rows, columns]. */
  void (*activation_backward)(float *dy, const float *x, koe_activation activation, size_t rows,
                              size_t columns, float *dbias);

  /* dp = scale · p · (dp - dp·p) by rows, in place: the gradient of z where p = softmax(scale · z).
   *   p, dp [rows, columns] */
  void (*softmax_backward)(float *dp, const float *p, float scale, size_t rows, size_t columns);

  /* y = dropout(x): backward is the same on gradients.  x, y [n], may be one; `first` is the index
   * of x[0] in the activation. */
  void (*dropout)(const float *x, koe_dropout dropout, uint32_t first, size_t n, float *y);

  /* sums += column sums of x.  x [rows, columns], sums [columns]. */
  void (*add_columns)(const float *x, size_t rows, size_t columns, float *sums);

  /* y += scale · x.  x, y [n]. */
  void (*add)(const float *x, float scale, size_t n, float *y);

  /* Sum of x · y.  x, y [n]; summed in float64 over runs of float32. */
  double (*dot)(const float *x, const float *y, size_t n);

  /* One AdamW update.  gradient, value, first, second [n]. */
  void (*adamw)(const koe_adamw_step *step, const float *gradient, size_t n, float *value,
                float *first, float *second);
} koe_loops;

extern const koe_loops koe_loops_generic;
#if defined(__x86_64__)
extern const koe_loops koe_loops_avx2, koe_loops_avx512;
#endif

/* The best table for this processor. */
const koe_loops *koe_loops_best(void);

#endif
