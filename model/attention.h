/* Multi-head scaled dot-product attention (Vaswani et al. 2017) over a packed batch. */
#ifndef KOE_ATTENTION_H
#define KOE_ATTENTION_H

#include "batch.h"
#include "kernels/kernels.h"

/* Floats of working memory that koe_attention_forward needs, a multiple of 16. */
size_t koe_attention_scratch(size_t longest, size_t head_size);

/* Lets every token of a sequence attend to every token of the same sequence.
 *
 *   qkv    [total, 3 · hidden]  queries, keys and values side by side, heads within each; KOE_PANEL
 *                               floats more behind the last may be read, and go nowhere
 *   batch  where the sequences are in `total` tokens
 *   begin, end                  the heads to compute, of `heads`
 *   out    [total, hidden]      the heads' contexts side by side
 *   work   [koe_attention_scratch(batch->longest, hidden / heads)] */
void koe_attention_forward(const koe_kernels *kernels, const float *qkv, const koe_batch *batch,
                           size_t hidden, size_t heads, size_t begin, size_t end, float *out,
                           float *work);

#endif
