/* Memory of blocks, so that what a scan reads of one block lies behind the same of the block made
 * before it: such a scan runs at the speed of memory, one that jumps every 32 KB at half of it.
 *
 * A slab has places for several blocks of one shape, and a section for each thing that is read by
 * itself: upper halves of codes, lower halves, signs, and the numbers beside them.  Slabs are the
 * process's; a freed block's place is taken again by the next of its shape, a slab without blocks
 * is freed.  Places that nobody took yet cost addresses, not memory, up to a large page. */
#ifndef KOE_BLOCK_MEMORY_H
#define KOE_BLOCK_MEMORY_H

#include "vector_block_internal.h"

#include <stdbool.h>
#include <stddef.h>

/* A block of that shape with `count` slots in use, whose codes are zero; NULL if memory is short.
 * From any thread. */
koe_vector_block *koe_block_memory_take(size_t count, size_t dimension, bool signs);

/* Takes NULL. */
void koe_block_memory_give(koe_vector_block *block);

/* Bytes of a place. */
size_t koe_block_memory_bytes(size_t dimension, bool signs);

#endif
