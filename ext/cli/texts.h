/* The texts a command works on: operands, or lines of standard input. */
#ifndef KOE_CLI_TEXTS_H
#define KOE_CLI_TEXTS_H

#include "command.h"

#include "../../model/text.h"

typedef struct koe_cli_texts {
  const char *const *operands; /* [count]; none: standard input */
  size_t count, at;
  size_t line; /* of standard input, from 1: the one that was read last */

  /* Standard input: [begin, end) of the buffer is read and not given out. */
  char *buffer;
  size_t begin, end, capacity;
  bool is_at_end;
} koe_cli_texts;

void koe_cli_texts_open(koe_cli_texts *texts, const char *const *operands, size_t count,
                        bool quiet);
void koe_cli_texts_close(koe_cli_texts *texts);

/* Gives the next text, which lives until the next call; `*more` is false behind the last.  The end
 * of a line, LF or CR LF, is no part of it, nor is a byte order mark.  Fails with KOE_INVALID where
 * a text is not UTF-8. */
koe_status koe_cli_texts_next(koe_cli_texts *texts, koe_text *out, bool *more, koe_error *err);

/* Whether the next text is there without waiting for whoever writes it. */
bool koe_cli_texts_ready(const koe_cli_texts *texts);

#endif
