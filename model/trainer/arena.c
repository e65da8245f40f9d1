#include "arena.h"

#include "../memory.h"

#include <stdint.h>
#include <string.h>

enum { MIN_BLOCK = 1 << 18 };

struct koe_arena_block {
  struct koe_arena_block *next;
  size_t capacity; /* floats */
  float *floats;
};

static koe_status add_block(koe_arena *arena, size_t capacity, koe_error *err) {
  struct koe_arena_block *block = koe_alloc(1, sizeof *block);
  if (block == NULL) return koe_fail_nomem(err);
  block->floats = koe_alloc_aligned(capacity, sizeof *block->floats);
  if (block->floats == NULL) {
    koe_free(block);
    return koe_fail_nomem(err);
  }
  block->capacity = capacity;
  block->next = arena->blocks;
  arena->blocks = block;
  arena->used = 0;
  arena->total += capacity;
  return KOE_OK;
}

koe_status koe_arena_take(koe_arena *arena, size_t rows, size_t columns, float **out,
                          koe_error *err) {
  *out = NULL;
  if (columns != 0 && rows > SIZE_MAX / sizeof(float) / 2 / columns) return koe_fail_nomem(err);
  size_t count = (rows * columns + 15) & ~(size_t)15;
  if (arena->blocks == NULL || count > arena->blocks->capacity - arena->used) {
    size_t capacity = count > MIN_BLOCK ? count : MIN_BLOCK;
    /* Grows by half of what there is, so that a pass needs few blocks the first time. */
    if (capacity < arena->total / 2) capacity = arena->total / 2;
    koe_status status = add_block(arena, (capacity + 15) & ~(size_t)15, err);
    if (status != KOE_OK) return status;
  }
  *out = arena->blocks->floats + arena->used;
  arena->used += count;
  return KOE_OK;
}

koe_status koe_arena_take_zero(koe_arena *arena, size_t rows, size_t columns, float **out,
                               koe_error *err) {
  koe_status status = koe_arena_take(arena, rows, columns, out, err);
  if (status == KOE_OK) memset(*out, 0, rows * columns * sizeof **out);
  return status;
}

void koe_arena_reset(koe_arena *arena) {
  size_t total = arena->total;
  arena->used = 0;
  if (arena->blocks == NULL || arena->blocks->next == NULL) return;
  koe_arena_clear(arena);
  /* One block that holds all of the last pass.  If there is no memory for it now, the next pass
   * takes blocks as it goes and reports that. */
  koe_error ignored;
  (void)add_block(arena, total, &ignored);
}

void koe_arena_clear(koe_arena *arena) {
  while (arena->blocks != NULL) {
    struct koe_arena_block *block = arena->blocks;
    arena->blocks = block->next;
    koe_free(block->floats);
    koe_free(block);
  }
  memset(arena, 0, sizeof *arena);
}
