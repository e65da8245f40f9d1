/* The working memory of one encoding thread, and the pool that such memories come from.
 *
 * A scratch grows to what its largest batch needed and is reused; the pool bounds how many threads
 * encode at once, and with them the memory of ours and of OpenBLAS, which keeps a buffer for each
 * concurrent caller. */
#ifndef KOE_SCRATCH_H
#define KOE_SCRATCH_H

#include "batch.h"
#include "status.h"
#include "tokenizer/tokenizer.h"

#include <pthread.h>

enum { KOE_SCRATCH_POOL_SIZE = 32 };

typedef struct koe_scratch {
  koe_tokens tokens; /* of the text being tokenized */
  koe_batch batch;   /* of the texts being encoded */
  float *floats;     /* [capacity], 64-byte aligned: activations */
  size_t capacity;
} koe_scratch;

/* Makes room for `count` floats; what was there is lost.  Fails with KOE_NOMEM. */
koe_status koe_scratch_reserve(koe_scratch *scratch, size_t count, koe_error *err);

/* Frees the memory and leaves the scratch empty. */
void koe_scratch_clear(koe_scratch *scratch);

typedef struct koe_scratch_pool {
  pthread_mutex_t mutex;
  pthread_cond_t returned;
  koe_scratch items[KOE_SCRATCH_POOL_SIZE];
  int free_items[KOE_SCRATCH_POOL_SIZE]; /* a stack: the last used, whose memory is warm, on top */
  int free_count;
} koe_scratch_pool;

void koe_scratch_pool_init(koe_scratch_pool *pool);

/* Frees the memory of the scratches; none may be taken.  The pool stays usable. */
void koe_scratch_pool_clear(koe_scratch_pool *pool);

/* Takes a scratch, waiting while all are in use.  Every taker must give back without taking another
 * in between. */
koe_scratch *koe_scratch_take(koe_scratch_pool *pool);
void koe_scratch_give(koe_scratch_pool *pool, koe_scratch *scratch);

#endif
