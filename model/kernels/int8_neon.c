/* The int8 products for NEON: products of bytes in int16, of which pairs are added to int32 sums.
 * A product is at most 127 · 128 and is not added to another in int16, so none overflows.  A vector
 * holds two sums for each of two outputs. */
#include <arm_neon.h>
#include <stddef.h>
#include <stdint.h>

#define TABLE         koe_int8_neon
#define TABLE_NAME    "neon"
#define INPUT_OFFSET  0
#define TILE_ROWS     6
#define TILE_STRIPS   1
#define LANES         4
#define STRIP         8
#define STRIP_VECTORS 4

typedef int8_t input;
typedef int32x4_t sums;
typedef int8x8_t weights, group;
typedef int32_t vector_int __attribute__((vector_size(LANES * sizeof(int32_t))));

static inline weights load_weights(const int8_t *p, size_t v) {
  return vld1_s8(p + 8 * v);
}

static inline group load_group(const input *x) {
  int32_t four;
  __builtin_memcpy(&four, x, sizeof four);
  return vreinterpret_s8_s32(vdup_n_s32(four));
}

static inline sums multiply_add(sums s, group g, weights w) {
  return vpadalq_s16(s, vmull_s8(g, w));
}

static inline vector_int total(const sums *s, size_t i) {
  return (vector_int)vpaddq_s32(s[2 * i], s[2 * i + 1]);
}

#include "int8_simd.h"
