#include "hidden_states.h"

#include "../backbone.h"
#include "../memory.h"
#include "../model_open.h"
#include "../parallel.h"

/* Tokens that go through the encoder at once, unless one sequence has more: model_run.c. */
enum { MOST_TOKENS = 1024 };

/* One call, seen by its threads. */
typedef struct job {
  const koe_model *model;
  const koe_batch *sequences;
  size_t *ends;   /* [batches]: batch b is sequences [ends[b - 1], ends[b]) */
  size_t threads; /* for each batch */
  koe_hidden_reader read;
  void *context;
} job;

/* Cuts the sequences into batches, in their order; gives how many. */
static size_t cut(job *j) {
  const size_t *starts = j->sequences->starts;
  size_t batches = 0, begin = 0;
  for (size_t i = 0; i < j->sequences->sequences; i++) {
    if (i > begin && starts[i + 1] - starts[begin] > MOST_TOKENS) {
      j->ends[batches++] = i;
      begin = i;
    }
  }
  j->ends[batches++] = j->sequences->sequences;
  return batches;
}

static koe_status encode_batch(void *context, size_t index, koe_error *err) {
  const job *j = context;
  koe_scratch_pool *pool = &koe_model_runtime(j->model)->scratch;
  size_t begin = index > 0 ? j->ends[index - 1] : 0, end = j->ends[index];
  const float *hidden;
  koe_status status = KOE_OK;
  koe_scratch *scratch = koe_scratch_take(pool);
  koe_batch_reset(&scratch->batch);
  for (size_t i = begin; i < end && status == KOE_OK; i++)
    status = koe_batch_append_sequence(&scratch->batch, j->sequences, i, err);
  if (status == KOE_OK) {
    status = koe_encoder_forward(koe_model_backbone(j->model)->encoder, &scratch->batch, j->threads,
                                 scratch, &hidden, err);
  }
  if (status == KOE_OK) {
    status = j->read(j->context, j->sequences->starts[begin], scratch->batch.total, hidden, err);
  }
  koe_scratch_give(pool, scratch);
  return status;
}

koe_status koe_hidden_states_run(const koe_model *model, const koe_batch *sequences,
                                 koe_hidden_reader read, void *context, koe_error *err) {
  size_t threads = (size_t)atomic_load(&koe_model_runtime(model)->threads);
  job j = {.model = model, .sequences = sequences, .read = read, .context = context};
  if (sequences->sequences == 0) return KOE_OK;
  j.ends = koe_alloc(sequences->sequences, sizeof *j.ends);
  if (j.ends == NULL) return koe_fail_nomem(err);
  size_t batches = cut(&j);
  j.threads = batches < threads ? threads / batches : 1;
  koe_status status = koe_parallel(batches, threads, encode_batch, &j, err);
  koe_free(j.ends);
  return status;
}

/* ── a head of every token ──────────────────────────────────────────────────────────────────────
 */

typedef struct head_reader {
  const koe_model *model;
  const koe_token_head *head;
  float *out; /* [total, outputs] */
} head_reader;

static koe_status read_head(void *context, size_t first, size_t tokens, const float *hidden,
                            koe_error *err) {
  const head_reader *r = context;
  size_t width = r->head->dense.out_features, outputs = r->head->outputs.out_features;
  float *out = r->out + first * outputs;
  float *work = koe_alloc_aligned(tokens, width * sizeof *work);
  if (work == NULL) return koe_fail_nomem(err);
  koe_token_head_forward(r->head, koe_model_runtime(r->model)->kernels, hidden, tokens, work, out);
  koe_free(work);
  return koe_model_check_finite(r->model, out, tokens * outputs, err);
}

koe_status koe_token_logits(const koe_model *model, const koe_token_head *head,
                            const koe_batch *sequences, float *out, koe_error *err) {
  head_reader r = {model, head, out};
  return koe_hidden_states_run(model, sequences, read_head, &r, err);
}
