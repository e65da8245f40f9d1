/* ELECTRA pretraining (Clark et al. 2020): a small generator learns to fill masked tokens, and the
 * discriminator learns to tell which tokens of the filled text are not the original ones.
 *
 *   text → mask 15 % → generator → sample a token for each mask → discriminator → replaced or not
 *
 * Loss: masked-language-model loss + 50 · replaced-token loss; no gradient flows through the
 * sampling.  Both share the embedding tables. */
#ifndef KOE_PRETRAINING_H
#define KOE_PRETRAINING_H

#include "heads.h"

enum { KOE_SPECIAL_IDS = 5 };

typedef struct koe_pretraining {
  const koe_trained_encoder *discriminator;
  const koe_trained_head *replaced;
  const koe_trained_encoder *generator;
  const koe_trained_head *masked;
  int32_t mask_id;
  int32_t special_ids[KOE_SPECIAL_IDS]; /* never masked; -1 for none */
  float share;           /* of the tokens to be masked, 0.15; at least one of a sequence */
  float mask_share;      /* of these, what the generator sees as [MASK]: 0.85, as in the authors'
                            code; the others it sees as they are */
  float replaced_weight; /* λ, 50 */
} koe_pretraining;

/* How many tokens of a sequence are masked. */
size_t koe_pretraining_count(const koe_pretraining *pretraining, const int32_t *token_ids,
                             size_t length);

/* The generator's sizes as a fraction of the discriminator's, as the authors' code has them: hidden
 * and intermediate size and heads, not layers and embedding. */
koe_config koe_generator_config(const koe_config *discriminator, float fraction);

#endif
