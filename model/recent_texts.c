#include "recent_texts.h"

#include "hash.h"
#include "memory.h"
#include "model_open.h"

#include <stdbool.h>
#include <string.h>

enum { MOST_TEXTS = 256, MOST_BYTES = 1 << 20 };

/* What a text is known by. */
typedef struct key {
  uint64_t hash; /* of the rest */
  uint64_t model;
  koe_text text, pair;
  bool paired;
} key;

typedef struct entry {
  key key;          /* its texts are in this allocation */
  size_t bytes;     /* of this allocation */
  float *logits;    /* [labels] */
  float *embedding; /* [dimension] */
} entry;

/* What is looked through is apart: after a text, little of the rest is in the cache. */
struct koe_recent_texts {
  uint64_t hashes[MOST_TEXTS]; /* [count] */
  uint64_t used[MOST_TEXTS];   /* [count]: when, counted in uses */
  entry *entries[MOST_TEXTS];  /* [count] */
  size_t count;
  size_t bytes; /* of the entries */
  uint64_t uses;
};

koe_status koe_recent_texts_new(koe_recent_texts **out, koe_error *err) {
  *out = koe_alloc_zero(1, sizeof **out);
  return *out != NULL ? KOE_OK : koe_fail_nomem(err);
}

void koe_recent_texts_free(koe_recent_texts *recent) {
  if (recent == NULL) return;
  for (size_t i = 0; i < recent->count; i++)
    koe_free(recent->entries[i]);
  koe_free(recent);
}

static key make_key(const koe_model *model, const koe_text *text, const koe_text *pair) {
  key k = {.model = koe_model_serial(model), .text = *text, .paired = pair != NULL};
  if (pair != NULL) k.pair = *pair;
  const uint64_t numbers[] = {k.model, k.text.length, k.paired};
  k.hash = koe_hash(KOE_HASH_START, numbers, sizeof numbers);
  k.hash = koe_hash(k.hash, k.text.bytes, k.text.length);
  if (k.paired) k.hash = koe_hash(k.hash, k.pair.bytes, k.pair.length);
  return k;
}

static bool same_text(koe_text a, koe_text b) {
  return a.length == b.length && (a.length == 0 || memcmp(a.bytes, b.bytes, a.length) == 0);
}

static bool same_key(const key *a, const key *b) {
  return a->model == b->model && a->paired == b->paired && same_text(a->text, b->text) &&
         same_text(a->pair, b->pair);
}

static entry *find(koe_recent_texts *recent, const key *k) {
  for (size_t i = 0; i < recent->count; i++) {
    if (recent->hashes[i] == k->hash && same_key(&recent->entries[i]->key, k)) {
      recent->used[i] = ++recent->uses;
      return recent->entries[i];
    }
  }
  return NULL;
}

static void forget_oldest(koe_recent_texts *recent) {
  size_t oldest = 0, last = recent->count - 1;
  for (size_t i = 1; i < recent->count; i++) {
    if (recent->used[i] < recent->used[oldest]) oldest = i;
  }
  recent->bytes -= recent->entries[oldest]->bytes;
  koe_free(recent->entries[oldest]);
  recent->entries[oldest] = recent->entries[last];
  recent->hashes[oldest] = recent->hashes[last];
  recent->used[oldest] = recent->used[last];
  recent->count--;
}

static const char *copy_bytes(char *to, koe_text text) {
  if (text.length > 0) memcpy(to, text.bytes, text.length);
  return to;
}

/* Keeps what was computed of a text, unless it is too large for that. */
static koe_status keep(koe_recent_texts *recent, const key *k, const float *logits, size_t labels,
                       const float *embedding, size_t dimension, koe_error *err) {
  size_t floats = labels + dimension;
  if (k->text.length > MOST_BYTES || k->pair.length > MOST_BYTES) return KOE_OK;
  size_t bytes = sizeof(entry) + floats * sizeof(float) + k->text.length + k->pair.length;
  if (bytes > MOST_BYTES) return KOE_OK;
  entry *e = koe_alloc(1, bytes);
  if (e == NULL) return koe_fail_nomem(err);
  while (recent->count == MOST_TEXTS || recent->bytes + bytes > MOST_BYTES)
    forget_oldest(recent);
  float *numbers = (float *)(e + 1);
  char *texts = (char *)(numbers + floats);
  *e = (entry){.key = *k, .bytes = bytes};
  e->logits = numbers;
  e->embedding = numbers + labels;
  if (labels > 0) memcpy(e->logits, logits, labels * sizeof *logits);
  memcpy(e->embedding, embedding, dimension * sizeof *embedding);
  e->key.text.bytes = copy_bytes(texts, k->text);
  e->key.pair.bytes = copy_bytes(texts + k->text.length, k->pair);
  recent->hashes[recent->count] = k->hash;
  recent->used[recent->count] = ++recent->uses;
  recent->entries[recent->count++] = e;
  recent->bytes += bytes;
  return KOE_OK;
}

/* One call: its texts, and what is to be written of them. */
typedef struct call {
  const koe_model *model;
  size_t labels, dimension;
  const koe_outputs *out;
  key keys[KOE_RECENT_AT_ONCE];
  size_t missing[KOE_RECENT_AT_ONCE]; /* texts that are not known */
  size_t missing_count;
} call;

static void give(const call *c, size_t text, const float *logits, const float *embedding) {
  size_t labels = c->labels, dimension = c->dimension;
  if (c->out->logits != NULL)
    memcpy(c->out->logits + text * labels, logits, labels * sizeof *logits);
  if (c->out->embeddings != NULL)
    memcpy(c->out->embeddings + text * dimension, embedding, dimension * sizeof *embedding);
}

/* Encodes the texts that are not known, for logits and embeddings, whichever are asked for.
 *
 *   work [missing, labels + dimension] */
static koe_status encode_missing(koe_recent_texts *recent, const call *c, bool paired, float *work,
                                 koe_error *err) {
  koe_text texts[KOE_RECENT_AT_ONCE], pairs[KOE_RECENT_AT_ONCE];
  size_t n = c->missing_count;
  koe_outputs all = {c->labels > 0 ? work : NULL, work + n * c->labels};
  for (size_t i = 0; i < n; i++) {
    texts[i] = c->keys[c->missing[i]].text;
    pairs[i] = c->keys[c->missing[i]].pair;
  }
  koe_status status = koe_model_run(c->model, texts, paired ? pairs : NULL, n, &all, err);
  for (size_t i = 0; i < n && status == KOE_OK; i++) {
    const float *logits = work + i * c->labels, *embedding = all.embeddings + i * c->dimension;
    give(c, c->missing[i], logits, embedding);
    status = keep(recent, &c->keys[c->missing[i]], logits, c->labels, embedding, c->dimension, err);
  }
  return status;
}

koe_status koe_recent_texts_run(koe_recent_texts *recent, const koe_model *model,
                                const koe_text *texts, const koe_text *pairs, size_t count,
                                const koe_outputs *out, koe_error *err) {
  call c = {.model = model,
            .labels = koe_model_label_count(model),
            .dimension = koe_model_dimension(model),
            .out = out};
  if (out->logits != NULL && c.labels == 0) {
    return koe_model_no_head(model, KOE_HEAD_CLASSIFICATION, err);
  }
  for (size_t i = 0; i < count; i++) {
    c.keys[i] = make_key(model, &texts[i], pairs != NULL ? &pairs[i] : NULL);
    const entry *known = find(recent, &c.keys[i]);
    if (known != NULL) {
      give(&c, i, known->logits, known->embedding);
    } else {
      c.missing[c.missing_count++] = i;
    }
  }
  if (c.missing_count == 0) return KOE_OK;
  float *work = koe_alloc(c.missing_count, (c.labels + c.dimension) * sizeof *work);
  if (work == NULL) return koe_fail_nomem(err);
  koe_status status = encode_missing(recent, &c, pairs != NULL, work, err);
  koe_free(work);
  /* A head that is damaged is no reason not to embed. */
  return status == KOE_OK ? KOE_OK : koe_model_run(model, texts, pairs, count, out, err);
}
