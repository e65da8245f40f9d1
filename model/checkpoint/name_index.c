#include "name_index.h"

#include "../memory.h"

#include <stdlib.h>
#include <string.h>

bool koe_name_index_add(koe_name_index *index, const char *bytes, size_t length, size_t item) {
  if (!koe_grow(&index->names, &index->capacity, index->count + 1, sizeof *index->names)) {
    return false;
  }
  index->names[index->count++] = (koe_name){bytes, length, item};
  return true;
}

static int compare_bytes(const koe_name *name, const char *bytes, size_t length) {
  size_t shorter = name->length < length ? name->length : length;
  int order = shorter > 0 ? memcmp(name->bytes, bytes, shorter) : 0;
  if (order != 0) return order;
  return (name->length > length) - (name->length < length);
}

static int compare_names(const void *left, const void *right) {
  const koe_name *a = left;
  const koe_name *b = right;
  return compare_bytes(a, b->bytes, b->length);
}

void koe_name_index_sort(koe_name_index *index) {
  if (index->count > 1) qsort(index->names, index->count, sizeof *index->names, compare_names);
}

const koe_name *koe_name_index_duplicate(const koe_name_index *index) {
  for (size_t i = 1; i < index->count; i++) {
    const koe_name *name = &index->names[i];
    if (compare_bytes(&index->names[i - 1], name->bytes, name->length) == 0) return name;
  }
  return NULL;
}

const koe_name *koe_name_index_find(const koe_name_index *index, const char *bytes, size_t length,
                                    size_t *count) {
  size_t low = 0;
  size_t high = index->count;
  while (low < high) {
    size_t middle = low + (high - low) / 2;
    if (compare_bytes(&index->names[middle], bytes, length) < 0) {
      low = middle + 1;
    } else {
      high = middle;
    }
  }
  size_t end = low;
  while (end < index->count && compare_bytes(&index->names[end], bytes, length) == 0)
    end++;
  if (count != NULL) *count = end - low;
  return end > low ? &index->names[low] : NULL;
}

void koe_name_index_clear(koe_name_index *index) {
  koe_free(index->names);
  memset(index, 0, sizeof *index);
}
