/* The kernels for AVX-512. */
#include <immintrin.h>

#define LANES                    16
#define TILE_ROWS                12
#define TILE_PANELS              2
#define KERNELS_NAME             "avx512"
#define KERNELS_TABLE            koe_kernels_avx512
#define LARGER(a, b)             _mm512_max_ps((__m512)(a), (__m512)(b)) /* b where one is NaN */
#define LOAD_HALF(x)             _mm512_cvtph_ps(_mm256_loadu_si256((const __m256i *)(const void *)(x)))
#define FIRST(n)                 ((__mmask16)((1u << (n)) - 1))
#define PARTIAL_LOAD(x, n, fill) _mm512_mask_loadu_ps(_mm512_set1_ps(fill), FIRST(n), x)
#define PARTIAL_STORE(x, v, n)   _mm512_mask_storeu_ps(x, FIRST(n), (__m512)(v))

#include "kernels_tables.h"

#include "simd.h"
