#include "heads.h"

#include "layers.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

/* ── parameters ─────────────────────────────────────────────────────────────────────────────────
 */

koe_status koe_head_declare_sequence(koe_parameters *parameters, const char *prefix,
                                     const koe_trained_encoder *encoder, size_t labels,
                                     koe_trained_head *out, koe_error *err) {
  size_t hidden = encoder->hidden_size;
  *out = (koe_trained_head){.rows = KOE_ROWS_FIRST, .dropout = true, .activation = KOE_GELU_ERF};
  koe_status status = koe_trained_linear_declare(parameters, prefix, "classifier.dense", hidden,
                                                 hidden, &out->dense, err);
  if (status != KOE_OK) return status;
  return koe_trained_linear_declare(parameters, prefix, "classifier.out_proj", hidden, labels,
                                    &out->output, err);
}

koe_status koe_head_declare_token(koe_parameters *parameters, const char *prefix,
                                  const koe_trained_encoder *encoder, size_t labels,
                                  koe_trained_head *out, koe_error *err) {
  *out = (koe_trained_head){.rows = KOE_ROWS_ALL, .dropout = true};
  return koe_trained_linear_declare(parameters, prefix, "classifier", encoder->hidden_size, labels,
                                    &out->output, err);
}

koe_status koe_head_declare_answers(koe_parameters *parameters, const char *prefix,
                                    const koe_trained_encoder *encoder, koe_trained_head *out,
                                    koe_error *err) {
  *out = (koe_trained_head){.rows = KOE_ROWS_ALL};
  return koe_trained_linear_declare(parameters, prefix, "qa_outputs", encoder->hidden_size, 2,
                                    &out->output, err);
}

koe_status koe_head_declare_replaced(koe_parameters *parameters, const char *prefix,
                                     const koe_trained_encoder *encoder, koe_trained_head *out,
                                     koe_error *err) {
  size_t hidden = encoder->hidden_size;
  *out = (koe_trained_head){.rows = KOE_ROWS_ALL, .activation = encoder->hidden_act};
  koe_status status = koe_trained_linear_declare(
      parameters, prefix, "discriminator_predictions.dense", hidden, hidden, &out->dense, err);
  if (status != KOE_OK) return status;
  return koe_trained_linear_declare(parameters, prefix,
                                    "discriminator_predictions.dense_prediction", hidden, 1,
                                    &out->output, err);
}

koe_status koe_head_declare_masked(koe_parameters *parameters, const char *prefix,
                                   const koe_trained_encoder *encoder, koe_trained_head *out,
                                   koe_error *err) {
  char name[2 * KOE_PARAMETER_NAME];
  size_t width = encoder->embedding_size;
  *out =
      (koe_trained_head){.rows = KOE_ROWS_SELECTED, .has_norm = true, .activation = KOE_GELU_ERF};
  out->output = (koe_trained_linear){
      .weight = encoder->words, .in_features = width, .out_features = encoder->vocab_size};
  koe_status status = koe_trained_linear_declare(parameters, prefix, "generator_predictions.dense",
                                                 encoder->hidden_size, width, &out->dense, err);
  if (status != KOE_OK) return status;
  status = koe_trained_norm_declare(parameters, prefix, "generator_predictions.LayerNorm", width,
                                    &out->norm, err);
  if (status != KOE_OK) return status;
  snprintf(name, sizeof name, "%sgenerator_lm_head.bias", prefix);
  return koe_parameters_add(parameters, name, encoder->vocab_size, 0, KOE_INITIAL_ZERO,
                            &out->output.bias, err);
}

/* ── passes ─────────────────────────────────────────────────────────────────────────────────────
 */

/* Heads have few rows, and what they compute is what is measured. */
static const koe_products in_float32 = {0};

enum { SITE_ROWS = KOE_SITE_HEAD, SITE_ACTIVATION };

static koe_dropout dropout_at(const koe_trained_head *head, const koe_activations *a,
                              uint64_t site) {
  return koe_dropout_at(&a->dropout, site, head->dropout ? a->dropout.hidden : 0);
}

/* The token of row `r`. */
static size_t token_of(const koe_trained_head *head, const koe_activations *a,
                       const koe_head_pass *pass, size_t r) {
  if (head->rows == KOE_ROWS_ALL) return r;
  return head->rows == KOE_ROWS_FIRST ? a->batch->starts[r] : pass->selected[r];
}

static koe_status forward_rows(const koe_trained_encoder *encoder, const koe_trained_head *head,
                               const koe_activations *a, koe_arena *arena, koe_head_pass *pass,
                               koe_error *err) {
  size_t hidden = encoder->hidden_size;
  koe_status status = koe_arena_take(arena, pass->rows, hidden, &pass->input, err);
  if (status != KOE_OK) return status;
  for (size_t r = 0; r < pass->rows; r++) {
    memcpy(pass->input + r * hidden, a->hidden + token_of(head, a, pass, r) * hidden,
           hidden * sizeof(float));
  }
  encoder->loops->dropout(pass->input, dropout_at(head, a, SITE_ROWS), 0, pass->rows * hidden,
                          pass->input);
  return KOE_OK;
}

static koe_status forward_dense(const koe_trained_encoder *encoder, const koe_trained_head *head,
                                const float *values, const koe_activations *a, koe_arena *arena,
                                koe_head_pass *pass, koe_error *err) {
  const koe_loops *loops = encoder->loops;
  size_t rows = pass->rows, width = head->dense.out_features;
  koe_status status = koe_arena_take(arena, rows, width, &pass->wide, err);
  if (status == KOE_OK) status = koe_arena_take(arena, rows, width, &pass->activated, err);
  if (status != KOE_OK) return status;
  koe_trained_linear_forward(&head->dense, values, in_float32, pass->input, rows, pass->wide);
  loops->activation_forward(pass->wide, values + head->dense.bias, head->activation, rows, width,
                            pass->activated);
  loops->dropout(pass->activated, dropout_at(head, a, SITE_ACTIVATION), 0, rows * width,
                 pass->activated);
  if (!head->has_norm) return KOE_OK;
  status = koe_arena_take(arena, rows, width, &pass->normalized, err);
  if (status == KOE_OK) status = koe_arena_take(arena, rows, 1, &pass->inverse, err);
  if (status != KOE_OK) return status;
  loops->layer_norm_forward(pass->activated, NULL, koe_dropout_make(0, 0), NULL,
                            values + head->norm.gamma, values + head->norm.beta,
                            encoder->layer_norm_eps, rows, width, pass->normalized, pass->inverse,
                            pass->activated);
  return KOE_OK;
}

koe_status koe_head_forward(const koe_trained_encoder *encoder, const koe_trained_head *head,
                            const float *values, const koe_activations *a, const uint32_t *selected,
                            size_t count, koe_arena *arena, koe_head_pass *out, koe_error *err) {
  memset(out, 0, sizeof *out);
  out->selected = selected;
  out->columns = head->output.out_features;
  out->rows = head->rows == KOE_ROWS_SELECTED ? count
              : head->rows == KOE_ROWS_ALL    ? a->batch->total
                                              : a->batch->sequences;
  koe_status status = forward_rows(encoder, head, a, arena, out, err);
  if (status != KOE_OK) return status;
  out->activated = out->input;
  if (head->dense.out_features != 0) {
    status = forward_dense(encoder, head, values, a, arena, out, err);
    if (status != KOE_OK) return status;
  }
  status = koe_arena_take(arena, out->rows, out->columns, &out->outputs, err);
  if (status != KOE_OK) return status;
  koe_trained_linear_forward_bias(&head->output, values, encoder->kernels, in_float32,
                                  out->activated, out->rows, out->outputs);
  return KOE_OK;
}

koe_status koe_head_backward(const koe_trained_encoder *encoder, const koe_trained_head *head,
                             const float *values, const koe_activations *a,
                             const koe_head_pass *pass, const float *doutputs, koe_arena *arena,
                             float *dhidden, float *gradients, koe_error *err) {
  const koe_loops *loops = encoder->loops;
  size_t rows = pass->rows, hidden = encoder->hidden_size, width = head->output.in_features;
  float *dactivated, *dinput;
  if (rows == 0) return KOE_OK;
  koe_status status = koe_arena_take(arena, rows, width, &dactivated, err);
  if (status != KOE_OK) return status;
  koe_trained_linear_backward_bias(&head->output, values, loops, in_float32, doutputs,
                                   pass->activated, rows, 0, dactivated, gradients);
  dinput = dactivated;
  if (head->dense.out_features != 0) {
    status = koe_arena_take(arena, rows, hidden, &dinput, err);
    if (status != KOE_OK) return status;
    if (head->has_norm) {
      loops->layer_norm_backward(dactivated, pass->normalized, pass->inverse,
                                 values + head->norm.gamma, rows, width,
                                 gradients + head->norm.gamma, gradients + head->norm.beta);
    }
    loops->dropout(dactivated, dropout_at(head, a, SITE_ACTIVATION), 0, rows * width, dactivated);
    loops->activation_backward(dactivated, pass->wide, head->activation, rows, width,
                               gradients + head->dense.bias);
    koe_trained_linear_backward(&head->dense, values, in_float32, dactivated, pass->input, rows, 0,
                                dinput, gradients);
  }
  loops->dropout(dinput, dropout_at(head, a, SITE_ROWS), 0, rows * hidden, dinput);
  for (size_t r = 0; r < rows; r++)
    loops->add(dinput + r * hidden, 1, hidden, dhidden + token_of(head, a, pass, r) * hidden);
  return KOE_OK;
}

/* ── sentence embeddings ────────────────────────────────────────────────────────────────────────
 */

void koe_sentences_forward(const koe_trained_encoder *encoder, const koe_activations *a,
                           float *norms, float *out) {
  const koe_batch *batch = a->batch;
  size_t hidden = encoder->hidden_size;
  for (size_t s = 0; s < batch->sequences; s++, out += hidden) {
    size_t start = batch->starts[s], length = batch->starts[s + 1] - start;
    encoder->kernels->mean_rows(a->hidden + start * hidden, length, hidden, out);
    norms[s] = (float)sqrt(encoder->loops->dot(out, out, hidden)) + 1e-12f;
    for (size_t c = 0; c < hidden; c++)
      out[c] /= norms[s];
  }
}

/* y = m / |m|: dm = (dy - y (y·dy)) / |m|, spread over the tokens whose mean m is. */
void koe_sentences_backward(const koe_trained_encoder *encoder, const koe_batch *batch,
                            const float *sentences, const float *norms, float *dsentences,
                            float *dhidden) {
  const koe_loops *loops = encoder->loops;
  size_t hidden = encoder->hidden_size;
  for (size_t s = 0; s < batch->sequences; s++) {
    const float *y = sentences + s * hidden;
    float *dy = dsentences + s * hidden;
    size_t start = batch->starts[s], end = batch->starts[s + 1];
    loops->add(y, -(float)loops->dot(y, dy, hidden), hidden, dy);
    for (size_t t = start; t < end; t++)
      loops->add(dy, 1 / (norms[s] * (float)(end - start)), hidden, dhidden + t * hidden);
  }
}
