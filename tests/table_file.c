#include "table_file.h"

#include "../model/checkpoint/checkpoint.h"
#include "../model/checkpoint/crc32c.h"

#include <stdlib.h>
#include <string.h>

void put_varint(buffer *b, uint64_t number) {
  for (; number >= 0x80; number >>= 7)
    put(b, &(uint8_t){(uint8_t)(number | 0x80)}, 1);
  put(b, &(uint8_t){(uint8_t)number}, 1);
}

uint32_t masked_checksum(const void *bytes, size_t size) {
  uint32_t crc = koe_crc32c(0, bytes, size);
  return (crc >> 15 | crc << 17) + 0xA282EAD8;
}

static void put_entry(buffer *b, size_t shared, const void *rest, size_t rest_length,
                      const void *value, size_t value_length) {
  put_varint(b, shared);
  put_varint(b, rest_length);
  put_varint(b, value_length);
  put(b, rest, rest_length);
  put(b, value, value_length);
}

void table_add_shared(table_writer *table, size_t shared, const void *rest, size_t rest_length,
                      const void *value, size_t value_length) {
  put_entry(&table->block, shared, rest, rest_length, value, value_length);
}

void table_add(table_writer *table, const char *key, const buffer *value) {
  table_add_shared(table, 0, key, strlen(key), value->bytes, value->size);
}

size_t table_put_block(buffer *file, const void *bytes, size_t size, uint8_t type) {
  size_t offset = file->size;
  put(file, bytes, size);
  put(file, &type, 1);
  put32(file, masked_checksum(file->bytes + offset, size + 1));
  return offset;
}

void table_end_block(table_writer *table, uint8_t type) {
  buffer handle = {0};
  PUT(&table->block, "\0\0\0\0\1\0\0\0"); /* one restart, at the first entry */
  put_varint(&handle, table->file.size);
  put_varint(&handle, table->block.size);
  table_put_block(&table->file, table->block.bytes, table->block.size, type);
  /* What the index calls blocks matters to searches only. */
  uint8_t key[2] = {(uint8_t)(1 + (table->blocks >> 8)), (uint8_t)table->blocks};
  put_entry(&table->index, 0, key, sizeof key, handle.bytes, handle.size);
  table->blocks++;
  table->block.size = 0;
  buffer_clear(&handle);
}

void table_finish(table_writer *table) {
  buffer *file = &table->file;
  if (table->block.size > 0) table_end_block(table, 0);
  PUT(&table->index, "\0\0\0\0\1\0\0\0");
  size_t metaindex = table_put_block(file, "\0\0\0\0\1\0\0\0", 8, 0);
  size_t index = table_put_block(file, table->index.bytes, table->index.size, 0);
  size_t footer = file->size;
  put_varint(file, metaindex);
  put_varint(file, 8);
  put_varint(file, index);
  put_varint(file, table->index.size);
  while (file->size < footer + 40)
    PUT(file, "\0");
  put64(file, UINT64_C(0xdb4775248b80fb57));
}

void table_clear(table_writer *table) {
  buffer_clear(&table->file);
  buffer_clear(&table->block);
  buffer_clear(&table->index);
}

/* ── entries of a bundle ────────────────────────────────────────────────────────────────────────
 */

static void put_field(buffer *b, unsigned number, uint64_t value) {
  put_varint(b, number << 3);
  put_varint(b, value);
}

static void put_message(buffer *b, unsigned number, buffer *message) {
  put_varint(b, number << 3 | 2);
  put_varint(b, message->size);
  put(b, message->bytes, message->size);
  buffer_clear(message);
}

void table_add_header(table_writer *table, uint64_t shards) {
  buffer value = {0};
  put_field(&value, 1, shards);
  table_add(table, "", &value);
  buffer_clear(&value);
}

void table_add_entry(table_writer *table, const char *name, const bundle_entry *entry) {
  buffer value = {0}, shape = {0};
  put_field(&value, 1, entry->dtype);
  for (int i = 0; i < entry->dims; i++) {
    buffer dim = {0};
    put_field(&dim, 1, (uint64_t)entry->shape[i]);
    put_message(&shape, 2, &dim);
  }
  put_message(&value, 2, &shape);
  put_field(&value, 3, entry->shard);
  put_field(&value, 4, entry->offset);
  put_field(&value, 5, entry->size);
  put_varint(&value, 6 << 3 | 5);
  put32(&value, entry->checksum);
  table_add(table, name, &value);
  buffer_clear(&value);
}

koe_status open_bundle(const void *index, size_t index_size, const void *data, size_t data_size,
                       koe_error *err) {
  koe_checkpoint *checkpoint;
  uint8_t *a = malloc(index_size > 0 ? index_size : 1), *b = malloc(data_size > 0 ? data_size : 1);
  memcpy(a, index, index_size);
  memcpy(b, data, data_size);
  koe_memory_file files[] = {{"model.ckpt-40.index", a, a + index_size},
                             {"model.ckpt-40.data-00000-of-00001", b, b + data_size}};
  koe_directory directory = {.path = "here", .files = files, .count = 2};
  koe_status status = koe_checkpoint_open_in(&directory, &checkpoint, err);
  for (size_t i = 0; status == KOE_OK && i < koe_checkpoint_count(checkpoint); i++) {
    const float *values;
    status = koe_checkpoint_float32(checkpoint, koe_checkpoint_at(checkpoint, i), &values, err);
  }
  koe_checkpoint_free(checkpoint);
  free(a);
  free(b);
  return status;
}
