/* Arithmetic of stored embeddings: cosine, batches of dot products, the k best. */
#ifndef KOE_VECTORS_H
#define KOE_VECTORS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Whether all `n` elements are finite. */
bool koe_vector_is_finite(const float *vector, size_t n);

/* Cosine of the angle between a [n] and b [n], in [-1, 1]; accumulated in float64.  False, and
 * `*out` untouched, if either has length zero: it has no direction. */
bool koe_vector_cosine(const float *a, const float *b, size_t n, double *out);

/* Scales to unit length in place.  False if the length is zero. */
bool koe_vector_normalize(float *vector, size_t n);

/* Dot products of a query with rows.
 *
 *   query [n]
 *   rows  [count, n]   any alignment
 *   out   [count] */
void koe_vector_dots(const float *query, const float *rows, size_t count, size_t n, float *out);

typedef struct koe_match {
  int64_t rowid;
  float similarity;
} koe_match;

/* The k best matches seen so far, larger similarity first, smaller rowid first among equals. */
typedef struct koe_top_k {
  koe_match *heap; /* [capacity], the worst kept match at [0] while collecting */
  size_t count;
  size_t capacity;
  size_t k; /* SIZE_MAX: keep all */
} koe_top_k;

/* Starts an empty collection; memory is taken as matches come.  koe_top_k_clear frees it. */
void koe_top_k_init(koe_top_k *top, size_t k);
void koe_top_k_clear(koe_top_k *top);

/* Offers a match.  False if memory is short. */
bool koe_top_k_offer(koe_top_k *top, int64_t rowid, float similarity);

/* Sorts `heap[0 … count)`, best first; nothing may be offered afterwards. */
void koe_top_k_finish(koe_top_k *top);

#endif
