/* The kernels for AVX2. */
#define LANES         8
#define KERNELS_NAME  "avx2"
#define KERNELS_TABLE koe_kernels_avx2

#include "kernels_tables.h"

#include "simd.h"
