/* Hidden states of sequences of tokens, for heads that look at every token. */
#ifndef KOE_HIDDEN_STATES_H
#define KOE_HIDDEN_STATES_H

#include "../batch.h"
#include "../model.h"
#include "../status.h"
#include "token_head.h"

/* Reads the hidden states of some of the sequences; called on any of the threads.
 *
 *   first   the token, of all sequences', that they begin with
 *   hidden  [tokens, hidden]
 */
typedef koe_status (*koe_hidden_reader)(void *context, size_t first, size_t tokens,
                                        const float *hidden, koe_error *err);

/* Encodes sequences on all threads and hands their hidden states to `read`, each token's once.  The
 * numbers are the same bits with any number of threads.  Fails as koe_encoder_forward and as
 * `read`. */
koe_status koe_hidden_states_run(const koe_model *model, const koe_batch *sequences,
                                 koe_hidden_reader read, void *context, koe_error *err);

/* Logits of a head for every token of the sequences: out [total, outputs].  Fails with KOE_FORMAT
 * (not finite) and as koe_encoder_forward. */
koe_status koe_token_logits(const koe_model *model, const koe_token_head *head,
                            const koe_batch *sequences, float *out, koe_error *err);

#endif
