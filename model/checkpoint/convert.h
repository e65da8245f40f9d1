/* Elements of a checkpoint as float32. */
#ifndef KOE_CONVERT_H
#define KOE_CONVERT_H

#include "tensor.h"

#include <stdbool.h>

/* Whether koe_convert_to_float32 takes the type. */
bool koe_is_floating(koe_dtype dtype);

/* Converts `count` little-endian elements of a floating type to float32 in host order.
 *
 *   data  [count × koe_dtype_size(dtype)] bytes, any alignment
 *   out   [count]
 *
 * float16 and bfloat16 are exact; float64 is rounded to nearest. */
void koe_convert_to_float32(koe_dtype dtype, const uint8_t *data, size_t count, float *out);

/* Converts `count` elements of one row of a matrix that is stored column by column.
 *
 *   data  [columns, rows]   elements of `dtype`
 *   out   [count]           row `row`, from column `first` on */
void koe_convert_transposed(koe_dtype dtype, const uint8_t *data, size_t rows, size_t row,
                            size_t first, size_t count, float *out);

#endif
