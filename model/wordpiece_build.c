/* Builds the matcher of wordpiece.h from the tree of trie.h, breadth first: each node's children
 * get their places in the double array, then their failure links, which lead to shallower nodes. */
#include "memory.h"
#include "wordpiece.h"

#include <string.h>

enum { MAX_TRIES = 64 }; /* places tried for several siblings before the end of the array */

#define NO_PARENT UINT32_MAX

typedef struct builder {
  const koe_trie *trie;
  uint32_t largest_symbol;
  koe_wordpiece_state *states; /* [size] */
  uint32_t *next_free;         /* [size] itself for a free state, else one nearer to a free one */
  size_t size;
  size_t state_capacity;
  size_t next_capacity;
  uint32_t end;       /* one past the last state in use */
  uint32_t last_base; /* largest base given */
  uint32_t search_at; /* where the search for places of several siblings begins */
  uint32_t *order;    /* [nodes] breadth first */
  uint32_t *state_of; /* [nodes] by node */
  koe_piece *lists;
  size_t list_count;
  size_t list_capacity;
} builder;

/* ── the double array ───────────────────────────────────────────────────────────────────────────
 */

static bool extend(builder *b, size_t size) {
  if (size <= b->size) return true;
  size += size / 2;
  if (!koe_grow(&b->states, &b->state_capacity, size, sizeof *b->states)) return false;
  if (!koe_grow(&b->next_free, &b->next_capacity, size, sizeof *b->next_free)) return false;
  for (size_t i = b->size; i < size; i++) {
    b->states[i] = (koe_wordpiece_state){.parent = NO_PARENT};
    b->next_free[i] = (uint32_t)i;
  }
  b->size = size;
  return true;
}

/* The first free state at or after `state`; the size of the array if there is none. */
static uint32_t find_free(builder *b, uint32_t state) {
  while (state < b->size && b->next_free[state] != state) {
    uint32_t next = b->next_free[state];
    if (next < b->size) b->next_free[state] = b->next_free[next];
    state = next;
  }
  return state;
}

static void occupy(builder *b, uint32_t state, uint32_t parent) {
  b->states[state].parent = parent;
  b->next_free[state] = state + 1;
  if (state >= b->end) b->end = state + 1;
}

/* Whether all children of `node` find a free state from `base`. */
static bool fits(const builder *b, uint32_t node, uint32_t base) {
  const koe_trie_node *nodes = b->trie->nodes;
  for (uint32_t child = nodes[node].first_child; child != 0; child = nodes[child].next_sibling) {
    uint32_t state = base + nodes[child].symbol;
    if (state < b->size && b->next_free[state] != state) return false;
  }
  return true;
}

/* A base from which the children of `node` fit; `smallest` is the smallest of their symbols.  An
 * only child takes the first hole; siblings are tried at a few places near the last success. */
static uint32_t find_base(builder *b, uint32_t node, uint32_t smallest, bool only_child) {
  uint32_t from = only_child ? KOE_STATE_INSIDE + 1 : b->search_at;
  uint32_t state = find_free(b, from > smallest ? from : smallest);
  if (only_child) return state - smallest;
  for (int tries = 0; tries < MAX_TRIES && state < b->end; tries++) {
    if (fits(b, node, state - smallest)) return state - smallest;
    state = find_free(b, state + 1);
  }
  if (state < b->end) b->search_at = state; /* the array is dense up to here */
  return (b->end > smallest ? b->end : smallest) - smallest;
}

static koe_status place_children(builder *b, uint32_t node, koe_error *err) {
  const koe_trie_node *nodes = b->trie->nodes;
  uint32_t first = nodes[node].first_child;
  if (first == 0) return KOE_OK;

  uint32_t smallest = nodes[first].symbol;
  for (uint32_t child = first; child != 0; child = nodes[child].next_sibling) {
    if (nodes[child].symbol < smallest) smallest = nodes[child].symbol;
  }
  uint32_t base = find_base(b, node, smallest, nodes[first].next_sibling == 0);
  if (!extend(b, (size_t)base + b->largest_symbol + 1)) return koe_fail_nomem(err);
  if (base > b->last_base) b->last_base = base;

  uint32_t parent = b->state_of[node];
  b->states[parent].base = base;
  for (uint32_t child = first; child != 0; child = nodes[child].next_sibling) {
    b->state_of[child] = base + nodes[child].symbol;
    occupy(b, b->state_of[child], parent);
  }
  return KOE_OK;
}

/* ── failure links ──────────────────────────────────────────────────────────────────────────────
 */

static size_t count_pops(const builder *b, uint32_t pops) {
  return (pops & KOE_POPS_LIST) == 0 ? 1 : b->lists[pops & ~KOE_POPS_LIST];
}

/* Appends the failure pops of a state to the list being written. */
static koe_status append_pops(builder *b, uint32_t pops, koe_error *err) {
  size_t count = count_pops(b, pops);
  if (b->list_count + count > KOE_POPS_MAX) {
    return koe_fail(err, KOE_FORMAT,
                    "the vocabulary's tokens overlap too much: their failure pops exceed %d",
                    KOE_POPS_MAX);
  }
  if (!koe_grow(&b->lists, &b->list_capacity, b->list_count + count + 1, sizeof *b->lists)) {
    return koe_fail_nomem(err);
  }
  const koe_piece *from = (pops & KOE_POPS_LIST) == 0 ? &pops
                                                      : b->lists + (pops & ~KOE_POPS_LIST) + 1;
  memcpy(b->lists + b->list_count, from, count * sizeof *from);
  b->list_count += count;
  return KOE_OK;
}

/* Links the node's state; its parent's is linked already. */
static koe_status link_node(builder *b, uint32_t node, koe_error *err) {
  const koe_trie_node *from = &b->trie->nodes[node];
  koe_wordpiece_state *state = &b->states[b->state_of[node]];
  if (from->piece != KOE_NO_PIECE) {
    state->fail = KOE_STATE_INSIDE;
    state->pops = from->piece;
    return KOE_OK;
  }
  const koe_wordpiece_state *parent = &b->states[b->state_of[from->parent]];
  uint32_t fail = parent->fail;
  state->pops = parent->pops; /* shared as long as nothing is added */
  if (fail == KOE_STATE_DEAD) return KOE_OK;
  state->fail = koe_wordpiece_next(b->states, fail, from->symbol);
  if (state->fail != KOE_STATE_DEAD) return KOE_OK;

  size_t list = b->list_count++;
  koe_status status = append_pops(b, parent->pops, err);
  while (status == KOE_OK && state->fail == KOE_STATE_DEAD) {
    if (b->states[fail].fail == KOE_STATE_DEAD) { /* no match: the list is not needed */
      b->list_count = list;
      return KOE_OK;
    }
    status = append_pops(b, b->states[fail].pops, err);
    fail = b->states[fail].fail;
    state->fail = koe_wordpiece_next(b->states, fail, from->symbol);
  }
  if (status != KOE_OK) return status;
  b->lists[list] = (koe_piece)(b->list_count - list - 1);
  state->pops = KOE_POPS_LIST | (uint32_t)list;
  return KOE_OK;
}

static koe_status link_children(builder *b, uint32_t node, koe_error *err) {
  const koe_trie_node *nodes = b->trie->nodes;
  for (uint32_t child = nodes[node].first_child; child != 0; child = nodes[child].next_sibling) {
    koe_status status = link_node(b, child, err);
    if (status != KOE_OK) return status;
  }
  return KOE_OK;
}

/* ── all of it ──────────────────────────────────────────────────────────────────────────────────
 */

static koe_status build_states(builder *b, koe_error *err) {
  const koe_trie_node *nodes = b->trie->nodes;
  size_t queued = 0;
  b->order[queued++] = KOE_TRIE_WORD;
  b->order[queued++] = KOE_TRIE_INSIDE;
  b->state_of[KOE_TRIE_WORD] = KOE_STATE_WORD;
  b->state_of[KOE_TRIE_INSIDE] = KOE_STATE_INSIDE;
  for (uint32_t state = 0; state <= KOE_STATE_INSIDE; state++)
    occupy(b, state, NO_PARENT);
  b->search_at = b->end;

  for (size_t at = 0; at < queued; at++) {
    uint32_t node = b->order[at];
    koe_status status = place_children(b, node, err);
    if (status != KOE_OK) return status;
    status = link_children(b, node, err);
    if (status != KOE_OK) return status;
    for (uint32_t child = nodes[node].first_child; child != 0; child = nodes[child].next_sibling) {
      b->order[queued++] = child;
    }
  }
  return KOE_OK;
}

/* Copies what was built, without the room to grow. */
static bool export_states(const builder *b, koe_wordpiece *out) {
  size_t states = (size_t)b->last_base + b->largest_symbol + 1;
  if (states < b->end) states = b->end;
  out->states = koe_alloc_aligned(states, sizeof *out->states);
  out->lists = koe_alloc(b->list_count, sizeof *out->lists);
  if (out->states == NULL || out->lists == NULL) return false;
  memcpy(out->states, b->states, states * sizeof *out->states);
  if (b->list_count > 0) memcpy(out->lists, b->lists, b->list_count * sizeof *out->lists);
  out->state_count = states;
  out->list_count = b->list_count;
  return true;
}

koe_status koe_wordpiece_build(const koe_vocab *vocab, const koe_alphabet *alphabet,
                               koe_wordpiece *out, koe_error *err) {
  koe_trie trie;
  builder b = {.trie = &trie, .largest_symbol = alphabet->largest};
  memset(out, 0, sizeof *out);
  koe_status status = koe_trie_build(vocab, alphabet, &trie, err);
  if (status != KOE_OK) goto cleanup;

  b.order = koe_alloc(trie.count, sizeof *b.order);
  b.state_of = koe_alloc(trie.count, sizeof *b.state_of);
  bool room = extend(&b, (size_t)alphabet->largest + trie.count + KOE_STATE_INSIDE + 1);
  if (b.order == NULL || b.state_of == NULL || !room) {
    status = koe_fail_nomem(err);
    goto cleanup;
  }
  status = build_states(&b, err);
  if (status != KOE_OK) goto cleanup;
  if (!export_states(&b, out)) status = koe_fail_nomem(err);

cleanup:
  koe_trie_clear(&trie);
  koe_free(b.states);
  koe_free(b.next_free);
  koe_free(b.order);
  koe_free(b.state_of);
  koe_free(b.lists);
  return status;
}
