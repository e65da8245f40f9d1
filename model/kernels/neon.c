/* The kernels for NEON. */
#define LANES         4
#define KERNELS_NAME  "neon"
#define KERNELS_TABLE koe_kernels_neon

#include "kernels_tables.h"

#include "simd.h"
