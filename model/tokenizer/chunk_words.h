/* Reads the words of a text with what they cost in tokens and what may be cut behind them: what
 * chunking.h puts together.
 *
 * A word is what no white space and no punctuation parts, as the tokenizer sees it; a punctuation
 * mark is a word.  The tokens of a text that begins and ends with whole words are the sum of
 * theirs. */
#ifndef KOE_CHUNK_WORDS_H
#define KOE_CHUNK_WORDS_H

#include "scanner.h"
#include "tokenizer.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What stands between a word and the next, the better place to cut the later in this list. */
typedef enum koe_word_break {
  KOE_BREAK_SPLIT,   /* nothing: parts of one word, which must not stand together in a chunk */
  KOE_BREAK_NONE,    /* nothing: a punctuation mark on one side */
  KOE_BREAK_SPACE,   /* white space */
  KOE_BREAK_SENTENCE /* the end of a sentence, or of the text */
} koe_word_break;

typedef struct koe_chunk_word {
  size_t offset, end_offset; /* bytes, half-open */
  int64_t start, end;        /* characters, half-open */
  size_t tokens;             /* at least 1 */
  koe_word_break before, after;
} koe_chunk_word;

typedef struct koe_chunk_reader {
  const koe_tokenizer *tokenizer;
  koe_text text;
  size_t most; /* tokens of a word */
  koe_scanner scanner;
  koe_tokens tokens; /* read ahead */
  size_t next;       /* the first of them that is not used */
  size_t offset;     /* a place of the text, in bytes and */
  int64_t character; /* in characters */
  size_t sentence_end;
  koe_word_break before; /* the word that comes */
  koe_chunk_word rest;   /* of a word that is split; tokens is 0 where there is none */
  koe_tokens part;       /* room for the tokens of a part */
} koe_chunk_reader;

/* Starts at the beginning of `text`, which must outlive the reader.  A word of more than `most`
 * tokens, at least 3, is split, and so is one that is unknown because it has more than 100
 * characters.  `reader` is then released with koe_chunk_reader_stop. */
void koe_chunk_reader_start(koe_chunk_reader *reader, const koe_tokenizer *tokenizer, koe_text text,
                            size_t most);

void koe_chunk_reader_stop(koe_chunk_reader *reader);

/* Reads the next word; `*found` is false where the text is over.  Fails with KOE_NOMEM. */
koe_status koe_chunk_reader_next(koe_chunk_reader *reader, koe_chunk_word *word, bool *found,
                                 koe_error *err);

#endif
