/* The scan's loops for AVX2. */
#include "scan_avx2.h"

#define TABLE      koe_scan_avx2
#define TABLE_NAME "avx2"

static inline sums multiply_add(sums s, bytes nibbles, bytes query) {
  __m256i pairs = _mm256_maddubs_epi16(nibbles, query);
  return _mm256_add_epi32(s, _mm256_madd_epi16(pairs, _mm256_set1_epi16(1)));
}

#include "scan_avx2_signs.h"
#include "scan_simd.h"
