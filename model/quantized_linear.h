/* A fully connected layer in int8: weights of whole multiples of a scale an output, inputs rounded,
 * as they come, to whole multiples of a scale a row.
 * Source: Jacob et al. 2018; Dettmers et al. 2022 (LLM.int8, vector-wise scales). */
#ifndef KOE_QUANTIZED_LINEAR_H
#define KOE_QUANTIZED_LINEAR_H

#include "kernels/int8.h"
#include "linear.h"
#include "status.h"
#include "weights.h"

struct koe_quantized_linear {
  koe_int8_matrix matrix;
  float *bias; /* [out_features, padded with zeros as the matrix's scales] */
};

/* Makes a layer of `parts` one below the other: part i is names[i].weight [out_features / parts,
 * in_features] with names[i].bias.  Fills *out, whose `quantized` the caller frees.  Fails with
 * KOE_FORMAT, KOE_UNSUPPORTED (more than KOE_INT8_MAX_INPUTS inputs), KOE_NOMEM. */
koe_status koe_quantized_linear_open(koe_weights *weights, const char *const *names, size_t parts,
                                     size_t in_features, size_t out_features, koe_linear *out,
                                     koe_error *err);

/* Takes NULL. */
void koe_quantized_linear_free(koe_quantized_linear *layer);

/* Heap bytes held; takes NULL. */
size_t koe_quantized_linear_bytes(const koe_quantized_linear *layer);

/* Bytes of working memory for `rows` rows of at most `in_features` inputs, a multiple of 64. */
size_t koe_quantized_linear_work(const koe_int8_kernels *kernels, size_t in_features, size_t rows);

/* y = x · weightᵀ, + bias if `add_bias`.
 *
 *   x    [rows, in_features]
 *   y    [rows, out_features]; not x
 *   work koe_quantized_linear_work(kernels, in_features, rows), 64-byte aligned
 *
 * The same, bit for bit, with all kernels.  A row of x that is not finite gives NaN. */
void koe_quantized_linear_forward(const koe_quantized_linear *layer,
                                  const koe_int8_kernels *kernels, const float *x, size_t rows,
                                  bool add_bias, void *work, float *y);

#endif
