#include "token_reader.h"

#include "../memory.h"
#include "hidden_states.h"

#include <string.h>

void koe_window_sizes(const koe_model *model, size_t *length, size_t *step) {
  *length = koe_model_max_length(model) - 2;
  size_t overlap = *length / 2 < KOE_WINDOW_OVERLAP ? *length / 2 : KOE_WINDOW_OVERLAP;
  *step = *length - overlap;
}

static void start(koe_token_reader *reader, const koe_model *model, const koe_token_head *head,
                  koe_text text, size_t length, size_t step, int32_t segment) {
  memset(reader, 0, sizeof *reader);
  reader->model = model;
  reader->head = head;
  koe_windows_start(&reader->windows, koe_model_tokenizer(model), text, length, step, segment);
}

void koe_token_reader_start(koe_token_reader *reader, const koe_model *model,
                            const koe_token_head *head, koe_text text) {
  size_t length, step;
  koe_window_sizes(model, &length, &step);
  start(reader, model, head, text, length, step, 0);
}

void koe_token_reader_start_context(koe_token_reader *reader, const koe_model *model,
                                    const koe_token_head *head, koe_text context, size_t length,
                                    size_t step) {
  start(reader, model, head, context, length, step, 1);
}

void koe_token_reader_stop(koe_token_reader *reader) {
  koe_windows_stop(&reader->windows);
  koe_batch_clear(&reader->batch);
  koe_free(reader->logits);
  memset(reader, 0, sizeof *reader);
}

koe_status koe_token_reader_next(koe_token_reader *reader, const koe_tokens *question,
                                 koe_error *err) {
  koe_status status = koe_windows_read(&reader->windows, reader->items, &reader->count, err);
  koe_batch_reset(&reader->batch);
  for (size_t i = 0; i < reader->count && status == KOE_OK; i++) {
    status = koe_windows_append(&reader->windows, &reader->items[i], question, &reader->batch, err);
  }
  if (status != KOE_OK || reader->count == 0) return status;
  size_t outputs = reader->head->outputs.out_features;
  if (!koe_grow(&reader->logits, &reader->logit_capacity, reader->batch.total,
                outputs * sizeof *reader->logits)) {
    return koe_fail_nomem(err);
  }
  return koe_token_logits(reader->model, reader->head, &reader->batch, reader->logits, err);
}

const float *koe_token_reader_cls(const koe_token_reader *reader, size_t window) {
  return reader->logits + reader->batch.starts[window] * reader->head->outputs.out_features;
}

const float *koe_token_reader_logits(const koe_token_reader *reader, size_t window,
                                     const koe_tokens *question) {
  size_t before = question != NULL ? question->count + 2 : 1;
  return koe_token_reader_cls(reader, window) + before * reader->head->outputs.out_features;
}
