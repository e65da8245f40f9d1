#include "token_head.h"

#include "head.h"

#include <string.h>

static koe_status open_entities(const koe_config *config, koe_weights *weights, koe_token_head *out,
                                koe_error *err) {
  const koe_tensor *tensor = koe_checkpoint_find(weights->checkpoint, "classifier.weight");
  const char *path = koe_checkpoint_path(weights->checkpoint);
  koe_head_kind kind = koe_head_of_architecture(config->architecture);
  /* Of a sequence classifier of one layer, the same name: head.h. */
  if (tensor == NULL || kind == KOE_HEAD_CLASSIFICATION) return KOE_OK;
  /* Of an architecture not known, perhaps something else: the encoder serves all the same. */
  if (kind != KOE_HEAD_ENTITIES &&
      !koe_weights_have_linear(weights, "classifier", (size_t)config->hidden_size)) {
    return KOE_OK;
  }
  if (tensor->dims != 2 || tensor->shape[0] < 1) {
    return koe_fail(err, KOE_FORMAT, "%s: classifier.weight is not [labels, hidden]", path);
  }
  size_t labels = (size_t)tensor->shape[0];
  koe_status status = koe_check_label_count(config, weights, labels, err);
  if (status != KOE_OK) return status;
  return koe_weights_linear(weights, "classifier", (size_t)config->hidden_size, labels,
                            &out->outputs, err);
}

static koe_status open_replaced(const koe_config *config, koe_weights *weights, koe_token_head *out,
                                koe_error *err) {
  size_t hidden = (size_t)config->hidden_size;
  if (koe_checkpoint_find(weights->checkpoint, "discriminator_predictions.dense.weight") == NULL) {
    return KOE_OK;
  }
  out->activation = config->hidden_act;
  koe_status status = koe_weights_linear(weights, "discriminator_predictions.dense", hidden, hidden,
                                         &out->dense, err);
  if (status != KOE_OK) return status;
  return koe_weights_linear(weights, "discriminator_predictions.dense_prediction", hidden, 1,
                            &out->outputs, err);
}

koe_status koe_token_head_open(const koe_config *config, koe_weights *weights, koe_head_kind kind,
                               koe_token_head *out, koe_error *err) {
  memset(out, 0, sizeof *out);
  if (kind == KOE_HEAD_ENTITIES) return open_entities(config, weights, out, err);
  if (kind == KOE_HEAD_REPLACED) return open_replaced(config, weights, out, err);
  if (koe_checkpoint_find(weights->checkpoint, "qa_outputs.weight") == NULL) return KOE_OK;
  return koe_weights_linear(weights, "qa_outputs", (size_t)config->hidden_size, 2, &out->outputs,
                            err);
}

void koe_token_head_forward(const koe_token_head *head, const koe_kernels *kernels,
                            const float *hidden, size_t tokens, float *work, float *out) {
  const float *x = hidden;
  if (head->dense.weight != NULL) {
    koe_linear_forward(&head->dense, kernels, x, tokens, work);
    kernels->bias_activation(work, head->dense.bias, head->activation, tokens,
                             head->dense.out_features);
    x = work;
  }
  koe_linear_forward(&head->outputs, kernels, x, tokens, out);
  kernels->add_bias(out, head->outputs.bias, tokens, head->outputs.out_features);
}
