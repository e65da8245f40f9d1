/* The tokens of a vocabulary as a tree of symbols: what wordpiece.c lays out and links. */
#ifndef KOE_TRIE_H
#define KOE_TRIE_H

#include "../status.h"
#include "alphabet.h"
#include "vocab.h"

#include <stddef.h>
#include <stdint.h>

/* A token as the matcher returns it: id << 7 | characters, those of "##" not counted. */
typedef uint32_t koe_piece;

enum {
  KOE_PIECE_MAX_CHARACTERS = 100, /* a longer word is [UNK], so a longer token never occurs */
  KOE_TRIE_MAX_NODES = 1 << 23
};

#define KOE_NO_PIECE UINT32_MAX

typedef struct koe_trie_node {
  uint32_t parent;
  uint32_t symbol;       /* on the edge from the parent */
  uint32_t first_child;  /* 0: none */
  uint32_t next_sibling; /* 0: none */
  koe_piece piece;       /* the token that ends here, or KOE_NO_PIECE */
} koe_trie_node;

/* Two trees in one array: below KOE_TRIE_WORD the tokens that begin a word, below KOE_TRIE_INSIDE
 * those written with "##", without it. */
enum { KOE_TRIE_WORD = 0, KOE_TRIE_INSIDE = 1 };

typedef struct koe_trie {
  koe_trie_node *nodes;
  size_t count;
  size_t capacity;
  uint32_t *slots; /* [slot_count] open-addressing hash table by (parent, symbol): node, or 0 */
  size_t slot_count;
} koe_trie;

/* Inserts every token that can occur: valid UTF-8, 1 to 100 characters, each with a symbol.  `out`
 * is released with koe_trie_clear (also after a failure).  Fails with KOE_FORMAT (more nodes than
 * KOE_TRIE_MAX_NODES), KOE_NOMEM. */
koe_status koe_trie_build(const koe_vocab *vocab, const koe_alphabet *alphabet, koe_trie *out,
                          koe_error *err);

void koe_trie_clear(koe_trie *trie);

static inline koe_piece koe_piece_make(int32_t id, size_t characters) {
  return (koe_piece)((uint32_t)id << 7 | (uint32_t)characters);
}

static inline int32_t koe_piece_id(koe_piece piece) {
  return (int32_t)(piece >> 7);
}

static inline uint32_t koe_piece_characters(koe_piece piece) {
  return piece & 0x7F;
}

#endif
