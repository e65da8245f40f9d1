/* How good a task's model is on its dev set. */
#include "task.h"

#include "../memory.h"
#include "../metrics/metrics.h"
#include "losses.h"
#include "teacher.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

typedef struct evaluation {
  const koe_trainer_task *task;
  const float *outputs;
  double *score;
  char *text;
  size_t text_size;
} evaluation;

static int32_t largest(const float *outputs, size_t columns) {
  size_t best = 0;
  for (size_t c = 1; c < columns; c++) {
    if (outputs[c] > outputs[best]) best = c;
  }
  return (int32_t)best;
}

static koe_status evaluate_classes(const evaluation *e, koe_error *err) {
  const koe_dataset *dataset = &e->task->dev_set;
  size_t count = 0, columns = e->task->num_labels;
  double f1 = 0;
  int32_t *predicted = koe_alloc(2 * dataset->tokens.sequences, sizeof *predicted);
  if (predicted == NULL) return koe_fail_nomem(err);
  int32_t *expected = predicted + dataset->tokens.sequences;
  for (size_t i = 0; i < dataset->tokens.sequences; i++) {
    if (dataset->labels[i] == KOE_NO_LABEL) continue;
    expected[count] = dataset->labels[i];
    predicted[count++] = largest(e->outputs + i * columns, columns);
  }
  *e->score = koe_accuracy(expected, predicted, count);
  koe_status status = koe_macro_f1(expected, predicted, count, (int32_t)columns, &f1, err);
  snprintf(e->text, e->text_size, "accuracy %.4f  macro F1 %.4f", *e->score, f1);
  koe_free(predicted);
  return status;
}

/* A model that gives one number for everything is no error: its correlation is 0. */
static double number_or_zero(double value) {
  return isnan(value) ? 0 : value;
}

static koe_status evaluate_numbers(const evaluation *e, const float *predicted, koe_error *err) {
  const koe_dataset *dataset = &e->task->dev_set;
  size_t count = koe_dataset_examples(dataset);
  double *expected = koe_alloc(count, 2 * sizeof *expected);
  if (expected == NULL) return koe_fail_nomem(err);
  double *given = expected + count;
  for (size_t i = 0; i < count; i++) {
    expected[i] = (double)dataset->values[i];
    given[i] = (double)predicted[i];
  }
  double spearman = 0, pearson = 0;
  koe_status status = koe_spearman(expected, given, count, &spearman, err);
  if (status == KOE_OK) status = koe_pearson(expected, given, count, &pearson, err);
  koe_free(expected);
  *e->score = number_or_zero(spearman);
  snprintf(e->text, e->text_size, "Spearman %.4f  Pearson %.4f", *e->score,
           number_or_zero(pearson));
  return status;
}

static koe_status evaluate_words(const evaluation *e, koe_error *err) {
  const koe_trainer_task *task = e->task;
  const koe_examples *examples = &task->dev;
  size_t columns = task->num_labels;
  koe_match_counts counts = {0};
  size_t right = 0;
  const char **expected = koe_alloc(2 * examples->word_count, sizeof *expected);
  if (expected == NULL) return koe_fail_nomem(err);
  const char **predicted = expected + examples->word_count;
  for (size_t w = 0; w < examples->word_count; w++) {
    uint32_t token = task->dev_words[w];
    expected[w] = task->labels[task->label_map[examples->words[w].tag]];
    predicted[w] =
        token == UINT32_MAX ? "O" : task->labels[largest(e->outputs + token * columns, columns)];
    right += strcmp(expected[w], predicted[w]) == 0;
  }
  for (size_t i = 0; i < examples->count; i++) {
    const koe_example *example = &examples->items[i];
    koe_entity_count(expected + example->words, predicted + example->words, example->word_count,
                     &counts);
  }
  *e->score = koe_f1(&counts);
  snprintf(e->text, e->text_size, "entity F1 %.4f  accuracy of words %.4f", *e->score,
           (double)right / (double)(examples->word_count > 0 ? examples->word_count : 1));
  koe_free(expected);
  return KOE_OK;
}

static koe_status evaluate_answers(const evaluation *e, koe_error *err) {
  const koe_trainer_task *task = e->task;
  const koe_examples *examples = &task->dev;
  double exact = 0, f1 = 0;
  koe_status status = KOE_OK;
  koe_stretch *found = koe_alloc(examples->count, sizeof *found);
  koe_text *gold = koe_alloc(examples->answer_count, sizeof *gold);
  if (found == NULL || gold == NULL) {
    status = koe_fail_nomem(err);
    goto cleanup;
  }
  for (size_t i = 0; i < examples->answer_count; i++)
    gold[i] = koe_examples_text(examples, examples->answers[i].text);
  koe_find_answers(examples, &task->dev_set, &task->dev_windows, e->outputs, found);
  for (size_t i = 0; status == KOE_OK && i < examples->count; i++) {
    const koe_example *example = &examples->items[i];
    koe_answer_score score = {0};
    status = koe_score_answer_best(gold + example->answers, example->answer_count,
                                   koe_examples_text(examples, found[i]), &score, err);
    exact += score.exact;
    f1 += score.f1;
  }
  *e->score = f1 / (double)examples->count;
  snprintf(e->text, e->text_size, "exact match %.4f  F1 %.4f", exact / (double)examples->count,
           *e->score);
cleanup:
  koe_free(gold);
  koe_free(found);
  return status;
}

/* Pairs that belong together: how often b_i is the nearest, or among the 10 nearest, of all b to
 * a_i. */
static koe_status evaluate_recall(const evaluation *e, koe_error *err) {
  const koe_trained_encoder *encoder = e->task->objective.encoder;
  size_t hidden = encoder->hidden_size, pairs = koe_dataset_examples(&e->task->dev_set);
  size_t first = 0, tenth = 0;
  float *b = koe_alloc_aligned(pairs * hidden + pairs, sizeof *b);
  if (b == NULL) return koe_fail_nomem(err);
  float *cosines = b + pairs * hidden;
  for (size_t i = 0; i < pairs * hidden; i++)
    b[i] = e->outputs[(2 * (i / hidden) + 1) * hidden + i % hidden];
  for (size_t i = 0; i < pairs; i++) {
    size_t nearer = 0;
    encoder->kernels->dots(e->outputs + 2 * i * hidden, b, pairs, hidden, cosines);
    for (size_t j = 0; j < pairs; j++)
      nearer += cosines[j] > cosines[i];
    first += nearer == 0;
    tenth += nearer < 10;
  }
  koe_free(b);
  *e->score = (double)first / (double)pairs;
  snprintf(e->text, e->text_size, "recall@1 %.4f  recall@10 %.4f", *e->score,
           (double)tenth / (double)pairs);
  return KOE_OK;
}

static koe_status evaluate_sentences(const evaluation *e, koe_error *err) {
  const koe_trainer_task *task = e->task;
  size_t hidden = task->objective.encoder->hidden_size;
  size_t pairs = koe_dataset_examples(&task->dev_set);
  if (task->objective.kind == KOE_OBJECTIVE_CONTRASTIVE) return evaluate_recall(e, err);
  float *cosines = koe_alloc(pairs, sizeof *cosines);
  if (cosines == NULL) return koe_fail_nomem(err);
  for (size_t i = 0; i < pairs; i++) {
    const float *a = e->outputs + 2 * i * hidden;
    cosines[i] = (float)task->objective.encoder->loops->dot(a, a + hidden, hidden);
  }
  koe_status status = evaluate_numbers(e, cosines, err);
  koe_free(cosines);
  return status;
}

static size_t count_outputs(const koe_trainer_task *task) {
  const koe_batch *tokens = &task->dev_set.tokens;
  if (task->objective.head == NULL) return tokens->sequences * task->objective.encoder->hidden_size;
  size_t rows = task->head.rows == KOE_ROWS_ALL ? tokens->total : tokens->sequences;
  return rows * task->head.output.out_features;
}

static koe_status predict(const koe_trainer_task *task, const koe_trained_model *model,
                          size_t threads, float **out, koe_error *err) {
  *out = koe_alloc_aligned(count_outputs(task), sizeof **out);
  if (*out == NULL) return koe_fail_nomem(err);
  koe_status status = koe_predict(&model->parameters, &model->encoder, task->objective.head,
                                  &task->dev_set, threads, *out, err);
  if (status == KOE_OK) return KOE_OK;
  koe_free(*out);
  *out = NULL;
  return status;
}

koe_status koe_trainer_task_evaluate(const koe_trainer_task *task, const koe_trained_model *model,
                                     size_t threads, double *score, char *text, size_t text_size,
                                     koe_error *err) {
  float *outputs;
  *score = 0;
  if (task->options->kind == KOE_TASK_PRETRAIN ||
      (task->options->kind == KOE_TASK_EMBED && task->dev_set.group != 2)) {
    snprintf(text, text_size, "nothing to evaluate");
    return KOE_OK;
  }
  koe_status status = predict(task, model, threads, &outputs, err);
  if (status != KOE_OK) return status;
  evaluation e = {task, outputs, score, text, text_size};
  switch (task->options->kind) {
  case KOE_TASK_REGRESS:
    status = evaluate_numbers(&e, outputs, err);
    break;
  case KOE_TASK_TAG:
    status = evaluate_words(&e, err);
    break;
  case KOE_TASK_ANSWER:
    status = evaluate_answers(&e, err);
    break;
  case KOE_TASK_EMBED:
    status = evaluate_sentences(&e, err);
    break;
  default:
    status = evaluate_classes(&e, err);
  }
  koe_free(outputs);
  return status;
}

koe_status koe_trainer_task_write_predictions(const koe_trainer_task *task,
                                              const koe_trained_model *model, size_t threads,
                                              const char *path, koe_error *err) {
  static char *const score[] = {"score"};
  bool numbers = task->options->kind == KOE_TASK_REGRESS;
  float *outputs;
  if (!numbers && task->options->kind != KOE_TASK_CLASSIFY)
    return koe_fail(err, KOE_UNSUPPORTED, "--predictions is for classify and regress");
  koe_status status = predict(task, model, threads, &outputs, err);
  if (status != KOE_OK) return status;
  status = koe_teacher_write(path, numbers ? score : task->labels, numbers ? 1 : task->num_labels,
                             outputs, task->dev_set.tokens.sequences, err);
  koe_free(outputs);
  return status;
}
