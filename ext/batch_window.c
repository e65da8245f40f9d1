#include "batch_window.h"

#include "../model/memory.h"

#include <string.h>

SQLITE_EXTENSION_INIT3

/* Bounds of a window: rows, bytes of texts and ids, bytes of what is computed of them. */
enum { MOST_ROWS = 4096, MOST_BYTES = 4 << 20, MOST_OUTPUT_BYTES = 16 << 20 };

static size_t most_rows(const koe_classifier *classifier, int wanted) {
  size_t width = 1;
  if ((wanted & KOE_BATCH_LOGITS) != 0) width += koe_classifier_label_count(classifier);
  if ((wanted & KOE_BATCH_EMBEDDINGS) != 0) {
    width += koe_model_dimension(koe_classifier_model(classifier));
  }
  size_t rows = MOST_OUTPUT_BYTES / (width * sizeof(float));
  return rows < 1 ? 1 : rows > MOST_ROWS ? MOST_ROWS : rows;
}

static void empty(koe_batch_window *window) {
  for (size_t i = 0; i < window->count; i++)
    sqlite3_value_free(window->rows[i].id);
  window->count = window->text_count = window->length = 0;
}

/* ── reading ────────────────────────────────────────────────────────────────────────────────────
 */

/* Keeps a text and its pair, as lengths until fix_texts knows where the bytes are. */
static bool keep_texts(koe_batch_window *window, koe_text text, const koe_text *pair) {
  size_t n = window->text_count, pair_length = pair != NULL ? pair->length : 0;
  if (!koe_grow(&window->texts, &window->text_capacity, n + 1, sizeof *window->texts) ||
      !koe_grow(&window->pairs, &window->pair_capacity, n + 1, sizeof *window->pairs) ||
      !koe_grow(&window->bytes, &window->byte_capacity,
                window->length + text.length + pair_length + 1, 1)) {
    return false;
  }
  memcpy(window->bytes + window->length, text.bytes, text.length);
  window->length += text.length;
  if (pair != NULL) memcpy(window->bytes + window->length, pair->bytes, pair_length);
  window->length += pair_length;
  window->texts[n].length = text.length;
  window->pairs[n].length = pair_length;
  window->text_count++;
  return true;
}

static void fix_texts(koe_batch_window *window) {
  const char *bytes = window->bytes;
  for (size_t i = 0; i < window->text_count; i++) {
    window->texts[i].bytes = bytes;
    bytes += window->texts[i].length;
    window->pairs[i].bytes = bytes;
    bytes += window->pairs[i].length;
  }
}

/* Bytes that a copy of a value takes beside the value itself. */
static size_t value_bytes(sqlite3_value *value) {
  int type = sqlite3_value_type(value);
  return type == SQLITE_TEXT || type == SQLITE_BLOB ? (size_t)sqlite3_value_bytes(value) : 0;
}

/* Adds the row that `select` is at. */
static koe_status add_row(koe_batch_window *window, const koe_batch_select *select, int wanted,
                          koe_error *err) {
  koe_text text, pair = {"", 0};
  bool is_null, no_pair = false;
  koe_status status = koe_batch_select_text(select, KOE_BATCH_TEXT_COLUMN, &text, &is_null, err);
  if (status == KOE_OK && select->paired) {
    status = koe_batch_select_text(select, KOE_BATCH_PAIR_COLUMN, &pair, &no_pair, err);
  }
  if (status != KOE_OK) return status;
  if (!koe_grow(&window->rows, &window->row_capacity, window->count + 1, sizeof *window->rows)) {
    return koe_fail_nomem(err);
  }
  koe_batch_row row = {NULL, KOE_BATCH_NO_TEXT};
  if (!is_null && !no_pair && (wanted & ~KOE_BATCH_ID) != 0) {
    row.text = window->text_count;
    if (!keep_texts(window, text, select->paired ? &pair : NULL)) return koe_fail_nomem(err);
  }
  if ((wanted & KOE_BATCH_ID) != 0) {
    row.id = sqlite3_value_dup(sqlite3_column_value(select->statement, KOE_BATCH_ID_COLUMN));
    if (row.id == NULL) return koe_fail_nomem(err);
  }
  window->rows[window->count++] = row;
  return KOE_OK;
}

static int read_rows(koe_batch_window *window, koe_batch_select *select,
                     const koe_classifier *classifier, int wanted, koe_error *err) {
  size_t most = most_rows(classifier, wanted), id_bytes = 0;
  while (select->statement != NULL && window->count < most && !koe_pace_is_full(&window->pace) &&
         window->length + id_bytes < MOST_BYTES) {
    int code = koe_batch_select_step(select, err);
    if (code == SQLITE_DONE) break;
    if (code != SQLITE_ROW) return code;
    size_t length = window->length;
    koe_status status = add_row(window, select, wanted, err);
    if (status != KOE_OK) return koe_sql_code(status);
    koe_pace_add(&window->pace, window->length - length);
    sqlite3_value *id = window->rows[window->count - 1].id;
    if (id != NULL) id_bytes += value_bytes(id);
  }
  fix_texts(window);
  return SQLITE_OK;
}

/* ── computing ──────────────────────────────────────────────────────────────────────────────────
 */

static void find_labels(koe_batch_window *window, const koe_classifier *classifier) {
  size_t labels = koe_classifier_label_count(classifier), first = window->group.first;
  for (size_t i = 0; i < window->text_count; i++) {
    float *scores = window->scores + i * labels;
    window->labels[i] = first + koe_model_largest(scores + first, window->group.count);
    koe_classifier_probabilities(classifier, scores);
  }
}

static koe_status encode(koe_batch_window *window, const koe_batch_select *select,
                         const koe_classifier *classifier, int wanted, koe_error *err) {
  size_t count = window->text_count, labels = koe_classifier_label_count(classifier);
  size_t dimension = koe_model_dimension(koe_classifier_model(classifier));
  koe_outputs out = {NULL, NULL};
  if ((wanted & KOE_BATCH_LOGITS) != 0) {
    if (!koe_grow(&window->scores, &window->score_capacity, count * labels + 1,
                  sizeof *window->scores) ||
        !koe_grow(&window->labels, &window->label_capacity, count, sizeof *window->labels)) {
      return koe_fail_nomem(err);
    }
    out.logits = window->scores;
  }
  if ((wanted & KOE_BATCH_EMBEDDINGS) != 0) {
    if (!koe_grow(&window->embeddings, &window->embedding_capacity, count * dimension,
                  sizeof *window->embeddings)) {
      return koe_fail_nomem(err);
    }
    out.embeddings = window->embeddings;
  }
  koe_status status = koe_classifier_run(classifier, window->texts,
                                         select->paired ? window->pairs : NULL, count, &out, err);
  if (status == KOE_OK && out.logits != NULL) find_labels(window, classifier);
  return status;
}

/* What takes more than one window koelectra_progress tells of. */
static koe_status tell(koe_batch_window *window, koe_error *err) {
  if (window->given.done > 0 && window->operation == NULL) {
    koe_status status =
        koe_operation_begin("", "koelectra_batch", "batch", &window->operation, err);
    if (status != KOE_OK) return status;
  }
  window->given.total = -1;
  window->given.done += (int64_t)window->count;
  window->given.seconds = koe_pace_clock() - window->began;
  koe_operation_update(window->operation, &window->given);
  return KOE_OK;
}

int koe_batch_window_fill(koe_batch_window *window, koe_batch_select *select,
                          const koe_classifier *classifier, int wanted, koe_error *err) {
  empty(window);
  if (window->pace.limit == 0) {
    koe_pace_init(&window->pace, koe_classifier_model(classifier));
    window->began = koe_pace_clock();
  }
  int code = read_rows(window, select, classifier, wanted, err);
  double start = koe_pace_clock();
  if (code == SQLITE_OK && window->text_count > 0) {
    code = koe_sql_code(encode(window, select, classifier, wanted, err));
  }
  koe_pace_end(&window->pace, window->text_count > 0 ? koe_pace_clock() - start : 0);
  if (code == SQLITE_OK) code = koe_sql_code(tell(window, err));
  if (code != SQLITE_OK) empty(window);
  return code;
}

void koe_batch_window_clear(koe_batch_window *window) {
  empty(window);
  koe_operation_end(window->operation);
  koe_free(window->rows);
  koe_free(window->texts);
  koe_free(window->pairs);
  koe_free(window->bytes);
  koe_free(window->scores);
  koe_free(window->labels);
  koe_free(window->embeddings);
  memset(window, 0, sizeof *window);
}
