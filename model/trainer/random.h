/* Random numbers that are functions of a key and a position, not of what was drawn before: the same
 * on any number of threads, and again after training resumes. */
#ifndef KOE_RANDOM_H
#define KOE_RANDOM_H

#include <stddef.h>
#include <stdint.h>

/* The finalizer of SplitMix64 (Steele, Lea & Flood 2014): a bijection whose output bits each depend
 * on all input bits. */
static inline uint64_t koe_random_mix(uint64_t x) {
  x += UINT64_C(0x9e3779b97f4a7c15);
  x = (x ^ (x >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
  x = (x ^ (x >> 27)) * UINT64_C(0x94d049bb133111eb);
  return x ^ (x >> 31);
}

/* A key for place `place` below `key`: seeds, steps, layers are places of one another. */
static inline uint64_t koe_random_key(uint64_t key, uint64_t place) {
  return koe_random_mix(koe_random_mix(key) ^ place);
}

/* A sequence of numbers from a key. */
typedef struct koe_random {
  uint64_t key;
  uint64_t drawn;
} koe_random;

static inline uint64_t koe_random_next(koe_random *random) {
  return koe_random_key(random->key, random->drawn++);
}

/* Uniform in [0, 1). */
static inline double koe_random_uniform(koe_random *random) {
  return (double)(koe_random_next(random) >> 11) * 0x1p-53;
}

/* Uniform in 0 … bound - 1; `bound` is at least 1.  Biased by less than bound / 2^53. */
static inline size_t koe_random_below(koe_random *random, size_t bound) {
  return (size_t)(koe_random_uniform(random) * (double)bound);
}

/* Which elements of one activation are dropped (Srivastava et al. 2014). */
typedef struct koe_dropout {
  uint32_t key[2];
  uint32_t threshold; /* probability · 2^32; 0 drops nothing */
  float scale;        /* 1 / (1 - probability): keeps the expectation */
} koe_dropout;

/* `probability` is in [0, 1). */
static inline koe_dropout koe_dropout_make(uint64_t key, float probability) {
  koe_dropout dropout = {.scale = 1};
  uint64_t mixed = koe_random_mix(key);
  dropout.key[0] = (uint32_t)mixed;
  dropout.key[1] = (uint32_t)(mixed >> 32);
  if (probability > 0) {
    dropout.threshold = (uint32_t)((double)probability * 0x1p32);
    dropout.scale = 1 / (1 - probability);
  }
  return dropout;
}

/* What to multiply element `index` with: 0 or scale.  A 32-bit hash of two multiplications, which
 * vectorises; constants from Chris Wellons' hash-prospector ("lowbias32").  The second key keeps
 * the masks of two activations from being shifted copies of each other. */
static inline float koe_dropout_factor(koe_dropout dropout, uint32_t index) {
  uint32_t h = index + dropout.key[0];
  h = (h ^ (h >> 16)) * UINT32_C(0x7feb352d);
  h ^= dropout.key[1];
  h = (h ^ (h >> 15)) * UINT32_C(0x846ca68b);
  h ^= h >> 16;
  return h < dropout.threshold ? 0 : dropout.scale;
}

#endif
