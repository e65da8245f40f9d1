/* Extractive question answering: contexts cut into windows, and answers found in them. */
#ifndef KOE_QUESTIONS_H
#define KOE_QUESTIONS_H

#include "../tokenizer/tokenizer.h"
#include "dataset.h"
#include "examples.h"

/* One sequence of the dataset: [CLS] question [SEP] part of the context [SEP]. */
typedef struct koe_window {
  uint32_t example;
  uint32_t first; /* token of the sequence where the context begins */
  uint32_t count; /* tokens of the context */
  size_t spans;   /* of these: koe_windows.spans[spans … spans + count - 1] */
} koe_window;

/* Bytes of the context that a token is made from. */
typedef struct koe_span {
  uint32_t start, end;
} koe_span;

typedef struct koe_windows {
  koe_window *items; /* [count] by sequence of the dataset */
  size_t count, capacity;
  koe_span *spans;
  size_t span_count, span_capacity;
} koe_windows; /* all zero is empty */

/* Windows of at most `max_length` tokens that overlap by `stride` tokens of context.  A question
 * keeps at most 64 tokens.  The label of a window is its first gold answer if that lies in it
 * whole, else the [CLS] token, as in SQuAD 2.0.  Fails with KOE_INVALID (max_length too small),
 * KOE_NOMEM. */
koe_status koe_encode_questions(const koe_examples *examples, const koe_tokenizer *tokenizer,
                                size_t max_length, size_t stride, koe_dataset *out,
                                koe_windows *windows, koe_error *err);

/* The best answer to every question: the span of at most 30 tokens with the largest sum of start
 * and end logits, of all its windows.
 *   outputs [total, 2]
 *   answers [examples->count] parts of the contexts; length 0 if there is none */
void koe_find_answers(const koe_examples *examples, const koe_dataset *dataset,
                      const koe_windows *windows, const float *outputs, koe_stretch *answers);

void koe_windows_clear(koe_windows *windows);

#endif
