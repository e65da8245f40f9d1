#include "directory.h"

#include "default/default_model.h"
#include "path.h"

#include <string.h>

koe_directory koe_directory_at(const char *path) {
  koe_directory directory = {.path = path};
  if (strcmp(path, KOE_BUILT_IN) == 0) {
    directory.files = koe_default_model(&directory.count);
  }
  return directory;
}

static const koe_memory_file *find(const koe_directory *directory, const char *name) {
  for (size_t i = 0; i < directory->count; i++) {
    if (strcmp(directory->files[i].name, name) == 0) return &directory->files[i];
  }
  return NULL;
}

koe_status koe_directory_check(const koe_directory *directory, koe_error *err) {
  return directory->files != NULL ? KOE_OK : koe_path_check_directory(directory->path, err);
}

bool koe_directory_has(const koe_directory *directory, const char *name, const char *path) {
  return directory->files != NULL ? find(directory, name) != NULL : koe_path_exists(path);
}

koe_status koe_directory_open(const koe_directory *directory, const char *name, const char *path,
                              koe_file_map *out, koe_error *err) {
  if (directory->files == NULL) return koe_file_map_open(path, out, err);
  const koe_memory_file *file = find(directory, name);
  *out = (koe_file_map){0};
  if (file == NULL) return koe_fail(err, KOE_IO, "cannot open %s: no such file", path);
  size_t size = (size_t)(file->end - file->bytes);
  *out = (koe_file_map){.data = file->bytes, .size = size, .borrowed = true};
  return KOE_OK;
}
