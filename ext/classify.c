/* Classification, by the head the checkpoint was fine-tuned with, or by one of koelectra_fit.
 *
 *   SELECT koelectra_classify('연기가 정말 좋았어요');
 *   -- positive
 *   SELECT koelectra_scores('연기가 정말 좋았어요');
 *   -- {"negative":0.0123,"positive":0.9877}
 *   SELECT koelectra_score('연기가 정말 좋았어요');
 *   -- 0.9877
 *   SELECT koelectra_classify_pair('비가 온다', '날씨가 맑다', 'kornli');
 *   -- contradiction
 *   SELECT koelectra_score_pair('비가 온다', '비가 내린다', 'korsts');
 *   -- 4.21
 *   SELECT koelectra_scores_pair('비가 온다', '비가 내린다', 'korsts');
 *   -- {"score":4.21}
 *
 * Scores are probabilities (softmax) in the order of the label ids, with 6 significant digits.  A
 * head with one output, as KorSTS has, gives that output under "score", and has no label.
 * koelectra_score is a REAL, not rounded: the probability of the label, or that one output.
 *
 * Models for hate speech have two heads side by side, 'bias' and 'hate'.  The last argument names
 * the one that is meant; koelectra_scores without it gives both:
 *
 *   SELECT koelectra_classify_pair(comment, title, 'hate-speech', 'hate') FROM comments;
 *   -- offensive
 *   SELECT koelectra_scores_pair(comment, title, 'hate-speech') FROM comments;
 *   -- {"bias":{"none":0.8,"gender":0.1,"others":0.1},"hate":{"none":0.1,…}} */
#include "koelectra_ext.h"

#include "../model/memory.h"

#include <string.h>

SQLITE_EXTENSION_INIT3

enum { SCORE_DIGITS = 6 };

/* What one call computes. */
typedef struct call {
  const koe_classifier *model;
  const char *head; /* the argument; NULL where not given */
  float *logits;    /* [labels of model]; NULL where a text is NULL */
} call;

static void end_call(call *c) {
  koe_free(c->logits);
  koe_classifier_release(c->model);
}

/* Runs the head on one text, or on a pair.
 *
 *   texts  how many of the arguments are texts, 1 or 2; model and head may come after them
 *
 * `c` is to be ended with end_call, also after a failure. */
static koe_status compute(sqlite3_context *context, int argc, sqlite3_value **argv, int texts,
                          call *c, koe_error *err) {
  koe_text text, pair;
  bool is_null, no_pair = false;
  *c = (call){NULL, NULL, NULL};
  koe_status status = koe_text_argument(argv[0], "text", &text, &is_null, err);
  if (status == KOE_OK && texts == 2) {
    status = koe_text_argument(argv[1], "pair", &pair, &no_pair, err);
  }
  if (status != KOE_OK || is_null || no_pair) return status;
  if (argc > texts + 1) {
    status = koe_string_argument(argv[texts + 1], "the name of the head", &c->head, err);
  }
  if (status == KOE_OK) {
    status = koe_classifier_argument(context, argc, argv, texts, &c->model, err);
  }
  if (status != KOE_OK) return status;
  c->logits = koe_alloc(koe_classifier_label_count(c->model), sizeof *c->logits);
  if (c->logits == NULL) return koe_fail_nomem(err);
  const koe_connection *connection = sqlite3_user_data(context);
  return koe_classifier_run_recent(c->model, connection->recent, &text, texts == 2 ? &pair : NULL,
                                   &(koe_outputs){.logits = c->logits}, err);
}

static void classify(sqlite3_context *context, int argc, sqlite3_value **argv, int texts) {
  const char *function = texts == 2 ? "koelectra_classify_pair" : "koelectra_classify";
  koe_error err;
  call c;
  koe_label_group_view group;
  koe_status status = compute(context, argc, argv, texts, &c, &err);
  if (status != KOE_OK || c.logits == NULL) goto cleanup;
  status = koe_classifier_find_group(c.model, c.head, &group, &err);
  if (status != KOE_OK) goto cleanup;
  if (group.count == 1) {
    status = koe_fail(&err, KOE_UNSUPPORTED,
                      "the head of this model has one output, a score and not a label: "
                      "use koelectra_score%s",
                      texts == 2 ? "_pair" : "");
    goto cleanup;
  }
  size_t label = group.first + koe_model_largest(c.logits + group.first, group.count);
  sqlite3_result_text(context, koe_classifier_label(c.model, label), -1, SQLITE_TRANSIENT);

cleanup:
  end_call(&c);
  if (status != KOE_OK) koe_sql_result_error(context, function, &err);
}

static void score(sqlite3_context *context, int argc, sqlite3_value **argv, int texts) {
  const char *function = texts == 2 ? "koelectra_score_pair" : "koelectra_score";
  koe_error err;
  call c;
  koe_label_group_view group;
  koe_status status = compute(context, argc, argv, texts, &c, &err);
  if (status != KOE_OK || c.logits == NULL) goto cleanup;
  status = koe_classifier_find_group(c.model, c.head, &group, &err);
  if (status != KOE_OK) goto cleanup;
  float *logits = c.logits + group.first;
  size_t label = koe_model_largest(logits, group.count);
  koe_model_probabilities(logits, group.count);
  sqlite3_result_double(context, logits[label]);

cleanup:
  end_call(&c);
  if (status != KOE_OK) koe_sql_result_error(context, function, &err);
}

/* {"none":0.1,…} */
static void append_group(sqlite3_str *out, const koe_classifier *model, koe_label_group_view group,
                         const float *scores) {
  sqlite3_str_appendchar(out, 1, '{');
  for (size_t i = 0; i < group.count; i++) {
    const char *label = group.count == 1 ? "score" : koe_classifier_label(model, group.first + i);
    if (i > 0) sqlite3_str_appendchar(out, 1, ',');
    koe_json_append_string(out, (koe_text){label, strlen(label)});
    sqlite3_str_appendchar(out, 1, ':');
    koe_json_append_number(out, scores[group.first + i], SCORE_DIGITS);
  }
  sqlite3_str_appendchar(out, 1, '}');
}

void koe_json_append_scores(sqlite3_str *out, const koe_classifier *model,
                            const koe_label_group_view *group, const float *scores) {
  size_t count = koe_classifier_group_count(model);
  if (group != NULL || count == 1) {
    append_group(out, model, group != NULL ? *group : koe_classifier_group(model, 0), scores);
    return;
  }
  sqlite3_str_appendchar(out, 1, '{');
  for (size_t i = 0; i < count; i++) {
    koe_label_group_view each = koe_classifier_group(model, i);
    if (i > 0) sqlite3_str_appendchar(out, 1, ',');
    koe_json_append_string(out, (koe_text){each.name, strlen(each.name)});
    sqlite3_str_appendchar(out, 1, ':');
    append_group(out, model, each, scores);
  }
  sqlite3_str_appendchar(out, 1, '}');
}

static void scores(sqlite3_context *context, int argc, sqlite3_value **argv, int texts) {
  const char *function = texts == 2 ? "koelectra_scores_pair" : "koelectra_scores";
  koe_error err;
  call c;
  koe_label_group_view group;
  koe_status status = compute(context, argc, argv, texts, &c, &err);
  if (status != KOE_OK || c.logits == NULL) goto cleanup;
  if (c.head != NULL) status = koe_classifier_find_group(c.model, c.head, &group, &err);
  if (status != KOE_OK) goto cleanup;
  koe_classifier_probabilities(c.model, c.logits);
  sqlite3_str *json = sqlite3_str_new(sqlite3_context_db_handle(context));
  koe_json_append_scores(json, c.model, c.head != NULL ? &group : NULL, c.logits);
  koe_json_result(context, json);

cleanup:
  end_call(&c);
  if (status != KOE_OK) koe_sql_result_error(context, function, &err);
}

static void classify_text(sqlite3_context *context, int argc, sqlite3_value **argv) {
  classify(context, argc, argv, 1);
}

static void classify_pair(sqlite3_context *context, int argc, sqlite3_value **argv) {
  classify(context, argc, argv, 2);
}

static void score_text(sqlite3_context *context, int argc, sqlite3_value **argv) {
  score(context, argc, argv, 1);
}

static void score_pair(sqlite3_context *context, int argc, sqlite3_value **argv) {
  score(context, argc, argv, 2);
}

static void scores_text(sqlite3_context *context, int argc, sqlite3_value **argv) {
  scores(context, argc, argv, 1);
}

static void scores_pair(sqlite3_context *context, int argc, sqlite3_value **argv) {
  scores(context, argc, argv, 2);
}

int koe_register_classify(sqlite3 *db, koe_connection *connection) {
  static const koe_sql_function functions[] = {
      {"koelectra_classify", 1, 3, KOE_PURE, classify_text},
      {"koelectra_classify_pair", 2, 4, KOE_PURE, classify_pair},
      {"koelectra_score", 1, 3, KOE_PURE, score_text},
      {"koelectra_score_pair", 2, 4, KOE_PURE, score_pair},
      {"koelectra_scores", 1, 3, KOE_PURE, scores_text},
      {"koelectra_scores_pair", 2, 4, KOE_PURE, scores_pair},
  };
  return koe_register_functions(db, functions, sizeof functions / sizeof functions[0], connection);
}
