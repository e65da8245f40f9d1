/* Stored vectors as a search reads them: short codes instead of float32, 256 vectors at a time.
 *
 * A block holds up to KOE_BLOCK_SLOTS vectors x [dimension] of about unit length.  With c the mean
 * of the block's vectors and R a fixed rotation, z = R x − R c is coded in levels, each of which a
 * scan reads only where the one before could not decide:
 *
 *   signs   1 bit an element, where asked for: for searches that may miss a row
 *   high    4 bits: the upper half of an 8-bit code
 *   low     4 bits: the lower half
 *
 * and of each level the length of what it leaves out, and that rest's product with x itself.  So
 * the rest is off a query that is near x only as far as the query is off x: bounds are the narrower
 * the nearer the rows in question are (vector_query.c), and few rows remain in doubt even where all
 * vectors point nearly the same way.  The rotation spreads a vector's length over all its elements
 * alike, which few levels code well whatever the vector; it changes no product.
 *
 * So a scan reads half a byte an element of most rows, one of some, and float32 of a few; a search
 * that may miss reads an eighth of a byte.  A block depends on its own vectors alone: when one of
 * them changes, it is made anew, and nothing else; no training comes before the first search.
 *
 * Source: Ailon & Chazelle 2009 (the rotation, signs and Hadamard transforms in turn); Gao & Long
 * 2024 (RaBitQ: rotated signs as an estimator and its error); the levels and bounds are ours. */
#ifndef KOE_VECTOR_BLOCK_H
#define KOE_VECTOR_BLOCK_H

#include "../status.h"

#include <stdbool.h>
#include <stddef.h>

enum { KOE_BLOCK_SLOTS = 256, KOE_BLOCK_MAX_DIMENSION = 65536 };

/* Immutable: any number of threads may scan it. */
typedef struct koe_vector_block koe_vector_block;

/* Codes vectors.
 *
 *   vectors  [count, dimension]  count 1 … KOE_BLOCK_SLOTS, dimension 1 … KOE_BLOCK_MAX_DIMENSION;
 *                                any alignment of 4
 *   signs                        whether a search that may miss shall be fast here
 *
 * What lies in slots without a row does no harm, be it zeros, an old vector, or NaN.  A vector that
 * is not finite, or whose length is 0 or far from 1, is a candidate of every exact scan, so that
 * whoever reads it then sees what is wrong with it.  Fails with KOE_NOMEM, or KOE_INVALID for
 * another count or dimension.  The caller frees. */
koe_status koe_vector_block_new(const float *vectors, size_t count, size_t dimension, bool signs,
                                koe_vector_block **out, koe_error *err);

/* Takes NULL. */
void koe_vector_block_free(koe_vector_block *block);

/* Bytes of memory that a block takes, whatever its count: of one that is there, and of one to come.
 */
size_t koe_vector_block_bytes(const koe_vector_block *block);
size_t koe_vector_block_bytes_for(size_t dimension, bool signs);

#endif
