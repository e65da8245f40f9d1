#include "answers.h"

#include "../backbone.h"
#include "../memory.h"
#include "../model_open.h"
#include "token_reader.h"

#include <math.h>
#include <string.h>

struct koe_answers {
  koe_text context;
  koe_answer_options options;
  koe_tokens question;
  koe_token_reader reader;
  koe_answer *best; /* [count], best first; one more than wanted has room */
  size_t count, capacity;
  /* sum over all spans of exp(logit - largest): their softmax without a second pass */
  double largest, sum;
  double no_answer;
};

static koe_status check(const koe_model *model, const koe_answer_options *options, koe_error *err) {
  if (!koe_model_has(model, KOE_HEAD_ANSWERS)) {
    return koe_model_no_head(model, KOE_HEAD_ANSWERS, err);
  }
  if (options->k < 1 || options->k > KOE_MOST_ANSWERS) {
    return koe_fail(err, KOE_INVALID, "k is a number of answers, 1 to %d", KOE_MOST_ANSWERS);
  }
  if (options->max_answer_length < 1 || options->doc_stride < 1) {
    return koe_fail(err, KOE_INVALID,
                    "max_answer_length and doc_stride are numbers of tokens, 1 or more");
  }
  if (koe_model_max_length(model) < 5) {
    return koe_fail(err, KOE_UNSUPPORTED,
                    "the model reads %zu tokens, too few for a question and a context",
                    koe_model_max_length(model));
  }
  return KOE_OK;
}

/* Reads the question, and sets out to read the context in what room it leaves. */
static koe_status start(koe_answers *answers, const koe_model *model, koe_text question,
                        koe_error *err) {
  size_t room = koe_model_max_length(model) - 3;
  size_t most = room / 2 < KOE_MAX_QUESTION ? room / 2 : KOE_MAX_QUESTION;
  koe_status status =
      koe_tokenizer_tokenize(koe_model_tokenizer(model), question, most, &answers->question, err);
  if (status != KOE_OK) return status;
  size_t length = room - answers->question.count;
  size_t step = answers->options.doc_stride;
  if (step > length) step = (length + 1) / 2;
  koe_token_reader_start_context(&answers->reader, model, &koe_model_backbone(model)->answers,
                                 answers->context, length, step);
  return KOE_OK;
}

koe_status koe_answers_open(const koe_model *model, koe_text question, koe_text context,
                            const koe_answer_options *options, koe_answers **out, koe_error *err) {
  *out = NULL;
  koe_status status = check(model, options, err);
  if (status != KOE_OK) return status;
  koe_answers *answers = koe_alloc_zero(1, sizeof *answers);
  if (answers == NULL) return koe_fail_nomem(err);
  answers->context = context;
  answers->options = *options;
  answers->largest = -INFINITY;
  answers->no_answer = INFINITY;
  status = start(answers, model, question, err);
  if (status != KOE_OK) {
    koe_answers_free(answers);
    return status;
  }
  *out = answers;
  return KOE_OK;
}

void koe_answers_free(koe_answers *answers) {
  if (answers == NULL) return;
  koe_token_reader_stop(&answers->reader);
  koe_tokens_clear(&answers->question);
  koe_free(answers->best);
  koe_free(answers);
}

static void add_to_sum(koe_answers *answers, double logit) {
  if (logit > answers->largest) {
    answers->sum *= exp(answers->largest - logit);
    answers->largest = logit;
  }
  answers->sum += exp(logit - answers->largest);
}

/* Keeps a span if it is among the best so far.  Spans come in the order of the text. */
static koe_status offer(koe_answers *answers, const koe_window *window, size_t from, size_t to,
                        double logit, koe_error *err) {
  size_t k = answers->options.k, at = answers->count;
  if (at == k && logit <= answers->best[k - 1].logit) return KOE_OK;
  if (!koe_grow(&answers->best, &answers->capacity, at + 1, sizeof *answers->best)) {
    return koe_fail_nomem(err);
  }
  while (at > 0 && logit > answers->best[at - 1].logit)
    at--;
  if (answers->count < k) answers->count++;
  memmove(&answers->best[at + 1], &answers->best[at],
          (answers->count - 1 - at) * sizeof *answers->best);
  size_t begin = window->bytes[from].begin, end = window->bytes[to].end;
  answers->best[at] = (koe_answer){.text = {answers->context.bytes + begin, end - begin},
                                   .start = window->tokens[from].start,
                                   .end = window->tokens[to].end,
                                   .logit = logit};
  return KOE_OK;
}

/* Looks at every span that starts in a window.
 *
 *   logits [window's tokens, 2]   start, end */
static koe_status take_window(koe_answers *answers, const koe_window *window, const float *logits,
                              koe_error *err) {
  koe_status status = KOE_OK;
  for (size_t from = window->begin; from < window->end; from++) {
    size_t most = answers->options.max_answer_length, left = window->count - from;
    size_t behind = from + (left < most ? left : most);
    for (size_t to = from; to < behind && status == KOE_OK; to++) {
      double logit = (double)logits[2 * from] + logits[2 * to + 1];
      add_to_sum(answers, logit);
      status = offer(answers, window, from, to, logit, err);
    }
  }
  return status;
}

koe_status koe_answers_next(koe_answers *answers, const koe_answer **out, size_t *count,
                            double *no_answer, bool *done, koe_error *err) {
  const koe_token_reader *reader = &answers->reader;
  koe_status status = koe_token_reader_next(&answers->reader, &answers->question, err);
  for (size_t w = 0; w < reader->count && status == KOE_OK; w++) {
    const float *cls = koe_token_reader_cls(reader, w);
    answers->no_answer = fmin(answers->no_answer, (double)cls[0] + cls[1]);
    status = take_window(answers, &reader->items[w],
                         koe_token_reader_logits(reader, w, &answers->question), err);
  }
  if (status != KOE_OK) return status;
  *done = reader->windows.ended;
  *out = answers->best;
  *count = *done ? answers->count : 0;
  *no_answer = answers->no_answer;
  for (size_t i = 0; i < *count; i++)
    answers->best[i].score = exp(answers->best[i].logit - answers->largest) / answers->sum;
  return KOE_OK;
}
