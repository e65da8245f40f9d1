/* Training steps: a batch is dealt out to workers, each of which runs forward and backward passes
 * on its part into gradients of its own; an update sums these in the order of workers.  The same
 * seed and number of workers give the same model, bit for bit.
 *
 *   koe_training_new(…, &training, err);
 *   for each step:
 *     koe_training_accumulate(training, &objective, &dataset, examples, count, &loss, err);
 *     …                                     more objectives, where one encoder serves several
 *     koe_training_update(training, &norm, err);
 */
#ifndef KOE_TRAINING_H
#define KOE_TRAINING_H

#include "dataset.h"
#include "heads.h"
#include "optimizer.h"

typedef struct koe_training_options {
  koe_optimizer_options optimizer;
  uint64_t seed;
  size_t threads;          /* workers */
  size_t pass_tokens;      /* a worker splits its part into passes of about so many tokens */
  float hidden_dropout;    /* 0.1 */
  float attention_dropout; /* 0.1 */
} koe_training_options;

koe_training_options koe_training_options_default(void);

typedef enum koe_objective_kind {
  KOE_OBJECTIVE_CLASSES,     /* cross-entropy of the head's rows with labels and a teacher */
  KOE_OBJECTIVE_REGRESSION,  /* squared error of the head's one output and values */
  KOE_OBJECTIVE_ANSWERS,     /* first and last token of an answer */
  KOE_OBJECTIVE_PRETRAINING, /* ELECTRA: see pretraining.h */
  KOE_OBJECTIVE_CONTRASTIVE, /* the example's two sequences, or the one twice, against those of
                                the batch that are labelled otherwise */
  KOE_OBJECTIVE_COSINE,      /* squared error of the two sequences' cosine and values */
  KOE_OBJECTIVE_COSENT,      /* order of the cosines as that of values */
  KOE_OBJECTIVE_TEACHER      /* cosine of both sequences and the embeddings of a teacher */
} koe_objective_kind;

typedef struct koe_objective {
  koe_objective_kind kind;
  const koe_trained_encoder *encoder;
  const koe_trained_head *head; /* NULL for sentence embeddings */
  float weight;                 /* of this loss among others */
  float temperature;            /* of contrastive and CoSENT cosines, or of the teacher's softmax */
  float teacher_share; /* 0 … 1: weight of the teacher's distribution; the labels have the rest */
  const float *class_weights; /* [labels] of the rows of a class; NULL: all the same */
  const struct koe_pretraining *pretraining; /* of KOE_OBJECTIVE_PRETRAINING */
} koe_objective;

typedef struct koe_training koe_training;

/* `parameters` must outlive the training and may be read between calls.  Fails with KOE_NOMEM. */
koe_status koe_training_new(koe_parameters *parameters, const koe_loops *loops,
                            const koe_training_options *options, koe_training **out,
                            koe_error *err);

/* Takes NULL. */
void koe_training_free(koe_training *training);

/* Adds the gradients of `weight` · mean loss over examples[count] of the dataset.  `*loss` is the
 * mean loss.  Fails with KOE_TOO_LONG, KOE_INVALID (token ids), KOE_NOMEM; the training is then of
 * no further use. */
koe_status koe_training_accumulate(koe_training *training, const koe_objective *objective,
                                   const koe_dataset *dataset, const uint32_t *examples,
                                   size_t count, double *loss, koe_error *err);

/* Updates the parameters and counts the step.  `*norm` is the gradient's before clipping.  Fails
 * with KOE_INVALID (the gradient is not finite), KOE_NOMEM. */
koe_status koe_training_update(koe_training *training, double *norm, koe_error *err);

/* Steps done; setting them is for training that resumes. */
size_t koe_training_steps(const koe_training *training);
void koe_training_set_steps(koe_training *training, size_t steps);

/* Runs a head, or sentence embeddings where `head` is NULL, on all sequences of a dataset, without
 * dropout.
 *   out  head of KOE_ROWS_FIRST [sequences, columns], of KOE_ROWS_ALL [total, columns];
 *        sentence embeddings [sequences, hidden]
 * Fails as koe_training_accumulate. */
koe_status koe_predict(const koe_parameters *parameters, const koe_trained_encoder *encoder,
                       const koe_trained_head *head, const koe_dataset *dataset, size_t threads,
                       float *out, koe_error *err);

#endif
