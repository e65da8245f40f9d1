/* The command line of koelectra-train:
 *
 *   koelectra-train [common options] TASK [options of the task] [TASK …]
 *
 * Several tasks train one encoder: each step runs a batch of every task. */
#ifndef KOE_TRAINER_OPTIONS_H
#define KOE_TRAINER_OPTIONS_H

#include "../status.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef enum koe_task_kind {
  KOE_TASK_CLASSIFY,
  KOE_TASK_REGRESS,
  KOE_TASK_TAG,
  KOE_TASK_ANSWER,
  KOE_TASK_EMBED,
  KOE_TASK_PRETRAIN
} koe_task_kind;

enum { KOE_MAX_TASKS = 4, KOE_MAX_FILES = 16 };

/* Strings point into argv. */
typedef struct koe_task_options {
  koe_task_kind kind;
  const char *train[KOE_MAX_FILES];
  size_t train_count;
  const char *dev;
  const char *database; /* NULL: files */
  const char *query;
  const char *dev_query;
  const char *text, *pair, *label; /* columns */
  const char *loss;                /* embed: contrastive, cosine, cosent, teacher */
  const char *teacher;             /* file of logits, or of embeddings */
  bool balance;                    /* classes count the same, however many rows they have */
  double teacher_share, teacher_temperature;
  double temperature;
  double weight;
  double scale; /* numbers are divided by it */
  int64_t batch, max_length, stride;
  double generator_size, mask_share, replaced_weight; /* pretrain */
} koe_task_options;

typedef struct koe_run_options {
  const char *model; /* directory to start from */
  const char *out;   /* directory to write */
  const char *vocab; /* from scratch: vocab.txt and sizes */
  const char *start; /* file of parameters that do not begin random */
  int64_t hidden, embedding, layers, heads, intermediate, positions;
  double epochs, rate, warmup, decay, clip, dropout, attention_dropout, epsilon, save_minutes;
  int64_t steps, threads, seed, pass_tokens, evaluate_steps;
  bool evaluate; /* only */
  bool best;     /* keep the checkpoint that is best on the first task's dev set */
  bool restart;  /* ignore a training that was interrupted */
  bool float16;
  bool bfloat16;           /* products of the layers with bfloat16 operands */
  const char *predictions; /* file for the outputs on the dev set of the first task */
  koe_task_options tasks[KOE_MAX_TASKS];
  size_t task_count;
} koe_run_options;

/* Reads argv[1 … argc - 1].  Fails with KOE_INVALID, the message naming the option. */
koe_status koe_run_options_parse(int argc, char **argv, koe_run_options *out, koe_error *err);

/* The name of a task, as on the command line. */
const char *koe_task_name(koe_task_kind kind);

/* The text of --help. */
void koe_run_options_print_help(void);

#endif
