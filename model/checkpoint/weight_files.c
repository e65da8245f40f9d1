#include "weight_files.h"

#include "../json_file.h"
#include "../memory.h"
#include "../path.h"
#include "tf_bundle.h"

#include <ctype.h>
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_SHARDS = 1000 };

static const char index_suffix[] = ".index";

/* ── the list ───────────────────────────────────────────────────────────────────────────────────
 */

static koe_status append(const koe_directory *directory, koe_weight_files *files, const char *name,
                         koe_error *err) {
  if (!koe_grow(&files->items, &files->capacity, files->count + 1, sizeof *files->items)) {
    return koe_fail_nomem(err);
  }
  koe_weight_path item = {koe_copy_string(name, strlen(name)),
                          koe_path_join(directory->path, name)};
  if (item.name == NULL || item.path == NULL) {
    koe_free(item.name);
    koe_free(item.path);
    return koe_fail_nomem(err);
  }
  files->items[files->count++] = item;
  return KOE_OK;
}

void koe_weight_files_clear(koe_weight_files *files) {
  for (size_t i = 0; i < files->count; i++) {
    koe_free(files->items[i].name);
    koe_free(files->items[i].path);
  }
  koe_free(files->items);
  json_decref(files->index);
  memset(files, 0, sizeof *files);
}

/* Whether the directory has a file of that name; `*found` says. */
static koe_status has(const koe_directory *directory, const char *name, bool *found,
                      koe_error *err) {
  char *path = koe_path_join(directory->path, name);
  if (path == NULL) return koe_fail_nomem(err);
  *found = koe_directory_has(directory, name, path);
  koe_free(path);
  return KOE_OK;
}

static koe_status append_shard(const koe_directory *directory, koe_weight_files *files,
                               const char *name, koe_error *err) {
  bool there = false;
  koe_status status = append(directory, files, name, err);
  if (status == KOE_OK) status = has(directory, name, &there, err);
  if (status != KOE_OK || there) return status;
  return koe_fail(err, KOE_IO, "%s names %.200s, which is not there: fetch all of its files",
                  files->items[0].path, name);
}

/* ── shards that a JSON index names ─────────────────────────────────────────────────────────────
 */

static int compare_strings(const void *left, const void *right) {
  return strcmp(*(const char *const *)left, *(const char *const *)right);
}

/* A plain name: an index may not lead out of its directory. */
static bool is_file_name(const char *name) {
  if (name[0] == '\0' || name[0] == '.' || strlen(name) > 255) return false;
  for (const char *c = name; *c != '\0'; c++) {
    if (*c == '/' || (unsigned char)*c < ' ' || *c == 0x7F) return false;
  }
  return true;
}

/* The files of "weight_map" [as many as it has entries], sorted. */
static koe_status sorted_shards(const koe_weight_files *files, json_t *map, const char **out,
                                koe_error *err) {
  const char *tensor;
  json_t *value;
  size_t count = 0;
  json_object_foreach(map, tensor, value) {
    const char *shard = json_string_value(value);
    if (shard == NULL || !is_file_name(shard)) {
      return koe_fail(err, KOE_FORMAT,
                      "%s: \"weight_map\": tensor \"%.200s\" is not in a file of this directory",
                      files->items[0].path, tensor);
    }
    out[count++] = shard;
  }
  qsort(out, count, sizeof *out, compare_strings);
  return KOE_OK;
}

static koe_status append_shards(const koe_directory *directory, koe_weight_files *files,
                                koe_error *err) {
  json_t *map = json_object_get(files->index, "weight_map");
  size_t count = json_object_size(map);
  const char **shards = NULL;
  if (count == 0) {
    return koe_fail(err, KOE_FORMAT, "%s: \"weight_map\" is not an object of tensors and files",
                    files->items[0].path);
  }
  shards = koe_alloc(count, sizeof *shards);
  if (shards == NULL) return koe_fail_nomem(err);
  koe_status status = sorted_shards(files, map, shards, err);
  for (size_t i = 0; i < count && status == KOE_OK; i++) {
    if (i > 0 && strcmp(shards[i - 1], shards[i]) == 0) continue;
    if (files->count > MAX_SHARDS) {
      status =
          koe_fail(err, KOE_FORMAT, "%s: more than %d files", files->items[0].path, MAX_SHARDS);
    } else {
      status = append_shard(directory, files, shards[i], err);
    }
  }
  koe_free(shards);
  return status;
}

static koe_status read_index(const koe_directory *directory, koe_weight_files *files,
                             koe_error *err) {
  koe_file_map map;
  files->layout = KOE_WEIGHTS_SHARDED;
  koe_status status =
      koe_directory_open(directory, files->items[0].name, files->items[0].path, &map, err);
  if (status != KOE_OK) return status;
  status = koe_json_read_object(&map, files->items[0].path, &files->index, err);
  koe_file_map_close(&map);
  return status == KOE_OK ? append_shards(directory, files, err) : status;
}

/* ── checkpoints of TensorFlow 1 ────────────────────────────────────────────────────────────────
 */

static bool ends(const char *name, const char *end) {
  size_t length = strlen(name);
  return length > strlen(end) && strcmp(name + length - strlen(end), end) == 0;
}

/* 1000000 of "model.ckpt-1000000.index"; −1 where there is no such number. */
static long long step_of(const char *name) {
  size_t end = strlen(name) - strlen(index_suffix), first = end;
  while (first > 0 && isdigit((unsigned char)name[first - 1]))
    first--;
  if (first == end || first == 0 || name[first - 1] != '-') return -1;
  return strtoll(name + first, NULL, 10);
}

/* Whether `name` comes before the best so far, which may be "". */
static bool is_better(const char *name, const char *best) {
  if (!ends(name, index_suffix) || !is_file_name(name)) return false;
  if (best[0] == '\0') return true;
  long long a = step_of(name), b = step_of(best);
  return a != b ? a > b : strcmp(name, best) < 0;
}

/* The index of the highest step; "" where there is none. */
static void find_latest(const koe_directory *directory, char best[256]) {
  best[0] = '\0';
  for (size_t i = 0; i < directory->count; i++) {
    if (is_better(directory->files[i].name, best)) strcpy(best, directory->files[i].name);
  }
  DIR *entries = directory->files == NULL ? opendir(directory->path) : NULL;
  if (entries == NULL) return;
  for (const struct dirent *entry; (entry = readdir(entries)) != NULL;) {
    if (is_better(entry->d_name, best)) strcpy(best, entry->d_name);
  }
  closedir(entries);
}

/* The path in  model_checkpoint_path: "model.ckpt-1000000"  of the file "checkpoint", its last
 * component: the directory may have been moved since. */
static void parse_state(const koe_file_map *file, char out[256]) {
  static const char key[] = "model_checkpoint_path: \"";
  const char *text = (const char *)file->data, *end = text + file->size;
  size_t length = sizeof key - 1;
  out[0] = '\0';
  if (file->size < length || memcmp(text, key, length) != 0) return;
  const char *first = text + length, *last = memchr(first, '"', (size_t)(end - first));
  if (last == NULL) return;
  for (const char *c = first; c < last; c++) {
    if (*c == '/') first = c + 1;
  }
  if ((size_t)(last - first) + sizeof index_suffix > 256) return;
  memcpy(out, first, (size_t)(last - first));
  strcpy(out + (last - first), index_suffix);
  if (!is_file_name(out)) out[0] = '\0';
}

/* The index that the file "checkpoint" names, if both are there; otherwise "". */
static koe_status find_stated(const koe_directory *directory, char out[256], koe_error *err) {
  static const char name[] = "checkpoint";
  koe_file_map map;
  bool there = false;
  out[0] = '\0';
  char *path = koe_path_join(directory->path, name);
  if (path == NULL) return koe_fail_nomem(err);
  koe_status status = KOE_OK;
  if (koe_directory_has(directory, name, path)) {
    status = koe_directory_open(directory, name, path, &map, err);
    if (status == KOE_OK) parse_state(&map, out);
    if (status == KOE_OK) koe_file_map_close(&map);
  }
  koe_free(path);
  if (status == KOE_OK && out[0] != '\0') status = has(directory, out, &there, err);
  if (!there) out[0] = '\0';
  return status;
}

static koe_status find_bundle(const koe_directory *directory, char out[256], koe_error *err) {
  koe_status status = find_stated(directory, out, err);
  if (status == KOE_OK && out[0] == '\0') find_latest(directory, out);
  return status;
}

static koe_status read_bundle(const koe_directory *directory, koe_weight_files *files,
                              koe_error *err) {
  koe_file_map map;
  size_t shards = 0;
  char name[256 + 64];
  int prefix = (int)(strlen(files->items[0].name) - strlen(index_suffix));
  files->layout = KOE_WEIGHTS_BUNDLE;
  koe_status status =
      koe_directory_open(directory, files->items[0].name, files->items[0].path, &map, err);
  if (status != KOE_OK) return status;
  koe_weight_file index = {map.data, map.size, files->items[0].path};
  status = koe_bundle_shard_count(&index, &shards, err);
  koe_file_map_close(&map);
  for (size_t i = 0; i < shards && status == KOE_OK; i++) {
    snprintf(name, sizeof name, "%.*s.data-%05zu-of-%05zu", prefix, files->items[0].name, i,
             shards);
    status = append_shard(directory, files, name, err);
  }
  return status;
}

/* ── interface ──────────────────────────────────────────────────────────────────────────────────
 */

static koe_status no_weights(const koe_directory *directory, koe_error *err) {
  static const char keras[] = "tf_model.h5";
  bool has_keras = false;
  koe_status status = has(directory, keras, &has_keras, err);
  if (status != KOE_OK) return status;
  if (has_keras) {
    return koe_fail(err, KOE_IO,
                    "\"%s\" has its weights in %s, which is not read here: convert the directory "
                    "with koelectra-convert",
                    directory->path, keras);
  }
  return koe_fail(err, KOE_IO,
                  "\"%s\" has no weights: neither model.safetensors nor pytorch_model.bin, nor a "
                  "TensorFlow checkpoint (*.index)",
                  directory->path);
}

koe_status koe_weight_files_find(const koe_directory *directory, koe_weight_files *out,
                                 koe_error *err) {
  static const struct {
    const char *name;
    bool sharded;
  } candidates[] = {
      {"model.safetensors", false},
      {"model.safetensors.index.json", true},
      {"pytorch_model.bin", false},
      {"pytorch_model.bin.index.json", true},
  };
  char name[256];
  memset(out, 0, sizeof *out);
  koe_status status = koe_directory_check(directory, err);
  for (size_t i = 0; status == KOE_OK && i < sizeof candidates / sizeof candidates[0]; i++) {
    bool there = false;
    status = has(directory, candidates[i].name, &there, err);
    if (status != KOE_OK || !there) continue;
    status = append(directory, out, candidates[i].name, err);
    if (status == KOE_OK && candidates[i].sharded) status = read_index(directory, out, err);
    return status;
  }
  if (status == KOE_OK) status = find_bundle(directory, name, err);
  if (status != KOE_OK) return status;
  if (name[0] == '\0') return no_weights(directory, err);
  status = append(directory, out, name, err);
  return status == KOE_OK ? read_bundle(directory, out, err) : status;
}
