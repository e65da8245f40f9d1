/* Which tokens of a text look replaced: what KoELECTRA's discriminators were pretrained to see.
 *
 *   SELECT token, round(probability, 2) FROM koelectra_replaced('나는 방금 밥을 마셨다.', 'v3')
 *   WHERE probability > 0.5;
 *
 *   마셨  0.93
 *
 * koelectra_replaced(text [, model]): a row for each token but [CLS] and [SEP]; position, start and
 * end are those of koelectra_tokens.  A text longer than the model reads goes through it in
 * overlapping windows.  NULL has no rows. */
#include "table_function.h"

#include "../model/memory.h"
#include "../model/replaced.h"

SQLITE_EXTENSION_INIT3

typedef struct replaced_rows {
  const koe_model *model;
  koe_replaced *replaced;
  const koe_replaced_token *items; /* of the part at hand */
} replaced_rows;

static void free_rows(void *rows) {
  replaced_rows *r = rows;
  if (r == NULL) return;
  koe_replaced_free(r->replaced);
  koe_free(r);
}

enum { TEXT_ARGUMENT, MODEL_ARGUMENT };

static koe_status start(koe_table_use *use, sqlite3_value *const *arguments, void **rows,
                        koe_error *err) {
  koe_text text;
  bool is_null;
  const koe_model *model;
  koe_status status = koe_text_argument(arguments[TEXT_ARGUMENT], "text", &text, &is_null, err);
  if (status != KOE_OK || is_null) return status;
  status = koe_table_model(use, arguments[MODEL_ARGUMENT], &model, err);
  if (status != KOE_OK) return status;
  replaced_rows *r = koe_alloc_zero(1, sizeof *r);
  if (r == NULL) return koe_fail_nomem(err);
  r->model = model;
  status = koe_replaced_open(model, text, &r->replaced, err);
  if (status != KOE_OK) {
    free_rows(r);
    return status;
  }
  *rows = r;
  return KOE_OK;
}

static koe_status more(void *rows, size_t *count, bool *done, koe_error *err) {
  replaced_rows *r = rows;
  return koe_replaced_next(r->replaced, &r->items, count, done, err);
}

enum { POSITION, TOKEN, START, END, PROBABILITY };

static void value(sqlite3_context *context, const void *rows, size_t row, int column) {
  const replaced_rows *r = rows;
  const koe_replaced_token *token = &r->items[row];
  koe_text text;
  switch (column) {
  case POSITION:
    sqlite3_result_int64(context, token->position);
    break;
  case TOKEN:
    text = koe_tokenizer_token(koe_model_tokenizer(r->model), token->id);
    sqlite3_result_text(context, text.bytes, (int)text.length, SQLITE_TRANSIENT);
    break;
  case START:
    sqlite3_result_int64(context, token->start);
    break;
  case END:
    sqlite3_result_int64(context, token->end);
    break;
  case PROBABILITY:
    sqlite3_result_double(context, token->probability);
    break;
  }
}

int koe_register_replaced(sqlite3 *db) {
  static const char *const columns[] = {"position INTEGER", "token TEXT",       "start INTEGER",
                                        "\"end\" INTEGER",  "probability REAL", NULL};
  static const char *const arguments[] = {"text", "model", NULL};
  static const koe_table_function replaced = {.name = "koelectra_replaced",
                                              .columns = columns,
                                              .arguments = arguments,
                                              .required = 1,
                                              .innocuous = true,
                                              .start = start,
                                              .more = more,
                                              .value = value,
                                              .free_rows = free_rows};
  return koe_register_table_function(db, &replaced);
}
