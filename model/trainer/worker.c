#include "worker.h"

#include "../memory.h"
#include "losses.h"

#include <string.h>

/* ── a pass's batch and targets ─────────────────────────────────────────────────────────────────
 */

static koe_status append_labels(const koe_dataset *dataset, size_t sequence, koe_worker *worker,
                                koe_error *err) {
  const int32_t *labels;
  size_t count = koe_dataset_labels(dataset, sequence, &labels);
  if (!koe_grow(&worker->labels, &worker->labels_capacity, worker->labels_count + count,
                sizeof *labels)) {
    return koe_fail_nomem(err);
  }
  memcpy(worker->labels + worker->labels_count, labels, count * sizeof *labels);
  worker->labels_count += count;
  return KOE_OK;
}

static koe_status append_teacher(const koe_dataset *dataset, size_t sequence, koe_worker *worker,
                                 koe_error *err) {
  size_t columns = dataset->teacher_columns, rows = worker->batch.sequences;
  if (!koe_grow(&worker->teacher, &worker->teacher_capacity, rows * columns, sizeof(float)))
    return koe_fail_nomem(err);
  memcpy(worker->teacher + (rows - 1) * columns, dataset->teacher + sequence * columns,
         columns * sizeof(float));
  return KOE_OK;
}

static koe_status append_sequence(const koe_dataset *dataset, size_t sequence, koe_worker *worker,
                                  koe_error *err) {
  koe_status status = koe_dataset_copy_sequence(dataset, sequence, &worker->batch, err);
  if (status == KOE_OK && dataset->labels != NULL)
    status = append_labels(dataset, sequence, worker, err);
  if (status == KOE_OK && dataset->teacher != NULL)
    status = append_teacher(dataset, sequence, worker, err);
  return status;
}

static koe_status append_example(const koe_step *step, size_t example, koe_worker *worker,
                                 koe_error *err) {
  const koe_dataset *dataset = step->dataset;
  /* Contrastive learning of single sentences sees each one twice, with different dropout. */
  size_t times = step->objective->kind == KOE_OBJECTIVE_CONTRASTIVE && dataset->group == 1 ? 2 : 1;
  size_t position = worker->batch.sequences / (times * dataset->group);
  if (dataset->values != NULL) {
    if (!koe_grow(&worker->values, &worker->values_capacity, position + 1, sizeof(float)))
      return koe_fail_nomem(err);
    worker->values[position] = dataset->values[example];
  }
  for (size_t i = 0; i < times * dataset->group; i++) {
    size_t sequence = example * dataset->group + i / times;
    koe_status status = append_sequence(dataset, sequence, worker, err);
    if (status != KOE_OK) return status;
  }
  return KOE_OK;
}

koe_status koe_worker_fill(const koe_step *step, koe_worker *worker, size_t *next, koe_error *err) {
  koe_batch_reset(&worker->batch);
  worker->labels_count = 0;
  for (; *next < worker->count; ++*next) {
    size_t example = step->examples[worker->examples[*next]];
    size_t length = koe_dataset_length(step->dataset, example);
    if (step->pass_tokens != 0 && worker->batch.total != 0 &&
        worker->batch.total + length > step->pass_tokens) {
      break;
    }
    koe_status status = append_example(step, example, worker, err);
    if (status != KOE_OK) return status;
  }
  return KOE_OK;
}

/* ── heads ──────────────────────────────────────────────────────────────────────────────────────
 */

static koe_dropout_plan plan_of(const koe_step *step, uint64_t key) {
  koe_dropout_plan plan = step->dropout;
  plan.key = koe_random_key(plan.key, key);
  return plan;
}

/* The labels' and the teacher's cross-entropy, by their shares. */
static koe_status classes_loss(const koe_step *step, koe_worker *worker, const koe_head_pass *pass,
                               float *doutputs, koe_error *err) {
  const koe_objective *objective = step->objective;
  const koe_kernels *kernels = objective->encoder->kernels;
  float share = step->dataset->teacher != NULL ? objective->teacher_share : 0, *work;
  koe_status status = koe_arena_take(&worker->arena, 2, pass->columns, &work, err);
  if (status != KOE_OK) return status;
  worker->loss += (1 - share) * koe_loss_cross_entropy(kernels, pass->outputs, worker->labels,
                                                       objective->class_weights, pass->rows,
                                                       pass->columns, step->scale * (1 - share),
                                                       doutputs);
  if (share > 0) {
    worker->loss += share * koe_loss_distillation(kernels, pass->outputs, worker->teacher,
                                                  pass->rows, pass->columns, objective->temperature,
                                                  step->scale * share, work, doutputs);
  }
  return KOE_OK;
}

static koe_status head_loss(const koe_step *step, koe_worker *worker, const koe_head_pass *pass,
                            float *doutputs, koe_error *err) {
  const koe_objective *objective = step->objective;
  float *work;
  koe_status status;
  switch (objective->kind) {
  case KOE_OBJECTIVE_REGRESSION:
    worker->loss +=
        koe_loss_squared(pass->outputs, worker->values, pass->rows, step->scale, doutputs);
    return KOE_OK;
  case KOE_OBJECTIVE_ANSWERS:
    status = koe_arena_take(&worker->arena, 2, worker->batch.longest, &work, err);
    if (status != KOE_OK) return status;
    worker->loss += koe_loss_answers(objective->encoder->kernels, pass->outputs, &worker->batch,
                                     worker->labels, step->scale, work, doutputs);
    return KOE_OK;
  default:
    return classes_loss(step, worker, pass, doutputs, err);
  }
}

koe_status koe_worker_head_pass(const koe_step *step, koe_worker *worker, uint64_t key,
                                koe_error *err) {
  const koe_trained_encoder *encoder = step->objective->encoder;
  const koe_trained_head *head = step->objective->head;
  koe_arena *arena = &worker->arena;
  koe_dropout_plan plan = plan_of(step, key);
  koe_activations a;
  koe_head_pass pass;
  float *doutputs, *dhidden;
  koe_arena_reset(arena);
  koe_status status =
      koe_trained_encoder_forward(encoder, step->values, &worker->batch, &plan, arena, &a, err);
  if (status != KOE_OK) return status;
  status = koe_head_forward(encoder, head, step->values, &a, NULL, 0, arena, &pass, err);
  if (status == KOE_OK) status = koe_arena_take(arena, pass.rows, pass.columns, &doutputs, err);
  if (status == KOE_OK) status = head_loss(step, worker, &pass, doutputs, err);
  if (status == KOE_OK)
    status = koe_arena_take_zero(arena, worker->batch.total, encoder->hidden_size, &dhidden, err);
  if (status != KOE_OK) return status;
  status = koe_head_backward(encoder, head, step->values, &a, &pass, doutputs, arena, dhidden,
                             worker->gradients, err);
  if (status != KOE_OK) return status;
  return koe_trained_encoder_backward(encoder, step->values, &a, dhidden, arena, worker->gradients,
                                      err);
}

/* ── sentences ──────────────────────────────────────────────────────────────────────────────────
 */

/* Row of the worker's sequence `s` among all sentences of the step. */
static size_t sentence_row(const koe_step *step, const koe_worker *worker, size_t s) {
  return worker->examples[s / 2] + s % 2 * step->count;
}

koe_status koe_worker_sentences_forward(const koe_step *step, koe_worker *worker, uint64_t key,
                                        koe_error *err) {
  const koe_trained_encoder *encoder = step->objective->encoder;
  koe_arena *arena = &worker->arena;
  size_t hidden = encoder->hidden_size, sequences = worker->batch.sequences;
  koe_dropout_plan plan = plan_of(step, key);
  koe_arena_reset(arena);
  koe_status status = koe_trained_encoder_forward(encoder, step->values, &worker->batch, &plan,
                                                  arena, &worker->activations, err);
  if (status == KOE_OK) status = koe_arena_take(arena, sequences, hidden, &worker->sentences, err);
  if (status == KOE_OK) status = koe_arena_take(arena, sequences, hidden, &worker->dsentences, err);
  if (status == KOE_OK) status = koe_arena_take(arena, sequences, 1, &worker->norms, err);
  if (status != KOE_OK) return status;
  koe_sentences_forward(encoder, &worker->activations, worker->norms, worker->sentences);
  for (size_t s = 0; s < sequences; s++) {
    memcpy(step->sentences + sentence_row(step, worker, s) * hidden, worker->sentences + s * hidden,
           hidden * sizeof(float));
  }
  return KOE_OK;
}

koe_status koe_worker_sentences_backward(const koe_step *step, koe_worker *worker, koe_error *err) {
  const koe_trained_encoder *encoder = step->objective->encoder;
  size_t hidden = encoder->hidden_size;
  float *dhidden;
  koe_status status =
      koe_arena_take_zero(&worker->arena, worker->batch.total, hidden, &dhidden, err);
  if (status != KOE_OK) return status;
  for (size_t s = 0; s < worker->batch.sequences; s++) {
    memcpy(worker->dsentences + s * hidden,
           step->dsentences + sentence_row(step, worker, s) * hidden, hidden * sizeof(float));
  }
  koe_sentences_backward(encoder, &worker->batch, worker->sentences, worker->norms,
                         worker->dsentences, dhidden);
  return koe_trained_encoder_backward(encoder, step->values, &worker->activations, dhidden,
                                      &worker->arena, worker->gradients, err);
}
