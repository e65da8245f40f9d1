/* The encoder's forward pass in training. */
#include "layers.h"

#include <string.h>

static koe_status check_batch(const koe_trained_encoder *encoder, const koe_batch *batch,
                              koe_error *err) {
  if (batch->longest > encoder->max_positions) {
    return koe_fail(err, KOE_TOO_LONG, "a sequence of %zu tokens: the model has %zu positions",
                    batch->longest, encoder->max_positions);
  }
  for (size_t t = 0; t < batch->total; t++) {
    int32_t id = batch->token_ids[t], type = batch->token_type_ids[t];
    if (id < 0 || (size_t)id >= encoder->vocab_size) {
      return koe_fail(err, KOE_INVALID, "token id %d: the model has %zu words", (int)id,
                      encoder->vocab_size);
    }
    if (type < 0 || (size_t)type >= encoder->type_vocab_size) {
      return koe_fail(err, KOE_INVALID, "token type %d: the model has %zu, so reads no pairs",
                      (int)type, encoder->type_vocab_size);
    }
  }
  return KOE_OK;
}

static koe_status take_layer(const koe_trained_encoder *encoder, const koe_batch *batch,
                             koe_arena *arena, koe_layer_activations *a, koe_error *err) {
  size_t total = batch->total, hidden = encoder->hidden_size, wide = encoder->intermediate_size;
  const struct {
    float **out;
    size_t rows, columns;
  } arrays[] = {
      {&a->qkv, total, 3 * hidden},
      {&a->probabilities, koe_attention_probabilities(batch, encoder->num_heads), 1},
      {&a->context, total, hidden},
      {&a->attention_normalized, total, hidden},
      {&a->attention_inverse, total, 1},
      {&a->attended, total, hidden},
      {&a->wide, total, wide},
      {&a->activated, total, wide},
      {&a->normalized, total, hidden},
      {&a->inverse, total, 1},
      {&a->output, total, hidden},
  };
  for (size_t i = 0; i < sizeof arrays / sizeof arrays[0]; i++) {
    koe_status status =
        koe_arena_take(arena, arrays[i].rows, arrays[i].columns, arrays[i].out, err);
    if (status != KOE_OK) return status;
  }
  return KOE_OK;
}

/* The arena holds floats; a record of pointers takes a few of them. */
static koe_status take_records(const koe_trained_encoder *encoder, koe_arena *arena,
                               koe_activations *a, koe_error *err) {
  float *floats;
  size_t floats_each = (sizeof *a->layers + sizeof(float) - 1) / sizeof(float);
  koe_status status = koe_arena_take(arena, encoder->num_layers, floats_each, &floats, err);
  a->layers = (void *)floats;
  return status;
}

/* Table rows summed, normalized, dropped out, and projected to [total, hidden] where the widths
 * differ. */
static koe_status forward_embeddings(const koe_trained_encoder *encoder, const float *values,
                                     koe_arena *arena, koe_activations *a, koe_error *err) {
  size_t total = a->batch->total, width = encoder->embedding_size;
  koe_status status = koe_arena_take(arena, total, width, &a->embedded, err);
  if (status == KOE_OK)
    status = koe_arena_take(arena, total, width, &a->embeddings_normalized, err);
  if (status == KOE_OK) status = koe_arena_take(arena, total, 1, &a->embeddings_inverse, err);
  if (status != KOE_OK) return status;
  koe_dropout none = koe_dropout_make(0, 0);
  koe_trained_tables_forward(encoder, values, a->batch, a->embeddings_normalized);
  encoder->loops->layer_norm_forward(
      a->embeddings_normalized, NULL, none, NULL, values + encoder->embeddings_norm.gamma,
      values + encoder->embeddings_norm.beta, encoder->layer_norm_eps, total, width,
      a->embeddings_normalized, a->embeddings_inverse, a->embedded);
  encoder->loops->dropout(a->embedded,
                          koe_dropout_at(&a->dropout, KOE_SITE_EMBEDDINGS, a->dropout.hidden), 0,
                          total * width, a->embedded);
  a->hidden = a->embedded;
  if (encoder->embeddings_project.out_features == 0) return KOE_OK;
  float *projected;
  status = koe_arena_take(arena, total, encoder->hidden_size, &projected, err);
  if (status != KOE_OK) return status;
  koe_trained_linear_forward_bias(&encoder->embeddings_project, values, encoder->kernels,
                                  koe_products_of(encoder, a), a->embedded, total, projected);
  a->hidden = projected;
  return KOE_OK;
}

/* work: [max(total · hidden, longest²)] */
static void forward_layer(const koe_trained_encoder *encoder, const float *values, size_t index,
                          const koe_activations *all, float *work, koe_layer_activations *a) {
  const koe_trained_layer *layer = &encoder->layers[index];
  const koe_loops *loops = encoder->loops;
  size_t total = all->batch->total, hidden = encoder->hidden_size;
  uint64_t site = KOE_SITE_LAYERS + index * KOE_SITES_PER_LAYER;
  const koe_dropout_plan *plan = &all->dropout;
  koe_products products = koe_products_of(encoder, all);

  koe_trained_linear_forward_bias(&layer->qkv, values, encoder->kernels, products, a->input, total,
                                  a->qkv);
  koe_trained_attention_forward(encoder, a->qkv, all->batch,
                                koe_dropout_at(plan, site, plan->attention), a->probabilities, work,
                                a->context);
  koe_trained_linear_forward(&layer->attention_output, values, products, a->context, total, work);
  loops->layer_norm_forward(work, values + layer->attention_output.bias,
                            koe_dropout_at(plan, site + 1, plan->hidden), a->input,
                            values + layer->attention_norm.gamma,
                            values + layer->attention_norm.beta, encoder->layer_norm_eps, total,
                            hidden, a->attention_normalized, a->attention_inverse, a->attended);

  koe_trained_linear_forward(&layer->intermediate, values, products, a->attended, total, a->wide);
  loops->activation_forward(a->wide, values + layer->intermediate.bias, encoder->hidden_act, total,
                            encoder->intermediate_size, a->activated);
  koe_trained_linear_forward(&layer->output, values, products, a->activated, total, work);
  loops->layer_norm_forward(
      work, values + layer->output.bias, koe_dropout_at(plan, site + 2, plan->hidden), a->attended,
      values + layer->output_norm.gamma, values + layer->output_norm.beta, encoder->layer_norm_eps,
      total, hidden, a->normalized, a->inverse, a->output);
}

koe_status koe_trained_encoder_forward(const koe_trained_encoder *encoder, const float *values,
                                       const koe_batch *batch, const koe_dropout_plan *dropout,
                                       koe_arena *arena, koe_activations *a, koe_error *err) {
  float *work;
  size_t work_size = batch->total * encoder->hidden_size;
  if (work_size < batch->longest * batch->longest) work_size = batch->longest * batch->longest;
  memset(a, 0, sizeof *a);
  a->batch = batch;
  a->dropout = *dropout;
  koe_status status = check_batch(encoder, batch, err);
  if (status == KOE_OK) status = take_records(encoder, arena, a, err);
  if (status == KOE_OK) status = koe_arena_take(arena, work_size, 1, &work, err);
  if (status == KOE_OK && encoder->multiply != NULL)
    status = koe_arena_take(arena, KOE_BFLOAT16_SCRATCH, 1, &a->scratch, err);
  if (status == KOE_OK) status = forward_embeddings(encoder, values, arena, a, err);
  for (size_t i = 0; status == KOE_OK && i < encoder->num_layers; i++) {
    status = take_layer(encoder, batch, arena, &a->layers[i], err);
    if (status != KOE_OK) break;
    a->layers[i].input = a->hidden;
    forward_layer(encoder, values, i, a, work, &a->layers[i]);
    a->hidden = a->layers[i].output;
  }
  return status;
}
