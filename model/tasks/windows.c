#include "windows.h"

#include "../tokenizer/unicode.h"

#include <string.h>

void koe_windows_start(koe_windows *windows, const koe_tokenizer *tokenizer, koe_text text,
                       size_t length, size_t step, int32_t segment) {
  memset(windows, 0, sizeof *windows);
  windows->text = text;
  windows->length = length;
  windows->step = step;
  koe_scanner_start(&windows->scanner, tokenizer, text, segment);
}

void koe_windows_stop(koe_windows *windows) {
  if (windows->scanner.tokenizer != NULL) koe_scanner_stop(&windows->scanner);
  koe_tokens_clear(&windows->tokens);
  koe_tokens_clear(&windows->input);
  koe_free(windows->bytes);
  memset(windows, 0, sizeof *windows);
}

/* Moves (byte, character) forward to a character of the text. */
static void walk(koe_text text, size_t *byte, int64_t *character, int64_t to) {
  uint32_t ignored;
  while (*character < to && *byte < text.length) {
    *byte += koe_utf8_decode(text.bytes + *byte, text.length - *byte, &ignored);
    (*character)++;
  }
}

/* Finds the bytes of the tokens from index `from` on. */
static koe_status find_bytes(koe_windows *windows, size_t from, koe_error *err) {
  if (!koe_grow(&windows->bytes, &windows->byte_capacity, windows->tokens.count,
                sizeof *windows->bytes)) {
    return koe_fail_nomem(err);
  }
  for (size_t i = from; i < windows->tokens.count; i++) {
    const koe_token *token = &windows->tokens.items[i];
    walk(windows->text, &windows->at_byte, &windows->at_char, token->start);
    size_t end = windows->at_byte;
    int64_t character = windows->at_char;
    walk(windows->text, &end, &character, token->end);
    windows->bytes[i] = (koe_byte_range){windows->at_byte, end};
  }
  return KOE_OK;
}

/* Lets go of the tokens that no window to come has. */
static void drop_given(koe_windows *windows) {
  size_t given = windows->given, left = windows->tokens.count - given;
  if (given == 0) return;
  memmove(windows->tokens.items, windows->tokens.items + given, left * sizeof(koe_token));
  memmove(windows->bytes, windows->bytes + given, left * sizeof *windows->bytes);
  windows->tokens.count = left;
  windows->first += given;
  windows->given = 0;
}

koe_status koe_windows_read(koe_windows *windows, koe_window *out, size_t *count, koe_error *err) {
  size_t length = windows->length, step = windows->step;
  /* One more than the windows hold tells whether the last of them is the text's last. */
  size_t wanted = (KOE_WINDOWS_AT_ONCE - 1) * step + length + 1;
  size_t shared = (length - step + 1) / 2; /* of an overlap: the part of the earlier window */
  *count = 0;
  if (windows->ended) return KOE_OK;
  drop_given(windows);
  size_t have = windows->tokens.count;
  if (have < wanted) {
    koe_status status = koe_scanner_read(&windows->scanner, wanted - have, &windows->tokens, err);
    if (status == KOE_OK) status = find_bytes(windows, have, err);
    if (status != KOE_OK) return status;
  }
  size_t total = windows->tokens.count, at = 0;
  for (; *count < KOE_WINDOWS_AT_ONCE && !windows->ended && total > 0; at += step) {
    koe_window *window = &out[(*count)++];
    /* What is read beyond `wanted` makes no window, so an end that is seen is the text's. */
    windows->ended = at + length >= total;
    *window = (koe_window){.first = windows->first + at,
                           .tokens = windows->tokens.items + at,
                           .bytes = windows->bytes + at,
                           .count = windows->ended ? total - at : length};
    window->begin = window->first > 0 ? shared : 0;
    window->end = windows->ended ? window->count : step + shared;
  }
  if (total == 0) windows->ended = true;
  if (!windows->ended) windows->given = at;
  return KOE_OK;
}

koe_status koe_windows_append(koe_windows *windows, const koe_window *window,
                              const koe_tokens *question, koe_batch *batch, koe_error *err) {
  const koe_tokenizer *tokenizer = windows->scanner.tokenizer;
  int32_t segment = question != NULL ? 1 : 0;
  koe_tokens *input = &windows->input;
  size_t asked = question != NULL ? question->count + 1 : 0;
  input->count = 0;
  if (!koe_tokens_reserve(input, asked + window->count + 2)) return koe_fail_nomem(err);
  input->items[input->count++] = (koe_token){tokenizer->cls, 0, -1, -1};
  if (question != NULL) {
    if (question->count > 0)
      memcpy(input->items + 1, question->items, question->count * sizeof(koe_token));
    input->count += question->count;
    input->items[input->count++] = (koe_token){tokenizer->sep, 0, -1, -1};
  }
  memcpy(input->items + input->count, window->tokens, window->count * sizeof(koe_token));
  input->count += window->count;
  input->items[input->count++] = (koe_token){tokenizer->sep, segment, -1, -1};
  return koe_batch_append(batch, input->items, input->count, err);
}
