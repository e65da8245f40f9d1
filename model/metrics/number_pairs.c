#include "number_pairs.h"

#include "../memory.h"

#include <stdbool.h>
#include <string.h>

/* Moves the pairs to the front where more than half of the room is before them. */
static void close_up(koe_number_pairs *pairs) {
  size_t count = pairs->end - pairs->first;
  memmove(pairs->x, pairs->x + pairs->first, count * sizeof *pairs->x);
  memmove(pairs->y, pairs->y + pairs->first, count * sizeof *pairs->y);
  pairs->first = 0;
  pairs->end = count;
}

koe_status koe_number_pairs_add(koe_number_pairs *pairs, double x, double y, koe_error *err) {
  if (pairs->end == pairs->capacity && pairs->first > pairs->capacity / 2) close_up(pairs);
  size_t x_capacity = pairs->capacity, y_capacity = pairs->capacity;
  bool grown = koe_grow(&pairs->x, &x_capacity, pairs->end + 1, sizeof *pairs->x) &&
               koe_grow(&pairs->y, &y_capacity, pairs->end + 1, sizeof *pairs->y);
  if (!grown) return koe_fail_nomem(err);
  pairs->capacity = x_capacity < y_capacity ? x_capacity : y_capacity;
  pairs->x[pairs->end] = x;
  pairs->y[pairs->end++] = y;
  return KOE_OK;
}

void koe_number_pairs_remove_first(koe_number_pairs *pairs) {
  if (pairs->first < pairs->end) pairs->first++;
}

void koe_number_pairs_clear(koe_number_pairs *pairs) {
  koe_free(pairs->x);
  koe_free(pairs->y);
  memset(pairs, 0, sizeof *pairs);
}
