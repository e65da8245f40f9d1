#include "alphabet.h"

#include "../memory.h"

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

static koe_character_class apply_option(koe_character_class class, bool isolate_ideographs) {
  return class == KOE_CHAR_IDEOGRAPH && !isolate_ideographs ? KOE_CHAR_WORD : class;
}

static koe_character_class class_of(uint32_t character, bool isolate_ideographs) {
  return apply_option(koe_classify_character(character), isolate_ideographs);
}

typedef struct letter_list {
  letter *items;
  size_t count;
  size_t capacity;
} letter_list;

/* Lists the characters of all tokens, each once; counts[c] is how often c occurs. */
static bool count_characters(const koe_vocab *vocab, uint32_t *counts, letter_list *letters) {
  for (int32_t id = 0; id < vocab->count; id++) {
    koe_text token = vocab->tokens[id];
    for (size_t at = 0; at < token.length;) {
      uint32_t character;
      at += koe_utf8_decode(token.bytes + at, token.length - at, &character);
      if (counts[character]++ > 0) continue;
      if (!koe_grow(&letters->items, &letters->capacity, letters->count + 1,
                    sizeof *letters->items)) {
        return false;
      }
      letters->items[letters->count++].character = character;
    }
  }
  return true;
}

/* Fills in counts and groups, and drops those that get no symbol. */
static void group_letters(letter_list *letters, const uint32_t *counts, bool isolate_ideographs) {
  size_t kept = 0;
  for (size_t i = 0; i < letters->count; i++) {
    uint32_t c = letters->items[i].character;
    koe_character_class class = class_of(c, isolate_ideographs);
    if (class == KOE_CHAR_SPACE || class == KOE_CHAR_REMOVED) continue;
    letter_group group = c >= PLANE0              ? GROUP_ASTRAL
                         : class == KOE_CHAR_WORD ? GROUP_WORDS
                                                  : GROUP_ISOLATED;
    letters->items[kept++] = (letter){c, counts[c], group};
  }
  letters->count = kept;
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

static uint16_t symbol_of_class(koe_character_class class) {
  switch (class) {
  case KOE_CHAR_WORD:
    break;
  case KOE_CHAR_SPACE:
    return KOE_SYMBOL_SPACE;
  case KOE_CHAR_REMOVED:
    return KOE_SYMBOL_REMOVED;
  case KOE_CHAR_PUNCTUATION:
  case KOE_CHAR_IDEOGRAPH:
    return KOE_SYMBOL_LONER;
  }
  return 0;
}

static void fill_classes(koe_alphabet *alphabet) {
  for (uint32_t c = 0, last; c < PLANE0; c = last + 1) {
    koe_character_class class = koe_classify_run(c, &last);
    uint16_t symbol = symbol_of_class(apply_option(class, alphabet->isolate_ideographs));
    for (uint32_t i = c; i <= last && i < PLANE0; i++)
      alphabet->plane0[i] = symbol;
  }
  for (uint32_t c = 0xD800; c <= 0xDFFF; c++)
    alphabet->plane0[c] = KOE_SYMBOL_REMOVED;
}

/* `letters` is sorted by group; those of the last one fill `astral`. */
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
  letter_list letters = {0};
  memset(out, 0, sizeof *out);
  out->isolate_ideographs = isolate_ideographs;

  uint32_t *counts = koe_alloc_zero(CHARACTERS, sizeof *counts);
  if (counts == NULL || !count_characters(vocab, counts, &letters)) {
    status = koe_fail_nomem(err);
    goto cleanup;
  }
  group_letters(&letters, counts, isolate_ideographs);
  if (letters.count > 1) {
    qsort(letters.items, letters.count, sizeof *letters.items, compare_letters);
  }
  size_t astral = 0;
  for (size_t i = 0; i < letters.count; i++)
    astral += letters.items[i].group == GROUP_ASTRAL;
  out->plane0 = koe_alloc(PLANE0, sizeof *out->plane0);
  out->astral = koe_alloc(astral, sizeof *out->astral);
  if (out->plane0 == NULL || out->astral == NULL) {
    status = koe_fail_nomem(err);
    goto cleanup;
  }
  fill_classes(out);
  number_letters(out, letters.items, letters.count);

cleanup:
  koe_free(counts);
  koe_free(letters.items);
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
