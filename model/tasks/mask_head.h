/* The masked-language head of a generator: which word stood in the place of [MASK]. */
#ifndef KOE_MASK_HEAD_H
#define KOE_MASK_HEAD_H

#include "../config.h"
#include "../encoder.h"
#include "../linear.h"
#include "../status.h"
#include "../weights.h"

/* words · layer_norm(gelu(dense(hidden state))) + bias.  The words are the encoder's embeddings:
 * what a word is read by and what it is written by are tied. */
typedef struct koe_mask_head {
  koe_linear dense; /* [embedding, hidden]; weight NULL where the checkpoint has no such head */
  koe_layer_norm norm;
  const float *bias; /* [vocabulary] */
  koe_matrix words;  /* [vocabulary, embedding] where config.json says that they are not tied */
} koe_mask_head;

/* Binds generator_predictions.dense, generator_predictions.LayerNorm and generator_lm_head; no such
 * tensors is not an error.  Fails with KOE_FORMAT (shapes), KOE_NOMEM. */
koe_status koe_mask_head_open(const koe_config *config, koe_weights *weights, koe_mask_head *out,
                              koe_error *err);

/* Logits of every word.
 *
 *   hidden  [count, hidden]     last hidden states of [MASK] tokens
 *   threads that may share the work: the same bits
 *   out     [count, vocabulary]
 *
 * Fails with KOE_NOMEM.  Source: Clark et al. 2020, appendix A; ElectraForMaskedLM of Hugging Face
 * transformers, whose gelu is the erf form whatever hidden_act says. */
koe_status koe_mask_head_forward(const koe_mask_head *head, const koe_encoder *encoder,
                                 size_t threads, const float *hidden, size_t count, float *out,
                                 koe_error *err);

#endif
