/* Texts to outputs: tokenized, packed by length, encoded on all threads.
 *
 * Everything that decides a number is decided by the texts and not by the threads: the same call
 * gives the same bits with any number of them. */
#include "backbone.h"
#include "memory.h"
#include "model.h"
#include "model_open.h"
#include "parallel.h"
#include "pooling.h"

#include <stdlib.h>
#include <string.h>

/* Texts that one thread tokenizes at a time, and those whose tokens are in memory at once. */
enum { GROUP_TEXTS = 32, SLICE_TEXTS = 4096 };

/* Tokens that go through the encoder at once: enough rows for the matrix products, few enough for
 * the activations to stay in the cache.  In between, a call has about BATCHES of them, so that all
 * threads end at about the same time. */
enum { LEAST_TOKENS = 256, MOST_TOKENS = 1024, BATCHES = 64 };

/* More tokens than this before truncation: the memory is given back after the text. */
enum { KEPT_TOKENS = 1 << 16 };

typedef struct sequence {
  uint32_t index; /* of its text */
  uint32_t tokens;
} sequence;

/* Texts of one call, seen by all its threads. */
typedef struct slice {
  const koe_model *model;
  const koe_text *texts; /* [count] */
  const koe_text *pairs; /* [count] or NULL */
  size_t count;
  koe_outputs out;
  koe_batch *groups;   /* [groups of GROUP_TEXTS]: tokens as the texts come */
  sequence *sequences; /* [count]: longest first */
  size_t *ends;        /* [batches]: batch b is sequences [ends[b - 1], ends[b]) */
  size_t batches;
  size_t threads; /* for each batch */
} slice;

static size_t group_count(const slice *s) {
  return (s->count + GROUP_TEXTS - 1) / GROUP_TEXTS;
}

static koe_status tokenize_group(void *context, size_t index, koe_error *err) {
  slice *s = context;
  koe_scratch_pool *pool = &koe_model_runtime(s->model)->scratch;
  size_t begin = index * GROUP_TEXTS;
  size_t end = begin + GROUP_TEXTS < s->count ? begin + GROUP_TEXTS : s->count;
  koe_scratch *scratch = koe_scratch_take(pool);
  koe_tokens *tokens = &scratch->tokens;
  koe_status status = KOE_OK;
  for (size_t i = begin; i < end && status == KOE_OK; i++) {
    status = koe_tokenizer_encode(koe_model_tokenizer(s->model), s->texts[i],
                                  s->pairs != NULL ? &s->pairs[i] : NULL,
                                  koe_model_max_length(s->model), tokens, err);
    if (status != KOE_OK) break;
    status = koe_batch_append(&s->groups[index], tokens->items, tokens->count, err);
    s->sequences[i] = (sequence){(uint32_t)i, (uint32_t)tokens->count};
  }
  if (tokens->capacity > KEPT_TOKENS) koe_tokens_clear(tokens);
  koe_scratch_give(pool, scratch);
  return status;
}

static int longest_first(const void *a, const void *b) {
  const sequence *x = a, *y = b;
  if (x->tokens != y->tokens) return x->tokens > y->tokens ? -1 : 1;
  return x->index < y->index ? -1 : x->index > y->index;
}

/* Sorts the sequences and cuts them into batches of about equally many tokens. */
static void pack(slice *s) {
  size_t total = 0, in_batch = 0;
  qsort(s->sequences, s->count, sizeof *s->sequences, longest_first);
  for (size_t i = 0; i < s->count; i++)
    total += s->sequences[i].tokens;
  size_t most = total / BATCHES;
  if (most < LEAST_TOKENS) most = LEAST_TOKENS;
  if (most > MOST_TOKENS) most = MOST_TOKENS;
  for (size_t i = 0; i < s->count; i++) {
    if (in_batch > 0 && in_batch + s->sequences[i].tokens > most) {
      s->ends[s->batches++] = i;
      in_batch = 0;
    }
    in_batch += s->sequences[i].tokens;
  }
  if (s->count > 0) s->ends[s->batches++] = s->count;
}

/* Checks rows [sequences, width] and copies them to where the texts of the sequences have theirs.
 */
static koe_status scatter(const slice *s, const sequence *sequences, size_t count,
                          const float *rows, size_t width, float *out, koe_error *err) {
  koe_status status = koe_model_check_finite(s->model, rows, count * width, err);
  if (status != KOE_OK) return status;
  for (size_t i = 0; i < count; i++)
    memcpy(out + sequences[i].index * width, rows + i * width, width * sizeof *out);
  return KOE_OK;
}

/* Encodes the scratch's batch, which is of `sequences`. */
static koe_status encode(const slice *s, const sequence *sequences, koe_scratch *scratch,
                         koe_error *err) {
  const koe_backbone *backbone = koe_model_backbone(s->model);
  const koe_kernels *kernels = koe_model_runtime(s->model)->kernels;
  const koe_batch *batch = &scratch->batch;
  size_t count = batch->sequences;
  size_t dimension = koe_model_dimension(s->model), labels = koe_model_label_count(s->model);
  const float *hidden;
  koe_status status =
      koe_encoder_forward(backbone->encoder, batch, s->threads, scratch, &hidden, err);
  if (status != KOE_OK) return status;
  float *work = koe_alloc_aligned(count, (2 * dimension + labels) * sizeof *work);
  if (work == NULL) return koe_fail_nomem(err);
  if (s->out.logits != NULL) {
    float *logits = work + 2 * count * dimension;
    koe_classification_head_forward(&backbone->classification, kernels, batch, hidden, work,
                                    logits);
    status = scatter(s, sequences, count, logits, labels, s->out.logits, err);
  }
  if (status == KOE_OK && s->out.embeddings != NULL) {
    koe_pooling_forward(koe_model_pooling(s->model), kernels, batch, hidden, dimension, work);
    status = scatter(s, sequences, count, work, dimension, s->out.embeddings, err);
  }
  koe_free(work);
  return status;
}

static koe_status encode_batch(void *context, size_t index, koe_error *err) {
  const slice *s = context;
  koe_scratch_pool *pool = &koe_model_runtime(s->model)->scratch;
  size_t begin = index > 0 ? s->ends[index - 1] : 0;
  koe_scratch *scratch = koe_scratch_take(pool);
  koe_status status = KOE_OK;
  koe_batch_reset(&scratch->batch);
  for (size_t i = begin; i < s->ends[index] && status == KOE_OK; i++) {
    size_t text = s->sequences[i].index;
    status = koe_batch_append_sequence(&scratch->batch, &s->groups[text / GROUP_TEXTS],
                                       text % GROUP_TEXTS, err);
  }
  if (status == KOE_OK) status = encode(s, s->sequences + begin, scratch, err);
  koe_scratch_give(pool, scratch);
  return status;
}

static koe_status run_slice(slice *s, koe_error *err) {
  size_t threads = (size_t)atomic_load(&koe_model_runtime(s->model)->threads);
  size_t groups = group_count(s);
  koe_status status = KOE_OK;
  s->groups = koe_alloc_zero(groups, sizeof *s->groups);
  s->sequences = koe_alloc(s->count, sizeof *s->sequences);
  s->ends = koe_alloc(s->count, sizeof *s->ends);
  if (s->groups == NULL || s->sequences == NULL || s->ends == NULL) {
    status = koe_fail_nomem(err);
    goto cleanup;
  }
  status = koe_parallel(groups, threads, tokenize_group, s, err);
  if (status != KOE_OK) goto cleanup;
  pack(s);
  s->threads = s->batches > 0 && s->batches < threads ? threads / s->batches : 1;
  status = koe_parallel(s->batches, threads, encode_batch, s, err);

cleanup:
  for (size_t i = 0; s->groups != NULL && i < groups; i++)
    koe_batch_clear(&s->groups[i]);
  koe_free(s->groups);
  koe_free(s->sequences);
  koe_free(s->ends);
  return status;
}

koe_status koe_model_run(const koe_model *model, const koe_text *texts, const koe_text *pairs,
                         size_t count, const koe_outputs *out, koe_error *err) {
  size_t labels = koe_model_label_count(model), dimension = koe_model_dimension(model);
  if (out->logits != NULL && labels == 0) {
    return koe_model_no_head(model, KOE_HEAD_CLASSIFICATION, err);
  }
  if (out->logits == NULL && out->embeddings == NULL) return KOE_OK;
  for (size_t i = 0; i < count; i += SLICE_TEXTS) {
    slice s = {.model = model,
               .texts = texts + i,
               .pairs = pairs != NULL ? pairs + i : NULL,
               .count = count - i < SLICE_TEXTS ? count - i : SLICE_TEXTS,
               .out = *out};
    if (s.out.logits != NULL) s.out.logits += i * labels;
    if (s.out.embeddings != NULL) s.out.embeddings += i * dimension;
    koe_status status = run_slice(&s, err);
    if (status != KOE_OK) return status;
  }
  return KOE_OK;
}

koe_status koe_model_embed(const koe_model *model, const koe_text *texts, size_t count, float *out,
                           koe_error *err) {
  return koe_model_run(model, texts, NULL, count, &(koe_outputs){.embeddings = out}, err);
}

koe_status koe_model_logits(const koe_model *model, const koe_text *texts, const koe_text *pairs,
                            size_t count, float *out, koe_error *err) {
  if (koe_model_label_count(model) == 0) {
    return koe_model_no_head(model, KOE_HEAD_CLASSIFICATION, err);
  }
  return koe_model_run(model, texts, pairs, count, &(koe_outputs){.logits = out}, err);
}
