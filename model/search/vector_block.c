#include "vector_block.h"

#include "../memory.h"
#include "block_memory.h"
#include "rotation.h"

#include <math.h>
#include <string.h>

enum { LANES = KOE_ROTATION_LANES };
_Static_assert((int)LANES == (int)KOE_BLOCK_PADDING, "a panel is coded at once");

size_t koe_vector_block_bytes_for(size_t dimension, bool signs) {
  return koe_block_memory_bytes(dimension, signs);
}

size_t koe_vector_block_bytes(const koe_vector_block *block) {
  return koe_block_memory_bytes(block->dimension, block->signs != NULL);
}

void koe_vector_block_free(koe_vector_block *block) {
  koe_block_memory_give(block);
}

/* ── coding ─────────────────────────────────────────────────────────────────────────────────────
 */

/* x·x, or 0 where bounds do not hold for a vector: they allow for a length near 1. */
static float usual_square(const float *x, size_t n) {
  double sums[4] = {0}, sum = 0; /* four hide the latency of an addition */
  size_t i = 0;
  for (; i + 4 <= n; i += 4) {
    for (size_t j = 0; j < 4; j++)
      sums[j] += (double)x[i + j] * x[i + j];
  }
  for (; i < n; i++)
    sum += (double)x[i] * x[i];
  sum += sums[0] + sums[1] + sums[2] + sums[3];
  return sum > 0.25 && sum < 2.25 ? (float)sum : 0;
}

/* The mean of the usual vectors, rotated; the squares of all are left in `squares`. */
static void find_centre(koe_vector_block *b, const float *vectors, float *squares) {
  size_t n = b->dimension, found = 0;
  memset(b->centre, 0, n * sizeof *b->centre);
  memset(squares, 0, KOE_BLOCK_SLOTS * sizeof *squares);
  for (size_t i = 0; i < b->count; i++) {
    const float *x = vectors + i * n;
    squares[i] = usual_square(x, n);
    b->largest_square = fmaxf(b->largest_square, squares[i]);
    for (size_t e = 0; squares[i] > 0 && e < n; e++)
      b->centre[e] += x[e];
    found += squares[i] > 0;
  }
  b->largest_square *= 1 + 4 * koe_rotation_error(n);
  for (size_t e = 0; e < n; e++)
    b->centre[e] /= (float)(found > 0 ? found : 1);
  koe_rotate(b->centre, n);
}

/* z [dimension, LANES] of the slots from `first` on; of those without a usual vector it is 0. */
static void read_panel(const koe_vector_block *b, const float *vectors, const float *squares,
                       size_t first, float *z) {
  size_t n = b->dimension;
  memset(z, 0, n * LANES * sizeof *z);
  for (size_t l = 0; l < LANES && first + l < b->count; l++) {
    const float *x = vectors + (first + l) * n;
    for (size_t e = 0; squares[first + l] > 0 && e < n; e++)
      z[e * LANES + l] = x[e];
  }
  koe_rotate_lanes(z, n);
  for (size_t e = 0; e < n; e++) {
    for (size_t l = 0; l < LANES; l++)
      z[e * LANES + l] -= b->centre[e];
  }
  for (size_t l = 0; l < LANES; l++) {
    if (squares[first + l] > 0) continue;
    for (size_t e = 0; e < n; e++)
      z[e * LANES + l] = 0;
  }
}

/* One number a lane. */
typedef struct lanes {
  float of[LANES];
} lanes;

/* codes [dimension, LANES]: z in whole steps, 0 … 255 around KOE_CODE_MIDDLE. */
static void round_panel(const float *z, size_t n, uint8_t *codes) {
  lanes largest = {{0}}, inverse;
  for (size_t e = 0; e < n; e++) {
    for (size_t l = 0; l < LANES; l++) {
      float magnitude = fabsf(z[e * LANES + l]);
      largest.of[l] = magnitude > largest.of[l] ? magnitude : largest.of[l];
    }
  }
  for (size_t l = 0; l < LANES; l++)
    inverse.of[l] = largest.of[l] > 1e-30F ? KOE_CODE_MIDDLE / largest.of[l] : 0;
  for (size_t e = 0; e < n * LANES; e += LANES) {
    for (size_t l = 0; l < LANES; l++) {
      int32_t code = (int32_t)(z[e + l] * inverse.of[l] + (KOE_CODE_MIDDLE + 0.5F));
      codes[e + l] = (uint8_t)(code > 255 ? 255 : code);
    }
  }
}

/* 1 / (1 - c), from X·e and X·X; *known is cleared where c is so large that it is of no use. */
static float gain_of(float along, float square, bool *known) {
  float c = square > 0 ? along / square : 0;
  *known = c > -0.5F && c < 0.5F;
  return *known ? 1 / (1 - c) : 1;
}

/* A panel's numbers of a level.  The factor is the one that fits (code >> shift) - middle to z
 * best; sums are off by half a unit a term at most.
 *
 *   squares, gains, factors, errors [LANES] */
static void fit_panel(koe_vector_block *b, const float *z, const uint8_t *codes, unsigned shift,
                      float middle, const float *squares_of, float *gains, float *factors,
                      float *errors) {
  size_t n = b->dimension;
  lanes products = {{0}}, squares = {{0}}, rests = {{0}}, along = {{0}}, factor;
  for (size_t e = 0; e < n * LANES; e += LANES) {
    for (size_t l = 0; l < LANES; l++) {
      float step = (float)(codes[e + l] >> shift) - middle;
      products.of[l] += step * z[e + l];
      squares.of[l] += step * step;
    }
  }
  for (size_t l = 0; l < LANES; l++)
    factor.of[l] = products.of[l] / squares.of[l];
  for (size_t e = 0; e < n * LANES; e += LANES) {
    float centre = b->centre[e / LANES];
    for (size_t l = 0; l < LANES; l++) {
      float rest = z[e + l] - factor.of[l] * ((float)(codes[e + l] >> shift) - middle);
      rests.of[l] += rest * rest;
      along.of[l] += rest * (z[e + l] + centre);
    }
  }
  float rounding = 1 + (float)(n + 8) * 0x1p-23F;
  for (size_t l = 0; l < LANES; l++) {
    bool known;
    gains[l] = gain_of(along.of[l], squares_of[l], &known);
    factors[l] = gains[l] * factor.of[l];
    errors[l] = gains[l] * (sqrtf(rests.of[l]) * rounding + 1e-9F);
    if (!known || !(squares_of[l] > 0)) errors[l] = INFINITY;
    b->longest = fmaxf(b->longest, fabsf(factor.of[l]) * sqrtf(squares.of[l]) * rounding);
  }
}

/* The halves of a panel's codes, as `nibble_dots` reads them; codes of padding are 0. */
static void pack_codes(koe_vector_block *b, const uint8_t *codes, size_t first) {
  size_t stride = b->units * KOE_SCAN_UNIT_BYTES;
  for (size_t e = 0; e < b->dimension; e++) {
    unsigned shift = e / KOE_SCAN_UNIT_BYTES % 2 * 4;
    size_t at = first * stride + e / KOE_SCAN_UNIT * KOE_SCAN_UNIT_BYTES + e % KOE_SCAN_UNIT_BYTES;
    for (size_t l = 0; l < LANES; l++) {
      unsigned code = codes[e * LANES + l];
      b->high[at + l * stride] |= (uint8_t)(code >> 4 << shift);
      b->low[at + l * stride] |= (uint8_t)((code & 15) << shift);
    }
  }
}

/* Signs stand for z as ‖z‖² / ‖z‖₁ · signs, which leaves a rest e across z: Gao & Long 2024.  The
 * ratio of ‖e‖ / √(n - 1) to that factor is the spread. */
static void code_signs(koe_vector_block *b, const float *z, const float *squares_of, size_t first) {
  size_t n = b->dimension;
  lanes squares = {{0}}, sums = {{0}}, z_along = {{0}}, signs_along = {{0}};
  for (size_t e = 0; e < n; e++) {
    float centre = b->centre[e];
    for (size_t l = 0; l < LANES; l++) {
      float x = z[e * LANES + l];
      squares.of[l] += x * x;
      sums.of[l] += fabsf(x);
      z_along.of[l] += x * centre;
      signs_along.of[l] += x >= 0 ? centre : -centre;
    }
    size_t row = (first / KOE_SCAN_GROUP * b->units + e / 64) * KOE_SCAN_GROUP;
    for (size_t l = 0; l < LANES; l++) {
      size_t group = l / KOE_SCAN_GROUP * b->units * KOE_SCAN_GROUP;
      b->signs[row + group + l % KOE_SCAN_GROUP] |= (uint64_t)(z[e * LANES + l] >= 0) << e % 64;
    }
  }
  for (size_t l = 0; l < LANES; l++) {
    bool known;
    float sum = sums.of[l], factor = sum > 1e-15F ? squares.of[l] / sum : 0;
    float gain = gain_of(z_along.of[l] - factor * signs_along.of[l], squares_of[l], &known);
    b->sign_gains[first + l] = gain;
    b->sign_factors[first + l] = gain * factor;
    if (!(sum > 1e-15F) || n < 2) continue;
    float aligned = fminf(sum / (float)n * (sum / squares.of[l]), 1);
    b->spread = fmaxf(b->spread, sqrtf((1 - aligned) * (float)n / (float)(n - 1)));
  }
}

static void code_panel(koe_vector_block *b, const float *squares, size_t first, const float *z,
                       uint8_t *codes) {
  squares += first;
  round_panel(z, b->dimension, codes);
  fit_panel(b, z, codes, 4, KOE_HIGH_MIDDLE, squares, b->high_gains + first,
            b->high_factors + first, b->high_errors + first);
  fit_panel(b, z, codes, 0, KOE_CODE_MIDDLE, squares, b->low_gains + first, b->low_factors + first,
            b->low_errors + first);
  pack_codes(b, codes, first);
  if (b->signs != NULL) code_signs(b, z, squares, first);
}

koe_status koe_vector_block_new(const float *vectors, size_t count, size_t dimension, bool signs,
                                koe_vector_block **out, koe_error *err) {
  *out = NULL;
  if (count < 1 || count > KOE_BLOCK_SLOTS || dimension < 1 ||
      dimension > KOE_BLOCK_MAX_DIMENSION) {
    return koe_fail(err, KOE_INVALID, "a block has 1 to %d vectors of 1 to %d elements",
                    KOE_BLOCK_SLOTS, KOE_BLOCK_MAX_DIMENSION);
  }
  float squares[KOE_BLOCK_SLOTS];
  float *z = koe_alloc_aligned(dimension * LANES, sizeof *z);
  uint8_t *codes = koe_alloc_aligned(dimension * LANES, 1);
  koe_vector_block *b = z != NULL && codes != NULL ? koe_block_memory_take(count, dimension, signs)
                                                   : NULL;
  if (b != NULL) {
    find_centre(b, vectors, squares);
    for (size_t first = 0; first < count; first += LANES) {
      read_panel(b, vectors, squares, first, z);
      code_panel(b, squares, first, z, codes);
    }
  }
  koe_free(codes);
  koe_free(z);
  *out = b;
  return b != NULL ? KOE_OK : koe_fail_nomem(err);
}
