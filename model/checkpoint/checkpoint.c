#include "checkpoint.h"

#include "../json_file.h"
#include "../memory.h"
#include "../path.h"
#include "convert.h"
#include "name_index.h"
#include "quantized.h"
#include "safetensors.h"
#include "tf_bundle.h"
#include "torch_legacy.h"
#include "torch_zip.h"
#include "weight_file.h"
#include "weight_files.h"
#include "zip.h"

#include <string.h>

struct koe_checkpoint {
  char *path;
  koe_file_map *maps; /* [map_count]; NULL if the bytes were given without a directory */
  size_t map_count;
  koe_tensor_list tensors;
  koe_name_index index;
  float **converted; /* [count of tensors]; NULL until asked for */
  size_t converted_bytes;
  size_t released_bytes; /* of tensors, as in the file */
};

/* What Git leaves in place of a large file that was not fetched. */
static bool is_git_lfs_pointer(const koe_weight_file *file) {
  static const char start[] = "version https://git-lfs";
  return file->size >= sizeof start - 1 && memcmp(file->bytes, start, sizeof start - 1) == 0;
}

static koe_status read_tensors(const koe_weight_file *file, koe_tensor_list *list, koe_error *err) {
  if (koe_zip_detect(file)) return koe_torch_zip_read(file, list, err);
  if (is_git_lfs_pointer(file)) {
    return koe_fail(err, KOE_FORMAT,
                    "%s: a Git LFS pointer, not the weights: fetch them with \"git lfs pull\"",
                    file->path);
  }
  if (koe_safetensors_detect(file)) return koe_safetensors_read(file, list, err);
  if (koe_torch_legacy_detect(file)) return koe_torch_legacy_read(file, list, err);
  return koe_fail(err, KOE_FORMAT,
                  "%s: not a weight file: expected safetensors, or a zip archive or pickle from "
                  "torch.save",
                  file->path);
}

static koe_status index_tensors(koe_checkpoint *checkpoint, koe_error *err) {
  const koe_tensor_list *list = &checkpoint->tensors;
  for (size_t i = 0; i < list->count; i++) {
    const char *name = list->items[i].name;
    if (!koe_name_index_add(&checkpoint->index, name, strlen(name), i)) return koe_fail_nomem(err);
  }
  koe_name_index_sort(&checkpoint->index);
  const koe_name *twice = koe_name_index_duplicate(&checkpoint->index);
  if (twice != NULL) {
    return koe_fail(err, KOE_FORMAT, "%s: two tensors called \"%s\"", checkpoint->path,
                    list->items[twice->item].name);
  }
  checkpoint->converted = koe_alloc_zero(list->count, sizeof *checkpoint->converted);
  return checkpoint->converted != NULL ? KOE_OK : koe_fail_nomem(err);
}

/* A checkpoint without tensors yet; NULL if memory is short. */
static koe_checkpoint *new_checkpoint(const char *path) {
  koe_checkpoint *checkpoint = koe_alloc_zero(1, sizeof *checkpoint);
  if (checkpoint == NULL) return NULL;
  checkpoint->path = koe_copy_string(path, strlen(path));
  if (checkpoint->path != NULL) return checkpoint;
  koe_free(checkpoint);
  return NULL;
}

/* ── directories ────────────────────────────────────────────────────────────────────────────────
 */

static koe_status map_files(koe_checkpoint *checkpoint, const koe_directory *directory,
                            const koe_weight_files *found, koe_error *err) {
  checkpoint->maps = koe_alloc_zero(found->count, sizeof *checkpoint->maps);
  if (checkpoint->maps == NULL) return koe_fail_nomem(err);
  for (size_t i = 0; i < found->count; i++) {
    const koe_weight_path *item = &found->items[i];
    koe_status status =
        koe_directory_open(directory, item->name, item->path, &checkpoint->maps[i], err);
    if (status != KOE_OK) return status;
    checkpoint->map_count++;
  }
  return KOE_OK;
}

/* Every tensor of a shard must be one that the index puts there. */
static koe_status check_shard(const koe_checkpoint *checkpoint, const koe_weight_files *found,
                              const koe_weight_path *shard, size_t first, koe_error *err) {
  const json_t *map = json_object_get(found->index, "weight_map");
  for (size_t i = first; i < checkpoint->tensors.count; i++) {
    const char *name = checkpoint->tensors.items[i].name;
    const char *expected = json_string_value(json_object_get(map, name));
    if (expected != NULL && strcmp(expected, shard->name) == 0) continue;
    return koe_fail(err, KOE_FORMAT,
                    "%s: tensor \"%.200s\" is in %.200s, but not by the index: the "
                    "files do not belong together",
                    checkpoint->path, name, shard->name);
  }
  return KOE_OK;
}

/* A tensor of the index that no shard has; NULL where the two agree. */
static const char *missing_tensor(const koe_checkpoint *checkpoint, const koe_weight_files *found) {
  json_t *map = json_object_get(found->index, "weight_map");
  const char *name;
  json_t *shard;
  json_object_foreach(map, name, shard) {
    if (koe_checkpoint_find(checkpoint, name) == NULL) return name;
  }
  return NULL;
}

static koe_status read_shards(koe_checkpoint *checkpoint, const koe_weight_files *found,
                              koe_error *err) {
  koe_status status = KOE_OK;
  for (size_t i = 1; i < found->count && status == KOE_OK; i++) {
    const koe_file_map *map = &checkpoint->maps[i];
    koe_weight_file file = {map->data, map->size, found->items[i].path};
    size_t first = checkpoint->tensors.count;
    status = read_tensors(&file, &checkpoint->tensors, err);
    if (status == KOE_OK) status = check_shard(checkpoint, found, &found->items[i], first, err);
  }
  if (status == KOE_OK) status = index_tensors(checkpoint, err);
  if (status != KOE_OK) return status;
  const char *missing = missing_tensor(checkpoint, found);
  if (missing == NULL) return KOE_OK;
  return koe_fail(err, KOE_FORMAT,
                  "%s: tensor \"%.200s\" is in none of the files: they do not "
                  "belong together",
                  checkpoint->path, missing);
}

/* Which model config.json describes; a discriminator where nothing is said. */
static koe_status part_of_config(const koe_directory *directory, koe_electra_part *out,
                                 koe_error *err) {
  static const char name[] = "config.json";
  koe_file_map map = {0};
  json_t *json = NULL;
  koe_status status = KOE_OK;
  char *path = koe_path_join(directory->path, name);
  if (path == NULL) return koe_fail_nomem(err);
  *out = KOE_PART_DISCRIMINATOR;
  if (!koe_directory_has(directory, name, path)) goto cleanup;
  status = koe_directory_open(directory, name, path, &map, err);
  if (status == KOE_OK) status = koe_json_read_object(&map, path, &json, err);
  if (status != KOE_OK) goto cleanup;
  const json_t *architectures = json_object_get(json, "architectures");
  *out = koe_part_of_architecture(json_string_value(json_array_get(architectures, 0)));

cleanup:
  json_decref(json);
  koe_file_map_close(&map);
  koe_free(path);
  return status;
}

static koe_status read_bundle(koe_checkpoint *checkpoint, const koe_directory *directory,
                              const koe_weight_files *found, koe_electra_part part,
                              koe_error *err) {
  koe_status status = KOE_OK;
  koe_weight_file *files = koe_alloc(found->count, sizeof *files);
  if (files == NULL) return koe_fail_nomem(err);
  for (size_t i = 0; i < found->count; i++) {
    const koe_file_map *map = &checkpoint->maps[i];
    files[i] = (koe_weight_file){map->data, map->size, found->items[i].path};
  }
  if (part == KOE_PART_BY_CONFIG) status = part_of_config(directory, &part, err);
  if (status == KOE_OK) {
    status =
        koe_bundle_read(&files[0], files + 1, found->count - 1, part, &checkpoint->tensors, err);
  }
  koe_free(files);
  if (status == KOE_OK) status = index_tensors(checkpoint, err);
  /* What verifying the checksums has brought into memory. */
  for (size_t i = 0; i < checkpoint->map_count; i++)
    koe_file_map_release(&checkpoint->maps[i], checkpoint->maps[i].data, checkpoint->maps[i].size);
  return status;
}

static koe_status read_single(koe_checkpoint *checkpoint, const koe_weight_file *file,
                              koe_error *err) {
  koe_status status = read_tensors(file, &checkpoint->tensors, err);
  return status == KOE_OK ? index_tensors(checkpoint, err) : status;
}

static koe_status read_found(koe_checkpoint *checkpoint, const koe_directory *directory,
                             const koe_weight_files *found, koe_electra_part part, koe_error *err) {
  koe_status status = map_files(checkpoint, directory, found, err);
  if (status != KOE_OK) return status;
  koe_weight_file file = {checkpoint->maps[0].data, checkpoint->maps[0].size, checkpoint->path};
  switch (found->layout) {
  case KOE_WEIGHTS_SINGLE:
    return read_single(checkpoint, &file, err);
  case KOE_WEIGHTS_SHARDED:
    return read_shards(checkpoint, found, err);
  case KOE_WEIGHTS_BUNDLE:
    break;
  }
  return read_bundle(checkpoint, directory, found, part, err);
}

/* ── interface ──────────────────────────────────────────────────────────────────────────────────
 */

koe_status koe_checkpoint_open_part(const koe_directory *directory, koe_electra_part part,
                                    koe_checkpoint **out, koe_error *err) {
  koe_weight_files found;
  koe_checkpoint *checkpoint = NULL;
  *out = NULL;
  koe_status status = koe_weight_files_find(directory, &found, err);
  if (status != KOE_OK) goto cleanup;
  checkpoint = new_checkpoint(found.items[0].path);
  status = checkpoint != NULL ? read_found(checkpoint, directory, &found, part, err)
                              : koe_fail_nomem(err);
  if (status != KOE_OK) goto cleanup;
  *out = checkpoint;
  checkpoint = NULL;

cleanup:
  koe_checkpoint_free(checkpoint);
  koe_weight_files_clear(&found);
  return status;
}

koe_status koe_checkpoint_open_in(const koe_directory *directory, koe_checkpoint **out,
                                  koe_error *err) {
  return koe_checkpoint_open_part(directory, KOE_PART_BY_CONFIG, out, err);
}

koe_status koe_checkpoint_open(const char *directory, koe_checkpoint **out, koe_error *err) {
  koe_directory at = koe_directory_at(directory);
  return koe_checkpoint_open_in(&at, out, err);
}

koe_status koe_checkpoint_open_memory(const void *bytes, size_t size, const char *name,
                                      koe_checkpoint **out, koe_error *err) {
  koe_weight_file file = {bytes, size, name};
  *out = NULL;
  koe_checkpoint *checkpoint = new_checkpoint(name);
  if (checkpoint == NULL) return koe_fail_nomem(err);
  koe_status status = read_single(checkpoint, &file, err);
  if (status != KOE_OK) {
    koe_checkpoint_free(checkpoint);
    return status;
  }
  *out = checkpoint;
  return KOE_OK;
}

koe_status koe_checkpoint_of_tensors(koe_tensor_list *list, const char *name, koe_checkpoint **out,
                                     koe_error *err) {
  *out = NULL;
  koe_checkpoint *checkpoint = new_checkpoint(name);
  if (checkpoint == NULL) return koe_fail_nomem(err);
  checkpoint->tensors = *list;
  koe_status status = index_tensors(checkpoint, err);
  if (status != KOE_OK) {
    memset(&checkpoint->tensors, 0, sizeof checkpoint->tensors);
    koe_checkpoint_free(checkpoint);
    return status;
  }
  memset(list, 0, sizeof *list);
  *out = checkpoint;
  return KOE_OK;
}

void koe_checkpoint_free(koe_checkpoint *checkpoint) {
  if (checkpoint == NULL) return;
  if (checkpoint->converted != NULL) {
    for (size_t i = 0; i < checkpoint->tensors.count; i++)
      koe_free(checkpoint->converted[i]);
  }
  koe_free(checkpoint->converted);
  koe_name_index_clear(&checkpoint->index);
  koe_tensor_list_clear(&checkpoint->tensors);
  for (size_t i = 0; i < checkpoint->map_count; i++)
    koe_file_map_close(&checkpoint->maps[i]);
  koe_free(checkpoint->maps);
  koe_free(checkpoint->path);
  koe_free(checkpoint);
}

const char *koe_checkpoint_path(const koe_checkpoint *checkpoint) {
  return checkpoint->path;
}

size_t koe_checkpoint_count(const koe_checkpoint *checkpoint) {
  return checkpoint->tensors.count;
}

const koe_tensor *koe_checkpoint_at(const koe_checkpoint *checkpoint, size_t index) {
  return &checkpoint->tensors.items[index];
}

const koe_tensor *koe_checkpoint_find(const koe_checkpoint *checkpoint, const char *name) {
  const koe_name *found = koe_name_index_find(&checkpoint->index, name, strlen(name), NULL);
  return found != NULL ? &checkpoint->tensors.items[found->item] : NULL;
}

/* Whether the element data are floats as this machine reads them. */
static bool is_native(const koe_tensor *tensor) {
  return tensor->dtype == KOE_F32 && !tensor->transposed &&
         (uintptr_t)tensor->data % _Alignof(float) == 0 &&
         __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__;
}

/* Fills a new copy of a tensor, of `count` elements; `scales` only where it is quantized. */
static void convert(const koe_tensor *tensor, const float *scales, size_t count, float *out) {
  if (tensor->transposed) {
    size_t rows = (size_t)tensor->shape[0], columns = (size_t)tensor->shape[1];
    for (size_t row = 0; row < rows; row++)
      koe_convert_transposed(tensor->dtype, tensor->data, rows, row, 0, columns,
                             out + row * columns);
  } else if (scales == NULL) {
    koe_convert_to_float32(tensor->dtype, tensor->data, count, out);
  } else {
    koe_dequantize((const int8_t *)tensor->data, scales, (size_t)tensor->shape[0],
                   (size_t)tensor->shape[1], out);
  }
}

koe_status koe_checkpoint_float32(koe_checkpoint *checkpoint, const koe_tensor *tensor,
                                  const float **out, koe_error *err) {
  static const float nothing = 0;
  const float *scales = NULL;
  float **converted = &checkpoint->converted[tensor - checkpoint->tensors.items];
  size_t count = tensor->bytes / koe_dtype_size(tensor->dtype);
  *out = NULL;
  if (!koe_is_floating(tensor->dtype) && !koe_is_quantized(tensor)) {
    return koe_fail(err, KOE_UNSUPPORTED,
                    "%s: tensor \"%s\" is %s; expected float32, float16, bfloat16, float64 or an "
                    "int8 matrix",
                    checkpoint->path, tensor->name, koe_dtype_name(tensor->dtype));
  }
  if (tensor->bytes == 0) {
    *out = &nothing;
    return KOE_OK;
  }
  if (is_native(tensor)) {
    *out = (const float *)(const void *)tensor->data;
    return KOE_OK;
  }
  if (*converted == NULL) {
    if (koe_is_quantized(tensor)) {
      koe_status status = koe_quantized_scales(checkpoint, tensor, &scales, err);
      if (status != KOE_OK) return status;
    }
    *converted = koe_alloc_aligned(count, sizeof **converted);
    if (*converted == NULL) return koe_fail_nomem(err);
    convert(tensor, scales, count, *converted);
    checkpoint->converted_bytes += count * sizeof **converted;
  }
  *out = *converted;
  return KOE_OK;
}

void koe_checkpoint_release(koe_checkpoint *checkpoint, const koe_tensor *tensor) {
  float **converted = &checkpoint->converted[tensor - checkpoint->tensors.items];
  if (*converted != NULL) {
    checkpoint->converted_bytes -= tensor->bytes / koe_dtype_size(tensor->dtype) *
                                   sizeof **converted;
    koe_free(*converted);
    *converted = NULL;
  }
  checkpoint->released_bytes += tensor->bytes;
  koe_checkpoint_drop_pages(checkpoint, tensor);
}

void koe_checkpoint_drop_pages(const koe_checkpoint *checkpoint, const koe_tensor *tensor) {
  for (size_t i = 0; i < checkpoint->map_count; i++)
    koe_file_map_release(&checkpoint->maps[i], tensor->data, tensor->bytes);
}

size_t koe_checkpoint_heap_bytes(const koe_checkpoint *checkpoint) {
  return checkpoint->tensors.copied_bytes + checkpoint->converted_bytes;
}

size_t koe_checkpoint_bytes(const koe_checkpoint *checkpoint) {
  size_t bytes = koe_checkpoint_heap_bytes(checkpoint);
  for (size_t i = 0; i < checkpoint->tensors.count; i++)
    bytes += checkpoint->tensors.items[i].bytes;
  return bytes - checkpoint->released_bytes;
}
