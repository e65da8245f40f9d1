/* What training puts on the last hidden states: Hugging Face's heads for ELECTRA, all of one form,
 *
 *   rows → dropout → dense → activation → dropout or LayerNorm → output
 *
 * where a head may lack the dense part, and sentence embeddings, which have no parameters. */
#ifndef KOE_TRAINED_HEADS_H
#define KOE_TRAINED_HEADS_H

#include "trained_encoder.h"

typedef enum koe_head_rows {
  KOE_ROWS_FIRST,   /* the first token of each sequence, [CLS] */
  KOE_ROWS_ALL,     /* every token */
  KOE_ROWS_SELECTED /* tokens that the caller lists */
} koe_head_rows;

typedef struct koe_trained_head {
  koe_head_rows rows;
  bool dropout;              /* of the rows, and of the activation */
  koe_trained_linear dense;  /* out_features 0: none */
  koe_activation activation; /* */
  bool has_norm;             /* */
  koe_trained_norm norm;     /* */
  koe_trained_linear output; /* its out_features are the columns of the outputs */
} koe_trained_head;

/* Each declares the parameters of one head, named prefix + as transformers does.  They fail with
 * KOE_INVALID (name too long), KOE_NOMEM. */

/* ElectraClassificationHead: outputs [sequences, labels]; one label is a regression. */
koe_status koe_head_declare_sequence(koe_parameters *parameters, const char *prefix,
                                     const koe_trained_encoder *encoder, size_t labels,
                                     koe_trained_head *out, koe_error *err);

/* ElectraForTokenClassification: outputs [total, labels]. */
koe_status koe_head_declare_token(koe_parameters *parameters, const char *prefix,
                                  const koe_trained_encoder *encoder, size_t labels,
                                  koe_trained_head *out, koe_error *err);

/* ElectraForQuestionAnswering: outputs [total, 2], start and end. */
koe_status koe_head_declare_answers(koe_parameters *parameters, const char *prefix,
                                    const koe_trained_encoder *encoder, koe_trained_head *out,
                                    koe_error *err);

/* ElectraForPreTraining, replaced-token detection: outputs [total, 1]. */
koe_status koe_head_declare_replaced(koe_parameters *parameters, const char *prefix,
                                     const koe_trained_encoder *encoder, koe_trained_head *out,
                                     koe_error *err);

/* ElectraForMaskedLM: outputs [selected, vocab_size]; the output's weight is the table of word
 * embeddings. */
koe_status koe_head_declare_masked(koe_parameters *parameters, const char *prefix,
                                   const koe_trained_encoder *encoder, koe_trained_head *out,
                                   koe_error *err);

/* What a head's forward pass leaves for its backward pass; in the arena. */
typedef struct koe_head_pass {
  const uint32_t *selected; /* [rows] indices of tokens; NULL but for KOE_ROWS_SELECTED */
  size_t rows;
  size_t columns;
  float *input;      /* [rows, hidden] after dropout; may be the hidden states themselves */
  float *wide;       /* [rows, dense.out_features] before the activation */
  float *normalized; /* [rows, dense.out_features] */
  float *inverse;    /* [rows] */
  float *activated;  /* [rows, dense.out_features] what the output layer reads */
  float *outputs;    /* [rows, columns] */
} koe_head_pass;

/* Runs the head on the encoder's activations `a`.  `selected` lists `count` tokens for a head of
 * KOE_ROWS_SELECTED, which stay the caller's until the backward pass; NULL, 0 otherwise.  Fails
 * with KOE_NOMEM. */
koe_status koe_head_forward(const koe_trained_encoder *encoder, const koe_trained_head *head,
                            const float *values, const koe_activations *a, const uint32_t *selected,
                            size_t count, koe_arena *arena, koe_head_pass *out, koe_error *err);

/* Adds the head's gradients to `gradients` and the gradient of the hidden states to `dhidden`
 * [total, hidden].  doutputs [rows, columns].  Fails with KOE_NOMEM. */
koe_status koe_head_backward(const koe_trained_encoder *encoder, const koe_trained_head *head,
                             const float *values, const koe_activations *a,
                             const koe_head_pass *pass, const float *doutputs, koe_arena *arena,
                             float *dhidden, float *gradients, koe_error *err);

/* Sentence embeddings: the mean of a sequence's hidden states, scaled to length 1, as pooling.h.
 *   out [sequences, hidden]
 *   norms [sequences]  lengths of the means, for backward */
void koe_sentences_forward(const koe_trained_encoder *encoder, const koe_activations *a,
                           float *norms, float *out);

/* Adds the gradient of the hidden states to dhidden [total, hidden].
 *   sentences, dsentences [sequences, hidden]; dsentences is overwritten */
void koe_sentences_backward(const koe_trained_encoder *encoder, const koe_batch *batch,
                            const float *sentences, const float *norms, float *dsentences,
                            float *dhidden);

#endif
