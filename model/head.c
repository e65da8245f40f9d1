#include "head.h"

#include <string.h>

koe_status koe_classification_head_open(const koe_config *config, koe_weights *weights,
                                        koe_classification_head *out, koe_error *err) {
  memset(out, 0, sizeof *out);
  const koe_tensor *outputs =
      koe_checkpoint_find(weights->checkpoint, "classifier.out_proj.weight");
  if (outputs == NULL) return KOE_OK;
  const char *path = koe_checkpoint_path(weights->checkpoint);
  if (outputs->dims != 2 || outputs->shape[0] < 1) {
    return koe_fail(err, KOE_FORMAT, "%s: classifier.out_proj.weight is not [labels, hidden]",
                    path);
  }
  size_t labels = (size_t)outputs->shape[0], hidden = (size_t)config->hidden_size;
  if (config->labels != NULL && (size_t)config->num_labels != labels) {
    return koe_fail(err, KOE_FORMAT,
                    "config.json names %d labels, but the head in %s has %zu outputs",
                    (int)config->num_labels, path, labels);
  }
  koe_status status =
      koe_weights_linear(weights, "classifier.dense", hidden, hidden, &out->dense, err);
  if (status != KOE_OK) return status;
  return koe_weights_linear(weights, "classifier.out_proj", hidden, labels, &out->out_proj, err);
}

void koe_classification_head_forward(const koe_classification_head *head,
                                     const koe_kernels *kernels, const koe_batch *batch,
                                     const float *hidden, float *work, float *out) {
  size_t width = head->dense.in_features, labels = head->out_proj.out_features;
  float *cls = work, *dense = work + batch->sequences * width;
  for (size_t s = 0; s < batch->sequences; s++) {
    memcpy(cls + s * width, hidden + batch->starts[s] * width, width * sizeof *cls);
  }
  koe_linear_forward(&head->dense, kernels, cls, batch->sequences, dense);
  kernels->bias_activation(dense, head->dense.bias, KOE_GELU_ERF, batch->sequences, width);
  koe_linear_forward(&head->out_proj, kernels, dense, batch->sequences, out);
  kernels->add_bias(out, head->out_proj.bias, batch->sequences, labels);
}
