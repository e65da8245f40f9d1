/* The activations of one pass over a micro-batch: arrays of floats that live until the arena is
 * reset, in memory that the next pass uses again. */
#ifndef KOE_ARENA_H
#define KOE_ARENA_H

#include "../status.h"

#include <stddef.h>

typedef struct koe_arena {
  struct koe_arena_block *blocks; /* the latest first */
  size_t used;                    /* floats of the latest block */
  size_t total;                   /* floats of all blocks */
} koe_arena;                      /* all zero is empty */

/* `rows` · `columns` floats, uninitialised, 64-byte aligned.  Fails with KOE_NOMEM. */
koe_status koe_arena_take(koe_arena *arena, size_t rows, size_t columns, float **out,
                          koe_error *err);

/* The same, zeros. */
koe_status koe_arena_take_zero(koe_arena *arena, size_t rows, size_t columns, float **out,
                               koe_error *err);

/* Takes everything back; keeps the memory. */
void koe_arena_reset(koe_arena *arena);

/* Frees the memory and leaves the arena empty. */
void koe_arena_clear(koe_arena *arena);

#endif
