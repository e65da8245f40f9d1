/* Forward passes over a dataset. */
#include "../memory.h"
#include "../parallel.h"
#include "training.h"

#include <string.h>

enum { PASS_TOKENS = 1024 };

typedef struct prediction {
  const float *values;
  const koe_trained_encoder *encoder;
  const koe_trained_head *head;
  const koe_dataset *dataset;
  size_t parts;
  size_t columns;
  float *out;
} prediction;

/* Where part `index` begins: parts have about as many tokens each. */
static size_t part_start(const prediction *p, size_t index) {
  const koe_batch *tokens = &p->dataset->tokens;
  size_t low = 0, high = tokens->sequences, wanted = tokens->total / p->parts * index;
  if (index == p->parts) return high;
  while (low < high) {
    size_t middle = (low + high) / 2;
    if (tokens->starts[middle] < wanted)
      low = middle + 1;
    else
      high = middle;
  }
  return low;
}

static koe_status run_pass(const prediction *p, const koe_batch *batch, size_t sequence,
                           koe_arena *arena, koe_error *err) {
  const koe_dropout_plan none = {0};
  koe_activations a;
  koe_head_pass pass;
  float *norms;
  koe_arena_reset(arena);
  koe_status status =
      koe_trained_encoder_forward(p->encoder, p->values, batch, &none, arena, &a, err);
  if (status != KOE_OK) return status;
  if (p->head == NULL) {
    status = koe_arena_take(arena, batch->sequences, 1, &norms, err);
    if (status == KOE_OK)
      koe_sentences_forward(p->encoder, &a, norms, p->out + sequence * p->columns);
    return status;
  }
  status = koe_head_forward(p->encoder, p->head, p->values, &a, NULL, 0, arena, &pass, err);
  if (status != KOE_OK) return status;
  size_t row = p->head->rows == KOE_ROWS_ALL ? p->dataset->tokens.starts[sequence] : sequence;
  memcpy(p->out + row * p->columns, pass.outputs, pass.rows * p->columns * sizeof *p->out);
  return KOE_OK;
}

static koe_status predict_part(void *context, size_t index, koe_error *err) {
  const prediction *p = context;
  size_t next = part_start(p, index), end = part_start(p, index + 1);
  koe_arena arena = {0};
  koe_batch batch = {0};
  koe_status status = KOE_OK;
  while (status == KOE_OK && next < end) {
    size_t first = next;
    koe_batch_reset(&batch);
    while (status == KOE_OK && next < end && batch.total < PASS_TOKENS)
      status = koe_dataset_copy_sequence(p->dataset, next++, &batch, err);
    if (status == KOE_OK) status = run_pass(p, &batch, first, &arena, err);
  }
  koe_batch_clear(&batch);
  koe_arena_clear(&arena);
  return status;
}

koe_status koe_predict(const koe_parameters *parameters, const koe_trained_encoder *encoder,
                       const koe_trained_head *head, const koe_dataset *dataset, size_t threads,
                       float *out, koe_error *err) {
  prediction p = {.values = parameters->values,
                  .encoder = encoder,
                  .head = head,
                  .dataset = dataset,
                  .parts = 4 * threads,
                  .columns = head != NULL ? head->output.out_features : encoder->hidden_size,
                  .out = out};
  return koe_parallel(p.parts, threads, predict_part, &p, err);
}
