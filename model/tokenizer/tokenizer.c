#include "tokenizer.h"

#include "../hash.h"
#include "scanner.h"
#include "tokenizer_internal.h"

#include <stdint.h>
#include <string.h>

/* ── opening ────────────────────────────────────────────────────────────────────────────────────
 */

koe_tokenizer_options koe_tokenizer_options_default(void) {
  return (koe_tokenizer_options){.tokenize_chinese_chars = true,
                                 .unk_token = "[UNK]",
                                 .sep_token = "[SEP]",
                                 .pad_token = "[PAD]",
                                 .cls_token = "[CLS]",
                                 .mask_token = "[MASK]"};
}

/* Finds the id of a special token and enters its name among those looked for in texts. */
static koe_status add_special(koe_tokenizer *tokenizer, const char *path, const char *name,
                              int32_t *id, koe_error *err) {
  koe_text text = {name, strlen(name)};
  *id = text.length > 0 ? koe_vocab_id(&tokenizer->vocab, text) : -1;
  if (*id < 0) {
    return koe_fail(err, KOE_FORMAT,
                    "%s lacks the special token '%s': is it the model's vocabulary?", path, name);
  }
  uint8_t first = (uint8_t)name[0];
  if (tokenizer->special_count == 0) tokenizer->special_first = first;
  if (tokenizer->special_first != first) tokenizer->special_first = -1;
  tokenizer->begins_special[first] = true;
  tokenizer->specials[tokenizer->special_count++] = (koe_special_token){text, *id};
  return KOE_OK;
}

static koe_status add_specials(koe_tokenizer *tokenizer, const char *path, koe_error *err) {
  int32_t other;
  const koe_tokenizer_options *options = &tokenizer->options;
  koe_status status = add_special(tokenizer, path, options->unk_token, &tokenizer->unk, err);
  if (status == KOE_OK)
    status = add_special(tokenizer, path, options->sep_token, &tokenizer->sep, err);
  if (status == KOE_OK) status = add_special(tokenizer, path, options->pad_token, &other, err);
  if (status == KOE_OK)
    status = add_special(tokenizer, path, options->cls_token, &tokenizer->cls, err);
  if (status == KOE_OK) status = add_special(tokenizer, path, options->mask_token, &other, err);
  return status;
}

koe_status koe_tokenizer_open_file(const koe_file_map *file, const char *path,
                                   const koe_tokenizer_options *options, koe_tokenizer **out,
                                   koe_error *err) {
  *out = NULL;
  koe_tokenizer *tokenizer = koe_alloc_zero(1, sizeof *tokenizer);
  if (tokenizer == NULL) return koe_fail_nomem(err);
  tokenizer->options = *options;

  koe_status status = koe_vocab_read_file(file, path, &tokenizer->vocab, err);
  if (status != KOE_OK) goto cleanup;
  status = add_specials(tokenizer, path, err);
  if (status != KOE_OK) goto cleanup;
  status = koe_alphabet_build(&tokenizer->vocab, options->tokenize_chinese_chars,
                              &tokenizer->alphabet, err);
  if (status != KOE_OK) goto cleanup;
  status = koe_wordpiece_build(&tokenizer->vocab, &tokenizer->alphabet, &tokenizer->wordpiece, err);
  if (status != KOE_OK) goto cleanup;
  *out = tokenizer;
  return KOE_OK;

cleanup:
  koe_tokenizer_free(tokenizer);
  return status;
}

koe_status koe_tokenizer_open(const char *path, const koe_tokenizer_options *options,
                              koe_tokenizer **out, koe_error *err) {
  koe_file_map file;
  *out = NULL;
  koe_status status = koe_file_map_open(path, &file, err);
  if (status != KOE_OK) return status;
  status = koe_tokenizer_open_file(&file, path, options, out, err);
  koe_file_map_close(&file);
  return status;
}

void koe_tokenizer_free(koe_tokenizer *tokenizer) {
  if (tokenizer == NULL) return;
  koe_wordpiece_clear(&tokenizer->wordpiece);
  koe_alphabet_clear(&tokenizer->alphabet);
  koe_vocab_clear(&tokenizer->vocab);
  koe_free(tokenizer);
}

/* ── the vocabulary ─────────────────────────────────────────────────────────────────────────────
 */

int32_t koe_tokenizer_vocab_size(const koe_tokenizer *tokenizer) {
  return tokenizer->vocab.count;
}

koe_text koe_tokenizer_token(const koe_tokenizer *tokenizer, int32_t id) {
  if (id < 0 || id >= tokenizer->vocab.count) return (koe_text){"", 0};
  return tokenizer->vocab.tokens[id];
}

int32_t koe_tokenizer_id(const koe_tokenizer *tokenizer, koe_text token) {
  return koe_vocab_id(&tokenizer->vocab, token);
}

size_t koe_tokenizer_bytes(const koe_tokenizer *tokenizer) {
  return sizeof *tokenizer + koe_vocab_bytes(&tokenizer->vocab) +
         koe_alphabet_bytes(&tokenizer->alphabet) + koe_wordpiece_bytes(&tokenizer->wordpiece);
}

uint64_t koe_tokenizer_hash(const koe_tokenizer *tokenizer) {
  const koe_tokenizer_options *options = &tokenizer->options;
  uint8_t flags = (uint8_t)(options->do_lower_case | options->strip_accents << 1 |
                            options->tokenize_chinese_chars << 2 | options->normalize_nfc << 3);
  uint64_t hash = koe_hash(KOE_HASH_START, &flags, 1);
  for (size_t i = 0; i < tokenizer->special_count; i++) {
    koe_text name = tokenizer->specials[i].name;
    hash = koe_hash(hash, name.bytes, name.length + 1); /* with its NUL: a separator */
  }
  for (int32_t id = 0; id < tokenizer->vocab.count; id++) {
    koe_text token = tokenizer->vocab.tokens[id];
    hash = koe_hash(hash, token.bytes, token.length);
    hash = koe_hash(hash, "\n", 1);
  }
  return hash;
}

/* ── encoding ───────────────────────────────────────────────────────────────────────────────────
 */

void koe_tokens_clear(koe_tokens *tokens) {
  koe_free(tokens->items);
  memset(tokens, 0, sizeof *tokens);
}

koe_status koe_tokenizer_tokenize(const koe_tokenizer *tokenizer, koe_text text, size_t limit,
                                  koe_tokens *out, koe_error *err) {
  koe_scanner scanner;
  size_t before = out->count;
  koe_scanner_start(&scanner, tokenizer, text, 0);
  koe_status status = koe_scanner_read(&scanner, limit, out, err);
  koe_scanner_stop(&scanner);
  if (out->count - before > limit) out->count = before + limit;
  return status;
}

static koe_status add_token(koe_tokens *out, int32_t id, int32_t segment, koe_error *err) {
  if (!koe_tokens_reserve(out, 1)) return koe_fail_nomem(err);
  out->items[out->count++] = (koe_token){id, segment, -1, -1};
  return KOE_OK;
}

/* Of two texts that both have more than `counted` tokens: whether the first has more than the
 * second.  Reads on in turns until the shorter one ends. */
static koe_status compare_lengths(koe_scanner *first, koe_scanner *second, size_t first_count,
                                  size_t second_count, bool *first_longer, koe_error *err) {
  enum { STRIDE = 4096 };
  koe_status status = KOE_OK;
  koe_tokens scratch = {0};
  for (;;) {
    koe_scanner *behind = first_count <= second_count ? first : second;
    size_t *count = first_count <= second_count ? &first_count : &second_count;
    if (koe_scanner_done(behind)) break;
    scratch.count = 0;
    status = koe_scanner_read(behind, STRIDE, &scratch, err);
    if (status != KOE_OK) break;
    *count += scratch.count;
  }
  *first_longer = first_count > second_count;
  koe_tokens_clear(&scratch);
  return status;
}

/* How many tokens of each text stay, `target` in all, as Rust tokenizers' longest_first has it: the
 * longer text gives way until they are equal.  Counts above target may be inexact, but not which is
 * the larger. */
static void truncate_longest_first(size_t target, bool first_longer, size_t *first,
                                   size_t *second) {
  if (*first <= target && *second <= target - *first) return;
  size_t shorter = first_longer ? *second : *first;
  if (shorter > target / 2) shorter = target / 2;
  *first = first_longer ? target - shorter : shorter;
  *second = target - *first;
}

/* [CLS] text [SEP] */
static koe_status encode_text(const koe_tokenizer *tokenizer, koe_text text, size_t max_length,
                              koe_tokens *out, koe_error *err) {
  koe_status status = add_token(out, tokenizer->cls, 0, err);
  if (status != KOE_OK) return status;
  status = koe_tokenizer_tokenize(tokenizer, text, max_length - 2, out, err);
  if (status != KOE_OK) return status;
  return add_token(out, tokenizer->sep, 0, err);
}

/* [CLS] text [SEP] pair [SEP].  The pair's tokens are read behind all that may stay of the text's
 * and then moved up. */
static koe_status encode_pair(const koe_tokenizer *tokenizer, koe_text text, koe_text pair,
                              size_t max_length, koe_tokens *out, koe_error *err) {
  koe_scanner first;
  koe_scanner second;
  size_t target = max_length - 3;
  size_t limit = target < SIZE_MAX ? target + 1 : target; /* tells "more than target" */
  koe_scanner_start(&first, tokenizer, text, 0);
  koe_scanner_start(&second, tokenizer, pair, 1);

  koe_status status = add_token(out, tokenizer->cls, 0, err);
  if (status == KOE_OK) status = koe_scanner_read(&first, limit, out, err);
  if (status != KOE_OK) goto cleanup;
  size_t first_count = out->count - 1;
  status = add_token(out, tokenizer->sep, 0, err);
  if (status == KOE_OK) status = koe_scanner_read(&second, limit, out, err);
  if (status != KOE_OK) goto cleanup;
  size_t second_at = first_count + 2;
  size_t second_count = out->count - second_at;

  bool first_longer = first_count > second_count;
  if (first_count > target && second_count > target && target % 2 == 1) {
    status = compare_lengths(&first, &second, first_count, second_count, &first_longer, err);
    if (status != KOE_OK) goto cleanup;
  }
  truncate_longest_first(target, first_longer, &first_count, &second_count);
  out->items[first_count + 1] = (koe_token){tokenizer->sep, 0, -1, -1};
  memmove(out->items + first_count + 2, out->items + second_at, second_count * sizeof *out->items);
  out->count = first_count + 2 + second_count;
  status = add_token(out, tokenizer->sep, 1, err);

cleanup:
  koe_scanner_stop(&first);
  koe_scanner_stop(&second);
  return status;
}

koe_status koe_tokenizer_encode(const koe_tokenizer *tokenizer, koe_text text, const koe_text *pair,
                                size_t max_length, koe_tokens *out, koe_error *err) {
  size_t least = pair != NULL ? 3 : 2;
  out->count = 0;
  if (max_length < least) {
    return koe_fail(err, KOE_INVALID, "max_length is %zu: the special tokens alone take %zu",
                    max_length, least);
  }
  if (pair == NULL) return encode_text(tokenizer, text, max_length, out, err);
  return encode_pair(tokenizer, text, *pair, max_length, out, err);
}
