/* The scan's loops for NEON with the dot-product instructions of ARMv8.2. */
#include "scan_neon.h"

#define TABLE      koe_scan_neondot
#define TABLE_NAME "neondot"

static inline sums multiply_add(sums s, bytes nibbles, bytes query) {
  return vdotq_s32(s, nibbles, query);
}

#include "scan_simd.h"
