/* What a checkpoint was fine-tuned to do: which of the heads of the ELECTRA family it has. */
#ifndef KOE_HEAD_KIND_H
#define KOE_HEAD_KIND_H

typedef enum koe_head_kind {
  KOE_HEAD_CLASSIFICATION, /* ElectraForSequenceClassification: labels of a text or a pair */
  KOE_HEAD_ENTITIES,       /* ElectraForTokenClassification: a label for every token */
  KOE_HEAD_ANSWERS,        /* ElectraForQuestionAnswering: where an answer starts and ends */
  KOE_HEAD_REPLACED,       /* ElectraForPreTraining: whether a token was replaced */
  KOE_HEAD_FILL_MASK,      /* ElectraForMaskedLM: which word stood in the place of [MASK] */
  KOE_HEADS
} koe_head_kind;

/* "classification", "entities", "answers", "replaced", "fill_mask": what koelectra_models shows. */
const char *koe_head_task(koe_head_kind kind);

/* The task of an architecture of config.json, or KOE_HEADS: of none, or of one not known. */
koe_head_kind koe_head_of_architecture(const char *architecture);

/* "sequence-classification head" and so on, and the class of transformers that trains it. */
const char *koe_head_name(koe_head_kind kind);
const char *koe_head_architecture(koe_head_kind kind);

/* The SQL function that uses the head. */
const char *koe_head_function(koe_head_kind kind);

#endif
