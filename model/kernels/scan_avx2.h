/* What the scan's tables for AVX2 and above have in common: vectors of 32 bytes.  A nibble is at
 * most 15, so that vpmaddubsw, where it is needed, does not saturate. */
#include <immintrin.h>
#include <stddef.h>
#include <stdint.h>

#define VECTOR 32

typedef __m256i bytes, sums;

static inline bytes load(const void *p) {
  return _mm256_loadu_si256(p);
}

static inline bytes low(bytes both) {
  return _mm256_and_si256(both, _mm256_set1_epi8(15));
}

static inline bytes high(bytes both) {
  return _mm256_and_si256(_mm256_srli_epi16(both, 4), _mm256_set1_epi8(15));
}

static inline void total(const sums s[8], int32_t out[8]) {
  __m256i a = _mm256_hadd_epi32(_mm256_hadd_epi32(s[0], s[1]), _mm256_hadd_epi32(s[2], s[3]));
  __m256i b = _mm256_hadd_epi32(_mm256_hadd_epi32(s[4], s[5]), _mm256_hadd_epi32(s[6], s[7]));
  __m256i sum = _mm256_add_epi32(_mm256_permute2x128_si256(a, b, 0x20),
                                 _mm256_permute2x128_si256(a, b, 0x31));
  _mm256_storeu_si256((__m256i *)(void *)out, sum);
}
