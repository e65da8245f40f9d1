#include "encode.h"

#include "../hash.h"
#include "../memory.h"
#include "losses.h"

#include <stdint.h>
#include <string.h>

static koe_status add_label(koe_dataset *dataset, size_t index, int32_t label, koe_error *err) {
  if (!koe_grow(&dataset->labels, &dataset->labels_capacity, index + 1, sizeof *dataset->labels))
    return koe_fail_nomem(err);
  dataset->labels[index] = label;
  return KOE_OK;
}

static koe_status add_value(koe_dataset *dataset, size_t index, float value, koe_error *err) {
  if (!koe_grow(&dataset->values, &dataset->values_capacity, index + 1, sizeof *dataset->values))
    return koe_fail_nomem(err);
  dataset->values[index] = value;
  return KOE_OK;
}

static int32_t mapped(const int32_t *label_map, int32_t label) {
  if (label < 0) return KOE_NO_LABEL;
  return label_map != NULL ? label_map[label] : label;
}

static koe_status append_text(const koe_tokenizer *tokenizer, koe_text text, const koe_text *pair,
                              size_t max_length, koe_tokens *tokens, koe_dataset *out,
                              koe_error *err) {
  koe_status status = koe_tokenizer_encode(tokenizer, text, pair, max_length, tokens, err);
  if (status != KOE_OK) return status;
  return koe_batch_append(&out->tokens, tokens->items, tokens->count, err);
}

koe_status koe_encode_texts(const koe_examples *examples, const koe_tokenizer *tokenizer,
                            size_t max_length, const int32_t *label_map, double scale,
                            koe_dataset *out, koe_error *err) {
  koe_tokens tokens = {0};
  koe_status status = KOE_OK;
  *out = (koe_dataset){.group = 1};
  for (size_t i = 0; status == KOE_OK && i < examples->count; i++) {
    const koe_example *example = &examples->items[i];
    koe_text text = koe_examples_text(examples, example->text);
    koe_text pair = koe_examples_text(examples, example->pair);
    status =
        append_text(tokenizer, text, pair.length > 0 ? &pair : NULL, max_length, &tokens, out, err);
    if (status == KOE_OK) status = add_label(out, i, mapped(label_map, example->label), err);
    if (status == KOE_OK) status = add_value(out, i, (float)(example->number / scale), err);
  }
  koe_tokens_clear(&tokens);
  return status;
}

/* Labels both sequences of an example with a hash of the second one: equal sentences are no
 * negatives of each other. */
static koe_status add_group(koe_dataset *out, koe_error *err) {
  const koe_batch *tokens = &out->tokens;
  size_t last = tokens->sequences - 1, start = tokens->starts[last];
  uint64_t hash = koe_hash(KOE_HASH_START, tokens->token_ids + start,
                           (tokens->total - start) * sizeof *tokens->token_ids);
  koe_status status = KOE_OK;
  for (size_t i = 0; status == KOE_OK && i < out->group; i++)
    status = add_label(out, last - i, (int32_t)(hash >> 33), err);
  return status;
}

koe_status koe_encode_sentences(const koe_examples *examples, const koe_tokenizer *tokenizer,
                                size_t max_length, bool paired, double scale, koe_dataset *out,
                                koe_error *err) {
  koe_tokens tokens = {0};
  koe_status status = KOE_OK;
  *out = (koe_dataset){.group = paired ? 2 : 1};
  for (size_t i = 0; status == KOE_OK && i < examples->count; i++) {
    const koe_example *example = &examples->items[i];
    koe_text text = koe_examples_text(examples, example->text);
    koe_text pair = koe_examples_text(examples, example->pair);
    status = append_text(tokenizer, text, NULL, max_length, &tokens, out, err);
    if (status == KOE_OK && paired)
      status = append_text(tokenizer, pair, NULL, max_length, &tokens, out, err);
    if (status == KOE_OK) status = add_group(out, err);
    if (status == KOE_OK) status = add_value(out, i, (float)(example->number / scale), err);
  }
  koe_tokens_clear(&tokens);
  return status;
}

/* ── words ──────────────────────────────────────────────────────────────────────────────────────
 */

/* Takes the special tokens around nothing: what [CLS] and [SEP] look like. */
static koe_status encode_frame(const koe_tokenizer *tokenizer, koe_token frame[2], koe_error *err) {
  koe_tokens tokens = {0};
  koe_status status = koe_tokenizer_encode(tokenizer, (koe_text){"", 0}, NULL, 2, &tokens, err);
  if (status == KOE_OK) memcpy(frame, tokens.items, 2 * sizeof *frame);
  koe_tokens_clear(&tokens);
  return status;
}

static koe_status append_words(const koe_examples *examples, const koe_example *example,
                               const koe_tokenizer *tokenizer, const koe_token frame[2],
                               size_t max_length, const int32_t *label_map, koe_tokens *tokens,
                               koe_dataset *out, uint32_t *word_tokens, koe_error *err) {
  koe_text text = koe_examples_text(examples, example->text);
  size_t start = out->tokens.total;
  koe_status status = KOE_OK;
  tokens->count = 0;
  if (!koe_grow(&tokens->items, &tokens->capacity, max_length + 1, sizeof *tokens->items))
    return koe_fail_nomem(err);
  tokens->items[tokens->count++] = frame[0];
  if (!koe_grow(&out->labels, &out->labels_capacity, start + max_length + 1, sizeof *out->labels))
    return koe_fail_nomem(err);
  for (size_t t = 0; t <= max_length; t++)
    out->labels[start + t] = KOE_NO_LABEL;
  for (size_t w = 0; status == KOE_OK && w < example->word_count; w++) {
    const koe_tagged_word *word = &examples->words[example->words + w];
    size_t first = tokens->count;
    word_tokens[example->words + w] = UINT32_MAX;
    if (first >= max_length - 1) continue;
    koe_text bytes = {text.bytes + word->start, word->end - word->start};
    status = koe_tokenizer_tokenize(tokenizer, bytes, max_length - 1 - first, tokens, err);
    if (tokens->count > max_length - 1) tokens->count = max_length - 1;
    if (status != KOE_OK || tokens->count == first) continue;
    out->labels[start + first] = mapped(label_map, word->tag);
    word_tokens[example->words + w] = (uint32_t)(start + first);
  }
  if (status != KOE_OK) return status;
  if (!koe_grow(&tokens->items, &tokens->capacity, tokens->count + 1, sizeof *tokens->items))
    return koe_fail_nomem(err);
  tokens->items[tokens->count++] = frame[1];
  return koe_batch_append(&out->tokens, tokens->items, tokens->count, err);
}

koe_status koe_encode_words(const koe_examples *examples, const koe_tokenizer *tokenizer,
                            size_t max_length, const int32_t *label_map, koe_dataset *out,
                            uint32_t *word_tokens, koe_error *err) {
  koe_tokens tokens = {0};
  koe_token frame[2];
  *out = (koe_dataset){.group = 1, .label_rows = KOE_LABELS_OF_TOKENS};
  koe_status status = encode_frame(tokenizer, frame, err);
  for (size_t i = 0; status == KOE_OK && i < examples->count; i++) {
    status = append_words(examples, &examples->items[i], tokenizer, frame, max_length, label_map,
                          &tokens, out, word_tokens, err);
  }
  koe_tokens_clear(&tokens);
  return status;
}

/* ── raw text ───────────────────────────────────────────────────────────────────────────────────
 */

/* Cuts tokens into sequences of [CLS] … [SEP]. */
static koe_status append_pieces(const koe_tokens *tokens, const koe_token frame[2],
                                size_t max_length, koe_tokens *piece, koe_dataset *out,
                                koe_error *err) {
  for (size_t first = 0; first < tokens->count; first += max_length - 2) {
    size_t count = tokens->count - first;
    if (count > max_length - 2) count = max_length - 2;
    if (!koe_grow(&piece->items, &piece->capacity, count + 2, sizeof *piece->items))
      return koe_fail_nomem(err);
    piece->items[0] = frame[0];
    memcpy(piece->items + 1, tokens->items + first, count * sizeof *piece->items);
    piece->items[count + 1] = frame[1];
    koe_status status = koe_batch_append(&out->tokens, piece->items, count + 2, err);
    if (status != KOE_OK) return status;
  }
  return KOE_OK;
}

koe_status koe_encode_raw(const koe_examples *examples, const koe_tokenizer *tokenizer,
                          size_t max_length, koe_dataset *out, koe_error *err) {
  koe_tokens tokens = {0}, piece = {0};
  koe_token frame[2];
  *out = (koe_dataset){.group = 1};
  koe_status status = encode_frame(tokenizer, frame, err);
  for (size_t i = 0; status == KOE_OK && i < examples->count; i++) {
    koe_text text = koe_examples_text(examples, examples->items[i].text);
    tokens.count = 0;
    status = koe_tokenizer_tokenize(tokenizer, text, SIZE_MAX, &tokens, err);
    if (status == KOE_OK) status = append_pieces(&tokens, frame, max_length, &piece, out, err);
  }
  koe_tokens_clear(&tokens);
  koe_tokens_clear(&piece);
  return status;
}
