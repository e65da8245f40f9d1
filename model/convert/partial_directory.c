#include "partial_directory.h"

#include "../memory.h"
#include "../path.h"
#include "../writer/file_writer.h"

#include <errno.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { DESCRIPTORS = 8 };

koe_status koe_partial_directory_check(const char *target, koe_error *err) {
  struct stat info;
  if (target[0] == '\0') return koe_fail(err, KOE_INVALID, "the new directory has no name");
  if (lstat(target, &info) != 0 && errno == ENOENT) return KOE_OK;
  return koe_fail(err, KOE_INVALID, "\"%s\" is there already: name a directory that is not",
                  target);
}

koe_status koe_partial_directory_open(const char *target, koe_partial_directory *out,
                                      koe_error *err) {
  static const char suffix[] = ".XXXXXX";
  size_t length = strlen(target);
  memset(out, 0, sizeof *out);
  while (length > 1 && target[length - 1] == '/')
    length--;
  out->target = koe_copy_string(target, length);
  char *path = koe_alloc(length + sizeof suffix, 1);
  if (out->target == NULL || path == NULL) {
    koe_free(path);
    return koe_fail_nomem(err);
  }
  memcpy(path, target, length);
  memcpy(path + length, suffix, sizeof suffix);
  if (mkdtemp(path) == NULL) {
    koe_free(path);
    return koe_fail(err, KOE_IO, "cannot make directory \"%s\": %s", out->target, strerror(errno));
  }
  out->path = path;
  mode_t mask = umask(0);
  umask(mask);
  if (chmod(path, 0777 & ~mask) != 0) /* mkdtemp's is for the owner alone */
    return koe_fail(err, KOE_IO, "cannot write \"%s\": %s", path, strerror(errno));
  return KOE_OK;
}

/* Renaming replaces an empty directory, but nothing else. */
koe_status koe_partial_directory_publish(koe_partial_directory *partial, koe_error *err) {
  koe_status status = koe_partial_directory_check(partial->target, err);
  if (status != KOE_OK) return status;
  if (rename(partial->path, partial->target) != 0) {
    return koe_fail(err, KOE_IO, "cannot write \"%s\": %s", partial->target, strerror(errno));
  }
  koe_free(partial->path);
  partial->path = NULL;
  const char *slash = strrchr(partial->target, '/');
  size_t length = slash == NULL ? 0 : (size_t)(slash - partial->target);
  char *parent = slash == NULL ? koe_copy_string(".", 1)
                               : koe_copy_string(partial->target, length > 0 ? length : 1);
  if (parent == NULL) return koe_fail_nomem(err);
  status = koe_flush_directory(parent, err);
  koe_free(parent);
  return status;
}

static int remove_entry(const char *path, const struct stat *info, int kind, struct FTW *where) {
  (void)info;
  (void)kind;
  (void)where;
  return remove(path);
}

void koe_partial_directory_abandon(koe_partial_directory *partial) {
  if (partial->path != NULL) nftw(partial->path, remove_entry, DESCRIPTORS, FTW_DEPTH | FTW_PHYS);
  koe_free(partial->path);
  koe_free(partial->target);
  memset(partial, 0, sizeof *partial);
}
