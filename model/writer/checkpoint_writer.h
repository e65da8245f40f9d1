/* Writes a checkpoint directory in the hub's layout, which Hugging Face transformers and
 * koelectra_load open:
 *
 *   config.json  vocab.txt  tokenizer_config.json  model.safetensors
 *   1_Pooling/config.json  modules.json     (sentence embeddings only: for sentence-transformers)
 *
 * Every file is written under a temporary name, flushed to the disk and renamed, the weights last,
 * so that a reader or a crash never meets half a file. */
#ifndef KOE_CHECKPOINT_WRITER_H
#define KOE_CHECKPOINT_WRITER_H

#include "../config.h"
#include "../status.h"
#include "safetensors_writer.h"

#include <jansson.h>

#include <stdbool.h>
#include <stddef.h>

typedef struct koe_checkpoint_output {
  /* config.json and tokenizer_config.json say what is here.  `architecture` must not be empty;
   * labels become id2label and label2id; of `tokenizer` the special names are written too. */
  const koe_config *config;
  const char *problem_type; /* "regression", "single_label_classification"; NULL: not written */
  float dropout;            /* hidden_dropout_prob and attention_probs_dropout_prob */
  const char *vocab;        /* content of vocab.txt */
  size_t vocab_length;      /* bytes */
  const koe_output_tensor *tensors;
  size_t tensor_count;
  koe_dtype dtype;          /* of the file: KOE_F32, KOE_F16 or KOE_BF16 */
  bool sentence_embeddings; /* write 1_Pooling/config.json and modules.json */
} koe_checkpoint_output;

/* Writes `directory`, which is made if it is not there (its parent must be); files of those names
 * in it are replaced, others stay.  16-bit types round to nearest even.  Fails with KOE_IO (the
 * message names the file), KOE_INVALID (no architecture, a name twice, a dtype that is not written,
 * a value that the dtype cannot hold), KOE_NOMEM; files already there are then still whole. */
koe_status koe_checkpoint_write(const char *directory, const koe_checkpoint_output *output,
                                koe_error *err);

/* The content of config.json and of tokenizer_config.json: `tensors` and `vocab` are not looked at.
 * NULL if memory is short. */
json_t *koe_config_json(const koe_checkpoint_output *output);
json_t *koe_tokenizer_json(const koe_checkpoint_output *output);

/* Writes a JSON file of a checkpoint directory.  Takes the caller's reference to `json`; NULL
 * stands for memory that was short.  Fails with KOE_IO, KOE_NOMEM. */
koe_status koe_write_json(const char *directory, const char *name, json_t *json, koe_error *err);

#endif
