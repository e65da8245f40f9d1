/* Builds a WordPiece vocabulary from raw text.
 *
 * Words are what the tokenizer's normalizer makes of a text under KoELECTRA's options (no
 * lower-casing, accents kept, ideographs isolated).  A word begins as its characters, those behind
 * the first with "##" in front; then the pair of neighbours that is most frequent over all words
 * becomes one token, again and again, until the vocabulary is full.
 *
 * Source: Sennrich, Haddow, Birch 2016 (byte-pair merges), as Hugging Face's WordPieceTrainer
 * applies them: the same alphabet, the same order of merges, ties by the ids of the pair. Different
 * on purpose: "##" characters get ids by code point, where theirs depend on a hash table's order;
 * the count of a pair that was merged and comes back begins anew; words of more than 100
 * characters, which the tokenizer would not match, are left out.
 *
 * The result depends on the counts of words alone, not on the order in which texts came. */
#ifndef KOE_VOCABULARY_BUILDER_H
#define KOE_VOCABULARY_BUILDER_H

#include "../status.h"
#include "../text.h"

#include <stddef.h>
#include <stdint.h>

typedef struct koe_vocabulary_options {
  size_t vocab_size;     /* tokens, the five special ones included */
  size_t alphabet_limit; /* characters kept, the most frequent; each may take two tokens */
  int64_t min_frequency; /* a pair that is rarer is not merged */
} koe_vocabulary_options;

/* 8 000 tokens, 1 000 characters, frequency 2. */
koe_vocabulary_options koe_vocabulary_options_default(void);

typedef struct koe_vocabulary_builder koe_vocabulary_builder;

/* Fails with KOE_NOMEM. */
koe_status koe_vocabulary_builder_new(koe_vocabulary_builder **out, koe_error *err);

/* Takes NULL. */
void koe_vocabulary_builder_free(koe_vocabulary_builder *builder);

/* Counts the words of a text.  Fails with KOE_TOO_LONG (2^30 different words), KOE_NOMEM. */
koe_status koe_vocabulary_builder_add(koe_vocabulary_builder *builder, koe_text text,
                                      koe_error *err);

/* Different words so far. */
size_t koe_vocabulary_builder_words(const koe_vocabulary_builder *builder);

/* Builds the vocabulary of the words counted so far: the content of a vocab.txt, one token a line,
 * special tokens first in KoELECTRA's order ([PAD] [UNK] [CLS] [SEP] [MASK]), then characters, then
 * merges in the order in which they were made.  It has fewer than vocab_size tokens where no pair
 * is frequent enough.
 *
 *   out     terminated by a NUL that is not counted; the caller frees with koe_free
 *   length  its bytes
 *   tokens  its lines
 *
 * Fails with KOE_INVALID (no words; no room for the alphabet), KOE_NOMEM. */
koe_status koe_vocabulary_builder_build(const koe_vocabulary_builder *builder,
                                        const koe_vocabulary_options *options, char **out,
                                        size_t *length, size_t *tokens, koe_error *err);

#endif
