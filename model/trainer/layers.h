/* The layers that have parameters or look at sequences: each one x_forward, one x_backward. */
#ifndef KOE_LAYERS_H
#define KOE_LAYERS_H

#include "trained_encoder.h"

/* How the products of linear layers are computed.  All zero: in float32, by BLAS. */
typedef struct koe_products {
  koe_bfloat16_multiply *multiply;
  float *scratch; /* [KOE_BFLOAT16_SCRATCH] with multiply */
} koe_products;

/* y = x · weightᵀ, without the bias.
 *   x [rows, in_features], y [rows, out_features] */
void koe_trained_linear_forward(const koe_trained_linear *linear, const float *values,
                                koe_products products, const float *x, size_t rows, float *y);

/* The same with the bias. */
void koe_trained_linear_forward_bias(const koe_trained_linear *linear, const float *values,
                                     const koe_kernels *kernels, koe_products products,
                                     const float *x, size_t rows, float *y);

/* dweight += dyᵀ · x, then dx = keep · dx + dy · weight; dx may be x, NULL if it is not wanted.
 * The bias's gradient is not added: the loop that made dy adds it, or the function below.
 *   dy [rows, out_features], x and dx [rows, in_features] */
void koe_trained_linear_backward(const koe_trained_linear *linear, const float *values,
                                 koe_products products, const float *dy, const float *x,
                                 size_t rows, float keep, float *dx, float *gradients);

/* The same, and dbias += column sums of dy. */
void koe_trained_linear_backward_bias(const koe_trained_linear *linear, const float *values,
                                      const koe_loops *loops, koe_products products,
                                      const float *dy, const float *x, size_t rows, float keep,
                                      float *dx, float *gradients);

/* Those of a pass whose activations are `a`. */
static inline koe_products koe_products_of(const koe_trained_encoder *encoder,
                                           const koe_activations *a) {
  return (koe_products){.multiply = encoder->multiply, .scratch = a->scratch};
}

/* Floats of all attention probabilities of a batch: Σ heads · length². */
size_t koe_attention_probabilities(const koe_batch *batch, size_t heads);

/* Multi-head scaled dot-product attention (Vaswani et al. 2017), every sequence by itself.
 *   qkv            [total, 3 · hidden]
 *   probabilities  [koe_attention_probabilities]  kept for backward, before dropout
 *   work           [longest²]
 *   out            [total, hidden] */
void koe_trained_attention_forward(const koe_trained_encoder *encoder, const float *qkv,
                                   const koe_batch *batch, koe_dropout dropout,
                                   float *probabilities, float *work, float *out);

/*   dout  [total, hidden]      gradient of the forward's out
 *   work  [2 · longest²]
 *   dqkv  [total, 3 · hidden]  written */
void koe_trained_attention_backward(const koe_trained_encoder *encoder, const float *dout,
                                    const float *qkv, const float *probabilities,
                                    const koe_batch *batch, koe_dropout dropout, float *work,
                                    float *dqkv);

/* out [total, embedding] = word + position + token type embeddings. */
void koe_trained_tables_forward(const koe_trained_encoder *encoder, const float *values,
                                const koe_batch *batch, float *out);

/* Adds dout [total, embedding] to the gradients of the rows that forward read. */
void koe_trained_tables_backward(const koe_trained_encoder *encoder, const float *dout,
                                 const koe_batch *batch, float *gradients);

#endif
