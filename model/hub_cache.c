#include "hub_cache.h"

#include "file_map.h"
#include "memory.h"
#include "path.h"

#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { MAX_COMMAND = sizeof(koe_hub_name) + 64 };

static const char default_revision[] = "main";

/* ── names ──────────────────────────────────────────────────────────────────────────────────────
 */

static bool is_letter(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

static bool contains(const char *text, size_t length, const char *what) {
  return memmem(text, length, what, strlen(what)) != NULL;
}

/* A user, organisation or model.  The hub allows no "--", which separates the parts of a folder's
 * name, and no "..". */
static bool is_part(const char *text, size_t length) {
  if (length == 0 || length > KOE_HUB_MAX_PART || text[0] == '.' || text[0] == '-') return false;
  for (size_t i = 0; i < length; i++) {
    if (!is_letter(text[i]) && strchr("._-", text[i]) == NULL) return false;
  }
  return !contains(text, length, "--") && !contains(text, length, "..");
}

bool koe_hub_is_revision(const char *revision) {
  size_t length = strlen(revision);
  if (length == 0 || length > KOE_HUB_MAX_REVISION) return false;
  for (size_t i = 0; i < length; i++) {
    bool first = i == 0 || revision[i - 1] == '/'; /* of a component of the path */
    if (first && (revision[i] == '/' || revision[i] == '.')) return false;
    if (!is_letter(revision[i]) && strchr("._-+/", revision[i]) == NULL) return false;
  }
  return revision[length - 1] != '/' && !contains(revision, length, "..");
}

bool koe_hub_is_commit(const char *text) {
  return strlen(text) == KOE_HUB_COMMIT && strspn(text, "0123456789abcdef") == KOE_HUB_COMMIT;
}

bool koe_hub_name_parse(const char *text, koe_hub_name *out) {
  size_t length = strcspn(text, "@");
  const char *revision = text[length] == '@' ? text + length + 1 : default_revision;
  const char *slash = memchr(text, '/', length);
  if (slash == NULL || !koe_hub_is_revision(revision)) return false;
  size_t organisation = (size_t)(slash - text);
  if (!is_part(text, organisation) || !is_part(slash + 1, length - organisation - 1)) return false;
  memcpy(out->repository, text, length);
  out->repository[length] = '\0';
  strcpy(out->revision, revision);
  return true;
}

void koe_hub_folder_name(const koe_hub_name *name, char out[KOE_HUB_MAX_FOLDER]) {
  int organisation = (int)strcspn(name->repository, "/");
  snprintf(out, KOE_HUB_MAX_FOLDER, "models--%.*s--%s", organisation, name->repository,
           name->repository + organisation + 1);
}

/* ── where the cache is ─────────────────────────────────────────────────────────────────────────
 */

static const char *variable(const char *name) {
  const char *value = getenv(name);
  return value != NULL && value[0] != '\0' ? value : NULL;
}

/* `tail` below the user's home directory. */
static koe_status below_home(const char *tail, char **out, koe_error *err) {
  struct passwd entry, *found = NULL;
  char text[4096];
  const char *home = variable("HOME");
  if (home == NULL && getpwuid_r(getuid(), &entry, text, sizeof text, &found) == 0 && found != NULL)
    home = found->pw_dir;
  if (home == NULL) {
    return koe_fail(err, KOE_IO,
                    "there is no home directory, and so no cache of the hub's models: set HF_HOME");
  }
  *out = koe_path_join(home, tail);
  return *out != NULL ? KOE_OK : koe_fail_nomem(err);
}

/* The path that a variable names. */
static koe_status expand(const char *value, char **out, koe_error *err) {
  if (strncmp(value, "~/", 2) == 0) return below_home(value + 2, out, err);
  *out = koe_copy_string(value, strlen(value));
  return *out != NULL ? KOE_OK : koe_fail_nomem(err);
}

/* `name` below `*path`, in its place. */
static koe_status descend(char **path, const char *name, koe_error *err) {
  char *joined = koe_path_join(*path, name);
  koe_free(*path);
  *path = joined;
  return joined != NULL ? KOE_OK : koe_fail_nomem(err);
}

koe_status koe_hub_home(char **out, koe_error *err) {
  const char *home = variable("HF_HOME"), *cache = variable("XDG_CACHE_HOME");
  *out = NULL;
  if (home != NULL) return expand(home, out, err);
  if (cache == NULL) return below_home(".cache/huggingface", out, err);
  koe_status status = expand(cache, out, err);
  return status == KOE_OK ? descend(out, "huggingface", err) : status;
}

koe_status koe_hub_cache_path(char **out, koe_error *err) {
  const char *cache = variable("HF_HUB_CACHE");
  *out = NULL;
  if (cache == NULL) cache = variable("HUGGINGFACE_HUB_CACHE"); /* its name before 2023 */
  if (cache != NULL) return expand(cache, out, err);
  koe_status status = koe_hub_home(out, err);
  return status == KOE_OK ? descend(out, "hub", err) : status;
}

/* ── what is in it ──────────────────────────────────────────────────────────────────────────────
 */

/* How to get what is missing. */
static void fetch_command(const koe_hub_name *name, char out[MAX_COMMAND]) {
  bool main_branch = strcmp(name->revision, default_revision) == 0;
  snprintf(out, MAX_COMMAND, "koelectra-fetch %s%s%s", name->repository,
           main_branch ? "" : " --revision ", main_branch ? "" : name->revision);
}

/* The text of a small file, without the spaces at its end. */
static koe_status read_line(const char *path, char out[64], koe_error *err) {
  koe_file_map map;
  koe_status status = koe_file_map_open(path, &map, err);
  if (status != KOE_OK) return status;
  size_t length = map.size < 63 ? map.size : 63;
  if (length > 0) memcpy(out, map.data, length);
  while (length > 0 && strchr(" \t\r\n", out[length - 1]) != NULL)
    length--;
  out[length] = '\0';
  koe_file_map_close(&map);
  return KOE_OK;
}

/* The commit of `name`, in the model's folder of the cache. */
static koe_status find_commit(const koe_hub_name *name, const char *folder, char out[64],
                              koe_error *err) {
  char command[MAX_COMMAND];
  fetch_command(name, command);
  if (koe_hub_is_commit(name->revision)) {
    strcpy(out, name->revision);
    return KOE_OK;
  }
  char *path = koe_path_join(folder, "refs");
  koe_status status = path != NULL ? descend(&path, name->revision, err) : koe_fail_nomem(err);
  if (status == KOE_OK && !koe_path_exists(path)) {
    status = koe_fail(err, KOE_IO,
                      "the hub's cache has no revision \"%.80s\" of %s (looked for %.150s): run %s",
                      name->revision, name->repository, path, command);
  }
  if (status == KOE_OK) status = read_line(path, out, err);
  if (status == KOE_OK && !koe_hub_is_commit(out)) {
    status =
        koe_fail(err, KOE_FORMAT, "%.200s: holds no commit of 40 digits: run %s", path, command);
  }
  koe_free(path);
  return status;
}

/* The snapshot of a commit, which may be missing. */
static koe_status find_snapshot(const koe_hub_name *name, const char *folder, const char *commit,
                                char **out, koe_error *err) {
  char command[MAX_COMMAND];
  struct stat info;
  fetch_command(name, command);
  *out = koe_path_join(folder, "snapshots");
  koe_status status = *out != NULL ? descend(out, commit, err) : koe_fail_nomem(err);
  if (status != KOE_OK) return status;
  if (stat(*out, &info) == 0 && S_ISDIR(info.st_mode)) return KOE_OK;
  return koe_fail(err, KOE_IO, "the hub's cache has no files of %s (looked for %.250s): run %s",
                  name->repository, *out, command);
}

koe_status koe_hub_cache_find(const koe_hub_name *name, char **out, koe_error *err) {
  char folder[KOE_HUB_MAX_FOLDER], command[MAX_COMMAND], commit[64];
  char *path = NULL;
  *out = NULL;
  koe_hub_folder_name(name, folder);
  fetch_command(name, command);
  koe_status status = koe_hub_cache_path(&path, err);
  if (status == KOE_OK) status = descend(&path, folder, err);
  if (status == KOE_OK && !koe_path_exists(path)) {
    status = koe_fail(err, KOE_IO,
                      "no directory \"%.100s\", and the hub's cache has no such model (looked for "
                      "%.200s): run %s",
                      name->repository, path, command);
  }
  if (status == KOE_OK) status = find_commit(name, path, commit, err);
  if (status == KOE_OK) status = find_snapshot(name, path, commit, out, err);
  if (status != KOE_OK) {
    koe_free(*out);
    *out = NULL;
  }
  koe_free(path);
  return status;
}
