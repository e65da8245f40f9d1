/* Matrix products with bfloat16 operands: the layers' products in training, where the processor
 * multiplies bfloat16 faster than float32.  The operands are rounded, to nearest even, while they
 * are packed; sums, and the matrices in memory, stay float32 (Kalamkar et al. 2019, "A Study of
 * BFLOAT16 for Deep Learning Training"). */
#ifndef KOE_BFLOAT16_PRODUCT_H
#define KOE_BFLOAT16_PRODUCT_H

#include <stdbool.h>
#include <stddef.h>

/* c = keep · c + a · b.  All matrices are row-major without gaps. */
typedef struct koe_product {
  size_t rows, columns; /* of c */
  size_t depth;         /* columns of a, rows of b */
  const float *a;       /* [rows, depth], or [depth, rows] */
  bool a_transposed;
  const float *b; /* [depth, columns], or [columns, depth] */
  bool b_transposed;
  float keep; /* where it is 0, c is not read */
  float *c;   /* [rows, columns]; neither a nor b */
} koe_product;

/* Sizes of the blocks that are packed at once. */
enum {
  KOE_BFLOAT16_ROWS = 96,
  KOE_BFLOAT16_COLUMNS = 1024,
  KOE_BFLOAT16_DEPTH = 512,
  /* Floats of the scratch memory of a product: a pair of bfloat16 takes the room of a float. */
  KOE_BFLOAT16_SCRATCH = (KOE_BFLOAT16_ROWS + KOE_BFLOAT16_COLUMNS) * (KOE_BFLOAT16_DEPTH / 2)
};

/* scratch [KOE_BFLOAT16_SCRATCH], 64-byte aligned; one for each thread.  Subnormal numbers count as
 * zero. */
typedef void koe_bfloat16_multiply(const koe_product *product, float *scratch);

/* The product for this processor; NULL where it has no instructions for bfloat16. */
koe_bfloat16_multiply *koe_bfloat16_best(void);

#if defined(__x86_64__)
koe_bfloat16_multiply koe_bfloat16_multiply_avx512; /* AVX-512 F, BW, VL and BF16 */
#endif

#endif
