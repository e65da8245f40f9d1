/* A vocab.txt: one token a line, the id being the line number.
 *
 * Lines are read as Hugging Face's WordPiece::from_file reads them: they end at '\n', and white
 * space at their end (that of a CRLF file included) is no part of the token.  Of a token that
 * occurs twice the later id counts. */
#ifndef KOE_VOCAB_H
#define KOE_VOCAB_H

#include "../file_map.h"
#include "../status.h"
#include "../text.h"

#include <stddef.h>
#include <stdint.h>

enum {
  KOE_VOCAB_MAX_BYTES = 64 << 20, /* of the file */
  KOE_VOCAB_MAX_TOKENS = 1 << 24  /* a piece of the matcher holds an id in 24 bits */
};

typedef struct koe_vocab {
  char *bytes; /* [byte_count] the file */
  size_t byte_count;
  koe_text *tokens; /* [count] by id, into `bytes` */
  int32_t count;
  uint32_t *slots;     /* [slot_count] open-addressing hash table: id + 1, or 0 */
  uint32_t slot_count; /* a power of two, more than count */
} koe_vocab;

/* Reads a file into `out`, which koe_vocab_clear releases (also after a failure).  Fails with
 * KOE_IO, KOE_FORMAT (empty, or beyond the limits above), KOE_NOMEM. */
koe_status koe_vocab_read(const char *path, koe_vocab *out, koe_error *err);

/* The same for a file that is open, and need not stay so; `path` names it in messages. */
koe_status koe_vocab_read_file(const koe_file_map *file, const char *path, koe_vocab *out,
                               koe_error *err);

void koe_vocab_clear(koe_vocab *vocab);

/* The id of a token spelled exactly so, or -1. */
int32_t koe_vocab_id(const koe_vocab *vocab, koe_text token);

/* Heap bytes held. */
size_t koe_vocab_bytes(const koe_vocab *vocab);

#endif
