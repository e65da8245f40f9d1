/* The loops of the encoder and of vector search that are not matrix products, one table of them an
 * instruction set.
 *
 * portable.c is plain C on libm: the definition, and the oracle of the tests.  The others compile
 * simd.h for one vector width each; they agree with it to a few units in the last place of float32
 * relative to the largest input, not bit for bit. */
#ifndef KOE_KERNELS_H
#define KOE_KERNELS_H

#include "../config.h"

#include <stddef.h>

typedef struct koe_kernels {
  const char *name; /* "portable", "avx2", "avx512", "neon" */

  /* y = layer_norm(x + bias + residual) · gamma + beta, by rows (Ba et al. 2016).
   *   x [rows, columns], residual [rows, columns] or NULL, bias [columns] or NULL
   *   gamma, beta [columns]
   *   y [rows, columns]; may be x or residual */
  void (*add_layer_norm)(const float *x, const float *bias, const float *residual,
                         const float *gamma, const float *beta, float eps, size_t rows,
                         size_t columns, float *y);

  /* x = activation(x + bias) in place.  x [rows, columns], bias [columns].
   * KOE_GELU_ERF: x · Φ(x), Hendrycks & Gimpel 2016; KOE_GELU_TANH: their tanh form. */
  void (*bias_activation)(float *x, const float *bias, koe_activation activation, size_t rows,
                          size_t columns);

  /* x = x + bias in place.  x [rows, columns], bias [columns]. */
  void (*add_bias)(float *x, const float *bias, size_t rows, size_t columns);

  /* x = softmax(scale · x) by rows, in place.  x [rows, columns], rows `stride` floats apart. */
  void (*softmax)(float *x, float scale, size_t rows, size_t columns, size_t stride);

  /* out = mean of the rows of x.  x [rows, columns], out [columns]. */
  void (*mean_rows)(const float *x, size_t rows, size_t columns, float *out);

  /* out[i] = query · rows[i].  query [n], rows [count, n], out [count]; any alignment. */
  void (*dots)(const float *query, const float *rows, size_t count, size_t n, float *out);
} koe_kernels;

extern const koe_kernels koe_kernels_portable;

/* The best table for this processor, or the one that the environment variable KOELECTRA_KERNELS
 * names, if this processor can run it. */
const koe_kernels *koe_kernels_best(void);

/* The table of that name, or NULL if it is not compiled in or this processor cannot run it. */
const koe_kernels *koe_kernels_named(const char *name);

#endif
