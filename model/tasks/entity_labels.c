#include "entity_labels.h"

#include <string.h>

static bool is_separator(char c) {
  return c == '-' || c == '_';
}

static bool is_mark(char c) {
  return c != '\0' && strchr("BIELSU", c) != NULL;
}

static bool mark_first(const char *label, size_t length) {
  return length > 2 && is_mark(label[0]) && is_separator(label[1]);
}

static bool mark_last(const char *label, size_t length) {
  return length > 2 && is_mark(label[length - 1]) && is_separator(label[length - 2]);
}

koe_label_spelling koe_label_spelling_of(const koe_config *config) {
  size_t first = 0, last = 0;
  for (int32_t i = 0; config->labels != NULL && i < config->num_labels; i++) {
    size_t length = strlen(config->labels[i]);
    first += mark_first(config->labels[i], length);
    last += mark_last(config->labels[i], length);
  }
  if (first == 0 && last == 0) return KOE_SPELLING_PLAIN;
  return last > first ? KOE_SPELLING_MARK_LAST : KOE_SPELLING_MARK_FIRST;
}

koe_aggregation koe_aggregation_of_labels(const koe_config *config) {
  return koe_label_spelling_of(config) == KOE_SPELLING_MARK_LAST ? KOE_AGGREGATE_WORDS
                                                                 : KOE_AGGREGATE_TOKENS;
}

static koe_label_mark mark_of(char c) {
  switch (c) {
  case 'B':
    return KOE_MARK_BEGIN;
  case 'E':
  case 'L':
    return KOE_MARK_END;
  case 'S':
  case 'U':
    return KOE_MARK_SINGLE;
  default:
    return KOE_MARK_INSIDE;
  }
}

koe_entity_label koe_entity_label_parse(const char *label, koe_label_spelling spelling) {
  size_t length = strlen(label);
  if (length == 0 || strcmp(label, "O") == 0) {
    return (koe_entity_label){KOE_MARK_OUTSIDE, {label, length}};
  }
  if (spelling == KOE_SPELLING_MARK_FIRST && mark_first(label, length)) {
    return (koe_entity_label){mark_of(label[0]), {label + 2, length - 2}};
  }
  if (spelling == KOE_SPELLING_MARK_LAST && mark_last(label, length)) {
    return (koe_entity_label){mark_of(label[length - 1]), {label, length - 2}};
  }
  return (koe_entity_label){KOE_MARK_INSIDE, {label, length}};
}
