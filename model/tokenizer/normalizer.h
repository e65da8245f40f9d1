/* BERT's normalizer and pre-tokenizer as a stream: characters of the input go in, the tokens of a
 * word come out as the word ends.  Nothing but the word in hand and a run of combining marks is
 * kept, whatever the length of the text.
 *
 *   compose (option) ─ clean ─ strip accents (option) ─ lower-case (option) ─ words
 *
 * Every character carries the span of the input it stands for.  Where composing changes a run, each
 * character of the result has the span of the whole run. */
#ifndef KOE_NORMALIZER_H
#define KOE_NORMALIZER_H

#include "../status.h"
#include "word.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A character of a run that is put into canonical order. */
typedef struct koe_run_character {
  uint32_t character;
  uint32_t place; /* in the run before sorting */
  uint8_t class;  /* combining class */
  bool inserted;  /* by decomposition: has the span of the character before it */
} koe_run_character;

typedef struct koe_run {
  koe_run_character *characters;
  size_t count;
  size_t capacity;
} koe_run;

typedef struct koe_normalizer {
  const koe_tokenizer *tokenizer;
  int32_t segment;
  koe_word word;

  koe_run raw;       /* to be composed: the input's characters up to the next that begins a run */
  int64_t raw_start; /* of raw.characters[0] in the input */
  uint32_t *composed;
  size_t composed_capacity;

  koe_run marks;   /* decomposed: a starter and what may change places behind it */
  koe_span *spans; /* [span_count] of those in `marks` that are not inserted, in input order */
  size_t span_count;
  size_t span_capacity;
  koe_span last; /* the span given last */
} koe_normalizer;

/* `normalizer` is then released with koe_normalizer_stop. */
void koe_normalizer_start(koe_normalizer *normalizer, const koe_tokenizer *tokenizer,
                          int32_t segment);

void koe_normalizer_stop(koe_normalizer *normalizer);

/* Takes character number `position` of the input; appends the tokens that it completes to `out`.
 * Positions are consecutive between two calls of koe_normalizer_end.  Fails with KOE_NOMEM. */
koe_status koe_normalizer_read(koe_normalizer *normalizer, uint32_t character, int64_t position,
                               koe_tokens *out, koe_error *err);

/* Ends the word in hand: the text or the stretch between two special tokens is over. */
koe_status koe_normalizer_end(koe_normalizer *normalizer, koe_tokens *out, koe_error *err);

#endif
