#include "model.h"

#include "hash.h"
#include "memory.h"
#include "model_open.h"
#include "path.h"
#include "search/vectors.h"
#include "tasks/entity_labels.h"

#include <math.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

struct koe_model {
  const koe_config *config;
  const koe_backbone *backbone;
  koe_runtime *runtime;
  koe_tokenizer *tokenizer;
  koe_pooling pooling;
  size_t max_length;
  uint64_t fingerprint;
  uint64_t serial;
  koe_aggregation aggregation;
  char **default_labels; /* [labels] "LABEL_0" …, where config.json names none */
};

static atomic_uint_fast64_t next_serial = 1;

static koe_status check_vocab_size(const koe_model *model, const char *path, koe_error *err) {
  int32_t words = koe_tokenizer_vocab_size(model->tokenizer);
  if (words == model->config->vocab_size) return KOE_OK;
  return koe_fail(err, KOE_FORMAT,
                  "%s has %d words, but the model of config.json has %d (vocab_size): "
                  "they are not of the same checkpoint",
                  path, (int)words, (int)model->config->vocab_size);
}

static koe_status open_tokenizer(koe_model *model, const koe_directory *directory,
                                 bool normalize_nfc, koe_error *err) {
  koe_file_map file = {0};
  koe_tokenizer_options options = model->config->tokenizer;
  options.normalize_nfc = normalize_nfc;
  char *path = koe_path_join(directory->path, "vocab.txt");
  if (path == NULL) return koe_fail_nomem(err);
  koe_status status = koe_directory_open(directory, "vocab.txt", path, &file, err);
  if (status == KOE_OK) {
    status = koe_tokenizer_open_file(&file, path, &options, &model->tokenizer, err);
  }
  if (status == KOE_OK) status = check_vocab_size(model, path, err);
  koe_file_map_close(&file);
  koe_free(path);
  return status;
}

static koe_status name_labels(koe_model *model, koe_error *err) {
  const koe_classification_head *head = &model->backbone->classification;
  if (koe_labels_are_named(model->config, head) || head->labels == 0) return KOE_OK;
  model->default_labels = koe_alloc_zero(head->labels, sizeof *model->default_labels);
  if (model->default_labels == NULL) return koe_fail_nomem(err);
  for (size_t g = 0; g < head->group_count; g++) {
    const koe_label_group *group = &head->groups[g];
    for (size_t i = 0; i < group->outputs.out_features; i++) {
      char numbered[32];
      snprintf(numbered, sizeof numbered, "LABEL_%zu", i);
      const char *known = koe_known_label(group, i), *name = known != NULL ? known : numbered;
      char *copy = koe_copy_string(name, strlen(name));
      if (copy == NULL) return koe_fail_nomem(err);
      model->default_labels[group->first + i] = copy;
    }
  }
  return KOE_OK;
}

static uint64_t fingerprint(const koe_model *model) {
  uint64_t parts[] = {model->backbone->hash, koe_tokenizer_hash(model->tokenizer),
                      (uint64_t)model->pooling, (uint64_t)model->max_length};
  return koe_hash(KOE_HASH_START, parts, sizeof parts);
}

koe_status koe_model_open(const koe_directory *directory, const koe_config *config,
                          const koe_backbone *backbone, const koe_model_options *options,
                          koe_runtime *runtime, koe_model **out, koe_error *err) {
  *out = NULL;
  if (options->max_length > config->max_position_embeddings) {
    return koe_fail(err, KOE_INVALID, "max_length is %d, but the model has %d positions",
                    (int)options->max_length, (int)config->max_position_embeddings);
  }
  koe_model *model = koe_alloc_zero(1, sizeof *model);
  if (model == NULL) return koe_fail_nomem(err);
  model->config = config;
  model->backbone = backbone;
  model->runtime = runtime;
  model->serial = atomic_fetch_add(&next_serial, 1);
  model->pooling = options->pooling >= 0 ? (koe_pooling)options->pooling : config->pooling;
  model->aggregation = options->aggregation >= 0 ? (koe_aggregation)options->aggregation
                                                 : koe_aggregation_of_labels(config);
  model->max_length =
      (size_t)(options->max_length > 0 ? options->max_length : config->model_max_length);
  koe_status status = open_tokenizer(model, directory, options->normalize_nfc, err);
  if (status == KOE_OK) status = name_labels(model, err);
  if (status != KOE_OK) {
    koe_model_free(model);
    return status;
  }
  model->fingerprint = fingerprint(model);
  *out = model;
  return KOE_OK;
}

void koe_model_free(koe_model *model) {
  if (model == NULL) return;
  for (size_t i = 0; model->default_labels != NULL && i < koe_model_label_count(model); i++) {
    koe_free(model->default_labels[i]);
  }
  koe_free(model->default_labels);
  koe_tokenizer_free(model->tokenizer);
  koe_free(model);
}

size_t koe_model_dimension(const koe_model *model) {
  return (size_t)model->config->hidden_size;
}

size_t koe_model_max_length(const koe_model *model) {
  return model->max_length;
}

const koe_tokenizer *koe_model_tokenizer(const koe_model *model) {
  return model->tokenizer;
}

const koe_config *koe_model_config(const koe_model *model) {
  return model->config;
}

koe_pooling koe_model_pooling(const koe_model *model) {
  return model->pooling;
}

uint64_t koe_model_fingerprint(const koe_model *model) {
  return model->fingerprint;
}

uint64_t koe_model_serial(const koe_model *model) {
  return model->serial;
}

const koe_backbone *koe_model_backbone(const koe_model *model) {
  return model->backbone;
}

koe_runtime *koe_model_runtime(const koe_model *model) {
  return model->runtime;
}

size_t koe_model_label_count(const koe_model *model) {
  return model->backbone->classification.labels;
}

const char *koe_model_label(const koe_model *model, size_t index) {
  char **labels = model->default_labels != NULL ? model->default_labels : model->config->labels;
  return labels[index];
}

size_t koe_model_group_count(const koe_model *model) {
  return model->backbone->classification.group_count;
}

koe_label_group_view koe_model_group(const koe_model *model, size_t index) {
  const koe_label_group *group = &model->backbone->classification.groups[index];
  return (koe_label_group_view){group->name, group->first, group->outputs.out_features};
}

koe_aggregation koe_model_aggregation(const koe_model *model) {
  return model->aggregation;
}

bool koe_model_has(const koe_model *model, koe_head_kind kind) {
  const koe_backbone *backbone = model->backbone;
  switch (kind) {
  case KOE_HEAD_CLASSIFICATION:
    return backbone->classification.group_count > 0;
  case KOE_HEAD_ENTITIES:
    return backbone->entities.outputs.weight != NULL;
  case KOE_HEAD_ANSWERS:
    return backbone->answers.outputs.weight != NULL;
  case KOE_HEAD_REPLACED:
    return backbone->replaced.outputs.weight != NULL;
  case KOE_HEAD_FILL_MASK:
    return backbone->masked.dense.weight != NULL;
  case KOE_HEADS:
    break;
  }
  return false;
}

koe_head_kind koe_model_head(const koe_model *model) {
  koe_head_kind kind = 0;
  while (kind < KOE_HEADS && !koe_model_has(model, kind))
    kind++;
  return kind;
}

koe_status koe_model_no_head(const koe_model *model, koe_head_kind kind, koe_error *err) {
  const char *architecture = model->config->architecture[0] != '\0' ? model->config->architecture
                                                                    : "no architecture";
  koe_head_kind other = koe_model_head(model);
  if (other == KOE_HEADS) {
    return koe_fail(err, KOE_UNSUPPORTED,
                    "the model has no %s (its config.json says %s): load a checkpoint fine-tuned "
                    "as %s",
                    koe_head_name(kind), architecture, koe_head_architecture(kind));
  }
  return koe_fail(err, KOE_UNSUPPORTED,
                  "the model has no %s but a %s (its config.json says %s): use %s, or load a "
                  "checkpoint fine-tuned as %s",
                  koe_head_name(kind), koe_head_name(other), architecture, koe_head_function(other),
                  koe_head_architecture(kind));
}

koe_status koe_model_check_finite(const koe_model *model, const float *numbers, size_t count,
                                  koe_error *err) {
  if (koe_vector_is_finite(numbers, count)) return KOE_OK;
  return koe_fail(err, KOE_FORMAT, "the model computes numbers that are not finite: %s is damaged",
                  koe_checkpoint_path(model->backbone->checkpoint));
}

size_t koe_model_largest(const float *numbers, size_t count) {
  size_t largest = 0;
  for (size_t i = 1; i < count; i++) {
    if (numbers[i] > numbers[largest]) largest = i;
  }
  return largest;
}

void koe_model_probabilities(float *logits, size_t labels) {
  if (labels < 2) return;
  float largest = logits[0];
  for (size_t i = 1; i < labels; i++)
    largest = fmaxf(largest, logits[i]);
  double sum = 0;
  for (size_t i = 0; i < labels; i++)
    sum += exp((double)logits[i] - largest);
  for (size_t i = 0; i < labels; i++) {
    logits[i] = (float)(exp((double)logits[i] - largest) / sum);
  }
}
