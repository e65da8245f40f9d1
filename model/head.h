/* What turns hidden states into answers. */
#ifndef KOE_HEAD_H
#define KOE_HEAD_H

#include "batch.h"
#include "config.h"
#include "kernels/kernels.h"
#include "linear.h"
#include "scratch.h"
#include "status.h"
#include "weights.h"

/* The sequence-classification head: out_proj(gelu(dense(hidden state of [CLS]))). */
typedef struct koe_classification_head {
  koe_linear dense;    /* [hidden, hidden] */
  koe_linear out_proj; /* [labels, hidden]; weight NULL where the checkpoint has no such head */
} koe_classification_head;

/* Binds classifier.dense and classifier.out_proj; no such tensors is not an error.  Fails with
 * KOE_FORMAT (shapes, or labels of config.json that are not as many as outputs). */
koe_status koe_classification_head_open(const koe_config *config, koe_weights *weights,
                                        koe_classification_head *out, koe_error *err);

/* Logits of every sequence of a batch.
 *
 *   hidden [total, hidden]      the batch's last hidden states
 *   work   [2 · sequences · hidden]
 *   out    [sequences, labels]
 *
 * Source: ElectraClassificationHead of Hugging Face transformers; its gelu is the erf form whatever
 * hidden_act says. */
void koe_classification_head_forward(const koe_classification_head *head,
                                     const koe_kernels *kernels, const koe_batch *batch,
                                     const float *hidden, float *work, float *out);

#endif
