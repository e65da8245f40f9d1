#include "pair_counts.h"

#include "../memory.h"
#include "random.h"

#include <string.h>

enum { FIRST_SLOTS = 1 << 12 };

/* ── the table ──────────────────────────────────────────────────────────────────────────────────
 */

static size_t find_slot(const koe_pair_counts *counts, uint64_t key) {
  size_t mask = counts->slot_count - 1;
  size_t slot = koe_random_mix(key) & mask;
  while (counts->slots[slot] != 0 && counts->items[counts->slots[slot] - 1].key != key)
    slot = (slot + 1) & mask;
  return slot;
}

static bool grow_slots(koe_pair_counts *counts) {
  if (counts->count < counts->slot_count / 2) return true;
  size_t wanted = counts->slot_count == 0 ? FIRST_SLOTS : counts->slot_count * 2;
  uint32_t *slots = koe_alloc_zero(wanted, sizeof *slots);
  if (slots == NULL) return false;
  koe_free(counts->slots);
  counts->slots = slots;
  counts->slot_count = wanted;
  for (size_t i = 0; i < counts->count; i++)
    slots[find_slot(counts, counts->items[i].key)] = (uint32_t)i + 1;
  return true;
}

static koe_pair *find_or_add(koe_pair_counts *counts, uint64_t key) {
  if (!grow_slots(counts)) return NULL;
  size_t slot = find_slot(counts, key);
  if (counts->slots[slot] != 0) return &counts->items[counts->slots[slot] - 1];
  if (!koe_grow(&counts->items, &counts->capacity, counts->count + 1, sizeof *counts->items)) {
    return NULL;
  }
  koe_pair *pair = &counts->items[counts->count++];
  *pair = (koe_pair){.key = key};
  counts->slots[slot] = (uint32_t)counts->count;
  return pair;
}

bool koe_pair_counts_add(koe_pair_counts *counts, uint64_t key, int64_t change, uint32_t word) {
  koe_pair *pair = find_or_add(counts, key);
  if (pair == NULL) return false;
  pair->count += change;
  if (change <= 0) return true;
  if (!pair->changed) {
    if (!koe_grow(&counts->changed, &counts->changed_capacity, counts->changed_count + 1,
                  sizeof *counts->changed)) {
      return false;
    }
    counts->changed[counts->changed_count++] = (uint32_t)(pair - counts->items);
    pair->changed = true;
  }
  if (pair->word_count > 0 && pair->words[pair->word_count - 1] == word) return true;
  if (!koe_grow(&pair->words, &pair->word_capacity, pair->word_count + 1, sizeof *pair->words)) {
    return false;
  }
  pair->words[pair->word_count++] = word;
  return true;
}

/* ── the queue ──────────────────────────────────────────────────────────────────────────────────
 */

static bool before(const koe_queued_pair *a, const koe_queued_pair *b) {
  return a->count != b->count ? a->count > b->count : a->key < b->key;
}

static bool push(koe_pair_counts *counts, uint32_t number) {
  const koe_pair *pair = &counts->items[number];
  if (!koe_grow(&counts->queue, &counts->queue_capacity, counts->queue_count + 1,
                sizeof *counts->queue)) {
    return false;
  }
  koe_queued_pair entry = {pair->count, pair->key, number};
  size_t at = counts->queue_count++;
  while (at > 0 && before(&entry, &counts->queue[(at - 1) / 2])) {
    counts->queue[at] = counts->queue[(at - 1) / 2];
    at = (at - 1) / 2;
  }
  counts->queue[at] = entry;
  return true;
}

static koe_queued_pair pop(koe_pair_counts *counts) {
  koe_queued_pair *queue = counts->queue;
  koe_queued_pair top = queue[0];
  koe_queued_pair last = queue[--counts->queue_count];
  size_t at = 0;
  for (size_t child = 1; child < counts->queue_count; child = 2 * at + 1) {
    if (child + 1 < counts->queue_count && before(&queue[child + 1], &queue[child])) child++;
    if (!before(&queue[child], &last)) break;
    queue[at] = queue[child];
    at = child;
  }
  queue[at] = last;
  return top;
}

bool koe_pair_counts_flush(koe_pair_counts *counts) {
  for (size_t i = 0; i < counts->changed_count; i++) {
    koe_pair *pair = &counts->items[counts->changed[i]];
    pair->changed = false;
    if (pair->count > 0 && !push(counts, counts->changed[i])) return false;
  }
  counts->changed_count = 0;
  return true;
}

bool koe_pair_counts_take(koe_pair_counts *counts, uint32_t *pair, bool *found) {
  *found = false;
  while (counts->queue_count > 0) {
    koe_queued_pair top = pop(counts);
    const koe_pair *now = &counts->items[top.pair];
    /* None left: merged meanwhile.  A larger count: that one is queued as well. */
    if (now->count <= 0 || now->count > top.count) continue;
    if (now->count < top.count) {
      if (!push(counts, top.pair)) return false;
      continue;
    }
    *pair = top.pair;
    *found = true;
    return true;
  }
  return true;
}

void koe_pair_counts_clear(koe_pair_counts *counts) {
  for (size_t i = 0; i < counts->count; i++)
    koe_free(counts->items[i].words);
  koe_free(counts->items);
  koe_free(counts->slots);
  koe_free(counts->queue);
  koe_free(counts->changed);
  memset(counts, 0, sizeof *counts);
}
