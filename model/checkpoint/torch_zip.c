#include "torch_zip.h"

#include "../memory.h"
#include "torch_pickle.h"
#include "torch_state_dict.h"
#include "zip.h"

#include <string.h>

enum { MAX_KEY = 256 }; /* bytes of a storage's name */

static const char pickle_name[] = "data.pkl";

/* The archive and the folder in it that the checkpoint is in. */
typedef struct torch_archive {
  koe_zip zip;
  const char *prefix; /* ends with a slash, or is empty */
  size_t prefix_length;
  char *path; /* scratch: prefix, then "data/KEY" and the like */
} torch_archive;

/* Finds the only entry called data.pkl and with it the prefix. */
static koe_status find_pickle(torch_archive *archive, const koe_zip_entry **out, koe_error *err) {
  const char *path = archive->zip.file.path;
  size_t length = sizeof pickle_name - 1;
  *out = NULL;
  for (size_t i = 0; i < archive->zip.count; i++) {
    const koe_zip_entry *entry = &archive->zip.entries[i];
    if (entry->name_length < length) continue;
    size_t prefix_length = entry->name_length - length;
    if (memcmp(entry->name + prefix_length, pickle_name, length) != 0) continue;
    if (prefix_length > 0 && entry->name[prefix_length - 1] != '/') continue;
    if (*out != NULL) return koe_fail(err, KOE_FORMAT, "%s: two entries called data.pkl", path);
    *out = entry;
    archive->prefix = entry->name;
    archive->prefix_length = prefix_length;
  }
  if (*out == NULL) {
    return koe_fail(err, KOE_FORMAT, "%s: a zip archive without data.pkl: not from torch.save",
                    path);
  }
  return KOE_OK;
}

/* The entry PREFIX`folder``name`, or NULL. */
static const koe_zip_entry *find_entry(const torch_archive *archive, const char *folder,
                                       const uint8_t *name, size_t name_length) {
  size_t folder_length = strlen(folder);
  char *end = archive->path + archive->prefix_length;
  if (folder_length + name_length > MAX_KEY) return NULL;
  memcpy(end, folder, folder_length);
  memcpy(end + folder_length, name, name_length);
  return koe_zip_find(&archive->zip, archive->path,
                      archive->prefix_length + folder_length + name_length);
}

static koe_status check_byte_order(const torch_archive *archive, koe_error *err) {
  static const char name[] = "byteorder";
  const koe_zip_entry *entry = find_entry(archive, "", (const uint8_t *)name, sizeof name - 1);
  const uint8_t *data;
  if (entry == NULL) return KOE_OK;
  koe_status status = koe_zip_data(&archive->zip, entry, &data, err);
  if (status != KOE_OK) return status;
  if (entry->size == 6 && memcmp(data, "little", 6) == 0) return KOE_OK;
  return koe_fail(err, KOE_FORMAT,
                  "%s: written in big-endian byte order; only little-endian files are read",
                  archive->zip.file.path);
}

static koe_status find_storages(const torch_archive *archive, koe_pickle *pickle, koe_error *err) {
  for (size_t i = 0; i < pickle->storage_count; i++) {
    koe_pickle_storage *storage = &pickle->storages[i];
    const koe_zip_entry *entry = find_entry(archive, "data/", storage->key, storage->key_length);
    if (entry == NULL) {
      return koe_fail(err, KOE_FORMAT, "%s: the elements of storage %zu are missing",
                      archive->zip.file.path, i);
    }
    koe_status status = koe_zip_data(&archive->zip, entry, &storage->data, err);
    if (status != KOE_OK) return status;
    uint64_t expected = (uint64_t)storage->elements * koe_dtype_size(storage->dtype);
    if (entry->size != expected) {
      return koe_fail(err, KOE_FORMAT, "%s: storage %zu has %llu bytes instead of %llu",
                      archive->zip.file.path, i, (unsigned long long)entry->size,
                      (unsigned long long)expected);
    }
  }
  return KOE_OK;
}

koe_status koe_torch_zip_read(const koe_weight_file *file, koe_tensor_list *list, koe_error *err) {
  torch_archive archive = {0};
  koe_pickle pickle = {0};
  const koe_zip_entry *entry = NULL;
  koe_weight_file code = *file;
  koe_status status = koe_zip_open(file, &archive.zip, err);
  if (status == KOE_OK) status = find_pickle(&archive, &entry, err);
  if (status != KOE_OK) goto cleanup;

  archive.path = koe_alloc(archive.prefix_length + MAX_KEY, 1);
  if (archive.path == NULL) {
    status = koe_fail_nomem(err);
    goto cleanup;
  }
  memcpy(archive.path, archive.prefix, archive.prefix_length);
  status = check_byte_order(&archive, err);
  if (status == KOE_OK) status = koe_zip_data(&archive.zip, entry, &code.bytes, err);
  if (status != KOE_OK) goto cleanup;

  code.size = (size_t)entry->size;
  status = koe_pickle_run(&code, &pickle, err);
  if (status == KOE_OK) status = find_storages(&archive, &pickle, err);
  if (status == KOE_OK) status = koe_torch_read_state_dict(&pickle, file->size, list, err);

cleanup:
  koe_pickle_clear(&pickle);
  koe_zip_clear(&archive.zip);
  koe_free(archive.path);
  return status;
}
