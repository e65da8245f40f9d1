/* One vector a sequence out of the hidden states of its tokens. */
#ifndef KOE_POOLING_H
#define KOE_POOLING_H

#include "batch.h"
#include "config.h"
#include "kernels/kernels.h"

/* Pools every sequence of a batch and scales to unit length.
 *
 *   hidden [total, columns]      the batch's last hidden states
 *   out    [sequences, columns]
 *
 * KOE_POOL_MEAN averages all tokens, [CLS] and [SEP] among them; KOE_POOL_CLS takes the first: both
 * as sentence-transformers does (Reimers & Gurevych 2019). */
void koe_pooling_forward(koe_pooling pooling, const koe_kernels *kernels, const koe_batch *batch,
                         const float *hidden, size_t columns, float *out);

#endif
