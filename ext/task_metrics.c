/* How good a model is on entities and on answers.
 *
 *   SELECT koelectra_entity_f1(predicted_tags, tags) FROM sentence;  -- 'O PER-B O', or a JSON
 * array SELECT koelectra_exact_match(predicted, answer), koelectra_character_f1(predicted, answer)
 *   FROM question;                                                   -- as KorQuAD 1.0 scores
 *
 * koelectra_entity_f1(predicted, label): a row is a sentence, its tags separated by spaces or in a
 * JSON array, as many predicted as expected.  The F1 is that of seqeval and CoNLL: over all
 * entities of all rows, of which one is right that has the type, first and last word of one
 * expected.  Tags are "B-PER", "I-PER" or "PER-B", "PER-I", and "O".
 *
 * koelectra_exact_match(predicted, answer), koelectra_character_f1(predicted, answer): the mean
 * over rows of what the script of KorQuAD 1.0 computes of one: without case, quotes, brackets and
 * punctuation, whether both are equal, and the F1 of their characters.  Several right answers are a
 * JSON array of texts, of which the best counts.
 *
 * Fractions, 0.893 and not 89.3.  All are aggregates and window functions; a row with a NULL is
 * skipped, and no rows give NULL. */
#include "aggregate.h"

#include "../model/json_file.h"
#include "../model/memory.h"
#include "../model/metrics/metrics.h"

#include <string.h>

SQLITE_EXTENSION_INIT3

/* ── lists of texts ─────────────────────────────────────────────────────────────────────────────
 */

/* Texts of one argument, and what they are kept in. */
typedef struct text_list {
  const char **items; /* [count] */
  size_t count, capacity;
  char *copy;
  json_t *array;
} text_list;

static void clear_list(text_list *list) {
  koe_free(list->items);
  koe_free(list->copy);
  json_decref(list->array);
  memset(list, 0, sizeof *list);
}

static koe_status append(text_list *list, const char *text, koe_error *err) {
  if (!koe_grow(&list->items, &list->capacity, list->count + 1, sizeof *list->items)) {
    return koe_fail_nomem(err);
  }
  list->items[list->count++] = text;
  return KOE_OK;
}

/* The texts of a JSON array; `*is_array` is false where `text` is no JSON array. */
static koe_status read_array(koe_text text, const char *what, text_list *list, bool *is_array,
                             koe_error *err) {
  *is_array = false;
  if (text.length == 0 || text.bytes[0] != '[') return KOE_OK;
  koe_status status = koe_json_parse(text.bytes, text.length, what, &list->array, err);
  if (status == KOE_NOMEM) return status;
  if (status != KOE_OK || !json_is_array(list->array)) return KOE_OK;
  *is_array = true;
  for (size_t i = 0; i < json_array_size(list->array); i++) {
    const char *item = json_string_value(json_array_get(list->array, i));
    if (item == NULL) {
      return koe_fail(err, KOE_INVALID, "%s: element %zu of the array (from 0) is not a text", what,
                      i);
    }
    status = append(list, item, err);
    if (status != KOE_OK) return status;
  }
  return KOE_OK;
}

/* ── entities ───────────────────────────────────────────────────────────────────────────────────
 */

/* Reads tags that white space separates, or a JSON array of them. */
static koe_status read_tags(koe_text text, const char *what, text_list *list, koe_error *err) {
  static const char blanks[] = " \t\r\n";
  bool is_array;
  koe_status status = read_array(text, what, list, &is_array, err);
  if (status != KOE_OK || is_array) return status;
  list->copy = koe_copy_string(text.bytes, text.length);
  if (list->copy == NULL) return koe_fail_nomem(err);
  char *at = list->copy + strspn(list->copy, blanks);
  while (*at != '\0' && status == KOE_OK) {
    char *end = at + strcspn(at, blanks);
    char *next = end + strspn(end, blanks);
    *end = '\0';
    status = append(list, at, err);
    at = next;
  }
  return status;
}

static koe_status count_sentence(koe_text predicted, koe_text expected, koe_match_counts *counts,
                                 koe_error *err) {
  text_list given = {0}, right = {0};
  koe_status status = read_tags(predicted, "predicted", &given, err);
  if (status == KOE_OK) status = read_tags(expected, "label", &right, err);
  if (status != KOE_OK) goto cleanup;
  if (given.count != right.count) {
    status = koe_fail(err, KOE_INVALID,
                      "a sentence has %zu predicted tags and %zu labels, beginning with '%s': "
                      "give one tag for each word",
                      given.count, right.count, right.count > 0 ? right.items[0] : given.items[0]);
    goto cleanup;
  }
  koe_entity_count(right.items, given.items, given.count, counts);

cleanup:
  clear_list(&given);
  clear_list(&right);
  return status;
}

typedef struct entity_state {
  koe_match_counts counts;
  size_t rows;
} entity_state;

/* The texts of a pair of arguments. */
static koe_status text_arguments(sqlite3_value **argv, const char *second, koe_text *predicted,
                                 koe_text *expected, bool *is_null, koe_error *err) {
  bool expected_null;
  koe_status status = koe_text_argument(argv[0], "predicted", predicted, is_null, err);
  if (status != KOE_OK) return status;
  status = koe_text_argument(argv[1], second, expected, &expected_null, err);
  *is_null = *is_null || expected_null;
  return status;
}

static koe_status entity_change(void *state, int argc, sqlite3_value **argv, bool leaves,
                                koe_error *err) {
  entity_state *s = state;
  koe_text predicted, expected;
  koe_match_counts row = {0};
  bool is_null;
  (void)argc;
  koe_status status = text_arguments(argv, "label", &predicted, &expected, &is_null, err);
  if (status != KOE_OK || is_null) return status;
  status = count_sentence(predicted, expected, leaves ? &row : &s->counts, err);
  if (status != KOE_OK) return status;
  s->counts.expected -= row.expected;
  s->counts.predicted -= row.predicted;
  s->counts.right -= row.right;
  s->rows += leaves ? (size_t)-1 : 1;
  return KOE_OK;
}

static koe_status entity_result(sqlite3_context *context, const void *state, koe_error *err) {
  const entity_state *s = state;
  (void)err;
  if (s->rows > 0) sqlite3_result_double(context, koe_f1(&s->counts));
  return KOE_OK;
}

/* ── answers ────────────────────────────────────────────────────────────────────────────────────
 */

static koe_status score(koe_text predicted, koe_text answers, koe_answer_score *out,
                        koe_error *err) {
  text_list list = {0};
  koe_text *texts = NULL;
  bool is_array;
  koe_status status = read_array(answers, "answer", &list, &is_array, err);
  if (status != KOE_OK) goto cleanup;
  if (!is_array) {
    status = koe_score_answer(answers, predicted, out, err);
    goto cleanup;
  }
  texts = koe_alloc(list.count, sizeof *texts);
  if (texts == NULL) {
    status = koe_fail_nomem(err);
    goto cleanup;
  }
  for (size_t i = 0; i < list.count; i++)
    texts[i] = (koe_text){list.items[i], strlen(list.items[i])};
  status = koe_score_answer_best(texts, list.count, predicted, out, err);

cleanup:
  koe_free(texts);
  clear_list(&list);
  return status;
}

typedef struct answer_state {
  koe_answer_score sum;
  size_t rows;
} answer_state;

static koe_status answer_change(void *state, int argc, sqlite3_value **argv, bool leaves,
                                koe_error *err) {
  answer_state *s = state;
  koe_text predicted, answers;
  koe_answer_score row;
  bool is_null;
  (void)argc;
  koe_status status = text_arguments(argv, "answer", &predicted, &answers, &is_null, err);
  if (status == KOE_OK && !is_null) status = score(predicted, answers, &row, err);
  if (status != KOE_OK || is_null) return status;
  s->sum.exact += leaves ? -row.exact : row.exact;
  s->sum.f1 += leaves ? -row.f1 : row.f1;
  s->rows += leaves ? (size_t)-1 : 1;
  return KOE_OK;
}

static koe_status exact_result(sqlite3_context *context, const void *state, koe_error *err) {
  const answer_state *s = state;
  (void)err;
  if (s->rows > 0) sqlite3_result_double(context, s->sum.exact / (double)s->rows);
  return KOE_OK;
}

static koe_status character_result(sqlite3_context *context, const void *state, koe_error *err) {
  const answer_state *s = state;
  (void)err;
  if (s->rows > 0) sqlite3_result_double(context, s->sum.f1 / (double)s->rows);
  return KOE_OK;
}

int koe_register_task_metrics(sqlite3 *db) {
  static const koe_aggregate aggregates[] = {
      {"koelectra_entity_f1", 2, 2, sizeof(entity_state), entity_change, entity_result, NULL},
      {"koelectra_exact_match", 2, 2, sizeof(answer_state), answer_change, exact_result, NULL},
      {"koelectra_character_f1", 2, 2, sizeof(answer_state), answer_change, character_result, NULL},
  };
  return koe_register_aggregates(db, aggregates, sizeof aggregates / sizeof aggregates[0]);
}
