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

const koe_model *open_model_as(const char *name, const char *directory, const char *options) {
  koe_error err;
  const koe_model *model;
  assert_ok(koe_registry_load(name, directory, options, &err));
  assert_ok(koe_registry_acquire(name, &model, &err));
  return model;
}

const koe_model *open_model(const char *directory, const char *options) {
  return open_model_as("test", directory, options);
}

void close_model(const koe_model *model) {
  koe_registry_release(model);
  koe_registry_clear();
}

koe_registry_entry *only_entry(void) {
  koe_error err;
  koe_registry_entry *entries;
  size_t count;
  assert_ok(koe_registry_list(&entries, &count, &err));
  ck_assert_uint_eq(count, 1);
  return entries;
}
