/* Names (byte strings) to item numbers: an array sorted once.  Look-up takes logarithmic time
 * whatever the names are, so a hostile file cannot make it slow as it could a hash table. */
#ifndef KOE_NAME_INDEX_H
#define KOE_NAME_INDEX_H

#include <stdbool.h>
#include <stddef.h>

typedef struct koe_name {
  const char *bytes; /* borrowed; not terminated */
  size_t length;
  size_t item;
} koe_name;

typedef struct koe_name_index {
  koe_name *names;
  size_t count;
  size_t capacity;
} koe_name_index;

/* Adds a name.  False if memory is short. */
bool koe_name_index_add(koe_name_index *index, const char *bytes, size_t length, size_t item);

/* Ends adding; equal names are then neighbours. */
void koe_name_index_sort(koe_name_index *index);

/* A name that occurs twice, or NULL. */
const koe_name *koe_name_index_duplicate(const koe_name_index *index);

/* The first entry of that name, or NULL; `*count` receives how many there are.  `count` may be
 * NULL. */
const koe_name *koe_name_index_find(const koe_name_index *index, const char *bytes, size_t length,
                                    size_t *count);

/* Frees the entries and leaves the index empty. */
void koe_name_index_clear(koe_name_index *index);

#endif
