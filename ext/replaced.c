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

#include "../model/tasks/replaced.h"

SQLITE_EXTENSION_INIT3

typedef struct replaced_rows {
  const koe_model *model;
  koe_replaced *replaced;
  const koe_replaced_token *items; /* of the part at hand */
} replaced_rows;

static void clear(void *rows) {
  koe_replaced_free(((replaced_rows *)rows)->replaced);
}

enum { TEXT_ARGUMENT, MODEL_ARGUMENT };

static koe_status start(koe_table_use *use, sqlite3_value *const *arguments, void *rows, bool *done,
                        koe_error *err) {
  replaced_rows *r = rows;
  koe_text text;
  koe_status status = koe_text_argument(arguments[TEXT_ARGUMENT], "text", &text, done, err);
  if (status != KOE_OK || *done) return status;
  status = koe_table_model(use, arguments[MODEL_ARGUMENT], &r->model, err);
  if (status != KOE_OK) return status;
  return koe_replaced_open(r->model, text, &r->replaced, err);
}

static koe_status more(void *rows, size_t *count, bool *done, koe_error *err) {
  replaced_rows *r = rows;
  return koe_replaced_next(r->replaced, &r->items, count, done, err);
}

enum { POSITION, TOKEN, START, END, PROBABILITY };

static void value(sqlite3_context *context, const void *rows, size_t row, int column) {
  const replaced_rows *r = rows;
  const koe_replaced_token *token = &r->items[row];
  switch (column) {
  case POSITION:
    sqlite3_result_int64(context, token->position);
    break;
  case TOKEN:
    koe_text_result(context, koe_tokenizer_token(koe_model_tokenizer(r->model), token->id));
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
                                              .rows_size = sizeof(replaced_rows),
                                              .start = start,
                                              .more = more,
                                              .value = value,
                                              .clear = clear};
  return koe_register_table_function(db, &replaced);
}
