/* The encoder's backward pass. */
#include "layers.h"

/* Working memory of a backward pass. */
typedef struct workspace {
  float *narrow; /* [total, hidden] */
  float *wide;   /* [total, max(3 · hidden, intermediate, embedding)] */
  float *square; /* [2 · longest²] */
} workspace;

static koe_status take_workspace(const koe_trained_encoder *encoder, const koe_batch *batch,
                                 koe_arena *arena, workspace *out, koe_error *err) {
  size_t hidden = encoder->hidden_size, wide = 3 * hidden;
  if (wide < encoder->intermediate_size) wide = encoder->intermediate_size;
  if (wide < encoder->embedding_size) wide = encoder->embedding_size;
  koe_status status = koe_arena_take(arena, batch->total, hidden, &out->narrow, err);
  if (status == KOE_OK) status = koe_arena_take(arena, batch->total, wide, &out->wide, err);
  if (status == KOE_OK) {
    status = koe_arena_take(arena, 2 * batch->longest, batch->longest, &out->square, err);
  }
  return status;
}

/* Through y = layer_norm(dropout(x + bias) + residual): turns dhidden from the gradient of y into
 * that of the residual, and writes that of x to dx [total, hidden]. */
static void backward_norm(const koe_trained_encoder *encoder, const float *values,
                          const koe_trained_norm *norm, size_t bias, const float *normalized,
                          const float *inverse, koe_dropout dropout, size_t total, float *dhidden,
                          float *dx, float *gradients) {
  const koe_loops *loops = encoder->loops;
  size_t hidden = encoder->hidden_size;
  loops->layer_norm_backward(dhidden, normalized, inverse, values + norm->gamma, total, hidden,
                             gradients + norm->gamma, gradients + norm->beta);
  loops->dropout(dhidden, dropout, 0, total * hidden, dx);
  loops->add_columns(dx, total, hidden, gradients + bias);
}

/* dhidden [total, hidden]: from the gradient of the layer's output to that of its input. */
static void backward_layer(const koe_trained_encoder *encoder, const float *values, size_t index,
                           const koe_activations *all, const workspace *work, float *dhidden,
                           float *gradients) {
  const koe_trained_layer *layer = &encoder->layers[index];
  const koe_layer_activations *a = &all->layers[index];
  const koe_loops *loops = encoder->loops;
  const koe_dropout_plan *plan = &all->dropout;
  koe_products products = koe_products_of(encoder, all);
  uint64_t site = KOE_SITE_LAYERS + index * KOE_SITES_PER_LAYER;
  size_t total = all->batch->total;

  backward_norm(encoder, values, &layer->output_norm, layer->output.bias, a->normalized, a->inverse,
                koe_dropout_at(plan, site + 2, plan->hidden), total, dhidden, work->narrow,
                gradients);
  koe_trained_linear_backward(&layer->output, values, products, work->narrow, a->activated, total,
                              0, work->wide, gradients);
  loops->activation_backward(work->wide, a->wide, encoder->hidden_act, total,
                             encoder->intermediate_size, gradients + layer->intermediate.bias);
  koe_trained_linear_backward(&layer->intermediate, values, products, work->wide, a->attended,
                              total, 1, dhidden, gradients);

  backward_norm(encoder, values, &layer->attention_norm, layer->attention_output.bias,
                a->attention_normalized, a->attention_inverse,
                koe_dropout_at(plan, site + 1, plan->hidden), total, dhidden, work->narrow,
                gradients);
  /* The context is read for the last time here: its gradient takes its place. */
  koe_trained_linear_backward(&layer->attention_output, values, products, work->narrow, a->context,
                              total, 0, a->context, gradients);
  koe_trained_attention_backward(encoder, a->context, a->qkv, a->probabilities, all->batch,
                                 koe_dropout_at(plan, site, plan->attention), work->square,
                                 work->wide);
  koe_trained_linear_backward_bias(&layer->qkv, values, loops, products, work->wide, a->input,
                                   total, 1, dhidden, gradients);
}

/* dhidden: the gradient of the first layer's input. */
static void backward_embeddings(const koe_trained_encoder *encoder, const float *values,
                                const koe_activations *a, const workspace *work, float *dhidden,
                                float *gradients) {
  const koe_loops *loops = encoder->loops;
  const koe_trained_norm *norm = &encoder->embeddings_norm;
  size_t total = a->batch->total, width = encoder->embedding_size;
  float *dembedded = dhidden;
  if (encoder->embeddings_project.out_features != 0) {
    dembedded = work->wide;
    koe_trained_linear_backward_bias(&encoder->embeddings_project, values, loops,
                                     koe_products_of(encoder, a), dhidden, a->embedded, total, 0,
                                     dembedded, gradients);
  }
  loops->dropout(dembedded, koe_dropout_at(&a->dropout, KOE_SITE_EMBEDDINGS, a->dropout.hidden), 0,
                 total * width, dembedded);
  loops->layer_norm_backward(dembedded, a->embeddings_normalized, a->embeddings_inverse,
                             values + norm->gamma, total, width, gradients + norm->gamma,
                             gradients + norm->beta);
  koe_trained_tables_backward(encoder, dembedded, a->batch, gradients);
}

koe_status koe_trained_encoder_backward(const koe_trained_encoder *encoder, const float *values,
                                        const koe_activations *a, float *dhidden, koe_arena *arena,
                                        float *gradients, koe_error *err) {
  workspace work;
  koe_status status = take_workspace(encoder, a->batch, arena, &work, err);
  if (status != KOE_OK) return status;
  for (size_t i = encoder->num_layers; i-- > 0;)
    backward_layer(encoder, values, i, a, &work, dhidden, gradients);
  backward_embeddings(encoder, values, a, &work, dhidden, gradients);
  return KOE_OK;
}
