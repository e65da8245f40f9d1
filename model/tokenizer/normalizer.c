#include "normalizer.h"

#include "../memory.h"
#include "folding.h"

#include <stdlib.h>
#include <string.h>

void koe_normalizer_start(koe_normalizer *normalizer, const koe_tokenizer *tokenizer,
                          int32_t segment) {
  /* Field by field: the word's 2 KB need no clearing, and most texts are short. */
  normalizer->tokenizer = tokenizer;
  normalizer->segment = segment;
  normalizer->word.count = 0;
  normalizer->raw = (koe_run){0};
  normalizer->composed = NULL;
  normalizer->composed_capacity = 0;
  normalizer->marks = (koe_run){0};
  normalizer->spans = NULL;
  normalizer->span_count = 0;
  normalizer->span_capacity = 0;
  normalizer->last = (koe_span){0, 0};
}

void koe_normalizer_stop(koe_normalizer *normalizer) {
  koe_free(normalizer->raw.characters);
  koe_free(normalizer->composed);
  koe_free(normalizer->marks.characters);
  koe_free(normalizer->spans);
}

/* ── runs of characters in canonical order ──────────────────────────────────────────────────────
 */

static bool append(koe_run *run, uint32_t character, uint8_t class, bool inserted) {
  if (!koe_grow(&run->characters, &run->capacity, run->count + 1, sizeof *run->characters)) {
    return false;
  }
  run->characters[run->count] =
      (koe_run_character){character, (uint32_t)run->count, class, inserted};
  run->count++;
  return true;
}

static int compare_order(const void *a, const void *b) {
  const koe_run_character *x = a;
  const koe_run_character *y = b;
  if (x->class != y->class) return x->class < y->class ? -1 : 1;
  return (x->place > y->place) - (x->place < y->place);
}

static void sort_run(koe_run_character *characters, size_t count) {
  if (count > 1) qsort(characters, count, sizeof *characters, compare_order);
}

/* ── the last stages: lower case, words ─────────────────────────────────────────────────────────
 */

static koe_status finish_word(koe_normalizer *n, koe_tokens *out, koe_error *err) {
  return koe_word_finish(&n->word, n->tokenizer, n->segment, out, err);
}

/* A character as WordPiece sees it; ideographs are told apart before, in `clean`. */
static koe_status add_to_word(koe_normalizer *n, uint32_t character, koe_span span, koe_tokens *out,
                              koe_error *err) {
  uint32_t symbol;
  koe_character_class class = koe_alphabet_look_up(&n->tokenizer->alphabet, character, &symbol);
  if (class != KOE_CHAR_PUNCTUATION) {
    koe_word_add(&n->word, symbol, span);
    return KOE_OK;
  }
  koe_status status = finish_word(n, out, err);
  if (status != KOE_OK) return status;
  koe_word_add(&n->word, symbol, span);
  return finish_word(n, out, err);
}

static koe_status lower(koe_normalizer *n, uint32_t character, koe_span span, koe_tokens *out,
                        koe_error *err) {
  if (!n->tokenizer->options.do_lower_case) return add_to_word(n, character, span, out, err);
  uint32_t lowered[KOE_LOWER_MAX];
  size_t count = koe_lower_case(character, lowered);
  for (size_t i = 0; i < count; i++) {
    koe_status status = add_to_word(n, lowered[i], span, out, err);
    if (status != KOE_OK) return status;
  }
  return KOE_OK;
}

/* ── accents ────────────────────────────────────────────────────────────────────────────────────
 */

/* Sorts the run, drops accents, passes the rest on.  Spans go by the order after sorting, as the
 * crate's do. */
static koe_status flush_marks(koe_normalizer *n, koe_tokens *out, koe_error *err) {
  koe_status status = KOE_OK;
  size_t spans = 0;
  sort_run(n->marks.characters, n->marks.count);
  for (size_t i = 0; i < n->marks.count && status == KOE_OK; i++) {
    const koe_run_character *mark = &n->marks.characters[i];
    if (!mark->inserted) n->last = n->spans[spans++];
    if (!koe_is_accent(mark->character)) {
      status = lower(n, mark->character, n->last, out, err);
    }
  }
  n->marks.count = 0;
  n->span_count = 0;
  return status;
}

static koe_status strip(koe_normalizer *n, uint32_t character, koe_span span, koe_tokens *out,
                        koe_error *err) {
  if (!n->tokenizer->options.strip_accents) return lower(n, character, span, out, err);
  uint32_t parts[KOE_DECOMPOSED_MAX];
  size_t count = koe_decompose(character, parts);
  for (size_t i = 0; i < count; i++) {
    uint8_t class = koe_combining_class(parts[i]);
    if (class == 0) {
      koe_status status = flush_marks(n, out, err);
      if (status != KOE_OK) return status;
    }
    if (!append(&n->marks, parts[i], class, i > 0)) return koe_fail_nomem(err);
    if (i > 0) continue;
    if (!koe_grow(&n->spans, &n->span_capacity, n->span_count + 1, sizeof *n->spans)) {
      return koe_fail_nomem(err);
    }
    n->spans[n->span_count++] = span;
  }
  return KOE_OK;
}

/* ── clean_text and ideographs ──────────────────────────────────────────────────────────────────
 */

static koe_status end_word(koe_normalizer *n, koe_tokens *out, koe_error *err) {
  koe_status status = flush_marks(n, out, err);
  return status == KOE_OK ? finish_word(n, out, err) : status;
}

static koe_status clean(koe_normalizer *n, uint32_t character, koe_span span, koe_tokens *out,
                        koe_error *err) {
  uint32_t symbol;
  koe_status status;
  switch (koe_alphabet_look_up(&n->tokenizer->alphabet, character, &symbol)) {
  case KOE_CHAR_REMOVED:
    return KOE_OK;
  case KOE_CHAR_SPACE:
    return end_word(n, out, err);
  case KOE_CHAR_IDEOGRAPH:
    status = end_word(n, out, err);
    if (status == KOE_OK) status = strip(n, character, span, out, err);
    return status == KOE_OK ? end_word(n, out, err) : status;
  case KOE_CHAR_WORD:
  case KOE_CHAR_PUNCTUATION:
    break;
  }
  return strip(n, character, span, out, err);
}

/* ── composing ──────────────────────────────────────────────────────────────────────────────────
 */

/* Writes the NFC of the raw run to `composed`; 0 characters if memory is short. */
static size_t compose_raw(koe_normalizer *n) {
  koe_run run = {0};
  size_t count = 0;
  for (size_t i = 0; i < n->raw.count; i++) {
    uint32_t parts[KOE_DECOMPOSED_MAX];
    size_t length = koe_decompose(n->raw.characters[i].character, parts);
    for (size_t k = 0; k < length; k++) {
      if (!append(&run, parts[k], koe_combining_class(parts[k]), false)) goto cleanup;
    }
  }
  for (size_t start = 0, end; start < run.count; start = end) {
    end = start + 1;
    while (end < run.count && run.characters[end].class != 0)
      end++;
    sort_run(run.characters + start, end - start);
  }
  if (!koe_grow(&n->composed, &n->composed_capacity, run.count, sizeof *n->composed)) goto cleanup;
  for (size_t i = 0; i < run.count; i++)
    n->composed[i] = run.characters[i].character;
  count = koe_compose(n->composed, run.count);

cleanup:
  koe_free(run.characters);
  return count;
}

static bool composing_changes(const koe_normalizer *n, size_t count) {
  if (count != n->raw.count) return true;
  for (size_t i = 0; i < count; i++) {
    if (n->composed[i] != n->raw.characters[i].character) return true;
  }
  return false;
}

static koe_status flush_raw(koe_normalizer *n, koe_tokens *out, koe_error *err) {
  koe_status status = KOE_OK;
  if (n->raw.count == 0) return KOE_OK;
  size_t count = compose_raw(n);
  if (count == 0) return koe_fail_nomem(err);

  bool changed = composing_changes(n, count);
  koe_span run = {n->raw_start, n->raw_start + (int64_t)n->raw.count};
  for (size_t i = 0; i < count && status == KOE_OK; i++) {
    int64_t own = n->raw_start + (int64_t)i;
    status = clean(n, n->composed[i], changed ? run : (koe_span){own, own + 1}, out, err);
  }
  n->raw.count = 0;
  return status;
}

koe_status koe_normalizer_read(koe_normalizer *normalizer, uint32_t character, int64_t position,
                               koe_tokens *out, koe_error *err) {
  if (!normalizer->tokenizer->options.normalize_nfc) {
    return clean(normalizer, character, (koe_span){position, position + 1}, out, err);
  }
  if (!koe_joins_previous(character)) {
    koe_status status = flush_raw(normalizer, out, err);
    if (status != KOE_OK) return status;
  }
  if (normalizer->raw.count == 0) normalizer->raw_start = position;
  return append(&normalizer->raw, character, 0, false) ? KOE_OK : koe_fail_nomem(err);
}

koe_status koe_normalizer_end(koe_normalizer *normalizer, koe_tokens *out, koe_error *err) {
  koe_status status = flush_raw(normalizer, out, err);
  return status == KOE_OK ? end_word(normalizer, out, err) : status;
}
