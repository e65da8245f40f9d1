/* Pairs of numbers in the order they come, for what needs them all: correlation. */
#ifndef KOE_NUMBER_PAIRS_H
#define KOE_NUMBER_PAIRS_H

#include "../status.h"

#include <stddef.h>

/* All zero is empty. */
typedef struct koe_number_pairs {
  double *x, *y; /* of `capacity`; those from `first` to `end` count */
  size_t first, end;
  size_t capacity;
} koe_number_pairs;

/* Fails with KOE_NOMEM; nothing is changed then. */
koe_status koe_number_pairs_add(koe_number_pairs *pairs, double x, double y, koe_error *err);

/* Takes back the pair that was added first. */
void koe_number_pairs_remove_first(koe_number_pairs *pairs);

/* Frees what is held and leaves `pairs` empty. */
void koe_number_pairs_clear(koe_number_pairs *pairs);

#endif
