#include "encoder.h"

#include "attention.h"
#include "checkpoint/quantized.h"
#include "memory.h"
#include "quantized_linear.h"

#include <stdio.h>
#include <string.h>

/* Tokens that go at once through what follows attention in int8: few enough for all that is between
 * to stay in the cache, many enough for the weights to be read seldom. */
enum { BLOCK_TOKENS = 96 };

static koe_status get_layer_norm(koe_weights *weights, const char *name, size_t columns,
                                 koe_layer_norm *out, koe_error *err) {
  char full[192];
  snprintf(full, sizeof full, "%s.weight", name);
  koe_status status = koe_weights_get(weights, full, columns, 0, &out->gamma, err);
  if (status != KOE_OK) return status;
  snprintf(full, sizeof full, "%s.bias", name);
  return koe_weights_get(weights, full, columns, 0, &out->beta, err);
}

/* One linear layer, in the encoder's precision. */
static koe_status get_linear(const koe_encoder *encoder, koe_weights *weights, const char *name,
                             size_t in, size_t out, koe_linear *linear, koe_error *err) {
  if (encoder->int8 == NULL) return koe_weights_linear(weights, name, in, out, linear, err);
  return koe_quantized_linear_open(weights, &name, 1, in, out, linear, err);
}

static koe_status get_words(koe_encoder *encoder, koe_weights *weights, const char *name,
                            koe_error *err) {
  size_t words = encoder->vocab_size, width = encoder->embedding_size;
  if (encoder->int8 == NULL) {
    return koe_weights_get(weights, name, words, width, &encoder->word_embeddings, err);
  }
  return koe_weights_int8(weights, name, words, width, &encoder->words, err);
}

static koe_status get_embeddings(koe_encoder *encoder, koe_weights *weights, koe_error *err) {
  size_t width = encoder->embedding_size;
  const struct {
    const char *name;
    size_t rows;
    const float **out;
  } tables[] = {
      {"position_embeddings", encoder->max_positions, &encoder->position_embeddings},
      {"token_type_embeddings", encoder->type_vocab_size, &encoder->token_type_embeddings},
  };
  char name[192];
  snprintf(name, sizeof name, "%sembeddings.word_embeddings.weight", weights->prefix);
  koe_status status = get_words(encoder, weights, name, err);
  for (size_t i = 0; i < sizeof tables / sizeof tables[0] && status == KOE_OK; i++) {
    snprintf(name, sizeof name, "%sembeddings.%s.weight", weights->prefix, tables[i].name);
    status = koe_weights_get(weights, name, tables[i].rows, width, tables[i].out, err);
  }
  if (status != KOE_OK) return status;
  snprintf(name, sizeof name, "%sembeddings.LayerNorm", weights->prefix);
  status = get_layer_norm(weights, name, width, &encoder->embeddings_norm, err);
  if (status != KOE_OK || width == encoder->hidden_size) return status;
  snprintf(name, sizeof name, "%sembeddings_project", weights->prefix);
  return get_linear(encoder, weights, name, width, encoder->hidden_size,
                    &encoder->embeddings_project, err);
}

/* Query, key and value of one layer as one, so that the hidden states are read once for all three:
 * in int8 packed so, in float32 copied to `fused` [3 · hidden, hidden + 1]. */
static koe_status get_qkv(const koe_encoder *encoder, koe_weights *weights, const char *prefix,
                          float *fused, koe_linear *out, koe_error *err) {
  static const char *const parts[3] = {"query", "key", "value"};
  size_t hidden = encoder->hidden_size;
  char names[3][192];
  const char *const pointers[3] = {names[0], names[1], names[2]};
  for (size_t i = 0; i < 3; i++)
    snprintf(names[i], sizeof names[i], "%sattention.self.%s", prefix, parts[i]);
  if (encoder->int8 != NULL) {
    return koe_quantized_linear_open(weights, pointers, 3, hidden, 3 * hidden, out, err);
  }
  float *weight = fused, *bias = fused + 3 * hidden * hidden;
  for (size_t i = 0; i < 3; i++) {
    koe_linear part = {0};
    koe_status status = koe_weights_linear(weights, names[i], hidden, hidden, &part, err);
    if (status != KOE_OK) return status;
    memcpy(weight + i * hidden * hidden, part.weight, hidden * hidden * sizeof *weight);
    memcpy(bias + i * hidden, part.bias, hidden * sizeof *bias);
  }
  *out = (koe_linear){
      .weight = weight, .bias = bias, .in_features = hidden, .out_features = 3 * hidden};
  return KOE_OK;
}

static koe_status get_layer(koe_encoder *encoder, koe_weights *weights, size_t index,
                            koe_error *err) {
  koe_encoder_layer *layer = &encoder->layers[index];
  size_t hidden = encoder->hidden_size, wide = encoder->intermediate_size;
  float *fused = encoder->fused != NULL ? encoder->fused + index * 3 * hidden * (hidden + 1) : NULL;
  char prefix[96];
  snprintf(prefix, sizeof prefix, "%sencoder.layer.%zu.", weights->prefix, index);
  koe_status status = get_qkv(encoder, weights, prefix, fused, &layer->qkv, err);
  if (status != KOE_OK) return status;

  const struct {
    const char *name;
    size_t in, out;
    koe_linear *linear;
  } linears[] = {
      {"attention.output.dense", hidden, hidden, &layer->attention_output},
      {"intermediate.dense", hidden, wide, &layer->intermediate},
      {"output.dense", wide, hidden, &layer->output},
  };
  char name[192];
  for (size_t i = 0; i < sizeof linears / sizeof linears[0]; i++) {
    snprintf(name, sizeof name, "%s%s", prefix, linears[i].name);
    status =
        get_linear(encoder, weights, name, linears[i].in, linears[i].out, linears[i].linear, err);
    if (status != KOE_OK) return status;
  }
  snprintf(name, sizeof name, "%sattention.output.LayerNorm", prefix);
  status = get_layer_norm(weights, name, hidden, &layer->attention_norm, err);
  if (status != KOE_OK) return status;
  snprintf(name, sizeof name, "%soutput.LayerNorm", prefix);
  return get_layer_norm(weights, name, hidden, &layer->output_norm, err);
}

koe_status koe_encoder_open(const koe_config *config, koe_weights *weights,
                            const koe_kernels *kernels, const koe_int8_kernels *int8,
                            koe_encoder **out, koe_error *err) {
  *out = NULL;
  koe_encoder *encoder = koe_alloc_zero(1, sizeof *encoder);
  if (encoder == NULL) return koe_fail_nomem(err);
  encoder->vocab_size = (size_t)config->vocab_size;
  encoder->type_vocab_size = (size_t)config->type_vocab_size;
  encoder->max_positions = (size_t)config->max_position_embeddings;
  encoder->embedding_size = (size_t)config->embedding_size;
  encoder->hidden_size = (size_t)config->hidden_size;
  encoder->num_layers = (size_t)config->num_hidden_layers;
  encoder->num_heads = (size_t)config->num_attention_heads;
  encoder->intermediate_size = (size_t)config->intermediate_size;
  encoder->hidden_act = config->hidden_act;
  encoder->layer_norm_eps = config->layer_norm_eps;
  encoder->kernels = kernels;
  encoder->int8 = int8;

  /* Before the fused copies, whose size config.json alone decides: a config that claims more than
   * the file holds fails here. */
  koe_status status = get_embeddings(encoder, weights, err);
  if (status != KOE_OK) goto fail;
  size_t hidden = encoder->hidden_size;
  encoder->layers = koe_alloc_zero(encoder->num_layers, sizeof *encoder->layers);
  if (encoder->layers == NULL) goto no_memory;
  if (int8 == NULL) {
    encoder->fused =
        koe_alloc_aligned(encoder->num_layers, 3 * hidden * (hidden + 1) * sizeof(float));
    if (encoder->fused == NULL) goto no_memory;
  }
  for (size_t i = 0; i < encoder->num_layers; i++) {
    status = get_layer(encoder, weights, i, err);
    if (status != KOE_OK) goto fail;
  }
  *out = encoder;
  return KOE_OK;

no_memory:
  status = koe_fail_nomem(err);
fail:
  koe_encoder_free(encoder);
  return status;
}

void koe_encoder_free(koe_encoder *encoder) {
  if (encoder == NULL) return;
  for (size_t i = 0; encoder->layers != NULL && i < encoder->num_layers; i++) {
    koe_quantized_linear_free(encoder->layers[i].qkv.quantized);
    koe_quantized_linear_free(encoder->layers[i].attention_output.quantized);
    koe_quantized_linear_free(encoder->layers[i].intermediate.quantized);
    koe_quantized_linear_free(encoder->layers[i].output.quantized);
  }
  koe_quantized_linear_free(encoder->embeddings_project.quantized);
  koe_int8_rows_clear(&encoder->words);
  koe_free(encoder->layers);
  koe_free(encoder->fused);
  koe_free(encoder);
}

size_t koe_encoder_bytes(const koe_encoder *encoder) {
  size_t hidden = encoder->hidden_size, words = encoder->vocab_size;
  size_t bytes = sizeof *encoder + encoder->num_layers * sizeof *encoder->layers +
                 koe_quantized_linear_bytes(encoder->embeddings_project.quantized);
  for (size_t i = 0; i < encoder->num_layers; i++) {
    bytes += koe_quantized_linear_bytes(encoder->layers[i].qkv.quantized) +
             koe_quantized_linear_bytes(encoder->layers[i].attention_output.quantized) +
             koe_quantized_linear_bytes(encoder->layers[i].intermediate.quantized) +
             koe_quantized_linear_bytes(encoder->layers[i].output.quantized);
  }
  if (encoder->fused != NULL)
    bytes += encoder->num_layers * 3 * hidden * (hidden + 1) * sizeof(float);
  if (encoder->words.own_values != NULL) bytes += words * (encoder->embedding_size + sizeof(float));
  return bytes;
}

/* The activations of one forward pass, carved out of a scratch. */
typedef struct activations {
  float *hidden;    /* [total, hidden] */
  float *attention; /* [total, hidden] */
  float *projected; /* [total, hidden] */
  float *wide;      /* [total, max(3 · hidden, intermediate, embedding)] */
  float *scores;    /* koe_attention_scratch(longest) */
  void *rounded;    /* what linear layers work in, in int8 */
} activations;

static koe_status reserve(const koe_encoder *encoder, const koe_batch *batch, koe_scratch *scratch,
                          activations *out, koe_error *err) {
  size_t hidden = encoder->hidden_size, wide = 3 * hidden;
  if (wide < encoder->intermediate_size) wide = encoder->intermediate_size;
  if (wide < encoder->embedding_size) wide = encoder->embedding_size;
  /* Sizes are bounded: config.c limits each to 2^20 or so and a batch is a few thousand tokens. */
  size_t scores = koe_attention_scratch(batch->longest, hidden / encoder->num_heads);
  size_t narrow = (batch->total * hidden + 15) & ~(size_t)15; /* keeps each part aligned */
  size_t widest = (batch->total * wide + 15) & ~(size_t)15, rounded = 0;
  if (encoder->int8 != NULL) {
    rounded = koe_quantized_linear_work(encoder->int8, wide, batch->total) / sizeof(float);
  }
  size_t needed = 3 * narrow + widest + scores + rounded;
  koe_status status = koe_scratch_reserve(scratch, needed, err);
  if (status != KOE_OK) return status;
  out->hidden = scratch->floats;
  out->attention = out->hidden + narrow;
  out->projected = out->attention + narrow;
  out->scores = out->projected + narrow;
  out->wide = out->scores + scores;
  out->rounded = out->wide + widest;
  return KOE_OK;
}

/* out [columns] = the embedding of one word. */
static void embed_word(const koe_encoder *encoder, size_t id, float *out) {
  size_t width = encoder->embedding_size;
  if (encoder->int8 == NULL) {
    memcpy(out, encoder->word_embeddings + id * width, width * sizeof *out);
  } else {
    koe_dequantize(encoder->words.values + id * width, encoder->words.scales + id, 1, width, out);
  }
}

/* out [total, embedding] = word + position + token type embeddings. */
static void embed_tokens(const koe_encoder *encoder, const koe_batch *batch, float *out) {
  size_t width = encoder->embedding_size;
  for (size_t s = 0; s < batch->sequences; s++) {
    for (size_t t = batch->starts[s]; t < batch->starts[s + 1]; t++) {
      const float *position = encoder->position_embeddings + (t - batch->starts[s]) * width;
      const float *type = encoder->token_type_embeddings + (size_t)batch->token_type_ids[t] * width;
      float *out_t = out + t * width;
      embed_word(encoder, (size_t)batch->token_ids[t], out_t);
      for (size_t c = 0; c < width; c++)
        out_t[c] = out_t[c] + position[c] + type[c];
    }
  }
}

/* y [rows, out_features] = x · weightᵀ, + bias if `add_bias`, in the encoder's precision.
 *   x [rows, in_features] */
static void forward_linear(const koe_encoder *encoder, const koe_linear *linear, const float *x,
                           size_t rows, bool add_bias, const activations *a, float *y) {
  if (linear->quantized != NULL) {
    koe_quantized_linear_forward(linear->quantized, encoder->int8, x, rows, add_bias, a->rounded,
                                 y);
    return;
  }
  koe_linear_forward(linear, x, linear->in_features, rows, y);
  if (add_bias) encoder->kernels->add_bias(y, linear->bias, rows, linear->out_features);
}

static void forward_embeddings(const koe_encoder *encoder, const koe_batch *batch,
                               const activations *a) {
  const koe_linear *project = &encoder->embeddings_project;
  float *embedded = project->bias != NULL ? a->wide : a->hidden;
  embed_tokens(encoder, batch, embedded);
  encoder->kernels->add_layer_norm(embedded, NULL, NULL, encoder->embeddings_norm.gamma,
                                   encoder->embeddings_norm.beta, encoder->layer_norm_eps,
                                   batch->total, encoder->embedding_size, embedded);
  if (project->bias == NULL) return;
  forward_linear(encoder, project, embedded, batch->total, true, a, a->hidden);
}

/* A layer after its attention, for tokens [first, first + rows): projection and feed-forward
 * network, each with its residual and LayerNorm. */
static void forward_tokens(const koe_encoder *encoder, const koe_encoder_layer *layer, size_t first,
                           size_t rows, const activations *a) {
  const koe_kernels *kernels = encoder->kernels;
  size_t width = encoder->hidden_size;
  float *hidden = a->hidden + first * width;

  forward_linear(encoder, &layer->attention_output, a->attention + first * width, rows, false, a,
                 a->projected);
  kernels->add_layer_norm(a->projected, layer->attention_output.bias, hidden,
                          layer->attention_norm.gamma, layer->attention_norm.beta,
                          encoder->layer_norm_eps, rows, width, hidden);

  forward_linear(encoder, &layer->intermediate, hidden, rows, false, a, a->wide);
  kernels->bias_activation(a->wide, layer->intermediate.bias, encoder->hidden_act, rows,
                           encoder->intermediate_size);
  forward_linear(encoder, &layer->output, a->wide, rows, false, a, a->projected);
  kernels->add_layer_norm(a->projected, layer->output.bias, hidden, layer->output_norm.gamma,
                          layer->output_norm.beta, encoder->layer_norm_eps, rows, width, hidden);
}

static void forward_layer(const koe_encoder *encoder, const koe_encoder_layer *layer,
                          const koe_batch *batch, const activations *a) {
  size_t total = batch->total, block = encoder->int8 != NULL ? BLOCK_TOKENS : total;
  forward_linear(encoder, &layer->qkv, a->hidden, total, true, a, a->wide);
  koe_attention_forward(encoder->kernels, a->wide, batch, encoder->hidden_size, encoder->num_heads,
                        a->attention, a->scores);
  for (size_t first = 0; first < total; first += block) {
    size_t rows = total - first < block ? total - first : block;
    forward_tokens(encoder, layer, first, rows, a);
  }
}

static koe_status check_batch(const koe_encoder *encoder, const koe_batch *batch, koe_error *err) {
  if (batch->longest > encoder->max_positions) {
    return koe_fail(err, KOE_TOO_LONG, "a sequence of %zu tokens: the model has %zu positions",
                    batch->longest, encoder->max_positions);
  }
  for (size_t t = 0; t < batch->total; t++) {
    if (batch->token_ids[t] < 0 || (size_t)batch->token_ids[t] >= encoder->vocab_size) {
      return koe_fail(err, KOE_INVALID, "token id %d: the model has %zu words",
                      (int)batch->token_ids[t], encoder->vocab_size);
    }
    if (batch->token_type_ids[t] < 0 ||
        (size_t)batch->token_type_ids[t] >= encoder->type_vocab_size) {
      return koe_fail(err, KOE_UNSUPPORTED, "token type %d: the model has %zu, so reads no pairs",
                      (int)batch->token_type_ids[t], encoder->type_vocab_size);
    }
  }
  return KOE_OK;
}

koe_status koe_encoder_forward(const koe_encoder *encoder, const koe_batch *batch,
                               koe_scratch *scratch, const float **out, koe_error *err) {
  activations a;
  koe_status status = check_batch(encoder, batch, err);
  if (status == KOE_OK) status = reserve(encoder, batch, scratch, &a, err);
  if (status != KOE_OK) return status;
  forward_embeddings(encoder, batch, &a);
  for (size_t i = 0; i < encoder->num_layers; i++) {
    forward_layer(encoder, &encoder->layers[i], batch, &a);
  }
  *out = a.hidden;
  return KOE_OK;
}
