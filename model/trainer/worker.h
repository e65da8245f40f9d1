/* One worker of a training: what it computes with, and the passes it runs.  Internal to training.
 */
#ifndef KOE_WORKER_H
#define KOE_WORKER_H

#include "training.h"

typedef struct koe_worker {
  uint32_t *examples; /* [count] its part of the batch: places in the batch's list of examples */
  size_t count, examples_capacity;
  size_t load; /* tokens of its part */
  float *gradients;
  koe_arena arena;
  koe_batch batch; /* of one pass */
  int32_t *labels; /* the pass's targets, packed as the batch */
  float *values;
  float *teacher;
  size_t labels_count, labels_capacity, values_capacity, teacher_capacity;
  double loss;           /* sum of terms; of pretraining: of their means */
  int32_t *replaced_ids; /* [batch.total] pretraining */
  size_t replaced_capacity;
  /* Sentence embeddings: between the forward and the backward pass. */
  koe_activations activations;
  float *sentences, *norms, *dsentences;
} koe_worker;

/* What all workers read while a batch is computed. */
typedef struct koe_step {
  const koe_objective *objective;
  const koe_dataset *dataset;
  const uint32_t *examples; /* [count] */
  size_t count;
  const float *values; /* the parameters */
  float scale;         /* of gradients: weight / terms */
  size_t masked_terms; /* of pretraining: masked tokens of the whole batch */
  size_t token_terms;  /* and all its tokens */
  koe_dropout_plan dropout;
  size_t pass_tokens;
  float *sentences, *dsentences; /* [2 · count, hidden] all first sequences, then all second ones */
} koe_step;

/* Puts some of the worker's examples, from `*next` on, into its batch, with their targets: at most
 * about pass_tokens tokens, or all where that is 0.  Moves `*next` behind them. */
koe_status koe_worker_fill(const koe_step *step, koe_worker *worker, size_t *next, koe_error *err);

/* Forward and backward pass of an objective with a head on the worker's batch; `key` for dropout.
 */
koe_status koe_worker_head_pass(const koe_step *step, koe_worker *worker, uint64_t key,
                                koe_error *err);

/* The forward pass of sentences: writes them to step->sentences. */
koe_status koe_worker_sentences_forward(const koe_step *step, koe_worker *worker, uint64_t key,
                                        koe_error *err);

/* Their backward pass: reads step->dsentences. */
koe_status koe_worker_sentences_backward(const koe_step *step, koe_worker *worker, koe_error *err);

/* Generator and discriminator on the worker's batch; see pretraining.h. */
koe_status koe_worker_pretraining_pass(const koe_step *step, koe_worker *worker, uint64_t key,
                                       koe_error *err);

#endif
