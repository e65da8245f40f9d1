/* A fully connected layer whose weights are in the order that products read them in: kernels.h.
 *
 * They are packed when the layer is first used.  Opening a checkpoint stays quick that way, however
 * large, and what is never used takes no memory.  Packing lets go of the pages of the file, so that
 * the weights are in memory once.  float16 and bfloat16 stay what they are in the panels, and are
 * widened, a few panels at a time, for the rows that go through them: so they take half the memory,
 * and give the same bits as if they had been float32 in the file. */
#ifndef KOE_PACKED_LINEAR_H
#define KOE_PACKED_LINEAR_H

#include "linear.h"
#include "status.h"
#include "weights.h"

/* Makes a layer of `parts` one below the other: part i is names[i].weight [out_features / parts,
 * in_features] with names[i].bias.  Fills *out, whose `packed` the caller frees.  The checkpoint
 * must outlive it.  Fails with KOE_FORMAT, KOE_UNSUPPORTED, KOE_NOMEM. */
koe_status koe_packed_linear_open(koe_weights *weights, const char *const *names, size_t parts,
                                  size_t in_features, size_t out_features, koe_linear *out,
                                  koe_error *err);

/* Takes NULL. */
void koe_packed_linear_free(koe_packed_linear *layer);

/* Heap bytes held once the layer is packed; takes NULL.  Before, the file's pages are in their
 * place. */
size_t koe_packed_linear_bytes(const koe_packed_linear *layer);

/* Packs the weights if that was not done yet.  Threads that come at the same time share the work.
 * Fails with KOE_NOMEM; a later call tries again. */
koe_status koe_packed_linear_prepare(koe_packed_linear *layer, koe_error *err);

/* Floats of working memory for a layer of `in_features` inputs, a multiple of 16. */
size_t koe_packed_linear_work(size_t in_features);

/* y = epilogue(x · weightᵀ).
 *
 *   x    [rows, in_features], rows `x_stride` floats apart
 *   y    [rows, out_features], rows `y_stride` floats apart; not x
 *   work [koe_packed_linear_work(in_features)], 64-byte aligned
 *
 * Prepared before.  Each row of y is the same bits whatever the other rows. */
void koe_packed_linear_forward(const koe_packed_linear *layer, const koe_kernels *kernels,
                               const float *x, size_t x_stride, size_t rows,
                               const koe_epilogue *epilogue, float *work, float *y,
                               size_t y_stride);

#endif
