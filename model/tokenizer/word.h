/* A word on its way to the matcher, character by character, each with the place it came from. */
#ifndef KOE_WORD_H
#define KOE_WORD_H

#include "../status.h"
#include "tokenizer_internal.h"

#include <stdint.h>

/* The characters of the input that a character stands for, half-open. */
typedef struct koe_span {
  int64_t start;
  int64_t end;
} koe_span;

typedef struct koe_word {
  size_t count; /* characters, also those beyond the room below */
  uint32_t symbols[KOE_PIECE_MAX_CHARACTERS];
  koe_span spans[KOE_PIECE_MAX_CHARACTERS];
  koe_span whole;
} koe_word;

/* Adds a character by its symbol. */
static inline void koe_word_add(koe_word *word, uint32_t symbol, koe_span span) {
  if (word->count == 0) word->whole.start = span.start;
  if (word->count < KOE_PIECE_MAX_CHARACTERS) {
    word->symbols[word->count] = symbol;
    word->spans[word->count] = span;
  }
  word->whole.end = span.end;
  word->count++;
}

/* Appends the word's tokens to `out`, [UNK] if it is too long or has no match, and empties the
 * word; nothing if it is empty.  Fails with KOE_NOMEM. */
koe_status koe_word_finish(koe_word *word, const koe_tokenizer *tokenizer, int32_t segment,
                           koe_tokens *out, koe_error *err);

#endif
