/* A packed batch: the token ids of several sequences, one after the other, no padding. */
#ifndef KOE_BATCH_H
#define KOE_BATCH_H

#include "status.h"
#include "tokenizer/tokenizer.h"

#include <stddef.h>
#include <stdint.h>

typedef struct koe_batch {
  int32_t *token_ids;      /* [total] */
  int32_t *token_type_ids; /* [total] */
  size_t *starts;          /* [sequences + 1]; starts[0] == 0, starts[sequences] == total */
  size_t sequences;
  size_t total;   /* tokens */
  size_t longest; /* tokens of the longest sequence */
  size_t ids_capacity, type_ids_capacity, starts_capacity;
} koe_batch;

/* Empties a batch and keeps its memory.  A batch that is all zero is empty. */
void koe_batch_reset(koe_batch *batch);

/* Appends one sequence.  Fails with KOE_NOMEM; the batch is then as before. */
koe_status koe_batch_append(koe_batch *batch, const koe_token *tokens, size_t count,
                            koe_error *err);

/* Appends a copy of one sequence of another batch.  Fails as koe_batch_append. */
koe_status koe_batch_append_sequence(koe_batch *batch, const koe_batch *from, size_t sequence,
                                     koe_error *err);

/* Frees the memory and leaves the batch empty. */
void koe_batch_clear(koe_batch *batch);

#endif
