#include "options.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef enum option_type { TEXT, FILES, NUMBER, WHOLE, FLAG } option_type;

typedef struct option_row {
  const char *name;
  option_type type;
  size_t offset; /* of its field */
  double low, high;
  const char *help;
} option_row;

#define COMMON(field) offsetof(koe_run_options, field)
#define TASK(field)   offsetof(koe_task_options, field)

static const option_row common_options[] = {
    {"model", TEXT, COMMON(model), 0, 0, "DIR       checkpoint to start from"},
    {"out", TEXT, COMMON(out), 0, 0, "DIR       where to write the model"},
    {"vocab", TEXT, COMMON(vocab), 0, 0, "FILE      without --model: vocabulary of a new model"},
    {"start", TEXT, COMMON(start), 0, 0,
     "FILE      safetensors: its parameters do not begin random"},
    {"hidden", WHOLE, COMMON(hidden), 1, 8192, "N         its hidden size [256]"},
    {"embedding", WHOLE, COMMON(embedding), 1, 8192, "N         its embedding size [128]"},
    {"layers", WHOLE, COMMON(layers), 1, 128, "N         its layers [4]"},
    {"heads", WHOLE, COMMON(heads), 1, 256, "N         its attention heads [4]"},
    {"intermediate", WHOLE, COMMON(intermediate), 1, 65536,
     "N         its feed-forward width [1024]"},
    {"positions", WHOLE, COMMON(positions), 8, 8192, "N         its longest input in tokens [128]"},
    {"epochs", NUMBER, COMMON(epochs), 0, 1e6, "X         passes over the first task's data [3]"},
    {"steps", WHOLE, COMMON(steps), 1, 1e12, "N         steps, instead of epochs"},
    {"rate", NUMBER, COMMON(rate), 0, 1, "X         peak learning rate [5e-5]"},
    {"warmup", NUMBER, COMMON(warmup), 0, 1e9,
     "X         share of the steps, or steps if 1 or more [0.1]"},
    {"decay", NUMBER, COMMON(decay), 0, 1, "X         weight decay [0.01]"},
    {"clip", NUMBER, COMMON(clip), 0, 1e9, "X         largest gradient norm, 0 for any [1]"},
    {"epsilon", NUMBER, COMMON(epsilon), 1e-12, 1, "X         of AdamW [1e-6]"},
    {"dropout", NUMBER, COMMON(dropout), 0, 0.9, "X         of hidden states [0.1]"},
    {"attention-dropout", NUMBER, COMMON(attention_dropout), 0, 0.9,
     "X         of attention [0.1]"},
    {"seed", WHOLE, COMMON(seed), 0, 1e15, "N         of everything random [42]"},
    {"threads", WHOLE, COMMON(threads), 1, 256, "N         [all processors]"},
    {"pass-tokens", WHOLE, COMMON(pass_tokens), 1, 1e6,
     "N         tokens a thread computes at once [1024]"},
    {"save-minutes", NUMBER, COMMON(save_minutes), 0, 1e6,
     "N         between saves to resume from [10]"},
    {"evaluate-steps", WHOLE, COMMON(evaluate_steps), 1, 1e12,
     "N         between evaluations [an epoch]"},
    {"evaluate", FLAG, COMMON(evaluate), 0, 0, "          do not train, evaluate --model"},
    {"best", FLAG, COMMON(best), 0, 0,
     "          keep what is best on the first --dev, not the last"},
    {"restart", FLAG, COMMON(restart), 0, 0, "          ignore an interrupted training in --out"},
    {"float16", FLAG, COMMON(float16), 0, 0, "          write half-precision weights"},
    {"bfloat16", FLAG, COMMON(bfloat16), 0, 0,
     "          multiply in bfloat16: faster where the processor can"},
    {"predictions", TEXT, COMMON(predictions), 0, 0, "FILE      write outputs for the first --dev"},
};

static const option_row task_options[] = {
    {"train", FILES, TASK(train), 0, 0, "FILE      .tsv .json .jsonl .txt; may be repeated"},
    {"dev", TEXT, TASK(dev), 0, 0, "FILE      evaluated after each epoch"},
    {"db", TEXT, TASK(database), 0, 0, "FILE      SQLite database, with"},
    {"query", TEXT, TASK(query), 0, 0, "SQL       training rows"},
    {"dev-query", TEXT, TASK(dev_query), 0, 0, "SQL       rows to evaluate"},
    {"text", TEXT, TASK(text), 0, 0, "COLUMN    [text]"},
    {"pair", TEXT, TASK(pair), 0, 0, "COLUMN    second text [none]"},
    {"label", TEXT, TASK(label), 0, 0, "COLUMN    [label]; classify: rows where it is - have none"},
    {"scale", NUMBER, TASK(scale), 1e-9, 1e9, "X         divide numbers by X [1]"},
    {"batch", WHOLE, TASK(batch), 1, 1e6, "N         examples a step [32]"},
    {"max-length", WHOLE, TASK(max_length), 3, 8192,
     "N         tokens of a text, truncated [positions]"},
    {"stride", WHOLE, TASK(stride), 1, 8192, "N         answer: overlap of windows [128]"},
    {"weight", NUMBER, TASK(weight), 0, 1e6, "X         of the task's loss among several [1]"},
    {"balance", FLAG, TASK(balance), 0, 0,
     "          classify: weight rows so that all classes count the same"},
    {"teacher", TEXT, TASK(teacher), 0, 0,
     "FILE      classify: logits of training rows, as --predictions writes; embed: embeddings"},
    {"teacher-share", NUMBER, TASK(teacher_share), 0, 1, "X         of the loss [0.5]"},
    {"teacher-temperature", NUMBER, TASK(teacher_temperature), 0.01, 100, "X         [1]"},
    {"loss", TEXT, TASK(loss), 0, 0,
     "NAME      embed: contrastive, teacher, cosine, cosent [contrastive]"},
    {"temperature", NUMBER, TASK(temperature), 1e-4, 100, "X         embed: of cosines [0.05]"},
    {"generator", NUMBER, TASK(generator_size), 0.01, 1,
     "X         pretrain: size of the generator [0.25]"},
    {"mask-share", NUMBER, TASK(mask_share), 0.01, 0.9, "X         pretrain: tokens masked [0.15]"},
    {"lambda", NUMBER, TASK(replaced_weight), 0, 1e6,
     "X         pretrain: weight of replaced-token loss [50]"},
};

static const struct {
  const char *name, *help;
} task_names[] = {
    [KOE_TASK_CLASSIFY] = {"classify", "class of a text or a pair of texts"},
    [KOE_TASK_REGRESS] = {"regress", "number for a text or a pair, as KorSTS"},
    [KOE_TASK_TAG] = {"tag", "tag of each word, as NER"},
    [KOE_TASK_ANSWER] = {"answer", "answer to a question in a text, as KorQuAD"},
    [KOE_TASK_EMBED] = {"embed", "sentence embeddings"},
    [KOE_TASK_PRETRAIN] = {"pretrain", "ELECTRA from raw text"},
};

enum {
  COMMON_COUNT = sizeof common_options / sizeof common_options[0],
  TASK_COUNT = sizeof task_options / sizeof task_options[0],
  NAME_COUNT = sizeof task_names / sizeof task_names[0]
};

const char *koe_task_name(koe_task_kind kind) {
  return task_names[kind].name;
}

static const option_row *find(const option_row *options, size_t count, const char *name) {
  for (size_t i = 0; i < count; i++) {
    if (strcmp(options[i].name, name) == 0) return &options[i];
  }
  return NULL;
}

static koe_status set_number(const option_row *option, const char *value, void *field,
                             koe_error *err) {
  char *end;
  errno = 0;
  double number = strtod(value, &end);
  bool whole = option->type == WHOLE;
  if (end == value || *end != '\0' || errno != 0 || !(number >= option->low) ||
      number > option->high || (whole && number != (double)(int64_t)number)) {
    return koe_fail(err, KOE_INVALID, "--%s %s: expected a %snumber from %g to %g", option->name,
                    value, whole ? "whole " : "", option->low, option->high);
  }
  if (whole)
    *(int64_t *)field = (int64_t)number;
  else
    *(double *)field = number;
  return KOE_OK;
}

static koe_status set_option(const option_row *option, const char *value, void *record,
                             koe_error *err) {
  void *field = (char *)record + option->offset;
  koe_task_options *task = record;
  switch (option->type) {
  case FLAG:
    *(bool *)field = true;
    return KOE_OK;
  case TEXT:
    *(const char **)field = value;
    return KOE_OK;
  case FILES:
    if (task->train_count == KOE_MAX_FILES)
      return koe_fail(err, KOE_INVALID, "--%s: more than %d files", option->name, KOE_MAX_FILES);
    task->train[task->train_count++] = value;
    return KOE_OK;
  default:
    return set_number(option, value, field, err);
  }
}

static koe_status begin_task(koe_run_options *options, const char *name, koe_error *err) {
  size_t kind = 0;
  while (kind < NAME_COUNT && strcmp(task_names[kind].name, name) != 0)
    kind++;
  if (kind == NAME_COUNT)
    return koe_fail(err, KOE_INVALID, "%s is no task; see koelectra-train --help", name);
  if (options->task_count == KOE_MAX_TASKS)
    return koe_fail(err, KOE_INVALID, "more than %d tasks", KOE_MAX_TASKS);
  options->tasks[options->task_count++] = (koe_task_options){.kind = (koe_task_kind)kind,
                                                             .text = "text",
                                                             .label = "label",
                                                             .loss = "contrastive",
                                                             .teacher_share = 0.5,
                                                             .teacher_temperature = 1,
                                                             .temperature = 0.05,
                                                             .weight = 1,
                                                             .scale = 1,
                                                             .batch = 32,
                                                             .stride = 128,
                                                             .generator_size = 0.25,
                                                             .mask_share = 0.15,
                                                             .replaced_weight = 50};
  return KOE_OK;
}

koe_status koe_run_options_parse(int argc, char **argv, koe_run_options *out, koe_error *err) {
  *out = (koe_run_options){.hidden = 256,
                           .embedding = 128,
                           .layers = 4,
                           .heads = 4,
                           .intermediate = 1024,
                           .positions = 128,
                           .epochs = 3,
                           .rate = 5e-5,
                           .warmup = 0.1,
                           .decay = 0.01,
                           .clip = 1,
                           .epsilon = 1e-6,
                           .dropout = 0.1,
                           .attention_dropout = 0.1,
                           .seed = 42,
                           .pass_tokens = 1024,
                           .save_minutes = 10};
  for (int i = 1; i < argc; i++) {
    koe_status status;
    if (strncmp(argv[i], "--", 2) != 0) {
      status = begin_task(out, argv[i], err);
      if (status != KOE_OK) return status;
      continue;
    }
    void *record = out;
    const option_row *option = find(common_options, COMMON_COUNT, argv[i] + 2);
    if (option == NULL) {
      option = find(task_options, TASK_COUNT, argv[i] + 2);
      if (option == NULL) return koe_fail(err, KOE_INVALID, "there is no option %s", argv[i]);
      if (out->task_count == 0)
        return koe_fail(err, KOE_INVALID, "%s belongs behind the task it is for", argv[i]);
      record = &out->tasks[out->task_count - 1];
    }
    const char *value = NULL;
    if (option->type != FLAG) {
      if (++i == argc) return koe_fail(err, KOE_INVALID, "--%s needs a value", option->name);
      value = argv[i];
    }
    status = set_option(option, value, record, err);
    if (status != KOE_OK) return status;
  }
  if (out->task_count == 0)
    return koe_fail(err, KOE_INVALID, "no task; see koelectra-train --help");
  return KOE_OK;
}

static void print_options(const option_row *options, size_t count) {
  for (size_t i = 0; i < count; i++)
    printf("  --%-20s %s\n", options[i].name, options[i].help);
}

void koe_run_options_print_help(void) {
  printf("koelectra-train [options] TASK [options of the task] [TASK ...]\n"
         "koelectra-train vocabulary --help\n"
         "koelectra-train quantize --help\n\n"
         "Trains or fine-tunes an ELECTRA model. Several tasks share one encoder.\n"
         "A training that was interrupted goes on when the command is given again.\n\nTasks\n");
  for (size_t i = 0; i < NAME_COUNT; i++)
    printf("  %-22s %s\n", task_names[i].name, task_names[i].help);
  printf("\nOptions\n");
  print_options(common_options, COMMON_COUNT);
  printf("\nOptions of a task, behind it\n");
  print_options(task_options, TASK_COUNT);
}
