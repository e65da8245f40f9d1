/* A text of any length, cut into windows that a model can read.
 *
 *   tokens    0 ─────────────────────────────────────────── N
 *   window 0  ├───────────┤
 *   window 1        ├───────────┤           each `step` tokens after the one before
 *   window 2              ├───────────┤
 *
 * Where windows overlap, a token belongs to the one in which it has most context: the middle of the
 * overlap divides them.  Tokens are read as windows come, so memory does not depend on the text.
 * Source: Devlin et al. 2019, run_squad.py ("doc stride", "max context"). */
#ifndef KOE_WINDOWS_H
#define KOE_WINDOWS_H

#include "../batch.h"
#include "../status.h"
#include "../text.h"
#include "../tokenizer/scanner.h"
#include "../tokenizer/tokenizer.h"

/* Windows that are encoded together: enough for all threads, few enough for an interrupt to be seen
 * soon and for their memory to be small. */
enum { KOE_WINDOWS_AT_ONCE = 4 };

/* The bytes of the text that a token was made from, half-open. */
typedef struct koe_byte_range {
  size_t begin, end;
} koe_byte_range;

typedef struct koe_window {
  size_t first;                /* of its tokens, among the text's */
  const koe_token *tokens;     /* [count] */
  const koe_byte_range *bytes; /* [count] */
  size_t count;
  size_t begin, end; /* of [0, count): those that belong to it */
} koe_window;

typedef struct koe_windows {
  koe_text text;
  size_t length, step; /* tokens */
  koe_scanner scanner;
  koe_tokens tokens;     /* those from `first` on that have been read */
  koe_byte_range *bytes; /* [tokens.count] */
  size_t byte_capacity;
  size_t first;     /* of those, among the text's */
  size_t given;     /* tokens before the next window, which the next call lets go of */
  size_t at_byte;   /* a place of the text, in bytes and characters, behind which no token starts */
  int64_t at_char;  /* */
  bool ended;       /* the last window has been given */
  koe_tokens input; /* of one window, while it is appended to a batch */
} koe_windows;

/* Starts at the beginning of `text`, whose bytes must outlive the windows, with windows of `length`
 * tokens, 1 or more, each `step` tokens, from 1 to `length`, after the one before.  `segment` is
 * that of the tokens.  koe_windows_stop releases `windows`. */
void koe_windows_start(koe_windows *windows, const koe_tokenizer *tokenizer, koe_text text,
                       size_t length, size_t step, int32_t segment);

/* Takes all zero. */
void koe_windows_stop(koe_windows *windows);

/* Gives the next windows, valid until the next call; none are left after the last.
 *
 *   out [KOE_WINDOWS_AT_ONCE]
 *
 * A text without tokens has no windows.  Fails with KOE_NOMEM. */
koe_status koe_windows_read(koe_windows *windows, koe_window *out, size_t *count, koe_error *err);

/* Appends what the model reads of a window: [CLS] window [SEP], or [CLS] question [SEP] window
 * [SEP] where `question` is not NULL.  The window's tokens begin at 1, or at question->count + 2.
 * Fails with KOE_NOMEM. */
koe_status koe_windows_append(koe_windows *windows, const koe_window *window,
                              const koe_tokens *question, koe_batch *batch, koe_error *err);

#endif
