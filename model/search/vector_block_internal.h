/* What a block holds; for the scan and the sketch. */
#ifndef KOE_VECTOR_BLOCK_INTERNAL_H
#define KOE_VECTOR_BLOCK_INTERNAL_H

#include "vector_block.h"

#include "../kernels/scan.h"

#include <stdint.h>

/* A row's rotated vector X is  centre + f · (code - middle) + e  with a rest e of known length and
 * known product with X:  c = X·e / X·X.  Of each level a row has, ready for use (vector_query.c):
 *
 *   gain    1 / (1 - c), between 2/3 and 2
 *   factor  gain · f
 *   error   gain · ‖e‖, rounded up; INFINITY where nothing is known
 *
 * Slots are padded to whole groups of KOE_BLOCK_PADDING, elements to whole units. */
enum { KOE_BLOCK_PADDING = 16 };
#define KOE_HIGH_MIDDLE 7.5F   /* of codes 0 … 15 */
#define KOE_CODE_MIDDLE 127.5F /* of codes 0 … 255 */

typedef struct koe_block_slab koe_block_slab; /* block_memory.h */

struct koe_vector_block {
  koe_block_slab *slab;
  size_t count;         /* slots, without padding */
  size_t dimension;     /* elements, without padding */
  size_t units;         /* of KOE_SCAN_UNIT elements */
  float *centre;        /* [dimension], rotated */
  float longest;        /* ‖f · (code - middle)‖, of any level and row, at most */
  float largest_square; /* X·X, of any row, at most */

  /* What `nibble_dots` reads: the upper four bits of codes, and the lower. */
  uint8_t *high, *low;                            /* [slots, units, 32] */
  float *high_gains, *high_factors, *high_errors; /* [slots] of codes cut to their upper bits */
  float *low_gains, *low_factors, *low_errors;    /* [slots] of whole codes */

  /* What `sign_dots` reads; NULL where the block has no signs.  The product of what they leave out
   * with a random vector of length 1 has a standard deviation of factor · spread. */
  uint64_t *signs;                  /* [slots / 8, units, 8] */
  float *sign_gains, *sign_factors; /* [slots] */
  float spread;                     /* of the row where it is largest */
};

/* Slots with padding. */
static inline size_t koe_block_slots(const koe_vector_block *block) {
  return (block->count + KOE_BLOCK_PADDING - 1) / KOE_BLOCK_PADDING * KOE_BLOCK_PADDING;
}

#endif
