/* Lower-casing, canonical decomposition and accents of single characters, as Hugging Face's
 * tokenizers have them; and composition.
 *
 * utf8proc's data, except where the tables behind the crate are older (decomposition: Unicode 9) or
 * newer (lower case: Unicode 17); measured over every code point. */
#ifndef KOE_FOLDING_H
#define KOE_FOLDING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { KOE_LOWER_MAX = 2, KOE_DECOMPOSED_MAX = 8 };

/* Writes the lower case of a character, itself if it has none; returns 1 or, for U+0130, 2. */
size_t koe_lower_case(uint32_t character, uint32_t out[KOE_LOWER_MAX]);

/* Writes the canonical decomposition, the character itself if it has none; returns its length. */
size_t koe_decompose(uint32_t character, uint32_t out[KOE_DECOMPOSED_MAX]);

/* The canonical combining class: marks of different classes may change places. */
uint8_t koe_combining_class(uint32_t character);

/* Whether stripping accents removes the character. */
bool koe_is_accent(uint32_t character);

/* Whether the character can be composed with, or change places with, what stands before it: marks,
 * medial and final Hangul letters. */
bool koe_joins_previous(uint32_t character);

/* Composes decomposed characters in canonical order in place (NFC); returns their number. */
size_t koe_compose(uint32_t *characters, size_t count);

#endif
