#include "tf_table.h"

#include "../memory.h"
#include "byte_order.h"
#include "crc32c.h"
#include "snappy.h"
#include "varint.h"

#include <string.h>

enum {
  FOOTER_BYTES = 48,
  TRAILER_BYTES = 5,        /* behind a block: type, checksum */
  MAX_BLOCK_BYTES = 1 << 26 /* decompressed; TensorFlow writes 2^18 */
};

static const uint64_t magic_number = UINT64_C(0xdb4775248b80fb57);

/* A block's place in the file. */
typedef struct block_handle {
  uint64_t offset;
  uint64_t size; /* without its trailer */
} block_handle;

/* A block, checked and decompressed. */
typedef struct block {
  const uint8_t *bytes;
  size_t size;    /* of its entries */
  uint8_t *owned; /* where it was compressed */
} block;

/* An iteration over the entries of a block. */
typedef struct entries {
  const block *block;
  size_t position;
  uint8_t *key; /* [KOE_TABLE_MAX_KEY], of the last entry */
  size_t key_length;
  const uint8_t *value;
  size_t value_length;
} entries;

static koe_status damaged(const koe_weight_file *file, const char *fault, koe_error *err) {
  return koe_fail(err, KOE_FORMAT, "%s: %s", file->path, fault);
}

static bool read_handle(const uint8_t *bytes, size_t size, size_t *position, block_handle *out) {
  return koe_varint(bytes, size, position, &out->offset) &&
         koe_varint(bytes, size, position, &out->size);
}

/* ── blocks ─────────────────────────────────────────────────────────────────────────────────────
 */

static koe_status decompress(const koe_weight_file *file, size_t size, block *out, koe_error *err) {
  size_t length;
  if (!koe_snappy_length(out->bytes, size, &length) || length > MAX_BLOCK_BYTES) {
    return damaged(file, "a compressed block does not say its size", err);
  }
  out->owned = koe_alloc(length, 1);
  if (out->owned == NULL) return koe_fail_nomem(err);
  if (!koe_snappy_decompress(out->bytes, size, out->owned, length)) {
    return damaged(file, "a block is not what Snappy compresses", err);
  }
  out->bytes = out->owned;
  out->size = length;
  return KOE_OK;
}

/* Cuts the restart offsets, which serve searches only, off the entries. */
static koe_status drop_restarts(const koe_weight_file *file, block *out, koe_error *err) {
  if (out->size >= 4) {
    uint64_t restarts = koe_le32(out->bytes + out->size - 4);
    if (restarts <= (out->size - 4) / 4) {
      out->size -= 4 + 4 * (size_t)restarts;
      return KOE_OK;
    }
  }
  return damaged(file, "a block is too short for its restart offsets", err);
}

/* Reads the block at `handle`; koe_free(out->owned) releases it, also after a failure. */
static koe_status read_block(const koe_weight_file *file, const block_handle *handle, block *out,
                             koe_error *err) {
  memset(out, 0, sizeof *out);
  size_t limit = file->size - FOOTER_BYTES;
  if (handle->offset > limit || limit - handle->offset < TRAILER_BYTES ||
      handle->size > limit - handle->offset - TRAILER_BYTES) {
    return damaged(file, "a block lies outside the file, which is truncated or damaged", err);
  }
  size_t size = (size_t)handle->size;
  out->bytes = file->bytes + handle->offset;
  out->size = size;
  const uint8_t *trailer = out->bytes + size;
  if (koe_crc32c(0, out->bytes, size + 1) != koe_crc32c_unmask(koe_le32(trailer + 1))) {
    return koe_fail(err, KOE_FORMAT, "%s: the checksum of the block at byte %llu is wrong",
                    file->path, (unsigned long long)handle->offset);
  }
  koe_status status = KOE_OK;
  if (trailer[0] == 1) {
    status = decompress(file, size, out, err);
  } else if (trailer[0] != 0) {
    status = damaged(file, "a block is compressed in a way other than Snappy", err);
  }
  return status == KOE_OK ? drop_restarts(file, out, err) : status;
}

/* ── entries ────────────────────────────────────────────────────────────────────────────────────
 */

/* Puts `rest` bytes behind the first `shared` of the key.  False unless it comes after the last;
 * the first key of all, which `first` means, comes after none. */
static bool advance_key(entries *it, size_t shared, const uint8_t *rest, size_t length,
                        bool first) {
  size_t replaced = it->key_length - shared;
  size_t common = replaced < length ? replaced : length;
  int order = common > 0 ? memcmp(rest, it->key + shared, common) : 0;
  if (!first && (order < 0 || (order == 0 && length <= replaced))) return false;
  if (length > 0) memcpy(it->key + shared, rest, length);
  it->key_length = shared + length;
  return true;
}

/* Reads the next entry of a block that has not ended. */
static koe_status next_entry(const koe_weight_file *file, entries *it, bool first, koe_error *err) {
  const block *b = it->block;
  uint64_t shared, rest, length;
  if (!koe_varint(b->bytes, b->size, &it->position, &shared) ||
      !koe_varint(b->bytes, b->size, &it->position, &rest) ||
      !koe_varint(b->bytes, b->size, &it->position, &length)) {
    return damaged(file, "an entry is truncated", err);
  }
  size_t left = b->size - it->position;
  if (shared > it->key_length || rest > left || length > left - rest) {
    return damaged(file, "an entry reaches beyond its block", err);
  }
  if (shared + rest > KOE_TABLE_MAX_KEY) {
    return koe_fail(err, KOE_FORMAT, "%s: a key of %llu bytes; at most %d are read", file->path,
                    (unsigned long long)(shared + rest), KOE_TABLE_MAX_KEY);
  }
  const uint8_t *at = b->bytes + it->position;
  if (!advance_key(it, (size_t)shared, at, (size_t)rest, first)) {
    return damaged(file, "keys are not in order", err);
  }
  it->value = at + rest;
  it->value_length = (size_t)length;
  it->position += (size_t)(rest + length);
  return KOE_OK;
}

/* Visits the entries of one data block.  `last` is the key that ended the one before, and
 * receives the one that ends this. */
static koe_status visit_block(const koe_weight_file *file, const block *data, entries *last,
                              bool *first, koe_table_visit *visit, void *context, koe_error *err) {
  koe_status status = KOE_OK;
  last->block = data;
  last->position = 0;
  while (status == KOE_OK && last->position < data->size) {
    /* The first entry of a block shares nothing, so it is compared with the last block's end. */
    status = next_entry(file, last, *first, err);
    *first = false;
    if (status == KOE_OK) {
      status = visit(context, last->key, last->key_length, last->value, last->value_length, err);
    }
  }
  return status;
}

static koe_status visit_all(const koe_weight_file *file, const block *index, entries *handles,
                            entries *last, koe_table_visit *visit, void *context, koe_error *err) {
  bool first_handle = true, first = true;
  uint64_t end = 0; /* of the last data block: blocks rise, so each is read once */
  handles->block = index;
  while (handles->position < index->size) {
    block_handle handle;
    block data;
    size_t position = 0;
    koe_status status = next_entry(file, handles, first_handle, err);
    if (status != KOE_OK) return status;
    first_handle = false;
    if (!read_handle(handles->value, handles->value_length, &position, &handle)) {
      return damaged(file, "the index block names no place for a block", err);
    }
    if (handle.offset < end) return damaged(file, "blocks overlap", err);
    status = read_block(file, &handle, &data, err);
    if (status == KOE_OK) {
      status = visit_block(file, &data, last, &first, visit, context, err);
      end = handle.offset + handle.size;
    }
    koe_free(data.owned);
    if (status != KOE_OK) return status;
  }
  return KOE_OK;
}

static koe_status find_index(const koe_weight_file *file, block_handle *out, koe_error *err) {
  size_t position = 0;
  block_handle metaindex;
  if (file->size < FOOTER_BYTES) {
    return koe_fail(err, KOE_FORMAT, "%s: %zu bytes are too few for the index of a checkpoint",
                    file->path, file->size);
  }
  const uint8_t *footer = file->bytes + file->size - FOOTER_BYTES;
  if (koe_le64(footer + FOOTER_BYTES - 8) != magic_number) {
    return damaged(file, "not the index of a TensorFlow checkpoint, or truncated", err);
  }
  if (!read_handle(footer, FOOTER_BYTES - 8, &position, &metaindex) ||
      !read_handle(footer, FOOTER_BYTES - 8, &position, out)) {
    return damaged(file, "its footer names no index block", err);
  }
  return KOE_OK;
}

koe_status koe_table_read(const koe_weight_file *file, koe_table_visit *visit, void *context,
                          koe_error *err) {
  block_handle handle;
  block index = {0};
  entries handles = {0}, last = {0};
  koe_status status = find_index(file, &handle, err);
  if (status != KOE_OK) return status;
  handles.key = koe_alloc(KOE_TABLE_MAX_KEY, 1);
  last.key = koe_alloc(KOE_TABLE_MAX_KEY, 1);
  if (handles.key == NULL || last.key == NULL) {
    status = koe_fail_nomem(err);
    goto cleanup;
  }
  status = read_block(file, &handle, &index, err);
  if (status == KOE_OK) status = visit_all(file, &index, &handles, &last, visit, context, err);

cleanup:
  koe_free(index.owned);
  koe_free(handles.key);
  koe_free(last.key);
  return status;
}
