/* BERT's normalizer and pre-tokenizer as a stream: characters of the input go in, the tokens of
 * words come out as each word ends.  Nothing but the word in hand and a run of combining marks is
 * kept, whatever the length of the text.
 *
 *   compose (option) ─ clean ─ strip accents (option) ─ lower-case (option) ─ words
 *
 * Every character carries the span of the input it came from.  Where a run is composed, each
 * character of the result has the span of the run. */
#ifndef KOE_NORMALIZER_H
#define KOE_NORMALIZER_H

#include "status.h"
#include "word.h"

#include <stddef.h>
#include <stdint.h>

/* A character in a run that is to be put into canonical order. */
typedef struct koe_run_character {
  uint32_t character;
  uint32_t order;     /* position before sorting, then whether it takes a span of its own */
  uint8_t class;      /* combining class */
  bool inserted;      /* by decomposition: it shares the span of the character before it */
} koe_run_character;

typedef struct koe_normalizer {
  const koe_tokenizer *tokenizer;
  int32_t segment;
  koe_word word;
  koe_run_character *run; /* decomposed characters up to the next starter */
  size_t run_count;
  size_t run_capacity;
  koe_span *spans; /* of those that are not inserted */
  size_t span_count;
  size_t span_capacity;
  koe_span last; /* the span given last */
  uint32_t *raw; /* characters of the input up to the next that begins a run, to be composed */
  size_t raw_count;
  size_t raw_capacity;
  uint32_t *composed; /* scratch of composing */
  size_t composed_capacity;
  int64_t raw_start;
} koe_normalizer;
#endif
