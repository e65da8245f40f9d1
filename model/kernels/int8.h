/* Products of int8 matrices with int32 sums, one table of them an instruction set.
 *
 * int8_portable.c is plain C: the definition, and the oracle of the tests.  The others compile
 * int8_simd.h.  All give the same sums, and scale a sum by the same operations in the same order,
 * so their outputs are equal bit for bit.
 *
 * No sum overflows: |x| ≤ 127, |weight| ≤ 128 and KOE_INT8_MAX_INPUTS products stay below 2^31.
 * Source: Jacob et al. 2018 (integer arithmetic); Dettmers et al. 2022 (a scale for each row of x
 * and for each output). */
#ifndef KOE_INT8_H
#define KOE_INT8_H

#include <stddef.h>
#include <stdint.h>

enum {
  KOE_INT8_PANEL = 16, /* outputs side by side in memory */
  KOE_INT8_GROUP = 4,  /* inputs of one output side by side */
  KOE_INT8_MAX_INPUTS = 1 << 17
};

/* The weights of a fully connected layer, in the order that every kernel reads them in.  Outputs
 * are padded with zeros to whole panels, inputs to whole groups. */
typedef struct koe_int8_matrix {
  size_t in_features;
  size_t out_features;
  int8_t *weights;  /* [panels, groups, KOE_INT8_PANEL, KOE_INT8_GROUP] */
  float *scales;    /* [panels · KOE_INT8_PANEL] what an output's weights are multiples of */
  int32_t *offsets; /* [panels · KOE_INT8_PANEL] -128 · sum of an output's weights, modulo 2^32 */
} koe_int8_matrix;

typedef struct koe_int8_kernels {
  const char *name; /* "portable", "avx2", "avxvnni", "avx512vnni", "neon", "neondot" */

  size_t input_size; /* bytes that `quantize` writes for one element */

  /* Rounds each row of x to whole multiples, from -127 to 127, of its largest magnitude / 127.
   *   x      [rows, columns]
   *   out    [rows, koe_int8_padded(columns)] elements in the form that `multiply` reads
   *   scales [rows]  0 for a row of zeros (all below 1e-30); NaN for one that is not finite */
  void (*quantize)(const float *x, size_t rows, size_t columns, void *out, float *scales);

  /* y = (sums of x · weight) · x_scale · weight_scale, + bias where there is one.
   *   x        [rows, koe_int8_padded(in_features)] of `quantize`, x_scales [rows]
   *   bias     [panels · KOE_INT8_PANEL] or NULL
   *   y        [rows, out_features] */
  void (*multiply)(const koe_int8_matrix *matrix, const void *x, const float *x_scales, size_t rows,
                   const float *bias, float *y);
} koe_int8_kernels;

extern const koe_int8_kernels koe_int8_portable;

/* The best table for this processor, or the one that the environment variable KOELECTRA_KERNELS
 * names, if there is one of that name that this processor can run. */
const koe_int8_kernels *koe_int8_best(void);

/* The table of that name, or NULL if it is not compiled in or this processor cannot run it. */
const koe_int8_kernels *koe_int8_named(const char *name);

static inline size_t koe_int8_groups(size_t inputs) {
  return (inputs + KOE_INT8_GROUP - 1) / KOE_INT8_GROUP;
}

/* Elements of a row with its padding. */
static inline size_t koe_int8_padded(size_t inputs) {
  return koe_int8_groups(inputs) * KOE_INT8_GROUP;
}

static inline size_t koe_int8_panels(size_t outputs) {
  return (outputs + KOE_INT8_PANEL - 1) / KOE_INT8_PANEL;
}

#endif
