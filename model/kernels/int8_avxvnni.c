/* The int8 products for AVX-VNNI: as int8_avx512vnni.c in vectors of 32 bytes. */
#include <immintrin.h>
#include <stddef.h>
#include <stdint.h>

#define TABLE         koe_int8_avxvnni
#define TABLE_NAME    "avxvnni"
#define INPUT_OFFSET  128
#define TILE_ROWS     6
#define TILE_STRIPS   1
#define LANES         8
#define STRIP         16
#define STRIP_VECTORS 2

typedef uint8_t input;
typedef __m256i sums, weights, group;
typedef int32_t vector_int __attribute__((vector_size(LANES * sizeof(int32_t))));

static inline weights load_weights(const int8_t *p, size_t v) {
  return _mm256_loadu_si256((const __m256i *)(const void *)p + v);
}

static inline group load_group(const input *x) {
  int32_t four;
  __builtin_memcpy(&four, x, sizeof four);
  return _mm256_set1_epi32(four);
}

static inline sums multiply_add(sums s, group g, weights w) {
  return _mm256_dpbusd_avx_epi32(s, g, w);
}

static inline vector_int total(const sums *s, size_t i) {
  return (vector_int)s[i];
}

#include "int8_simd.h"
