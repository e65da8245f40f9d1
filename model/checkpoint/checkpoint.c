#include "checkpoint.h"

#include "../memory.h"
#include "../path.h"
#include "convert.h"
#include "name_index.h"
#include "quantized.h"
#include "safetensors.h"
#include "tensor_list.h"
#include "torch_legacy.h"
#include "torch_zip.h"
#include "weight_file.h"
#include "zip.h"

#include <string.h>

static const char safetensors_name[] = "model.safetensors";
static const char pytorch_name[] = "pytorch_model.bin";

struct koe_checkpoint {
  char *path;
  koe_file_map map; /* all zero if the bytes were given without a directory */
  koe_tensor_list tensors;
  koe_name_index index;
  float **converted; /* [count of tensors]; NULL until asked for */
  size_t converted_bytes;
  size_t released_bytes; /* of tensors, as in the file */
};

koe_status koe_checkpoint_find_file_in(const koe_directory *directory, const char **name,
                                       char **path, koe_error *err) {
  static const char *const names[] = {safetensors_name, pytorch_name};
  *path = NULL;
  koe_status status = koe_directory_check(directory, err);
  if (status != KOE_OK) return status;
  for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
    char *candidate = koe_path_join(directory->path, names[i]);
    if (candidate == NULL) return koe_fail_nomem(err);
    if (koe_directory_has(directory, names[i], candidate)) {
      *name = names[i];
      *path = candidate;
      return KOE_OK;
    }
    koe_free(candidate);
  }
  return koe_fail(err, KOE_IO, "\"%s\" has no weights: neither %s nor %s", directory->path,
                  safetensors_name, pytorch_name);
}

koe_status koe_checkpoint_find_file(const char *directory, char **out, koe_error *err) {
  const char *name;
  koe_directory at = koe_directory_at(directory);
  return koe_checkpoint_find_file_in(&at, &name, out, err);
}

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

/* Fills a checkpoint whose path is set. */
static koe_status read_file(koe_checkpoint *checkpoint, const koe_weight_file *file,
                            koe_error *err) {
  koe_status status = read_tensors(file, &checkpoint->tensors, err);
  return status == KOE_OK ? index_tensors(checkpoint, err) : status;
}

koe_status koe_checkpoint_open_in(const koe_directory *directory, koe_checkpoint **out,
                                  koe_error *err) {
  const char *name;
  char *path;
  koe_weight_file file;
  koe_checkpoint *checkpoint = NULL;
  *out = NULL;
  koe_status status = koe_checkpoint_find_file_in(directory, &name, &path, err);
  if (status != KOE_OK) return status;
  checkpoint = koe_alloc_zero(1, sizeof *checkpoint);
  if (checkpoint == NULL) {
    koe_free(path);
    return koe_fail_nomem(err);
  }
  checkpoint->path = path;
  status = koe_directory_open(directory, name, path, &checkpoint->map, err);
  if (status != KOE_OK) goto cleanup;
  file = (koe_weight_file){checkpoint->map.data, checkpoint->map.size, path};
  status = read_file(checkpoint, &file, err);
  if (status != KOE_OK) goto cleanup;
  *out = checkpoint;
  return KOE_OK;

cleanup:
  koe_checkpoint_free(checkpoint);
  return status;
}

koe_status koe_checkpoint_open(const char *directory, koe_checkpoint **out, koe_error *err) {
  koe_directory at = koe_directory_at(directory);
  return koe_checkpoint_open_in(&at, out, err);
}

koe_status koe_checkpoint_open_memory(const void *bytes, size_t size, const char *name,
                                      koe_checkpoint **out, koe_error *err) {
  koe_weight_file file = {bytes, size, name};
  *out = NULL;
  koe_checkpoint *checkpoint = koe_alloc_zero(1, sizeof *checkpoint);
  if (checkpoint == NULL) return koe_fail_nomem(err);
  checkpoint->path = koe_copy_string(name, strlen(name));
  koe_status status = KOE_OK;
  if (checkpoint->path == NULL) status = koe_fail_nomem(err);
  if (status == KOE_OK) status = read_file(checkpoint, &file, err);
  if (status != KOE_OK) {
    koe_checkpoint_free(checkpoint);
    return status;
  }
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
  koe_file_map_close(&checkpoint->map);
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
  return tensor->dtype == KOE_F32 && (uintptr_t)tensor->data % _Alignof(float) == 0 &&
         __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__;
}

/* Fills a new copy of a tensor, of `count` elements; `scales` only where it is quantized. */
static void convert(const koe_tensor *tensor, const float *scales, size_t count, float *out) {
  if (scales == NULL) {
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
  koe_file_map_release(&checkpoint->map, tensor->data, tensor->bytes);
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
