#include "backbone.h"

#include "hash.h"
#include "memory.h"

#include <string.h>

static uint64_t hash_sizes(uint64_t hash, const koe_config *config) {
  const int32_t sizes[] = {
      config->vocab_size,
      config->embedding_size,
      config->hidden_size,
      config->num_hidden_layers,
      config->num_attention_heads,
      config->intermediate_size,
      config->max_position_embeddings,
      config->type_vocab_size,
      (int32_t)config->hidden_act,
  };
  hash = koe_hash(hash, sizes, sizeof sizes);
  return koe_hash(hash, &config->layer_norm_eps, sizeof config->layer_norm_eps);
}

/* Those that the checkpoint has. */
static koe_status open_heads(const koe_config *config, koe_weights *weights, koe_backbone *out,
                             koe_error *err) {
  koe_status status = koe_classification_head_open(config, weights, &out->classification, err);
  if (status == KOE_OK)
    status = koe_token_head_open(config, weights, KOE_HEAD_ENTITIES, &out->entities, err);
  if (status == KOE_OK)
    status = koe_token_head_open(config, weights, KOE_HEAD_ANSWERS, &out->answers, err);
  if (status == KOE_OK)
    status = koe_token_head_open(config, weights, KOE_HEAD_REPLACED, &out->replaced, err);
  if (status == KOE_OK) status = koe_mask_head_open(config, weights, &out->masked, err);
  return status;
}

koe_status koe_backbone_open(const koe_directory *directory, const koe_config *config,
                             const koe_kernels *kernels, const koe_int8_kernels *int8,
                             koe_backbone **out, koe_error *err) {
  koe_status status;
  koe_weights weights;
  char name[64];
  *out = NULL;
  koe_backbone *backbone = koe_alloc_zero(1, sizeof *backbone);
  if (backbone == NULL) return koe_fail_nomem(err);

  status = koe_checkpoint_open_in(directory, &backbone->checkpoint, err);
  if (status != KOE_OK) goto fail;
  status = koe_weights_init(&weights, backbone->checkpoint, err);
  if (status != KOE_OK) goto fail;
  status = koe_encoder_open(config, &weights, kernels, int8, &backbone->encoder, err);
  if (status != KOE_OK) goto fail;
  backbone->hash = hash_sizes(weights.hash, config);
  if (int8 != NULL) backbone->hash = koe_hash(backbone->hash, "int8", 4);
  status = open_heads(config, &weights, backbone, err);
  if (status != KOE_OK) goto fail;

  strcpy(name, weights.prefix);
  strcat(name, "embeddings.word_embeddings.weight");
  koe_dtype stored = koe_checkpoint_find(backbone->checkpoint, name)->dtype;
  if (int8 == NULL && stored == KOE_I8) stored = KOE_F32; /* which it was widened to */
  backbone->precision = koe_dtype_name(int8 != NULL ? KOE_I8 : stored);
  *out = backbone;
  return KOE_OK;

fail:
  koe_backbone_free(backbone);
  return status;
}

void koe_backbone_free(koe_backbone *backbone) {
  if (backbone == NULL) return;
  koe_encoder_free(backbone->encoder);
  koe_checkpoint_free(backbone->checkpoint);
  koe_free(backbone);
}

size_t koe_backbone_bytes(const koe_backbone *backbone) {
  return koe_encoder_bytes(backbone->encoder) + koe_checkpoint_bytes(backbone->checkpoint);
}
