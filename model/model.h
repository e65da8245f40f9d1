/* A KoELECTRA model: tokenizer, encoder, pooling and head of one checkpoint directory, used through
 * texts.  Const after it is opened; any number of threads may use one at once. */
#ifndef KOE_MODEL_H
#define KOE_MODEL_H

#include "config.h"
#include "status.h"
#include "tasks/head_kind.h"
#include "text.h"
#include "tokenizer/tokenizer.h"

typedef struct koe_model koe_model;

/* Dimension of an embedding: hidden_size. */
size_t koe_model_dimension(const koe_model *model);

/* The tokens the model reads at most, specials included. */
size_t koe_model_max_length(const koe_model *model);

const koe_tokenizer *koe_model_tokenizer(const koe_model *model);
const koe_config *koe_model_config(const koe_model *model);
koe_pooling koe_model_pooling(const koe_model *model);

/* Changes with anything that changes an embedding: weights, sizes, vocabulary, tokenizer options,
 * pooling, max_length.  The same for the same float32 weights in any file format. */
uint64_t koe_model_fingerprint(const koe_model *model);

/* A number that no other model opened in this process has had, not even with the same files. */
uint64_t koe_model_serial(const koe_model *model);

/* Outputs of the sequence-classification head: 0 where the checkpoint has none. */
size_t koe_model_label_count(const koe_model *model);

/* Whether the checkpoint has a head of that kind. */
bool koe_model_has(const koe_model *model, koe_head_kind kind);

/* Of its heads, the one it was fine-tuned with; KOE_HEADS where it has none. */
koe_head_kind koe_model_head(const koe_model *model);

/* Outputs of the sequence-classification head that exclude one another: probabilities add up to 1
 * within a group.  Most models have one group, called ""; hate-speech models have "bias" and
 * "hate". */
typedef struct koe_label_group_view {
  const char *name;
  size_t first, count; /* of the outputs */
} koe_label_group_view;

size_t koe_model_group_count(const koe_model *model);
koe_label_group_view koe_model_group(const koe_model *model, size_t index);

/* How koelectra_entities makes entities of labels, as config.json or koelectra_load's options have
 * it. */
koe_aggregation koe_model_aggregation(const koe_model *model);

/* The label of an output, e.g. "positive", or "LABEL_1" where config.json names none. */
const char *koe_model_label(const koe_model *model, size_t index);

/* What koe_model_run is asked for; NULL where not. */
typedef struct koe_outputs {
  float *logits;     /* [count, labels]     of the sequence-classification head */
  float *embeddings; /* [count, dimension]  pooled, scaled to unit length */
} koe_outputs;

/* Runs texts through the encoder once, whatever of it is asked for: tokenized, packed by length
 * without padding, encoded on the threads that the registry allows.  Outputs are in the order of
 * the texts; those of a text are the same, bit for bit, whatever texts it comes with and on however
 * many threads.
 *
 *   texts [count]
 *   pairs [count]   second texts, or NULL
 *   out             float32, row-major; the caller's
 *
 * Fails with KOE_UNSUPPORTED (logits of a checkpoint without head, pairs of a model that reads
 * none), KOE_FORMAT (numbers that are not finite), KOE_NOMEM; the outputs are then undefined. */
koe_status koe_model_run(const koe_model *model, const koe_text *texts, const koe_text *pairs,
                         size_t count, const koe_outputs *out, koe_error *err);

/* Only embeddings of texts: out [count, dimension]. */
koe_status koe_model_embed(const koe_model *model, const koe_text *texts, size_t count, float *out,
                           koe_error *err);

/* Only logits: out [count, labels]. */
koe_status koe_model_logits(const koe_model *model, const koe_text *texts, const koe_text *pairs,
                            size_t count, float *out, koe_error *err);

/* The index of the largest of `count` numbers, 1 or more; the first among equals. */
size_t koe_model_largest(const float *numbers, size_t count);

/* Turns logits [labels] into probabilities [labels] in place: softmax, or unchanged for one output.
 */
void koe_model_probabilities(float *logits, size_t labels);

#endif
