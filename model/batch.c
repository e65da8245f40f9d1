#include "batch.h"

#include "memory.h"

#include <string.h>

void koe_batch_reset(koe_batch *batch) {
  batch->sequences = 0;
  batch->total = 0;
  batch->longest = 0;
}

/* Makes room for one more sequence. */
static bool grow(koe_batch *batch, size_t count) {
  size_t total = batch->total + count;
  return koe_grow(&batch->token_ids, &batch->ids_capacity, total, sizeof *batch->token_ids) &&
         koe_grow(&batch->token_type_ids, &batch->type_ids_capacity, total,
                  sizeof *batch->token_type_ids) &&
         koe_grow(&batch->starts, &batch->starts_capacity, batch->sequences + 2,
                  sizeof *batch->starts);
}

/* Counts a sequence whose tokens are written. */
static void add(koe_batch *batch, size_t count) {
  batch->starts[batch->sequences] = batch->total;
  batch->total += count;
  batch->starts[++batch->sequences] = batch->total;
  if (count > batch->longest) batch->longest = count;
}

koe_status koe_batch_append(koe_batch *batch, const koe_token *tokens, size_t count,
                            koe_error *err) {
  if (!grow(batch, count)) return koe_fail_nomem(err);
  for (size_t i = 0; i < count; i++) {
    batch->token_ids[batch->total + i] = tokens[i].id;
    batch->token_type_ids[batch->total + i] = tokens[i].segment;
  }
  add(batch, count);
  return KOE_OK;
}

koe_status koe_batch_append_sequence(koe_batch *batch, const koe_batch *from, size_t sequence,
                                     koe_error *err) {
  size_t start = from->starts[sequence], count = from->starts[sequence + 1] - start;
  if (!grow(batch, count)) return koe_fail_nomem(err);
  memcpy(batch->token_ids + batch->total, from->token_ids + start,
         count * sizeof *batch->token_ids);
  memcpy(batch->token_type_ids + batch->total, from->token_type_ids + start,
         count * sizeof *batch->token_type_ids);
  add(batch, count);
  return KOE_OK;
}

void koe_batch_clear(koe_batch *batch) {
  koe_free(batch->token_ids);
  koe_free(batch->token_type_ids);
  koe_free(batch->starts);
  memset(batch, 0, sizeof *batch);
}
