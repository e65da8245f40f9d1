/* Cuts a long text into pieces that a model can read, at the ends of sentences where it can.
 *
 * A piece takes as many whole sentences (sentences.h) as fit.  A sentence that does not fit is cut
 * at white space, one without white space at punctuation, and a word without either between its
 * tokens.  Pieces may overlap: each then repeats the last sentences of the one before. */
#ifndef KOE_CHUNKING_H
#define KOE_CHUNKING_H

#include "../status.h"
#include "../text.h"
#include "tokenizer.h"

#include <stddef.h>
#include <stdint.h>

/* Tokens of a chunk, [CLS] and [SEP] counted. */
enum { KOE_CHUNK_LEAST_TOKENS = 5, KOE_CHUNK_MOST_TOKENS = 65536 };

typedef struct koe_chunk {
  size_t offset, length; /* bytes of the text */
  int64_t start, end;    /* characters of the text, half-open */
  size_t tokens;         /* those koe_tokenizer_encode gives of the piece: [CLS] … [SEP] */
} koe_chunk;

/* Chunks in order; zero to begin with, owned by the caller. */
typedef struct koe_chunks {
  koe_chunk *items;
  size_t count;
  size_t capacity;
} koe_chunks;

/* Frees the items and leaves `chunks` empty. */
void koe_chunks_clear(koe_chunks *chunks);

/* Appends the chunks of `text` to `out`.
 *
 *   max_tokens  that a chunk may have, [CLS] and [SEP] counted: KOE_CHUNK_LEAST_TOKENS to
 *               KOE_CHUNK_MOST_TOKENS
 *   overlap     tokens that a chunk may repeat of the one before, at most max_tokens / 2: whole
 *               sentences if any fit, else words.  Fewer where the next sentence would not fit
 *               otherwise, none within a word that is cut
 *
 * A chunk begins and ends with a character that is not white space; every character that the
 * tokenizer reads is in a chunk, and both ends grow from chunk to chunk.  A text without tokens has
 * no chunks.  A word that is unknown because it has more than 100 characters is cut after each 100.
 * Linear time; beside the chunks, memory for two of them.
 *
 * Fails with KOE_INVALID (max_tokens, overlap), KOE_NOMEM; `out` then holds some of the chunks. */
koe_status koe_chunk_text(const koe_tokenizer *tokenizer, koe_text text, size_t max_tokens,
                          size_t overlap, koe_chunks *out, koe_error *err);

#endif
