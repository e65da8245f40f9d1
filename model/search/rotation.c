#include "rotation.h"

#include "../kernels/scan.h"

#include <math.h>
#include <stdbool.h>
#include <stdint.h>

#define INLINE static inline __attribute__((always_inline))

static size_t transform_size(size_t dimension) {
  size_t n = 1;
  while (n * 2 <= dimension)
    n *= 2;
  return n;
}

static size_t rounds_of(size_t dimension) {
  return transform_size(dimension) == dimension ? 2 : 4;
}

/* 64 signs.  Source: Steele et al. 2014 (SplitMix64's output function). */
static uint64_t random_bits(uint64_t n) {
  n = (n + 1) * UINT64_C(0x9E3779B97F4A7C15);
  n = (n ^ n >> 30) * UINT64_C(0xBF58476D1CE4E5B9);
  n = (n ^ n >> 27) * UINT64_C(0x94D049BB133111EB);
  return n ^ n >> 31;
}

/* x [n, lanes] times ± scale. */
INLINE void flip(float *x, size_t n, size_t lanes, size_t round, float scale) {
  uint64_t bits = 0;
  for (size_t i = 0; i < n; i++) {
    if (i % 64 == 0) bits = random_bits(round << 32 | i / 64);
    float factor = (bits >> i % 64 & 1) != 0 ? -scale : scale;
    for (size_t l = 0; l < lanes; l++)
      x[i * lanes + l] *= factor;
  }
}

INLINE void rotate(float *x, size_t dimension, size_t lanes) {
  const koe_scan_kernels *kernels = koe_scan_best();
  size_t n = transform_size(dimension), rounds = rounds_of(dimension);
  for (size_t round = 0; round < rounds; round++) {
    float *from = x + (round % 2 == 0 ? 0 : dimension - n) * lanes;
    flip(from, n, lanes, round, 1 / sqrtf((float)n));
    kernels->transform(from, n * lanes, lanes);
  }
}

void koe_rotate(float *x, size_t dimension) {
  rotate(x, dimension, 1);
}

void koe_rotate_lanes(float *x, size_t dimension) {
  rotate(x, dimension, KOE_ROTATION_LANES);
}

float koe_rotation_error(size_t dimension) {
  /* A step rounds each element, by half a unit; there are log2 n and the two of the scale. */
  float steps = log2f((float)transform_size(dimension)) + 3;
  return (float)rounds_of(dimension) * steps * 0x1p-23F;
}
