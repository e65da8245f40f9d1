/* The alphabet of a vocabulary: its characters, numbered densely, so that the matcher's transitions
 * are looked up by a small number (a symbol) instead of a code point.
 *
 * For the characters up to U+FFFF one table gives both the symbol and what the pre-tokenizer does
 * with the character:
 *
 *   0                          part of a word, in no token: the word has no match
 *   1 … words                  part of a word
 *   words + 1 … isolated       a word of its own (punctuation, ideograph)
 *   KOE_SYMBOL_LONER           a word of its own, in no token
 *   KOE_SYMBOL_SPACE           ends a word
 *   KOE_SYMBOL_REMOVED         dropped, or a surrogate, which UTF-8 cannot hold
 *
 * Those above U+FFFF have symbols from isolated + 1 to largest. */
#ifndef KOE_ALPHABET_H
#define KOE_ALPHABET_H

#include "../status.h"
#include "unicode.h"
#include "vocab.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { KOE_SYMBOL_LONER = 0xFFFD, KOE_SYMBOL_SPACE = 0xFFFE, KOE_SYMBOL_REMOVED = 0xFFFF };

typedef struct koe_astral_symbol {
  uint32_t character;
  uint32_t symbol;
} koe_astral_symbol;

typedef struct koe_alphabet {
  uint16_t *plane0;          /* [0x10000] by character, as above */
  koe_astral_symbol *astral; /* [astral_count] by character */
  size_t astral_count;
  uint32_t words;
  uint32_t isolated;
  uint32_t largest;
  bool isolate_ideographs;
} koe_alphabet;

/* Numbers the characters of the vocabulary's tokens, frequent ones first.  `isolate_ideographs`: an
 * ideograph is a word of its own.  White space and what is removed get no number: a token that has
 * such a character cannot occur.  `out` is released with koe_alphabet_clear (also after a failure).
 * Fails with KOE_NOMEM. */
koe_status koe_alphabet_build(const koe_vocab *vocab, bool isolate_ideographs, koe_alphabet *out,
                              koe_error *err);

void koe_alphabet_clear(koe_alphabet *alphabet);

/* The class of any character, KOE_CHAR_IDEOGRAPH only where ideographs are isolated, and its
 * symbol, 0 if it has none. */
koe_character_class koe_alphabet_look_up(const koe_alphabet *alphabet, uint32_t character,
                                         uint32_t *symbol);

/* Heap bytes held. */
size_t koe_alphabet_bytes(const koe_alphabet *alphabet);

#endif
