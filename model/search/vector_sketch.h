/* What an approximate search learns about stored vectors: how far it may trust their signs.
 *
 * Such a search estimates q·x from one bit an element (see vector_block.h) and looks closer at a
 * row only where estimate + confidence · deviation reaches the k-th best, `deviation` being the
 * standard deviation that the estimate of a row has over random rotations.  So it is the exact scan
 * with a bound that holds not always, but nearly.  Training measures on neighbours among the
 * stored vectors which confidence loses one in KOE_SKETCH_MISSES of them.
 *
 * Why this and not
 *   IVF     rows would have to be moved to their cluster's chunks, which a later insert undoes,
 *           and on vectors without clusters it reads most lists; codes lie where the rows lie
 *   graphs  take several times the memory of the codes, minutes to build, and repair at deletes
 *   Hamming distances of signs: the query's own signs add an error as large as the rows'.  To see
 *           97 % of neighbours, 17 000 of 100 000 random vectors of 256 elements must be looked at;
 *           with a query of 4 bits 2 400, for four AND + popcount in the place of one XOR +
 *           popcount, in a scan that waits for memory
 *
 * 1 000 000 vectors of 256 elements are 32 MB of signs. */
#ifndef KOE_VECTOR_SKETCH_H
#define KOE_VECTOR_SKETCH_H

#include "../status.h"

#include <stddef.h>
#include <stdint.h>

enum {
  KOE_SKETCH_BYTES = 32,    /* of a serialised sketch */
  KOE_SKETCH_MISSES = 33,   /* one neighbour in so many may be lost */
  KOE_SKETCH_SAMPLE = 16384 /* vectors that training makes good use of */
};

typedef struct koe_vector_sketch {
  size_t dimension;
  float confidence; /* standard deviations, 0 … 16 */
  uint32_t sample;  /* vectors it was trained with; 0: none, the confidence is the normal law's */
} koe_vector_sketch;

/* A sketch to start with, before there are vectors to learn from. */
void koe_vector_sketch_init(koe_vector_sketch *sketch, size_t dimension);

/* Learns from stored vectors, best an even sample of KOE_SKETCH_SAMPLE of them, or all where there
 * are fewer.  Takes a second or so; ends early, with `out` as by koe_vector_sketch_init, where too
 * few are given.
 *
 *   vectors [count, dimension]  of unit length
 *
 * Fails with KOE_NOMEM, or KOE_INVALID for a dimension that blocks cannot have. */
koe_status koe_vector_sketch_train(const float *vectors, size_t count, size_t dimension,
                                   size_t threads, koe_vector_sketch *out, koe_error *err);

/* Little-endian: "KOES", version 1, dimension, sample (uint32 each), confidence (float32), zeros.
 */
void koe_vector_sketch_write(const koe_vector_sketch *sketch, uint8_t out[KOE_SKETCH_BYTES]);

/* Fails with KOE_FORMAT if the bytes are no sketch, or one of another dimension. */
koe_status koe_vector_sketch_read(const void *bytes, size_t length, size_t dimension,
                                  koe_vector_sketch *out, koe_error *err);

#endif
