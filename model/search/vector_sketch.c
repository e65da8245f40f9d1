#include "vector_sketch.h"

#include "../memory.h"
#include "../parallel.h"
#include "vector_query.h"
#include "vectors.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum {
  QUERIES = 256, /* vectors whose neighbours are looked for */
  NEIGHBOURS = 10,
  LEAST_SAMPLE = 512,
  VERSION = 1
};
/* The normal law's for one miss in KOE_SKETCH_MISSES, and a little more. */
#define UNTRAINED_CONFIDENCE 2.25F
#define LEAST_CONFIDENCE     0.5F
#define MOST_CONFIDENCE      16.0F

void koe_vector_sketch_init(koe_vector_sketch *sketch, size_t dimension) {
  *sketch = (koe_vector_sketch){.dimension = dimension, .confidence = UNTRAINED_CONFIDENCE};
}

/* ── training ───────────────────────────────────────────────────────────────────────────────────
 */

typedef struct training {
  const float *vectors; /* [count, dimension] */
  size_t count, dimension;
  koe_vector_block **blocks; /* [block_count] */
  size_t block_count;
  float *shortfalls; /* [QUERIES, NEIGHBOURS] */
} training;

static size_t block_size(const training *t, size_t block) {
  size_t first = block * KOE_BLOCK_SLOTS, rest = t->count - first;
  return rest < KOE_BLOCK_SLOTS ? rest : KOE_BLOCK_SLOTS;
}

static koe_status code_block(void *context, size_t index, koe_error *err) {
  training *t = context;
  const float *vectors = t->vectors + index * KOE_BLOCK_SLOTS * t->dimension;
  return koe_vector_block_new(vectors, block_size(t, index), t->dimension, true, &t->blocks[index],
                              err);
}

/* How many standard deviations the estimate of a row's product is short of it. */
static float shortfall(const koe_vector_query *query, const koe_vector_block *block, size_t slot,
                       float product) {
  int32_t sums[KOE_BLOCK_SLOTS];
  query->kernels->sign_dots(query->planes, block->signs, block->units,
                            koe_block_slots(block) / KOE_SCAN_GROUP, sums);
  float factor = block->sign_factors[slot];
  koe_scan_bound bound = koe_query_sign_bound(query, block, 1, product);
  float estimate = block->sign_gains[slot] * bound.base +
                   factor * (bound.scale * (float)sums[slot] - bound.offset);
  float deviation = factor * bound.length;
  return deviation > 0 ? (bound.threshold - estimate) / deviation : 0;
}

/* The nearest rows to a row, but for itself. */
static bool find_neighbours(const training *t, size_t row, koe_top_k *top) {
  float dots[KOE_BLOCK_SLOTS];
  const float *query = t->vectors + row * t->dimension;
  for (size_t b = 0; b < t->block_count; b++) {
    size_t first = b * KOE_BLOCK_SLOTS, size = block_size(t, b);
    koe_vector_dots(query, t->vectors + first * t->dimension, size, t->dimension, dots);
    for (size_t i = 0; i < size; i++) {
      if (first + i != row && !koe_top_k_offer(top, (int64_t)(first + i), dots[i])) return false;
    }
  }
  return true;
}

static koe_status measure_query(void *context, size_t index, koe_error *err) {
  training *t = context;
  size_t row = index * t->count / QUERIES;
  koe_vector_query query;
  koe_top_k top;
  koe_top_k_init(&top, NEIGHBOURS);
  koe_status status =
      koe_vector_query_init(t->vectors + row * t->dimension, t->dimension, &query, err);
  if (status == KOE_OK && !find_neighbours(t, row, &top)) status = koe_fail_nomem(err);
  for (size_t i = 0; status == KOE_OK && i < top.count; i++) {
    size_t found = (size_t)top.heap[i].rowid;
    t->shortfalls[index * NEIGHBOURS + i] = shortfall(&query, t->blocks[found / KOE_BLOCK_SLOTS],
                                                      found % KOE_BLOCK_SLOTS,
                                                      top.heap[i].similarity);
  }
  koe_vector_query_clear(&query);
  koe_top_k_clear(&top);
  return status;
}

static int compare_floats(const void *a, const void *b) {
  float x = *(const float *)a, y = *(const float *)b;
  return (x > y) - (x < y);
}

static void choose_confidence(const training *t, koe_vector_sketch *out) {
  enum { MEASURED = QUERIES * NEIGHBOURS };
  qsort(t->shortfalls, MEASURED, sizeof *t->shortfalls, compare_floats);
  float confidence = t->shortfalls[MEASURED - 1 - MEASURED / KOE_SKETCH_MISSES];
  out->confidence = fminf(fmaxf(confidence, LEAST_CONFIDENCE), MOST_CONFIDENCE);
  out->sample = (uint32_t)t->count;
}

koe_status koe_vector_sketch_train(const float *vectors, size_t count, size_t dimension,
                                   size_t threads, koe_vector_sketch *out, koe_error *err) {
  koe_vector_sketch_init(out, dimension);
  if (dimension < 1 || dimension > KOE_BLOCK_MAX_DIMENSION) {
    return koe_fail(err, KOE_INVALID, "vectors have 1 to %d elements", KOE_BLOCK_MAX_DIMENSION);
  }
  if (count < LEAST_SAMPLE) return KOE_OK;
  if (count > UINT32_MAX) count = UINT32_MAX;
  training t = {.vectors = vectors,
                .count = count,
                .dimension = dimension,
                .block_count = (count + KOE_BLOCK_SLOTS - 1) / KOE_BLOCK_SLOTS};
  t.blocks = koe_alloc_zero(t.block_count, sizeof(koe_vector_block *));
  t.shortfalls = koe_alloc(QUERIES * NEIGHBOURS, sizeof *t.shortfalls);
  koe_status status = t.blocks != NULL && t.shortfalls != NULL ? KOE_OK : koe_fail_nomem(err);
  if (status == KOE_OK) status = koe_parallel(t.block_count, threads, code_block, &t, err);
  if (status == KOE_OK) status = koe_parallel(QUERIES, threads, measure_query, &t, err);
  if (status == KOE_OK) choose_confidence(&t, out);
  for (size_t b = 0; t.blocks != NULL && b < t.block_count; b++)
    koe_vector_block_free(t.blocks[b]);
  koe_free(t.shortfalls);
  koe_free(t.blocks);
  return status;
}

/* ── bytes ──────────────────────────────────────────────────────────────────────────────────────
 */

static const uint8_t magic[4] = {'K', 'O', 'E', 'S'};

static void put_u32(uint8_t *to, uint32_t value) {
  for (int i = 0; i < 4; i++)
    to[i] = (uint8_t)(value >> 8 * i);
}

static uint32_t get_u32(const uint8_t *from) {
  uint32_t value = 0;
  for (int i = 0; i < 4; i++)
    value |= (uint32_t)from[i] << 8 * i;
  return value;
}

void koe_vector_sketch_write(const koe_vector_sketch *sketch, uint8_t out[KOE_SKETCH_BYTES]) {
  uint32_t confidence;
  memcpy(&confidence, &sketch->confidence, sizeof confidence);
  memset(out, 0, KOE_SKETCH_BYTES);
  memcpy(out, magic, sizeof magic);
  put_u32(out + 4, VERSION);
  put_u32(out + 8, (uint32_t)sketch->dimension);
  put_u32(out + 12, sketch->sample);
  put_u32(out + 16, confidence);
}

koe_status koe_vector_sketch_read(const void *bytes, size_t length, size_t dimension,
                                  koe_vector_sketch *out, koe_error *err) {
  const uint8_t *from = bytes;
  if (from == NULL || length < 8 || memcmp(from, magic, sizeof magic) != 0) {
    return koe_fail(err, KOE_FORMAT, "this is no sketch of vectors");
  }
  if (get_u32(from + 4) != VERSION) {
    return koe_fail(err, KOE_FORMAT, "a sketch of version %u; this library reads version %d",
                    (unsigned)get_u32(from + 4), VERSION);
  }
  if (length != KOE_SKETCH_BYTES) {
    return koe_fail(err, KOE_FORMAT, "a sketch has %d bytes, this one %zu", KOE_SKETCH_BYTES,
                    length);
  }
  if (get_u32(from + 8) != dimension) {
    return koe_fail(err, KOE_FORMAT, "a sketch of vectors of %u elements, where they have %zu",
                    (unsigned)get_u32(from + 8), dimension);
  }
  uint32_t bits = get_u32(from + 16);
  float confidence;
  memcpy(&confidence, &bits, sizeof confidence);
  if (!(confidence >= 0 && confidence <= MOST_CONFIDENCE)) {
    return koe_fail(err, KOE_FORMAT, "a sketch's confidence is not a number from 0 to %d",
                    (int)MOST_CONFIDENCE);
  }
  *out = (koe_vector_sketch){
      .dimension = dimension, .confidence = confidence, .sample = get_u32(from + 12)};
  return KOE_OK;
}
