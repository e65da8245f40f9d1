/* Writes checkpoints of TensorFlow 1 byte by byte, well-formed or not, for the tests of their
 * reader. The files in reference/tensorflow were written by others' code. */
#ifndef KOE_TABLE_FILE_H
#define KOE_TABLE_FILE_H

#include "../model/status.h"
#include "torch_file.h"

#include <stdint.h>

void put_varint(buffer *b, uint64_t number);

/* The masked checksum that tables and entries hold. */
uint32_t masked_checksum(const void *bytes, size_t size);

/* ── tables ─────────────────────────────────────────────────────────────────────────────────────
 */

/* A table that is written entry by entry. */
typedef struct table_writer {
  buffer file;
  buffer block; /* entries since the last block */
  buffer index; /* entries of the index block */
  unsigned blocks;
} table_writer;

/* Appends an entry whose key shares `shared` bytes with the last one's, `rest` being what follows.
 */
void table_add_shared(table_writer *table, size_t shared, const void *rest, size_t rest_length,
                      const void *value, size_t value_length);

/* Appends an entry with a whole key. */
void table_add(table_writer *table, const char *key, const buffer *value);

/* Ends a data block of that type; what follows is another. */
void table_end_block(table_writer *table, uint8_t type);

/* Appends a block with its type and checksum; returns its offset. */
size_t table_put_block(buffer *file, const void *bytes, size_t size, uint8_t type);

/* Ends the last block and appends metaindex, index and footer; the file is in table->file. */
void table_finish(table_writer *table);

void table_clear(table_writer *table);

/* ── entries of a bundle ────────────────────────────────────────────────────────────────────────
 */

typedef struct bundle_entry {
  uint64_t dtype; /* TensorFlow's: 1 is float32 */
  int dims;
  int64_t shape[10];
  uint64_t shard, offset, size;
  uint32_t checksum; /* masked */
} bundle_entry;

/* Appends the value of the key "". */
void table_add_header(table_writer *table, uint64_t shards);

void table_add_entry(table_writer *table, const char *name, const bundle_entry *entry);

/* Opens a checkpoint of one shard, model.ckpt-40 in directory "here", as a discriminator, and reads
 * every tensor.  Files are copied to memory of exactly their size, so that AddressSanitizer sees
 * any read beyond. */
koe_status open_bundle(const void *index, size_t index_size, const void *data, size_t data_size,
                       koe_error *err);

#endif
