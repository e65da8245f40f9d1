/* Entities of tagged sentences that agree. */
#include "../tasks/entity_labels.h"
#include "metrics.h"

#include <stdbool.h>
#include <string.h>

typedef struct entity {
  size_t start, end; /* words, half-open */
  koe_text type;     /* into a tag */
  bool found;
} entity;

/* The mark stands first where it can: B-PER, else last: PER-B. */
static koe_entity_label parse_tag(const char *tag) {
  koe_entity_label label = koe_entity_label_parse(tag, KOE_SPELLING_MARK_FIRST);
  bool marked = label.mark == KOE_MARK_OUTSIDE || label.type.bytes != tag;
  return marked ? label : koe_entity_label_parse(tag, KOE_SPELLING_MARK_LAST);
}

static bool same_type(koe_text a, koe_text b) {
  return a.length == b.length && memcmp(a.bytes, b.bytes, a.length) == 0;
}

static bool is_last(koe_label_mark mark) {
  return mark == KOE_MARK_END || mark == KOE_MARK_SINGLE;
}

/* The first entity that starts at word `from` or later. */
static entity next_entity(const char *const *tags, size_t count, size_t from) {
  while (from < count && parse_tag(tags[from]).mark == KOE_MARK_OUTSIDE)
    from++;
  if (from == count) return (entity){.start = count, .end = count};
  koe_entity_label label = parse_tag(tags[from]);
  entity found = {.start = from, .end = from + 1, .type = label.type, .found = true};
  for (; found.end < count && !is_last(label.mark); found.end++) {
    label = parse_tag(tags[found.end]);
    if (label.mark != KOE_MARK_INSIDE && label.mark != KOE_MARK_END) break;
    if (!same_type(found.type, label.type)) break;
  }
  return found;
}

void koe_entity_count(const char *const *expected, const char *const *predicted, size_t count,
                      koe_match_counts *counts) {
  entity right = next_entity(expected, count, 0);
  entity given = next_entity(predicted, count, 0);
  while (right.found || given.found) {
    bool take_right = right.found && (!given.found || right.start <= given.start);
    bool take_given = given.found && (!right.found || given.start <= right.start);
    if (take_right && take_given && right.end == given.end && same_type(right.type, given.type)) {
      counts->right++;
    }
    if (take_right) {
      counts->expected++;
      right = next_entity(expected, count, right.end);
    }
    if (take_given) {
      counts->predicted++;
      given = next_entity(predicted, count, given.end);
    }
  }
}
