/* Sequence classification: what turns the hidden state of [CLS] into labels.  Other heads:
 * token_head.h, mask_head.h. */
#ifndef KOE_HEAD_H
#define KOE_HEAD_H

#include "../batch.h"
#include "../config.h"
#include "../kernels/kernels.h"
#include "../linear.h"
#include "../status.h"
#include "../weights.h"

enum { KOE_MAX_GROUPS = 8, KOE_GROUP_NAME = 32 };

/* Labels that exclude one another.  A checkpoint has one group, without a name, or several side by
 * side, as hate-speech models have "bias" and "hate". */
typedef struct koe_label_group {
  char name[KOE_GROUP_NAME]; /* "" where it is the only one */
  koe_linear outputs;        /* [labels of the group, hidden] */
  size_t first;              /* of its labels, among those of all groups */
} koe_label_group;

/* outputs(x) of every group, where x is the hidden state of [CLS], or gelu(dense(it)). */
typedef struct koe_classification_head {
  koe_linear dense; /* [hidden, hidden]; weight NULL where there is none */
  koe_label_group groups[KOE_MAX_GROUPS];
  size_t group_count; /* 0 where the checkpoint has no such head */
  size_t labels;      /* of all groups */
} koe_classification_head;

/* Binds the head, whichever of these forms it has; none is not an error:
 *
 *   classifier.dense, classifier.out_proj   transformers' ElectraClassificationHead
 *   classifier                              of the same class before transformers 2.10, one layer;
 *                                           told from token classification by the architecture
 *   NAME_classifier.classifier              of each NAME a group, one layer: what
 *                                           monologg/korean-hate-speech-koelectra trains
 *
 * Fails with KOE_FORMAT (shapes, or labels of config.json that are not as many as outputs). */
koe_status koe_classification_head_open(const koe_config *config, koe_weights *weights,
                                        koe_classification_head *out, koe_error *err);

/* Fails with KOE_FORMAT unless config.json counts as many labels as the head has outputs, or does
 * not count them. */
koe_status koe_check_label_count(const koe_config *config, const koe_weights *weights,
                                 size_t outputs, koe_error *err);

/* The label of an output where config.json does not name it: what the reference's data calls the
 * three outputs of "bias" and of "hate"; NULL for others. */
const char *koe_known_label(const koe_label_group *group, size_t index);

/* Whether config.json names the outputs of the head: it may count them otherwise only where the
 * head has several groups. */
bool koe_labels_are_named(const koe_config *config, const koe_classification_head *head);

/* Logits of every sequence of a batch.
 *
 *   hidden [total, hidden]      the batch's last hidden states
 *   work   [2 · sequences · hidden]
 *   out    [sequences, labels]
 *
 * Source: ElectraClassificationHead of Hugging Face transformers; its gelu is the erf form whatever
 * hidden_act says. */
void koe_classification_head_forward(const koe_classification_head *head,
                                     const koe_kernels *kernels, const koe_batch *batch,
                                     const float *hidden, float *work, float *out);

#endif
