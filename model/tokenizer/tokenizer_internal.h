/* What a tokenizer is made of; for tokenizer.c and the stages it drives. */
#ifndef KOE_TOKENIZER_INTERNAL_H
#define KOE_TOKENIZER_INTERNAL_H

#include "../memory.h"
#include "alphabet.h"
#include "tokenizer.h"
#include "vocab.h"
#include "wordpiece.h"

enum { KOE_SPECIAL_TOKENS = 5 };

typedef struct koe_special_token {
  koe_text name; /* into the tokenizer's options */
  int32_t id;
} koe_special_token;

struct koe_tokenizer {
  koe_tokenizer_options options;
  koe_vocab vocab;
  koe_alphabet alphabet;
  koe_wordpiece wordpiece;
  koe_special_token specials[KOE_SPECIAL_TOKENS];
  size_t special_count;
  bool begins_special[256]; /* by first byte */
  int special_first;        /* the one first byte, usually '['; -1 if there are several */
  int32_t unk;
  int32_t cls;
  int32_t sep;
};

/* Makes room for `count` more tokens. */
static inline bool koe_tokens_reserve(koe_tokens *tokens, size_t count) {
  return tokens->capacity - tokens->count >= count ||
         koe_grow(&tokens->items, &tokens->capacity, tokens->count + count, sizeof *tokens->items);
}

#endif
