#include "dataset.h"

#include "../memory.h"
#include "random.h"

#include <string.h>

koe_status koe_dataset_copy_sequence(const koe_dataset *from, size_t index, koe_batch *batch,
                                     koe_error *err) {
  size_t start = from->tokens.starts[index], length = from->tokens.starts[index + 1] - start;
  size_t total = batch->total + length;
  if (!koe_grow(&batch->token_ids, &batch->ids_capacity, total, sizeof *batch->token_ids) ||
      !koe_grow(&batch->token_type_ids, &batch->type_ids_capacity, total,
                sizeof *batch->token_type_ids) ||
      !koe_grow(&batch->starts, &batch->starts_capacity, batch->sequences + 2,
                sizeof *batch->starts)) {
    return koe_fail_nomem(err);
  }
  memcpy(batch->token_ids + batch->total, from->tokens.token_ids + start,
         length * sizeof *batch->token_ids);
  memcpy(batch->token_type_ids + batch->total, from->tokens.token_type_ids + start,
         length * sizeof *batch->token_type_ids);
  batch->starts[batch->sequences] = batch->total;
  batch->starts[++batch->sequences] = total;
  batch->total = total;
  if (length > batch->longest) batch->longest = length;
  return KOE_OK;
}

size_t koe_dataset_labels(const koe_dataset *dataset, size_t sequence, const int32_t **labels) {
  const size_t *starts = dataset->tokens.starts + sequence;
  switch (dataset->label_rows) {
  case KOE_LABELS_OF_TOKENS:
    *labels = dataset->labels + starts[0];
    return starts[1] - starts[0];
  case KOE_LABELS_OF_ANSWERS:
    *labels = dataset->labels + 2 * sequence;
    return 2;
  default:
    *labels = dataset->labels + sequence;
    return 1;
  }
}

void koe_dataset_shuffle(const koe_dataset *dataset, uint64_t seed, uint64_t epoch,
                         uint32_t *order) {
  koe_random random = {.key = koe_random_key(koe_random_key(seed, epoch), 0)};
  size_t count = koe_dataset_examples(dataset);
  for (size_t i = 0; i < count; i++) {
    size_t j = koe_random_below(&random, i + 1);
    order[i] = order[j];
    order[j] = (uint32_t)i;
  }
}

void koe_dataset_clear(koe_dataset *dataset) {
  size_t group = dataset->group;
  koe_batch_clear(&dataset->tokens);
  koe_free(dataset->labels);
  koe_free(dataset->values);
  koe_free(dataset->teacher);
  memset(dataset, 0, sizeof *dataset);
  dataset->group = group;
}
