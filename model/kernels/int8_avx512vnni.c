/* The int8 products for AVX-512 with VNNI: vpdpbusd takes unsigned by signed bytes, so 128 is added
 * to inputs, and 128 · the sum of the weights taken off the sums.  It sums modulo 2^32 and never
 * saturates: the result is exact because the true sum fits. */
#include <immintrin.h>
#include <stddef.h>
#include <stdint.h>

#define TABLE         koe_int8_avx512vnni
#define TABLE_NAME    "avx512vnni"
#define INPUT_OFFSET  128
#define TILE_ROWS     12
#define TILE_STRIPS   2
#define LANES         16
#define STRIP         16
#define STRIP_VECTORS 1

typedef uint8_t input;
typedef __m512i sums, weights, group;
typedef int32_t vector_int __attribute__((vector_size(LANES * sizeof(int32_t))));

static inline weights load_weights(const int8_t *p, size_t v) {
  (void)v;
  return _mm512_loadu_si512(p);
}

static inline group load_group(const input *x) {
  int32_t four;
  __builtin_memcpy(&four, x, sizeof four);
  return _mm512_set1_epi32(four);
}

static inline sums multiply_add(sums s, group g, weights w) {
  return _mm512_dpbusd_epi32(s, g, w);
}

static inline vector_int total(const sums *s, size_t i) {
  return (vector_int)s[i];
}

#include "int8_simd.h"
