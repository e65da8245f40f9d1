/* The scan's loops for AVX-512 with VNNI and VPOPCNTDQ.  Nibbles are taken in vectors of 32 bytes:
 * longer ones gain nothing in a scan that waits for memory. */
#include "scan_avx2.h"

#define TABLE      koe_scan_avx512vnni
#define TABLE_NAME "avx512vnni"

static inline sums multiply_add(sums s, bytes nibbles, bytes query) {
  return _mm256_dpbusd_epi32(s, nibbles, query);
}

static inline __m512i count_plane(__m512i sum, __m512i bits, uint64_t plane) {
  __m512i chosen = _mm512_and_si512(bits, _mm512_set1_epi64((long long)plane));
  return _mm512_add_epi64(sum, _mm512_popcnt_epi64(chosen));
}

static inline void sign_group(const uint64_t *planes, const uint64_t *signs, size_t units,
                              int32_t *out) {
  __m512i s0 = _mm512_setzero_si512(), s1 = s0, s2 = s0, s3 = s0;
  for (size_t u = 0; u < units; u++, signs += 8, planes += 4) {
    __m512i bits = _mm512_loadu_si512(signs);
    s0 = count_plane(s0, bits, planes[0]);
    s1 = count_plane(s1, bits, planes[1]);
    s2 = count_plane(s2, bits, planes[2]);
    s3 = count_plane(s3, bits, planes[3]);
  }
  /* s0 + 2 s1 + 4 s2 - 8 s3 */
  __m512i upper = _mm512_sub_epi64(s2, _mm512_add_epi64(s3, s3));
  __m512i middle = _mm512_add_epi64(s1, _mm512_add_epi64(upper, upper));
  __m512i sum = _mm512_add_epi64(s0, _mm512_add_epi64(middle, middle));
  _mm256_storeu_si256((__m256i *)(void *)out, _mm512_cvtepi64_epi32(sum));
}

#include "scan_simd.h"
