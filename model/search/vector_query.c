#include "vector_query.h"

#include "../memory.h"
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

/* Takes a form's whole numbers, which are in its elements, times the step that makes its rest be
 * across y. */
static void fit_form(const koe_vector_query *q, koe_query_form *form) {
  double square = 0, product = 0, rest = 0;
  for (size_t e = 0; e < q->dimension; e++) {
    square += (double)q->rotated[e] * q->rotated[e];
    product += (double)q->rotated[e] * form->elements[e];
  }
  form->step = (float)(square / product);
  for (size_t e = 0; e < q->dimension; e++) {
    double left = (double)q->rotated[e] - (double)form->step * form->elements[e];
    rest += left * left;
    form->elements[e] *= form->step;
  }
  form->error = rounded_up(sqrt(rest)) + q->length * 0x1p-22F;
}

/* Two digits: the second is of what the first leaves. */
static void code_elements(koe_vector_query *q) {
  double step = (double)largest_magnitude(q->rotated, q->dimension) / 127;
  for (size_t e = 0; e < q->dimension; e++) {
    double x = (double)q->rotated[e] / step, coarse = rint(x);
    double fine = rint((x - coarse) * FINE_STEPS);
    q->coarse[e] = (int8_t)coarse;
    q->fine[e] = (int8_t)fine;
    q->coarse_sum += q->coarse[e];
    q->fine_sum += q->fine[e];
    q->by_coarse.elements[e] = (float)coarse;
    q->by_both.elements[e] = (float)(coarse + fine / FINE_STEPS);
  }
  fit_form(q, &q->by_coarse);
  fit_form(q, &q->by_both);
}

static void code_planes(koe_vector_query *q) {
  double step = (double)largest_magnitude(q->rotated, q->dimension) / 7;
  for (size_t e = 0; e < q->dimension; e++) {
    int32_t number = (int32_t)rint((double)q->rotated[e] / step);
    for (unsigned p = 0; p < KOE_SCAN_PLANES; p++) {
      uint64_t bit = (uint32_t)number >> p & 1;
      q->planes[e / 64 * KOE_SCAN_PLANES + p] |= bit << e % 64;
    }
    q->plane_sum += number;
    q->by_planes.elements[e] = (float)number;
  }
  fit_form(q, &q->by_planes);
}

static bool take_memory(koe_vector_query *q) {
  float **const floats[] = {&q->rotated, &q->by_coarse.elements, &q->by_both.elements,
                            &q->by_planes.elements};
  bool taken = true;
  for (size_t i = 0; i < sizeof floats / sizeof floats[0]; i++) {
    *floats[i] = koe_alloc_aligned(q->dimension, sizeof **floats[i]);
    taken = taken && *floats[i] != NULL;
  }
  q->coarse = koe_alloc_zero(q->units, KOE_SCAN_UNIT);
  q->fine = koe_alloc_zero(q->units, KOE_SCAN_UNIT);
  q->planes = koe_alloc_zero(q->units, KOE_SCAN_PLANES * sizeof *q->planes);
  return taken && q->coarse != NULL && q->fine != NULL && q->planes != NULL;
}

koe_status koe_vector_query_init(const float *query, size_t dimension, koe_vector_query *out,
                                 koe_error *err) {
  koe_vector_query *q = out;
  *q = (koe_vector_query){.kernels = koe_scan_best(),
                          .float_kernels = koe_kernels_best(),
                          .dimension = dimension,
                          .units = (dimension + KOE_SCAN_UNIT - 1) / KOE_SCAN_UNIT};
  if (!take_memory(q)) return koe_fail_nomem(err);
  double squares = 0;
  for (size_t e = 0; e < dimension; e++) {
    q->rotated[e] = query[e];
    squares += (double)query[e] * query[e];
  }
  if (!(squares > 0.25 && squares < 2.25)) {
    return koe_fail(err, KOE_INVALID, "the query is not of unit length");
  }
  koe_rotate(q->rotated, dimension);
  q->length = rounded_up(sqrt(squares)) + 2 * koe_rotation_error(dimension);
  /* koe_kernels.dots adds up in 16 sums at least, and a short rest behind them. */
  q->dots_error = (float)(dimension / 16 + 40) * 0x1p-24F;
  q->error = q->dots_error + 2.5F * koe_rotation_error(dimension) + 0x1p-22F;
  code_elements(q);
  code_planes(q);
  return KOE_OK;
}

void koe_vector_query_clear(koe_vector_query *query) {
  koe_free(query->planes);
  koe_free(query->fine);
  koe_free(query->coarse);
  koe_free(query->by_planes.elements);
  koe_free(query->by_both.elements);
  koe_free(query->by_coarse.elements);
  koe_free(query->rotated);
  *query = (koe_vector_query){0};
}

/* ── bounds ─────────────────────────────────────────────────────────────────────────────────────
 *
 * Let y be the rotated query and X a row's rotated vector, of which a level knows
 * X = m + ẑ + e:  m the block's centre, ẑ what is coded, ‖e‖ = E, and c = X·e / X·X.  Wanted is
 * s = y·X.  Each is a part along the other and one across it,
 *
 *   y = (s / X·X) X + y',  ‖y'‖² = ‖y‖² - s² / X·X        X = (s / y·y) y + X',  X' likewise
 *
 * and a level has to do with a form ŷ = y - d of the query, d across y, ‖d‖ = D.  So
 *
 *   s = y·X = ŷ·X + d·X = ŷ·m + ŷ·ẑ + y·e - d·e + d·X',   y·e = s c + y'·e
 *   s = (ŷ·m + ŷ·ẑ + y'·e - d·e + d·X') / (1 - c)
 *   |y'·e - d·e + d·X'| ≤ (‖y'‖ + D) E + D ‖X'‖
 *
 * by Cauchy and Schwarz for the parts across alone: where y and X are near each other, these are
 * short, and with them the doubt.  Of c it is asked that c < 1; lengths need not be 1.
 *
 * A row that matters has s ≥ t, the threshold.  If t > 0, then s² ≥ t², and with N the largest X·X
 * of the block  ‖y'‖ ≤ √(‖y‖² - t² / N) = reach(t)  and  ‖X'‖ ≤ reach(t) √N / ‖y‖;  if not,
 * reach(t) = ‖y‖.  So a row is left out, and rightly, if
 *
 *   (ŷ·m + ŷ·ẑ + (reach(t) + D) E + D reach(t) √N / ‖y‖) / (1 - c) < t
 *
 * which, with 1 / (1 - c) in gain, factor and error, is gain · base + factor · steps + error ·
 * length < t: what kernels compute.
 *
 * Rounding.  The similarity that counts is koe_vector_dots', of vectors that are not rotated: it is
 * more than s by `similarity_slack` at most, which is taken off t first.  What ŷ·m, factors and
 * sums are rounded by is `sum_slack`, and added to base.  c is off by (n + 8) 2^-24 E / ‖X‖, which
 * reach allows for; E, D, lengths and N are rounded up. */

/* At most of any row; also of ‖y‖ times ‖m‖. */
static float largest_product(const koe_vector_query *query, const koe_vector_block *block) {
  return query->length * sqrtf(block->largest_square);
}

static float similarity_slack(const koe_vector_query *query, const koe_vector_block *block) {
  return query->error * largest_product(query, block);
}

/* Of sums in float32, where terms are 60 ‖ẑ‖ at most, and of those in float64. */
#define FLOAT_ROUNDING  0x1p-16F
#define DOUBLE_ROUNDING 0x1p-20F

static float sum_slack(const koe_vector_query *query, const koe_vector_block *block,
                       float rounding) {
  return query->dots_error * largest_product(query, block) +
         rounding * query->length * (1 + block->longest);
}

/* What of the query can be across a row whose product with it is at least s. */
static float reach_of(const koe_vector_query *query, const koe_vector_block *block, double s) {
  double length = (double)query->length, square = length * length;
  if (s > 0) square -= s * s / (double)block->largest_square;
  double rounding = length * (double)(query->dimension + 128) * 0x1p-22;
  return (float)((square > 0 ? sqrt(square) : 0) + rounding);
}

/* D ‖X'‖ / reach; the length is rounded up, so the quotient is taken somewhat larger. */
static float slope_of(const koe_vector_query *query, const koe_vector_block *block,
                      const koe_query_form *form) {
  return form->error * sqrtf(block->largest_square) / query->length * (1 + 0x1p-14F);
}

static float centre_product(const koe_vector_query *query, const koe_vector_block *block,
                            const koe_query_form *form) {
  float product;
  query->float_kernels->dots(form->elements, block->centre, 1, query->dimension, &product);
  return product;
}

koe_scan_bound koe_query_high_bound(const koe_vector_query *query, const koe_vector_block *block,
                                    float threshold) {
  const koe_query_form *form = &query->by_coarse;
  float least = threshold - similarity_slack(query, block);
  float reach = reach_of(query, block, (double)least);
  float fixed = reach * slope_of(query, block, form) + sum_slack(query, block, FLOAT_ROUNDING);
  return (koe_scan_bound){.base = centre_product(query, block, form) + fixed,
                          .scale = form->step,
                          .offset = form->step * KOE_HIGH_MIDDLE * (float)query->coarse_sum,
                          .length = reach + form->error,
                          .threshold = least};
}

/* q · signs = 2 · (q's sum where they are +) - q's sum.  The parts across are in random directions
 * to each other: their products have the deviations that are summed up here. */
koe_scan_bound koe_query_sign_bound(const koe_vector_query *query, const koe_vector_block *block,
                                    float confidence, float threshold) {
  const koe_query_form *form = &query->by_planes;
  float least = threshold - similarity_slack(query, block);
  float reach = reach_of(query, block, (double)least);
  float fixed = reach * slope_of(query, block, form) / sqrtf((float)query->dimension);
  return (koe_scan_bound){.base = centre_product(query, block, form) + confidence * fixed +
                                  sum_slack(query, block, FLOAT_ROUNDING),
                          .scale = 2 * form->step,
                          .offset = form->step * (float)query->plane_sum,
                          .length = confidence * block->spread * hypotf(reach, form->error),
                          .threshold = least};
}

/* How far s is at most from `estimate`, where it is within `fixed` + slope · √(‖y‖² - s² / N) of
 * it: each bound of |s| from below shortens what is across, and that bounds it closer. */
static float doubt_of(const koe_vector_query *query, const koe_vector_block *block, float estimate,
                      float fixed, float slope) {
  enum { ROUNDS = 4 };
  float doubt = INFINITY;
  for (int round = 0; round < ROUNDS; round++)
    doubt = fixed + slope * reach_of(query, block, (double)(fabsf(estimate) - doubt));
  return doubt;
}

static void keep(koe_shortlist *list, size_t *kept, size_t i, int32_t sum) {
  list->slots[*kept] = list->slots[i];
  list->sums[(*kept)++] = sum;
}

/* Of what a code leaves out, the share that bounds count: all of it, or where signs have chosen the
 * slots, and a row may be missed, five standard deviations of its product with the query.  For next
 * to the query it is a random direction.  Where dimensions are few that is no less than all. */
static float share_of_error(const koe_vector_query *query, const koe_shortlist *list) {
  return list->has_sums ? 1 : fminf(1, 5 / sqrtf((float)query->dimension));
}

/* Of slots that signs have chosen: drops what the upper halves of codes rule out. */
static void narrow_by_high(const koe_vector_query *query, koe_shortlist *list, float threshold) {
  const koe_vector_block *block = list->block;
  koe_scan_bound bound = koe_query_high_bound(query, block, threshold);
  size_t kept = 0;
  bound.length *= share_of_error(query, list);
  query->kernels->nibble_dots(query->coarse, block->high, block->units, list->slots, list->count,
                              list->sums);
  for (size_t i = 0; i < list->count; i++) {
    uint8_t slot = list->slots[i];
    float product = (float)list->sums[i] * bound.scale - bound.offset;
    float upper = block->high_gains[slot] * bound.base + block->high_factors[slot] * product;
    if (upper + block->high_errors[slot] * bound.length >= bound.threshold)
      keep(list, &kept, i, list->sums[i]);
  }
  list->count = kept;
}

/* By whole codes, but with `coarse` alone: what `fine` would add is little more than their error.
 */
static void narrow(const koe_vector_query *query, koe_shortlist *list, float threshold) {
  const koe_vector_block *block = list->block;
  int32_t low[KOE_BLOCK_SLOTS];
  koe_scan_bound bound = koe_query_high_bound(query, block, threshold);
  double middle = (double)KOE_CODE_MIDDLE * query->coarse_sum;
  size_t kept = 0;
  bound.length *= share_of_error(query, list);
  query->kernels->nibble_dots(query->coarse, block->low, block->units, list->slots, list->count,
                              low);
  for (size_t i = 0; i < list->count; i++) {
    uint8_t slot = list->slots[i];
    int32_t sum = 16 * list->sums[i] + low[i];
    float product = (float)((sum - middle) * (double)bound.scale) * block->low_factors[slot];
    float upper = block->low_gains[slot] * bound.base + product;
    if (upper + block->low_errors[slot] * bound.length >= bound.threshold)
      keep(list, &kept, i, sum);
  }
  list->count = kept;
}

/* What s lies between, by whole codes and both digits. */
static void bound_products(const koe_vector_query *query, const koe_shortlist *list,
                           const int32_t *high, const int32_t *low, float *lowers, float *uppers) {
  const koe_vector_block *block = list->block;
  const koe_query_form *form = &query->by_both;
  double middle = (double)KOE_CODE_MIDDLE;
  double offset = middle * query->coarse_sum + middle * query->fine_sum / FINE_STEPS;
  float centre = centre_product(query, block, form), slope = slope_of(query, block, form);
  float fixed = sum_slack(query, block, DOUBLE_ROUNDING), slack = similarity_slack(query, block);
  float share = share_of_error(query, list);
  for (size_t i = 0; i < list->count; i++) {
    uint8_t slot = list->slots[i];
    float gain = block->low_gains[slot], error = share * block->low_errors[slot];
    double sum = list->sums[i] + (16.0 * high[i] + low[i]) / FINE_STEPS - offset;
    float product = (float)(sum * (double)form->step) * block->low_factors[slot];
    float estimate = gain * centre + product;
    float doubt =
        doubt_of(query, block, estimate, gain * fixed + error * form->error, gain * slope + error);
    lowers[i] = estimate - doubt - slack;
    uppers[i] = estimate + doubt + slack;
  }
}

void koe_query_products(const koe_vector_query *query, koe_shortlist *list, float threshold,
                        float *lowers, float *uppers) {
  const koe_vector_block *block = list->block;
  int32_t high[KOE_BLOCK_SLOTS], low[KOE_BLOCK_SLOTS];
  if (!list->has_sums) narrow_by_high(query, list, threshold);
  narrow(query, list, threshold);
  if (list->count == 0) return;
  query->kernels->nibble_dots(query->fine, block->high, block->units, list->slots, list->count,
                              high);
  query->kernels->nibble_dots(query->fine, block->low, block->units, list->slots, list->count, low);
  bound_products(query, list, high, low, lowers, uppers);
}
