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
  int texts; /* how many of the arguments are texts, 1 or 2; model and head may come after them */
  const koe_classifier *model;
  const char *head; /* the argument; NULL where not given */
  float *logits;    /* [labels of model]; NULL where a text is NULL */
} call;

/* Runs the head on one text, or on a pair. */
static koe_status compute(sqlite3_context *context, int argc, sqlite3_value **argv, call *c,
                          koe_error *err) {
  koe_text text, pair;
  bool is_null, no_pair = false, paired = c->texts == 2;
  koe_status status = koe_text_argument(argv[0], "text", &text, &is_null, err);
  if (status == KOE_OK && paired) {
    status = koe_text_argument(argv[1], "pair", &pair, &no_pair, err);
  }
  if (status != KOE_OK || is_null || no_pair) return status;
  if (argc > c->texts + 1) {
    status = koe_string_argument(argv[c->texts + 1], "the name of the head", &c->head, err);
  }
  if (status == KOE_OK) {
    status = koe_classifier_argument(context, argc, argv, c->texts, &c->model, err);
  }
  if (status != KOE_OK) return status;
  c->logits = koe_alloc(koe_classifier_label_count(c->model), sizeof *c->logits);
  if (c->logits == NULL) return koe_fail_nomem(err);
  const koe_connection *connection = sqlite3_user_data(context);
  return koe_classifier_run_recent(c->model, connection->recent, &text, paired ? &pair : NULL,
                                   &(koe_outputs){.logits = c->logits}, err);
}

/* Ends `context` with what a function gives of the logits, which it may overwrite. */
typedef koe_status give_function(sqlite3_context *context, const call *c, koe_error *err);

static koe_status give_label(sqlite3_context *context, const call *c, koe_error *err) {
  koe_label_group_view group;
  koe_status status = koe_classifier_find_group(c->model, c->head, &group, err);
  if (status != KOE_OK) return status;
  if (group.count == 1) {
    return koe_fail(err, KOE_UNSUPPORTED,
                    "the head of this model has one output, a score and not a label: "
                    "use koelectra_score%s",
                    c->texts == 2 ? "_pair" : "");
  }
  size_t label = group.first + koe_model_largest(c->logits + group.first, group.count);
  sqlite3_result_text(context, koe_classifier_label(c->model, label), -1, SQLITE_TRANSIENT);
  return KOE_OK;
}

static koe_status give_score(sqlite3_context *context, const call *c, koe_error *err) {
  koe_label_group_view group;
  koe_status status = koe_classifier_find_group(c->model, c->head, &group, err);
  if (status != KOE_OK) return status;
  float *logits = c->logits + group.first;
  size_t label = koe_model_largest(logits, group.count);
  koe_model_probabilities(logits, group.count);
  sqlite3_result_double(context, logits[label]);
  return KOE_OK;
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

static koe_status give_scores(sqlite3_context *context, const call *c, koe_error *err) {
  koe_label_group_view group;
  if (c->head != NULL) {
    koe_status status = koe_classifier_find_group(c->model, c->head, &group, err);
    if (status != KOE_OK) return status;
  }
  koe_classifier_probabilities(c->model, c->logits);
  sqlite3_str *json = sqlite3_str_new(sqlite3_context_db_handle(context));
  koe_json_append_scores(json, c->model, c->head != NULL ? &group : NULL, c->logits);
  koe_json_result(context, json);
  return KOE_OK;
}

/* ── the functions ──────────────────────────────────────────────────────────────────────────────
 */

static void run(sqlite3_context *context, int argc, sqlite3_value **argv, int texts,
                const char *function, give_function *give) {
  koe_error err;
  call c = {.texts = texts};
  koe_status status = compute(context, argc, argv, &c, &err);
  if (status == KOE_OK && c.logits != NULL) status = give(context, &c, &err);
  koe_free(c.logits);
  koe_classifier_release(c.model);
  if (status != KOE_OK) koe_sql_result_error(context, function, &err);
}

static void classify_text(sqlite3_context *context, int argc, sqlite3_value **argv) {
  run(context, argc, argv, 1, "koelectra_classify", give_label);
}

static void classify_pair(sqlite3_context *context, int argc, sqlite3_value **argv) {
  run(context, argc, argv, 2, "koelectra_classify_pair", give_label);
}

static void score_text(sqlite3_context *context, int argc, sqlite3_value **argv) {
  run(context, argc, argv, 1, "koelectra_score", give_score);
}

static void score_pair(sqlite3_context *context, int argc, sqlite3_value **argv) {
  run(context, argc, argv, 2, "koelectra_score_pair", give_score);
}

static void scores_text(sqlite3_context *context, int argc, sqlite3_value **argv) {
  run(context, argc, argv, 1, "koelectra_scores", give_scores);
}

static void scores_pair(sqlite3_context *context, int argc, sqlite3_value **argv) {
  run(context, argc, argv, 2, "koelectra_scores_pair", give_scores);
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
