#include "attention.h"

#include <math.h>
#include <string.h>

/* Queries that go through a head at once: few enough for their scores to stay in the cache, however
 * long the sequence. */
enum { BLOCK_QUERIES = 96 };

/* Floats between the rows of scores of `length` keys: whole panels, and a gap that keeps rows from
 * competing for one set of the first-level cache. */
static size_t score_stride(size_t length) {
  return (koe_panel_count(length) + 1) * KOE_PANEL;
}

static size_t keys_size(size_t length, size_t head_size) {
  return koe_panel_count(length) * KOE_PANEL * head_size;
}

size_t koe_attention_scratch(size_t longest, size_t head_size) {
  size_t queries = longest < BLOCK_QUERIES ? longest : BLOCK_QUERIES;
  return keys_size(longest, head_size) + queries * score_stride(longest);
}

typedef float four __attribute__((vector_size(4 * sizeof(float))));

/* out [4, 4 of KOE_PANEL] = the transpose of elements 0 to 3 of four rows. */
static void transpose(const float *const *rows, size_t at, float *out) {
  four a, b, c, d;
  memcpy(&a, rows[0] + at, sizeof a);
  memcpy(&b, rows[1] + at, sizeof b);
  memcpy(&c, rows[2] + at, sizeof c);
  memcpy(&d, rows[3] + at, sizeof d);
  four ab_low = __builtin_shufflevector(a, b, 0, 4, 1, 5);
  four ab_high = __builtin_shufflevector(a, b, 2, 6, 3, 7);
  four cd_low = __builtin_shufflevector(c, d, 0, 4, 1, 5);
  four cd_high = __builtin_shufflevector(c, d, 2, 6, 3, 7);
  four columns[4] = {__builtin_shufflevector(ab_low, cd_low, 0, 1, 4, 5),
                     __builtin_shufflevector(ab_low, cd_low, 2, 3, 6, 7),
                     __builtin_shufflevector(ab_high, cd_high, 0, 1, 4, 5),
                     __builtin_shufflevector(ab_high, cd_high, 2, 3, 6, 7)};
  for (size_t i = 0; i < 4; i++)
    memcpy(out + i * KOE_PANEL, &columns[i], sizeof columns[i]);
}

/* Keys [length, head_size], rows `stride` floats apart, to panels [panels, head_size, KOE_PANEL].
 * What the last panel lacks is the last key again. */
static void pack_keys(const float *keys, size_t stride, size_t length, size_t head_size,
                      float *out) {
  for (size_t k = 0; k < koe_panel_count(length) * KOE_PANEL; k += 4) {
    float *panel = out + k / KOE_PANEL * KOE_PANEL * head_size + k % KOE_PANEL;
    const float *rows[4];
    size_t d = 0;
    for (size_t i = 0; i < 4; i++)
      rows[i] = keys + (k + i < length ? k + i : length - 1) * stride;
    for (; d + 4 <= head_size; d += 4)
      transpose(rows, d, panel + d * KOE_PANEL);
    for (; d < head_size; d++) {
      for (size_t i = 0; i < 4; i++)
        panel[d * KOE_PANEL + i] = rows[i][d];
    }
  }
}

/* One head of one sequence of `length` tokens; pointers are to its first row and column. */
static void forward_head(const koe_kernels *kernels, const float *query, size_t length,
                         size_t head_size, size_t hidden, float *out, float *work) {
  static const koe_epilogue none = {0};
  size_t stride = 3 * hidden, wide = score_stride(length);
  float *keys = work, *scores = work + keys_size(length, head_size);
  pack_keys(query + hidden, stride, length, head_size, keys);
  const koe_panels key_panels = {.values = keys,
                                 .panel_stride = head_size * KOE_PANEL,
                                 .input_stride = KOE_PANEL,
                                 .in_features = head_size,
                                 .out_features = koe_panel_count(length) * KOE_PANEL};
  /* Values are panels as they are: those of a token side by side. */
  const koe_panels value_panels = {.values = query + 2 * hidden,
                                   .panel_stride = KOE_PANEL,
                                   .input_stride = stride,
                                   .in_features = length,
                                   .out_features = head_size};
  for (size_t first = 0; first < length; first += BLOCK_QUERIES) {
    size_t rows = length - first < BLOCK_QUERIES ? length - first : BLOCK_QUERIES;
    kernels->multiply(&key_panels, query + first * stride, stride, rows, &none, scores, wide);
    kernels->softmax(scores, 1 / sqrtf((float)head_size), rows, length, wide);
    kernels->multiply(&value_panels, scores, wide, rows, &none, out + first * hidden, hidden);
  }
}

void koe_attention_forward(const koe_kernels *kernels, const float *qkv, const koe_batch *batch,
                           size_t hidden, size_t heads, size_t begin, size_t end, float *out,
                           float *work) {
  size_t head_size = hidden / heads;
  for (size_t s = 0; s < batch->sequences; s++) {
    size_t start = batch->starts[s], length = batch->starts[s + 1] - start;
    for (size_t h = begin; h < end; h++) {
      size_t at = start * hidden + h * head_size;
      forward_head(kernels, qkv + 2 * start * hidden + at, length, head_size, hidden, out + at,
                   work);
    }
  }
}
