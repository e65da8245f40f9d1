/* The int8 products for AVX2: operands are widened to int16, for vpmaddwd, which sums two products
 * in an int32.  Exact for every int8; vpmaddubsw would saturate, or take a bit of the inputs.  A
 * vector holds two sums for each of four outputs. */
#include <immintrin.h>
#include <stddef.h>
#include <stdint.h>

#define TABLE         koe_int8_avx2
#define TABLE_NAME    "avx2"
#define INPUT_OFFSET  0
#define TILE_ROWS     6
#define TILE_STRIPS   1
#define LANES         8
#define STRIP         8
#define STRIP_VECTORS 2

typedef int16_t input;
typedef __m256i sums, weights, group;
typedef int32_t vector_int __attribute__((vector_size(LANES * sizeof(int32_t))));

static inline weights load_weights(const int8_t *p, size_t v) {
  return _mm256_cvtepi8_epi16(_mm_loadu_si128((const __m128i *)(const void *)p + v));
}

static inline group load_group(const input *x) {
  int64_t four;
  __builtin_memcpy(&four, x, sizeof four);
  return _mm256_set1_epi64x(four);
}

static inline sums multiply_add(sums s, group g, weights w) {
  return _mm256_add_epi32(s, _mm256_madd_epi16(g, w));
}

static inline vector_int total(const sums *s, size_t i) {
  /* Of eight outputs 0 1 4 5 2 3 6 7. */
  __m256i mixed = _mm256_hadd_epi32(s[2 * i], s[2 * i + 1]);
  return (vector_int)_mm256_permute4x64_epi64(mixed, 0xD8);
}

#include "int8_simd.h"
