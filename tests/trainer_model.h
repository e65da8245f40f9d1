/* Tiny models for the suites of the trainer: random parameters of a size that shows every term of a
 * gradient, and the loss of a head as a function of them. */
#ifndef KOE_TRAINER_MODEL_H
#define KOE_TRAINER_MODEL_H

#include "../model/trainer/heads.h"

/* The tasks that tests know: a head and its loss. */
typedef enum probe_task {
  PROBE_SEQUENCE,
  PROBE_REGRESSION,
  PROBE_DISTILLATION,
  PROBE_TOKEN,
  PROBE_ANSWERS,
  PROBE_REPLACED,
  PROBE_MASKED,
  PROBE_CONTRASTIVE,
  PROBE_COSINE,
  PROBE_COSENT,
  PROBE_TEACHER,
  PROBE_TASKS
} probe_task;

typedef struct trainer_model {
  probe_task task;
  koe_parameters parameters;
  koe_trained_encoder encoder;
  koe_trained_head head;
  koe_arena arena;
  float *gradients; /* [parameters.total] */
} trainer_model;

/* hidden_size 8, 2 layers, 2 heads, intermediate_size 12, 40 words, 16 positions. */
koe_config tiny_config(int32_t embedding_size);

/* Declares and initialises a model; fails the test if that fails. */
void trainer_model_open(trainer_model *model, probe_task task, const koe_config *config,
                        size_t labels, uint64_t seed);
void trainer_model_close(trainer_model *model);

/* What the losses aim at; only the task's own are read. */
typedef struct probe_targets {
  const int32_t *labels;
  const float *values;
  const uint32_t *selected;
  size_t selected_count;
} probe_targets;

/* The loss of a batch; where `backward` adds its gradient to model->gradients. */
double trainer_model_loss(trainer_model *model, const koe_batch *batch,
                          const probe_targets *targets, const koe_dropout_plan *dropout,
                          bool backward);

#endif
