/* The answer to a question, found in a text: extractive question answering, as in KorQuAD.
 *
 *   SELECT answer, score, start, "end"
 *   FROM koelectra_answers('에펠탑은 언제 세워졌나?', '파리의 에펠탑은 1889년에 세워졌다.',
 * 'korquad');
 *
 *   1889년  0.97  9  14
 *
 *   SELECT a.answer, p.title FROM page p, koelectra_answers(:question, p.body, 'korquad') a
 *   ORDER BY a.logit DESC LIMIT 1;
 *
 * koelectra_answers(question, context [, model [, k [, max_answer_length [, doc_stride]]]]): the k
 * best answers, best first; 1 where k is not given.  answer is what stands in the context from
 * character start to "end".
 *
 *   score      probability among all spans of the context, no longer than max_answer_length
 *   logit      what they are ranked by; comparable between contexts of one question
 *   no_answer  the logit of there being no answer.  A model trained with questions that have none
 *              (SQuAD 2.0, KorQuAD 2, KLUE-MRC) finds an answer where logit > no_answer; to others,
 *              those of KorQuAD 1.0 among them, the number means nothing
 *
 * A context longer than the model reads goes through it in windows that start each doc_stride
 * tokens, 128; max_answer_length is 30 tokens: the reference's numbers for KorQuAD.  A question or
 * context that is NULL has no rows, nor has a context without words. */
#include "table_function.h"

#include "../model/tasks/answers.h"

SQLITE_EXTENSION_INIT3

typedef struct answer_rows {
  koe_answers *answers;
  const koe_answer *items;
  double no_answer;
} answer_rows;

static void clear(void *rows) {
  koe_answers_free(((answer_rows *)rows)->answers);
}

enum {
  QUESTION_ARGUMENT,
  CONTEXT_ARGUMENT,
  MODEL_ARGUMENT,
  K_ARGUMENT,
  LENGTH_ARGUMENT,
  STRIDE_ARGUMENT
};

static koe_status get_options(sqlite3_value *const *arguments, koe_answer_options *out,
                              koe_error *err) {
  *out = (koe_answer_options){1, KOE_MAX_ANSWER, KOE_DOC_STRIDE};
  koe_status status = koe_count_argument(arguments[K_ARGUMENT], "k", &out->k, err);
  if (status == KOE_OK) {
    status = koe_count_argument(arguments[LENGTH_ARGUMENT], "max_answer_length",
                                &out->max_answer_length, err);
  }
  if (status != KOE_OK) return status;
  return koe_count_argument(arguments[STRIDE_ARGUMENT], "doc_stride", &out->doc_stride, err);
}

static koe_status start(koe_table_use *use, sqlite3_value *const *arguments, void *rows, bool *done,
                        koe_error *err) {
  answer_rows *r = rows;
  koe_text question, context;
  bool no_question, no_context = false;
  koe_answer_options options;
  const koe_model *model;
  koe_status status =
      koe_text_argument(arguments[QUESTION_ARGUMENT], "question", &question, &no_question, err);
  if (status == KOE_OK) {
    status = koe_text_argument(arguments[CONTEXT_ARGUMENT], "context", &context, &no_context, err);
  }
  if (status == KOE_OK) status = get_options(arguments, &options, err);
  if (status != KOE_OK) return status;
  *done = no_question || no_context;
  if (*done) return KOE_OK;
  status = koe_table_model(use, arguments[MODEL_ARGUMENT], &model, err);
  if (status != KOE_OK) return status;
  return koe_answers_open(model, question, context, &options, &r->answers, err);
}

static koe_status more(void *rows, size_t *count, bool *done, koe_error *err) {
  answer_rows *r = rows;
  return koe_answers_next(r->answers, &r->items, count, &r->no_answer, done, err);
}

enum { ANSWER, SCORE, START, END, LOGIT, NO_ANSWER };

static void value(sqlite3_context *context, const void *rows, size_t row, int column) {
  const answer_rows *r = rows;
  const koe_answer *answer = &r->items[row];
  switch (column) {
  case ANSWER:
    koe_text_result(context, answer->text);
    break;
  case SCORE:
    sqlite3_result_double(context, answer->score);
    break;
  case START:
    sqlite3_result_int64(context, answer->start);
    break;
  case END:
    sqlite3_result_int64(context, answer->end);
    break;
  case LOGIT:
    sqlite3_result_double(context, answer->logit);
    break;
  case NO_ANSWER:
    sqlite3_result_double(context, r->no_answer);
    break;
  }
}

int koe_register_answers(sqlite3 *db) {
  static const char *const columns[] = {
      "answer TEXT",    "score REAL", "start INTEGER", "\"end\" INTEGER", "logit REAL",
      "no_answer REAL", NULL};
  static const char *const arguments[] = {"question",          "context",    "model", "k",
                                          "max_answer_length", "doc_stride", NULL};
  static const koe_table_function answers = {.name = "koelectra_answers",
                                             .columns = columns,
                                             .arguments = arguments,
                                             .required = 2,
                                             .innocuous = true,
                                             .rows_size = sizeof(answer_rows),
                                             .start = start,
                                             .more = more,
                                             .value = value,
                                             .clear = clear};
  return koe_register_table_function(db, &answers);
}
