#include "batch_window.h"

#include "../model/memory.h"

#include <string.h>
#include <time.h>

SQLITE_EXTENSION_INIT3

/* Bounds of a window: rows, bytes of texts and ids, bytes of what is computed of them. */
enum { MOST_ROWS = 4096, MOST_BYTES = 4 << 20, MOST_OUTPUT_BYTES = 16 << 20 };

/* The first window, in bytes of text: some forty reviews for a model of KoELECTRA-Small's size, a
 * few for a larger one.  It takes less than a second and keeps LIMIT cheap. */
enum { FIRST_LIMIT = 4096, LEAST_FIRST_LIMIT = 256 };

static const double grow_below = 0.25, shrink_above = 0.5; /* seconds */

/* A token is 5 bytes of Korean text or so, hardly ever more than 8: longer texts are truncated. */
enum { TOKEN_BYTES = 8, ROW_COST = 32 };

/* What a row takes to encode, in bytes of text. */
static size_t cost(const koe_classifier *classifier, size_t length) {
  size_t most = TOKEN_BYTES * koe_model_max_length(koe_classifier_model(classifier));
  return ROW_COST + (length < most ? length : most);
}

static size_t first_limit(const koe_classifier *classifier) {
  static const size_t small = 12 * (4 * 256 * 256 + 2 * 256 * 1024);
  const koe_config *config = koe_model_config(koe_classifier_model(classifier));
  size_t hidden = (size_t)config->hidden_size, wide = (size_t)config->intermediate_size;
  size_t weights = (size_t)config->num_hidden_layers * (4 * hidden * hidden + 2 * hidden * wide);
  size_t times = weights / small; /* a token takes as often as long */
  size_t limit = times > 1 ? FIRST_LIMIT / times : FIRST_LIMIT;
  return limit > LEAST_FIRST_LIMIT ? limit : LEAST_FIRST_LIMIT;
}

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
  size_t most = most_rows(classifier, wanted), spent = 0, id_bytes = 0;
  while (select->statement != NULL && window->count < most && spent < window->limit &&
         window->length + id_bytes < MOST_BYTES) {
    int code = koe_batch_select_step(select, err);
    if (code == SQLITE_DONE) break;
    if (code != SQLITE_ROW) return code;
    size_t length = window->length;
    koe_status status = add_row(window, select, wanted, err);
    if (status != KOE_OK) return koe_sql_code(status);
    spent += cost(classifier, window->length - length);
    sqlite3_value *id = window->rows[window->count - 1].id;
    if (id != NULL) id_bytes += value_bytes(id);
  }
  fix_texts(window);
  return SQLITE_OK;
}

/* ── computing ──────────────────────────────────────────────────────────────────────────────────
 */

static void find_labels(koe_batch_window *window, size_t labels) {
  for (size_t i = 0; i < window->text_count; i++) {
    float *scores = window->scores + i * labels;
    size_t largest = 0;
    for (size_t j = 1; j < labels; j++) {
      if (scores[j] > scores[largest]) largest = j;
    }
    window->labels[i] = largest;
    koe_model_probabilities(scores, labels);
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
  if (status == KOE_OK && out.logits != NULL) find_labels(window, labels);
  return status;
}

static double now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

int koe_batch_window_fill(koe_batch_window *window, koe_batch_select *select,
                          const koe_classifier *classifier, int wanted, koe_error *err) {
  empty(window);
  if (window->limit == 0) window->limit = first_limit(classifier);
  int code = read_rows(window, select, classifier, wanted, err);
  if (code == SQLITE_OK && window->text_count > 0) {
    double start = now();
    code = koe_sql_code(encode(window, select, classifier, wanted, err));
    double seconds = now() - start;
    if (seconds < grow_below && window->limit < MOST_BYTES) {
      window->limit *= 2;
    } else if (seconds > shrink_above && window->limit > 1) {
      window->limit /= 2;
    }
  }
  if (code != SQLITE_OK) empty(window);
  return code;
}

void koe_batch_window_clear(koe_batch_window *window) {
  empty(window);
  koe_free(window->rows);
  koe_free(window->texts);
  koe_free(window->pairs);
  koe_free(window->bytes);
  koe_free(window->scores);
  koe_free(window->labels);
  koe_free(window->embeddings);
  memset(window, 0, sizeof *window);
}
