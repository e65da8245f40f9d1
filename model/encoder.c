#include "encoder.h"

#include "attention.h"
#include "memory.h"

#include <stdio.h>
#include <string.h>

static koe_status get_layer_norm(koe_weights *weights, const char *name, size_t columns,
                                 koe_layer_norm *out, koe_error *err) {
  char full[192];
  snprintf(full, sizeof full, "%s.weight", name);
  koe_status status = koe_weights_get(weights, full, columns, 0, &out->gamma, err);
  if (status != KOE_OK) return status;
  snprintf(full, sizeof full, "%s.bias", name);
  return koe_weights_get(weights, full, columns, 0, &out->beta, err);
}

static koe_status get_embeddings(koe_encoder *encoder, koe_weights *weights, koe_error *err) {
  size_t width = encoder->embedding_size;
  const struct {
    const char *name;
    size_t rows;
    const float **out;
  } tables[] = {
      {"word_embeddings", encoder->vocab_size, &encoder->word_embeddings},
      {"position_embeddings", encoder->max_positions, &encoder->position_embeddings},
      {"token_type_embeddings", encoder->type_vocab_size, &encoder->token_type_embeddings},
  };
  char name[192];
  for (size_t i = 0; i < sizeof tables / sizeof tables[0]; i++) {
    snprintf(name, sizeof name, "%sembeddings.%s.weight", weights->prefix, tables[i].name);
    koe_status status = koe_weights_get(weights, name, tables[i].rows, width, tables[i].out, err);
    if (status != KOE_OK) return status;
  }
  snprintf(name, sizeof name, "%sembeddings.LayerNorm", weights->prefix);
  koe_status status = get_layer_norm(weights, name, width, &encoder->embeddings_norm, err);
  if (status != KOE_OK || width == encoder->hidden_size) return status;
  snprintf(name, sizeof name, "%sembeddings_project", weights->prefix);
  return koe_weights_linear(weights, name, width, encoder->hidden_size,
                            &encoder->embeddings_project, err);
}

/* Copies query, key and value of one layer into one matrix, so that the hidden states are read once
 * for all three. */
static koe_status fuse_qkv(koe_weights *weights, const char *prefix, size_t hidden, float *fused,
                           koe_linear *out, koe_error *err) {
  static const char *const names[3] = {"query", "key", "value"};
  float *weight = fused, *bias = fused + 3 * hidden * hidden;
  for (size_t i = 0; i < 3; i++) {
    char name[192];
    koe_linear part;
    snprintf(name, sizeof name, "%sattention.self.%s", prefix, names[i]);
    koe_status status = koe_weights_linear(weights, name, hidden, hidden, &part, err);
    if (status != KOE_OK) return status;
    memcpy(weight + i * hidden * hidden, part.weight, hidden * hidden * sizeof *weight);
    memcpy(bias + i * hidden, part.bias, hidden * sizeof *bias);
  }
  *out = (koe_linear){weight, bias, hidden, 3 * hidden};
  return KOE_OK;
}

static koe_status get_layer(koe_encoder *encoder, koe_weights *weights, size_t index,
                            koe_error *err) {
  koe_encoder_layer *layer = &encoder->layers[index];
  size_t hidden = encoder->hidden_size, wide = encoder->intermediate_size;
  float *fused = encoder->fused + index * 3 * hidden * (hidden + 1);
  char prefix[96];
  snprintf(prefix, sizeof prefix, "%sencoder.layer.%zu.", weights->prefix, index);
  koe_status status = fuse_qkv(weights, prefix, hidden, fused, &layer->qkv, err);
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
        koe_weights_linear(weights, name, linears[i].in, linears[i].out, linears[i].linear, err);
    if (status != KOE_OK) return status;
  }
  snprintf(name, sizeof name, "%sattention.output.LayerNorm", prefix);
  status = get_layer_norm(weights, name, hidden, &layer->attention_norm, err);
  if (status != KOE_OK) return status;
  snprintf(name, sizeof name, "%soutput.LayerNorm", prefix);
  return get_layer_norm(weights, name, hidden, &layer->output_norm, err);
}

koe_status koe_encoder_open(const koe_config *config, koe_weights *weights,
                            const koe_kernels *kernels, koe_encoder **out, koe_error *err) {
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

  /* Before the fused copies, whose size config.json alone decides: a config that claims more than
   * the file holds fails here. */
  koe_status status = get_embeddings(encoder, weights, err);
  if (status != KOE_OK) goto fail;
  size_t hidden = encoder->hidden_size;
  encoder->layers = koe_alloc_zero(encoder->num_layers, sizeof *encoder->layers);
  encoder->fused =
      koe_alloc_aligned(encoder->num_layers, 3 * hidden * (hidden + 1) * sizeof(float));
  if (encoder->layers == NULL || encoder->fused == NULL) {
    status = koe_fail_nomem(err);
    goto fail;
  }
  for (size_t i = 0; i < encoder->num_layers; i++) {
    status = get_layer(encoder, weights, i, err);
    if (status != KOE_OK) goto fail;
  }
  *out = encoder;
  return KOE_OK;

fail:
  koe_encoder_free(encoder);
  return status;
}

void koe_encoder_free(koe_encoder *encoder) {
  if (encoder == NULL) return;
  koe_free(encoder->layers);
  koe_free(encoder->fused);
  koe_free(encoder);
}

size_t koe_encoder_bytes(const koe_encoder *encoder) {
  size_t hidden = encoder->hidden_size;
  return sizeof *encoder + encoder->num_layers * (sizeof *encoder->layers +
                                                  3 * hidden * (hidden + 1) * sizeof(float));
}

/* The activations of one forward pass, carved out of a scratch. */
typedef struct activations {
  float *hidden;    /* [total, hidden] */
  float *attention; /* [total, hidden] */
  float *projected; /* [total, hidden] */
  float *wide;      /* [total, max(3 · hidden, intermediate, embedding)] */
  float *scores;    /* koe_attention_scratch(longest) */
} activations;

static koe_status reserve(const koe_encoder *encoder, const koe_batch *batch, koe_scratch *scratch,
                          activations *out, koe_error *err) {
  size_t hidden = encoder->hidden_size, wide = 3 * hidden;
  if (wide < encoder->intermediate_size) wide = encoder->intermediate_size;
  if (wide < encoder->embedding_size) wide = encoder->embedding_size;
  /* Sizes are bounded: config.c limits each to 2^20 or so and a batch is a few thousand tokens. */
  size_t scores = koe_attention_scratch(batch->longest, hidden / encoder->num_heads);
  size_t narrow = (batch->total * hidden + 15) & ~(size_t)15; /* keeps each part aligned */
  size_t needed = 3 * narrow + ((batch->total * wide + 15) & ~(size_t)15) + scores;
  koe_status status = koe_scratch_reserve(scratch, needed, err);
  if (status != KOE_OK) return status;
  out->hidden = scratch->floats;
  out->attention = out->hidden + narrow;
  out->projected = out->attention + narrow;
  out->scores = out->projected + narrow;
  out->wide = out->scores + scores;
  return KOE_OK;
}

/* out [total, embedding] = word + position + token type embeddings. */
static void embed_tokens(const koe_encoder *encoder, const koe_batch *batch, float *out) {
  size_t width = encoder->embedding_size;
  for (size_t s = 0; s < batch->sequences; s++) {
    for (size_t t = batch->starts[s]; t < batch->starts[s + 1]; t++) {
      const float *word = encoder->word_embeddings + (size_t)batch->token_ids[t] * width;
      const float *position = encoder->position_embeddings + (t - batch->starts[s]) * width;
      const float *type = encoder->token_type_embeddings + (size_t)batch->token_type_ids[t] * width;
      float *out_t = out + t * width;
      for (size_t c = 0; c < width; c++)
        out_t[c] = word[c] + position[c] + type[c];
    }
  }
}

static void forward_embeddings(const koe_encoder *encoder, const koe_batch *batch,
                               const activations *a) {
  const koe_linear *project = &encoder->embeddings_project;
  float *embedded = project->weight != NULL ? a->wide : a->hidden;
  embed_tokens(encoder, batch, embedded);
  encoder->kernels->add_layer_norm(embedded, NULL, NULL, encoder->embeddings_norm.gamma,
                                   encoder->embeddings_norm.beta, encoder->layer_norm_eps,
                                   batch->total, encoder->embedding_size, embedded);
  if (project->weight == NULL) return;
  koe_linear_forward(project, embedded, encoder->embedding_size, batch->total, a->hidden);
  encoder->kernels->add_bias(a->hidden, project->bias, batch->total, encoder->hidden_size);
}

static void forward_layer(const koe_encoder *encoder, const koe_encoder_layer *layer,
                          const koe_batch *batch, const activations *a) {
  const koe_kernels *kernels = encoder->kernels;
  size_t total = batch->total, hidden = encoder->hidden_size;
  size_t wide = encoder->intermediate_size;

  koe_linear_forward(&layer->qkv, a->hidden, hidden, total, a->wide);
  kernels->add_bias(a->wide, layer->qkv.bias, total, 3 * hidden);
  koe_attention_forward(kernels, a->wide, batch, hidden, encoder->num_heads, a->attention,
                        a->scores);
  koe_linear_forward(&layer->attention_output, a->attention, hidden, total, a->projected);
  kernels->add_layer_norm(a->projected, layer->attention_output.bias, a->hidden,
                          layer->attention_norm.gamma, layer->attention_norm.beta,
                          encoder->layer_norm_eps, total, hidden, a->hidden);

  koe_linear_forward(&layer->intermediate, a->hidden, hidden, total, a->wide);
  kernels->bias_activation(a->wide, layer->intermediate.bias, encoder->hidden_act, total, wide);
  koe_linear_forward(&layer->output, a->wide, wide, total, a->projected);
  kernels->add_layer_norm(a->projected, layer->output.bias, a->hidden, layer->output_norm.gamma,
                          layer->output_norm.beta, encoder->layer_norm_eps, total, hidden,
                          a->hidden);
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
