#include "registry_support.h"

#include "support.h"

#include <stdio.h>

const char *file_in(const char *directory, const char *name) {
  static char paths[4][1200];
  static int next;
  char *path = paths[next++ % 4];
  snprintf(path, sizeof paths[0], "%s/%s", directory, name);
  return path;
}

koe_registry_entry *only_entry(void) {
  koe_error err;
  koe_registry_entry *entries;
  size_t count;
  assert_ok(koe_registry_list(&entries, &count, &err));
  ck_assert_uint_eq(count, 1);
  return entries;
}
