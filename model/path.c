#include "path.h"

#include "memory.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

char *koe_path_join(const char *directory, const char *name) {
  size_t directory_length = strlen(directory);
  size_t name_length = strlen(name);
  bool slash = directory_length > 0 && directory[directory_length - 1] != '/';
  char *path = koe_alloc(directory_length + name_length + 2, 1);
  if (path == NULL) return NULL;
  memcpy(path, directory, directory_length);
  if (slash) path[directory_length++] = '/';
  memcpy(path + directory_length, name, name_length + 1);
  return path;
}

bool koe_path_exists(const char *path) {
  struct stat info;
  return stat(path, &info) == 0 || (errno != ENOENT && errno != ENOTDIR);
}

koe_status koe_path_check_directory(const char *path, koe_error *err) {
  struct stat info;
  if (stat(path, &info) != 0) {
    if (errno == ENOENT || errno == ENOTDIR) {
      return koe_fail(err, KOE_IO, "no directory \"%s\"", path);
    }
    return koe_fail(err, KOE_IO, "cannot read directory \"%s\": %s", path, strerror(errno));
  }
  if (!S_ISDIR(info.st_mode)) {
    return koe_fail(err, KOE_IO, "\"%s\" is not a directory; name the folder that has config.json",
                    path);
  }
  if (access(path, X_OK) != 0) {
    return koe_fail(err, KOE_IO, "cannot read directory \"%s\": %s", path, strerror(errno));
  }
  return KOE_OK;
}
