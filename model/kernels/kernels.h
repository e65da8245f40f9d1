/* The loops of the encoder and of vector search, one table of them an instruction set.
 *
 * portable.c is plain C on libm: the definition, and the oracle of the tests.  The others compile
 * simd.h for one vector width each; they agree with it to a few units in the last place of float32
 * relative to the largest input, not bit for bit. */
#ifndef KOE_KERNELS_H
#define KOE_KERNELS_H

#include "../config.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { KOE_PANEL = 16 }; /* outputs side by side in memory */

/* The right-hand matrix of a product, KOE_PANEL outputs at a time: those of panel p for input i are
 * at values + p · panel_stride + i · input_stride.  The last panel is as wide as the others: what
 * it holds beyond out_features is read and goes nowhere. */
typedef struct koe_panels {
  const float *values;
  size_t panel_stride, input_stride; /* floats */
  size_t in_features, out_features;
} koe_panels;

static inline size_t koe_panel_count(size_t outputs) {
  return (outputs + KOE_PANEL - 1) / KOE_PANEL;
}

/* What is done to a product on its way out. */
typedef struct koe_epilogue {
  const float *bias; /* [out_features] or NULL */
  bool activates;
  koe_activation activation; /* where `activates` */
} koe_epilogue;

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

  /* y = x · panels + bias, or the activation of that.
   *   x [rows, in_features], rows `x_stride` floats apart
   *   y [rows, out_features], rows `y_stride` floats apart; not x
   * Each row of y is computed from its row of x in the same order, whatever the other rows. */
  void (*multiply)(const koe_panels *panels, const float *x, size_t x_stride, size_t rows,
                   const koe_epilogue *epilogue, float *y, size_t y_stride);

  /* out = x, [count], of binary16 or of bfloat16, exactly. */
  void (*widen_half)(const uint16_t *x, size_t count, float *out);
  void (*widen_bfloat)(const uint16_t *x, size_t count, float *out);

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
