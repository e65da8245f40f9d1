/* What a checkpoint directory says about its model: config.json, tokenizer_config.json and
 * 1_Pooling/config.json, read and checked. */
#ifndef KOE_CONFIG_H
#define KOE_CONFIG_H

#include "directory.h"
#include "status.h"
#include "tokenizer/tokenizer.h"

#include <stdbool.h>

typedef enum koe_pooling { KOE_POOL_MEAN, KOE_POOL_CLS } koe_pooling;

/* What an entity is made of: words, each labelled by its first token, or single tokens. */
typedef enum koe_aggregation { KOE_AGGREGATE_WORDS, KOE_AGGREGATE_TOKENS } koe_aggregation;

typedef enum koe_activation { KOE_GELU_ERF, KOE_GELU_TANH, KOE_RELU } koe_activation;

typedef struct koe_config {
  char architecture[64]; /* "ElectraForSequenceClassification"; "" where config.json has none */
  int32_t vocab_size;
  int32_t embedding_size;
  int32_t hidden_size;
  int32_t num_hidden_layers;
  int32_t num_attention_heads;
  int32_t intermediate_size;
  int32_t max_position_embeddings;
  int32_t type_vocab_size;
  float layer_norm_eps;
  koe_activation hidden_act;
  int32_t model_max_length; /* tokens; tokenizer_config.json's, at most max_position_embeddings */
  bool tie_word_embeddings; /* of a generator: words are written by what they are read by */
  bool stored_int8; /* torch_dtype is "int8": matrices are stored so (checkpoint/quantized.h) */
  koe_pooling pooling;
  koe_tokenizer_options tokenizer;
  char **labels; /* [num_labels] by id, from id2label; NULL where config.json names none */
  int32_t num_labels;
} koe_config;

/* Reads the directory's configuration into `out`, which koe_config_clear releases (also after a
 * failure).  Fails with KOE_IO (no directory, no config.json), KOE_FORMAT (bad JSON, a value
 * missing or out of range, a model_type other than electra; the message names file and key),
 * KOE_NOMEM. */
koe_status koe_config_read_in(const koe_directory *directory, koe_config *out, koe_error *err);

/* The same for the directory that a path names. */
koe_status koe_config_read(const char *directory, koe_config *out, koe_error *err);

void koe_config_clear(koe_config *config);

/* "mean" or "cls". */
const char *koe_pooling_name(koe_pooling pooling);
koe_status koe_pooling_parse(const char *name, koe_pooling *out, koe_error *err);

#endif
