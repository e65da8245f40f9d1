/* A text of any length read window by window, with what a head says of every token. */
#ifndef KOE_TOKEN_READER_H
#define KOE_TOKEN_READER_H

#include "../batch.h"
#include "../model.h"
#include "../status.h"
#include "token_head.h"
#include "windows.h"

/* Tokens that neighbouring windows share, or half a window where that is less: each token has 64 of
 * context on both sides, or the end of the text. */
enum { KOE_WINDOW_OVERLAP = 128 };

typedef struct koe_token_reader {
  const koe_model *model;
  const koe_token_head *head;
  koe_windows windows;
  koe_window items[KOE_WINDOWS_AT_ONCE]; /* [count] those at hand */
  size_t count;
  koe_batch batch; /* of them */
  float *logits;   /* [batch.total, outputs] */
  size_t logit_capacity;
} koe_token_reader;

/* Starts on a text; `model` and the bytes of `text` must outlive the reader, which
 * koe_token_reader_stop releases. */
void koe_token_reader_start(koe_token_reader *reader, const koe_model *model,
                            const koe_token_head *head, koe_text text);

/* The same for windows of `length` tokens, each `step` after the one before, that come behind a
 * question. */
void koe_token_reader_start_context(koe_token_reader *reader, const koe_model *model,
                                    const koe_token_head *head, koe_text context, size_t length,
                                    size_t step);

/* Takes all zero. */
void koe_token_reader_stop(koe_token_reader *reader);

/* Reads and computes the next windows; none (`count` 0) are left after the last.  `question` is
 * NULL where there is none.  Fails as koe_token_logits. */
koe_status koe_token_reader_next(koe_token_reader *reader, const koe_tokens *question,
                                 koe_error *err);

/* Logits of [CLS] of a window, and of its first token: [outputs] each, followed by those of the
 * tokens that come next. */
const float *koe_token_reader_cls(const koe_token_reader *reader, size_t window);
const float *koe_token_reader_logits(const koe_token_reader *reader, size_t window,
                                     const koe_tokens *question);

/* The windows of a text that is read alone: their length and step for a model. */
void koe_window_sizes(const koe_model *model, size_t *length, size_t *step);

#endif
