#include "vocab.h"

#include "../file_map.h"
#include "../hash.h"
#include "../memory.h"
#include "unicode.h"

#include <string.h>

/* ── lines ──────────────────────────────────────────────────────────────────────────────────────
 */

/* Rust's char::is_whitespace: unlike the normalizer's, it holds for vertical tab and form feed. */
static bool is_white_space(uint32_t character) {
  return character == 0x0B || character == 0x0C || character == 0x85 ||
         koe_classify_character(character) == KOE_CHAR_SPACE;
}

/* Cuts white space off the end of a line. */
static koe_text trim_end(koe_text line) {
  while (line.length > 0) {
    size_t last = line.length - 1;
    while (last > 0 && line.length - last < 4 && ((uint8_t)line.bytes[last] & 0xC0) == 0x80)
      last--;
    uint32_t character;
    size_t length = koe_utf8_decode(line.bytes + last, line.length - last, &character);
    if (length != line.length - last || !is_white_space(character)) break;
    line.length = last;
  }
  return line;
}

static size_t count_lines(const char *bytes, size_t length) {
  size_t lines = 0;
  const char *end = bytes + length;
  for (const char *at = bytes; at < end; lines++) {
    const char *newline = memchr(at, '\n', (size_t)(end - at));
    at = newline != NULL ? newline + 1 : end;
  }
  return lines;
}

static void split_lines(koe_vocab *vocab) {
  const char *end = vocab->bytes + vocab->byte_count;
  const char *at = vocab->bytes;
  for (int32_t id = 0; id < vocab->count; id++) {
    const char *newline = memchr(at, '\n', (size_t)(end - at));
    const char *stop = newline != NULL ? newline : end;
    vocab->tokens[id] = trim_end((koe_text){at, (size_t)(stop - at)});
    at = stop + 1;
  }
}

/* ── look-up by spelling ────────────────────────────────────────────────────────────────────────
 */

static uint32_t hash_token(koe_text token) {
  uint64_t hash = koe_hash(KOE_HASH_START, token.bytes, token.length);
  return (uint32_t)(hash ^ hash >> 32);
}

/* The slot that holds the token's id, or the empty one where it belongs. */
static uint32_t find_slot(const koe_vocab *vocab, koe_text token) {
  uint32_t mask = vocab->slot_count - 1;
  uint32_t slot = hash_token(token) & mask;
  while (vocab->slots[slot] != 0) {
    koe_text found = vocab->tokens[vocab->slots[slot] - 1];
    if (found.length == token.length && memcmp(found.bytes, token.bytes, token.length) == 0) break;
    slot = (slot + 1) & mask;
  }
  return slot;
}

static bool index_tokens(koe_vocab *vocab) {
  vocab->slot_count = 16;
  while (vocab->slot_count / 2 < (uint32_t)vocab->count)
    vocab->slot_count *= 2;
  vocab->slots = koe_alloc_zero(vocab->slot_count, sizeof *vocab->slots);
  if (vocab->slots == NULL) return false;
  for (int32_t id = 0; id < vocab->count; id++) {
    vocab->slots[find_slot(vocab, vocab->tokens[id])] = (uint32_t)id + 1;
  }
  return true;
}

int32_t koe_vocab_id(const koe_vocab *vocab, koe_text token) {
  return (int32_t)vocab->slots[find_slot(vocab, token)] - 1;
}

/* ── the file ───────────────────────────────────────────────────────────────────────────────────
 */

static koe_status check_size(const char *path, const koe_file_map *file, koe_error *err) {
  if (file->size == 0) return koe_fail(err, KOE_FORMAT, "%s is empty: it should hold tokens", path);
  if (file->size <= KOE_VOCAB_MAX_BYTES) return KOE_OK;
  return koe_fail(err, KOE_FORMAT, "%s has %zu bytes: a vocabulary of at most %d is supported",
                  path, file->size, KOE_VOCAB_MAX_BYTES);
}

koe_status koe_vocab_read_file(const koe_file_map *file, const char *path, koe_vocab *out,
                               koe_error *err) {
  memset(out, 0, sizeof *out);
  koe_status status = check_size(path, file, err);
  if (status != KOE_OK) return status;
  size_t lines = count_lines((const char *)file->data, file->size);
  if (lines > KOE_VOCAB_MAX_TOKENS) {
    return koe_fail(err, KOE_FORMAT, "%s has %zu lines: at most %d are supported", path, lines,
                    KOE_VOCAB_MAX_TOKENS);
  }
  out->bytes = koe_copy_string((const char *)file->data, file->size);
  out->tokens = koe_alloc(lines, sizeof *out->tokens);
  if (out->bytes == NULL || out->tokens == NULL) return koe_fail_nomem(err);
  out->byte_count = file->size;
  out->count = (int32_t)lines;
  split_lines(out);
  return index_tokens(out) ? KOE_OK : koe_fail_nomem(err);
}

koe_status koe_vocab_read(const char *path, koe_vocab *out, koe_error *err) {
  koe_file_map file;
  memset(out, 0, sizeof *out);
  koe_status status = koe_file_map_open(path, &file, err);
  if (status != KOE_OK) return status;
  status = koe_vocab_read_file(&file, path, out, err);
  koe_file_map_close(&file);
  return status;
}

void koe_vocab_clear(koe_vocab *vocab) {
  koe_free(vocab->bytes);
  koe_free(vocab->tokens);
  koe_free(vocab->slots);
  memset(vocab, 0, sizeof *vocab);
}

size_t koe_vocab_bytes(const koe_vocab *vocab) {
  return vocab->byte_count + 1 + (size_t)vocab->count * sizeof *vocab->tokens +
         (size_t)vocab->slot_count * sizeof *vocab->slots;
}
