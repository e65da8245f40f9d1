/* What the scan's tables for NEON have in common. */
#include <arm_neon.h>
#include <stddef.h>
#include <stdint.h>

#define VECTOR 16

typedef int8x16_t bytes;
typedef int32x4_t sums;

static inline bytes load(const void *p) {
  return vld1q_s8(p);
}

static inline bytes low(bytes both) {
  return vandq_s8(both, vdupq_n_s8(15));
}

static inline bytes high(bytes both) {
  return vreinterpretq_s8_u8(vshrq_n_u8(vreinterpretq_u8_s8(both), 4));
}

static inline void total(const sums s[8], int32_t out[8]) {
  vst1q_s32(out, vpaddq_s32(vpaddq_s32(s[0], s[1]), vpaddq_s32(s[2], s[3])));
  vst1q_s32(out + 4, vpaddq_s32(vpaddq_s32(s[4], s[5]), vpaddq_s32(s[6], s[7])));
}

/* Bits that a plane and each of two rows have in common, in bytes. */
static inline uint8x16_t count_plane(uint64x2_t bits, uint64_t plane) {
  return vcntq_u8(vreinterpretq_u8_u64(vandq_u64(bits, vdupq_n_u64(plane))));
}

static inline int64x2_t add_up(uint8x16_t counts) {
  return vreinterpretq_s64_u64(vpaddlq_u32(vpaddlq_u16(vpaddlq_u8(counts))));
}

static inline void sign_group(const uint64_t *planes, const uint64_t *signs, size_t units,
                              int32_t *out) {
  for (size_t pair = 0; pair < 8; pair += 2) {
    int64x2_t sum = vdupq_n_s64(0);
    for (size_t u = 0; u < units; u++) {
      const uint64_t *p = planes + u * 4;
      uint64x2_t bits = vld1q_u64(signs + u * 8 + pair);
      uint8x16_t count = vshlq_n_u8(count_plane(bits, p[2]), 1);
      count = vshlq_n_u8(vaddq_u8(count, count_plane(bits, p[1])), 1);
      count = vaddq_u8(count, count_plane(bits, p[0])); /* at most 8 · 7 */
      int64x2_t negative = add_up(count_plane(bits, p[3]));
      sum = vaddq_s64(sum, vsubq_s64(add_up(count), vshlq_n_s64(negative, 3)));
    }
    vst1_s32(out + pair, vmovn_s64(sum));
  }
}
