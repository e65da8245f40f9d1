/* The scan's loops for NEON. */
#include "scan_neon.h"

#define TABLE      koe_scan_neon
#define TABLE_NAME "neon"

static inline sums multiply_add(sums s, bytes nibbles, bytes query) {
  s = vpadalq_s16(s, vmull_s8(vget_low_s8(nibbles), vget_low_s8(query)));
  return vpadalq_s16(s, vmull_s8(vget_high_s8(nibbles), vget_high_s8(query)));
}

#include "scan_simd.h"
