/* A model in training: configuration, tokenizer, encoder; read from a checkpoint directory or new.
 * Heads belong to the tasks that train them. */
#ifndef KOE_TRAINED_MODEL_H
#define KOE_TRAINED_MODEL_H

#include "../tokenizer/tokenizer.h"
#include "../writer/checkpoint_writer.h"
#include "trained_encoder.h"

typedef struct koe_trained_model {
  koe_config config;
  koe_tokenizer *tokenizer;
  char *vocab; /* content of vocab.txt */
  size_t vocab_length;
  koe_parameters parameters;
  koe_trained_encoder encoder;
} koe_trained_model; /* all zero is empty */

/* Reads configuration and tokenizer of a checkpoint directory, and declares the encoder.  `out` is
 * released with koe_trained_model_clear (also after a failure).  Fails as koe_config_read and
 * koe_tokenizer_open do. */
koe_status koe_trained_model_open(const char *directory, koe_trained_model *out, koe_error *err);

/* The same for a new model: `sizes` are taken but for vocab_size, which the file `vocab` decides.
 */
koe_status koe_trained_model_new(const koe_config *sizes, const char *vocab, koe_trained_model *out,
                                 koe_error *err);

/* After all heads are declared: allocates and initialises parameters from `seed`, then reads those
 * that the weight file of `directory` has (NULL: none). */
koe_status koe_trained_model_load(koe_trained_model *model, const char *directory, uint64_t seed,
                                  koe_error *err);

/* Reads parameters from a safetensors file instead of their random start: each tensor of it is one
 * of the model's, by name and shape.  Fails with KOE_IO, KOE_FORMAT (a tensor that the model does
 * not have so), KOE_UNSUPPORTED, KOE_NOMEM. */
koe_status koe_trained_model_start(koe_trained_model *model, const char *path, koe_error *err);

/* How a model is written. */
typedef struct koe_trained_model_output {
  const char *architecture; /* "ElectraForSequenceClassification" */
  const char *problem_type; /* see checkpoint_writer.h */
  float dropout;
  bool sentence_embeddings;
  bool float16;
} koe_trained_model_output;

/* In front of the names of a generator's parameters, where it is trained with a discriminator. */
#define KOE_GENERATOR_PREFIX "generator."

/* Writes a checkpoint directory: the model with `prefix` "", or the generator that shares its
 * embeddings with KOE_GENERATOR_PREFIX.  Fails as koe_checkpoint_write. */
koe_status koe_trained_model_write(const koe_trained_model *model, const char *prefix,
                                   const koe_config *config, const char *directory,
                                   const koe_trained_model_output *output, koe_error *err);

/* Takes the labels of a head into the configuration: copies.  Fails with KOE_NOMEM. */
koe_status koe_trained_model_set_labels(koe_trained_model *model, char *const *labels, size_t count,
                                        koe_error *err);

void koe_trained_model_clear(koe_trained_model *model);

#endif
