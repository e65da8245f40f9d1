/* WordPiece's greedy longest match in linear time.
 *
 * Source: Song, Salcianu, Song, Dopson, Zhou: Fast WordPiece Tokenization (EMNLP 2021), algorithm
 * 1, "LinMaxMatch".  The tokens form a tree (trie.h).  Where a word leaves the tree at a state, the
 * state's failure pops are the tokens that the greedy match has then settled on, and its failure
 * link is the state of what those tokens leave over; so no character is read twice.
 *
 * The tree is a double array (Aoe 1989): the state after `symbol` in state s can only be number
 * states[s].base + symbol, and it is if that state's parent is s. */
#ifndef KOE_WORDPIECE_H
#define KOE_WORDPIECE_H

#include "../status.h"
#include "trie.h"

#include <stddef.h>
#include <stdint.h>

enum {
  KOE_STATE_DEAD = 0,  /* no match */
  KOE_STATE_WORD = 1,  /* before the first character of a word */
  KOE_STATE_INSIDE = 2 /* after a token, within a word */
};

typedef struct koe_wordpiece_state {
  uint32_t base;
  uint32_t parent;
  uint32_t fail; /* failure link: a state, KOE_STATE_DEAD where there is no match */
  uint32_t pops; /* failure pops: one piece, or KOE_POPS_LIST | index into `lists` */
} koe_wordpiece_state;

#define KOE_POPS_LIST (UINT32_C(1) << 31)

/* A list of failure pops extends that of a shallower state, so that all lists together are no
 * longer than the vocabulary.  At its index: the pops it extends; the number of pieces, those
 * included; the number of its own; its own pieces. */
enum { KOE_LIST_PREFIX, KOE_LIST_TOTAL, KOE_LIST_OWN, KOE_LIST_PIECES };

typedef struct koe_wordpiece {
  koe_wordpiece_state *states; /* [state_count] */
  size_t state_count;
  uint32_t *lists; /* [list_count] */
  size_t list_count;
} koe_wordpiece;

/* Builds the matcher of a vocabulary; symbols are the alphabet's.  `out` is released with
 * koe_wordpiece_clear (also after a failure).  Fails with KOE_FORMAT (too large: see trie.h),
 * KOE_NOMEM. */
koe_status koe_wordpiece_build(const koe_vocab *vocab, const koe_alphabet *alphabet,
                               koe_wordpiece *out, koe_error *err);

void koe_wordpiece_clear(koe_wordpiece *wordpiece);

/* Splits a word of `count` symbols, at most 100, into pieces: writes them to `out`, which has room
 * for 100, and returns their number; 0 if the word has no match. */
size_t koe_wordpiece_match(const koe_wordpiece *wordpiece, const uint32_t *symbols, size_t count,
                           koe_piece *out);

/* Writes the failure pops of a state, at most 100, to `out`; returns their number. */
size_t koe_wordpiece_pops(const koe_wordpiece *wordpiece, uint32_t pops, koe_piece *out);

/* The state after `symbol`, or KOE_STATE_DEAD if the tree has none. */
static inline uint32_t koe_wordpiece_next(const koe_wordpiece_state *states, uint32_t state,
                                          uint32_t symbol) {
  uint32_t next = states[state].base + symbol;
  return states[next].parent == state ? next : KOE_STATE_DEAD;
}

/* Heap bytes held. */
size_t koe_wordpiece_bytes(const koe_wordpiece *wordpiece);

#endif
