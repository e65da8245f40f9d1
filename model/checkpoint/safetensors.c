#include "safetensors.h"

#include "../json_file.h"
#include "../memory.h"
#include "byte_order.h"

#include <stdlib.h>
#include <string.h>

enum { LENGTH_BYTES = 8, MAX_HEADER_BYTES = 100000000 };

static const struct {
  const char *name;
  koe_dtype dtype;
} dtypes[] = {
    {"F32", KOE_F32}, {"F16", KOE_F16}, {"BF16", KOE_BF16}, {"F64", KOE_F64}, {"I64", KOE_I64},
    {"I32", KOE_I32}, {"I16", KOE_I16}, {"I8", KOE_I8},     {"U8", KOE_U8},   {"BOOL", KOE_BOOL},
};

/* One entry of the header. */
typedef struct header_entry {
  const char *name; /* the JSON's */
  koe_dtype dtype;
  int dims;
  int64_t shape[KOE_TENSOR_MAX_DIMS];
  int64_t begin; /* bytes from the end of the header */
  int64_t end;
} header_entry;

bool koe_safetensors_detect(const koe_weight_file *file) {
  return file->size > LENGTH_BYTES && file->bytes[LENGTH_BYTES] == '{';
}

static koe_status parse_header(const koe_weight_file *file, json_t **header, size_t *data_start,
                               koe_error *err) {
  const char *path = file->path;
  *header = NULL;
  if (file->size < LENGTH_BYTES) {
    return koe_fail(err, KOE_FORMAT, "%s: %zu bytes are too few for a safetensors file", path,
                    file->size);
  }
  uint64_t length = koe_le64(file->bytes);
  if (length > MAX_HEADER_BYTES) {
    return koe_fail(err, KOE_FORMAT,
                    "%s: header of %llu bytes; safetensors allows %d: not a safetensors file?",
                    path, (unsigned long long)length, MAX_HEADER_BYTES);
  }
  if (length > file->size - LENGTH_BYTES) {
    return koe_fail(err, KOE_FORMAT, "%s: truncated: header of %llu bytes in a file of %zu", path,
                    (unsigned long long)length, file->size);
  }
  const char *json = (const char *)file->bytes + LENGTH_BYTES;
  koe_status status = koe_json_parse(json, (size_t)length, path, header, err);
  if (status != KOE_OK) return status;
  if (!json_is_object(*header)) {
    return koe_fail(err, KOE_FORMAT, "%s: the header is %s; expected an object", path,
                    koe_json_type_name(*header));
  }
  *data_start = LENGTH_BYTES + (size_t)length;
  return KOE_OK;
}

static koe_status entry_error(const koe_weight_file *file, const char *name, const char *fault,
                              koe_error *err) {
  return koe_fail(err, KOE_FORMAT, "%s: tensor \"%.200s\": %s", file->path, name, fault);
}

static koe_status parse_dtype(const koe_weight_file *file, const json_t *value, header_entry *entry,
                              koe_error *err) {
  const char *spelled = json_string_value(value);
  if (spelled == NULL) return entry_error(file, entry->name, "\"dtype\" is not a string", err);
  for (size_t i = 0; i < sizeof dtypes / sizeof dtypes[0]; i++) {
    if (strcmp(dtypes[i].name, spelled) == 0) {
      entry->dtype = dtypes[i].dtype;
      return KOE_OK;
    }
  }
  return koe_fail(err, KOE_FORMAT,
                  "%s: tensor \"%.200s\" has dtype \"%.40s\", which is not supported; save the "
                  "model as F32, F16 or BF16",
                  file->path, entry->name, spelled);
}

static koe_status parse_shape(const koe_weight_file *file, const json_t *value, header_entry *entry,
                              koe_error *err) {
  if (!json_is_array(value))
    return entry_error(file, entry->name, "\"shape\" is not an array", err);
  size_t dims = json_array_size(value);
  if (dims > KOE_TENSOR_MAX_DIMS) {
    return koe_fail(err, KOE_FORMAT,
                    "%s: tensor \"%.200s\" has %zu dimensions; at most %d are read", file->path,
                    entry->name, dims, KOE_TENSOR_MAX_DIMS);
  }
  entry->dims = (int)dims;
  for (size_t i = 0; i < dims; i++) {
    if (!koe_json_whole(json_array_get(value, i), 0, INT64_MAX, &entry->shape[i])) {
      return entry_error(file, entry->name, "\"shape\" holds something other than sizes", err);
    }
  }
  return KOE_OK;
}

static koe_status parse_entry(const koe_weight_file *file, const json_t *value, header_entry *entry,
                              koe_error *err) {
  if (!json_is_object(value)) {
    return entry_error(file, entry->name, "its header entry is not an object", err);
  }
  koe_status status = parse_dtype(file, json_object_get(value, "dtype"), entry, err);
  if (status != KOE_OK) return status;
  status = parse_shape(file, json_object_get(value, "shape"), entry, err);
  if (status != KOE_OK) return status;
  const json_t *offsets = json_object_get(value, "data_offsets");
  if (json_array_size(offsets) != 2 ||
      !koe_json_whole(json_array_get(offsets, 0), 0, INT64_MAX, &entry->begin) ||
      !koe_json_whole(json_array_get(offsets, 1), entry->begin, INT64_MAX, &entry->end)) {
    return entry_error(file, entry->name, "\"data_offsets\" is not [begin, end]", err);
  }
  return KOE_OK;
}

static int compare_entries(const void *left, const void *right) {
  const header_entry *a = left;
  const header_entry *b = right;
  if (a->begin != b->begin) return a->begin < b->begin ? -1 : 1;
  if (a->end != b->end) return a->end < b->end ? -1 : 1;
  return strcmp(a->name, b->name);
}

static koe_status parse_entries(const koe_weight_file *file, json_t *header, header_entry *entries,
                                size_t *count, koe_error *err) {
  const char *name;
  json_t *value;
  *count = 0;
  json_object_foreach(header, name, value) {
    if (strcmp(name, "__metadata__") == 0) continue;
    header_entry *entry = &entries[*count];
    entry->name = name;
    koe_status status = parse_entry(file, value, entry, err);
    if (status != KOE_OK) return status;
    ++*count;
  }
  qsort(entries, *count, sizeof *entries, compare_entries);
  return KOE_OK;
}

/* Appends entries sorted by offset, each of which must begin where the last one ended. */
static koe_status add_entries(const koe_weight_file *file, const header_entry *entries,
                              size_t count, size_t data_start, koe_tensor_list *list,
                              koe_error *err) {
  const uint8_t *data = file->bytes + data_start;
  int64_t data_size = (int64_t)(file->size - data_start);
  int64_t position = 0;
  for (size_t i = 0; i < count; i++) {
    const header_entry *entry = &entries[i];
    koe_tensor *tensor;
    koe_status status = koe_tensor_list_add(list, file->path, entry->name, strlen(entry->name),
                                            entry->dtype, entry->shape, entry->dims, &tensor, err);
    if (status != KOE_OK) return status;
    if (entry->end > data_size) {
      return entry_error(file, entry->name, "its data ends outside the file, which is truncated",
                         err);
    }
    if (entry->begin != position) {
      return entry_error(file, entry->name, "its data overlaps another tensor's or leaves a gap",
                         err);
    }
    if ((size_t)(entry->end - entry->begin) != tensor->bytes) {
      return koe_fail(err, KOE_FORMAT,
                      "%s: tensor \"%.200s\": %lld bytes of data for a shape of %zu", file->path,
                      entry->name, (long long)(entry->end - entry->begin), tensor->bytes);
    }
    tensor->data = data + entry->begin;
    position = entry->end;
  }
  if (position != data_size) {
    return koe_fail(err, KOE_FORMAT, "%s: %lld bytes after the last tensor", file->path,
                    (long long)(data_size - position));
  }
  return KOE_OK;
}

koe_status koe_safetensors_read(const koe_weight_file *file, koe_tensor_list *list,
                                koe_error *err) {
  json_t *header;
  header_entry *entries = NULL;
  size_t data_start = 0;
  size_t count = 0;
  koe_status status = parse_header(file, &header, &data_start, err);
  if (status != KOE_OK) goto cleanup;
  entries = koe_alloc_zero(json_object_size(header), sizeof *entries);
  if (entries == NULL) {
    status = koe_fail_nomem(err);
    goto cleanup;
  }
  status = parse_entries(file, header, entries, &count, err);
  if (status != KOE_OK) goto cleanup;
  status = add_entries(file, entries, count, data_start, list, err);

cleanup:
  koe_free(entries);
  json_decref(header);
  return status;
}
