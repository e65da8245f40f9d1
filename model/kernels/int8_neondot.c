/* The int8 products for NEON with the dot-product instructions of ARMv8.2. */
#include <arm_neon.h>
#include <stddef.h>
#include <stdint.h>

#define TABLE         koe_int8_neondot
#define TABLE_NAME    "neondot"
#define INPUT_OFFSET  0
#define TILE_ROWS     6
#define TILE_STRIPS   1
#define LANES         4
#define STRIP         16
#define STRIP_VECTORS 4

typedef int8_t input;
typedef int32x4_t sums;
typedef int8x16_t weights, group;
typedef int32_t vector_int __attribute__((vector_size(LANES * sizeof(int32_t))));

static inline weights load_weights(const int8_t *p, size_t v) {
  return vld1q_s8(p + 16 * v);
}

static inline group load_group(const input *x) {
  int32_t four;
  __builtin_memcpy(&four, x, sizeof four);
  return vreinterpretq_s8_s32(vdupq_n_s32(four));
}

static inline sums multiply_add(sums s, group g, weights w) {
  return vdotq_s32(s, g, w);
}

static inline vector_int total(const sums *s, size_t i) {
  return (vector_int)s[i];
}

#include "int8_simd.h"
