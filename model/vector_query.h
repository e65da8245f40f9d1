/* A query in the forms that a scan compares with a block's codes; for the scan and the sketch. */
#ifndef KOE_VECTOR_QUERY_H
#define KOE_VECTOR_QUERY_H

#include "kernels/kernels.h"
#include "status.h"
#include "vector_block_internal.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* For y, the rotated query. */
typedef struct koe_vector_query {
  const koe_scan_kernels *kernels;
  const koe_kernels *float_kernels;
  size_t dimension, units;
  float *rotated; /* [dimension] y */
  float length;   /* ‖y‖, rounded up */
  float slack;    /* what rounding adds to a product, anywhere on its way, at most */

  /* y = step · (coarse + fine / 254), [units, 64], but for errors of known length. */
  int8_t *coarse, *fine;
  float step;
  int32_t coarse_sum, fine_sum;
  float coarse_error, fine_error; /* without and with `fine` */

  /* y = sign_step · (whole numbers of 4 bits), in planes as `sign_dots` takes them. */
  uint64_t *planes; /* [units, 4] */
  float sign_step;
  int32_t sign_sum;
  float sign_error;
} koe_vector_query;

/* query [dimension].  Fails with KOE_NOMEM, or KOE_INVALID if it is not finite, or is zero.  The
 * caller frees what `out` holds, in any case. */
koe_status koe_vector_query_init(const float *query, size_t dimension, koe_vector_query *out,
                                 koe_error *err);
void koe_vector_query_clear(koe_vector_query *query);

/* Products with a block's centre, and with its slots' codes. */
float koe_query_centre(const koe_vector_query *query, const koe_vector_block *block);

/* The bound that says which slots may reach `threshold`: by the upper halves of codes, which holds
 * always, and by signs, with a margin of so many standard deviations. */
koe_scan_bound koe_query_high_bound(const koe_vector_query *query, const koe_vector_block *block,
                                    float centre, float threshold);
koe_scan_bound koe_query_sign_bound(const koe_vector_query *query, const koe_vector_block *block,
                                    float centre, float confidence, float threshold);

/* Slots of a block that may reach a threshold, as far as is known. */
typedef struct koe_shortlist {
  const koe_vector_block *block;
  float centre; /* koe_query_centre */
  size_t count;
  uint8_t slots[KOE_BLOCK_SLOTS];
  int32_t sums[KOE_BLOCK_SLOTS]; /* of `coarse` with the upper halves of codes, where */
  bool has_sums;                 /* not signs have chosen the slots */
} koe_shortlist;

/* Drops the slots that cannot reach the threshold by their whole codes (where signs have chosen
 * them, also those that can, but hardly will), and gives the products with the others, and what
 * those may be off.
 *
 *   products, errors [list->count] */
void koe_query_products(const koe_vector_query *query, koe_shortlist *list, float threshold,
                        float *products, float *errors);

#endif
