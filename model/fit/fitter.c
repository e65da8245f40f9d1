#include "fitter.h"

#include "../hash.h"
#include "../label_set.h"
#include "../memory.h"
#include "../registry.h"
#include "fit_options.h"
#include "softmax_regression.h"

#include <stdlib.h>
#include <string.h>

/* Texts that wait to be embedded, at most; features that are kept, at most. */
enum { BATCH_TEXTS = 256, BATCH_BYTES = 16 << 20, FEATURE_BYTES = 1 << 30 };

/* A row without its features. */
typedef struct row {
  uint64_t hash;  /* of the text */
  uint32_t class; /* id of the label; in koe_fitter_finish its rank */
  uint32_t index; /* of its features */
} row;

struct koe_fitter {
  koe_fit_options options;
  const koe_model *model;
  size_t dimension;
  koe_label_set labels;
  row *rows; /* [row_count] */
  size_t row_count, row_capacity;
  float *features; /* [embedded, dimension] of the first rows */
  size_t embedded, feature_capacity;
  char *waiting; /* [waiting_bytes] texts of the rows that are not embedded yet */
  size_t waiting_bytes, waiting_capacity;
  size_t starts[BATCH_TEXTS + 1]; /* where they begin in `waiting` */
};

koe_status koe_fitter_new(const char *options, koe_fitter **out, koe_error *err) {
  *out = NULL;
  koe_fitter *fitter = koe_alloc_zero(1, sizeof *fitter);
  if (fitter == NULL) return koe_fail_nomem(err);
  koe_status status = koe_fit_options_parse(options, &fitter->options, err);
  if (status == KOE_OK) {
    status = koe_registry_acquire(fitter->options.model, &fitter->model, err);
  }
  if (status != KOE_OK) {
    koe_fitter_free(fitter);
    return status;
  }
  fitter->dimension = koe_model_dimension(fitter->model);
  *out = fitter;
  return KOE_OK;
}

void koe_fitter_free(koe_fitter *fitter) {
  if (fitter == NULL) return;
  koe_label_set_clear(&fitter->labels);
  koe_free(fitter->rows);
  koe_free(fitter->features);
  koe_free(fitter->waiting);
  koe_registry_release(fitter->model);
  koe_fit_options_clear(&fitter->options);
  koe_free(fitter);
}

/* ── rows ───────────────────────────────────────────────────────────────────────────────────────
 */

/* Embeds the texts that wait. */
static koe_status embed_waiting(koe_fitter *fitter, koe_error *err) {
  koe_text texts[BATCH_TEXTS];
  size_t count = fitter->row_count - fitter->embedded;
  if (count == 0) return KOE_OK;
  if (!koe_grow(&fitter->features, &fitter->feature_capacity, fitter->row_count,
                fitter->dimension * sizeof *fitter->features)) {
    return koe_fail_nomem(err);
  }
  for (size_t i = 0; i < count; i++) {
    texts[i] =
        (koe_text){fitter->waiting + fitter->starts[i], fitter->starts[i + 1] - fitter->starts[i]};
  }
  koe_status status = koe_model_embed(fitter->model, texts, count,
                                      fitter->features + fitter->embedded * fitter->dimension, err);
  if (status != KOE_OK) return status;
  fitter->embedded = fitter->row_count;
  fitter->waiting_bytes = 0;
  return KOE_OK;
}

koe_status koe_fitter_add(koe_fitter *fitter, koe_text text, koe_text label, koe_error *err) {
  row added = {.hash = koe_hash(KOE_HASH_START, text.bytes, text.length),
               .index = (uint32_t)fitter->row_count};
  size_t most_rows = FEATURE_BYTES / (fitter->dimension * sizeof *fitter->features);
  if (fitter->row_count >= most_rows) {
    return koe_fail(err, KOE_TOO_LONG,
                    "more than %zu rows, whose embeddings fill 1 GiB: fit on a sample, as "
                    "FROM (SELECT … ORDER BY random() LIMIT 100000)",
                    most_rows);
  }
  koe_status status = koe_label_set_add(&fitter->labels, label, &added.class, err);
  if (status != KOE_OK) return status;
  size_t bytes = fitter->waiting_bytes + text.length;
  if (!koe_grow(&fitter->waiting, &fitter->waiting_capacity, bytes, 1) ||
      !koe_grow(&fitter->rows, &fitter->row_capacity, fitter->row_count + 1,
                sizeof *fitter->rows)) {
    return koe_fail_nomem(err);
  }
  if (text.length > 0) memcpy(fitter->waiting + fitter->waiting_bytes, text.bytes, text.length);
  size_t place = fitter->row_count - fitter->embedded;
  fitter->starts[place] = fitter->waiting_bytes;
  fitter->starts[place + 1] = bytes;
  fitter->waiting_bytes = bytes;
  fitter->rows[fitter->row_count++] = added;
  bool full = place + 1 == BATCH_TEXTS || bytes >= BATCH_BYTES;
  return full ? embed_waiting(fitter, err) : KOE_OK;
}

/* ── the fit ────────────────────────────────────────────────────────────────────────────────────
 */

static int by_class_and_text(const void *a, const void *b) {
  const row *x = a, *y = b;
  if (x->class != y->class) return x->class < y->class ? -1 : 1;
  if (x->hash != y->hash) return x->hash < y->hash ? -1 : 1;
  return x->index < y->index ? -1 : x->index > y->index;
}

/* Sorts the rows by label and then by text, so that sums and folds are the same however the rows
 * came; fills order and classes [row_count]. */
static koe_status order_rows(koe_fitter *fitter, uint32_t *order, uint32_t *classes,
                             koe_error *err) {
  uint32_t *ranks = koe_alloc(fitter->labels.count, sizeof *ranks);
  if (ranks == NULL) return koe_fail_nomem(err);
  for (size_t i = 0; i < fitter->labels.count; i++)
    ranks[fitter->labels.items[i].id] = (uint32_t)i;
  for (size_t i = 0; i < fitter->row_count; i++)
    fitter->rows[i].class = ranks[fitter->rows[i].class];
  koe_free(ranks);
  qsort(fitter->rows, fitter->row_count, sizeof *fitter->rows, by_class_and_text);
  for (size_t i = 0; i < fitter->row_count; i++) {
    order[i] = fitter->rows[i].index;
    classes[order[i]] = fitter->rows[i].class;
  }
  return KOE_OK;
}

static koe_status check_rows(const koe_fitter *fitter, koe_error *err) {
  if (fitter->row_count == 0) {
    return koe_fail(err, KOE_INVALID, "no rows with a text and a label to learn from");
  }
  if (fitter->labels.count == 1) {
    return koe_fail(err, KOE_INVALID,
                    "all rows have the one label '%.60s': there is nothing to tell apart",
                    fitter->labels.items[0].name);
  }
  return KOE_OK;
}

/* Fits weight [labels, dimension], with bias [labels] behind it. */
static koe_status fit(koe_fitter *fitter, float *weight, koe_error *err) {
  size_t rows = fitter->row_count, labels = fitter->labels.count;
  int64_t threads;
  koe_softmax_report report;
  uint32_t *order = koe_alloc(2 * rows, sizeof *order);
  if (order == NULL) return koe_fail_nomem(err);
  uint32_t *classes = order + rows;
  koe_status status = order_rows(fitter, order, classes, err);
  if (status == KOE_OK) status = koe_registry_config_get("threads", &threads, err);
  if (status == KOE_OK) {
    koe_labelled_rows data = {fitter->features, classes, order, rows, fitter->dimension, labels};
    koe_softmax_options options = {fitter->options.l2, fitter->options.balanced, (size_t)threads};
    status =
        koe_softmax_fit(&data, &options, weight, weight + labels * fitter->dimension, &report, err);
  }
  koe_free(order);
  return status;
}

koe_status koe_fitter_finish(koe_fitter *fitter, void **bytes, size_t *size, koe_error *err) {
  size_t labels = fitter->labels.count;
  float *weight = NULL;
  const char **names = NULL;
  *bytes = NULL;
  koe_status status = check_rows(fitter, err);
  if (status == KOE_OK) status = embed_waiting(fitter, err);
  if (status != KOE_OK) return status;
  weight = koe_alloc_aligned(labels, (fitter->dimension + 1) * sizeof *weight);
  names = koe_alloc(labels, sizeof *names);
  if (weight == NULL || names == NULL) {
    status = koe_fail_nomem(err);
    goto cleanup;
  }
  status = fit(fitter, weight, err);
  if (status != KOE_OK) goto cleanup;
  for (size_t i = 0; i < labels; i++)
    names[i] = fitter->labels.items[i].name;
  koe_fitted_head head = {.fingerprint = koe_model_fingerprint(fitter->model),
                          .model = fitter->options.model != NULL ? fitter->options.model
                                                                 : "default",
                          .labels = names,
                          .linear = {.weight = weight,
                                     .bias = weight + labels * fitter->dimension,
                                     .in_features = fitter->dimension,
                                     .out_features = labels}};
  status = koe_fitted_head_write(&head, bytes, size, err);

cleanup:
  koe_free(names);
  koe_free(weight);
  return status;
}
