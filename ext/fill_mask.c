/* What stood in the place of [MASK]: the words a generator finds likely.
 *
 *   SELECT token, score, text FROM koelectra_fill_mask('나는 [MASK]에 밥을 먹었다.',
 * 'v3-generator', 3);
 *
 *   아침  0.21  나는 아침에 밥을 먹었다.
 *   점심  0.17  나는 점심에 밥을 먹었다.
 *   저녁  0.12  나는 저녁에 밥을 먹었다.
 *
 * koelectra_fill_mask(input [, model [, k]]): the k most probable words of each mask, 5 where k is
 * not given.  text is the input with that word in the place of its mask, without the ## of a word
 * that goes on with the one before; other masks stay.  mask counts them from 0; start and end are
 * the mask's characters.  An input without [MASK] is an error: ask for those that have one with
 * WHERE input LIKE '%[MASK]%'.  NULL has no rows. */
#include "table_function.h"

#include "../model/tasks/fill_mask.h"

#include <string.h>

SQLITE_EXTENSION_INIT3

enum { DEFAULT_K = 5 };

typedef struct fill_rows {
  const koe_model *model;
  koe_text input;
  koe_fill_mask *fill;
  const koe_fill *items; /* of the part at hand */
} fill_rows;

static void clear(void *rows) {
  koe_fill_mask_free(((fill_rows *)rows)->fill);
}

enum { INPUT_ARGUMENT, MODEL_ARGUMENT, K_ARGUMENT };

static koe_status start(koe_table_use *use, sqlite3_value *const *arguments, void *rows, bool *done,
                        koe_error *err) {
  fill_rows *r = rows;
  size_t k = DEFAULT_K;
  koe_status status = koe_text_argument(arguments[INPUT_ARGUMENT], "input", &r->input, done, err);
  if (status == KOE_OK) status = koe_count_argument(arguments[K_ARGUMENT], "k", &k, err);
  if (status != KOE_OK || *done) return status;
  status = koe_table_model(use, arguments[MODEL_ARGUMENT], &r->model, err);
  if (status != KOE_OK) return status;
  return koe_fill_mask_open(r->model, r->input, k, &r->fill, err);
}

static koe_status more(void *rows, size_t *count, bool *done, koe_error *err) {
  fill_rows *r = rows;
  return koe_fill_mask_next(r->fill, &r->items, count, done, err);
}

/* The input with a word in the place of its mask. */
static void result_filled(sqlite3_context *context, koe_text input, const koe_fill *fill,
                          koe_text word) {
  if (word.length > 2 && memcmp(word.bytes, "##", 2) == 0) {
    word = (koe_text){word.bytes + 2, word.length - 2};
  }
  size_t behind = input.length - fill->behind, length = fill->begin + word.length + behind;
  char *text = sqlite3_malloc64(length + 1);
  if (text == NULL) {
    sqlite3_result_error_nomem(context);
    return;
  }
  memcpy(text, input.bytes, fill->begin);
  memcpy(text + fill->begin, word.bytes, word.length);
  memcpy(text + fill->begin + word.length, input.bytes + fill->behind, behind);
  text[length] = '\0';
  sqlite3_result_text64(context, text, length, sqlite3_free, SQLITE_UTF8);
}

enum { TOKEN, SCORE, TEXT, MASK, START, END };

static void value(sqlite3_context *context, const void *rows, size_t row, int column) {
  const fill_rows *r = rows;
  const koe_fill *fill = &r->items[row];
  koe_text word = koe_tokenizer_token(koe_model_tokenizer(r->model), fill->id);
  switch (column) {
  case TOKEN:
    koe_text_result(context, word);
    break;
  case SCORE:
    sqlite3_result_double(context, fill->probability);
    break;
  case TEXT:
    result_filled(context, r->input, fill, word);
    break;
  case MASK:
    sqlite3_result_int64(context, fill->mask);
    break;
  case START:
    sqlite3_result_int64(context, fill->start);
    break;
  case END:
    sqlite3_result_int64(context, fill->end);
    break;
  }
}

int koe_register_fill_mask(sqlite3 *db) {
  static const char *const columns[] = {
      "token TEXT",    "score REAL",      "text TEXT", "mask INTEGER",
      "start INTEGER", "\"end\" INTEGER", NULL};
  static const char *const arguments[] = {"input", "model", "k", NULL};
  static const koe_table_function fill_mask = {.name = "koelectra_fill_mask",
                                               .columns = columns,
                                               .arguments = arguments,
                                               .required = 1,
                                               .innocuous = true,
                                               .rows_size = sizeof(fill_rows),
                                               .start = start,
                                               .more = more,
                                               .value = value,
                                               .clear = clear};
  return koe_register_table_function(db, &fill_mask);
}
