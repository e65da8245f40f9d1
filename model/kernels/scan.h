/* The loops of a scan over coded vectors (model/search/vector_block.h), one table an instruction
 * set.
 *
 * scan_portable.c is plain C: the definition, and the oracle of the tests.  The others compile
 * scan_simd.h.  All give the same sums, and bounds by the same operations in the same order, so
 * their outputs are equal bit for bit.
 *
 * No sum overflows: |query| ≤ 127, a nibble is at most 15, and a row has at most 65536 elements. */
#ifndef KOE_SCAN_H
#define KOE_SCAN_H

#include <stddef.h>
#include <stdint.h>

enum {
  KOE_SCAN_UNIT = 64,       /* elements that rows are padded to */
  KOE_SCAN_UNIT_BYTES = 32, /* of nibbles */
  KOE_SCAN_GROUP = 8,       /* rows whose signs lie side by side */
  KOE_SCAN_PLANES = 4       /* bits of an element of a query of signs */
};

/* What `select` adds up. */
typedef struct koe_scan_bound {
  float base;      /* of a row whose gain is 1 */
  float scale;     /* of the sums */
  float offset;    /* taken off each scaled sum */
  float length;    /* of errors */
  float threshold; /* to reach */
} koe_scan_bound;

typedef struct koe_scan_kernels {
  const char *name; /* "portable", "avx2", "avxvnni", "avx512vnni", "neon", "neondot" */

  /* out[i] = Σ query · nibbles of a row.
   *   query [units, 64]
   *   rows  [.., units, 32]  byte b of a unit holds element b in its low half, 32 + b in its high
   *   slots [count]  which rows; NULL: 0 … count - 1 */
  void (*nibble_dots)(const int8_t *query, const uint8_t *rows, size_t units, const uint8_t *slots,
                      size_t count, int32_t *out);

  /* out[i] = Σ of the query's elements where the row's bit is set.
   *   planes [units, 4]          element e: bit e of each, worth 1, 2, 4 and -8
   *   signs  [groups, units, 8]  64 bits of each row of a group
   *   out    [groups, 8] */
  void (*sign_dots)(const uint64_t *planes, const uint64_t *signs, size_t units, size_t groups,
                    int32_t *out);

  /* reaches[i] = whether gains[i] · base + factors[i] · (scale · sums[i] - offset) + errors[i] ·
   * length is at least the threshold: 1 or 0.  [count], a multiple of 16. */
  void (*select)(const int32_t *sums, const float *gains, const float *factors, const float *errors,
                 const koe_scan_bound *bound, size_t count, uint8_t *reaches);

  /* Sums and differences of x's elements that lie h apart, for h = first, 2 · first … n / 2: a
   * Hadamard transform of n / first vectors' elements side by side.  x [n], in place. */
  void (*transform)(float *x, size_t n, size_t first);
} koe_scan_kernels;

extern const koe_scan_kernels koe_scan_portable;

/* The best table for this processor, or the one that the environment variable KOELECTRA_KERNELS
 * names, if there is one of that name that this processor can run. */
const koe_scan_kernels *koe_scan_best(void);

/* The table of that name, or NULL if it is not compiled in or this processor cannot run it. */
const koe_scan_kernels *koe_scan_named(const char *name);

#endif
