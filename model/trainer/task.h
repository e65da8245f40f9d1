/* What the program trains: a task's examples, its head and loss, and how it is evaluated. */
#ifndef KOE_TRAINER_TASK_H
#define KOE_TRAINER_TASK_H

#include "examples.h"
#include "options.h"
#include "pretraining.h"
#include "questions.h"
#include "trained_model.h"
#include "training.h"

typedef struct koe_trainer_task {
  const koe_task_options *options;
  koe_examples train, dev;
  koe_dataset train_set, dev_set;
  uint32_t *train_words, *dev_words;      /* tag: see koe_encode_words */
  koe_windows train_windows, dev_windows; /* answer */
  int32_t *label_map; /* numbers of the examples' labels → those of the head */
  char **labels;      /* [num_labels] the head's; not owned */
  size_t num_labels;
  float *class_weights; /* [num_labels] --balance, else NULL */
  koe_trained_head head;
  koe_trained_encoder generator; /* pretrain, as the next */
  koe_trained_head masked;
  koe_config generator_config;
  koe_pretraining pretraining;
  koe_objective objective;
} koe_trainer_task;

/* Reads the task's data and declares its head.  Released with koe_trainer_task_close (also after a
 * failure).  Fails as the readers of examples.h do; KOE_INVALID where options contradict. */
koe_status koe_trainer_task_open(const koe_task_options *options, koe_trained_model *model,
                                 koe_trainer_task *out, koe_error *err);

/* The score of the model on the dev set: `*score` is what is to be large, `text` describes all
 * figures.  Fails as koe_predict. */
koe_status koe_trainer_task_evaluate(const koe_trainer_task *task, const koe_trained_model *model,
                                     size_t threads, double *score, char *text, size_t text_size,
                                     koe_error *err);

/* Writes the head's outputs on the dev set, a line of numbers separated by tabs for each row, below
 * a line with the labels.  Fails with KOE_IO, KOE_UNSUPPORTED (not classify or regress). */
koe_status koe_trainer_task_write_predictions(const koe_trainer_task *task,
                                              const koe_trained_model *model, size_t threads,
                                              const char *path, koe_error *err);

/* "ElectraForSequenceClassification" … */
const char *koe_trainer_task_architecture(const koe_trainer_task *task);

void koe_trainer_task_close(koe_trainer_task *task);

#endif
