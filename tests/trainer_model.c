#include "trainer_model.h"

#include "../model/memory.h"
#include "../model/trainer/losses.h"
#include "support.h"

#include <string.h>

enum { MAX_LABELS = 8 };

koe_config tiny_config(int32_t embedding_size) {
  return (koe_config){.vocab_size = 40,
                      .embedding_size = embedding_size,
                      .hidden_size = 8,
                      .num_hidden_layers = 2,
                      .num_attention_heads = 2,
                      .intermediate_size = 12,
                      .max_position_embeddings = 16,
                      .type_vocab_size = 2,
                      .layer_norm_eps = 1e-12f};
}

static koe_status declare_head(trainer_model *model, size_t labels, koe_error *err) {
  koe_parameters *parameters = &model->parameters;
  const koe_trained_encoder *encoder = &model->encoder;
  switch (model->task) {
  case PROBE_SEQUENCE:
  case PROBE_DISTILLATION:
    return koe_head_declare_sequence(parameters, "", encoder, labels, &model->head, err);
  case PROBE_REGRESSION:
    return koe_head_declare_sequence(parameters, "", encoder, 1, &model->head, err);
  case PROBE_TOKEN:
    return koe_head_declare_token(parameters, "", encoder, labels, &model->head, err);
  case PROBE_ANSWERS:
    return koe_head_declare_answers(parameters, "", encoder, &model->head, err);
  case PROBE_REPLACED:
    return koe_head_declare_replaced(parameters, "", encoder, &model->head, err);
  case PROBE_MASKED:
    return koe_head_declare_masked(parameters, "", encoder, &model->head, err);
  default:
    return KOE_OK;
  }
}

void trainer_model_open(trainer_model *model, probe_task task, const koe_config *config,
                        size_t labels, uint64_t seed) {
  koe_error err;
  memset(model, 0, sizeof *model);
  model->task = task;
  assert_ok(
      koe_trained_encoder_declare(&model->parameters, "", config, NULL, &model->encoder, &err));
  assert_ok(declare_head(model, labels, &err));
  assert_ok(koe_parameters_allocate(&model->parameters, seed, &err));
  model->gradients = koe_alloc_zero(model->parameters.total, sizeof *model->gradients);
  ck_assert_ptr_nonnull(model->gradients);
}

void trainer_model_close(trainer_model *model) {
  koe_parameters_clear(&model->parameters);
  koe_trained_encoder_clear(&model->encoder);
  koe_arena_clear(&model->arena);
  koe_free(model->gradients);
}

static float *take(trainer_model *model, size_t rows, size_t columns) {
  koe_error err;
  float *floats;
  assert_ok(koe_arena_take_zero(&model->arena, rows, columns, &floats, &err));
  return floats;
}

static double head_loss(trainer_model *model, const koe_batch *batch, const probe_targets *targets,
                        const koe_head_pass *pass, float *d) {
  const koe_kernels *kernels = model->encoder.kernels;
  static const float weights[] = {0.5f, 2, 1};
  float scale = 1 / (float)pass->rows, *work = take(model, 2, batch->total + MAX_LABELS);
  double rows = (double)pass->rows;
  switch (model->task) {
  case PROBE_REGRESSION:
    return koe_loss_squared(pass->outputs, targets->values, pass->rows, scale, d) / rows;
  case PROBE_DISTILLATION:
    return koe_loss_distillation(kernels, pass->outputs, targets->values, pass->rows, pass->columns,
                                 2, scale, work, d) /
           rows;
  case PROBE_ANSWERS:
    return koe_loss_answers(kernels, pass->outputs, batch, targets->labels, 1, work, d);
  case PROBE_REPLACED:
    return koe_loss_binary(pass->outputs, targets->labels, pass->rows, scale, d) / rows;
  default:
    return koe_loss_cross_entropy(kernels, pass->outputs, targets->labels,
                                  model->task == PROBE_TOKEN ? weights : NULL, pass->rows,
                                  pass->columns, scale, d) /
           rows;
  }
}

/* The first half of the sequences against the second. */
static double pair_loss(trainer_model *model, const koe_activations *a,
                        const probe_targets *targets, float *dhidden) {
  const koe_trained_encoder *encoder = &model->encoder;
  size_t sequences = a->batch->sequences, pairs = sequences / 2, width = encoder->hidden_size;
  float *u = take(model, sequences, width), *du = take(model, sequences, width);
  float *norms = take(model, sequences, 1), *work = take(model, pairs + 2, pairs);
  float *v = u + pairs * width, *dv = du + pairs * width, scale = 1 / (float)pairs;
  double loss;
  koe_sentences_forward(encoder, a, norms, u);
  if (model->task == PROBE_CONTRASTIVE) {
    loss = koe_loss_contrastive(encoder->kernels, u, v, targets->labels, pairs, width, 0.1f, scale,
                                work, du, dv) /
           (double)pairs;
  } else if (model->task == PROBE_TEACHER) {
    const float *teacher[8];
    for (size_t i = 0; i < pairs; i++)
      teacher[i] = targets->values + 2 * i * width;
    loss = koe_loss_teacher_embeddings(encoder->loops, u, v, teacher, pairs, width, scale, du, dv) /
           (double)pairs;
  } else if (model->task == PROBE_COSINE) {
    loss = koe_loss_cosine(encoder->loops, u, v, targets->values, pairs, width, scale, du, dv) /
           (double)pairs;
  } else {
    loss =
        koe_loss_cosent(encoder->loops, u, v, targets->values, pairs, width, 0.1f, 1, work, du, dv);
  }
  koe_sentences_backward(encoder, a->batch, u, norms, du, dhidden);
  return loss;
}

double trainer_model_loss(trainer_model *model, const koe_batch *batch,
                          const probe_targets *targets, const koe_dropout_plan *dropout,
                          bool backward) {
  const koe_trained_encoder *encoder = &model->encoder;
  const float *values = model->parameters.values;
  koe_error err;
  koe_activations a;
  koe_head_pass pass;
  koe_arena_reset(&model->arena);
  assert_ok(koe_trained_encoder_forward(encoder, values, batch, dropout, &model->arena, &a, &err));
  float *dhidden = take(model, batch->total, encoder->hidden_size);
  double loss;
  if (model->task >= PROBE_CONTRASTIVE) {
    loss = pair_loss(model, &a, targets, dhidden);
  } else {
    assert_ok(koe_head_forward(encoder, &model->head, values, &a, targets->selected,
                               targets->selected_count, &model->arena, &pass, &err));
    float *d = take(model, pass.rows, pass.columns);
    loss = head_loss(model, batch, targets, &pass, d);
    assert_ok(koe_head_backward(encoder, &model->head, values, &a, &pass, d, &model->arena, dhidden,
                                model->gradients, &err));
  }
  if (backward) {
    assert_ok(koe_trained_encoder_backward(encoder, values, &a, dhidden, &model->arena,
                                           model->gradients, &err));
  }
  return loss;
}
