#include "replaced.h"

#include "../backbone.h"
#include "../memory.h"
#include "../model_open.h"
#include "token_reader.h"

#include <math.h>

struct koe_replaced {
  koe_token_reader reader;
  koe_replaced_token *tokens; /* [count] */
  size_t count, capacity;
};

koe_status koe_replaced_open(const koe_model *model, koe_text text, koe_replaced **out,
                             koe_error *err) {
  *out = NULL;
  if (!koe_model_has(model, KOE_HEAD_REPLACED)) {
    return koe_model_no_head(model, KOE_HEAD_REPLACED, err);
  }
  koe_replaced *replaced = koe_alloc_zero(1, sizeof *replaced);
  if (replaced == NULL) return koe_fail_nomem(err);
  koe_token_reader_start(&replaced->reader, model, &koe_model_backbone(model)->replaced, text);
  *out = replaced;
  return KOE_OK;
}

void koe_replaced_free(koe_replaced *replaced) {
  if (replaced == NULL) return;
  koe_token_reader_stop(&replaced->reader);
  koe_free(replaced->tokens);
  koe_free(replaced);
}

koe_status koe_replaced_next(koe_replaced *replaced, const koe_replaced_token **out, size_t *count,
                             bool *done, koe_error *err) {
  const koe_token_reader *reader = &replaced->reader;
  replaced->count = 0;
  koe_status status = koe_token_reader_next(&replaced->reader, NULL, err);
  if (status != KOE_OK) return status;
  if (!koe_grow(&replaced->tokens, &replaced->capacity, reader->batch.total,
                sizeof *replaced->tokens)) {
    return koe_fail_nomem(err);
  }
  for (size_t w = 0; w < reader->count; w++) {
    const koe_window *window = &reader->items[w];
    const float *logits = koe_token_reader_logits(reader, w, NULL);
    for (size_t i = window->begin; i < window->end; i++) {
      const koe_token *token = &window->tokens[i];
      replaced->tokens[replaced->count++] =
          (koe_replaced_token){.position = (int64_t)(window->first + i) + 1,
                               .id = token->id,
                               .start = token->start,
                               .end = token->end,
                               .probability = 1 / (1 + exp(-(double)logits[i]))};
    }
  }
  *done = reader->windows.ended;
  *out = replaced->tokens;
  *count = replaced->count;
  return KOE_OK;
}
