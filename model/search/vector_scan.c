#include "vector_scan.h"

#include "../memory.h"
#include "../parallel.h"
#include "vector_query.h"
#include "vectors.h"

#include <math.h>
#include <stdatomic.h>
#include <stdlib.h>

enum {
  STRETCH = 16,           /* blocks that a thread takes at a time */
  THREAD_BYTES = 2 << 20, /* of codes, below which another thread costs more than it saves */
  MAX_THREADS = 64
};

/* What the threads of one scan share. */
typedef struct scan {
  koe_vector_query query;
  const koe_scan_block *blocks; /* [count] */
  size_t count;
  const koe_scan_options *options;
  float least; /* options->least, rounded down */
  struct worker *workers;
  atomic_size_t next;      /* block that no thread has taken */
  _Atomic float threshold; /* what the k-th best similarity is at least */
  atomic_bool interrupted;
} scan;

/* What has to be looked at closer in a block. */
typedef struct pending {
  size_t block;
  koe_shortlist list;
} pending;

typedef struct worker {
  koe_top_k lowers; /* the k best lower bounds; their rows have no meaning */
  koe_candidates found;
  pending pending[2];
} worker;

/* ── the threshold ──────────────────────────────────────────────────────────────────────────────
 */

/* A slot's upper bound must reach this.  Similarities are cut to [-1, 1]: nothing is below -1. */
static float threshold_of(scan *s) {
  float threshold = atomic_load_explicit(&s->threshold, memory_order_relaxed);
  return threshold > -1 ? threshold : -INFINITY;
}

static void raise_threshold(scan *s, float threshold) {
  float seen = atomic_load_explicit(&s->threshold, memory_order_relaxed);
  while (threshold > seen &&
         !atomic_compare_exchange_weak_explicit(&s->threshold, &seen, threshold,
                                                memory_order_relaxed, memory_order_relaxed)) {
  }
}

/* A row that is at least so similar. */
static bool count_row(scan *s, koe_top_k *lowers, float lower) {
  if (s->options->k == SIZE_MAX) return true;
  if (!koe_top_k_offer(lowers, 0, lower)) return false;
  if (lowers->count == s->options->k) raise_threshold(s, lowers->heap[0].similarity);
  return true;
}

/* Drops candidates that the threshold has passed since they were found. */
static void prune(koe_candidates *found, float threshold) {
  size_t kept = 0;
  for (size_t i = 0; i < found->count; i++) {
    if (found->items[i].upper >= threshold) found->items[kept++] = found->items[i];
  }
  found->count = kept;
}

static bool add_candidate(scan *s, koe_candidates *found, koe_candidate candidate) {
  if (found->count == found->capacity) {
    prune(found, threshold_of(s));
    if (found->count >= found->capacity / 2 &&
        !koe_grow(&found->items, &found->capacity, found->capacity + 16, sizeof *found->items)) {
      return false;
    }
  }
  found->items[found->count++] = candidate;
  return true;
}

/* ── blocks ─────────────────────────────────────────────────────────────────────────────────────
 */

static bool is_live(const koe_scan_block *b, size_t slot) {
  return slot < b->block->count && (b->live == NULL || (b->live[slot / 8] >> slot % 8 & 1) != 0);
}

static bool scans_signs(const scan *s, const koe_vector_block *block) {
  return s->options->sketch != NULL && block->signs != NULL;
}

static void prefetch(const void *bytes, size_t size) {
  for (size_t at = 0; at < size; at += 64)
    __builtin_prefetch((const uint8_t *)bytes + at);
}

/* What a scan reads of a block beside its codes, which come one after the other anyway. */
static void prefetch_numbers(const scan *s, const koe_vector_block *block) {
  size_t floats = koe_block_slots(block) * sizeof(float);
  prefetch(block->centre, block->dimension * sizeof(float));
  if (scans_signs(s, block)) {
    prefetch(block->sign_gains, floats);
    prefetch(block->sign_factors, floats);
  } else {
    prefetch(block->high_gains, floats);
    prefetch(block->high_factors, floats);
    prefetch(block->high_errors, floats);
  }
}

/* Says of each slot of a block whether it may reach the threshold; gives the sums that says. */
static void bound_slots(const scan *s, koe_shortlist *list, float threshold, int32_t *sums,
                        uint8_t *reaches) {
  const koe_vector_query *query = &s->query;
  const koe_scan_kernels *kernels = query->kernels;
  const koe_vector_block *block = list->block;
  const koe_vector_sketch *sketch = s->options->sketch;
  size_t slots = koe_block_slots(block);
  koe_scan_bound bound;
  list->has_sums = !scans_signs(s, block);
  if (list->has_sums) {
    bound = koe_query_high_bound(query, block, threshold);
    kernels->nibble_dots(query->coarse, block->high, block->units, NULL, slots, sums);
    kernels->select(sums, block->high_gains, block->high_factors, block->high_errors, &bound, slots,
                    reaches);
  } else {
    bound = koe_query_sign_bound(query, block, sketch->confidence, threshold);
    kernels->sign_dots(query->planes, block->signs, block->units, slots / KOE_SCAN_GROUP, sums);
    kernels->select(sums, block->sign_gains, block->sign_factors, block->sign_factors, &bound,
                    slots, reaches);
  }
}

/* Lists the live slots of a block that may reach the threshold, and asks for what `examine` reads
 * of them. */
static void list_slots(scan *s, size_t index, pending *p) {
  const koe_scan_block *b = &s->blocks[index];
  koe_shortlist *list = &p->list;
  size_t stride = b->block->units * KOE_SCAN_UNIT_BYTES;
  int32_t sums[KOE_BLOCK_SLOTS];
  uint64_t reaches[KOE_BLOCK_SLOTS / 8];
  p->block = index;
  list->block = b->block;
  list->count = 0;
  if (index + 1 < s->count) prefetch_numbers(s, b[1].block);
  bound_slots(s, list, threshold_of(s), sums, (uint8_t *)reaches);
  for (size_t eight = 0; eight < koe_block_slots(b->block) / 8; eight++) {
    if (reaches[eight] == 0) continue;
    for (size_t slot = eight * 8; slot < eight * 8 + 8; slot++) {
      if (((const uint8_t *)reaches)[slot] == 0 || !is_live(b, slot)) continue;
      list->sums[list->count] = sums[slot];
      list->slots[list->count++] = (uint8_t)slot;
      prefetch((list->has_sums ? b->block->low : b->block->high) + slot * stride, stride);
    }
  }
}

static float cut(float similarity) {
  return similarity > 1 ? 1 : similarity < -1 ? -1 : similarity;
}

/* Makes candidates of those listed slots that still can be any. */
static bool examine(scan *s, worker *w, pending *p) {
  koe_shortlist *list = &p->list;
  float lowers[KOE_BLOCK_SLOTS], uppers[KOE_BLOCK_SLOTS];
  if (list->count == 0) return true;
  koe_query_products(&s->query, list, threshold_of(s), lowers, uppers);
  for (size_t i = 0; i < list->count; i++) {
    koe_candidate candidate = {.block = (uint32_t)p->block,
                               .slot = list->slots[i],
                               .lower = cut(lowers[i]),
                               .upper = cut(uppers[i])};
    if (candidate.upper < threshold_of(s)) continue;
    if (!add_candidate(s, &w->found, candidate) || !count_row(s, &w->lowers, candidate.lower)) {
      return false;
    }
  }
  list->count = 0;
  return true;
}

/* A block's list is examined after the next block's scan, when what it needs has arrived. */
static koe_status scan_stretches(void *context, size_t index, koe_error *err) {
  scan *s = context;
  worker *w = &s->workers[index];
  const koe_scan_options *options = s->options;
  size_t turn = 0, block, end;
  while ((block = atomic_fetch_add(&s->next, STRETCH)) < s->count) {
    if (options->interrupted != NULL && options->interrupted(options->context)) {
      atomic_store(&s->interrupted, true);
    }
    if (atomic_load(&s->interrupted)) return KOE_OK;
    for (end = block + STRETCH < s->count ? block + STRETCH : s->count; block < end; block++) {
      list_slots(s, block, &w->pending[turn]);
      turn = 1 - turn;
      if (!examine(s, w, &w->pending[turn])) return koe_fail_nomem(err);
    }
  }
  return examine(s, w, &w->pending[1 - turn]) ? KOE_OK : koe_fail_nomem(err);
}

/* ── the whole ──────────────────────────────────────────────────────────────────────────────────
 */

static int compare_uppers(const void *a, const void *b) {
  float x = ((const koe_candidate *)a)->upper, y = ((const koe_candidate *)b)->upper;
  return (x < y) - (x > y);
}

static int compare_places(const void *a, const void *b) {
  const koe_candidate *x = a, *y = b;
  if (x->block != y->block) return x->block < y->block ? -1 : 1;
  return (x->slot > y->slot) - (x->slot < y->slot);
}

/* Joins what the workers found; the first one's candidates take the others'. */
static bool merge(scan *s, size_t workers, koe_candidates *out) {
  koe_top_k *lowers = &s->workers[0].lowers;
  for (size_t i = 1; i < workers; i++) {
    const koe_top_k *others = &s->workers[i].lowers;
    for (size_t j = 0; j < others->count; j++) {
      if (!count_row(s, lowers, others->heap[j].similarity)) return false;
    }
  }
  for (size_t i = 0; i < workers; i++) {
    koe_candidates *found = &s->workers[i].found;
    prune(found, threshold_of(s));
    if (!koe_grow(&out->items, &out->capacity, out->count + found->count, sizeof *out->items)) {
      return false;
    }
    for (size_t j = 0; j < found->count; j++)
      out->items[out->count++] = found->items[j];
  }
  if (out->count > 1) {
    qsort(out->items, out->count, sizeof *out->items,
          s->options->k == SIZE_MAX ? compare_places : compare_uppers);
  }
  return true;
}

static size_t thread_count(const scan *s) {
  size_t most = s->options->threads, units = s->query.units;
  size_t bytes = s->options->sketch != NULL ? sizeof(uint64_t) : KOE_SCAN_UNIT_BYTES;
  size_t useful = s->count * KOE_BLOCK_SLOTS * units * bytes / THREAD_BYTES;
  if (most > MAX_THREADS) most = MAX_THREADS;
  if (useful < 1) useful = 1;
  return most < 1 ? 1 : most < useful ? most : useful;
}

static koe_status run(scan *s, koe_candidates *out, koe_error *err) {
  size_t threads = thread_count(s);
  s->workers = koe_alloc_zero(threads, sizeof *s->workers);
  if (s->workers == NULL) return koe_fail_nomem(err);
  for (size_t i = 0; i < threads; i++)
    koe_top_k_init(&s->workers[i].lowers, s->options->k);
  koe_status status = koe_parallel(threads, threads, scan_stretches, s, err);
  if (status == KOE_OK && !merge(s, threads, out)) status = koe_fail_nomem(err);
  out->interrupted = atomic_load(&s->interrupted);
  for (size_t i = 0; i < threads; i++) {
    koe_top_k_clear(&s->workers[i].lowers);
    koe_candidates_clear(&s->workers[i].found);
  }
  koe_free(s->workers);
  return status;
}

koe_status koe_vector_scan(const float *query, size_t dimension, const koe_scan_block *blocks,
                           size_t count, const koe_scan_options *options, koe_candidates *out,
                           koe_error *err) {
  scan s = {.blocks = blocks, .count = count, .options = options, .least = (float)options->least};
  out->count = 0;
  out->interrupted = false;
  for (size_t i = 0; i < count; i++) {
    if (blocks[i].block->dimension != dimension) {
      return koe_fail(err, KOE_INVALID, "a block of vectors of %zu elements, a query of %zu",
                      blocks[i].block->dimension, dimension);
    }
  }
  if ((double)s.least > options->least) s.least = nextafterf(s.least, -INFINITY);
  atomic_init(&s.threshold, s.least);
  koe_status status = koe_vector_query_init(query, dimension, &s.query, err);
  if (status == KOE_OK && options->k > 0) status = run(&s, out, err);
  koe_vector_query_clear(&s.query);
  return status;
}

void koe_candidates_clear(koe_candidates *candidates) {
  koe_free(candidates->items);
  *candidates = (koe_candidates){0};
}
