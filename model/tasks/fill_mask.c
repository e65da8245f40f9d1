#include "fill_mask.h"

#include "../backbone.h"
#include "../memory.h"
#include "../model_open.h"
#include "../search/vectors.h"
#include "hidden_states.h"
#include "token_reader.h"

#include <math.h>
#include <string.h>

/* Masks whose logits of all words are in memory at once. */
enum { MASKS_AT_ONCE = 16 };

/* A mask of the windows at hand. */
typedef struct mask {
  size_t row; /* of the batch's hidden states */
  int64_t start, end;
  koe_byte_range bytes;
} mask;

struct koe_fill_mask {
  const koe_model *model;
  size_t k;
  int32_t mask_id;
  int64_t masks_before; /* of the windows at hand */
  koe_windows windows;
  koe_batch batch; /* windows that have a mask */
  mask *masks;     /* [mask_count] */
  size_t mask_count, mask_capacity;
  float *hidden; /* [mask_count, hidden] */
  size_t hidden_capacity;
  float *logits; /* [MASKS_AT_ONCE, vocabulary] */
  koe_fill *fills;
  size_t count, capacity;
};

koe_status koe_fill_mask_open(const koe_model *model, koe_text text, size_t k, koe_fill_mask **out,
                              koe_error *err) {
  size_t length, step;
  *out = NULL;
  if (!koe_model_has(model, KOE_HEAD_FILL_MASK)) {
    return koe_model_no_head(model, KOE_HEAD_FILL_MASK, err);
  }
  if (k < 1 || k > KOE_MOST_FILLS) {
    return koe_fail(err, KOE_INVALID, "k is a number of words, 1 to %d", KOE_MOST_FILLS);
  }
  koe_fill_mask *fill = koe_alloc_zero(1, sizeof *fill);
  if (fill == NULL) return koe_fail_nomem(err);
  const char *name = koe_model_config(model)->tokenizer.mask_token;
  fill->model = model;
  fill->k = k;
  fill->mask_id = koe_tokenizer_id(koe_model_tokenizer(model), (koe_text){name, strlen(name)});
  koe_window_sizes(model, &length, &step);
  koe_windows_start(&fill->windows, koe_model_tokenizer(model), text, length, step, 0);
  *out = fill;
  return KOE_OK;
}

void koe_fill_mask_free(koe_fill_mask *fill) {
  if (fill == NULL) return;
  koe_windows_stop(&fill->windows);
  koe_batch_clear(&fill->batch);
  koe_free(fill->masks);
  koe_free(fill->hidden);
  koe_free(fill->logits);
  koe_free(fill->fills);
  koe_free(fill);
}

/* Notes the masks that belong to a window, whose first token will be row `row`. */
static koe_status find_masks(koe_fill_mask *fill, const koe_window *window, size_t row,
                             koe_error *err) {
  for (size_t i = window->begin; i < window->end; i++) {
    const koe_token *token = &window->tokens[i];
    if (token->id != fill->mask_id) continue;
    if (!koe_grow(&fill->masks, &fill->mask_capacity, fill->mask_count + 1, sizeof *fill->masks)) {
      return koe_fail_nomem(err);
    }
    fill->masks[fill->mask_count++] = (mask){row + i, token->start, token->end, window->bytes[i]};
  }
  return KOE_OK;
}

/* Reads the next windows and makes a batch of those that have a mask. */
static koe_status read_windows(koe_fill_mask *fill, koe_error *err) {
  koe_window windows[KOE_WINDOWS_AT_ONCE];
  size_t count;
  koe_status status = koe_windows_read(&fill->windows, windows, &count, err);
  koe_batch_reset(&fill->batch);
  fill->mask_count = 0;
  for (size_t w = 0; w < count && status == KOE_OK; w++) {
    size_t before = fill->mask_count;
    status = find_masks(fill, &windows[w], fill->batch.total + 1, err);
    if (status == KOE_OK && fill->mask_count > before) {
      status = koe_windows_append(&fill->windows, &windows[w], NULL, &fill->batch, err);
    }
  }
  return status;
}

/* Copies the hidden states of masks among tokens [first, first + tokens). */
static koe_status copy_hidden(void *context, size_t first, size_t tokens, const float *hidden,
                              koe_error *err) {
  const koe_fill_mask *fill = context;
  size_t width = koe_model_dimension(fill->model);
  (void)err;
  for (size_t m = 0; m < fill->mask_count; m++) {
    size_t row = fill->masks[m].row;
    if (row < first || row >= first + tokens) continue;
    memcpy(fill->hidden + m * width, hidden + (row - first) * width, width * sizeof *hidden);
  }
  return KOE_OK;
}

/* Adds the best words of a mask.
 *
 *   logits [vocabulary] */
static koe_status add_fills(koe_fill_mask *fill, size_t m, const float *logits, koe_error *err) {
  size_t words = (size_t)koe_model_config(fill->model)->vocab_size;
  koe_top_k top;
  koe_status status = koe_model_check_finite(fill->model, logits, words, err);
  if (status != KOE_OK) return status;
  koe_top_k_init(&top, fill->k);
  bool enough = koe_grow(&fill->fills, &fill->capacity, fill->count + fill->k, sizeof *fill->fills);
  for (size_t i = 0; i < words && enough; i++)
    enough = koe_top_k_offer(&top, (int64_t)i, logits[i]);
  if (enough) {
    double sum = 0;
    koe_top_k_finish(&top);
    for (size_t i = 0; i < words; i++)
      sum += exp((double)logits[i] - top.heap[0].similarity);
    const mask *at = &fill->masks[m];
    for (size_t i = 0; i < top.count; i++) {
      fill->fills[fill->count++] = (koe_fill){
          .mask = fill->masks_before + (int64_t)m,
          .start = at->start,
          .end = at->end,
          .begin = at->bytes.begin,
          .behind = at->bytes.end,
          .id = (int32_t)top.heap[i].rowid,
          .probability = exp((double)top.heap[i].similarity - top.heap[0].similarity) / sum};
    }
  }
  koe_top_k_clear(&top);
  return enough ? KOE_OK : koe_fail_nomem(err);
}

static koe_status score_masks(koe_fill_mask *fill, koe_error *err) {
  const koe_backbone *backbone = koe_model_backbone(fill->model);
  size_t threads = (size_t)atomic_load(&koe_model_runtime(fill->model)->threads);
  size_t width = koe_model_dimension(fill->model);
  size_t words = (size_t)koe_model_config(fill->model)->vocab_size;
  if (fill->logits == NULL) fill->logits = koe_alloc_aligned(MASKS_AT_ONCE * words, sizeof(float));
  if (fill->logits == NULL) return koe_fail_nomem(err);
  for (size_t m = 0; m < fill->mask_count; m += MASKS_AT_ONCE) {
    size_t count = fill->mask_count - m < MASKS_AT_ONCE ? fill->mask_count - m : MASKS_AT_ONCE;
    koe_status status = koe_mask_head_forward(&backbone->masked, backbone->encoder, threads,
                                              fill->hidden + m * width, count, fill->logits, err);
    for (size_t i = 0; i < count && status == KOE_OK; i++)
      status = add_fills(fill, m + i, fill->logits + i * words, err);
    if (status != KOE_OK) return status;
  }
  return KOE_OK;
}

koe_status koe_fill_mask_next(koe_fill_mask *fill, const koe_fill **out, size_t *count, bool *done,
                              koe_error *err) {
  fill->count = 0;
  koe_status status = read_windows(fill, err);
  if (status != KOE_OK) return status;
  if (!koe_grow(&fill->hidden, &fill->hidden_capacity, fill->mask_count,
                koe_model_dimension(fill->model) * sizeof *fill->hidden)) {
    return koe_fail_nomem(err);
  }
  status = koe_hidden_states_run(fill->model, &fill->batch, copy_hidden, fill, err);
  if (status == KOE_OK && fill->mask_count > 0) status = score_masks(fill, err);
  if (status != KOE_OK) return status;
  fill->masks_before += (int64_t)fill->mask_count;
  *done = fill->windows.ended;
  *out = fill->fills;
  *count = fill->count;
  if (*done && fill->masks_before == 0) {
    const char *name = koe_model_config(fill->model)->tokenizer.mask_token;
    return koe_fail(err, KOE_INVALID, "the text has no %s: write it where a word is wanted", name);
  }
  return KOE_OK;
}
