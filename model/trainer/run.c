#include "run.h"

#include "../hash.h"
#include "../memory.h"
#include "../path.h"
#include "progress.h"
#include "task.h"
#include "training_state.h"

#include <errno.h>
#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

typedef struct run {
  const koe_run_options *options;
  size_t threads;
  koe_trained_model model;
  koe_trainer_task tasks[KOE_MAX_TASKS];
  size_t task_count;
  uint32_t *orders[KOE_MAX_TASKS]; /* of the task's examples in its current epoch */
  size_t epochs[KOE_MAX_TASKS];    /* 1 + the epoch that `orders` is for; 0: none */
  koe_training *training;
  size_t steps;      /* of the whole training */
  size_t epoch;      /* steps of one epoch of the first task */
  char *state;       /* path of the file to resume from */
  uint64_t identity; /* of that file */
  double best;       /* score of the checkpoint in --out */
  koe_progress progress;
} run;

static volatile sig_atomic_t stopping;

static void stop(int number) {
  (void)number;
  stopping = 1;
}

static void catch_signals(void) {
  struct sigaction action = {.sa_handler = stop, .sa_flags = (int)SA_RESETHAND};
  sigaction(SIGINT, &action, NULL);
  sigaction(SIGTERM, &action, NULL);
}

/* ── setting up ─────────────────────────────────────────────────────────────────────────────────
 */

static koe_status open_model(run *r, koe_error *err) {
  const koe_run_options *o = r->options;
  if (o->model != NULL) return koe_trained_model_open(o->model, &r->model, err);
  if (o->vocab == NULL)
    return koe_fail(err, KOE_INVALID, "give --model, or --vocab for a new model");
  if (o->hidden % o->heads != 0)
    return koe_fail(err, KOE_INVALID, "--hidden is no multiple of --heads");
  koe_config sizes = {.embedding_size = (int32_t)o->embedding,
                      .hidden_size = (int32_t)o->hidden,
                      .num_hidden_layers = (int32_t)o->layers,
                      .num_attention_heads = (int32_t)o->heads,
                      .intermediate_size = (int32_t)o->intermediate,
                      .max_position_embeddings = (int32_t)o->positions,
                      .type_vocab_size = 2,
                      .layer_norm_eps = 1e-12f,
                      .model_max_length = (int32_t)o->positions};
  return koe_trained_model_new(&sizes, o->vocab, &r->model, err);
}

static size_t examples_of(const koe_trainer_task *task) {
  return koe_dataset_examples(&task->train_set);
}

/* Batches of an epoch; the last one is shorter where examples do not divide. */
static size_t batches_of(const koe_trainer_task *task) {
  size_t batch = (size_t)task->options->batch;
  return (examples_of(task) + batch - 1) / batch;
}

static koe_status plan_steps(run *r, koe_error *err) {
  const koe_run_options *o = r->options;
  if (o->evaluate) return KOE_OK;
  for (size_t i = 0; i < r->task_count; i++) {
    if (examples_of(&r->tasks[i]) == 0)
      return koe_fail(err, KOE_INVALID, "%s: no --train", koe_task_name(o->tasks[i].kind));
    r->orders[i] = koe_alloc(examples_of(&r->tasks[i]), sizeof *r->orders[i]);
    if (r->orders[i] == NULL) return koe_fail_nomem(err);
  }
  r->epoch = batches_of(&r->tasks[0]);
  r->steps = o->steps > 0 ? (size_t)o->steps : (size_t)ceil(o->epochs * (double)r->epoch);
  return KOE_OK;
}

static uint64_t hash_targets(uint64_t hash, const koe_dataset *set) {
  size_t sequences = set->tokens.sequences;
  for (size_t s = 0; s < sequences && set->labels != NULL; s++) {
    const int32_t *labels;
    size_t count = koe_dataset_labels(set, s, &labels);
    hash = koe_hash(hash, labels, count * sizeof *labels);
  }
  if (set->values != NULL)
    hash = koe_hash(hash, set->values, koe_dataset_examples(set) * sizeof *set->values);
  if (set->teacher != NULL)
    hash = koe_hash(hash, set->teacher, sequences * set->teacher_columns * sizeof(float));
  return hash;
}

/* What a resumed training must have in common with the one that was interrupted.  --bfloat16 may
 * change. */
static uint64_t identify(const run *r) {
  const koe_run_options *o = r->options;
  const double numbers[] = {o->rate,
                            o->warmup,
                            o->decay,
                            o->clip,
                            o->epsilon,
                            o->dropout,
                            (double)o->seed,
                            (double)r->threads,
                            (double)o->pass_tokens,
                            o->attention_dropout,
                            (double)r->steps};
  uint64_t hash = koe_hash(KOE_HASH_START, numbers, sizeof numbers);
  for (size_t i = 0; i < r->task_count; i++) {
    const koe_task_options *t = &o->tasks[i];
    const koe_dataset *set = &r->tasks[i].train_set;
    const double task[] = {(double)t->kind,
                           (double)t->batch,
                           t->weight,
                           t->teacher_share,
                           t->temperature,
                           t->generator_size,
                           t->teacher_temperature,
                           t->mask_share,
                           t->replaced_weight,
                           (double)r->tasks[i].objective.kind,
                           (double)t->balance};
    hash = koe_hash(hash, task, sizeof task);
    hash = koe_hash(hash, set->tokens.token_ids, set->tokens.total * sizeof(int32_t));
    hash = hash_targets(hash, set);
  }
  for (size_t i = 0; i < r->model.parameters.count; i++) {
    const char *name = r->model.parameters.items[i].name;
    hash = koe_hash(hash, name, strlen(name));
  }
  return hash;
}

static koe_training_options training_options(const run *r) {
  const koe_run_options *o = r->options;
  koe_training_options t = koe_training_options_default();
  t.seed = (uint64_t)o->seed;
  t.threads = r->threads;
  t.pass_tokens = (size_t)o->pass_tokens;
  t.hidden_dropout = (float)o->dropout;
  t.attention_dropout = (float)o->attention_dropout;
  t.optimizer.rate = (float)o->rate;
  t.optimizer.epsilon = (float)o->epsilon;
  t.optimizer.decay = (float)o->decay;
  t.optimizer.clip = (float)o->clip;
  t.optimizer.steps = r->steps;
  t.optimizer.warmup = (size_t)(o->warmup < 1 ? o->warmup * (double)r->steps : o->warmup);
  return t;
}

static koe_status prepare_output(run *r, koe_error *err) {
  const char *out = r->options->out;
  if (out == NULL) return koe_fail(err, KOE_INVALID, "give --out, the directory to write");
  if (mkdir(out, 0777) != 0 && errno != EEXIST)
    return koe_fail(err, KOE_IO, "%s: %s", out, strerror(errno));
  r->state = koe_path_join(out, "training.state");
  return r->state == NULL ? koe_fail_nomem(err) : KOE_OK;
}

static koe_status set_bfloat16(run *r, koe_error *err) {
  r->model.encoder.multiply = koe_bfloat16_best();
  if (r->model.encoder.multiply == NULL)
    return koe_fail(err, KOE_INVALID, "--bfloat16: this processor has no AVX512-BF16");
  return KOE_OK;
}

static koe_status set_up(run *r, koe_error *err) {
  const koe_run_options *o = r->options;
  koe_status status = open_model(r, err);
  if (status == KOE_OK && o->bfloat16) status = set_bfloat16(r, err);
  for (size_t i = 0; status == KOE_OK && i < o->task_count; i++) {
    r->task_count++;
    status = koe_trainer_task_open(&o->tasks[i], &r->model, &r->tasks[i], err);
  }
  if (status == KOE_OK) status = plan_steps(r, err);
  if (status == KOE_OK)
    status = koe_trained_model_load(&r->model, o->model, (uint64_t)o->seed, err);
  if (status == KOE_OK && o->start != NULL)
    status = koe_trained_model_start(&r->model, o->start, err);
  if (status != KOE_OK || o->evaluate) return status;
  status = prepare_output(r, err);
  if (status != KOE_OK) return status;
  koe_training_options options = training_options(r);
  status =
      koe_training_new(&r->model.parameters, r->model.encoder.loops, &options, &r->training, err);
  if (status != KOE_OK || o->restart) return status;
  size_t steps;
  r->identity = identify(r);
  status =
      koe_training_state_read(r->state, &r->model.parameters, r->identity, &steps, &r->best, err);
  if (status == KOE_OK && steps > 0) fprintf(stderr, "resumes after step %zu\n", steps);
  if (status == KOE_OK) koe_training_set_steps(r->training, steps);
  return status;
}

/* ── what is written ────────────────────────────────────────────────────────────────────────────
 */

static koe_status write_model(const run *r, koe_error *err) {
  const koe_run_options *o = r->options;
  koe_trained_model_output output = {.architecture = koe_trainer_task_architecture(&r->tasks[0]),
                                     .dropout = (float)o->dropout,
                                     .float16 = o->float16};
  for (size_t i = 0; i < r->task_count; i++) {
    koe_task_kind kind = o->tasks[i].kind;
    if (kind == KOE_TASK_EMBED) output.sentence_embeddings = true;
    if (kind == KOE_TASK_CLASSIFY) output.problem_type = "single_label_classification";
    if (kind == KOE_TASK_REGRESS) output.problem_type = "regression";
    if (kind == KOE_TASK_PRETRAIN) {
      const koe_trained_model_output generator = {.architecture = "ElectraForMaskedLM",
                                                  .dropout = (float)o->dropout,
                                                  .float16 = o->float16};
      char *path = koe_path_join(o->out, "generator");
      if (path == NULL) return koe_fail_nomem(err);
      koe_status status = koe_trained_model_write(
          &r->model, KOE_GENERATOR_PREFIX, &r->tasks[i].generator_config, path, &generator, err);
      koe_free(path);
      if (status != KOE_OK) return status;
    }
  }
  return koe_trained_model_write(&r->model, "", &r->model.config, o->out, &output, err);
}

static koe_status save_state(const run *r, koe_error *err) {
  return koe_training_state_write(r->state, &r->model.parameters, r->identity,
                                  koe_training_steps(r->training), r->best, err);
}

/* Prints the scores of all tasks with a dev set; where --best asks for it, writes the model that is
 * better than all before. */
static koe_status evaluate(run *r, size_t step, koe_error *err) {
  for (size_t i = 0; i < r->task_count; i++) {
    char text[256];
    double score;
    if (r->tasks[i].dev_set.tokens.sequences == 0) continue;
    koe_status status = koe_trainer_task_evaluate(&r->tasks[i], &r->model, r->threads, &score, text,
                                                  sizeof text, err);
    if (status != KOE_OK) return status;
    koe_progress_clear_line(&r->progress);
    printf("step %zu  %s  %s\n", step, koe_task_name(r->tasks[i].options->kind), text);
    fflush(stdout);
    if (i > 0 || !r->options->best || r->options->evaluate || score <= r->best) continue;
    r->best = score;
    status = write_model(r, err);
    if (status != KOE_OK) return status;
  }
  return KOE_OK;
}

/* ── steps ──────────────────────────────────────────────────────────────────────────────────────
 */

/* One batch of one task in step `step`: epochs follow one another, each in its own order. */
static koe_status run_batch(run *r, size_t index, size_t step, double *loss, koe_error *err) {
  const koe_trainer_task *task = &r->tasks[index];
  size_t batches = batches_of(task), batch = (size_t)task->options->batch;
  size_t epoch = step / batches, first = step % batches * batch;
  size_t count = examples_of(task) - first < batch ? examples_of(task) - first : batch;
  if (r->epochs[index] != epoch + 1) {
    uint64_t seed = koe_random_key((uint64_t)r->options->seed, index);
    koe_dataset_shuffle(&task->train_set, seed, epoch, r->orders[index]);
    r->epochs[index] = epoch + 1;
  }
  const uint32_t *examples = r->orders[index] + first;
  for (size_t i = 0; i < count; i++)
    r->progress.tokens += koe_dataset_length(&task->train_set, examples[i]);
  return koe_training_accumulate(r->training, &task->objective, &task->train_set, examples, count,
                                 loss, err);
}

static koe_status run_step(run *r, size_t step, koe_error *err) {
  double norm;
  for (size_t i = 0; i < r->task_count; i++) {
    double loss;
    koe_status status = run_batch(r, i, step, &loss, err);
    if (status != KOE_OK) return status;
    koe_progress_add_loss(&r->progress, i, loss);
  }
  return koe_training_update(r->training, &norm, err);
}

static bool is_evaluated(const run *r, size_t done) {
  size_t every = r->options->evaluate_steps > 0 ? (size_t)r->options->evaluate_steps : r->epoch;
  return done == r->steps || done % every == 0;
}

static koe_status train(run *r, bool *interrupted, koe_error *err) {
  koe_status status = KOE_OK;
  double save_seconds = r->options->save_minutes * 60, saved = koe_progress_now();
  koe_progress_begin(&r->progress, r->task_count, koe_training_steps(r->training), r->steps);
  while (status == KOE_OK && koe_training_steps(r->training) < r->steps && !stopping) {
    size_t step = koe_training_steps(r->training);
    status = run_step(r, step, err);
    if (status != KOE_OK) return status;
    koe_progress_print(&r->progress, step + 1);
    if (is_evaluated(r, step + 1)) status = evaluate(r, step + 1, err);
    if (status == KOE_OK && save_seconds > 0 && koe_progress_now() - saved > save_seconds) {
      status = save_state(r, err);
      saved = koe_progress_now();
    }
  }
  koe_progress_end(&r->progress);
  *interrupted = koe_training_steps(r->training) < r->steps;
  if (status != KOE_OK) return status;
  if (*interrupted) return save_state(r, err);
  bool kept = r->options->best && r->best > -INFINITY;
  if (!kept) status = write_model(r, err);
  if (status == KOE_OK) unlink(r->state);
  return status;
}

static void clean_up(run *r) {
  koe_training_free(r->training);
  for (size_t i = 0; i < r->task_count; i++) {
    koe_trainer_task_close(&r->tasks[i]);
    koe_free(r->orders[i]);
  }
  koe_trained_model_clear(&r->model);
  koe_free(r->state);
}

koe_status koe_run(const koe_run_options *options, bool *interrupted, koe_error *err) {
  long processors = sysconf(_SC_NPROCESSORS_ONLN);
  run r = {.options = options, .best = -INFINITY};
  r.threads = options->threads > 0 ? (size_t)options->threads
              : processors > 0     ? (size_t)processors
                                   : 1;
  *interrupted = false;
  catch_signals();
  koe_status status = set_up(&r, err);
  if (status == KOE_OK && options->evaluate) status = evaluate(&r, 0, err);
  if (status == KOE_OK && !options->evaluate) status = train(&r, interrupted, err);
  if (status == KOE_OK && options->predictions != NULL && !*interrupted) {
    status = koe_trainer_task_write_predictions(&r.tasks[0], &r.model, r.threads,
                                                options->predictions, err);
  }
  clean_up(&r);
  return status;
}
