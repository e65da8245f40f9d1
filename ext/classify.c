/* Classification, by the head the checkpoint was fine-tuned with, or by one of koelectra_fit.
 *
 *   SELECT koelectra_classify('연기가 정말 좋았어요');
 *   -- positive
 *   SELECT koelectra_scores('연기가 정말 좋았어요');
 *   -- {"negative":0.0123,"positive":0.9877}
 *   SELECT koelectra_classify_pair('비가 온다', '날씨가 맑다', 'kornli');
 *   -- contradiction
 *   SELECT koelectra_scores_pair('비가 온다', '비가 내린다', 'korsts');
 *   -- {"score":4.21}
 *
 * Scores are probabilities (softmax) in the order of the label ids, with 6 significant digits.  A
 * head with one output, as KorSTS has, gives that output under "score", and has no label. */
#include "koelectra_ext.h"

#include "../model/memory.h"

#include <string.h>

SQLITE_EXTENSION_INIT3

enum { SCORE_DIGITS = 6 };

/* Runs the head on one text, or on a pair.
 *
 *   texts   how many of the arguments are texts, 1 or 2; the model may come after them
 *   logits  [labels of *model], freed by the caller; NULL where a text is NULL
 *
 * The caller releases `*model`, also after a failure. */
static koe_status compute_logits(sqlite3_context *context, int argc, sqlite3_value **argv,
                                 int texts, const koe_classifier **model, float **logits,
                                 koe_error *err) {
  koe_text text, pair;
  bool is_null, no_pair = false;
  *model = NULL;
  *logits = NULL;
  koe_status status = koe_text_argument(argv[0], "text", &text, &is_null, err);
  if (status == KOE_OK && texts == 2) {
    status = koe_text_argument(argv[1], "pair", &pair, &no_pair, err);
  }
  if (status != KOE_OK || is_null || no_pair) return status;
  status = koe_classifier_argument(context, argc, argv, texts, model, err);
  if (status != KOE_OK) return status;
  *logits = koe_alloc(koe_classifier_label_count(*model), sizeof **logits);
  if (*logits == NULL) return koe_fail_nomem(err);
  const koe_connection *connection = sqlite3_user_data(context);
  return koe_classifier_run_recent(*model, connection->recent, &text, texts == 2 ? &pair : NULL,
                                   &(koe_outputs){.logits = *logits}, err);
}

static void classify(sqlite3_context *context, int argc, sqlite3_value **argv, int texts) {
  const char *function = texts == 2 ? "koelectra_classify_pair" : "koelectra_classify";
  koe_error err;
  const koe_classifier *model;
  float *logits;
  koe_status status = compute_logits(context, argc, argv, texts, &model, &logits, &err);
  if (status != KOE_OK || logits == NULL) goto cleanup;
  size_t labels = koe_classifier_label_count(model), largest = 0;
  if (labels == 1) {
    status = koe_fail(&err, KOE_UNSUPPORTED,
                      "the head of this model has one output, a score and not a label: "
                      "use koelectra_scores%s",
                      texts == 2 ? "_pair" : "");
    goto cleanup;
  }
  for (size_t i = 1; i < labels; i++) {
    if (logits[i] > logits[largest]) largest = i;
  }
  sqlite3_result_text(context, koe_classifier_label(model, largest), -1, SQLITE_TRANSIENT);

cleanup:
  koe_free(logits);
  koe_classifier_release(model);
  if (status != KOE_OK) koe_sql_result_error(context, function, &err);
}

void koe_json_append_scores(sqlite3_str *out, const koe_classifier *model, const float *scores) {
  size_t labels = koe_classifier_label_count(model);
  sqlite3_str_appendchar(out, 1, '{');
  for (size_t i = 0; i < labels; i++) {
    const char *label = labels == 1 ? "score" : koe_classifier_label(model, i);
    if (i > 0) sqlite3_str_appendchar(out, 1, ',');
    koe_json_append_string(out, (koe_text){label, strlen(label)});
    sqlite3_str_appendchar(out, 1, ':');
    koe_json_append_number(out, scores[i], SCORE_DIGITS);
  }
  sqlite3_str_appendchar(out, 1, '}');
}

static void scores(sqlite3_context *context, int argc, sqlite3_value **argv, int texts) {
  const char *function = texts == 2 ? "koelectra_scores_pair" : "koelectra_scores";
  koe_error err;
  const koe_classifier *model;
  float *logits;
  koe_status status = compute_logits(context, argc, argv, texts, &model, &logits, &err);
  if (status != KOE_OK || logits == NULL) goto cleanup;
  koe_model_probabilities(logits, koe_classifier_label_count(model));
  sqlite3_str *json = sqlite3_str_new(sqlite3_context_db_handle(context));
  koe_json_append_scores(json, model, logits);
  koe_json_result(context, json);

cleanup:
  koe_free(logits);
  koe_classifier_release(model);
  if (status != KOE_OK) koe_sql_result_error(context, function, &err);
}

static void classify_text(sqlite3_context *context, int argc, sqlite3_value **argv) {
  classify(context, argc, argv, 1);
}

static void classify_pair(sqlite3_context *context, int argc, sqlite3_value **argv) {
  classify(context, argc, argv, 2);
}

static void score_text(sqlite3_context *context, int argc, sqlite3_value **argv) {
  scores(context, argc, argv, 1);
}

static void score_pair(sqlite3_context *context, int argc, sqlite3_value **argv) {
  scores(context, argc, argv, 2);
}

int koe_register_classify(sqlite3 *db, koe_connection *connection) {
  static const koe_sql_function functions[] = {
      {"koelectra_classify", 1, 2, KOE_PURE, classify_text},
      {"koelectra_classify_pair", 2, 3, KOE_PURE, classify_pair},
      {"koelectra_scores", 1, 2, KOE_PURE, score_text},
      {"koelectra_scores_pair", 2, 3, KOE_PURE, score_pair},
  };
  return koe_register_functions(db, functions, sizeof functions / sizeof functions[0], connection);
}
