#include "coded_rows.h"

#include "../model/memory.h"
#include "support.h"

#include <string.h>

static uint64_t random_state;

/* Source: Marsaglia 2003 (xorshift). */
uint32_t random_bits(void) {
  random_state ^= random_state << 13;
  random_state ^= random_state >> 7;
  random_state ^= random_state << 17;
  return (uint32_t)(random_state >> 32);
}

float random_element(void) {
  return (float)((double)random_bits() / 0x1p31 - 1);
}

void start_random(uint64_t seed) {
  random_state = seed * UINT64_C(0x9E3779B97F4A7C15) + 1;
}

void *take_memory(size_t count, size_t size) {
  void *memory = koe_alloc_aligned(count, size);
  ck_assert_ptr_nonnull(memory);
  return memory;
}

int64_t rowid_of(size_t row) {
  return (int64_t)(row * 7919 % 100003);
}

coded_rows new_rows(size_t count, size_t dimension) {
  coded_rows r = {.count = count,
                  .dimension = dimension,
                  .blocks = (count + KOE_BLOCK_SLOTS - 1) / KOE_BLOCK_SLOTS};
  r.vectors = take_memory(count * dimension, sizeof *r.vectors);
  r.similarities = take_memory(count, sizeof *r.similarities);
  r.live = take_memory(r.blocks, sizeof *r.live);
  memset(r.live, 0xFF, r.blocks * sizeof *r.live);
  return r;
}

/* 1 or -1, by a hash. */
static float sign_of(size_t number, size_t e) {
  return ((number + 3) * (e + 1) * 2654435761U >> 13 & 1) != 0 ? 1 : -1;
}

enum { FACTORS = 5 };

/* factors [FACTORS]   the row's own */
static float element_of(row_kind kind, size_t row, size_t e, size_t n, const float *factors) {
  float value = random_element();
  switch (kind) {
  case CLUSTERED:
    return value * 0.2F + sign_of(row % 7, e);
  case REPEATED:
    return (float)((row % 5 + 1) * (e + 3) % 11) - 4.5F;
  case SPARSE:
    return e == row % n ? 1 : value * 1e-4F;
  case POSITIVE:
    return value + 1.5F;
  case ALMOST_EQUAL:
    return 1 + value * 1e-6F;
  case CONCENTRATED:
    return sign_of(0, e) + value * 0.05F;
  case FEW_FACTORS:
    value = sign_of(0, e) + value * 0.01F;
    for (size_t f = 0; f < FACTORS; f++)
      value += factors[f] * sign_of(f + 1, e);
    return value;
  default:
    return value;
  }
}

void fill_rows(coded_rows *r, row_kind kind) {
  for (size_t row = 0; row < r->count; row++) {
    float *x = r->vectors + row * r->dimension, factors[FACTORS];
    for (size_t f = 0; f < FACTORS; f++)
      factors[f] = random_element();
    do {
      for (size_t e = 0; e < r->dimension; e++)
        x[e] = element_of(kind, row, e, r->dimension, factors);
    } while (!koe_vector_normalize(x, r->dimension));
  }
}

void code_rows(coded_rows *r, bool signs) {
  koe_error err;
  r->scanned = take_memory(r->blocks, sizeof *r->scanned);
  for (size_t b = 0; b < r->blocks; b++) {
    size_t first = b * KOE_BLOCK_SLOTS, rest = r->count - first;
    koe_vector_block *block;
    assert_ok(koe_vector_block_new(r->vectors + first * r->dimension,
                                   rest < KOE_BLOCK_SLOTS ? rest : KOE_BLOCK_SLOTS, r->dimension,
                                   signs, &block, &err));
    r->scanned[b] = (koe_scan_block){.block = block, .live = r->live[b]};
  }
}

void free_rows(coded_rows *r) {
  for (size_t b = 0; r->scanned != NULL && b < r->blocks; b++)
    koe_vector_block_free((koe_vector_block *)r->scanned[b].block);
  koe_free(r->vectors);
  koe_free(r->similarities);
  koe_free(r->scanned);
  koe_free(r->live);
}

bool row_is_live(const coded_rows *r, size_t row) {
  size_t slot = row % KOE_BLOCK_SLOTS;
  return (r->live[row / KOE_BLOCK_SLOTS][slot / 8] >> slot % 8 & 1) != 0;
}

void compare_rows(coded_rows *r, const float *query) {
  koe_vector_dots(query, r->vectors, r->count, r->dimension, r->similarities);
  for (size_t row = 0; row < r->count; row++) {
    float dot = r->similarities[row];
    r->similarities[row] = dot > 1 ? 1 : dot < -1 ? -1 : dot;
  }
}

static void offer(const coded_rows *r, size_t row, double least, koe_top_k *top) {
  float similarity = r->similarities[row];
  if ((double)similarity >= least) ck_assert(koe_top_k_offer(top, rowid_of(row), similarity));
}

void rank_rows(const coded_rows *r, size_t k, double least, koe_top_k *top) {
  koe_top_k_init(top, k);
  for (size_t row = 0; row < r->count; row++)
    if (row_is_live(r, row)) offer(r, row, least, top);
  koe_top_k_finish(top);
}

void rank_candidates(const coded_rows *r, const koe_candidates *found, size_t k, double least,
                     koe_top_k *top) {
  koe_top_k_init(top, k);
  for (size_t i = 0; i < found->count; i++) {
    const koe_candidate *c = &found->items[i];
    if (k != SIZE_MAX) {
      if (i > 0) ck_assert(c->upper <= found->items[i - 1].upper);
      if (top->count == k && c->upper < top->heap[0].similarity) break;
    }
    size_t row = (size_t)c->block * KOE_BLOCK_SLOTS + c->slot;
    ck_assert(row < r->count && row_is_live(r, row));
    offer(r, row, least, top);
  }
  koe_top_k_finish(top);
}
