/* The scan's loops in plain C: what each means, and the oracle of the others. */
#include "scan.h"

static void nibble_dots(const int8_t *query, const uint8_t *rows, size_t units,
                        const uint8_t *slots, size_t count, int32_t *out) {
  size_t bytes = units * KOE_SCAN_UNIT_BYTES;
  for (size_t i = 0; i < count; i++) {
    const uint8_t *row = rows + (slots != NULL ? slots[i] : i) * bytes;
    int32_t sum = 0;
    for (size_t u = 0; u < units; u++) {
      const int8_t *low = query + u * KOE_SCAN_UNIT, *high = low + KOE_SCAN_UNIT_BYTES;
      for (size_t b = 0; b < KOE_SCAN_UNIT_BYTES; b++) {
        uint8_t both = row[u * KOE_SCAN_UNIT_BYTES + b];
        sum += low[b] * (both & 15) + high[b] * (both >> 4);
      }
    }
    out[i] = sum;
  }
}

static void sign_dots(const uint64_t *planes, const uint64_t *signs, size_t units, size_t groups,
                      int32_t *out) {
  for (size_t g = 0; g < groups; g++, signs += units * KOE_SCAN_GROUP) {
    for (size_t r = 0; r < KOE_SCAN_GROUP; r++) {
      int32_t sum = 0;
      for (size_t u = 0; u < units; u++) {
        uint64_t bits = signs[u * KOE_SCAN_GROUP + r];
        const uint64_t *p = planes + u * KOE_SCAN_PLANES;
        sum += __builtin_popcountll(bits & p[0]) + 2 * __builtin_popcountll(bits & p[1]) +
               4 * __builtin_popcountll(bits & p[2]) - 8 * __builtin_popcountll(bits & p[3]);
      }
      *out++ = sum;
    }
  }
}

static void select_rows(const int32_t *sums, const float *gains, const float *factors,
                        const float *errors, const koe_scan_bound *bound, size_t count,
                        uint8_t *reaches) {
  for (size_t i = 0; i < count; i++) {
    float sum = (float)sums[i] * bound->scale - bound->offset;
    float upper = gains[i] * bound->base + factors[i] * sum + errors[i] * bound->length;
    reaches[i] = upper >= bound->threshold;
  }
}

static void transform(float *x, size_t n, size_t first) {
  for (size_t half = first; half < n; half *= 2) {
    for (size_t i = 0; i < n; i++) {
      if ((i & half) != 0) continue;
      float a = x[i], b = x[i + half];
      x[i] = a + b;
      x[i + half] = a - b;
    }
  }
}

const koe_scan_kernels koe_scan_portable = {.name = "portable",
                                            .nibble_dots = nibble_dots,
                                            .sign_dots = sign_dots,
                                            .select = select_rows,
                                            .transform = transform};
