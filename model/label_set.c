#include "label_set.h"

#include "memory.h"

#include <string.h>

/* As strcmp; `text` has no NUL character. */
static int compare(const char *name, koe_text text) {
  int order = strncmp(name, text.bytes, text.length);
  return order != 0 ? order : name[text.length] != '\0';
}

/* Where `name` is among the labels, or would be inserted. */
static size_t find_place(const koe_label_set *set, koe_text name, bool *known) {
  size_t low = 0, high = set->count;
  *known = false;
  while (low < high) {
    size_t middle = low + (high - low) / 2;
    int order = compare(set->items[middle].name, name);
    if (order == 0) *known = true;
    if (order < 0) {
      low = middle + 1;
    } else {
      high = middle;
    }
  }
  return low;
}

static koe_status insert(koe_label_set *set, size_t place, koe_text name, koe_error *err) {
  if (set->count == KOE_MOST_LABELS) {
    return koe_fail(err, KOE_TOO_LONG,
                    "more than %d classes (the last one seen: '%.*s'): is this the column of "
                    "labels?",
                    KOE_MOST_LABELS, name.length < 60 ? (int)name.length : 60, name.bytes);
  }
  char *copy = koe_copy_string(name.bytes, name.length);
  if (copy == NULL || !koe_grow(&set->items, &set->capacity, set->count + 1, sizeof *set->items)) {
    koe_free(copy);
    return koe_fail_nomem(err);
  }
  koe_known_label *item = set->items + place;
  memmove(item + 1, item, (set->count - place) * sizeof *item);
  *item = (koe_known_label){copy, (uint32_t)set->count};
  set->count++;
  return KOE_OK;
}

koe_status koe_label_set_add(koe_label_set *set, koe_text name, uint32_t *id, koe_error *err) {
  bool known;
  if (name.length > KOE_LONGEST_LABEL) {
    return koe_fail(err, KOE_TOO_LONG, "a label has %zu bytes, and %d are the most: '%.60s…'",
                    name.length, KOE_LONGEST_LABEL, name.bytes);
  }
  if (memchr(name.bytes, '\0', name.length) != NULL) {
    return koe_fail(err, KOE_INVALID, "a label contains a NUL character");
  }
  size_t place = find_place(set, name, &known);
  if (!known) {
    koe_status status = insert(set, place, name, err);
    if (status != KOE_OK) return status;
  }
  *id = set->items[place].id;
  return KOE_OK;
}

bool koe_label_set_find(const koe_label_set *set, koe_text name, uint32_t *id) {
  bool known;
  if (memchr(name.bytes, '\0', name.length) != NULL) return false;
  size_t place = find_place(set, name, &known);
  if (known) *id = set->items[place].id;
  return known;
}

void koe_label_set_clear(koe_label_set *set) {
  for (size_t i = 0; i < set->count; i++)
    koe_free(set->items[i].name);
  koe_free(set->items);
  memset(set, 0, sizeof *set);
}
