/* A fully connected layer: y = x · weightᵀ + bias. */
#ifndef KOE_LINEAR_H
#define KOE_LINEAR_H

#include <stddef.h>

typedef struct koe_quantized_linear koe_quantized_linear;

typedef struct koe_linear {
  const float *weight; /* [out_features, in_features], as PyTorch stores it; NULL where quantized */
  const float *bias;   /* [out_features] */
  size_t in_features;
  size_t out_features;
  koe_quantized_linear *quantized; /* its int8 weights instead: quantized_linear.h; or NULL */
} koe_linear;

/* y = x · weightᵀ, without the bias: the kernel that reads y next adds it on the way.
 *
 *   x [rows, in_features], rows `x_stride` floats apart
 *   y [rows, out_features]
 *
 * One matrix product of OpenBLAS on the calling thread.  Not for a quantized layer. */
void koe_linear_forward(const koe_linear *layer, const float *x, size_t x_stride, size_t rows,
                        float *y);

#endif
