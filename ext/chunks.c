/* A long document in pieces that a model can read, cut at the ends of sentences.
 *
 *   SELECT chunk, start, "end", tokens FROM koelectra_chunks('배우들의 연기가 좋았다. 음악도 …',
 * 128); SELECT d.id, c.chunk FROM document AS d, koelectra_chunks(d.body, 256, 32, 'search') AS c;
 *
 * koelectra_chunks(text [, max_tokens [, overlap [, model]]]): each chunk has at most `max_tokens`
 * tokens, [CLS] and [SEP] counted, so that a model of that max_length reads all of it; `tokens` is
 * how many it has.  Without max_tokens, or where it is NULL, as many as the model reads. `overlap`:
 * how many tokens a chunk may repeat of the one before, 0 where it is not given.  start and end
 * count characters from 0: substr(text, start + 1, "end" - start) is the chunk.  END is a keyword
 * of SQL: write "end" or c."end".  A text that is NULL has no rows.
 *
 * Where it cuts: model/tokenizer/chunking.h and model/tokenizer/sentences.h. */
#include "table_function.h"

#include "../model/registry.h"
#include "../model/tokenizer/chunking.h"

SQLITE_EXTENSION_INIT3

typedef struct chunk_rows {
  koe_text text; /* the argument's, which lives as long */
  koe_chunks chunks;
} chunk_rows;

static void clear(void *rows) {
  koe_chunks_clear(&((chunk_rows *)rows)->chunks);
}

enum { TEXT_ARGUMENT, TOKENS_ARGUMENT, OVERLAP_ARGUMENT, MODEL_ARGUMENT };

static koe_status cut(sqlite3_value *const *arguments, void *rows, size_t *count, koe_error *err) {
  chunk_rows *r = rows;
  bool is_null;
  const koe_model *model;
  koe_status status = koe_text_argument(arguments[TEXT_ARGUMENT], "text", &r->text, &is_null, err);
  if (status != KOE_OK || is_null) return status;
  status = koe_model_value(arguments[MODEL_ARGUMENT], &model, err);
  if (status != KOE_OK) return status;
  size_t max_tokens = koe_model_max_length(model), overlap = 0;
  status = koe_count_argument(arguments[TOKENS_ARGUMENT], "max_tokens", &max_tokens, err);
  if (status == KOE_OK) {
    status = koe_count_argument(arguments[OVERLAP_ARGUMENT], "overlap", &overlap, err);
  }
  if (status == KOE_OK) {
    status =
        koe_chunk_text(koe_model_tokenizer(model), r->text, max_tokens, overlap, &r->chunks, err);
  }
  koe_registry_release(model);
  *count = r->chunks.count;
  return status;
}

enum { CHUNK, START, END, TOKENS };

static void value(sqlite3_context *context, const void *rows, size_t row, int column) {
  const chunk_rows *r = rows;
  const koe_chunk *chunk = &r->chunks.items[row];
  switch (column) {
  case CHUNK:
    koe_text_result(context, (koe_text){r->text.bytes + chunk->offset, chunk->length});
    break;
  case START:
    sqlite3_result_int64(context, chunk->start);
    break;
  case END:
    sqlite3_result_int64(context, chunk->end);
    break;
  case TOKENS:
    sqlite3_result_int64(context, (sqlite3_int64)chunk->tokens);
    break;
  }
}

int koe_register_chunks(sqlite3 *db) {
  static const char *const columns[] = {"chunk TEXT", "start INTEGER", "\"end\" INTEGER",
                                        "tokens INTEGER", NULL};
  static const char *const arguments[] = {"text", "max_tokens", "overlap", "model", NULL};
  static const koe_table_function chunks = {.name = "koelectra_chunks",
                                            .columns = columns,
                                            .arguments = arguments,
                                            .required = 1,
                                            .innocuous = true,
                                            .rows_size = sizeof(chunk_rows),
                                            .filter = cut,
                                            .value = value,
                                            .clear = clear};
  return koe_register_table_function(db, &chunks);
}
