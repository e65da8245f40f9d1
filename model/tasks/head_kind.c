#include "head_kind.h"

#include <string.h>

static const struct {
  const char *task, *name, *architecture, *function;
} heads[KOE_HEADS] = {
    [KOE_HEAD_CLASSIFICATION] = {"classification", "sequence-classification head",
                                 "ElectraForSequenceClassification", "koelectra_classify"},
    [KOE_HEAD_ENTITIES] = {"entities", "token-classification head", "ElectraForTokenClassification",
                           "koelectra_entities"},
    [KOE_HEAD_ANSWERS] = {"answers", "question-answering head", "ElectraForQuestionAnswering",
                          "koelectra_answers"},
    [KOE_HEAD_REPLACED] = {"replaced", "replaced-token head", "ElectraForPreTraining",
                           "koelectra_replaced"},
    [KOE_HEAD_FILL_MASK] = {"fill_mask", "masked-language head", "ElectraForMaskedLM",
                            "koelectra_fill_mask"},
};

const char *koe_head_task(koe_head_kind kind) {
  return heads[kind].task;
}

const char *koe_head_name(koe_head_kind kind) {
  return heads[kind].name;
}

const char *koe_head_architecture(koe_head_kind kind) {
  return heads[kind].architecture;
}

const char *koe_head_function(koe_head_kind kind) {
  return heads[kind].function;
}

koe_head_kind koe_head_of_architecture(const char *architecture) {
  /* Of monologg/korean-hate-speech-koelectra: two heads beside each other. */
  if (strcmp(architecture, "ElectraForBiasClassification") == 0) return KOE_HEAD_CLASSIFICATION;
  for (koe_head_kind kind = 0; kind < KOE_HEADS; kind++) {
    if (strcmp(architecture, heads[kind].architecture) == 0) return kind;
  }
  return KOE_HEADS;
}
