/* Names of labels, numbered in the order in which they come. */
#ifndef KOE_LABEL_SET_H
#define KOE_LABEL_SET_H

#include "status.h"
#include "text.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { KOE_MOST_LABELS = 10000, KOE_LONGEST_LABEL = 1000 /* bytes */ };

typedef struct koe_known_label {
  char *name;
  uint32_t id; /* 0 for the one that came first */
} koe_known_label;

/* All zero is empty. */
typedef struct koe_label_set {
  koe_known_label *items; /* [count], sorted by name */
  size_t count, capacity;
} koe_label_set;

/* Gives the number of a label, a new one where it is not known yet.  Fails with KOE_TOO_LONG (more
 * than KOE_MOST_LABELS labels, or KOE_LONGEST_LABEL bytes), KOE_INVALID (a NUL character),
 * KOE_NOMEM. */
koe_status koe_label_set_add(koe_label_set *set, koe_text name, uint32_t *id, koe_error *err);

/* False where the label is not known. */
bool koe_label_set_find(const koe_label_set *set, koe_text name, uint32_t *id);

/* Frees the items and leaves `set` empty. */
void koe_label_set_clear(koe_label_set *set);

#endif
