#include "training.h"

#include "../memory.h"
#include "../parallel.h"
#include "losses.h"
#include "pretraining.h"
#include "worker.h"

#include <stdlib.h>
#include <string.h>

struct koe_training {
  koe_training_options options;
  const koe_loops *loops;
  koe_parameters *parameters;
  koe_worker *workers; /* [options.threads] */
  float **gradients;   /* [options.threads] the workers' */
  uint64_t *keys;      /* [capacity] for sorting a batch by length */
  size_t keys_capacity;
  float *pairs; /* sentences of a step, their gradients, similarities, work */
  size_t pairs_capacity;
  int32_t *groups;
  size_t groups_capacity;
  const float **teacher; /* the embeddings of a step's examples */
  size_t teacher_capacity;
  size_t steps;       /* updates done */
  size_t accumulated; /* calls since the last update */
};

koe_training_options koe_training_options_default(void) {
  return (koe_training_options){.optimizer = koe_optimizer_options_default(),
                                .seed = 42,
                                .threads = 1,
                                .pass_tokens = 1024,
                                .hidden_dropout = 0.1f,
                                .attention_dropout = 0.1f};
}

koe_status koe_training_new(koe_parameters *parameters, const koe_loops *loops,
                            const koe_training_options *options, koe_training **out,
                            koe_error *err) {
  koe_training *training = koe_alloc_zero(1, sizeof *training);
  *out = NULL;
  if (training == NULL) return koe_fail_nomem(err);
  training->options = *options;
  training->loops = loops;
  training->parameters = parameters;
  training->workers = koe_alloc_zero(options->threads, sizeof *training->workers);
  training->gradients = koe_alloc_zero(options->threads, sizeof *training->gradients);
  if (training->workers == NULL || training->gradients == NULL) goto nomem;
  for (size_t w = 0; w < options->threads; w++) {
    float *gradients = koe_alloc_aligned(parameters->total, sizeof *gradients);
    if (gradients == NULL) goto nomem;
    memset(gradients, 0, parameters->total * sizeof *gradients);
    training->gradients[w] = training->workers[w].gradients = gradients;
  }
  *out = training;
  return KOE_OK;
nomem:
  koe_training_free(training);
  return koe_fail_nomem(err);
}

static void clear_worker(koe_worker *worker) {
  koe_free(worker->examples);
  koe_free(worker->gradients);
  koe_free(worker->labels);
  koe_free(worker->values);
  koe_free(worker->teacher);
  koe_free(worker->replaced_ids);
  koe_arena_clear(&worker->arena);
  koe_batch_clear(&worker->batch);
}

void koe_training_free(koe_training *training) {
  if (training == NULL) return;
  for (size_t w = 0; training->workers != NULL && w < training->options.threads; w++)
    clear_worker(&training->workers[w]);
  koe_free(training->workers);
  koe_free(training->gradients);
  koe_free(training->keys);
  koe_free(training->pairs);
  koe_free(training->groups);
  koe_free(training->teacher);
  koe_free(training);
}

size_t koe_training_steps(const koe_training *training) {
  return training->steps;
}

void koe_training_set_steps(koe_training *training, size_t steps) {
  training->steps = steps;
}

/* ── dealing out ────────────────────────────────────────────────────────────────────────────────
 */

static int compare_keys(const void *a, const void *b) {
  const uint64_t *x = a, *y = b;
  return (*x > *y) - (*x < *y);
}

static koe_worker *least_loaded(koe_training *training) {
  koe_worker *best = &training->workers[0];
  for (size_t w = 1; w < training->options.threads; w++) {
    if (training->workers[w].load < best->load) best = &training->workers[w];
  }
  return best;
}

/* The longest examples first, each to the worker with the fewest tokens (Graham 1969): parts of
 * equal work, and passes of sequences of about one length. */
static koe_status deal(koe_training *training, const koe_step *step, koe_error *err) {
  if (!koe_grow(&training->keys, &training->keys_capacity, step->count, sizeof *training->keys))
    return koe_fail_nomem(err);
  for (size_t i = 0; i < step->count; i++) {
    uint64_t length = koe_dataset_length(step->dataset, step->examples[i]);
    training->keys[i] = (UINT32_MAX - length) << 32 | i;
  }
  qsort(training->keys, step->count, sizeof *training->keys, compare_keys);
  for (size_t w = 0; w < training->options.threads; w++) {
    training->workers[w].count = training->workers[w].load = 0;
    training->workers[w].loss = 0;
  }
  for (size_t i = 0; i < step->count; i++) {
    koe_worker *worker = least_loaded(training);
    uint32_t place = (uint32_t)training->keys[i];
    if (!koe_grow(&worker->examples, &worker->examples_capacity, worker->count + 1,
                  sizeof *worker->examples)) {
      return koe_fail_nomem(err);
    }
    worker->examples[worker->count++] = place;
    worker->load += koe_dataset_length(step->dataset, step->examples[place]);
  }
  return KOE_OK;
}

/* Masked tokens and all tokens of a batch. */
static void count_pretraining(koe_step *step) {
  const koe_batch *tokens = &step->dataset->tokens;
  for (size_t i = 0; i < step->count; i++) {
    size_t start = tokens->starts[step->examples[i]];
    size_t length = tokens->starts[step->examples[i] + 1] - start;
    step->token_terms += length;
    step->masked_terms +=
        koe_pretraining_count(step->objective->pretraining, tokens->token_ids + start, length);
  }
  if (step->masked_terms == 0) step->masked_terms = 1;
  step->scale = step->objective->weight / (float)step->masked_terms;
}

/* Terms of the loss: what its mean is over. */
static size_t count_terms(const koe_step *step) {
  koe_objective_kind kind = step->objective->kind;
  if (kind != KOE_OBJECTIVE_CLASSES && kind != KOE_OBJECTIVE_ANSWERS) return step->count;
  size_t labelled = 0;
  for (size_t i = 0; i < step->count; i++) {
    const int32_t *labels;
    size_t count = koe_dataset_labels(step->dataset, step->examples[i], &labels);
    if (kind == KOE_OBJECTIVE_ANSWERS) count = 1;
    for (size_t l = 0; l < count; l++)
      labelled += labels[l] != KOE_NO_LABEL || step->dataset->teacher != NULL;
  }
  return labelled > 0 ? labelled : 1;
}

/* ── steps ──────────────────────────────────────────────────────────────────────────────────────
 */

typedef struct job {
  koe_training *training;
  koe_step step;
} job;

static koe_status run_worker(void *context, size_t index, koe_error *err) {
  const job *j = context;
  koe_worker *worker = &j->training->workers[index];
  koe_status status = KOE_OK;
  for (size_t next = 0, pass = 0; status == KOE_OK && next < worker->count; pass++) {
    uint64_t key = koe_random_key(index, pass);
    status = koe_worker_fill(&j->step, worker, &next, err);
    if (status != KOE_OK) break;
    status = j->step.objective->kind == KOE_OBJECTIVE_PRETRAINING
                 ? koe_worker_pretraining_pass(&j->step, worker, key, err)
                 : koe_worker_head_pass(&j->step, worker, key, err);
  }
  return status;
}

static koe_status forward_worker(void *context, size_t index, koe_error *err) {
  const job *j = context;
  koe_worker *worker = &j->training->workers[index];
  size_t next = 0;
  if (worker->count == 0) return KOE_OK;
  koe_status status = koe_worker_fill(&j->step, worker, &next, err);
  if (status != KOE_OK) return status;
  return koe_worker_sentences_forward(&j->step, worker, koe_random_key(index, 0), err);
}

static koe_status backward_worker(void *context, size_t index, koe_error *err) {
  const job *j = context;
  koe_worker *worker = &j->training->workers[index];
  if (worker->count == 0) return KOE_OK;
  return koe_worker_sentences_backward(&j->step, worker, err);
}

/* Sums the workers' losses in their order. */
static double sum_losses(const koe_training *training) {
  double loss = 0;
  for (size_t w = 0; w < training->options.threads; w++)
    loss += training->workers[w].loss;
  return loss;
}

/* What the arrays behind training->pairs are for one step. */
typedef struct pair_arrays {
  float *sentences, *dsentences; /* [2 · count, hidden] */
  float *values;                 /* [count] */
  float *work;                   /* [count, count + 2] */
} pair_arrays;

static koe_status take_pairs(koe_training *training, const koe_step *step, pair_arrays *out,
                             koe_error *err) {
  size_t rows = 2 * step->count * step->objective->encoder->hidden_size;
  size_t needed = 2 * rows + step->count * (step->count + 3);
  if (!koe_grow(&training->pairs, &training->pairs_capacity, needed, sizeof *training->pairs))
    return koe_fail_nomem(err);
  out->sentences = training->pairs;
  out->dsentences = out->sentences + rows;
  out->values = out->dsentences + rows;
  out->work = out->values + step->count;
  return KOE_OK;
}

/* Labels of contrastive examples say which belong together and so are no negatives. */
static koe_status take_groups(koe_training *training, const koe_step *step, koe_error *err) {
  const int32_t *labels;
  if (!koe_grow(&training->groups, &training->groups_capacity, step->count,
                sizeof *training->groups)) {
    return koe_fail_nomem(err);
  }
  for (size_t i = 0; i < step->count; i++) {
    koe_dataset_labels(step->dataset, step->examples[i] * step->dataset->group, &labels);
    training->groups[i] = labels[0];
  }
  return KOE_OK;
}

static koe_status teacher_loss(koe_training *training, const koe_step *step,
                               const pair_arrays *arrays, double *loss, koe_error *err) {
  const koe_dataset *dataset = step->dataset;
  size_t pairs = step->count, hidden = step->objective->encoder->hidden_size;
  if (!koe_grow(&training->teacher, &training->teacher_capacity, pairs, sizeof *training->teacher))
    return koe_fail_nomem(err);
  for (size_t i = 0; i < pairs; i++)
    training->teacher[i] = dataset->teacher + step->examples[i] * dataset->group * hidden;
  *loss = koe_loss_teacher_embeddings(training->loops, arrays->sentences,
                                      arrays->sentences + pairs * hidden, training->teacher, pairs,
                                      hidden, step->scale, arrays->dsentences,
                                      arrays->dsentences + pairs * hidden) /
          (double)pairs;
  return KOE_OK;
}

static koe_status pair_loss(koe_training *training, const koe_step *step, const pair_arrays *arrays,
                            double *loss, koe_error *err) {
  const koe_objective *o = step->objective;
  size_t pairs = step->count, hidden = o->encoder->hidden_size;
  const float *a = arrays->sentences, *b = a + pairs * hidden;
  float *da = arrays->dsentences, *db = da + pairs * hidden;
  if (o->kind == KOE_OBJECTIVE_CONTRASTIVE) {
    bool grouped = step->dataset->labels != NULL;
    koe_status status = grouped ? take_groups(training, step, err) : KOE_OK;
    if (status != KOE_OK) return status;
    *loss = koe_loss_contrastive(o->encoder->kernels, a, b, grouped ? training->groups : NULL,
                                 pairs, hidden, o->temperature, step->scale, arrays->work, da, db) /
            (double)pairs;
    return KOE_OK;
  }
  if (o->kind == KOE_OBJECTIVE_TEACHER) return teacher_loss(training, step, arrays, loss, err);
  for (size_t i = 0; i < pairs; i++)
    arrays->values[i] = step->dataset->values[step->examples[i]];
  if (o->kind == KOE_OBJECTIVE_COSINE) {
    *loss =
        koe_loss_cosine(training->loops, a, b, arrays->values, pairs, hidden, step->scale, da, db) /
        (double)pairs;
  } else {
    *loss = koe_loss_cosent(training->loops, a, b, arrays->values, pairs, hidden, o->temperature,
                            o->weight, arrays->work, da, db);
  }
  return KOE_OK;
}

/* All sentences forward, one loss over the whole batch, all backward. */
static koe_status run_pairs(job *j, double *loss, koe_error *err) {
  size_t threads = j->training->options.threads;
  pair_arrays arrays = {0};
  koe_status status = take_pairs(j->training, &j->step, &arrays, err);
  if (status != KOE_OK) return status;
  j->step.sentences = arrays.sentences;
  j->step.dsentences = arrays.dsentences;
  j->step.pass_tokens = 0;
  status = koe_parallel(threads, threads, forward_worker, j, err);
  if (status == KOE_OK) status = pair_loss(j->training, &j->step, &arrays, loss, err);
  if (status == KOE_OK) status = koe_parallel(threads, threads, backward_worker, j, err);
  return status;
}

koe_status koe_training_accumulate(koe_training *training, const koe_objective *objective,
                                   const koe_dataset *dataset, const uint32_t *examples,
                                   size_t count, double *loss, koe_error *err) {
  const koe_training_options *options = &training->options;
  uint64_t key = koe_random_key(options->seed, training->steps);
  job j = {.training = training,
           .step = {.objective = objective,
                    .dataset = dataset,
                    .examples = examples,
                    .count = count,
                    .values = training->parameters->values,
                    .pass_tokens = options->pass_tokens,
                    .dropout = {.key = koe_random_key(key, training->accumulated++),
                                .hidden = options->hidden_dropout,
                                .attention = options->attention_dropout}}};
  koe_status status = deal(training, &j.step, err);
  if (status != KOE_OK) return status;
  size_t terms = count_terms(&j.step);
  j.step.scale = objective->weight / (float)terms;
  if (objective->kind == KOE_OBJECTIVE_PRETRAINING) {
    terms = 1;
    count_pretraining(&j.step);
  }
  if (objective->kind >= KOE_OBJECTIVE_CONTRASTIVE) return run_pairs(&j, loss, err);
  status = koe_parallel(options->threads, options->threads, run_worker, &j, err);
  *loss = sum_losses(training) / (double)terms;
  return status;
}

koe_status koe_training_update(koe_training *training, double *norm, koe_error *err) {
  const koe_training_options *options = &training->options;
  koe_status status = koe_optimizer_update(
      &options->optimizer, training->loops, training->parameters, training->gradients,
      options->threads, options->threads, training->steps, norm, err);
  training->accumulated = 0;
  if (status == KOE_OK) training->steps++;
  return status;
}
