/* Pairs of neighbouring tokens: how often each occurs, in which words, and which is the most
 * frequent.
 *
 * The queue is lazy: an entry whose count is out of date is found out when it is on top, and goes
 * back with the count that is true then. */
#ifndef KOE_PAIR_COUNTS_H
#define KOE_PAIR_COUNTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The first token in the upper half, so that keys are in the order of pairs. */
static inline uint64_t koe_pair_key(uint32_t first, uint32_t second) {
  return (uint64_t)first << 32 | second;
}

typedef struct koe_pair {
  uint64_t key;
  int64_t count;
  uint32_t *words; /* [word_count] numbers of words that have or had the pair, some twice */
  size_t word_count, word_capacity;
  bool changed; /* is in koe_pair_counts.changed */
} koe_pair;

typedef struct koe_queued_pair {
  int64_t count;
  uint64_t key;
  uint32_t pair;
} koe_queued_pair;

/* All zero is empty. */
typedef struct koe_pair_counts {
  koe_pair *items;
  size_t count, capacity;
  uint32_t *slots; /* [slot_count] hash table: number + 1, or 0 */
  size_t slot_count;
  koe_queued_pair *queue; /* binary heap: largest count first, then smallest key */
  size_t queue_count, queue_capacity;
  uint32_t *changed; /* pairs that gained occurrences since the last flush */
  size_t changed_count, changed_capacity;
} koe_pair_counts;

/* Adds `change` to the count of a pair of `word`; a positive change also notes the word.  False if
 * memory is short, here and below. */
bool koe_pair_counts_add(koe_pair_counts *counts, uint64_t key, int64_t change, uint32_t word);

/* Queues the pairs that gained occurrences. */
bool koe_pair_counts_flush(koe_pair_counts *counts);

/* Takes the most frequent pair, of equal ones that of the smallest key, off the queue: a number in
 * `items`.  `*found` is false if there is none. */
bool koe_pair_counts_take(koe_pair_counts *counts, uint32_t *pair, bool *found);

void koe_pair_counts_clear(koe_pair_counts *counts);

#endif
