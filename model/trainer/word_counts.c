#include "word_counts.h"

#include "../hash.h"
#include "../memory.h"
#include "../tokenizer/trie.h"
#include "../tokenizer/unicode.h"

#include <stdbool.h>
#include <string.h>

enum { MAX_WORDS = 1 << 30, FIRST_SLOTS = 1 << 12 };

/* The word in hand. */
typedef struct open_word {
  char bytes[4 * KOE_PIECE_MAX_CHARACTERS];
  size_t length;
  size_t characters; /* also those for which there was no room */
} open_word;

static void add_character(open_word *word, uint32_t character) {
  if (word->characters < KOE_PIECE_MAX_CHARACTERS) {
    word->length += koe_utf8_encode(character, word->bytes + word->length);
  }
  word->characters++;
}

/* The slot that holds the word's number, or the empty one where it belongs. */
static size_t find_slot(const koe_word_counts *counts, const char *bytes, size_t length,
                        uint32_t hash) {
  size_t mask = counts->slot_count - 1;
  size_t slot = hash & mask;
  while (counts->slots[slot] != 0) {
    const koe_counted_word *found = &counts->items[counts->slots[slot] - 1];
    if (found->hash == hash && found->length == length &&
        memcmp(counts->bytes + found->offset, bytes, length) == 0) {
      break;
    }
    slot = (slot + 1) & mask;
  }
  return slot;
}

/* Keeps at least half of the slots empty. */
static bool grow_slots(koe_word_counts *counts) {
  if (counts->count < counts->slot_count / 2) return true;
  size_t wanted = counts->slot_count == 0 ? FIRST_SLOTS : counts->slot_count * 2;
  uint32_t *slots = koe_alloc_zero(wanted, sizeof *slots);
  if (slots == NULL) return false;
  koe_free(counts->slots);
  counts->slots = slots;
  counts->slot_count = wanted;
  for (size_t i = 0; i < counts->count; i++) {
    const koe_counted_word *word = &counts->items[i];
    size_t slot = word->hash & (wanted - 1);
    while (slots[slot] != 0)
      slot = (slot + 1) & (wanted - 1);
    slots[slot] = (uint32_t)i + 1;
  }
  return true;
}

static koe_status count_word(koe_word_counts *counts, const open_word *word, koe_error *err) {
  uint64_t wide = koe_hash(KOE_HASH_START, word->bytes, word->length);
  uint32_t hash = (uint32_t)(wide ^ wide >> 32);
  if (!grow_slots(counts)) return koe_fail_nomem(err);
  size_t slot = find_slot(counts, word->bytes, word->length, hash);
  if (counts->slots[slot] != 0) {
    counts->items[counts->slots[slot] - 1].count++;
    return KOE_OK;
  }
  if (counts->count == MAX_WORDS) {
    return koe_fail(err, KOE_TOO_LONG, "the texts have more than %d different words", MAX_WORDS);
  }
  if (!koe_grow(&counts->items, &counts->capacity, counts->count + 1, sizeof *counts->items) ||
      !koe_grow(&counts->bytes, &counts->byte_capacity, counts->byte_count + word->length, 1)) {
    return koe_fail_nomem(err);
  }
  memcpy(counts->bytes + counts->byte_count, word->bytes, word->length);
  counts->items[counts->count++] =
      (koe_counted_word){counts->byte_count, (uint32_t)word->length, hash, 1};
  counts->byte_count += word->length;
  counts->slots[slot] = (uint32_t)counts->count;
  return KOE_OK;
}

/* Counts the word in hand, unless there is none or it is too long, and begins another. */
static koe_status end_word(koe_word_counts *counts, open_word *word, koe_error *err) {
  koe_status status = KOE_OK;
  if (word->characters > 0 && word->characters <= KOE_PIECE_MAX_CHARACTERS) {
    status = count_word(counts, word, err);
  }
  word->length = 0;
  word->characters = 0;
  return status;
}

/* A character that is a word of its own. */
static koe_status add_loner(koe_word_counts *counts, open_word *word, uint32_t character,
                            koe_error *err) {
  koe_status status = end_word(counts, word, err);
  if (status != KOE_OK) return status;
  add_character(word, character);
  return end_word(counts, word, err);
}

koe_status koe_word_counts_add(koe_word_counts *counts, koe_text text, koe_error *err) {
  open_word word;
  word.length = 0;
  word.characters = 0;
  for (size_t at = 0; at < text.length;) {
    uint32_t character;
    koe_status status = KOE_OK;
    at += koe_utf8_decode(text.bytes + at, text.length - at, &character);
    switch (koe_classify_character(character)) {
    case KOE_CHAR_WORD:
      add_character(&word, character);
      break;
    case KOE_CHAR_REMOVED:
      break;
    case KOE_CHAR_SPACE:
      status = end_word(counts, &word, err);
      break;
    case KOE_CHAR_PUNCTUATION:
    case KOE_CHAR_IDEOGRAPH:
      status = add_loner(counts, &word, character, err);
      break;
    }
    if (status != KOE_OK) return status;
  }
  return end_word(counts, &word, err);
}

void koe_word_counts_clear(koe_word_counts *counts) {
  koe_free(counts->bytes);
  koe_free(counts->items);
  koe_free(counts->slots);
  memset(counts, 0, sizeof *counts);
}
