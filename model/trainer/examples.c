#include "examples.h"

#include "../hash.h"
#include "../memory.h"
#include "../tokenizer/unicode.h"
#include "examples_input.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { FIRST_SLOTS = 64, MAX_LABELS = 100000 };

/* ── messages ───────────────────────────────────────────────────────────────────────────────────
 */

koe_status koe_fail_at(koe_error *err, const koe_place *place, const char *format, ...) {
  char message[400];
  va_list args;
  va_start(args, format);
  vsnprintf(message, sizeof message, format, args);
  va_end(args);
  return koe_fail(err, KOE_FORMAT, "%.300s, %s %zu: %s", place->path, place->unit, place->number,
                  message);
}

/* Fails unless all of `text` is UTF-8 without NUL. */
static koe_status check_text(koe_text text, const char *what, const koe_place *place,
                             koe_error *err) {
  if (text.length > INT32_MAX) {
    return koe_fail(err, KOE_TOO_LONG, "%.300s, %s %zu: the %s has 2 GB or more", place->path,
                    place->unit, place->number, what);
  }
  for (size_t at = 0; at < text.length;) {
    uint32_t character;
    size_t length = koe_utf8_decode(text.bytes + at, text.length - at, &character);
    bool invalid = character == KOE_REPLACEMENT_CHARACTER &&
                   (length != 3 || memcmp(text.bytes + at, "\xEF\xBF\xBD", 3) != 0);
    if (invalid || character == 0) {
      return koe_fail_at(err, place, "the %s %s at byte %zu", what,
                         invalid ? "is not valid UTF-8" : "has a NUL character", at + 1);
    }
    at += length;
  }
  return KOE_OK;
}

/* ── appending ──────────────────────────────────────────────────────────────────────────────────
 */

koe_status koe_examples_copy(koe_examples *examples, koe_text text, const char *what,
                             const koe_place *place, koe_stretch *out, koe_error *err) {
  koe_status status = check_text(text, what, place, err);
  if (status != KOE_OK) return status;
  if (!koe_grow(&examples->bytes, &examples->byte_capacity, examples->byte_count + text.length,
                1)) {
    return koe_fail_nomem(err);
  }
  *out = (koe_stretch){examples->byte_count, text.length};
  if (text.length > 0) memcpy(examples->bytes + examples->byte_count, text.bytes, text.length);
  examples->byte_count += text.length;
  return KOE_OK;
}

koe_status koe_examples_add_empty(koe_examples *examples, koe_example **out, koe_error *err) {
  if (!koe_grow(&examples->items, &examples->capacity, examples->count + 1,
                sizeof *examples->items)) {
    return koe_fail_nomem(err);
  }
  *out = &examples->items[examples->count++];
  **out =
      (koe_example){.label = -1, .words = examples->word_count, .answers = examples->answer_count};
  return KOE_OK;
}

/* A decimal number and nothing else. */
static koe_status parse_number(koe_text text, const koe_place *place, float *out, koe_error *err) {
  char digits[64];
  char *end = digits;
  double number = NAN;
  if (text.length > 0 && text.length < sizeof digits) {
    memcpy(digits, text.bytes, text.length);
    digits[text.length] = '\0';
    number = strtod(digits, &end);
  }
  if (end != digits + text.length || !isfinite(number)) {
    return koe_fail_at(err, place, "the label \"%.*s\" is not a number",
                       (int)(text.length < 80 ? text.length : 80), text.bytes);
  }
  *out = (float)number;
  return KOE_OK;
}

koe_status koe_examples_add(koe_examples *examples, const koe_row *row, koe_label_kind labels,
                            const koe_place *place, koe_error *err) {
  koe_example *example;
  koe_status status = koe_examples_add_empty(examples, &example, err);
  if (status != KOE_OK) return status;
  status = koe_examples_copy(examples, row->text, "text", place, &example->text, err);
  if (status == KOE_OK && row->pair.bytes != NULL) {
    status = koe_examples_copy(examples, row->pair, "second text", place, &example->pair, err);
  }
  if (status == KOE_OK && labels != KOE_LABELS_NONE) {
    status = check_text(row->label, "label", place, err);
  }
  if (status == KOE_OK && labels == KOE_LABELS_NUMBERS) {
    status = parse_number(row->label, place, &example->number, err);
  }
  if (status == KOE_OK && labels == KOE_LABELS_CLASSES) {
    status = koe_examples_label(examples, row->label, place, &example->label, err);
  }
  return status;
}

/* ── labels ─────────────────────────────────────────────────────────────────────────────────────
 */

static size_t find_label_slot(const koe_examples *examples, koe_text name) {
  uint64_t hash = koe_hash(KOE_HASH_START, name.bytes, name.length);
  size_t mask = examples->label_slot_count - 1;
  size_t slot = (hash ^ hash >> 32) & mask;
  while (examples->label_slots[slot] != 0) {
    const char *found = examples->labels[examples->label_slots[slot] - 1];
    if (strlen(found) == name.length && memcmp(found, name.bytes, name.length) == 0) break;
    slot = (slot + 1) & mask;
  }
  return slot;
}

/* Enters all labels anew in a table of at least twice as many slots.  False if memory is short. */
static bool index_labels(koe_examples *examples, size_t count) {
  size_t wanted = FIRST_SLOTS;
  while (wanted / 2 < count)
    wanted *= 2;
  uint32_t *slots = koe_alloc_zero(wanted, sizeof *slots);
  if (slots == NULL) return false;
  koe_free(examples->label_slots);
  examples->label_slots = slots;
  examples->label_slot_count = wanted;
  for (size_t i = 0; i < examples->num_labels; i++) {
    const char *name = examples->labels[i];
    slots[find_label_slot(examples, (koe_text){name, strlen(name)})] = (uint32_t)i + 1;
  }
  return true;
}

koe_status koe_examples_label(koe_examples *examples, koe_text name, const koe_place *place,
                              int32_t *out, koe_error *err) {
  if (name.length == 0) return koe_fail_at(err, place, "the label is empty");
  if (examples->num_labels >= examples->label_slot_count / 2 &&
      !index_labels(examples, examples->num_labels + 1)) {
    return koe_fail_nomem(err);
  }
  size_t slot = find_label_slot(examples, name);
  if (examples->label_slots[slot] == 0) {
    if (examples->num_labels == MAX_LABELS) {
      return koe_fail_at(err, place, "more than %d different labels: is it a number to learn?",
                         MAX_LABELS);
    }
    if (!koe_grow(&examples->labels, &examples->label_capacity, examples->num_labels + 1,
                  sizeof *examples->labels)) {
      return koe_fail_nomem(err);
    }
    char *copy = koe_copy_string(name.bytes, name.length);
    if (copy == NULL) return koe_fail_nomem(err);
    examples->labels[examples->num_labels++] = copy;
    examples->label_slots[slot] = (uint32_t)examples->num_labels;
  }
  *out = (int32_t)examples->label_slots[slot] - 1;
  return KOE_OK;
}

/* ── finishing ──────────────────────────────────────────────────────────────────────────────────
 */

static int compare_names(const void *a, const void *b) {
  return strcmp(*(char *const *)a, *(char *const *)b);
}

/* The labels in the order that they are to have; the array and its strings are the caller's. */
static koe_status final_labels(const koe_examples *examples, const koe_examples *same, char ***out,
                               size_t *count, koe_error *err) {
  const koe_examples *source = same != NULL ? same : examples;
  char **labels = koe_alloc_zero(source->num_labels, sizeof *labels);
  *out = labels;
  *count = labels != NULL ? source->num_labels : 0;
  if (labels == NULL) return koe_fail_nomem(err);
  for (size_t i = 0; i < source->num_labels; i++) {
    labels[i] = koe_copy_string(source->labels[i], strlen(source->labels[i]));
    if (labels[i] == NULL) return koe_fail_nomem(err);
  }
  if (same == NULL && *count > 0) qsort(labels, *count, sizeof *labels, compare_names);
  return KOE_OK;
}

static void free_labels(char **labels, size_t count) {
  for (size_t i = 0; i < count; i++)
    koe_free(labels[i]);
  koe_free(labels);
}

/* numbers [examples->num_labels]: what each old number becomes. */
static koe_status map_labels(const koe_examples *examples, char **labels, size_t count,
                             int32_t *numbers, koe_error *err) {
  for (size_t i = 0; i < examples->num_labels; i++) {
    numbers[i] = -1;
    for (size_t low = 0, high = count; low < high;) {
      size_t middle = low + (high - low) / 2;
      int order = strcmp(labels[middle], examples->labels[i]);
      if (order == 0) {
        numbers[i] = (int32_t)middle;
        break;
      }
      if (order < 0) {
        low = middle + 1;
      } else {
        high = middle;
      }
    }
    if (numbers[i] < 0) {
      return koe_fail(err, KOE_INVALID, "the label \"%.200s\" is not among the %zu of training",
                      examples->labels[i], count);
    }
  }
  return KOE_OK;
}

koe_status koe_examples_finish(koe_examples *examples, const koe_examples *same, koe_error *err) {
  char **labels = NULL;
  int32_t *numbers = NULL;
  size_t count = 0;
  if (examples->count == 0) return koe_fail(err, KOE_INVALID, "there are no examples");
  koe_status status = final_labels(examples, same, &labels, &count, err);
  if (status != KOE_OK) goto cleanup;
  numbers = koe_alloc(examples->num_labels, sizeof *numbers);
  if (numbers == NULL) {
    status = koe_fail_nomem(err);
    goto cleanup;
  }
  status = map_labels(examples, labels, count, numbers, err);
  if (status != KOE_OK) goto cleanup;
  for (size_t i = 0; i < examples->count; i++) {
    int32_t *label = &examples->items[i].label;
    if (*label >= 0) *label = numbers[*label];
  }
  for (size_t i = 0; i < examples->word_count; i++)
    examples->words[i].tag = numbers[examples->words[i].tag];
  char **old = examples->labels;
  size_t old_count = examples->num_labels;
  examples->labels = labels;
  examples->num_labels = count;
  examples->label_capacity = count;
  labels = old;
  count = old_count;
  if (!index_labels(examples, examples->num_labels)) status = koe_fail_nomem(err);

cleanup:
  free_labels(labels, count);
  koe_free(numbers);
  return status;
}

void koe_examples_clear(koe_examples *examples) {
  koe_free(examples->bytes);
  koe_free(examples->items);
  koe_free(examples->words);
  koe_free(examples->answers);
  free_labels(examples->labels, examples->num_labels);
  koe_free(examples->label_slots);
  memset(examples, 0, sizeof *examples);
}

/* ── files by the end of their name ─────────────────────────────────────────────────────────────
 */

static bool ends_with(const char *path, const char *end) {
  size_t length = strlen(path), end_length = strlen(end);
  return length > end_length && strcmp(path + length - end_length, end) == 0;
}

koe_status koe_examples_read(koe_examples *examples, const char *path, const koe_columns *columns,
                             koe_error *err) {
  size_t before = examples->count;
  koe_status status;
  if (ends_with(path, ".tsv")) {
    status = koe_examples_read_tsv(examples, path, columns, err);
  } else if (ends_with(path, ".jsonl")) {
    status = koe_examples_read_json_lines(examples, path, columns, err);
  } else if (ends_with(path, ".json")) {
    status = koe_examples_read_json(examples, path, columns, err);
  } else if (ends_with(path, ".txt") && columns->labels == KOE_LABELS_NONE) {
    status = koe_examples_read_lines(examples, path, err);
  } else {
    return koe_fail(err, KOE_INVALID,
                    "%s: examples are read from files named .tsv, .json and .jsonl, texts without "
                    "labels from .txt too",
                    path);
  }
  if (status == KOE_OK && examples->count == before) {
    status = koe_fail(err, KOE_FORMAT, "%s has no rows", path);
  }
  return status;
}
