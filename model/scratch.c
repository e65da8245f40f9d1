#include "scratch.h"

#include "memory.h"

#include <string.h>

koe_status koe_scratch_reserve(koe_scratch *scratch, size_t count, koe_error *err) {
  if (count <= scratch->capacity) return KOE_OK;
  koe_free(scratch->floats);
  scratch->capacity = 0;
  scratch->floats = koe_alloc_aligned(count, sizeof *scratch->floats);
  if (scratch->floats == NULL) return koe_fail_nomem(err);
  scratch->capacity = count;
  return KOE_OK;
}

void koe_scratch_clear(koe_scratch *scratch) {
  koe_tokens_clear(&scratch->tokens);
  koe_batch_clear(&scratch->batch);
  koe_free(scratch->floats);
  memset(scratch, 0, sizeof *scratch);
}

void koe_scratch_pool_init(koe_scratch_pool *pool) {
  memset(pool, 0, sizeof *pool);
  pthread_mutex_init(&pool->mutex, NULL);
  pthread_cond_init(&pool->returned, NULL);
  for (int i = 0; i < KOE_SCRATCH_POOL_SIZE; i++)
    pool->free_items[i] = i;
  pool->free_count = KOE_SCRATCH_POOL_SIZE;
}

void koe_scratch_pool_clear(koe_scratch_pool *pool) {
  for (int i = 0; i < KOE_SCRATCH_POOL_SIZE; i++)
    koe_scratch_clear(&pool->items[i]);
}

koe_scratch *koe_scratch_take(koe_scratch_pool *pool) {
  pthread_mutex_lock(&pool->mutex);
  while (pool->free_count == 0)
    pthread_cond_wait(&pool->returned, &pool->mutex);
  koe_scratch *scratch = &pool->items[pool->free_items[--pool->free_count]];
  pthread_mutex_unlock(&pool->mutex);
  return scratch;
}

void koe_scratch_give(koe_scratch_pool *pool, koe_scratch *scratch) {
  pthread_mutex_lock(&pool->mutex);
  pool->free_items[pool->free_count++] = (int)(scratch - pool->items);
  pthread_cond_signal(&pool->returned);
  pthread_mutex_unlock(&pool->mutex);
}
