#include "vector_query.h"

#include "memory.h"
#include "rotation.h"

#include <math.h>

#define FINE_STEPS 254 /* of a coarse step */

static float largest_magnitude(const float *y, size_t n) {
  float largest = 0;
  for (size_t e = 0; e < n; e++)
    largest = fmaxf(largest, fabsf(y[e]));
  return largest;
}

static float rounded_up(double length) {
  return (float)(length * (1 + 0x1p-20) + 1e-9);
}

/* Two digits: the second is of what the first leaves. */
static void code_elements(koe_vector_query *q, const float *y) {
  double coarse_rest = 0, fine_rest = 0;
  q->step = largest_magnitude(y, q->dimension) / 127;
  for (size_t e = 0; e < q->dimension; e++) {
    double x = (double)y[e] / q->step, coarse = rint(x), fine = rint((x - coarse) * FINE_STEPS);
    double rest = x - coarse;
    coarse_rest += rest * rest;
    rest -= fine / FINE_STEPS;
    fine_rest += rest * rest;
    q->coarse[e] = (int8_t)coarse;
    q->fine[e] = (int8_t)fine;
    q->coarse_sum += q->coarse[e];
    q->fine_sum += q->fine[e];
  }
  q->coarse_error = rounded_up(sqrt(coarse_rest) * q->step);
  q->fine_error = rounded_up(sqrt(fine_rest) * q->step);
}

static void code_planes(koe_vector_query *q, const float *y) {
  double rest = 0;
  q->sign_step = largest_magnitude(y, q->dimension) / 7;
  for (size_t e = 0; e < q->dimension; e++) {
    double x = (double)y[e] / q->sign_step, whole = rint(x);
    rest += (x - whole) * (x - whole);
    int32_t number = (int32_t)whole;
    for (unsigned p = 0; p < KOE_SCAN_PLANES; p++) {
      uint64_t bit = (uint32_t)number >> p & 1;
      q->planes[e / 64 * KOE_SCAN_PLANES + p] |= bit << e % 64;
    }
    q->sign_sum += number;
  }
  q->sign_error = rounded_up(sqrt(rest) * q->sign_step);
}

koe_status koe_vector_query_init(const float *query, size_t dimension, koe_vector_query *out,
                                 koe_error *err) {
  size_t units = (dimension + KOE_SCAN_UNIT - 1) / KOE_SCAN_UNIT;
  koe_vector_query *q = out;
  *q = (koe_vector_query){.kernels = koe_scan_best(),
                          .float_kernels = koe_kernels_best(),
                          .dimension = dimension,
                          .units = units};
  q->rotated = koe_alloc_aligned(dimension, sizeof *q->rotated);
  q->coarse = koe_alloc_zero(units, KOE_SCAN_UNIT);
  q->fine = koe_alloc_zero(units, KOE_SCAN_UNIT);
  q->planes = koe_alloc_zero(units, KOE_SCAN_PLANES * sizeof *q->planes);
  if (q->rotated == NULL || q->coarse == NULL || q->fine == NULL || q->planes == NULL) {
    return koe_fail_nomem(err);
  }
  double squares = 0;
  for (size_t e = 0; e < dimension; e++) {
    q->rotated[e] = query[e];
    squares += (double)query[e] * query[e];
  }
  if (!(squares > 0.25 && squares < 2.25)) {
    return koe_fail(err, KOE_INVALID, "the query is not of unit length");
  }
  koe_rotate(q->rotated, dimension);
  q->length = rounded_up(sqrt(squares)) + koe_rotation_error(dimension);
  /* Of products in float32, here, at the caller and in a block's factors, and of two rotated
   * vectors; lengths are at most 1.5. */
  q->slack = (float)(dimension + 64) * 0x1p-20F + 6 * koe_rotation_error(dimension);
  code_elements(q, q->rotated);
  code_planes(q, q->rotated);
  return KOE_OK;
}

void koe_vector_query_clear(koe_vector_query *query) {
  koe_free(query->planes);
  koe_free(query->fine);
  koe_free(query->coarse);
  koe_free(query->rotated);
  *query = (koe_vector_query){0};
}

float koe_query_centre(const koe_vector_query *query, const koe_vector_block *block) {
  float product;
  query->float_kernels->dots(query->rotated, block->centre, 1, query->dimension, &product);
  return product;
}

koe_scan_bound koe_query_high_bound(const koe_vector_query *query, const koe_vector_block *block,
                                    float centre, float threshold) {
  return (koe_scan_bound){.base = centre + query->coarse_error * block->longest + query->slack,
                          .scale = query->step,
                          .offset = query->step * KOE_HIGH_MIDDLE * (float)query->coarse_sum,
                          .length = query->length,
                          .threshold = threshold};
}

/* q · signs = 2 · (q's sum where they are +) - q's sum. */
koe_scan_bound koe_query_sign_bound(const koe_vector_query *query, const koe_vector_block *block,
                                    float centre, float confidence, float threshold) {
  float deviation = hypotf(block->spread, query->sign_error);
  return (koe_scan_bound){.base = centre,
                          .scale = 2 * query->sign_step,
                          .offset = query->sign_step * (float)query->sign_sum,
                          .length = confidence * deviation,
                          .threshold = threshold};
}

/* What two sums with the halves of a slot's code say of the query's product with its ẑ. */
static float product_of(const koe_vector_query *query, const koe_shortlist *list, size_t i,
                        double coarse, double fine) {
  double middle = (double)KOE_CODE_MIDDLE;
  double sum = coarse - middle * query->coarse_sum + (fine - middle * query->fine_sum) / FINE_STEPS;
  double factor = (double)list->block->low_factors[list->slots[i]];
  return (float)(sum * (double)query->step * factor);
}

/* How far the query's product with z may be from that with ẑ: what is left of z is across ẑ, so
 * only what of the query is across ẑ counts.  The first is by least squares, up to rounding. */
static float error_of(const koe_vector_query *query, const koe_shortlist *list, size_t i,
                      float product) {
  const koe_vector_block *block = list->block;
  float along = fabsf(product) / block->longest - query->coarse_error, across = query->length;
  if (along > 0) across = sqrtf(fmaxf(across * across - along * along, 0)) + 0x1p-20F;
  return across * block->low_errors[list->slots[i]];
}

static void keep(koe_shortlist *list, size_t *kept, size_t i, int32_t sum) {
  list->slots[*kept] = list->slots[i];
  list->sums[(*kept)++] = sum;
}

/* Of slots that signs have chosen: drops what the upper halves of codes rule out, nearly for
 * certain.  What these leave out of z is, next to the query, a random direction; so many standard
 * deviations of its product are no more than its length where dimensions are few. */
static void narrow_by_high(const koe_vector_query *query, koe_shortlist *list, float threshold) {
  const koe_vector_block *block = list->block;
  float deviations = query->length * 5 / sqrtf((float)query->dimension);
  koe_scan_bound bound = koe_query_high_bound(query, block, list->centre, threshold);
  size_t kept = 0;
  if (deviations < bound.length) bound.length = deviations;
  query->kernels->nibble_dots(query->coarse, block->high, block->units, list->slots, list->count,
                              list->sums);
  for (size_t i = 0; i < list->count; i++) {
    uint8_t slot = list->slots[i];
    float product = (float)list->sums[i] * bound.scale - bound.offset;
    float upper = bound.base + block->high_factors[slot] * product;
    if (upper + block->high_errors[slot] * bound.length >= threshold)
      keep(list, &kept, i, list->sums[i]);
  }
  list->count = kept;
}

/* By whole codes, but with `coarse` alone: what `fine` would add is little more than their error.
 */
static void narrow(const koe_vector_query *query, koe_shortlist *list, float threshold) {
  const koe_vector_block *block = list->block;
  int32_t low[KOE_BLOCK_SLOTS];
  float fixed = query->coarse_error * block->longest + query->slack;
  double left_out = (double)KOE_CODE_MIDDLE * query->fine_sum; /* product_of takes it off */
  size_t kept = 0;
  query->kernels->nibble_dots(query->coarse, block->low, block->units, list->slots, list->count,
                              low);
  for (size_t i = 0; i < list->count; i++) {
    int32_t sum = 16 * list->sums[i] + low[i];
    float product = product_of(query, list, i, sum, left_out);
    float upper = list->centre + product + error_of(query, list, i, product) + fixed;
    if (upper >= threshold) keep(list, &kept, i, sum);
  }
  list->count = kept;
}

void koe_query_products(const koe_vector_query *query, koe_shortlist *list, float threshold,
                        float *products, float *errors) {
  const koe_vector_block *block = list->block;
  int32_t high[KOE_BLOCK_SLOTS], low[KOE_BLOCK_SLOTS];
  float fixed = query->fine_error * block->longest + query->slack;
  if (!list->has_sums) narrow_by_high(query, list, threshold);
  narrow(query, list, threshold);
  query->kernels->nibble_dots(query->fine, block->high, block->units, list->slots, list->count,
                              high);
  query->kernels->nibble_dots(query->fine, block->low, block->units, list->slots, list->count, low);
  for (size_t i = 0; i < list->count; i++) {
    float product = product_of(query, list, i, list->sums[i], 16.0 * high[i] + low[i]);
    products[i] = list->centre + product;
    errors[i] = error_of(query, list, i, product) + fixed;
  }
}
