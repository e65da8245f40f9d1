/* The scan's loops for AVX-VNNI. */
#include "scan_avx2.h"

#define TABLE      koe_scan_avxvnni
#define TABLE_NAME "avxvnni"

static inline sums multiply_add(sums s, bytes nibbles, bytes query) {
  return _mm256_dpbusd_avx_epi32(s, nibbles, query);
}

#include "scan_avx2_signs.h"
#include "scan_simd.h"
