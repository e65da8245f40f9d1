/* Examples from files of lines: tables separated by tabs, plain texts, tagged sentences. */
#include "../file_map.h"
#include "../memory.h"
#include "examples_input.h"

#include <stdio.h>
#include <string.h>

enum { MAX_COLUMNS = 256 };

koe_lines koe_lines_of(const void *bytes, size_t size) {
  const char *start = size > 0 ? bytes : "";
  koe_lines lines = {start, start + size, 0};
  if (size >= 3 && memcmp(bytes, "\xEF\xBB\xBF", 3) == 0) lines.at += 3;
  return lines;
}

bool koe_next_line(koe_lines *lines, koe_text *line) {
  if (lines->at == lines->end) return false;
  const char *newline = memchr(lines->at, '\n', (size_t)(lines->end - lines->at));
  const char *stop = newline != NULL ? newline : lines->end;
  *line = (koe_text){lines->at, (size_t)(stop - lines->at)};
  if (line->length > 0 && stop[-1] == '\r') line->length--;
  lines->at = newline != NULL ? newline + 1 : lines->end;
  lines->number++;
  return true;
}

/* ── columns ────────────────────────────────────────────────────────────────────────────────────
 */

/* Writes the names as far as they fit: a, b, c. */
static void list_names(const koe_text *names, size_t count, char *out, size_t size) {
  size_t used = 0;
  out[0] = '\0';
  for (size_t i = 0; i < count && used < size; i++) {
    int room = names[i].length < 60 ? (int)names[i].length : 60;
    int written = snprintf(out + used, size - used, "%s%.*s", i > 0 ? ", " : "", room,
                           names[i].bytes != NULL ? names[i].bytes : "");
    if (written < 0) break;
    used += (size_t)written;
  }
}

static koe_status find_column(const koe_text *names, size_t count, const char *wanted,
                              const char *path, size_t *out, koe_error *err) {
  size_t length = strlen(wanted);
  *out = SIZE_MAX;
  for (size_t i = 0; i < count; i++) {
    if (names[i].length != length || memcmp(names[i].bytes, wanted, length) != 0) continue;
    if (*out != SIZE_MAX) {
      return koe_fail(err, KOE_FORMAT, "%s has two columns \"%s\"", path, wanted);
    }
    *out = i;
  }
  if (*out != SIZE_MAX) return KOE_OK;
  char list[200];
  list_names(names, count, list, sizeof list);
  return koe_fail(err, KOE_FORMAT, "%s has no column \"%s\"; it has %s", path, wanted, list);
}

koe_status koe_find_columns(const koe_text *names, size_t count, const koe_columns *columns,
                            const char *path, koe_column_places *out, koe_error *err) {
  *out = (koe_column_places){SIZE_MAX, SIZE_MAX, SIZE_MAX};
  koe_status status = find_column(names, count, columns->text, path, &out->text, err);
  if (status == KOE_OK && columns->pair != NULL) {
    status = find_column(names, count, columns->pair, path, &out->pair, err);
  }
  if (status == KOE_OK && columns->labels != KOE_LABELS_NONE) {
    status = find_column(names, count, columns->label, path, &out->label, err);
  }
  return status;
}

/* ── tables ─────────────────────────────────────────────────────────────────────────────────────
 */

/* Splits a line at tabs; returns the number of its fields, of which the first MAX_COLUMNS are
 * written. */
static size_t split_fields(koe_text line, koe_text *fields) {
  size_t count = 0;
  const char *end = line.bytes + line.length;
  for (const char *at = line.bytes;; count++) {
    const char *tab = memchr(at, '\t', (size_t)(end - at));
    const char *stop = tab != NULL ? tab : end;
    if (count < MAX_COLUMNS) fields[count] = (koe_text){at, (size_t)(stop - at)};
    if (tab == NULL) return count + 1;
    at = tab + 1;
  }
}

static koe_text field_at(const koe_text *fields, size_t place) {
  return place == SIZE_MAX ? (koe_text){NULL, 0} : fields[place];
}

static koe_status read_rows(koe_examples *examples, koe_lines *lines, size_t width,
                            const koe_column_places *places, const koe_columns *columns,
                            const char *path, koe_error *err) {
  koe_text line;
  while (koe_next_line(lines, &line)) {
    koe_text fields[MAX_COLUMNS];
    koe_place place = {path, "line", lines->number};
    if (line.length == 0) continue;
    size_t count = split_fields(line, fields);
    if (count != width) {
      return koe_fail_at(err, &place, "%zu fields, where the first line names %zu columns", count,
                         width);
    }
    koe_row row = {field_at(fields, places->text), field_at(fields, places->pair),
                   field_at(fields, places->label)};
    koe_status status = koe_examples_add(examples, &row, columns->labels, &place, err);
    if (status != KOE_OK) return status;
  }
  return KOE_OK;
}

koe_status koe_examples_read_tsv(koe_examples *examples, const char *path,
                                 const koe_columns *columns, koe_error *err) {
  koe_file_map map;
  koe_text line, names[MAX_COLUMNS];
  koe_column_places places;
  koe_status status = koe_file_map_open(path, &map, err);
  if (status != KOE_OK) return status;
  koe_lines lines = koe_lines_of(map.data, map.size);
  if (!koe_next_line(&lines, &line)) {
    status = koe_fail(err, KOE_FORMAT, "%s is empty", path);
    goto cleanup;
  }
  size_t width = split_fields(line, names);
  if (width > MAX_COLUMNS) {
    status = koe_fail(err, KOE_FORMAT, "%s has %zu columns; at most %d are read", path, width,
                      MAX_COLUMNS);
    goto cleanup;
  }
  status = koe_find_columns(names, width, columns, path, &places, err);
  if (status != KOE_OK) goto cleanup;
  status = read_rows(examples, &lines, width, &places, columns, path, err);

cleanup:
  koe_file_map_close(&map);
  return status;
}

koe_status koe_examples_read_lines(koe_examples *examples, const char *path, koe_error *err) {
  koe_file_map map;
  koe_row row = {0};
  koe_status status = koe_file_map_open(path, &map, err);
  if (status != KOE_OK) return status;
  koe_lines lines = koe_lines_of(map.data, map.size);
  while (status == KOE_OK && koe_next_line(&lines, &row.text)) {
    koe_place place = {path, "line", lines.number};
    if (row.text.length == 0) continue;
    status = koe_examples_add(examples, &row, KOE_LABELS_NONE, &place, err);
  }
  koe_file_map_close(&map);
  return status;
}

/* ── tagged sentences ───────────────────────────────────────────────────────────────────────────
 */

/* The part of `*rest` before the next space, which is taken off it.  False if there is none left.
 */
static bool next_part(koe_text *rest, koe_text *part) {
  if (rest->bytes == NULL) return false;
  const char *space = memchr(rest->bytes, ' ', rest->length);
  size_t length = space != NULL ? (size_t)(space - rest->bytes) : rest->length;
  *part = (koe_text){rest->bytes, length};
  if (space == NULL) {
    *rest = (koe_text){NULL, 0};
  } else {
    *rest = (koe_text){space + 1, rest->length - length - 1};
  }
  return true;
}

static size_t count_parts(koe_text text) {
  size_t count = 0;
  for (koe_text part; next_part(&text, &part);)
    count++;
  return count;
}

static koe_status add_sentence(koe_examples *examples, koe_text sentence, koe_text tags,
                               const koe_place *place, koe_error *err) {
  koe_example *example;
  koe_text word, tag, words = sentence;
  size_t word_count = count_parts(sentence), tag_count = count_parts(tags);
  if (word_count != tag_count) {
    return koe_fail_at(err, place, "%zu words and %zu tags", word_count, tag_count);
  }
  koe_status status = koe_examples_add_empty(examples, &example, err);
  if (status == KOE_OK) {
    status = koe_examples_copy(examples, sentence, "sentence", place, &example->text, err);
  }
  if (status != KOE_OK) return status;
  if (!koe_grow(&examples->words, &examples->word_capacity, examples->word_count + word_count,
                sizeof *examples->words)) {
    return koe_fail_nomem(err);
  }
  while (next_part(&words, &word) && next_part(&tags, &tag)) {
    koe_tagged_word *out = &examples->words[examples->word_count];
    out->start = (uint32_t)(word.bytes - sentence.bytes);
    out->end = out->start + (uint32_t)word.length;
    status = koe_examples_label(examples, tag, place, &out->tag, err);
    if (status != KOE_OK) return status;
    examples->word_count++;
    example->word_count++;
  }
  return KOE_OK;
}

koe_status koe_examples_read_tagged(koe_examples *examples, const char *path, koe_error *err) {
  koe_file_map map;
  koe_text line, fields[MAX_COLUMNS];
  size_t before = examples->count;
  koe_status status = koe_file_map_open(path, &map, err);
  if (status != KOE_OK) return status;
  koe_lines lines = koe_lines_of(map.data, map.size);
  while (status == KOE_OK && koe_next_line(&lines, &line)) {
    koe_place place = {path, "line", lines.number};
    if (line.length == 0) continue;
    size_t count = split_fields(line, fields);
    if (count == 2) {
      status = add_sentence(examples, fields[0], fields[1], &place, err);
    } else {
      status =
          koe_fail_at(err, &place, "%zu fields; expected a sentence, a tab and its tags", count);
    }
  }
  if (status == KOE_OK && examples->count == before) {
    status = koe_fail(err, KOE_FORMAT, "%s has no sentences", path);
  }
  koe_file_map_close(&map);
  return status;
}
