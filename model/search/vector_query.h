/* A query in the forms that a scan compares with a block's codes; for the scan and the sketch. */
#ifndef KOE_VECTOR_QUERY_H
#define KOE_VECTOR_QUERY_H

#include "../kernels/kernels.h"
#include "../status.h"
#include "vector_block_internal.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What a level computes with in place of the rotated query y: ŷ = step · some whole numbers, chosen
 * so that the rest y - ŷ is across y. */
typedef struct koe_query_form {
  float *elements; /* [dimension] ŷ */
  float step;
  float error; /* ‖y - ŷ‖, rounded up */
} koe_query_form;

typedef struct koe_vector_query {
  const koe_scan_kernels *kernels;
  const koe_kernels *float_kernels;
  size_t dimension, units;
  float *rotated;   /* [dimension] y */
  float length;     /* ‖y‖, rounded up */
  float dots_error; /* what rounding in koe_kernels.dots does to a product, next to lengths */
  float error;      /* and with what rotations do to it */

  /* Numbers -127 … 127, and numbers of 254 to one of these: [units, 64]. */
  int8_t *coarse, *fine;
  int32_t coarse_sum, fine_sum;
  koe_query_form by_coarse, by_both;

  /* Numbers -7 … 7, in planes as `sign_dots` takes them. */
  uint64_t *planes; /* [units, 4] */
  int32_t plane_sum;
  koe_query_form by_planes;
} koe_vector_query;

/* query [dimension].  Fails with KOE_NOMEM, or KOE_INVALID if it is not finite, or is zero.  The
 * caller frees what `out` holds, in any case. */
koe_status koe_vector_query_init(const float *query, size_t dimension, koe_vector_query *out,
                                 koe_error *err);
void koe_vector_query_clear(koe_vector_query *query);

/* The bound that says which slots may reach a similarity of `threshold`, as koe_vector_dots
 * computes it: by the upper halves of codes, which holds always, and by signs, with a margin of so
 * many standard deviations.  The sum is to be compared with the bound's own threshold. */
koe_scan_bound koe_query_high_bound(const koe_vector_query *query, const koe_vector_block *block,
                                    float threshold);
koe_scan_bound koe_query_sign_bound(const koe_vector_query *query, const koe_vector_block *block,
                                    float confidence, float threshold);

/* Slots of a block that may reach a threshold, as far as is known. */
typedef struct koe_shortlist {
  const koe_vector_block *block;
  size_t count;
  uint8_t slots[KOE_BLOCK_SLOTS];
  int32_t sums[KOE_BLOCK_SLOTS]; /* of `coarse` with the upper halves of codes, where */
  bool has_sums;                 /* not signs have chosen the slots */
} koe_shortlist;

/* Drops the slots that cannot reach the threshold by their whole codes (where signs have chosen
 * them, also those that can, but hardly will), and gives of the others what their similarities, as
 * koe_vector_dots computes them, lie between.
 *
 *   lowers, uppers [list->count] */
void koe_query_products(const koe_vector_query *query, koe_shortlist *list, float threshold,
                        float *lowers, float *uppers);

#endif
