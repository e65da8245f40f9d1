/* The scan's loops, compiled once an instruction set.
 *
 * The including file is compiled with the instruction set's flags, and without contraction of
 * a · b + c.  Before it includes this one it gives
 *
 *   TABLE, TABLE_NAME
 *   VECTOR               bytes of a vector: 16 or 32
 *   bytes, sums          vectors: of nibbles or of a query's elements; of int32
 *   load(p)              VECTOR bytes at p, any alignment
 *   low(v), high(v)      halves of each byte
 *   multiply_add(s, n, q)  s + products of nibbles and query, four to a sum
 *   total(s, out)        out[i] = the sums of s[i], added up; 8 of each
 *   sign_group(planes, signs, units, out)  sign_dots of one group
 *
 * Eight rows are taken together: the query is loaded once for them, and their sums are added up
 * across vectors in one go. */
#include "scan.h"
#include "scan_tables.h"

#include <string.h>

#define INLINE static inline __attribute__((always_inline))
#ifdef __clang__
#define UNROLL _Pragma("unroll")
#else
#define UNROLL _Pragma("GCC unroll 32")
#endif

enum { ROWS = 8, PARTS = KOE_SCAN_UNIT_BYTES / VECTOR };

INLINE void dots_of_rows(const int8_t *query, const uint8_t *const rows[ROWS], size_t units,
                         int32_t *out) {
  sums s[ROWS];
  UNROLL for (size_t r = 0; r < ROWS; r++) s[r] = (sums){0};
  for (size_t i = 0; i < units * KOE_SCAN_UNIT_BYTES; i += KOE_SCAN_UNIT_BYTES) {
    UNROLL for (size_t p = 0; p < PARTS; p++) {
      bytes first = load(query + 2 * i + p * VECTOR);
      bytes second = load(query + 2 * i + KOE_SCAN_UNIT_BYTES + p * VECTOR);
      UNROLL for (size_t r = 0; r < ROWS; r++) {
        bytes both = load(rows[r] + i + p * VECTOR);
        s[r] = multiply_add(s[r], low(both), first);
        s[r] = multiply_add(s[r], high(both), second);
      }
    }
  }
  total(s, out);
}

static void nibble_dots(const int8_t *query, const uint8_t *rows, size_t units,
                        const uint8_t *slots, size_t count, int32_t *out) {
  size_t stride = units * KOE_SCAN_UNIT_BYTES;
  for (size_t i = 0; i < count; i += ROWS) {
    const uint8_t *of_rows[ROWS];
    int32_t eight[ROWS];
    size_t rest = count - i < ROWS ? count - i : ROWS;
    for (size_t r = 0; r < ROWS; r++) {
      size_t at = i + (r < rest ? r : 0);
      of_rows[r] = rows + (slots != NULL ? slots[at] : at) * stride;
    }
    dots_of_rows(query, of_rows, units, eight);
    memcpy(out + i, eight, rest * sizeof *out);
  }
}

static void sign_dots(const uint64_t *planes, const uint64_t *signs, size_t units, size_t groups,
                      int32_t *out) {
  for (size_t g = 0; g < groups; g++, signs += units * KOE_SCAN_GROUP, out += KOE_SCAN_GROUP)
    sign_group(planes, signs, units, out);
}

/* `restrict`, and 16 at a time, for the compiler to make vectors of it. */
static void select_rows(const int32_t *restrict sums_of, const float *gains, const float *factors,
                        const float *errors, const koe_scan_bound *bound, size_t count,
                        uint8_t *restrict reaches) {
  koe_scan_bound b = *bound;
  for (size_t i = 0; i < count; i += 16) {
    UNROLL for (size_t j = i; j < i + 16; j++) {
      float sum = (float)sums_of[j] * b.scale - b.offset;
      float upper = gains[j] * b.base + factors[j] * sum + errors[j] * b.length;
      reaches[j] = upper >= b.threshold;
    }
  }
}

/* 16 elements at a time where they are so many apart. */
INLINE void add_and_subtract(float *restrict a, float *restrict b, size_t half) {
  if (half % 16 == 0) {
    for (size_t i = 0; i < half; i += 16) {
      UNROLL for (size_t j = i; j < i + 16; j++) {
        float sum = a[j] + b[j], difference = a[j] - b[j];
        a[j] = sum;
        b[j] = difference;
      }
    }
    return;
  }
  for (size_t i = 0; i < half; i++) {
    float sum = a[i] + b[i], difference = a[i] - b[i];
    a[i] = sum;
    b[i] = difference;
  }
}

static void transform(float *x, size_t n, size_t first) {
  for (size_t half = first; half < n; half *= 2) {
    for (size_t i = 0; i < n; i += 2 * half)
      add_and_subtract(x + i, x + i + half, half);
  }
}

const koe_scan_kernels TABLE = {.name = TABLE_NAME,
                                .nibble_dots = nibble_dots,
                                .sign_dots = sign_dots,
                                .select = select_rows,
                                .transform = transform};
