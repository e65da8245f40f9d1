#include "zip.h"

#include "../memory.h"
#include "byte_order.h"

#include <stdlib.h>
#include <string.h>

enum {
  LOCAL_SIGNATURE = 0x04034b50,
  CENTRAL_SIGNATURE = 0x02014b50,
  END_SIGNATURE = 0x06054b50,
  LOCATOR64_SIGNATURE = 0x07064b50,
  END64_SIGNATURE = 0x06064b50,
  LOCAL_SIZE = 30,
  CENTRAL_SIZE = 46,
  END_SIZE = 22,
  LOCATOR64_SIZE = 20,
  END64_SIZE = 56,
  MAX_COMMENT = 0xFFFF,
  ZIP64_EXTRA = 0x0001,
  FLAG_ENCRYPTED = 1,
};

/* Where the central directory is. */
typedef struct directory_range {
  uint64_t offset;
  uint64_t size;
  uint64_t count;
} directory_range;

bool koe_zip_detect(const koe_weight_file *file) {
  return file->size >= 4 && koe_le32(file->bytes) == LOCAL_SIGNATURE;
}

static koe_status broken(const koe_weight_file *file, const char *fault, koe_error *err) {
  return koe_fail(err, KOE_FORMAT, "%s: zip archive: %s", file->path, fault);
}

/* Whether [offset, offset + length) lies in the file. */
static bool inside(const koe_weight_file *file, uint64_t offset, uint64_t length) {
  return offset <= file->size && length <= file->size - offset;
}

/* Finds the end record: the last one whose comment reaches to the end of the file. */
static bool find_end(const koe_weight_file *file, size_t *end) {
  if (file->size < END_SIZE) return false;
  size_t last = file->size - END_SIZE;
  size_t first = last > MAX_COMMENT ? last - MAX_COMMENT : 0;
  for (size_t position = last + 1; position-- > first;) {
    const uint8_t *record = file->bytes + position;
    if (koe_le32(record) == END_SIGNATURE && koe_le16(record + 20) == last - position) {
      *end = position;
      return true;
    }
  }
  return false;
}

/* Reads the zip64 end record that the locator before `end` points to; `*present` says whether there
 * is a locator. */
static koe_status read_end64(const koe_weight_file *file, size_t end, directory_range *range,
                             bool *present, koe_error *err) {
  *present = false;
  if (end < LOCATOR64_SIZE) return KOE_OK;
  const uint8_t *locator = file->bytes + end - LOCATOR64_SIZE;
  if (koe_le32(locator) != LOCATOR64_SIGNATURE) return KOE_OK;
  *present = true;
  uint64_t offset = koe_le64(locator + 8);
  if (!inside(file, offset, END64_SIZE) || koe_le32(file->bytes + offset) != END64_SIGNATURE) {
    return broken(file, "the zip64 end record is missing", err);
  }
  const uint8_t *record = file->bytes + offset;
  if (koe_le32(record + 16) != 0 || koe_le32(record + 20) != 0) {
    return broken(file, "it is one of several disks", err);
  }
  range->count = koe_le64(record + 32);
  range->size = koe_le64(record + 40);
  range->offset = koe_le64(record + 48);
  return KOE_OK;
}

static koe_status find_directory(const koe_weight_file *file, directory_range *range,
                                 koe_error *err) {
  size_t end = 0;
  if (!find_end(file, &end)) return broken(file, "truncated: it has no end record", err);
  bool zip64;
  koe_status status = read_end64(file, end, range, &zip64, err);
  if (status != KOE_OK) return status;
  const uint8_t *record = file->bytes + end;
  if (!zip64) {
    if (koe_le16(record + 4) != 0 || koe_le16(record + 6) != 0) {
      return broken(file, "it is one of several disks", err);
    }
    range->count = koe_le16(record + 10);
    range->size = koe_le32(record + 12);
    range->offset = koe_le32(record + 16);
  }
  if (range->offset > end || range->size > end - range->offset) {
    return broken(file, "truncated: the central directory is outside the file", err);
  }
  if (range->count > range->size / CENTRAL_SIZE) {
    return broken(file, "the central directory is too short for its entries", err);
  }
  return KOE_OK;
}

/* Takes the next 64-bit value of a zip64 extra field if `value` says that it is there. */
static bool take_wide(const uint8_t **field, const uint8_t *end, uint64_t *value) {
  if (*value != UINT32_MAX) return true;
  if (end - *field < 8) return false;
  *value = koe_le64(*field);
  *field += 8;
  return true;
}

/* Replaces sizes and offset by those of the zip64 extra field where they do not fit 32 bits. */
static bool read_extra(const uint8_t *extra, size_t length, koe_zip_entry *entry) {
  const uint8_t *end = extra + length;
  while (end - extra >= 4) {
    uint16_t id = koe_le16(extra);
    size_t size = koe_le16(extra + 2);
    extra += 4;
    if (size > (size_t)(end - extra)) return false;
    if (id == ZIP64_EXTRA) {
      const uint8_t *field = extra;
      return take_wide(&field, extra + size, &entry->size) &&
             take_wide(&field, extra + size, &entry->packed_size) &&
             take_wide(&field, extra + size, &entry->header);
    }
    extra += size;
  }
  return true;
}

/* Checks the local header against the directory and finds the data behind it. */
static koe_status read_local(const koe_weight_file *file, koe_zip_entry *entry, koe_error *err) {
  if (!inside(file, entry->header, LOCAL_SIZE)) {
    return broken(file, "truncated: an entry begins outside the file", err);
  }
  const uint8_t *local = file->bytes + entry->header;
  uint64_t name_length = koe_le16(local + 26);
  uint64_t extra_length = koe_le16(local + 28);
  if (koe_le32(local) != LOCAL_SIGNATURE || name_length != entry->name_length ||
      koe_le16(local + 8) != entry->method ||
      !inside(file, entry->header, LOCAL_SIZE + name_length + extra_length) ||
      memcmp(local + LOCAL_SIZE, entry->name, entry->name_length) != 0) {
    return broken(file, "an entry and the central directory contradict each other", err);
  }
  entry->data = entry->header + LOCAL_SIZE + name_length + extra_length;
  if (!inside(file, entry->data, entry->packed_size)) {
    return broken(file, "truncated: an entry ends outside the file", err);
  }
  return KOE_OK;
}

/* Reads the record at `position` of the central directory and moves on. */
static koe_status read_entry(const koe_weight_file *file, uint64_t *position, uint64_t end,
                             koe_zip_entry *entry, koe_error *err) {
  const char *fault = "the central directory is damaged";
  const uint8_t *record = file->bytes + *position;
  if (end - *position < CENTRAL_SIZE || koe_le32(record) != CENTRAL_SIGNATURE) {
    return broken(file, fault, err);
  }
  size_t extra_length = koe_le16(record + 30);
  size_t comment_length = koe_le16(record + 32);
  *entry = (koe_zip_entry){
      .name = (const char *)record + CENTRAL_SIZE,
      .name_length = koe_le16(record + 28),
      .flags = koe_le16(record + 8),
      .method = koe_le16(record + 10),
      .packed_size = koe_le32(record + 20),
      .size = koe_le32(record + 24),
      .header = koe_le32(record + 42),
  };
  uint64_t length = CENTRAL_SIZE + entry->name_length + extra_length + comment_length;
  if (length > end - *position) return broken(file, fault, err);
  if (!read_extra(record + CENTRAL_SIZE + entry->name_length, extra_length, entry)) {
    return broken(file, fault, err);
  }
  *position += length;
  return read_local(file, entry, err);
}

static int compare_positions(const void *left, const void *right) {
  const koe_zip_entry *a = left;
  const koe_zip_entry *b = right;
  return (a->header > b->header) - (a->header < b->header);
}

/* Sorts the entries by position, checks that each ends before the next, and indexes the names. */
static koe_status index_entries(koe_zip *zip, uint64_t directory, koe_error *err) {
  qsort(zip->entries, zip->count, sizeof *zip->entries, compare_positions);
  for (size_t i = 0; i < zip->count; i++) {
    const koe_zip_entry *entry = &zip->entries[i];
    uint64_t next = i + 1 < zip->count ? zip->entries[i + 1].header : directory;
    if (entry->data + entry->packed_size > next) return broken(&zip->file, "entries overlap", err);
    if (!koe_name_index_add(&zip->index, entry->name, entry->name_length, i)) {
      return koe_fail_nomem(err);
    }
  }
  koe_name_index_sort(&zip->index);
  if (koe_name_index_duplicate(&zip->index) != NULL) {
    return broken(&zip->file, "two entries have the same name", err);
  }
  return KOE_OK;
}

koe_status koe_zip_open(const koe_weight_file *file, koe_zip *out, koe_error *err) {
  directory_range range = {0};
  memset(out, 0, sizeof *out);
  out->file = *file;
  koe_status status = find_directory(file, &range, err);
  if (status != KOE_OK) return status;
  out->entries = koe_alloc((size_t)range.count, sizeof *out->entries);
  if (out->entries == NULL) return koe_fail_nomem(err);
  uint64_t position = range.offset;
  uint64_t end = range.offset + range.size;
  for (; out->count < range.count; out->count++) {
    status = read_entry(file, &position, end, &out->entries[out->count], err);
    if (status != KOE_OK) return status;
  }
  return index_entries(out, range.offset, err);
}

void koe_zip_clear(koe_zip *zip) {
  koe_free(zip->entries);
  koe_name_index_clear(&zip->index);
  memset(zip, 0, sizeof *zip);
}

const koe_zip_entry *koe_zip_find(const koe_zip *zip, const char *name, size_t length) {
  const koe_name *found = koe_name_index_find(&zip->index, name, length, NULL);
  return found != NULL ? &zip->entries[found->item] : NULL;
}

koe_status koe_zip_data(const koe_zip *zip, const koe_zip_entry *entry, const uint8_t **out,
                        koe_error *err) {
  if ((entry->flags & FLAG_ENCRYPTED) != 0) return broken(&zip->file, "it is encrypted", err);
  if (entry->method != 0) {
    return broken(&zip->file,
                  "its entries are compressed; PyTorch stores them: save the model again with "
                  "torch.save",
                  err);
  }
  if (entry->size != entry->packed_size) {
    return broken(&zip->file, "a stored entry has two different sizes", err);
  }
  *out = zip->file.bytes + entry->data;
  return KOE_OK;
}
