/* The kernels for NEON. */
#include <arm_neon.h>

#define LANES         4
#define TILE_ROWS     6
#define TILE_PANELS   1
#define KERNELS_NAME  "neon"
#define KERNELS_TABLE koe_kernels_neon
#define LOAD_HALF(x)  vcvt_f32_f16(vreinterpret_f16_u16(vld1_u16(x)))

#include "kernels_tables.h"

#include "simd.h"
