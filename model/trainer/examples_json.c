/* Examples from JSON: arrays of objects, an object a line, SQuAD's questions. */
#include "../file_map.h"
#include "../json_file.h"
#include "../memory.h"
#include "../tokenizer/unicode.h"
#include "examples_input.h"

#include <stdio.h>
#include <string.h>

/* ── objects ────────────────────────────────────────────────────────────────────────────────────
 */

/* Room for a number as text. */
typedef struct number_text {
  char bytes[40];
} number_text;

/* The value at a key, or at keys separated by dots, of one object in another; NULL if absent. */
static const json_t *value_at(const json_t *object, const char *key) {
  const json_t *value = json_object_get(object, key);
  const char *dot = strchr(key, '.');
  if (value != NULL || dot == NULL) return value;
  char outer[128];
  size_t length = (size_t)(dot - key);
  if (length >= sizeof outer) return NULL;
  memcpy(outer, key, length);
  outer[length] = '\0';
  return value_at(json_object_get(object, outer), dot + 1);
}

/* The text of a value; a number or a truth value stands for its spelling.  `room` must live as long
 * as the text is used. */
static koe_status text_at(const json_t *object, const char *key, const koe_place *place,
                          number_text *room, koe_text *out, koe_error *err) {
  const json_t *value = value_at(object, key);
  const char *spelled = room->bytes;
  if (value == NULL) return koe_fail_at(err, place, "there is no \"%s\"", key);
  if (json_is_string(value)) {
    *out = (koe_text){json_string_value(value), json_string_length(value)};
    return KOE_OK;
  }
  if (json_is_integer(value)) {
    snprintf(room->bytes, sizeof room->bytes, "%lld", (long long)json_integer_value(value));
  } else if (json_is_real(value)) {
    snprintf(room->bytes, sizeof room->bytes, "%.17g", json_real_value(value));
  } else if (json_is_boolean(value)) {
    spelled = json_is_true(value) ? "true" : "false";
  } else {
    return koe_fail_at(err, place, "\"%s\" is %s; expected a string or a number", key,
                       koe_json_type_name(value));
  }
  *out = (koe_text){spelled, strlen(spelled)};
  return KOE_OK;
}

static koe_status add_object(koe_examples *examples, const json_t *object,
                             const koe_columns *columns, const koe_place *place, koe_error *err) {
  number_text rooms[3];
  koe_row row = {0};
  if (!json_is_object(object)) {
    return koe_fail_at(err, place, "%s; expected an object", koe_json_type_name(object));
  }
  koe_status status = text_at(object, columns->text, place, &rooms[0], &row.text, err);
  if (status == KOE_OK && columns->pair != NULL) {
    status = text_at(object, columns->pair, place, &rooms[1], &row.pair, err);
  }
  if (status == KOE_OK && columns->labels != KOE_LABELS_NONE) {
    status = text_at(object, columns->label, place, &rooms[2], &row.label, err);
  }
  if (status != KOE_OK) return status;
  return koe_examples_add(examples, &row, columns->labels, place, err);
}

/* jansson reports exhausted memory as an error like any other. */
static koe_status fail_json(const char *path, size_t line, const json_error_t *error,
                            koe_error *err) {
  bool silent = error->text[0] == '\0';
  if (silent || json_error_code(error) == json_error_out_of_memory) return koe_fail_nomem(err);
  return koe_fail(err, KOE_FORMAT, "%s, line %zu: not valid JSON: %s", path, line, error->text);
}

static koe_status parse_file(const char *path, json_t **out, koe_error *err) {
  koe_file_map map;
  json_error_t error = {0};
  *out = NULL;
  koe_status status = koe_file_map_open(path, &map, err);
  if (status != KOE_OK) return status;
  koe_lines start = koe_lines_of(map.data, map.size); /* past a byte order mark */
  if (start.at == start.end) {
    status = koe_fail(err, KOE_FORMAT, "%s is empty", path);
  } else {
    *out = json_loadb(start.at, (size_t)(start.end - start.at), JSON_REJECT_DUPLICATES, &error);
    if (*out == NULL) status = fail_json(path, (size_t)error.line, &error, err);
  }
  koe_file_map_close(&map);
  return status;
}

koe_status koe_examples_read_json(koe_examples *examples, const char *path,
                                  const koe_columns *columns, koe_error *err) {
  json_t *json;
  koe_status status = parse_file(path, &json, err);
  if (status != KOE_OK) return status;
  if (!json_is_array(json)) {
    status = koe_fail(err, KOE_FORMAT, "%s holds %s; expected an array of objects", path,
                      koe_json_type_name(json));
  }
  for (size_t i = 0; status == KOE_OK && i < json_array_size(json); i++) {
    koe_place place = {path, "object", i + 1};
    status = add_object(examples, json_array_get(json, i), columns, &place, err);
  }
  json_decref(json);
  return status;
}

koe_status koe_examples_read_json_lines(koe_examples *examples, const char *path,
                                        const koe_columns *columns, koe_error *err) {
  koe_file_map map;
  koe_text line;
  koe_status status = koe_file_map_open(path, &map, err);
  if (status != KOE_OK) return status;
  koe_lines lines = koe_lines_of(map.data, map.size);
  while (status == KOE_OK && koe_next_line(&lines, &line)) {
    koe_place place = {path, "line", lines.number};
    json_error_t error = {0};
    if (line.length == 0) continue;
    json_t *object = json_loadb(line.bytes, line.length, JSON_REJECT_DUPLICATES, &error);
    if (object == NULL) {
      status = fail_json(path, lines.number, &error, err);
    } else {
      status = add_object(examples, object, columns, &place, err);
    }
    json_decref(object);
  }
  koe_file_map_close(&map);
  return status;
}

/* ── questions ──────────────────────────────────────────────────────────────────────────────────
 */

/* The array at a key of an object. */
static koe_status array_at(const json_t *object, const char *key, const koe_place *place,
                           const json_t **out, koe_error *err) {
  *out = json_object_get(object, key);
  if (json_is_array(*out)) return KOE_OK;
  return koe_fail_at(err, place, "there is no array \"%s\": is it in SQuAD's format?", key);
}

/* The byte where character number `position` begins; SIZE_MAX if there are fewer. */
static size_t byte_of_character(koe_text text, json_int_t position) {
  size_t at = 0;
  while (position > 0 && at < text.length) {
    uint32_t character;
    at += koe_utf8_decode(text.bytes + at, text.length - at, &character);
    position--;
  }
  return position == 0 ? at : SIZE_MAX;
}

static koe_status add_answer(koe_examples *examples, koe_example *example, const json_t *answer,
                             const koe_place *place, koe_error *err) {
  number_text room;
  koe_text text;
  koe_gold_answer gold;
  koe_status status = text_at(answer, "text", place, &room, &text, err);
  if (status != KOE_OK) return status;
  const json_t *start = json_object_get(answer, "answer_start");
  if (!json_is_integer(start)) {
    return koe_fail_at(err, place, "an answer has no whole number \"answer_start\"");
  }
  koe_text context = koe_examples_text(examples, example->pair);
  gold.start = byte_of_character(context, json_integer_value(start));
  if (gold.start == SIZE_MAX || text.length > context.length - gold.start ||
      memcmp(context.bytes + gold.start, text.bytes, text.length) != 0) {
    return koe_fail_at(err, place, "the context does not have the answer at character %lld",
                       (long long)json_integer_value(start));
  }
  /* No copy: the answer is a part of the context. */
  gold.text = (koe_stretch){example->pair.offset + gold.start, text.length};
  if (!koe_grow(&examples->answers, &examples->answer_capacity, examples->answer_count + 1,
                sizeof *examples->answers)) {
    return koe_fail_nomem(err);
  }
  examples->answers[examples->answer_count++] = gold;
  example->answer_count++;
  return KOE_OK;
}

static koe_status add_question(koe_examples *examples, koe_stretch context, const json_t *question,
                               const koe_place *place, koe_error *err) {
  number_text room;
  koe_text text;
  const json_t *answers;
  koe_example *example;
  koe_status status = text_at(question, "question", place, &room, &text, err);
  if (status == KOE_OK) status = array_at(question, "answers", place, &answers, err);
  if (status == KOE_OK) status = koe_examples_add_empty(examples, &example, err);
  if (status != KOE_OK) return status;
  example->pair = context;
  status = koe_examples_copy(examples, text, "question", place, &example->text, err);
  for (size_t i = 0; status == KOE_OK && i < json_array_size(answers); i++)
    status = add_answer(examples, example, json_array_get(answers, i), place, err);
  return status;
}

static koe_status add_paragraph(koe_examples *examples, const json_t *paragraph, koe_place *place,
                                koe_error *err) {
  number_text room;
  koe_text text;
  koe_stretch context;
  const json_t *questions;
  koe_status status = text_at(paragraph, "context", place, &room, &text, err);
  if (status == KOE_OK) status = array_at(paragraph, "qas", place, &questions, err);
  if (status == KOE_OK) status = koe_examples_copy(examples, text, "context", place, &context, err);
  if (status != KOE_OK) return status;
  for (size_t i = 0; i < json_array_size(questions); i++) {
    status = add_question(examples, context, json_array_get(questions, i), place, err);
    if (status != KOE_OK) return status;
    place->number++;
  }
  return KOE_OK;
}

koe_status koe_examples_read_questions(koe_examples *examples, const char *path, koe_error *err) {
  json_t *json;
  const json_t *articles, *paragraphs;
  koe_place place = {path, "question", 1};
  size_t before = examples->count;
  koe_status status = parse_file(path, &json, err);
  if (status != KOE_OK) return status;
  status = array_at(json, "data", &place, &articles, err);
  for (size_t i = 0; status == KOE_OK && i < json_array_size(articles); i++) {
    status = array_at(json_array_get(articles, i), "paragraphs", &place, &paragraphs, err);
    for (size_t k = 0; status == KOE_OK && k < json_array_size(paragraphs); k++)
      status = add_paragraph(examples, json_array_get(paragraphs, k), &place, err);
  }
  if (status == KOE_OK && examples->count == before) {
    status = koe_fail(err, KOE_FORMAT, "%s has no questions", path);
  }
  json_decref(json);
  return status;
}
