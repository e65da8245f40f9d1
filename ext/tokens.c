/* Tokens as rows: what the model reads of a text, or of a pair of texts.
 *
 *   SELECT position, token, id, segment, start, "end" FROM koelectra_tokens('한국어 ELECTRA');
 *
 *   0  [CLS]   2      0
 *   1  한국어  11229  0  0  3
 *   2  EL      29173  0  4  6
 *   …
 *
 * koelectra_tokens(text [, pair [, model]]): start and end count characters of the text that the
 * token is of, from 0, so that substr(text, start + 1, "end" - start) is what it was made from;
 * both are NULL for [CLS] and [SEP].  END is a keyword of SQL: write "end" or t."end".  A text that
 * is NULL has no rows, a pair that is NULL is none. */
#include "table_function.h"

#include "../model/registry.h"

SQLITE_EXTENSION_INIT3

typedef struct token_rows {
  const koe_model *model;
  koe_tokens tokens;
} token_rows;

static void clear(void *rows) {
  token_rows *r = rows;
  koe_tokens_clear(&r->tokens);
  koe_registry_release(r->model);
}

enum { TEXT_ARGUMENT, PAIR_ARGUMENT, MODEL_ARGUMENT };

static koe_status encode(sqlite3_value *const *arguments, void *rows, size_t *count,
                         koe_error *err) {
  token_rows *r = rows;
  koe_text text, pair;
  bool is_null, no_pair = true;
  koe_status status = koe_text_argument(arguments[TEXT_ARGUMENT], "text", &text, &is_null, err);
  if (status == KOE_OK && arguments[PAIR_ARGUMENT] != NULL) {
    status = koe_text_argument(arguments[PAIR_ARGUMENT], "pair", &pair, &no_pair, err);
  }
  if (status != KOE_OK || is_null) return status;
  status = koe_model_value(arguments[MODEL_ARGUMENT], &r->model, err);
  if (status != KOE_OK) return status;
  status = koe_tokenizer_encode(koe_model_tokenizer(r->model), text, no_pair ? NULL : &pair,
                                koe_model_max_length(r->model), &r->tokens, err);
  *count = r->tokens.count;
  return status;
}

enum { POSITION, TOKEN, ID, SEGMENT, START, END };

static void value(sqlite3_context *context, const void *rows, size_t row, int column) {
  const token_rows *r = rows;
  const koe_token *token = &r->tokens.items[row];
  switch (column) {
  case POSITION:
    sqlite3_result_int64(context, (sqlite3_int64)row);
    break;
  case TOKEN:
    koe_text_result(context, koe_tokenizer_token(koe_model_tokenizer(r->model), token->id));
    break;
  case ID:
    sqlite3_result_int(context, token->id);
    break;
  case SEGMENT:
    sqlite3_result_int(context, token->segment);
    break;
  case START:
    if (token->start >= 0) sqlite3_result_int64(context, token->start);
    break;
  case END:
    if (token->end >= 0) sqlite3_result_int64(context, token->end);
    break;
  }
}

int koe_register_tokens(sqlite3 *db) {
  static const char *const columns[] = {
      "position INTEGER", "token TEXT",      "id INTEGER", "segment INTEGER",
      "start INTEGER",    "\"end\" INTEGER", NULL};
  static const char *const arguments[] = {"text", "pair", "model", NULL};
  static const koe_table_function tokens = {.name = "koelectra_tokens",
                                            .columns = columns,
                                            .arguments = arguments,
                                            .required = 1,
                                            .innocuous = true,
                                            .rows_size = sizeof(token_rows),
                                            .filter = encode,
                                            .value = value,
                                            .clear = clear};
  return koe_register_table_function(db, &tokens);
}
