#include "store.h"

#include "../memory.h"
#include "../path.h"
#include "../writer/file_writer.h"
#include "file_hash.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

/* ── directories ────────────────────────────────────────────────────────────────────────────────
 */

/* Makes a directory and those above it. */
static koe_status make_path(char *path, koe_error *err) {
  for (char *slash = strchr(path + 1, '/'); slash != NULL; slash = strchr(slash + 1, '/')) {
    *slash = '\0';
    bool there = koe_path_exists(path);
    koe_status status = there ? KOE_OK : koe_make_directory(path, err);
    *slash = '/';
    if (status != KOE_OK) return status;
  }
  return koe_make_directory(path, err);
}

/* `directory`/`middle`/`name`; the caller frees with koe_free. */
static char *join(const char *directory, const char *middle, const char *name) {
  char *between = koe_path_join(directory, middle);
  char *path = between != NULL ? koe_path_join(between, name) : NULL;
  koe_free(between);
  return path;
}

static koe_status make_below(const char *directory, const char *name, koe_error *err) {
  char *path = koe_path_join(directory, name);
  if (path == NULL) return koe_fail_nomem(err);
  koe_status status = make_path(path, err);
  koe_free(path);
  return status;
}

koe_status koe_store_open(const koe_hub_name *name, koe_store *store, koe_error *err) {
  static const char *const folders[] = {"blobs", "refs", "snapshots"};
  char folder[KOE_HUB_MAX_FOLDER], *cache = NULL;
  memset(store, 0, sizeof *store);
  koe_hub_folder_name(name, folder);
  koe_status status = koe_hub_cache_path(&cache, err);
  if (status != KOE_OK) return status;
  store->folder = koe_path_join(cache, folder);
  store->locks = join(cache, ".locks", folder);
  koe_free(cache);
  if (store->folder == NULL || store->locks == NULL) return koe_fail_nomem(err);
  for (size_t i = 0; i < sizeof folders / sizeof folders[0] && status == KOE_OK; i++)
    status = make_below(store->folder, folders[i], err);
  return status == KOE_OK ? make_path(store->locks, err) : status;
}

void koe_store_close(koe_store *store) {
  koe_free(store->folder);
  koe_free(store->locks);
  memset(store, 0, sizeof *store);
}

koe_status koe_store_snapshot(const koe_store *store, const char *commit, char **out,
                              koe_error *err) {
  *out = join(store->folder, "snapshots", commit);
  return *out != NULL ? KOE_OK : koe_fail_nomem(err);
}

/* ── locks ──────────────────────────────────────────────────────────────────────────────────────
 */

koe_status koe_store_lock(const koe_store *store, const char *hash, int *lock, bool *locked,
                          koe_error *err) {
  char name[128];
  struct stat info;
  snprintf(name, sizeof name, "%s.lock", hash);
  char *path = koe_path_join(store->locks, name);
  *locked = false;
  *lock = -1;
  if (path == NULL) return koe_fail_nomem(err);
  int descriptor = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0666);
  if (descriptor < 0) {
    koe_status status = koe_fail(err, KOE_IO, "cannot write %.300s: %s", path, strerror(errno));
    koe_free(path);
    return status;
  }
  koe_free(path);
  if (flock(descriptor, LOCK_EX | LOCK_NB) != 0) {
    *locked = errno != EWOULDBLOCK; /* some file systems have no locks: go on without */
  } else {
    /* Some of those who lock remove the file when they are done. */
    *locked = fstat(descriptor, &info) == 0 && info.st_nlink > 0;
  }
  if (*locked) {
    *lock = descriptor;
  } else {
    close(descriptor);
  }
  return KOE_OK;
}

void koe_store_unlock(int lock) {
  if (lock >= 0) close(lock);
}

/* ── blobs ──────────────────────────────────────────────────────────────────────────────────────
 */

bool koe_store_has(const koe_store *store, const koe_hub_file *file) {
  struct stat info;
  char *path = join(store->folder, "blobs", file->hash);
  bool has = path != NULL && stat(path, &info) == 0 && S_ISREG(info.st_mode) &&
             info.st_size == file->size;
  koe_free(path);
  return has;
}

char *koe_store_incomplete(const koe_store *store, const char *hash) {
  char name[128];
  snprintf(name, sizeof name, "%s.incomplete", hash);
  return join(store->folder, "blobs", name);
}

koe_status koe_store_check_room(const koe_store *store, const char *name, const koe_hub_file *file,
                                koe_error *err) {
  struct statvfs disk;
  struct stat info;
  char *path = koe_store_incomplete(store, file->hash);
  if (path == NULL) return koe_fail_nomem(err);
  double needed = (double)file->size - (stat(path, &info) == 0 ? (double)info.st_size : 0);
  koe_free(path);
  if (statvfs(store->folder, &disk) != 0) return KOE_OK; /* writing will tell */
  double room = (double)disk.f_bavail * (double)disk.f_frsize;
  if (needed <= room) return KOE_OK;
  return koe_fail(
      err, KOE_IO,
      "%.150s takes %.1f MB, and the disk of %.200s has %.1f MB left: make room, or set "
      "HF_HOME to a folder of another disk",
      name, needed / 1e6, store->folder, room / 1e6);
}

koe_status koe_store_finish(const koe_store *store, const char *name, const koe_hub_file *file,
                            koe_error *err) {
  char *from = koe_store_incomplete(store, file->hash);
  char *to = join(store->folder, "blobs", file->hash);
  bool right = false;
  koe_status status = from != NULL && to != NULL ? KOE_OK : koe_fail_nomem(err);
  if (status == KOE_OK) status = koe_file_has_hash(from, file->hash, &right, err);
  if (status == KOE_OK && !right) {
    unlink(from);
    status = koe_fail(err, KOE_FORMAT,
                      "%.200s came with other bytes than its hash %s tells; they are removed", name,
                      file->hash);
  }
  if (status == KOE_OK && rename(from, to) != 0)
    status = koe_fail(err, KOE_IO, "cannot write %.300s: %s", to, strerror(errno));
  koe_free(from);
  koe_free(to);
  return status;
}

/* ── snapshots and references ───────────────────────────────────────────────────────────────────
 */

/* "../../blobs/HASH", with one more "../" for each folder of `name`. */
static char *link_target(const char *name, const char *hash) {
  size_t depth = 2;
  for (const char *c = name; *c != '\0'; c++)
    depth += *c == '/';
  char *target = koe_alloc(3 * depth + sizeof "blobs/" + strlen(hash), 1);
  if (target == NULL) return NULL;
  char *at = target;
  for (size_t i = 0; i < depth; i++, at += 3)
    memcpy(at, "../", 3);
  sprintf(at, "blobs/%s", hash);
  return target;
}

static bool is_link_to(const char *path, const char *target) {
  char found[4096];
  ssize_t length = readlink(path, found, sizeof found - 1);
  if (length < 0) return false;
  found[length] = '\0';
  return strcmp(found, target) == 0;
}

/* Makes the folders that the file at `path` is in. */
static koe_status make_parents(char *path, koe_error *err) {
  char *slash = strrchr(path, '/');
  *slash = '\0';
  koe_status status = make_path(path, err);
  *slash = '/';
  return status;
}

/* The link is made beside its place and renamed: whoever reads finds the old one or the new. */
static koe_status replace_link(const char *path, const char *target, koe_error *err) {
  char *beside = koe_alloc(strlen(path) + 32, 1);
  if (beside == NULL) return koe_fail_nomem(err);
  sprintf(beside, "%s.%ld", path, (long)getpid());
  unlink(beside);
  koe_status status = KOE_OK;
  if (symlink(target, beside) != 0 || rename(beside, path) != 0) {
    status = koe_fail(err, KOE_IO, "cannot write %.300s: %s", path, strerror(errno));
    unlink(beside);
  }
  koe_free(beside);
  return status;
}

koe_status koe_store_link(const koe_store *store, const char *commit, const char *name,
                          const char *hash, koe_error *err) {
  char *snapshot = NULL, *path = NULL, *target = link_target(name, hash);
  koe_status status = koe_store_snapshot(store, commit, &snapshot, err);
  if (status == KOE_OK) path = koe_path_join(snapshot, name);
  if (status == KOE_OK && (path == NULL || target == NULL)) status = koe_fail_nomem(err);
  if (status == KOE_OK) status = make_parents(path, err);
  if (status == KOE_OK && !is_link_to(path, target)) status = replace_link(path, target, err);
  koe_free(snapshot);
  koe_free(path);
  koe_free(target);
  return status;
}

koe_status koe_store_refer(const koe_store *store, const char *revision, const char *commit,
                           koe_error *err) {
  if (strcmp(revision, commit) == 0) return KOE_OK;
  char *path = join(store->folder, "refs", revision);
  if (path == NULL) return koe_fail_nomem(err);
  koe_status status = make_parents(path, err);
  char *slash = strrchr(path, '/');
  *slash = '\0';
  if (status == KOE_OK) status = koe_write_whole_file(path, slash + 1, commit, strlen(commit), err);
  koe_free(path);
  return status;
}
