/* The kernels for AVX2. */
#include <immintrin.h>

#define LANES         8
#define TILE_ROWS     6
#define TILE_PANELS   1
#define KERNELS_NAME  "avx2"
#define KERNELS_TABLE koe_kernels_avx2
#define LARGER(a, b)  _mm256_max_ps((__m256)(a), (__m256)(b)) /* b where one is NaN */
#define LOAD_HALF(x)  _mm256_cvtph_ps(_mm_loadu_si128((const __m128i *)(const void *)(x)))

#include "kernels_tables.h"

#include "simd.h"
