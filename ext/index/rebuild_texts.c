#include "rebuild_texts.h"

#include "../pace.h"

#include "../../model/memory.h"

#include <string.h>

SQLITE_EXTENSION_INIT3

/* At most so many texts, and bytes of them, are embedded at once; and rows between two looks at how
 * far it is. */
enum { MOST_TEXTS = 256, MOST_BYTES = 8 << 20, TOLD_ROWS = 256 };

static double delay = 1;

typedef struct pending_text {
  size_t end; /* of it in `bytes`; it begins where the one before ends */
  float *to;
} pending_text;

struct koe_rebuild_texts {
  koe_index *index;
  const koe_model *model;
  size_t dimension;
  char *bytes; /* of the texts that wait, one after the other */
  size_t length, capacity;
  pending_text pending[MOST_TEXTS]; /* [count] */
  koe_text_key keys[MOST_TEXTS];    /* [count] */
  size_t count;
  float *outputs; /* [MOST_TEXTS, dimension] */
  float *early;   /* [early_count, dimension]: vectors of the time before there is a journal */
  koe_text_key *early_keys; /* [early_count] */
  size_t early_count, early_capacity, early_key_capacity;
  koe_pace pace;
  koe_journal *journal;
  koe_operation *operation;
  koe_operation_state state;
  int64_t rows;   /* read */
  double began;   /* when, by koe_pace_clock */
  double encoded; /* the same of the first batch; 0 before */
};

void koe_rebuild_texts_set_delay(double seconds) {
  delay = seconds;
}

int koe_rebuild_texts_open(koe_index *index, const koe_model *model, const koe_rebuild_file *file,
                           int64_t total, koe_rebuild_texts **out) {
  koe_error err;
  koe_rebuild_texts *t = koe_alloc_zero(1, sizeof *t);
  *out = NULL;
  if (t == NULL) return SQLITE_NOMEM;
  t->index = index;
  t->model = model;
  t->dimension = koe_model_dimension(model);
  t->state.total = total;
  t->began = koe_pace_clock();
  koe_pace_init(&t->pace, model);
  t->outputs = koe_alloc_aligned(MOST_TEXTS * t->dimension, sizeof *t->outputs);
  /* More than its texts a file can have only where the source has changed. */
  t->journal = koe_journal_open(file, koe_model_fingerprint(model), t->dimension, 2 * total + 1024);
  if (t->outputs == NULL || t->journal == NULL ||
      koe_operation_begin(file->database, index->name, "rebuild", &t->operation, &err) != KOE_OK) {
    koe_rebuild_texts_close(t);
    return SQLITE_NOMEM;
  }
  t->state.resumable = koe_journal_is_open(t->journal);
  koe_operation_update(t->operation, &t->state);
  *out = t;
  return SQLITE_OK;
}

static void clear_kept(koe_rebuild_texts *t) {
  koe_free(t->early);
  koe_free(t->early_keys);
  t->early = NULL;
  t->early_keys = NULL;
  t->early_count = t->early_capacity = t->early_key_capacity = 0;
}

void koe_rebuild_texts_close(koe_rebuild_texts *t) {
  if (t == NULL) return;
  koe_operation_end(t->operation);
  koe_journal_close(t->journal);
  clear_kept(t);
  koe_free(t->bytes);
  koe_free(t->outputs);
  koe_free(t);
}

/* ── how far ────────────────────────────────────────────────────────────────────────────────────
 */

static void measure(koe_rebuild_texts *t) {
  t->state.done = t->rows - (int64_t)t->count;
  t->state.seconds = t->encoded > 0 ? koe_pace_clock() - t->encoded : 0;
  t->state.resumable = koe_journal_is_open(t->journal);
}

void koe_rebuild_texts_count_row(koe_rebuild_texts *t) {
  if (++t->rows % TOLD_ROWS != 0) return;
  measure(t);
  koe_operation_update(t->operation, &t->state);
}

bool koe_rebuild_texts_saved(const koe_rebuild_texts *t) {
  return koe_journal_has_file(t->journal);
}

/* ── texts ──────────────────────────────────────────────────────────────────────────────────────
 */

/* Keeps a batch for a journal to come; where memory is short, it is not saved. */
static void keep(koe_rebuild_texts *t, size_t count) {
  size_t size = t->dimension * sizeof *t->early;
  if (!koe_grow(&t->early, &t->early_capacity, t->early_count + count, size) ||
      !koe_grow(&t->early_keys, &t->early_key_capacity, t->early_count + count,
                sizeof *t->early_keys)) {
    return;
  }
  memcpy(t->early + t->early_count * t->dimension, t->outputs, count * size);
  memcpy(t->early_keys + t->early_count, t->keys, count * sizeof *t->keys);
  t->early_count += count;
}

/* After a batch.  A rebuild of a second or so leaves no file and takes no time for one. */
static void save(koe_rebuild_texts *t, size_t count) {
  measure(t);
  if (!koe_journal_is_open(t->journal) && koe_pace_clock() - t->began < delay) {
    keep(t, count);
  } else {
    koe_journal_start(t->journal);
    koe_journal_append(t->journal, t->early_keys, t->early, t->early_count, &t->state);
    clear_kept(t);
    koe_journal_append(t->journal, t->keys, t->outputs, count, &t->state);
  }
  t->state.resumable = koe_journal_is_open(t->journal);
  koe_operation_update(t->operation, &t->state);
}

static koe_status embed(koe_rebuild_texts *t, koe_error *err) {
  koe_text texts[MOST_TEXTS];
  for (size_t i = 0, begin = 0; i < t->count; begin = t->pending[i++].end)
    texts[i] = (koe_text){.bytes = t->bytes + begin, .length = t->pending[i].end - begin};
  double start = koe_pace_clock();
  if (t->encoded == 0) t->encoded = start;
  koe_status status = koe_model_embed(t->model, texts, t->count, t->outputs, err);
  koe_pace_end(&t->pace, koe_pace_clock() - start);
  return status;
}

int koe_rebuild_texts_flush(koe_rebuild_texts *t) {
  koe_error err;
  size_t count = t->count;
  if (count == 0) return SQLITE_OK;
  if (embed(t, &err) != KOE_OK) return koe_index_model_failed(t->index, &err);
  for (size_t i = 0; i < count; i++)
    memcpy(t->pending[i].to, t->outputs + i * t->dimension, t->dimension * sizeof *t->outputs);
  t->count = t->length = 0;
  save(t, count);
  return SQLITE_OK;
}

int koe_rebuild_texts_add(koe_rebuild_texts *t, koe_text text, float *to) {
  bool resumed = false;
  koe_text_key *key = &t->keys[t->count];
  koe_journal_key(t->journal, text, key);
  if (koe_journal_find(t->journal, key, to, &resumed)) {
    t->state.resumed += resumed;
    return SQLITE_OK;
  }
  if (!koe_grow(&t->bytes, &t->capacity, t->length + text.length, 1)) return SQLITE_NOMEM;
  if (text.length > 0) memcpy(t->bytes + t->length, text.bytes, text.length);
  t->length += text.length;
  t->pending[t->count++] = (pending_text){.end = t->length, .to = to};
  koe_pace_add(&t->pace, text.length);
  if (t->count < MOST_TEXTS && t->length < MOST_BYTES && !koe_pace_is_full(&t->pace)) {
    return SQLITE_OK;
  }
  return koe_rebuild_texts_flush(t);
}
