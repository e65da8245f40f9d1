/* A classifier of one's own, from a few labelled rows.
 *
 *   CREATE TABLE heads(name TEXT PRIMARY KEY, head BLOB);
 *   INSERT INTO heads SELECT 'topic', koelectra_fit(body, topic) FROM review WHERE topic IS NOT
 * NULL; SELECT koelectra_classify(body, (SELECT head FROM heads WHERE name = 'topic')) FROM review;
 *
 *   SELECT koelectra_fit(body, topic, '{"model": "sentiment", "class_weight": "balanced"}') …
 *
 * An aggregate: it embeds the texts, fits a softmax head to the embeddings and returns it as a BLOB
 * (model/fit/fitted_head.h tells its layout).  Options are read from the first row.  A row whose
 * text or label is NULL is skipped. */
#include "koelectra_ext.h"

#include "../model/fit/fitter.h"
#include "../model/memory.h"

SQLITE_EXTENSION_INIT3

/* What SQLite keeps for a group, zeros at first. */
typedef struct fit_group {
  koe_fitter *fitter;
  bool failed; /* there is no result: only memory to free */
} fit_group;

static koe_status add_row(fit_group *group, int argc, sqlite3_value **argv, koe_error *err) {
  koe_text text, label;
  bool no_text, no_label;
  koe_status status = KOE_OK;
  if (group->fitter == NULL) {
    const char *options = NULL;
    if (argc == 3) status = koe_string_argument(argv[2], "options", &options, err);
    if (status == KOE_OK) status = koe_fitter_new(options, &group->fitter, err);
    if (status != KOE_OK) return status;
  }
  status = koe_text_argument(argv[0], "text", &text, &no_text, err);
  if (status == KOE_OK) status = koe_text_argument(argv[1], "label", &label, &no_label, err);
  if (status != KOE_OK || no_text || no_label) return status;
  return koe_fitter_add(group->fitter, text, label, err);
}

static void step(sqlite3_context *context, int argc, sqlite3_value **argv) {
  koe_error err;
  fit_group *group = sqlite3_aggregate_context(context, sizeof *group);
  if (group == NULL) {
    sqlite3_result_error_nomem(context);
    return;
  }
  if (group->failed) return;
  if (add_row(group, argc, argv, &err) != KOE_OK) {
    group->failed = true;
    koe_sql_result_error(context, "koelectra_fit", &err);
  }
}

static void finish(sqlite3_context *context) {
  koe_error err;
  void *bytes;
  size_t size;
  fit_group *group = sqlite3_aggregate_context(context, 0);
  if (group != NULL && group->failed) {
    /* SQLite has the error of the row. */
  } else if (group == NULL || group->fitter == NULL) {
    koe_fail(&err, KOE_INVALID, "no rows to learn from");
    koe_sql_result_error(context, "koelectra_fit", &err);
  } else if (koe_fitter_finish(group->fitter, &bytes, &size, &err) != KOE_OK) {
    koe_sql_result_error(context, "koelectra_fit", &err);
  } else {
    sqlite3_result_blob64(context, bytes, size, koe_free);
  }
  if (group != NULL) koe_fitter_free(group->fitter);
}

int koe_register_fit(sqlite3 *db) {
  int code = SQLITE_OK;
  for (int arguments = 2; arguments <= 3 && code == SQLITE_OK; arguments++) {
    code = sqlite3_create_function_v2(db, "koelectra_fit", arguments,
                                      SQLITE_UTF8 | SQLITE_INNOCUOUS, NULL, NULL, step, finish,
                                      NULL);
  }
  return code;
}
