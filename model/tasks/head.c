#include "head.h"

#include "head_kind.h"

#include <stdio.h>
#include <string.h>

/* Adds a group whose layer is called `layer`. */
static koe_status add_group(const koe_config *config, koe_weights *weights, const char *layer,
                            const char *name, size_t length, koe_classification_head *out,
                            koe_error *err) {
  char full[KOE_GROUP_NAME + 40];
  const char *path = koe_checkpoint_path(weights->checkpoint);
  snprintf(full, sizeof full, "%s.weight", layer);
  const koe_tensor *tensor = koe_checkpoint_find(weights->checkpoint, full);
  if (tensor->dims != 2 || tensor->shape[0] < 1) {
    return koe_fail(err, KOE_FORMAT, "%s: %s is not [labels, hidden]", path, full);
  }
  size_t labels = (size_t)tensor->shape[0];
  koe_label_group *group = &out->groups[out->group_count];
  memcpy(group->name, name, length);
  group->first = out->labels;
  koe_status status =
      koe_weights_linear(weights, layer, (size_t)config->hidden_size, labels, &group->outputs, err);
  if (status != KOE_OK) return status;
  out->group_count++;
  out->labels += labels;
  return KOE_OK;
}

/* Adds every NAME of which the checkpoint has NAME_classifier.classifier, in the file's order. */
static koe_status add_named_groups(const koe_config *config, koe_weights *weights,
                                   koe_classification_head *out, koe_error *err) {
  static const char rest[] = "_classifier.classifier.weight";
  koe_status status = KOE_OK;
  for (size_t i = 0; i < koe_checkpoint_count(weights->checkpoint) && status == KOE_OK; i++) {
    const char *tensor = koe_checkpoint_at(weights->checkpoint, i)->name;
    const char *at = strstr(tensor, rest);
    if (at == NULL || at == tensor || at[sizeof rest - 1] != '\0') continue;
    size_t length = (size_t)(at - tensor);
    if (length >= KOE_GROUP_NAME || out->group_count == KOE_MAX_GROUPS) {
      return koe_fail(err, KOE_UNSUPPORTED,
                      "%s has heads with long names, or more than %d of them (%.64s)",
                      koe_checkpoint_path(weights->checkpoint), KOE_MAX_GROUPS, tensor);
    }
    char layer[KOE_GROUP_NAME + 24];
    snprintf(layer, sizeof layer, "%.*s_classifier.classifier", (int)length, tensor);
    /* Of an architecture not known, perhaps something else: the encoder serves all the same. */
    if (koe_head_of_architecture(config->architecture) != KOE_HEAD_CLASSIFICATION &&
        !koe_weights_have_linear(weights, layer, (size_t)config->hidden_size)) {
      continue;
    }
    status = add_group(config, weights, layer, tensor, length, out, err);
  }
  return status;
}

koe_status koe_check_label_count(const koe_config *config, const koe_weights *weights,
                                 size_t outputs, koe_error *err) {
  if (config->num_labels == 0 || (size_t)config->num_labels == outputs) return KOE_OK;
  return koe_fail(err, KOE_FORMAT,
                  "config.json names %d labels, but the head in %s has %zu outputs",
                  (int)config->num_labels, koe_checkpoint_path(weights->checkpoint), outputs);
}

bool koe_labels_are_named(const koe_config *config, const koe_classification_head *head) {
  return config->labels != NULL && (size_t)config->num_labels == head->labels;
}

koe_status koe_classification_head_open(const koe_config *config, koe_weights *weights,
                                        koe_classification_head *out, koe_error *err) {
  koe_status status;
  size_t hidden = (size_t)config->hidden_size;
  memset(out, 0, sizeof *out);
  if (koe_checkpoint_find(weights->checkpoint, "classifier.out_proj.weight") != NULL) {
    status = koe_weights_linear(weights, "classifier.dense", hidden, hidden, &out->dense, err);
    if (status != KOE_OK) return status;
    status = add_group(config, weights, "classifier.out_proj", "", 0, out, err);
  } else if (koe_checkpoint_find(weights->checkpoint, "classifier.weight") != NULL &&
             koe_head_of_architecture(config->architecture) == KOE_HEAD_CLASSIFICATION) {
    status = add_group(config, weights, "classifier", "", 0, out, err);
  } else {
    status = add_named_groups(config, weights, out, err);
  }
  if (status != KOE_OK || out->group_count != 1) return status;
  return koe_check_label_count(config, weights, out->labels, err);
}

const char *koe_known_label(const koe_label_group *group, size_t index) {
  static const struct {
    const char *name;
    const char *labels[3];
  } known[] = {
      {"bias", {"none", "gender", "others"}},
      {"hate", {"none", "hate", "offensive"}},
  };
  for (size_t i = 0; i < sizeof known / sizeof known[0]; i++) {
    if (strcmp(known[i].name, group->name) == 0 && group->outputs.out_features == 3) {
      return known[i].labels[index];
    }
  }
  return NULL;
}

void koe_classification_head_forward(const koe_classification_head *head,
                                     const koe_kernels *kernels, const koe_batch *batch,
                                     const float *hidden, float *work, float *out) {
  size_t width = head->groups[0].outputs.in_features;
  float *x = work;
  for (size_t s = 0; s < batch->sequences; s++) {
    memcpy(x + s * width, hidden + batch->starts[s] * width, width * sizeof *x);
  }
  if (head->dense.weight != NULL) {
    float *dense = work + batch->sequences * width;
    koe_linear_forward(&head->dense, kernels, x, batch->sequences, dense);
    kernels->bias_activation(dense, head->dense.bias, KOE_GELU_ERF, batch->sequences, width);
    x = dense;
  }
  for (size_t s = 0; s < batch->sequences; s++) {
    for (size_t g = 0; g < head->group_count; g++) {
      const koe_label_group *group = &head->groups[g];
      float *logits = out + s * head->labels + group->first;
      koe_linear_forward(&group->outputs, kernels, x + s * width, 1, logits);
      kernels->add_bias(logits, group->outputs.bias, 1, group->outputs.out_features);
    }
  }
}
