/* The kernels for AVX-512. */
#define LANES         16
#define KERNELS_NAME  "avx512"
#define KERNELS_TABLE koe_kernels_avx512

#include "kernels_tables.h"

#include "simd.h"
