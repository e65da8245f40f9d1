#include "batch.h"

#include "memory.h"

#include <string.h>

void koe_batch_reset(koe_batch *batch) {
  batch->sequences = 0;
  batch->total = 0;
  batch->longest = 0;
}

koe_status koe_batch_append(koe_batch *batch, const koe_token *tokens, size_t count,
                            koe_error *err) {
  size_t total = batch->total + count;
  if (!koe_grow(&batch->token_ids, &batch->ids_capacity, total, sizeof *batch->token_ids) ||
      !koe_grow(&batch->token_type_ids, &batch->type_ids_capacity, total,
                sizeof *batch->token_type_ids) ||
      !koe_grow(&batch->starts, &batch->starts_capacity, batch->sequences + 2,
                sizeof *batch->starts)) {
    return koe_fail_nomem(err);
  }
  for (size_t i = 0; i < count; i++) {
    batch->token_ids[batch->total + i] = tokens[i].id;
    batch->token_type_ids[batch->total + i] = tokens[i].segment;
  }
  batch->starts[batch->sequences] = batch->total;
  batch->starts[++batch->sequences] = total;
  batch->total = total;
  if (count > batch->longest) batch->longest = count;
  return KOE_OK;
}

void koe_batch_clear(koe_batch *batch) {
  koe_free(batch->token_ids);
  koe_free(batch->token_type_ids);
  koe_free(batch->starts);
  memset(batch, 0, sizeof *batch);
}
