/* A fully connected layer: y = x · weightᵀ + bias. */
#ifndef KOE_LINEAR_H
#define KOE_LINEAR_H

#include "kernels/kernels.h"

#include <stddef.h>

typedef struct koe_packed_linear koe_packed_linear;
typedef struct koe_quantized_linear koe_quantized_linear;

/* One of weight, packed and quantized is set. */
typedef struct koe_linear {
  const float *weight; /* [out_features, in_features], as PyTorch stores it */
  const float *bias;   /* [out_features] */
  size_t in_features;
  size_t out_features;
  koe_packed_linear *packed;       /* weights in the order of products: packed_linear.h */
  koe_quantized_linear *quantized; /* int8 weights: quantized_linear.h */
} koe_linear;

/* y = x · weightᵀ, without the bias, for heads: few outputs, or one row a text.
 *
 *   x [rows, in_features]
 *   y [rows, out_features]
 *
 * `weight` is set.  Each element is a dot product, the same whatever the other rows. */
void koe_linear_forward(const koe_linear *layer, const koe_kernels *kernels, const float *x,
                        size_t rows, float *y);

#endif
