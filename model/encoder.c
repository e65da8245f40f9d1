#include "encoder.h"

#include "attention.h"
#include "checkpoint/quantized.h"
#include "memory.h"
#include "packed_linear.h"
#include "parallel.h"
#include "quantized_linear.h"

#include <stdio.h>
#include <string.h>

/* Tokens that go at once through what follows attention: few enough for all that is between to stay
 * in the cache, many enough for the weights to be read seldom. */
enum { BLOCK_TOKENS = 96 };

/* Tokens for each thread that shares a batch, at least: starting it costs more with fewer. */
enum { LEAST_LANE_TOKENS = 64 };

/* Floats between the rows of the feed-forward network's middle.  Widths are powers of two, whose
 * rows would all compete for one set of the first-level cache. */
enum { ROW_GAP = 16 };

static koe_status get_layer_norm(koe_weights *weights, const char *name, size_t columns,
                                 koe_layer_norm *out, koe_error *err) {
  char full[192];
  snprintf(full, sizeof full, "%s.weight", name);
  koe_status status = koe_weights_get(weights, full, columns, 0, &out->gamma, err);
  if (status != KOE_OK) return status;
  snprintf(full, sizeof full, "%s.bias", name);
  return koe_weights_get(weights, full, columns, 0, &out->beta, err);
}

/* Linear layers one below the other, as one, in the encoder's precision. */
static koe_status get_linear(const koe_encoder *encoder, koe_weights *weights,
                             const char *const *names, size_t parts, size_t in, size_t out,
                             koe_linear *linear, koe_error *err) {
  return encoder->int8 != NULL
             ? koe_quantized_linear_open(weights, names, parts, in, out, linear, err)
             : koe_packed_linear_open(weights, names, parts, in, out, linear, err);
}

static koe_status get_words(koe_encoder *encoder, koe_weights *weights, const char *name,
                            koe_error *err) {
  size_t words = encoder->vocab_size, width = encoder->embedding_size;
  if (encoder->int8 == NULL) {
    return koe_weights_matrix(weights, name, words, width, &encoder->word_embeddings, err);
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
  const char *project = name;
  return get_linear(encoder, weights, &project, 1, width, encoder->hidden_size,
                    &encoder->embeddings_project, err);
}

/* Query, key and value of one layer as one, so that the hidden states are read once for all three.
 */
static koe_status get_qkv(const koe_encoder *encoder, koe_weights *weights, const char *prefix,
                          koe_linear *out, koe_error *err) {
  static const char *const parts[3] = {"query", "key", "value"};
  size_t hidden = encoder->hidden_size;
  char names[3][192];
  const char *const pointers[3] = {names[0], names[1], names[2]};
  for (size_t i = 0; i < 3; i++)
    snprintf(names[i], sizeof names[i], "%sattention.self.%s", prefix, parts[i]);
  return get_linear(encoder, weights, pointers, 3, hidden, 3 * hidden, out, err);
}

static koe_status get_layer(koe_encoder *encoder, koe_weights *weights, size_t index,
                            koe_error *err) {
  koe_encoder_layer *layer = &encoder->layers[index];
  size_t hidden = encoder->hidden_size, wide = encoder->intermediate_size;
  char prefix[96];
  snprintf(prefix, sizeof prefix, "%sencoder.layer.%zu.", weights->prefix, index);
  koe_status status = get_qkv(encoder, weights, prefix, &layer->qkv, err);
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
    const char *dense = name;
    snprintf(name, sizeof name, "%s%s", prefix, linears[i].name);
    status = get_linear(encoder, weights, &dense, 1, linears[i].in, linears[i].out,
                        linears[i].linear, err);
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

  koe_status status = get_embeddings(encoder, weights, err);
  if (status != KOE_OK) goto fail;
  encoder->layers = koe_alloc_zero(encoder->num_layers, sizeof *encoder->layers);
  if (encoder->layers == NULL) goto no_memory;
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

static void free_linear(koe_linear *linear) {
  koe_quantized_linear_free(linear->quantized);
  koe_packed_linear_free(linear->packed);
}

void koe_encoder_free(koe_encoder *encoder) {
  if (encoder == NULL) return;
  for (size_t i = 0; encoder->layers != NULL && i < encoder->num_layers; i++) {
    free_linear(&encoder->layers[i].qkv);
    free_linear(&encoder->layers[i].attention_output);
    free_linear(&encoder->layers[i].intermediate);
    free_linear(&encoder->layers[i].output);
  }
  free_linear(&encoder->embeddings_project);
  koe_int8_rows_clear(&encoder->words);
  koe_free(encoder->layers);
  koe_free(encoder);
}

static size_t linear_bytes(const koe_linear *linear) {
  return koe_quantized_linear_bytes(linear->quantized) + koe_packed_linear_bytes(linear->packed);
}

size_t koe_encoder_bytes(const koe_encoder *encoder) {
  size_t bytes = sizeof *encoder + encoder->num_layers * sizeof *encoder->layers +
                 linear_bytes(&encoder->embeddings_project);
  for (size_t i = 0; i < encoder->num_layers; i++) {
    bytes +=
        linear_bytes(&encoder->layers[i].qkv) + linear_bytes(&encoder->layers[i].attention_output) +
        linear_bytes(&encoder->layers[i].intermediate) + linear_bytes(&encoder->layers[i].output);
  }
  if (encoder->words.own_values != NULL)
    bytes += encoder->vocab_size * (encoder->embedding_size + sizeof(float));
  return bytes;
}

/* The activations of one forward pass, carved out of a scratch.  A lane is a thread's share of the
 * tokens and of the heads; what is its own is `lane_floats` from the next one's. */
typedef struct activations {
  size_t lanes;
  size_t lane_floats;
  float *hidden;    /* [total, hidden] */
  float *attention; /* [total, hidden] */
  float *wide;      /* [total, max(3 · hidden, embedding)] */
  float *projected; /* a lane's own from here: [block, hidden] */
  float *middle;    /* [block, intermediate + ROW_GAP] */
  float *scores;    /* koe_attention_scratch(longest) */
  void *work;       /* what linear layers need */
} activations;

/* Sizes are bounded: config.c limits each to 2^20 or so and a batch is a few thousand tokens. */
static koe_status reserve(const koe_encoder *encoder, const koe_batch *batch, size_t threads,
                          koe_scratch *scratch, activations *out, koe_error *err) {
  size_t hidden = encoder->hidden_size, total = batch->total;
  size_t lanes = total / LEAST_LANE_TOKENS < threads ? total / LEAST_LANE_TOKENS : threads;
  if (lanes > encoder->num_heads) lanes = encoder->num_heads;
  if (lanes < 1) lanes = 1;
  size_t widest = 3 * hidden; /* of what goes into a linear layer, or comes out of one */
  if (widest < encoder->intermediate_size) widest = encoder->intermediate_size;
  if (widest < encoder->embedding_size) widest = encoder->embedding_size;
  size_t wide = 3 * hidden > encoder->embedding_size ? 3 * hidden : encoder->embedding_size;
  size_t block = total < BLOCK_TOKENS ? total : BLOCK_TOKENS;
  size_t work = encoder->int8 != NULL
                    ? koe_quantized_linear_work(encoder->int8, widest, total) / sizeof(float)
                    : koe_packed_linear_work(widest);
  const struct {
    float **part;
    size_t count;
  } parts[] = {
      {&out->hidden, total * hidden},
      {&out->attention, total * hidden},
      {&out->wide, total * wide + KOE_PANEL}, /* attention may read as much beyond */
      {&out->projected, block * hidden},
      {&out->middle, block * (encoder->intermediate_size + ROW_GAP)},
      {&out->scores, koe_attention_scratch(batch->longest, hidden / encoder->num_heads)},
      {(float **)&out->work, work},
  };
  enum { SHARED = 3, PARTS = sizeof parts / sizeof parts[0] };
  size_t starts[PARTS + 1] = {0};
  for (size_t i = 0; i < PARTS; i++) /* keeps each part aligned */
    starts[i + 1] = starts[i] + ((parts[i].count + 15) & ~(size_t)15);
  out->lanes = lanes;
  out->lane_floats = starts[PARTS] - starts[SHARED];
  size_t needed = starts[PARTS] + (lanes - 1) * out->lane_floats;
  koe_status status = koe_scratch_reserve(scratch, needed, err);
  for (size_t i = 0; i < PARTS && status == KOE_OK; i++)
    *parts[i].part = scratch->floats + starts[i];
  return status;
}

/* out [columns] = the embedding of one word. */
static void embed_word(const koe_encoder *encoder, size_t id, float *out) {
  size_t width = encoder->embedding_size;
  if (encoder->int8 == NULL) {
    koe_matrix_read(&encoder->word_embeddings, id, 0, width, out);
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
    koe_quantized_linear_forward(linear->quantized, encoder->int8, x, rows, add_bias, a->work, y);
    return;
  }
  koe_epilogue epilogue = {.bias = add_bias ? linear->bias : NULL};
  koe_packed_linear_forward(linear->packed, encoder->kernels, x, linear->in_features, rows,
                            &epilogue, a->work, y, linear->out_features);
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

/* y [rows, hidden] = the feed-forward network of x [rows, hidden], without its last bias. */
static void feed_forward(const koe_encoder *encoder, const koe_encoder_layer *layer, const float *x,
                         size_t rows, const activations *a, float *y) {
  size_t hidden = encoder->hidden_size, wide = encoder->intermediate_size;
  const koe_linear *first = &layer->intermediate, *second = &layer->output;
  if (encoder->int8 != NULL) {
    forward_linear(encoder, first, x, rows, false, a, a->middle);
    encoder->kernels->bias_activation(a->middle, first->bias, encoder->hidden_act, rows, wide);
    forward_linear(encoder, second, a->middle, rows, false, a, y);
    return;
  }
  koe_epilogue activate = {first->bias, true, encoder->hidden_act}, none = {0};
  koe_packed_linear_forward(first->packed, encoder->kernels, x, hidden, rows, &activate, a->work,
                            a->middle, wide + ROW_GAP);
  koe_packed_linear_forward(second->packed, encoder->kernels, a->middle, wide + ROW_GAP, rows,
                            &none, a->work, y, hidden);
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

  feed_forward(encoder, layer, hidden, rows, a, a->projected);
  kernels->add_layer_norm(a->projected, layer->output.bias, hidden, layer->output_norm.gamma,
                          layer->output_norm.beta, encoder->layer_norm_eps, rows, width, hidden);
}

/* What the lanes of a forward pass share. */
typedef struct pass {
  const koe_encoder *encoder;
  const koe_batch *batch;
  const activations *a;
  size_t layer; /* under way */
} pass;

static activations of_lane(const activations *a, size_t lane) {
  activations own = *a;
  size_t skipped = lane * a->lane_floats;
  own.projected += skipped;
  own.middle += skipped;
  own.scores += skipped;
  own.work = (float *)a->work + skipped;
  return own;
}

/* A lane's tokens, up to the next attention: the rest of the layer before, then query, key and
 * value of this one.  Rows do not depend on one another. */
static koe_status forward_rows(void *context, size_t lane, koe_error *err) {
  const pass *p = context;
  const koe_encoder *encoder = p->encoder;
  const activations a = of_lane(p->a, lane);
  size_t begin = p->batch->total * lane / a.lanes, end = p->batch->total * (lane + 1) / a.lanes;
  (void)err;
  for (size_t first = begin; first < end && p->layer > 0; first += BLOCK_TOKENS) {
    size_t rows = end - first < BLOCK_TOKENS ? end - first : BLOCK_TOKENS;
    forward_tokens(encoder, &encoder->layers[p->layer - 1], first, rows, &a);
  }
  if (p->layer == encoder->num_layers) return KOE_OK;
  const koe_linear *qkv = &encoder->layers[p->layer].qkv;
  forward_linear(encoder, qkv, a.hidden + begin * qkv->in_features, end - begin, true, &a,
                 a.wide + begin * qkv->out_features);
  return KOE_OK;
}

/* A lane's heads. */
static koe_status forward_heads(void *context, size_t lane, koe_error *err) {
  const pass *p = context;
  const activations a = of_lane(p->a, lane);
  size_t heads = p->encoder->num_heads;
  (void)err;
  koe_attention_forward(p->encoder->kernels, a.wide, p->batch, p->encoder->hidden_size, heads,
                        heads * lane / a.lanes, heads * (lane + 1) / a.lanes, a.attention,
                        a.scores);
  return KOE_OK;
}

/* Packs a layer's weights if this is its first use. */
static koe_status prepare_layer(koe_encoder_layer *layer, koe_error *err) {
  koe_linear *linears[] = {&layer->qkv, &layer->attention_output, &layer->intermediate,
                           &layer->output};
  koe_status status = KOE_OK;
  for (size_t i = 0; i < sizeof linears / sizeof linears[0] && status == KOE_OK; i++)
    status = koe_packed_linear_prepare(linears[i]->packed, err);
  return status;
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

koe_status koe_encoder_forward(const koe_encoder *encoder, const koe_batch *batch, size_t threads,
                               koe_scratch *scratch, const float **out, koe_error *err) {
  activations a;
  koe_status status = check_batch(encoder, batch, err);
  if (status == KOE_OK) status = reserve(encoder, batch, threads, scratch, &a, err);
  if (status != KOE_OK) return status;
  if (encoder->embeddings_project.packed != NULL)
    status = koe_packed_linear_prepare(encoder->embeddings_project.packed, err);
  if (status != KOE_OK) return status;
  forward_embeddings(encoder, batch, &a);
  pass p = {encoder, batch, &a, 0};
  for (; p.layer < encoder->num_layers; p.layer++) {
    if (encoder->int8 == NULL) status = prepare_layer(&encoder->layers[p.layer], err);
    if (status == KOE_OK) status = koe_parallel(a.lanes, a.lanes, forward_rows, &p, err);
    if (status == KOE_OK) status = koe_parallel(a.lanes, a.lanes, forward_heads, &p, err);
    if (status != KOE_OK) return status;
  }
  *out = a.hidden;
  return koe_parallel(a.lanes, a.lanes, forward_rows, &p, err);
}
