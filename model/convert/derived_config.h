/* config.json for weights that have none of their own. */
#ifndef KOE_DERIVED_CONFIG_H
#define KOE_DERIVED_CONFIG_H

#include "../checkpoint/checkpoint.h"

#include <jansson.h>

/* The class of transformers whose heads are among the tensors: "ElectraForMaskedLM", …;
 * "ElectraModel" where there is none. */
const char *koe_architecture_of(const koe_checkpoint *checkpoint);

/* Sets in `config` what the tensors say, architectures, model_type and sizes, and what they do not:
 * num_attention_heads as hidden_size / 64.  Fails with KOE_FORMAT (no ELECTRA model),
 * KOE_NOMEM. */
koe_status koe_derive_config(koe_checkpoint *checkpoint, json_t *config, koe_error *err);

#endif
