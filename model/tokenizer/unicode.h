/* Characters: UTF-8 in, and the classes that BERT's normalizer and pre-tokenizer tell apart.
 *
 * The classes are those of Hugging Face's tokenizers (the Rust crate), measured over every code
 * point: see unicode_ranges.h. */
#ifndef KOE_UNICODE_H
#define KOE_UNICODE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { KOE_REPLACEMENT_CHARACTER = 0xFFFD };

/* Reads one character at `bytes` (at least one byte long) into `*character` and returns its length
 * in bytes.  An invalid sequence gives U+FFFD and the length of its maximal valid prefix, at least
 * 1 (Unicode 15, table 3-8: what a decoder with replacement does). */
size_t koe_utf8_decode(const char *bytes, size_t length, uint32_t *character);

/* Writes a Unicode scalar value as UTF-8; returns the bytes written, 1 to 4. */
size_t koe_utf8_encode(uint32_t character, char out[4]);

/* Characters in `bytes`, each invalid sequence counting as one. */
size_t koe_utf8_count(const char *bytes, size_t length);

typedef enum koe_character_class {
  KOE_CHAR_WORD,        /* part of a word */
  KOE_CHAR_REMOVED,     /* clean_text drops it: control, format, private use, U+0000, U+FFFD */
  KOE_CHAR_SPACE,       /* ends a word and is dropped */
  KOE_CHAR_PUNCTUATION, /* a word of its own */
  KOE_CHAR_IDEOGRAPH    /* a word of its own where ideographs are isolated, else KOE_CHAR_WORD */
} koe_character_class;

koe_character_class koe_classify_character(uint32_t character);

/* The same, and in `*last` the last of the characters from this one on that share the class. */
koe_character_class koe_classify_run(uint32_t character, uint32_t *last);

#endif
