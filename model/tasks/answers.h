/* Extractive question answering: the spans of a context that answer a question.
 *
 * The recipe is the reference's for KorQuAD, that is SQuAD's: [CLS] question [SEP] context [SEP],
 * the question cut to 64 tokens, the context read in windows that start each `doc_stride` tokens; a
 * span counts in the window in which its first token has most context, and its logit is that of its
 * start plus that of its end. Source: Devlin et al. 2019, run_squad.py; Rajpurkar et al. 2018 (no
 * answer). */
#ifndef KOE_ANSWERS_H
#define KOE_ANSWERS_H

#include "../model.h"
#include "../status.h"
#include "../text.h"

#include <stdbool.h>

enum {
  KOE_DOC_STRIDE = 128,
  KOE_MAX_QUESTION = 64, /* tokens */
  KOE_MAX_ANSWER = 30,   /* tokens */
  KOE_MOST_ANSWERS = 1000
};

typedef struct koe_answer_options {
  size_t k;                 /* answers wanted, 1 … KOE_MOST_ANSWERS */
  size_t max_answer_length; /* tokens, 1 or more */
  size_t doc_stride;        /* tokens, 1 or more; where a window is shorter, half of it */
} koe_answer_options;

typedef struct koe_answer {
  koe_text text;      /* of the context */
  int64_t start, end; /* characters of the context, half-open */
  double logit;       /* of the start plus of the end */
  double score;       /* probability among all spans of the context: their softmax */
} koe_answer;

/* A context that is being read. */
typedef struct koe_answers koe_answers;

/* Starts on a context of any length; `model` and the bytes of `context` must outlive the reader,
 * those of `question` need not.  Fails with KOE_UNSUPPORTED (no question-answering head, a model
 * that reads too few tokens or no pairs), KOE_INVALID (options), KOE_NOMEM. */
koe_status koe_answers_open(const koe_model *model, koe_text question, koe_text context,
                            const koe_answer_options *options, koe_answers **out, koe_error *err);

/* Takes NULL. */
void koe_answers_free(koe_answers *answers);

/* Reads on.  At the end `*done`, and the answers, best first, earlier ones first among equals; as
 * many as wanted, or all spans there are.
 *
 *   no_answer  logit of no answer: that of a span of [CLS], the smallest of all windows.  Models
 *              trained with questions that have none say by it whether there is one; it means
 *              nothing to others, those of KorQuAD 1.0 among them.
 *
 * Fails with KOE_FORMAT, KOE_NOMEM. */
koe_status koe_answers_next(koe_answers *answers, const koe_answer **out, size_t *count,
                            double *no_answer, bool *done, koe_error *err);

#endif
