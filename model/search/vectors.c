#include "vectors.h"

#include "../kernels/kernels.h"
#include "../memory.h"

#include <math.h>
#include <string.h>

bool koe_vector_is_finite(const float *vector, size_t n) {
  /* An exponent of all ones is an infinity or a NaN; integers keep the loop free of branches. */
  uint32_t any = 0;
  for (size_t i = 0; i < n; i++) {
    uint32_t bits;
    memcpy(&bits, &vector[i], sizeof bits);
    any |= (bits & UINT32_C(0x7f800000)) == UINT32_C(0x7f800000);
  }
  return any == 0;
}

/* float64 holds the square of any float32, so that no length overflows or vanishes. */
static double dot64(const float *a, const float *b, size_t n) {
  double sum = 0;
  for (size_t i = 0; i < n; i++)
    sum += (double)a[i] * b[i];
  return sum;
}

bool koe_vector_cosine(const float *a, const float *b, size_t n, double *out) {
  double lengths = sqrt(dot64(a, a, n)) * sqrt(dot64(b, b, n));
  if (!(lengths > 0)) return false;
  double cosine = dot64(a, b, n) / lengths;
  *out = cosine > 1 ? 1 : cosine < -1 ? -1 : cosine;
  return true;
}

bool koe_vector_normalize(float *vector, size_t n) {
  double length = sqrt(dot64(vector, vector, n));
  if (!(length > 0)) return false;
  for (size_t i = 0; i < n; i++)
    vector[i] = (float)(vector[i] / length);
  return true;
}

void koe_vector_dots(const float *query, const float *rows, size_t count, size_t n, float *out) {
  koe_kernels_best()->dots(query, rows, count, n, out);
}

/* ── the k best ─────────────────────────────────────────────────────────────────────────────────
 */

static bool better(koe_match a, koe_match b) {
  return a.similarity > b.similarity || (a.similarity == b.similarity && a.rowid < b.rowid);
}

/* Moves the match at `i` towards the leaves until no child is worse than it. */
static void sift_down(koe_match *heap, size_t count, size_t i) {
  koe_match moved = heap[i];
  for (size_t child = 2 * i + 1; child < count; child = 2 * i + 1) {
    if (child + 1 < count && better(heap[child], heap[child + 1])) child++;
    if (!better(moved, heap[child])) break;
    heap[i] = heap[child];
    i = child;
  }
  heap[i] = moved;
}

static void sift_up(koe_match *heap, size_t i) {
  koe_match moved = heap[i];
  while (i > 0) {
    size_t parent = (i - 1) / 2;
    if (!better(heap[parent], moved)) break;
    heap[i] = heap[parent];
    i = parent;
  }
  heap[i] = moved;
}

void koe_top_k_init(koe_top_k *top, size_t k) {
  *top = (koe_top_k){.k = k};
}

void koe_top_k_clear(koe_top_k *top) {
  koe_free(top->heap);
  *top = (koe_top_k){.k = top->k};
}

bool koe_top_k_offer(koe_top_k *top, int64_t rowid, float similarity) {
  koe_match match = {.rowid = rowid, .similarity = similarity};
  if (top->count < top->k) {
    if (!koe_grow(&top->heap, &top->capacity, top->count + 1, sizeof *top->heap)) return false;
    top->heap[top->count] = match;
    sift_up(top->heap, top->count++);
  } else if (top->count > 0 && better(match, top->heap[0])) {
    top->heap[0] = match;
    sift_down(top->heap, top->count, 0);
  }
  return true;
}

void koe_top_k_finish(koe_top_k *top) {
  /* Heapsort: the worst of what remains goes to the end of what remains. */
  for (size_t remaining = top->count; remaining > 1; remaining--) {
    koe_match worst = top->heap[0];
    top->heap[0] = top->heap[remaining - 1];
    top->heap[remaining - 1] = worst;
    sift_down(top->heap, remaining - 1, 0);
  }
}
