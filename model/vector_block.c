#include "vector_block.h"

#include "block_memory.h"
#include "memory.h"
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

/* Whether bounds hold for a vector: its length is near 1, in so far as they allow for. */
static bool is_usual(const float *x, size_t n) {
  float sum = 0;
  for (size_t i = 0; i < n; i++)
    sum += x[i] * x[i];
  return sum > 0.25F && sum < 2.25F;
}

/* The mean of the usual vectors, rotated; which they are is left in `usual`. */
static void find_centre(koe_vector_block *b, const float *vectors, bool *usual) {
  size_t n = b->dimension, found = 0;
  memset(b->centre, 0, n * sizeof *b->centre);
  for (size_t i = 0; i < b->count; i++) {
    const float *x = vectors + i * n;
    usual[i] = is_usual(x, n);
    for (size_t e = 0; usual[i] && e < n; e++)
      b->centre[e] += x[e];
    found += usual[i];
  }
  for (size_t e = 0; e < n; e++)
    b->centre[e] /= (float)(found > 0 ? found : 1);
  koe_rotate(b->centre, n);
}

/* z [dimension, LANES] of the slots from `first` on; of those without a usual vector it is 0. */
static void read_panel(const koe_vector_block *b, const float *vectors, const bool *usual,
                       size_t first, float *z) {
  size_t n = b->dimension;
  memset(z, 0, n * LANES * sizeof *z);
  for (size_t l = 0; l < LANES && first + l < b->count; l++) {
    const float *x = vectors + (first + l) * n;
    for (size_t e = 0; usual[first + l] && e < n; e++)
      z[e * LANES + l] = x[e];
  }
  koe_rotate_lanes(z, n);
  for (size_t e = 0; e < n; e++) {
    for (size_t l = 0; l < LANES; l++)
      z[e * LANES + l] -= b->centre[e];
  }
  for (size_t l = 0; l < LANES; l++) {
    if (first + l < b->count && usual[first + l]) continue;
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

/* The factor that fits (code >> shift) - middle to z best, and the length of what is left, rounded
 * up: the sums below are off by half a unit a term at most. */
static void fit_panel(const float *z, const uint8_t *codes, size_t n, unsigned shift, float middle,
                      float *factors, float *errors, float *longest) {
  lanes products = {{0}}, squares = {{0}}, rests = {{0}}, factor;
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
    for (size_t l = 0; l < LANES; l++) {
      float rest = z[e + l] - factor.of[l] * ((float)(codes[e + l] >> shift) - middle);
      rests.of[l] += rest * rest;
    }
  }
  float rounding = 1 + (float)(n + 8) * 0x1p-23F;
  for (size_t l = 0; l < LANES; l++) {
    factors[l] = factor.of[l];
    errors[l] = sqrtf(rests.of[l]) * rounding + 1e-9F;
    *longest = fmaxf(*longest, fabsf(factor.of[l]) * sqrtf(squares.of[l]) * rounding);
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

/* Signs estimate q · z by ‖z‖² / ‖z‖₁ · (q · signs): Gao & Long 2024.  The part of z that is not
 * along its signs has, next to the other, the ratio that is the spread. */
static void code_signs(koe_vector_block *b, const float *z, size_t first) {
  size_t n = b->dimension;
  lanes squares = {{0}}, sums = {{0}};
  for (size_t e = 0; e < n; e++) {
    size_t row = (first / KOE_SCAN_GROUP * b->units + e / 64) * KOE_SCAN_GROUP;
    for (size_t l = 0; l < LANES; l++) {
      float x = z[e * LANES + l];
      size_t group = l / KOE_SCAN_GROUP * b->units * KOE_SCAN_GROUP;
      b->signs[row + group + l % KOE_SCAN_GROUP] |= (uint64_t)(x >= 0) << e % 64;
      squares.of[l] += x * x;
      sums.of[l] += fabsf(x);
    }
  }
  for (size_t l = 0; l < LANES; l++) {
    float sum = sums.of[l];
    b->sign_factors[first + l] = sum > 1e-15F ? squares.of[l] / sum : 0;
    if (!(sum > 1e-15F) || n < 2) continue;
    float aligned = fminf(sum / (float)n * (sum / squares.of[l]), 1);
    b->spread = fmaxf(b->spread, sqrtf((1 - aligned) * (float)n / (float)(n - 1)));
  }
}

static void code_panel(koe_vector_block *b, const bool *usual, size_t first, const float *z,
                       uint8_t *codes) {
  round_panel(z, b->dimension, codes);
  fit_panel(z, codes, b->dimension, 4, KOE_HIGH_MIDDLE, b->high_factors + first,
            b->high_errors + first, &b->longest);
  fit_panel(z, codes, b->dimension, 0, KOE_CODE_MIDDLE, b->low_factors + first,
            b->low_errors + first, &b->longest);
  pack_codes(b, codes, first);
  if (b->signs != NULL) code_signs(b, z, first);
  for (size_t slot = first; slot < first + LANES && slot < b->count; slot++) {
    if (!usual[slot]) b->high_errors[slot] = b->low_errors[slot] = INFINITY;
  }
}

koe_status koe_vector_block_new(const float *vectors, size_t count, size_t dimension, bool signs,
                                koe_vector_block **out, koe_error *err) {
  *out = NULL;
  if (count < 1 || count > KOE_BLOCK_SLOTS || dimension < 1 ||
      dimension > KOE_BLOCK_MAX_DIMENSION) {
    return koe_fail(err, KOE_INVALID, "a block has 1 to %d vectors of 1 to %d elements",
                    KOE_BLOCK_SLOTS, KOE_BLOCK_MAX_DIMENSION);
  }
  bool usual[KOE_BLOCK_SLOTS];
  float *z = koe_alloc_aligned(dimension * LANES, sizeof *z);
  uint8_t *codes = koe_alloc_aligned(dimension * LANES, 1);
  koe_vector_block *b = z != NULL && codes != NULL ? koe_block_memory_take(count, dimension, signs)
                                                   : NULL;
  if (b != NULL) {
    find_centre(b, vectors, usual);
    for (size_t first = 0; first < count; first += LANES) {
      read_panel(b, vectors, usual, first, z);
      code_panel(b, usual, first, z, codes);
    }
  }
  koe_free(codes);
  koe_free(z);
  *out = b;
  return b != NULL ? KOE_OK : koe_fail_nomem(err);
}
