#include "task.h"

#include "../memory.h"
#include "encode.h"
#include "losses.h"
#include "teacher.h"

#include <string.h>

const char *koe_trainer_task_architecture(const koe_trainer_task *task) {
  static const char *const names[] = {
      [KOE_TASK_CLASSIFY] = "ElectraForSequenceClassification",
      [KOE_TASK_REGRESS] = "ElectraForSequenceClassification",
      [KOE_TASK_TAG] = "ElectraForTokenClassification",
      [KOE_TASK_ANSWER] = "ElectraForQuestionAnswering",
      [KOE_TASK_EMBED] = "ElectraModel",
      [KOE_TASK_PRETRAIN] = "ElectraForPreTraining",
  };
  return names[task->options->kind];
}

/* ── examples ───────────────────────────────────────────────────────────────────────────────────
 */

static koe_columns columns_of(const koe_task_options *options) {
  koe_columns columns = {.text = options->text, .pair = options->pair};
  bool graded = options->kind == KOE_TASK_EMBED && strncmp(options->loss, "cos", 3) == 0;
  if (options->kind == KOE_TASK_CLASSIFY) columns.labels = KOE_LABELS_CLASSES;
  if (options->kind == KOE_TASK_REGRESS || graded) columns.labels = KOE_LABELS_NUMBERS;
  if (columns.labels != KOE_LABELS_NONE) columns.label = options->label;
  return columns;
}

static koe_status read_file(const koe_task_options *options, const char *path,
                            koe_examples *examples, koe_error *err) {
  koe_columns columns = columns_of(options);
  if (options->kind == KOE_TASK_TAG) return koe_examples_read_tagged(examples, path, err);
  if (options->kind == KOE_TASK_ANSWER) return koe_examples_read_questions(examples, path, err);
  return koe_examples_read(examples, path, &columns, err);
}

static koe_status read_query(const koe_task_options *options, const char *query,
                             koe_examples *examples, koe_error *err) {
  koe_columns columns = columns_of(options);
  if (options->kind == KOE_TASK_TAG || options->kind == KOE_TASK_ANSWER) {
    return koe_fail(err, KOE_INVALID, "%s reads files, not a database",
                    koe_task_name(options->kind));
  }
  return koe_examples_read_database(examples, options->database, query, &columns, err);
}

static koe_status read_examples(koe_trainer_task *task, koe_error *err) {
  const koe_task_options *options = task->options;
  koe_status status = KOE_OK;
  if ((options->query != NULL || options->dev_query != NULL) && options->database == NULL)
    return koe_fail(err, KOE_INVALID, "--query needs --db");
  for (size_t i = 0; status == KOE_OK && i < options->train_count; i++)
    status = read_file(options, options->train[i], &task->train, err);
  if (status == KOE_OK && options->query != NULL)
    status = read_query(options, options->query, &task->train, err);
  bool trains = options->train_count > 0 || options->query != NULL;
  if (status == KOE_OK && trains) status = koe_examples_finish(&task->train, NULL, err);
  if (status != KOE_OK) return status;
  if (options->dev != NULL) {
    status = read_file(options, options->dev, &task->dev, err);
  } else if (options->dev_query != NULL) {
    status = read_query(options, options->dev_query, &task->dev, err);
  } else if (!trains) {
    return koe_fail(err, KOE_INVALID, "%s: no data; give --train, --dev or --db with --query",
                    koe_task_name(options->kind));
  } else {
    return KOE_OK;
  }
  if (status != KOE_OK) return status;
  return koe_examples_finish(&task->dev, trains ? &task->train : NULL, err);
}

/* ── labels ─────────────────────────────────────────────────────────────────────────────────────
 */

static int32_t find_label(char *const *labels, size_t count, const char *name) {
  for (size_t i = 0; i < count; i++) {
    if (strcmp(labels[i], name) == 0) return (int32_t)i;
  }
  return -1;
}

/* What stands for no label. */
static bool is_none(const char *name) {
  return strcmp(name, "-") == 0;
}

/* Maps the examples' labels to the model's, as long as it has them; the first that it has not goes
 * to `*missing`, else NULL. */
static void map_labels(const koe_examples *examples, const koe_config *config, int32_t *map,
                       const char **missing) {
  *missing = NULL;
  for (size_t i = 0; i < examples->num_labels && *missing == NULL; i++) {
    const char *name = examples->labels[i];
    map[i] = is_none(name) ? KOE_NO_LABEL
                           : find_label(config->labels, (size_t)config->num_labels, name);
    if (map[i] < 0 && !is_none(name)) *missing = name;
  }
}

/* The examples' labels become the model's. */
static koe_status take_labels(const koe_examples *examples, koe_trained_model *model, int32_t *map,
                              koe_error *err) {
  size_t count = 0;
  char **names = koe_alloc(examples->num_labels, sizeof *names);
  if (names == NULL) return koe_fail_nomem(err);
  for (size_t i = 0; i < examples->num_labels; i++) {
    bool none = is_none(examples->labels[i]);
    map[i] = none ? KOE_NO_LABEL : (int32_t)count;
    if (!none) names[count++] = examples->labels[i];
  }
  koe_status status = koe_trained_model_set_labels(model, names, count, err);
  koe_free(names);
  return status;
}

/* Where the model's head has the labels already, its numbers are kept; a model that is only
 * evaluated must have them. */
static koe_status choose_labels(koe_trainer_task *task, koe_trained_model *model, koe_error *err) {
  bool trains = task->train.count > 0;
  const koe_examples *examples = trains ? &task->train : &task->dev;
  const char *missing;
  task->label_map = koe_alloc(examples->num_labels + 1, sizeof *task->label_map);
  if (task->label_map == NULL) return koe_fail_nomem(err);
  map_labels(examples, &model->config, task->label_map, &missing);
  if (missing != NULL && !trains)
    return koe_fail(err, KOE_INVALID, "the data has the label \"%s\", the model has not", missing);
  if (missing != NULL) {
    koe_status status = take_labels(examples, model, task->label_map, err);
    if (status != KOE_OK) return status;
  }
  task->labels = model->config.labels;
  task->num_labels = (size_t)model->config.num_labels;
  if (task->num_labels < 2) return koe_fail(err, KOE_INVALID, "the data has one label only");
  return KOE_OK;
}

/* ── heads ──────────────────────────────────────────────────────────────────────────────────────
 */

static koe_status declare_pretraining(koe_trainer_task *task, koe_trained_model *model,
                                      koe_error *err) {
  const koe_task_options *options = task->options;
  const koe_tokenizer_options *names = &model->config.tokenizer;
  const char *const specials[KOE_SPECIAL_IDS] = {
      names->pad_token, names->unk_token, names->cls_token, names->sep_token, names->mask_token};
  koe_pretraining *pretraining = &task->pretraining;
  task->generator_config = koe_generator_config(&model->config, (float)options->generator_size);
  koe_status status =
      koe_head_declare_replaced(&model->parameters, "", &model->encoder, &task->head, err);
  if (status == KOE_OK) {
    status = koe_trained_encoder_declare(&model->parameters, KOE_GENERATOR_PREFIX,
                                         &task->generator_config, &model->encoder, &task->generator,
                                         err);
  }
  if (status == KOE_OK) {
    status = koe_head_declare_masked(&model->parameters, KOE_GENERATOR_PREFIX, &task->generator,
                                     &task->masked, err);
  }
  *pretraining = (koe_pretraining){.discriminator = &model->encoder,
                                   .replaced = &task->head,
                                   .generator = &task->generator,
                                   .masked = &task->masked,
                                   .share = (float)options->mask_share,
                                   .mask_share = 0.85f,
                                   .replaced_weight = (float)options->replaced_weight};
  for (size_t i = 0; i < KOE_SPECIAL_IDS; i++) {
    koe_text name = {specials[i], strlen(specials[i])};
    pretraining->special_ids[i] = koe_tokenizer_id(model->tokenizer, name);
  }
  pretraining->mask_id = pretraining->special_ids[KOE_SPECIAL_IDS - 1];
  return status;
}

static koe_status declare_head(koe_trainer_task *task, koe_trained_model *model, koe_error *err) {
  koe_parameters *parameters = &model->parameters;
  static char *const no_label[] = {"LABEL_0"};
  koe_status status;
  switch (task->options->kind) {
  case KOE_TASK_CLASSIFY:
    status = choose_labels(task, model, err);
    if (status != KOE_OK) return status;
    return koe_head_declare_sequence(parameters, "", &model->encoder, task->num_labels, &task->head,
                                     err);
  case KOE_TASK_REGRESS:
    status = koe_trained_model_set_labels(model, no_label, 1, err);
    if (status != KOE_OK) return status;
    return koe_head_declare_sequence(parameters, "", &model->encoder, 1, &task->head, err);
  case KOE_TASK_TAG:
    status = choose_labels(task, model, err);
    if (status != KOE_OK) return status;
    return koe_head_declare_token(parameters, "", &model->encoder, task->num_labels, &task->head,
                                  err);
  case KOE_TASK_ANSWER:
    return koe_head_declare_answers(parameters, "", &model->encoder, &task->head, err);
  case KOE_TASK_PRETRAIN:
    return declare_pretraining(task, model, err);
  default:
    return KOE_OK;
  }
}

/* ── tokens ─────────────────────────────────────────────────────────────────────────────────────
 */

static koe_status encode(koe_trainer_task *task, const koe_trained_model *model,
                         const koe_examples *examples, koe_dataset *out, uint32_t **words,
                         koe_windows *windows, koe_error *err) {
  const koe_task_options *options = task->options;
  size_t max_length = (size_t)model->config.model_max_length;
  if (options->max_length > 0 && (size_t)options->max_length < max_length)
    max_length = (size_t)options->max_length;
  *out = (koe_dataset){.group = 1};
  if (examples->count == 0) return KOE_OK;
  switch (options->kind) {
  case KOE_TASK_TAG:
    *words = koe_alloc(examples->word_count, sizeof **words);
    if (*words == NULL) return koe_fail_nomem(err);
    return koe_encode_words(examples, model->tokenizer, max_length, task->label_map, out, *words,
                            err);
  case KOE_TASK_ANSWER:
    return koe_encode_questions(examples, model->tokenizer, max_length, (size_t)options->stride,
                                out, windows, err);
  case KOE_TASK_EMBED:
    return koe_encode_sentences(examples, model->tokenizer, max_length, options->pair != NULL,
                                options->scale, out, err);
  case KOE_TASK_PRETRAIN:
    return koe_encode_raw(examples, model->tokenizer, max_length, out, err);
  default:
    return koe_encode_texts(examples, model->tokenizer, max_length, task->label_map, options->scale,
                            out, err);
  }
}

static koe_status choose_objective(koe_trainer_task *task, const koe_trained_model *model,
                                   koe_error *err) {
  static const struct {
    const char *name;
    koe_objective_kind kind;
  } losses[] = {{"contrastive", KOE_OBJECTIVE_CONTRASTIVE},
                {"teacher", KOE_OBJECTIVE_TEACHER},
                {"cosine", KOE_OBJECTIVE_COSINE},
                {"cosent", KOE_OBJECTIVE_COSENT}};
  static const koe_objective_kind kinds[] = {[KOE_TASK_CLASSIFY] = KOE_OBJECTIVE_CLASSES,
                                             [KOE_TASK_REGRESS] = KOE_OBJECTIVE_REGRESSION,
                                             [KOE_TASK_TAG] = KOE_OBJECTIVE_CLASSES,
                                             [KOE_TASK_ANSWER] = KOE_OBJECTIVE_ANSWERS,
                                             [KOE_TASK_EMBED] = KOE_OBJECTIVE_CONTRASTIVE,
                                             [KOE_TASK_PRETRAIN] = KOE_OBJECTIVE_PRETRAINING};
  const koe_task_options *options = task->options;
  bool embeds = options->kind == KOE_TASK_EMBED;
  task->objective = (koe_objective){
      .kind = kinds[options->kind],
      .encoder = &model->encoder,
      .head = embeds ? NULL : &task->head,
      .weight = (float)options->weight,
      .temperature = (float)(embeds ? options->temperature : options->teacher_temperature),
      .teacher_share = (float)options->teacher_share,
      .pretraining = &task->pretraining};
  if (!embeds) return KOE_OK;
  for (size_t i = 0; i < sizeof losses / sizeof losses[0]; i++) {
    if (strcmp(losses[i].name, options->loss) != 0) continue;
    task->objective.kind = losses[i].kind;
    if (i > 0 && options->pair == NULL)
      return koe_fail(err, KOE_INVALID, "embed --loss %s needs --pair", options->loss);
    return KOE_OK;
  }
  return koe_fail(err, KOE_INVALID, "--loss %s: there are contrastive, teacher, cosine, cosent",
                  options->loss);
}

/* Weights that make all classes count the same, and a row 1 on the average. */
static koe_status balance(koe_trainer_task *task, koe_error *err) {
  const koe_dataset *dataset = &task->train_set;
  size_t labelled = 0, classes = 0;
  float *weights = koe_alloc_zero(task->num_labels, sizeof *weights);
  if (weights == NULL) return koe_fail_nomem(err);
  for (size_t i = 0; i < dataset->tokens.sequences; i++) {
    if (dataset->labels[i] == KOE_NO_LABEL) continue;
    classes += weights[dataset->labels[i]] == 0;
    weights[dataset->labels[i]]++;
    labelled++;
  }
  for (size_t l = 0; l < task->num_labels; l++) {
    if (weights[l] > 0) weights[l] = (float)labelled / ((float)classes * weights[l]);
  }
  task->objective.class_weights = task->class_weights = weights;
  return KOE_OK;
}

static koe_status read_teacher(koe_trainer_task *task, const koe_trained_model *model,
                               koe_error *err) {
  const koe_task_options *options = task->options;
  bool embeddings = task->objective.kind == KOE_OBJECTIVE_TEACHER;
  if (options->teacher == NULL && embeddings)
    return koe_fail(err, KOE_INVALID, "embed --loss teacher needs --teacher");
  if (options->teacher == NULL || task->train.count == 0) return KOE_OK;
  if (embeddings) {
    return koe_teacher_read_embeddings(options->teacher, model->encoder.hidden_size,
                                       &task->train_set, err);
  }
  if (options->kind != KOE_TASK_CLASSIFY)
    return koe_fail(err, KOE_INVALID, "--teacher is for classify and embed --loss teacher");
  return koe_teacher_read(options->teacher, task->labels, task->num_labels, &task->train_set, err);
}

koe_status koe_trainer_task_open(const koe_task_options *options, koe_trained_model *model,
                                 koe_trainer_task *out, koe_error *err) {
  memset(out, 0, sizeof *out);
  out->options = options;
  out->train_set.group = out->dev_set.group = 1;
  koe_status status = choose_objective(out, model, err);
  if (status == KOE_OK) status = read_examples(out, err);
  if (status == KOE_OK) status = declare_head(out, model, err);
  if (status == KOE_OK) {
    status = encode(out, model, &out->train, &out->train_set, &out->train_words,
                    &out->train_windows, err);
  }
  if (status == KOE_OK)
    status = encode(out, model, &out->dev, &out->dev_set, &out->dev_words, &out->dev_windows, err);
  if (status == KOE_OK && options->balance) {
    if (options->kind != KOE_TASK_CLASSIFY)
      return koe_fail(err, KOE_INVALID, "--balance is for classify only");
    status = balance(out, err);
  }
  return status == KOE_OK ? read_teacher(out, model, err) : status;
}

void koe_trainer_task_close(koe_trainer_task *task) {
  koe_examples_clear(&task->train);
  koe_examples_clear(&task->dev);
  koe_dataset_clear(&task->train_set);
  koe_dataset_clear(&task->dev_set);
  koe_windows_clear(&task->train_windows);
  koe_windows_clear(&task->dev_windows);
  koe_free(task->train_words);
  koe_free(task->dev_words);
  koe_free(task->label_map);
  koe_free(task->class_weights);
  koe_trained_encoder_clear(&task->generator);
}
