#include "copied_files.h"

#include "../directory.h"
#include "../json_file.h"
#include "../memory.h"
#include "../path.h"
#include "checkpoint_writer.h"
#include "file_writer.h"

#include <sys/stat.h>

koe_status koe_check_apart(const char *in, const char *out, koe_error *err) {
  struct stat a, b;
  if (stat(in, &a) != 0 || stat(out, &b) != 0) return KOE_OK;
  if (a.st_dev != b.st_dev || a.st_ino != b.st_ino) return KOE_OK;
  return koe_fail(err, KOE_INVALID, "\"%s\" is the directory that is read: name another", out);
}

/* Maps `in`/`name` where it is there; `*there` says. */
static koe_status open_file(const char *in, const char *name, koe_file_map *out, bool *there,
                            koe_error *err) {
  koe_status status = KOE_OK;
  koe_directory from = koe_directory_at(in);
  char *path = koe_path_join(in, name);
  *out = (koe_file_map){0};
  if (path == NULL) return koe_fail_nomem(err);
  *there = koe_directory_has(&from, name, path);
  if (*there) status = koe_directory_open(&from, name, path, out, err);
  koe_free(path);
  return status;
}

koe_status koe_copy_file(const char *in, const char *out, const char *name, koe_error *err) {
  koe_file_map file;
  bool there;
  koe_status status = open_file(in, name, &file, &there, err);
  if (status == KOE_OK && there)
    status = koe_write_whole_file(out, name, file.data, file.size, err);
  koe_file_map_close(&file);
  return status;
}

koe_status koe_read_json(const char *in, const char *name, json_t **out, koe_error *err) {
  koe_file_map file;
  bool there;
  *out = NULL;
  char *path = koe_path_join(in, name);
  if (path == NULL) return koe_fail_nomem(err);
  koe_status status = open_file(in, name, &file, &there, err);
  if (status == KOE_OK && there) status = koe_json_read_object(&file, path, out, err);
  koe_file_map_close(&file);
  koe_free(path);
  return status;
}

static koe_status copy_pooling(const char *in, const char *out, koe_error *err) {
  static const char name[] = "1_Pooling/config.json";
  koe_directory from = koe_directory_at(in);
  koe_status status = KOE_OK;
  char *path = koe_path_join(in, name), *folder = koe_path_join(out, "1_Pooling");
  if (path == NULL || folder == NULL) {
    status = koe_fail_nomem(err);
  } else if (koe_directory_has(&from, name, path)) {
    status = koe_make_directory(folder, err);
    if (status == KOE_OK) status = koe_copy_file(in, out, name, err);
  }
  koe_free(path);
  koe_free(folder);
  return status;
}

koe_status koe_copy_tokenizer_files(const char *in, const char *out, koe_error *err) {
  static const char *const names[] = {"vocab.txt", "tokenizer.json", "tokenizer_config.json",
                                      "special_tokens_map.json", "modules.json"};
  koe_status status = copy_pooling(in, out, err);
  for (size_t i = 0; i < sizeof names / sizeof names[0] && status == KOE_OK; i++)
    status = koe_copy_file(in, out, names[i], err);
  return status;
}

koe_status koe_copy_model_files(const char *in, const char *out, const char *torch_dtype,
                                koe_error *err) {
  static const char name[] = "config.json";
  json_t *json;
  koe_status status = koe_copy_tokenizer_files(in, out, err);
  if (status == KOE_OK) status = koe_read_json(in, name, &json, err);
  if (status != KOE_OK || json == NULL) return status;
  if (json_object_set_new(json, "torch_dtype", json_string(torch_dtype)) != 0) {
    json_decref(json);
    return koe_fail_nomem(err);
  }
  return koe_write_json(out, name, json, err);
}
