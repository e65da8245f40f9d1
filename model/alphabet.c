#include "alphabet.h"

#include "memory.h"

#include <stdlib.h>
#include <string.h>

enum { CHARACTERS = 0x110000, PLANE0 = 0x10000 };

/* Symbols are given group by group. */
typedef enum letter_group { GROUP_WORDS, GROUP_ISOLATED, GROUP_ASTRAL } letter_group;

typedef struct letter {
  uint32_t character;
  uint32_t count;
  letter_group group;
} letter;

static koe_character_class class_of(uint32_t character, bool isolate_ideographs) {
  koe_character_class class = koe_classify_character(character);
  return class == KOE_CHAR_IDEOGRAPH && !isolate_ideographs ? KOE_CHAR_WORD : class;
}

static void count_characters(const koe_vocab *vocab, uint32_t *counts) {
  for (int32_t id = 0; id < vocab->count; id++) {
    koe_text token = vocab->tokens[id];
    for (size_t at = 0; at < token.length;) {
      uint32_t character;
      at += koe_utf8_decode(token.bytes + at, token.length - at, &character);
      counts[character]++;
    }
  }
}

/* Writes the letters that get a symbol to `letters`, where there is room for all counted. */
static size_t collect_letters(const uint32_t *counts, bool isolate_ideographs, letter *letters) {
  size_t used = 0;
  for (uint32_t c = 0; c < CHARACTERS; c++) {
    if (counts[c] == 0) continue;
    koe_character_class class = class_of(c, isolate_ideographs);
    if (class == KOE_CHAR_SPACE || class == KOE_CHAR_REMOVED) continue;
    letter_group group = c >= PLANE0              ? GROUP_ASTRAL
                         : class == KOE_CHAR_WORD ? GROUP_WORDS
                                                  : GROUP_ISOLATED;
    letters[used++] = (letter){c, counts[c], group};
  }
  return used;
}

static int compare_letters(const void *a, const void *b) {
  const letter *x = a;
  const letter *y = b;
  if (x->group != y->group) return x->group < y->group ? -1 : 1;
  if (x->count != y->count) return x->count > y->count ? -1 : 1;
  return x->character < y->character ? -1 : 1;
}

static int compare_astral(const void *a, const void *b) {
  uint32_t x = ((const koe_astral_symbol *)a)->character;
  uint32_t y = ((const koe_astral_symbol *)b)->character;
  return (x > y) - (x < y);
}

static void fill_classes(koe_alphabet *alphabet) {
  for (uint32_t c = 0; c < PLANE0; c++) {
    uint16_t symbol = 0;
    switch (class_of(c, alphabet->isolate_ideographs)) {
    case KOE_CHAR_WORD:
      break;
    case KOE_CHAR_SPACE:
      symbol = KOE_SYMBOL_SPACE;
      break;
    case KOE_CHAR_REMOVED:
      symbol = KOE_SYMBOL_REMOVED;
      break;
    case KOE_CHAR_PUNCTUATION:
    case KOE_CHAR_IDEOGRAPH:
      symbol = KOE_SYMBOL_LONER;
      break;
    }
    alphabet->plane0[c] = c >= 0xD800 && c <= 0xDFFF ? KOE_SYMBOL_REMOVED : symbol;
  }
}

/* `letters` is sorted by group. */
static void number_letters(koe_alphabet *alphabet, const letter *letters, size_t count) {
  for (size_t i = 0; i < count; i++) {
    uint32_t symbol = (uint32_t)i + 1;
    if (letters[i].group == GROUP_ASTRAL) {
      alphabet->astral[alphabet->astral_count++] =
          (koe_astral_symbol){letters[i].character, symbol};
      continue;
    }
    /* At most 63 488 characters of plane 0 are no surrogates: below KOE_SYMBOL_LONER. */
    alphabet->plane0[letters[i].character] = (uint16_t)symbol;
    alphabet->isolated = symbol;
    if (letters[i].group == GROUP_WORDS) alphabet->words = symbol;
  }
  alphabet->largest = (uint32_t)count;
  if (alphabet->astral_count > 0) {
    qsort(alphabet->astral, alphabet->astral_count, sizeof *alphabet->astral, compare_astral);
  }
}

koe_status koe_alphabet_build(const koe_vocab *vocab, bool isolate_ideographs, koe_alphabet *out,
                              koe_error *err) {
  koe_status status = KOE_OK;
  letter *letters = NULL;
  memset(out, 0, sizeof *out);
  out->isolate_ideographs = isolate_ideographs;

  uint32_t *counts = koe_alloc_zero(CHARACTERS, sizeof *counts);
  out->plane0 = koe_alloc(PLANE0, sizeof *out->plane0);
  if (counts == NULL || out->plane0 == NULL) {
    status = koe_fail_nomem(err);
    goto cleanup;
  }
  count_characters(vocab, counts);
  size_t counted = 0;
  size_t astral = 0;
  for (uint32_t c = 0; c < CHARACTERS; c++) {
    counted += counts[c] != 0;
    astral += counts[c] != 0 && c >= PLANE0;
  }
  letters = koe_alloc(counted, sizeof *letters);
  out->astral = koe_alloc(astral, sizeof *out->astral);
  if (letters == NULL || out->astral == NULL) {
    status = koe_fail_nomem(err);
    goto cleanup;
  }
  counted = collect_letters(counts, isolate_ideographs, letters);
  qsort(letters, counted, sizeof *letters, compare_letters);
  fill_classes(out);
  number_letters(out, letters, counted);

cleanup:
  koe_free(counts);
  koe_free(letters);
  return status;
}

void koe_alphabet_clear(koe_alphabet *alphabet) {
  koe_free(alphabet->plane0);
  koe_free(alphabet->astral);
  memset(alphabet, 0, sizeof *alphabet);
}

static uint32_t astral_symbol(const koe_alphabet *alphabet, uint32_t character) {
  size_t low = 0;
  size_t high = alphabet->astral_count;
  while (low < high) {
    size_t middle = low + (high - low) / 2;
    if (alphabet->astral[middle].character < character) {
      low = middle + 1;
    } else {
      high = middle;
    }
  }
  bool found = low < alphabet->astral_count && alphabet->astral[low].character == character;
  return found ? alphabet->astral[low].symbol : 0;
}

koe_character_class koe_alphabet_look_up(const koe_alphabet *alphabet, uint32_t character,
                                         uint32_t *symbol) {
  if (character >= PLANE0) {
    *symbol = astral_symbol(alphabet, character);
    return class_of(character, alphabet->isolate_ideographs);
  }
  uint32_t value = alphabet->plane0[character];
  *symbol = value <= alphabet->isolated ? value : 0;
  if (value <= alphabet->words) return KOE_CHAR_WORD;
  if (value == KOE_SYMBOL_SPACE) return KOE_CHAR_SPACE;
  if (value == KOE_SYMBOL_REMOVED) return KOE_CHAR_REMOVED;
  return class_of(character, alphabet->isolate_ideographs);
}

size_t koe_alphabet_bytes(const koe_alphabet *alphabet) {
  return PLANE0 * sizeof *alphabet->plane0 + alphabet->astral_count * sizeof *alphabet->astral;
}
