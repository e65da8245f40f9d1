/* Tokens and their ids, as JSON.
 *
 *   SELECT koelectra_tokenize('한국어 ELECTRA');    -- ["한국어","EL","##EC","##TRA"]
 *   SELECT koelectra_token_ids('한국어 ELECTRA');   -- [2,11229,29173,13352,25541,3]
 *
 * koelectra_tokenize gives all tokens of the text and no others; koelectra_token_ids what the model
 * reads: with [CLS] and [SEP], truncated to its maximum. */
#include "koelectra_ext.h"

#include "../model/registry.h"

SQLITE_EXTENSION_INIT3

static void append_tokens(sqlite3_str *json, const koe_tokenizer *tokenizer,
                          const koe_tokens *tokens) {
  for (size_t i = 0; i < tokens->count; i++) {
    if (i > 0) sqlite3_str_appendchar(json, 1, ',');
    koe_json_append_string(json, koe_tokenizer_token(tokenizer, tokens->items[i].id));
  }
}

static void append_ids(sqlite3_str *json, const koe_tokens *tokens) {
  for (size_t i = 0; i < tokens->count; i++)
    sqlite3_str_appendf(json, i > 0 ? ",%d" : "%d", (int)tokens->items[i].id);
}

static void tokenize(sqlite3_context *context, int argc, sqlite3_value **argv, const char *function,
                     bool ids) {
  koe_error err;
  koe_text text;
  bool is_null;
  const koe_model *model = NULL;
  koe_tokens tokens = {0};

  koe_status status = koe_text_argument(argv[0], "text", &text, &is_null, &err);
  if (status != KOE_OK || is_null) goto cleanup;
  status = koe_model_argument(context, argc, argv, 1, &model, &err);
  if (status != KOE_OK) goto cleanup;
  const koe_tokenizer *tokenizer = koe_model_tokenizer(model);
  if (ids) {
    status =
        koe_tokenizer_encode(tokenizer, text, NULL, koe_model_max_length(model), &tokens, &err);
  } else {
    status = koe_tokenizer_tokenize(tokenizer, text, SIZE_MAX, &tokens, &err);
  }
  if (status != KOE_OK) goto cleanup;

  sqlite3_str *json = sqlite3_str_new(sqlite3_context_db_handle(context));
  sqlite3_str_appendchar(json, 1, '[');
  if (ids) {
    append_ids(json, &tokens);
  } else {
    append_tokens(json, tokenizer, &tokens);
  }
  sqlite3_str_appendchar(json, 1, ']');
  koe_json_result(context, json);

cleanup:
  koe_tokens_clear(&tokens);
  koe_registry_release(model);
  if (status != KOE_OK) koe_sql_result_error(context, function, &err);
}

static void tokenize_function(sqlite3_context *context, int argc, sqlite3_value **argv) {
  tokenize(context, argc, argv, "koelectra_tokenize", false);
}

static void token_ids_function(sqlite3_context *context, int argc, sqlite3_value **argv) {
  tokenize(context, argc, argv, "koelectra_token_ids", true);
}

int koe_register_tokenize(sqlite3 *db) {
  static const koe_sql_function functions[] = {
      {"koelectra_tokenize", 1, 2, KOE_PURE, tokenize_function},
      {"koelectra_token_ids", 1, 2, KOE_PURE, token_ids_function},
  };
  return koe_register_functions(db, functions, sizeof functions / sizeof functions[0], NULL);
}
