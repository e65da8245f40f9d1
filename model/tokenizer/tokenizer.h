/* The KoELECTRA tokenizer: BERT's, exactly as Hugging Face's Rust tokenizers run it, with character
 * offsets.
 *
 *   raw text ─ special tokens split off ─ normalizer ─ pre-tokenizer ─ WordPiece ─ [CLS] … [SEP]
 *
 * normalizer: clean_text (control characters out, white space to ' '), CJK ideographs isolated, and
 * lower-casing and accent stripping where tokenizer_config.json asks for them.  pre-tokenizer:
 * split at white space and around punctuation.  WordPiece: greedy longest match, `##` inside a
 * word, [UNK] for a word of more than 100 characters or without a match.
 *
 * Offsets count characters (code points) of the input.  Each invalid UTF-8 sequence counts as one
 * character and is dropped, as U+FFFD is. */
#ifndef KOE_TOKENIZER_H
#define KOE_TOKENIZER_H

#include "../file_map.h"
#include "../status.h"
#include "../text.h"

#include <stdbool.h>
#include <stdint.h>

typedef struct koe_tokenizer koe_tokenizer;

/* One token of an encoded text. */
typedef struct koe_token {
  int32_t id;
  int32_t segment; /* token_type_id: 0, or 1 for the second text of a pair */
  int64_t start;   /* first character in the text of its segment; -1 if added, as [CLS] is */
  int64_t end;     /* one past the last character; -1 if added */
} koe_token;

/* Tokens in order; grown by the functions below, reusable, owned by the caller. */
typedef struct koe_tokens {
  koe_token *items;
  size_t count;
  size_t capacity;
} koe_tokens;

/* What tokenizer_config.json and koelectra_load's options say.  koe_tokenizer_options_default()
 * gives KoELECTRA's: no lower-casing, accents kept, ideographs isolated, BERT's special names. */
typedef struct koe_tokenizer_options {
  bool do_lower_case;
  bool strip_accents;
  bool tokenize_chinese_chars;
  bool normalize_nfc; /* compose decomposed Hangul first; offsets remain those of the input */
  char unk_token[64];
  char sep_token[64];
  char pad_token[64];
  char cls_token[64];
  char mask_token[64];
} koe_tokenizer_options;

koe_tokenizer_options koe_tokenizer_options_default(void);

/* Reads a vocabulary, one token a line, the id being the line number.  `path` names a vocab.txt.
 * Fails with KOE_IO, KOE_FORMAT (empty, a special token missing), KOE_NOMEM. */
koe_status koe_tokenizer_open(const char *path, const koe_tokenizer_options *options,
                              koe_tokenizer **out, koe_error *err);

/* The same for a file that is open, and need not stay so; `path` names it in messages. */
koe_status koe_tokenizer_open_file(const koe_file_map *file, const char *path,
                                   const koe_tokenizer_options *options, koe_tokenizer **out,
                                   koe_error *err);

/* Takes NULL. */
void koe_tokenizer_free(koe_tokenizer *tokenizer);

/* Number of ids: one more than the largest. */
int32_t koe_tokenizer_vocab_size(const koe_tokenizer *tokenizer);

/* The token of an id, e.g. "##하다"; bytes live as long as the tokenizer.  Length 0 if there is no
 * such id. */
koe_text koe_tokenizer_token(const koe_tokenizer *tokenizer, int32_t id);

/* The id of a token spelled exactly so, or -1. */
int32_t koe_tokenizer_id(const koe_tokenizer *tokenizer, koe_text token);

/* Appends the first `limit` tokens of `text` to `out`, all of them if there are fewer; no special
 * tokens are added.  Stops behind the word that gives the last of them.  Fails with KOE_NOMEM;
 * `out` then holds some of the tokens. */
koe_status koe_tokenizer_tokenize(const koe_tokenizer *tokenizer, koe_text text, size_t limit,
                                  koe_tokens *out, koe_error *err);

/* Replaces `out` with what the model reads: [CLS] text [SEP], or [CLS] text [SEP] pair [SEP] where
 * `pair` is not NULL, truncated longest_first to `max_length` tokens in all, SIZE_MAX for no
 * limit.  `max_length` is at least 2 for a text, 3 for a pair.  Fails with KOE_INVALID
 * (max_length), KOE_NOMEM; the contents of `out` are then undefined. */
koe_status koe_tokenizer_encode(const koe_tokenizer *tokenizer, koe_text text, const koe_text *pair,
                                size_t max_length, koe_tokens *out, koe_error *err);

/* Frees the items and leaves `tokens` empty. */
void koe_tokens_clear(koe_tokens *tokens);

/* Heap bytes held. */
size_t koe_tokenizer_bytes(const koe_tokenizer *tokenizer);

/* FNV-1a over vocabulary and options: part of a model's fingerprint. */
uint64_t koe_tokenizer_hash(const koe_tokenizer *tokenizer);

#endif
