/* Heads that say something of every token: labels of entities, the start and end of an answer,
 * whether the token was replaced. */
#ifndef KOE_TOKEN_HEAD_H
#define KOE_TOKEN_HEAD_H

#include "../config.h"
#include "../kernels/kernels.h"
#include "../linear.h"
#include "../status.h"
#include "../weights.h"
#include "head_kind.h"

/* outputs(x), where x is the hidden state of the token, or activation(dense(it)). */
typedef struct koe_token_head {
  koe_linear dense; /* [hidden, hidden]; weight NULL where there is none */
  koe_activation activation;
  koe_linear outputs; /* [outputs, hidden]; weight NULL where the checkpoint has no such head */
} koe_token_head;

/* Binds the head of a kind; no such tensors is not an error.
 *
 *   KOE_HEAD_ENTITIES  classifier [labels, hidden]
 *   KOE_HEAD_ANSWERS   qa_outputs [2, hidden]: start, end
 *   KOE_HEAD_REPLACED  discriminator_predictions.dense, activation hidden_act, then
 *                      discriminator_predictions.dense_prediction [1, hidden]
 *
 * Fails with KOE_FORMAT (shapes, or labels of config.json that are not as many as outputs). */
koe_status koe_token_head_open(const koe_config *config, koe_weights *weights, koe_head_kind kind,
                               koe_token_head *out, koe_error *err);

/* Logits of every token.
 *
 *   hidden [tokens, hidden]
 *   work   [tokens, hidden], where the head has a dense layer
 *   out    [tokens, outputs]
 *
 * Source: Clark et al. 2020 (replaced tokens); Devlin et al. 2019 (labels, answers); tensors as in
 * Hugging Face transformers. */
void koe_token_head_forward(const koe_token_head *head, const koe_kernels *kernels,
                            const float *hidden, size_t tokens, float *work, float *out);

#endif
