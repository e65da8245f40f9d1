#include "trie.h"

#include "../memory.h"
#include "unicode.h"

#include <string.h>

static size_t hash_edge(const koe_trie *trie, uint32_t parent, uint32_t symbol) {
  uint64_t key = (uint64_t)parent << 32 | symbol;
  key = (key ^ key >> 29) * UINT64_C(0x9E3779B97F4A7C15);
  return (size_t)(key >> 32) & (trie->slot_count - 1);
}

/* The slot of the child, or the empty one where it belongs. */
static size_t find_slot(const koe_trie *trie, uint32_t parent, uint32_t symbol) {
  size_t slot = hash_edge(trie, parent, symbol);
  while (trie->slots[slot] != 0) {
    const koe_trie_node *node = &trie->nodes[trie->slots[slot]];
    if (node->parent == parent && node->symbol == symbol) break;
    slot = (slot + 1) & (trie->slot_count - 1);
  }
  return slot;
}

static bool resize_table(koe_trie *trie, size_t slot_count) {
  uint32_t *slots = koe_alloc_zero(slot_count, sizeof *slots);
  if (slots == NULL) return false;
  koe_free(trie->slots);
  trie->slots = slots;
  trie->slot_count = slot_count;
  for (uint32_t node = KOE_TRIE_INSIDE + 1; node < trie->count; node++) {
    slots[find_slot(trie, trie->nodes[node].parent, trie->nodes[node].symbol)] = node;
  }
  return true;
}

static bool add_root(koe_trie *trie) {
  if (!koe_grow(&trie->nodes, &trie->capacity, trie->count + 1, sizeof *trie->nodes)) return false;
  trie->nodes[trie->count++] = (koe_trie_node){.piece = KOE_NO_PIECE};
  return true;
}

/* The child of `parent` by `symbol`, made if need be; 0 if memory is short. */
static uint32_t add_child(koe_trie *trie, uint32_t parent, uint32_t symbol) {
  size_t slot = find_slot(trie, parent, symbol);
  if (trie->slots[slot] != 0) return trie->slots[slot];

  if (!koe_grow(&trie->nodes, &trie->capacity, trie->count + 1, sizeof *trie->nodes)) return 0;
  uint32_t child = (uint32_t)trie->count++;
  trie->nodes[child] = (koe_trie_node){.parent = parent,
                                       .symbol = symbol,
                                       .next_sibling = trie->nodes[parent].first_child,
                                       .piece = KOE_NO_PIECE};
  trie->nodes[parent].first_child = child;
  trie->slots[slot] = child;
  if (trie->count * 2 > trie->slot_count && !resize_table(trie, trie->slot_count * 2)) return 0;
  return child;
}

/* Writes the token's symbols; returns their number, or 0 for a token that cannot occur. */
static size_t read_symbols(const koe_alphabet *alphabet, koe_text token,
                           uint32_t symbols[KOE_PIECE_MAX_CHARACTERS]) {
  size_t count = 0;
  for (size_t at = 0; at < token.length;) {
    uint32_t character;
    at += koe_utf8_decode(token.bytes + at, token.length - at, &character);
    /* U+FFFD, which stands for invalid bytes too, is removed from texts and has no symbol. */
    if (count == KOE_PIECE_MAX_CHARACTERS) return 0;
    koe_alphabet_look_up(alphabet, character, &symbols[count]);
    if (symbols[count++] == 0) return 0;
  }
  return count;
}

static koe_status insert(koe_trie *trie, const koe_alphabet *alphabet, koe_text token, int32_t id,
                         koe_error *err) {
  uint32_t symbols[KOE_PIECE_MAX_CHARACTERS];
  uint32_t node = KOE_TRIE_WORD;
  if (token.length > 2 && memcmp(token.bytes, "##", 2) == 0) {
    node = KOE_TRIE_INSIDE;
    token = (koe_text){token.bytes + 2, token.length - 2};
  }
  size_t count = read_symbols(alphabet, token, symbols);
  if (count == 0) return KOE_OK;
  if (trie->count + count > KOE_TRIE_MAX_NODES) {
    return koe_fail(err, KOE_FORMAT,
                    "the vocabulary is too large: its tokens have more than %d distinct prefixes",
                    KOE_TRIE_MAX_NODES);
  }
  for (size_t i = 0; i < count; i++) {
    node = add_child(trie, node, symbols[i]);
    if (node == 0) return koe_fail_nomem(err);
  }
  trie->nodes[node].piece = koe_piece_make(id, count);
  return KOE_OK;
}

koe_status koe_trie_build(const koe_vocab *vocab, const koe_alphabet *alphabet, koe_trie *out,
                          koe_error *err) {
  memset(out, 0, sizeof *out);
  if (!add_root(out) || !add_root(out) || !resize_table(out, 1 << 12)) return koe_fail_nomem(err);
  for (int32_t id = 0; id < vocab->count; id++) {
    koe_status status = insert(out, alphabet, vocab->tokens[id], id, err);
    if (status != KOE_OK) return status;
  }
  return KOE_OK;
}

void koe_trie_clear(koe_trie *trie) {
  koe_free(trie->nodes);
  koe_free(trie->slots);
  memset(trie, 0, sizeof *trie);
}
