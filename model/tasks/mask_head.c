#include "mask_head.h"

#include "../checkpoint/quantized.h"
#include "../memory.h"
#include "../parallel.h"

#include <string.h>

/* Words whose embeddings are in memory as floats at once, for each thread. */
enum { BLOCK_WORDS = 256 };

koe_status koe_mask_head_open(const koe_config *config, koe_weights *weights, koe_mask_head *out,
                              koe_error *err) {
  size_t hidden = (size_t)config->hidden_size, words = (size_t)config->vocab_size;
  size_t embedding = (size_t)config->embedding_size;
  memset(out, 0, sizeof *out);
  if (koe_checkpoint_find(weights->checkpoint, "generator_predictions.dense.weight") == NULL) {
    return KOE_OK;
  }
  koe_status status = koe_weights_linear(weights, "generator_predictions.dense", hidden, embedding,
                                         &out->dense, err);
  if (status == KOE_OK) {
    status = koe_weights_get(weights, "generator_predictions.LayerNorm.weight", embedding, 0,
                             &out->norm.gamma, err);
  }
  if (status == KOE_OK) {
    status = koe_weights_get(weights, "generator_predictions.LayerNorm.bias", embedding, 0,
                             &out->norm.beta, err);
  }
  if (status == KOE_OK) {
    status = koe_weights_get(weights, "generator_lm_head.bias", words, 0, &out->bias, err);
  }
  if (status != KOE_OK || config->tie_word_embeddings) return status;
  return koe_weights_matrix(weights, "generator_lm_head.weight", words, embedding, &out->words,
                            err);
}

/* One call, seen by its threads. */
typedef struct job {
  const koe_mask_head *head;
  const koe_encoder *encoder;
  const float *x; /* [count, embedding] */
  size_t count;
  float *out; /* [count, vocabulary] */
} job;

/* The embeddings of words [first, first + count) as floats: out [count, embedding]. */
static void read_words(const job *j, size_t first, size_t count, float *out) {
  const koe_encoder *encoder = j->encoder;
  size_t width = encoder->embedding_size;
  bool own = j->head->words.tensor != NULL;
  if (!own && encoder->int8 != NULL) {
    koe_dequantize(encoder->words.values + first * width, encoder->words.scales + first, count,
                   width, out);
    return;
  }
  const koe_matrix *matrix = own ? &j->head->words : &encoder->word_embeddings;
  for (size_t i = 0; i < count; i++)
    koe_matrix_read(matrix, first + i, 0, width, out + i * width);
}

static koe_status score_block(void *context, size_t index, koe_error *err) {
  const job *j = context;
  size_t words = j->encoder->vocab_size, width = j->encoder->embedding_size;
  size_t first = index * BLOCK_WORDS;
  size_t count = words - first < BLOCK_WORDS ? words - first : BLOCK_WORDS;
  float *block = koe_alloc_aligned(count, width * sizeof *block);
  if (block == NULL) return koe_fail_nomem(err);
  read_words(j, first, count, block);
  for (size_t i = 0; i < j->count; i++) {
    float *logits = j->out + i * words + first;
    j->encoder->kernels->dots(j->x + i * width, block, count, width, logits);
    j->encoder->kernels->add_bias(logits, j->head->bias + first, 1, count);
  }
  koe_free(block);
  return KOE_OK;
}

koe_status koe_mask_head_forward(const koe_mask_head *head, const koe_encoder *encoder,
                                 size_t threads, const float *hidden, size_t count, float *out,
                                 koe_error *err) {
  const koe_kernels *kernels = encoder->kernels;
  size_t width = encoder->embedding_size;
  float *x = koe_alloc_aligned(count, width * sizeof *x);
  if (x == NULL) return koe_fail_nomem(err);
  koe_linear_forward(&head->dense, kernels, hidden, count, x);
  kernels->bias_activation(x, head->dense.bias, KOE_GELU_ERF, count, width);
  kernels->add_layer_norm(x, NULL, NULL, head->norm.gamma, head->norm.beta, encoder->layer_norm_eps,
                          count, width, x);
  job j = {.head = head, .encoder = encoder, .x = x, .count = count, .out = out};
  koe_status status = koe_parallel((encoder->vocab_size + BLOCK_WORDS - 1) / BLOCK_WORDS, threads,
                                   score_block, &j, err);
  koe_free(x);
  return status;
}
