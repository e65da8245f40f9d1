/* Reads a text's tokens from left to right, as many at a time as are wanted: special tokens, and
 * between them words, which go the short way (bytes straight into the matcher) where they can and
 * through normalizer.h where they cannot. */
#ifndef KOE_SCANNER_H
#define KOE_SCANNER_H

#include "../status.h"
#include "normalizer.h"
#include "tokenizer_internal.h"

#include <stdbool.h>
#include <stdint.h>

typedef struct koe_scanner {
  const koe_tokenizer *tokenizer;
  const uint8_t *at;
  const uint8_t *end;
  const uint8_t *special_at; /* the next special token, or `end` */
  const koe_special_token *special;
  int64_t position; /* of `at`, in characters */
  koe_normalizer normalizer;
} koe_scanner;

/* Starts at the beginning of `text`, whose bytes must outlive the scanner; `segment` is copied into
 * the tokens.  `scanner` is then released with koe_scanner_stop. */
void koe_scanner_start(koe_scanner *scanner, const koe_tokenizer *tokenizer, koe_text text,
                       int32_t segment);

void koe_scanner_stop(koe_scanner *scanner);

/* Appends tokens to `out` until at least `limit` of them are appended or the text is over.  Whole
 * words are read, so there may be a few more.  Fails with KOE_NOMEM. */
koe_status koe_scanner_read(koe_scanner *scanner, size_t limit, koe_tokens *out, koe_error *err);

/* Whether the text is over. */
static inline bool koe_scanner_done(const koe_scanner *scanner) {
  return scanner->at == scanner->end;
}

#endif
