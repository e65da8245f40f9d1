#include "derived_config.h"

#include "../weights.h"

#include <stdio.h>
#include <string.h>

enum { HEAD_SIZE = 64, MAX_LAYERS = 1024 };

const char *koe_architecture_of(const koe_checkpoint *checkpoint) {
  static const struct {
    const char *tensor;
    const char *architecture;
  } heads[] = {
      {"classifier.out_proj.weight", "ElectraForSequenceClassification"},
      {"classifier.weight", "ElectraForTokenClassification"},
      {"qa_outputs.weight", "ElectraForQuestionAnswering"},
      {"generator_lm_head.bias", "ElectraForMaskedLM"},
      {"discriminator_predictions.dense.weight", "ElectraForPreTraining"},
  };
  for (size_t i = 0; i < sizeof heads / sizeof heads[0]; i++) {
    if (koe_checkpoint_find(checkpoint, heads[i].tensor) != NULL) return heads[i].architecture;
  }
  return "ElectraModel";
}

/* The matrix `name` behind the encoder's prefix, or NULL. */
static const koe_tensor *find_matrix(const koe_weights *weights, const char *name) {
  char full[128];
  snprintf(full, sizeof full, "%s%s", weights->prefix, name);
  const koe_tensor *tensor = koe_checkpoint_find(weights->checkpoint, full);
  return tensor != NULL && tensor->dims == 2 ? tensor : NULL;
}

static int count_layers(const koe_weights *weights) {
  char name[64];
  int layers = 0;
  do {
    snprintf(name, sizeof name, "encoder.layer.%d.output.dense.weight", layers++);
  } while (layers <= MAX_LAYERS && find_matrix(weights, name) != NULL);
  return layers - 1;
}

static bool set(json_t *config, const char *key, json_t *value) {
  return json_object_set_new(config, key, value) == 0;
}

koe_status koe_derive_config(koe_checkpoint *checkpoint, json_t *config, koe_error *err) {
  koe_weights weights;
  koe_status status = koe_weights_init(&weights, checkpoint, err);
  if (status != KOE_OK) return status;
  const koe_tensor *words = find_matrix(&weights, "embeddings.word_embeddings.weight");
  const koe_tensor *positions = find_matrix(&weights, "embeddings.position_embeddings.weight");
  const koe_tensor *types = find_matrix(&weights, "embeddings.token_type_embeddings.weight");
  const koe_tensor *out = find_matrix(&weights, "encoder.layer.0.output.dense.weight");
  if (words == NULL || positions == NULL || types == NULL || out == NULL) {
    return koe_fail(err, KOE_FORMAT,
                    "%s: the embeddings or the first layer of an ELECTRA model are missing",
                    koe_checkpoint_path(checkpoint));
  }
  int64_t hidden = out->shape[0];
  const struct {
    const char *key;
    int64_t value;
  } sizes[] = {
      {"vocab_size", words->shape[0]},
      {"embedding_size", words->shape[1]},
      {"hidden_size", hidden},
      {"num_hidden_layers", count_layers(&weights)},
      {"intermediate_size", out->shape[1]},
      {"max_position_embeddings", positions->shape[0]},
      {"type_vocab_size", types->shape[0]},
      {"num_attention_heads", hidden < HEAD_SIZE ? 1 : hidden / HEAD_SIZE},
  };
  bool ok = set(config, "architectures", json_pack("[s]", koe_architecture_of(checkpoint))) &&
            set(config, "model_type", json_string("electra"));
  for (size_t i = 0; ok && i < sizeof sizes / sizeof sizes[0]; i++)
    ok = set(config, sizes[i].key, json_integer((json_int_t)sizes[i].value));
  return ok ? KOE_OK : koe_fail_nomem(err);
}
