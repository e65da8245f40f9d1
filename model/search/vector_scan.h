/* Which rows of many blocks can be among the k nearest to a query.
 *
 * The scan gives candidates, not an answer: the caller computes each one's similarity from the
 * stored float32 by koe_vector_dots and offers it to a koe_top_k.  Without a sketch the candidates
 * hold, provably, every row that the same procedure over all rows would keep, ties included; on
 * real vectors they are a few more than k.
 *
 *   koe_scan_block blocks[] = {{block, live}, …};
 *   koe_scan_options options = {.k = 10, .least = -INFINITY, .threads = 2};
 *   koe_candidates found = {0};
 *   status = koe_vector_scan(query, dimension, blocks, count, &options, &found, err);
 *   for (size_t i = 0; i < found.count; i++) {
 *     if (top.count == options.k && found.items[i].upper < top.heap[0].similarity) break;
 *     … read slot found.items[i].slot of blocks[found.items[i].block], koe_vector_dots, offer
 *   }
 *   koe_candidates_clear(&found); */
#ifndef KOE_VECTOR_SCAN_H
#define KOE_VECTOR_SCAN_H

#include "../status.h"
#include "vector_block.h"
#include "vector_sketch.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct koe_scan_block {
  const koe_vector_block *block;
  /* [KOE_BLOCK_SLOTS / 8] slot i may be found where bit i mod 8 (1 is bit 0) of byte ⌊i / 8⌋ is
   * set; bits beyond the block's count are ignored.  NULL: all of them. */
  const uint8_t *live;
} koe_scan_block;

typedef struct koe_scan_options {
  size_t k;     /* how many nearest; SIZE_MAX: all */
  double least; /* only rows that can be as similar as that; -INFINITY: all */
  /* At most so many threads, the calling one included; a small scan takes fewer.  0 is 1. */
  size_t threads;
  /* NULL: exact.  Otherwise a row may be missed where its signs mislead (blocks with signs). */
  const koe_vector_sketch *sketch;
  /* NULL, or called now and then, on any of the threads: true ends the scan. */
  bool (*interrupted)(void *context);
  void *context;
} koe_scan_options;

/* A row, and what its similarity, as koe_vector_dots computes it, cut to [-1, 1], lies between. */
typedef struct koe_candidate {
  uint32_t block; /* of the array that was scanned */
  uint32_t slot;  /* of the block */
  float lower, upper;
} koe_candidate;

typedef struct koe_candidates {
  koe_candidate *items; /* [count] */
  size_t count, capacity;
  bool interrupted; /* the scan was ended; the candidates are incomplete */
} koe_candidates;

/* Finds candidates.
 *
 *   query   [dimension]  of unit length
 *   blocks  [count]      of that dimension, count < 2^32; all stay as they are meanwhile
 *   out                  zero, or of an earlier scan, whose memory it takes over
 *
 * The order of the candidates is by `upper`, largest first, so that the caller can stop where none
 * can enter any more; with k = SIZE_MAX it is the order of blocks and slots.  The number of threads
 * decides at most how many there are beyond those that are needed.  Fails with KOE_NOMEM, or
 * KOE_INVALID if a dimension differs or the query is not finite; `out` can be cleared in any case.
 */
koe_status koe_vector_scan(const float *query, size_t dimension, const koe_scan_block *blocks,
                           size_t count, const koe_scan_options *options, koe_candidates *out,
                           koe_error *err);

void koe_candidates_clear(koe_candidates *candidates);

#endif
