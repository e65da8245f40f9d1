/* Builds the matcher of wordpiece.h from the tree of trie.h: first every node gets its place in the
 * double array, those with many children before those that fit into any hole; then, breadth first,
 * its failure link, which leads to a shallower node. */
#include "../memory.h"
#include "wordpiece.h"

#include <stdlib.h>
#include <string.h>

enum {
  MAX_BLOCKS = 1024, /* blocks of 64 states searched for a node's children before the array's end */
  FAR_BLOCKS = 32,   /* a success as far as this moves the start of the next search */
  MAX_STATES = 1 << 27
};

#define NO_PARENT UINT32_MAX

typedef struct builder {
  const koe_trie *trie;
  uint32_t largest_symbol;
  uint32_t *order; /* [nodes] the order in which they are taken */
  uint32_t *bases; /* [nodes] base of each node's state */

  uint64_t *used; /* [used_words] by state, a bit: whether it is taken */
  size_t used_words;
  size_t used_capacity;
  uint32_t end;       /* one past the last state in use */
  uint32_t search_at; /* where the search for holes begins */
  uint32_t *symbols;  /* [largest_symbol + 1] scratch: of a node's children */
  size_t needed;      /* one past the largest state that is ever looked at */

  koe_wordpiece *out;
  size_t list_capacity;
} builder;

static uint32_t state_of(const builder *b, uint32_t node) {
  if (node <= KOE_TRIE_INSIDE) return node == KOE_TRIE_WORD ? KOE_STATE_WORD : KOE_STATE_INSIDE;
  const koe_trie_node *at = &b->trie->nodes[node];
  return b->bases[at->parent] + at->symbol;
}

/* ── places in the double array ─────────────────────────────────────────────────────────────────
 */

/* Makes room in `used` for `states` and the block behind them. */
static bool extend(builder *b, size_t states) {
  size_t words = states / 64 + 2;
  if (words <= b->used_words) return true;
  if (!koe_grow(&b->used, &b->used_capacity, words, sizeof *b->used)) return false;
  memset(b->used + b->used_words, 0, (b->used_capacity - b->used_words) * sizeof *b->used);
  b->used_words = b->used_capacity;
  return true;
}

static void occupy(builder *b, uint32_t state) {
  b->used[state / 64] |= UINT64_C(1) << state % 64;
  if (state >= b->end) b->end = state + 1;
}

/* Which of the 64 states from `state` on are taken, a bit each. */
static uint64_t used_block(const builder *b, size_t state) {
  size_t word = state / 64;
  if (word + 1 >= b->used_words) return 0;
  uint64_t low = b->used[word] >> state % 64;
  return state % 64 == 0 ? low : low | b->used[word + 1] << (64 - state % 64);
}

/* A base from which all children find a free state: `symbols` [count], sorted.  Looks at 64 bases
 * at a time, those that put the first child into a block. */
static uint32_t find_base(builder *b, const uint32_t *symbols, size_t count) {
  uint32_t smallest = symbols[0];
  uint32_t state = b->search_at > smallest ? b->search_at : smallest;
  for (uint32_t blocks = 0; blocks < MAX_BLOCKS && state < b->end; blocks++, state += 64) {
    uint64_t taken = used_block(b, state);
    for (size_t i = 1; i < count && taken != UINT64_MAX; i++) {
      taken |= used_block(b, (size_t)state - smallest + symbols[i]);
    }
    if (taken == UINT64_MAX) continue;
    if (blocks >= FAR_BLOCKS) b->search_at = state;
    return state + (uint32_t)__builtin_ctzll(~taken) - smallest;
  }
  if (state < b->end) b->search_at = state;
  return (b->end > smallest ? b->end : smallest) - smallest;
}

static int compare_symbols(const void *a, const void *b) {
  uint32_t x = *(const uint32_t *)a;
  uint32_t y = *(const uint32_t *)b;
  return (x > y) - (x < y);
}

static koe_status place_children(builder *b, uint32_t node, koe_error *err) {
  const koe_trie_node *nodes = b->trie->nodes;
  uint32_t *symbols = b->symbols;
  size_t count = 0;
  for (uint32_t child = nodes[node].first_child; child != 0; child = nodes[child].next_sibling) {
    symbols[count++] = nodes[child].symbol;
  }
  if (count > 1) qsort(symbols, count, sizeof *symbols, compare_symbols);

  uint32_t base = find_base(b, symbols, count);
  size_t needed = (size_t)base + b->largest_symbol + 1;
  if (needed > MAX_STATES) {
    return koe_fail(err, KOE_FORMAT, "the vocabulary does not pack into %d states", MAX_STATES);
  }
  if (!extend(b, needed)) return koe_fail_nomem(err);
  if (needed > b->needed) b->needed = needed;
  b->bases[node] = base;
  for (size_t i = 0; i < count; i++)
    occupy(b, base + symbols[i]);
  return KOE_OK;
}

/* Puts the nodes that have children into `order`, those with many first, and returns their number.
 * Scratch: `width` [nodes], `starts` [largest_symbol + 2]. */
static size_t order_by_width(builder *b, uint32_t *width, uint32_t *starts) {
  const koe_trie_node *nodes = b->trie->nodes;
  uint32_t count = (uint32_t)b->trie->count;
  memset(width, 0, count * sizeof *width);
  memset(starts, 0, (b->largest_symbol + 2) * sizeof *starts);
  for (uint32_t node = KOE_TRIE_INSIDE + 1; node < count; node++)
    width[nodes[node].parent]++;
  for (uint32_t node = 0; node < count; node++)
    starts[width[node]]++;
  uint32_t ordered = 0;
  for (uint32_t w = b->largest_symbol + 1; w-- > 1;) {
    uint32_t of_width = starts[w];
    starts[w] = ordered;
    ordered += of_width;
  }
  for (uint32_t node = 0; node < count; node++) {
    if (width[node] > 0) b->order[starts[width[node]]++] = node;
  }
  return ordered;
}

static koe_status place_nodes(builder *b, koe_error *err) {
  koe_status status = KOE_OK;
  uint32_t *width = koe_alloc(b->trie->count, sizeof *width);
  uint32_t *starts = koe_alloc((size_t)b->largest_symbol + 2, sizeof *starts);
  b->symbols = koe_alloc((size_t)b->largest_symbol + 1, sizeof *b->symbols);
  bool room = extend(b, (size_t)b->largest_symbol + b->trie->count);
  if (width == NULL || starts == NULL || b->symbols == NULL || !room) {
    status = koe_fail_nomem(err);
    goto cleanup;
  }
  for (uint32_t state = 0; state <= KOE_STATE_INSIDE; state++)
    occupy(b, state);
  b->needed = (size_t)b->largest_symbol + KOE_STATE_INSIDE + 1;

  size_t count = order_by_width(b, width, starts);
  for (size_t i = 0; i < count && status == KOE_OK; i++) {
    bool narrower = i > 0 && width[b->order[i]] < width[b->order[i - 1]];
    if (i == 0 || narrower) b->search_at = KOE_STATE_INSIDE + 1;
    status = place_children(b, b->order[i], err);
  }

cleanup:
  koe_free(width);
  koe_free(starts);
  koe_free(b->symbols);
  return status;
}

/* ── failure links ──────────────────────────────────────────────────────────────────────────────
 */

/* Appends `count` values to the lists. */
static bool append(builder *b, const uint32_t *values, size_t count) {
  koe_wordpiece *out = b->out;
  if (!koe_grow(&out->lists, &b->list_capacity, out->list_count + count, sizeof *out->lists)) {
    return false;
  }
  memcpy(out->lists + out->list_count, values, count * sizeof *values);
  out->list_count += count;
  return true;
}

/* Finds the failure link of `state`, which `symbol` leads to, by following those of its parent, and
 * makes a list of the pops on the way. */
static koe_status follow_links(builder *b, const koe_wordpiece_state *parent, uint32_t symbol,
                               koe_wordpiece_state *state, koe_error *err) {
  const koe_wordpiece_state *states = b->out->states;
  koe_piece pops[KOE_PIECE_MAX_CHARACTERS];
  uint32_t own = 0;
  uint32_t from = parent->fail;
  uint32_t next = KOE_STATE_DEAD;
  while (next == KOE_STATE_DEAD) {
    if (states[from].fail == KOE_STATE_DEAD) return KOE_OK;
    own += (uint32_t)koe_wordpiece_pops(b->out, states[from].pops, pops + own);
    from = states[from].fail;
    next = koe_wordpiece_next(states, from, symbol);
  }
  koe_piece scratch[KOE_PIECE_MAX_CHARACTERS];
  uint32_t prefix = parent->pops;
  uint32_t total = (uint32_t)koe_wordpiece_pops(b->out, prefix, scratch) + own;
  state->fail = next;
  state->pops = KOE_POPS_LIST | (uint32_t)b->out->list_count;
  uint32_t head[KOE_LIST_PIECES] = {prefix, total, own};
  bool room = append(b, head, KOE_LIST_PIECES) && append(b, pops, own);
  return room ? KOE_OK : koe_fail_nomem(err);
}

/* Links the node's state; its parent's is linked already. */
static koe_status link_node(builder *b, uint32_t node, koe_error *err) {
  const koe_trie_node *at = &b->trie->nodes[node];
  koe_wordpiece_state *states = b->out->states;
  koe_wordpiece_state *state = &states[state_of(b, node)];
  const koe_wordpiece_state *parent = &states[state->parent];
  if (at->piece != KOE_NO_PIECE) {
    state->fail = KOE_STATE_INSIDE;
    state->pops = at->piece;
    return KOE_OK;
  }
  if (parent->fail == KOE_STATE_DEAD) return KOE_OK;
  state->fail = koe_wordpiece_next(states, parent->fail, at->symbol);
  state->pops = parent->pops; /* shared as long as nothing is added */
  if (state->fail != KOE_STATE_DEAD) return KOE_OK;
  return follow_links(b, parent, at->symbol, state, err);
}

/* Fills the states breadth first: a failure link leads to a shallower node, whose children have
 * their states by then. */
static koe_status fill_states(builder *b, koe_error *err) {
  const koe_trie_node *nodes = b->trie->nodes;
  koe_wordpiece_state *states = b->out->states;
  size_t queued = 0;
  b->order[queued++] = KOE_TRIE_WORD;
  b->order[queued++] = KOE_TRIE_INSIDE;
  for (size_t at = 0; at < queued; at++) {
    uint32_t node = b->order[at];
    uint32_t parent = state_of(b, node);
    states[parent].base = b->bases[node];
    for (uint32_t child = nodes[node].first_child; child != 0; child = nodes[child].next_sibling) {
      states[state_of(b, child)].parent = parent;
      b->order[queued++] = child;
    }
  }
  for (size_t at = KOE_TRIE_INSIDE + 1; at < queued; at++) {
    koe_status status = link_node(b, b->order[at], err);
    if (status != KOE_OK) return status;
  }
  return KOE_OK;
}

koe_status koe_wordpiece_build(const koe_vocab *vocab, const koe_alphabet *alphabet,
                               koe_wordpiece *out, koe_error *err) {
  koe_trie trie;
  builder b = {.trie = &trie, .largest_symbol = alphabet->largest, .out = out};
  memset(out, 0, sizeof *out);
  koe_status status = koe_trie_build(vocab, alphabet, &trie, err);
  if (status != KOE_OK) goto cleanup;

  b.order = koe_alloc(trie.count, sizeof *b.order);
  b.bases = koe_alloc_zero(trie.count, sizeof *b.bases);
  if (b.order == NULL || b.bases == NULL) {
    status = koe_fail_nomem(err);
    goto cleanup;
  }
  status = place_nodes(&b, err);
  if (status != KOE_OK) goto cleanup;
  out->state_count = b.needed > b.end ? b.needed : b.end;
  out->states = koe_alloc_aligned(out->state_count, sizeof *out->states);
  if (out->states == NULL) {
    status = koe_fail_nomem(err);
    goto cleanup;
  }
  for (size_t i = 0; i < out->state_count; i++) {
    out->states[i] = (koe_wordpiece_state){.parent = NO_PARENT};
  }
  status = fill_states(&b, err);

cleanup:
  koe_trie_clear(&trie);
  koe_free(b.order);
  koe_free(b.bases);
  koe_free(b.used);
  return status;
}
