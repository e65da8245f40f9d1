/* Matrices stored as int8: a whole number an element, a scale a row, symmetric about zero.
 *
 *   NAME         int8 [rows, columns]                q
 *   NAME_scale   floating, [rows] or [rows, 1]       s, finite and not negative
 *
 * The weight is s[row] × q[row, column], one rounded product, so it is the same on every machine.
 * Names and shapes are those of the "int-quantized" format of compressed-tensors with the strategy
 * "channel".
 * Source: github.com/neuralmagic/compressed-tensors; Jacob et al. 2018 (symmetric, per channel). */
#ifndef KOE_QUANTIZED_H
#define KOE_QUANTIZED_H

#include "checkpoint.h"

#define KOE_SCALE_SUFFIX "_scale"

/* Whether the tensor is stored that way: int8 with two dimensions. */
bool koe_is_quantized(const koe_tensor *tensor);

/* Whether `name` is that of a quantized tensor's scales. */
bool koe_is_scale(const koe_checkpoint *checkpoint, const char *name);

/* The scales [rows] of a quantized tensor; they live as long as the checkpoint.  Fails with
 * KOE_FORMAT (missing, another shape or type, not finite, negative), KOE_NOMEM. */
koe_status koe_quantized_scales(koe_checkpoint *checkpoint, const koe_tensor *tensor,
                                const float **out, koe_error *err);

/*   quantized [rows, columns]
 *   scales    [rows]
 *   out       [rows, columns]   quantized × scale of the row */
void koe_dequantize(const int8_t *quantized, const float *scales, size_t rows, size_t columns,
                    float *out);

/* Quantizes one row.
 *
 *   row  [columns]
 *   out  [columns]   row[i] / scale, rounded, from -127 to 127
 *
 * Returns the scale, one that float16 holds exactly where `half` is set; 0 for a row of zeros, and
 * what is not finite for a row that is not. */
float koe_quantize_row(const float *row, size_t columns, bool half, int8_t *out);

#endif
