/* Different words of a corpus and how often each occurs. */
#ifndef KOE_WORD_COUNTS_H
#define KOE_WORD_COUNTS_H

#include "../status.h"
#include "../text.h"

#include <stddef.h>
#include <stdint.h>

typedef struct koe_counted_word {
  size_t offset; /* in koe_word_counts.bytes */
  uint32_t length;
  uint32_t hash;
  int64_t count;
} koe_counted_word;

/* All zero is empty. */
typedef struct koe_word_counts {
  char *bytes; /* the words, one behind the other */
  size_t byte_count, byte_capacity;
  koe_counted_word *items; /* in the order in which they first came */
  size_t count, capacity;
  uint32_t *slots; /* [slot_count] hash table: number + 1, or 0 */
  size_t slot_count;
} koe_word_counts;

/* Counts the words of a text: what normalizer.h makes of it under KoELECTRA's options, so that they
 * are the words that the tokenizer will look for.  Words of more than 100 characters are left out,
 * as they are [UNK].  Fails with KOE_TOO_LONG (2^30 different words), KOE_NOMEM. */
koe_status koe_word_counts_add(koe_word_counts *counts, koe_text text, koe_error *err);

void koe_word_counts_clear(koe_word_counts *counts);

#endif
