#include "pretraining.h"

#include "../memory.h"
#include "losses.h"
#include "worker.h"

#include <math.h>
#include <string.h>

koe_config koe_generator_config(const koe_config *discriminator, float fraction) {
  koe_config config = *discriminator;
  int32_t head = config.hidden_size / config.num_attention_heads;
  int32_t heads = (int32_t)lroundf((float)config.num_attention_heads * fraction);
  config.num_attention_heads = heads > 0 ? heads : 1;
  config.hidden_size = config.num_attention_heads * head;
  config.intermediate_size = 4 * config.hidden_size;
  config.labels = NULL;
  config.num_labels = 0;
  return config;
}

static bool is_special(const koe_pretraining *pretraining, int32_t id) {
  for (size_t i = 0; i < KOE_SPECIAL_IDS; i++) {
    if (pretraining->special_ids[i] == id) return true;
  }
  return false;
}

size_t koe_pretraining_count(const koe_pretraining *pretraining, const int32_t *token_ids,
                             size_t length) {
  size_t ordinary = 0;
  for (size_t t = 0; t < length; t++)
    ordinary += !is_special(pretraining, token_ids[t]);
  if (ordinary == 0) return 0;
  size_t count = (size_t)lroundf(pretraining->share * (float)ordinary);
  return count > 0 ? count : 1;
}

/* The masks of one pass. */
typedef struct mask_list {
  uint32_t *tokens;   /* [count] ascending */
  int32_t *originals; /* [count] */
  size_t count;
} mask_list;

/* Chooses `count` of the ordinary tokens from `start` on, each as likely (selection sampling,
 * Knuth's algorithm S). */
static void choose_masks(const koe_pretraining *pretraining, const koe_batch *batch, size_t s,
                         koe_random *random, mask_list *out) {
  size_t start = batch->starts[s], end = batch->starts[s + 1], left = 0;
  size_t wanted = koe_pretraining_count(pretraining, batch->token_ids + start, end - start);
  for (size_t t = start; t < end; t++)
    left += !is_special(pretraining, batch->token_ids[t]);
  for (size_t t = start; t < end && wanted > 0; t++) {
    if (is_special(pretraining, batch->token_ids[t])) continue;
    if (koe_random_below(random, left--) >= wanted) continue;
    wanted--;
    out->tokens[out->count] = (uint32_t)t;
    out->originals[out->count++] = batch->token_ids[t];
    if (koe_random_uniform(random) < pretraining->mask_share)
      batch->token_ids[t] = pretraining->mask_id;
  }
}

static koe_status mask_batch(const koe_pretraining *pretraining, koe_worker *worker,
                             koe_random *random, mask_list *out, koe_error *err) {
  const koe_batch *batch = &worker->batch;
  float *tokens, *originals;
  _Static_assert(sizeof(float) == sizeof(int32_t), "the arena's elements hold ids");
  koe_status status = koe_arena_take(&worker->arena, batch->total, 1, &tokens, err);
  if (status == KOE_OK) status = koe_arena_take(&worker->arena, batch->total, 1, &originals, err);
  if (status != KOE_OK) return status;
  *out = (mask_list){.tokens = (void *)tokens, .originals = (void *)originals};
  for (size_t s = 0; s < batch->sequences; s++)
    choose_masks(pretraining, batch, s, random, out);
  return KOE_OK;
}

/* An index drawn with the probabilities p [n], which sum to about 1. */
static size_t draw(const float *p, size_t n, koe_random *random) {
  float left = (float)koe_random_uniform(random);
  for (size_t i = 0; i + 1 < n; i++) {
    left -= p[i];
    if (left < 0) return i;
  }
  return n - 1;
}

/* Writes tokens drawn from the generator's outputs into the batch, and which of them are wrong. */
static void replace(const koe_pretraining *pretraining, koe_worker *worker,
                    const koe_head_pass *pass, const mask_list *masks, koe_random *random,
                    float *work) {
  memset(worker->labels, 0, worker->batch.total * sizeof *worker->labels);
  for (size_t m = 0; m < masks->count; m++) {
    memcpy(work, pass->outputs + m * pass->columns, pass->columns * sizeof *work);
    pretraining->generator->kernels->softmax(work, 1, 1, pass->columns, pass->columns);
    int32_t id = (int32_t)draw(work, pass->columns, random);
    worker->batch.token_ids[masks->tokens[m]] = id;
    worker->labels[masks->tokens[m]] = id != masks->originals[m];
  }
}

/* Masked-language-model loss of the generator and its backward pass; leaves the batch replaced. */
static koe_status generator_pass(const koe_step *step, koe_worker *worker,
                                 const koe_dropout_plan *plan, koe_random *random, koe_error *err) {
  const koe_pretraining *p = step->objective->pretraining;
  const koe_trained_encoder *encoder = p->generator;
  koe_arena *arena = &worker->arena;
  koe_activations a;
  koe_head_pass pass;
  mask_list masks;
  float *work, *dhidden;
  koe_status status = mask_batch(p, worker, random, &masks, err);
  if (status != KOE_OK) return status;
  status = koe_trained_encoder_forward(encoder, step->values, &worker->batch, plan, arena, &a, err);
  if (status != KOE_OK) return status;
  status = koe_head_forward(encoder, p->masked, step->values, &a, masks.tokens, masks.count, arena,
                            &pass, err);
  if (status == KOE_OK) status = koe_arena_take(arena, pass.columns, 1, &work, err);
  if (status == KOE_OK)
    status = koe_arena_take_zero(arena, worker->batch.total, encoder->hidden_size, &dhidden, err);
  if (status != KOE_OK) return status;

  /* The backward pass still reads the masked ids: replacements come after it, drawn before the
   * loss turns outputs into gradients. */
  int32_t *masked_ids = worker->batch.token_ids, *replaced_ids = worker->replaced_ids;
  memcpy(replaced_ids, masked_ids, worker->batch.total * sizeof *replaced_ids);
  worker->batch.token_ids = replaced_ids;
  replace(p, worker, &pass, &masks, random, work);
  worker->batch.token_ids = masked_ids;
  worker->loss += koe_loss_cross_entropy(encoder->kernels, pass.outputs, masks.originals, NULL,
                                         pass.rows, pass.columns, step->scale, pass.outputs) /
                  (double)step->masked_terms;
  status = koe_head_backward(encoder, p->masked, step->values, &a, &pass, pass.outputs, arena,
                             dhidden, worker->gradients, err);
  if (status == KOE_OK) {
    status = koe_trained_encoder_backward(encoder, step->values, &a, dhidden, arena,
                                          worker->gradients, err);
  }
  memcpy(masked_ids, replaced_ids, worker->batch.total * sizeof *replaced_ids);
  return status;
}

static koe_status discriminator_pass(const koe_step *step, koe_worker *worker,
                                     const koe_dropout_plan *plan, koe_error *err) {
  const koe_pretraining *p = step->objective->pretraining;
  const koe_trained_encoder *encoder = p->discriminator;
  koe_arena *arena = &worker->arena;
  koe_activations a;
  koe_head_pass pass;
  float *dhidden;
  float weight = step->objective->weight * p->replaced_weight / (float)step->token_terms;
  koe_status status =
      koe_trained_encoder_forward(encoder, step->values, &worker->batch, plan, arena, &a, err);
  if (status != KOE_OK) return status;
  status = koe_head_forward(encoder, p->replaced, step->values, &a, NULL, 0, arena, &pass, err);
  if (status == KOE_OK)
    status = koe_arena_take_zero(arena, worker->batch.total, encoder->hidden_size, &dhidden, err);
  if (status != KOE_OK) return status;
  worker->loss += p->replaced_weight *
                  koe_loss_binary(pass.outputs, worker->labels, pass.rows, weight, pass.outputs) /
                  (double)step->token_terms;
  status = koe_head_backward(encoder, p->replaced, step->values, &a, &pass, pass.outputs, arena,
                             dhidden, worker->gradients, err);
  if (status != KOE_OK) return status;
  return koe_trained_encoder_backward(encoder, step->values, &a, dhidden, arena, worker->gradients,
                                      err);
}

koe_status koe_worker_pretraining_pass(const koe_step *step, koe_worker *worker, uint64_t key,
                                       koe_error *err) {
  koe_dropout_plan plan = step->dropout;
  plan.key = koe_random_key(plan.key, key);
  koe_random random = {.key = koe_random_key(plan.key, UINT64_MAX)};
  if (!koe_grow(&worker->labels, &worker->labels_capacity, worker->batch.total,
                sizeof *worker->labels) ||
      !koe_grow(&worker->replaced_ids, &worker->replaced_capacity, worker->batch.total,
                sizeof *worker->replaced_ids)) {
    return koe_fail_nomem(err);
  }
  koe_arena_reset(&worker->arena);
  koe_status status = generator_pass(step, worker, &plan, &random, err);
  if (status != KOE_OK) return status;
  /* Other masks than the generator's. */
  plan.key = koe_random_key(plan.key, UINT64_MAX - 1);
  koe_arena_reset(&worker->arena);
  return discriminator_pass(step, worker, &plan, err);
}
