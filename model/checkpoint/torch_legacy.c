#include "torch_legacy.h"

#include "byte_order.h"
#include "name_index.h"
#include "torch_pickle.h"
#include "torch_state_dict.h"

#include <string.h>

enum { PICKLE_PROTO = 0x80, PROTOCOL_VERSION = 1001, COUNT_BYTES = 8 };

static const uint8_t magic[10] = {0x6c, 0xfc, 0x9c, 0x46, 0xf9, 0x20, 0x6a, 0xa8, 0x50, 0x19};

bool koe_torch_legacy_detect(const koe_weight_file *file) {
  return file->size >= 2 && file->bytes[0] == PICKLE_PROTO;
}

/* Runs the pickle at `*position` of the file and moves behind it. */
static koe_status run_at(const koe_weight_file *file, size_t *position, koe_pickle *out,
                         koe_error *err) {
  koe_weight_file rest = {file->bytes + *position, file->size - *position, file->path};
  koe_status status = koe_pickle_run(&rest, out, err);
  *position += out->position;
  return status;
}

static koe_status check_magic(const koe_weight_file *file, size_t *position, koe_error *err) {
  koe_pickle pickle;
  koe_status status = run_at(file, position, &pickle, err);
  if (status == KOE_OK &&
      (pickle.root.kind != KOE_PICKLE_LARGE || pickle.root.bytes.length != sizeof magic ||
       memcmp(pickle.root.bytes.data, magic, sizeof magic) != 0)) {
    status = koe_fail(err, KOE_FORMAT, "%s: a pickle, but not from torch.save", file->path);
  }
  koe_pickle_clear(&pickle);
  return status;
}

static koe_status check_protocol(const koe_weight_file *file, size_t *position, koe_error *err) {
  koe_pickle pickle;
  koe_status status = run_at(file, position, &pickle, err);
  if (status == KOE_OK &&
      (pickle.root.kind != KOE_PICKLE_INTEGER || pickle.root.integer != PROTOCOL_VERSION)) {
    status = koe_fail(err, KOE_FORMAT, "%s: torch.save protocol other than %d", file->path,
                      PROTOCOL_VERSION);
  }
  koe_pickle_clear(&pickle);
  return status;
}

static koe_status check_system(const koe_weight_file *file, size_t *position, koe_error *err) {
  koe_pickle pickle;
  koe_status status = run_at(file, position, &pickle, err);
  if (status == KOE_OK) {
    const koe_pickle_value *little = koe_pickle_get(&pickle, &pickle.root, "little_endian");
    if (little == NULL || little->kind != KOE_PICKLE_BOOL) {
      status = koe_fail(err, KOE_FORMAT, "%s: does not say its byte order", file->path);
    } else if (!little->integer) {
      status = koe_fail(err, KOE_FORMAT,
                        "%s: written in big-endian byte order; only little-endian files are read",
                        file->path);
    }
  }
  koe_pickle_clear(&pickle);
  return status;
}

/* Reads the elements of one key at `*position`, for all `storages` in `found` [count]. */
static koe_status read_elements(const koe_weight_file *file, size_t *position,
                                const koe_name *found, size_t count, koe_pickle_storage *storages,
                                koe_error *err) {
  const koe_pickle_storage *first = &storages[found[0].item];
  if (first->data != NULL) {
    return koe_fail(err, KOE_FORMAT, "%s: a storage key occurs twice", file->path);
  }
  if (file->size - *position < COUNT_BYTES) {
    return koe_fail(err, KOE_FORMAT, "%s: truncated: storages are missing", file->path);
  }
  if (koe_le64(file->bytes + *position) != (uint64_t)first->elements) {
    return koe_fail(err, KOE_FORMAT,
                    "%s: storage at byte %zu has another size than its pickle says", file->path,
                    *position);
  }
  *position += COUNT_BYTES;
  /* cannot overflow: koe_torch_persistent has checked */
  uint64_t bytes = (uint64_t)first->elements * koe_dtype_size(first->dtype);
  if (bytes > file->size - *position) {
    return koe_fail(err, KOE_FORMAT, "%s: truncated: storage at byte %zu ends outside the file",
                    file->path, *position);
  }
  for (size_t i = 0; i < count; i++) {
    koe_pickle_storage *storage = &storages[found[i].item];
    if (storage->elements != first->elements || storage->dtype != first->dtype) {
      return koe_fail(err, KOE_FORMAT, "%s: a storage has two sizes or types", file->path);
    }
    storage->data = file->bytes + *position;
  }
  *position += (size_t)bytes;
  return KOE_OK;
}

/* Reads the data of all storages of `object`, in the order of the keys in `keys`. */
static koe_status read_storages(const koe_weight_file *file, size_t position,
                                const koe_pickle *keys, const koe_name_index *by_key,
                                koe_pickle *object, koe_error *err) {
  if (keys->root.kind != KOE_PICKLE_LIST) {
    return koe_fail(err, KOE_FORMAT, "%s: has no list of storage keys", file->path);
  }
  const koe_pickle_object *list = koe_pickle_object_of(keys, &keys->root);
  for (size_t i = 0; i < list->count; i++) {
    const koe_pickle_value *key = &list->items[i];
    const koe_name *found = NULL;
    size_t count = 0;
    if (key->kind == KOE_PICKLE_STRING) {
      found = koe_name_index_find(by_key, (const char *)key->bytes.data, key->bytes.length, &count);
    }
    if (found == NULL) {
      return koe_fail(err, KOE_FORMAT, "%s: storage key %zu belongs to no tensor", file->path, i);
    }
    koe_status status = read_elements(file, &position, found, count, object->storages, err);
    if (status != KOE_OK) return status;
  }
  for (size_t i = 0; i < object->storage_count; i++) {
    if (object->storages[i].data == NULL) {
      return koe_fail(err, KOE_FORMAT, "%s: the elements of storage %zu are missing", file->path,
                      i);
    }
  }
  return KOE_OK;
}

static koe_status index_storages(const koe_pickle *object, koe_name_index *index, koe_error *err) {
  for (size_t i = 0; i < object->storage_count; i++) {
    const koe_pickle_storage *storage = &object->storages[i];
    if (!koe_name_index_add(index, (const char *)storage->key, storage->key_length, i)) {
      return koe_fail_nomem(err);
    }
  }
  koe_name_index_sort(index);
  return KOE_OK;
}

koe_status koe_torch_legacy_read(const koe_weight_file *file, koe_tensor_list *list,
                                 koe_error *err) {
  koe_pickle object = {0};
  koe_pickle keys = {0};
  koe_name_index by_key = {0};
  size_t position = 0;
  koe_status status = check_magic(file, &position, err);
  if (status == KOE_OK) status = check_protocol(file, &position, err);
  if (status == KOE_OK) status = check_system(file, &position, err);
  if (status == KOE_OK) status = run_at(file, &position, &object, err);
  if (status == KOE_OK) status = run_at(file, &position, &keys, err);
  if (status == KOE_OK) status = index_storages(&object, &by_key, err);
  /* An object without storages is refused below for having no tensors, whatever its keys are. */
  if (status == KOE_OK && object.storage_count > 0) {
    status = read_storages(file, position, &keys, &by_key, &object, err);
  }
  if (status == KOE_OK) status = koe_torch_read_state_dict(&object, file->size, list, err);

  koe_pickle_clear(&object);
  koe_pickle_clear(&keys);
  koe_name_index_clear(&by_key);
  return status;
}
