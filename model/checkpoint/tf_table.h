/* The table format of LevelDB, in which TensorFlow keeps the index of a checkpoint: keys in order,
 * each with a value.
 *
 *   [data block, type, checksum] …     blocks of entries
 *   [metaindex block, type, checksum]  not read
 *   [index block, type, checksum]      an entry a data block: a key, the block's offset and size
 *   footer, 48 bytes                   offset and size of metaindex and index, magic number
 *
 * A block holds entries, then offsets of those whose keys are whole.  An entry is
 *   shared, rest, length   varints: bytes of the last key that begin this key, bytes that follow
 *                          them, bytes of the value
 *   rest of the key, value
 * The type is a byte, 0 or 1 for Snappy; the checksum is koe_crc32c, masked, of block and type.
 *
 * Source: LevelDB, doc/table_format.md; TensorFlow, tensorflow/core/lib/io/format.cc. */
#ifndef KOE_TF_TABLE_H
#define KOE_TF_TABLE_H

#include "../status.h"
#include "weight_file.h"

#include <stdbool.h>

enum { KOE_TABLE_MAX_KEY = 4096 }; /* bytes */

/* Takes an entry; key and value are valid during the call.  A status other than KOE_OK ends the
 * reading. */
typedef koe_status koe_table_visit(void *context, const uint8_t *key, size_t key_length,
                                   const uint8_t *value, size_t value_length, koe_error *err);

/* Reads all entries, in the order of their keys, which rise.  Checksums are verified.  Fails with
 * KOE_FORMAT (no table, truncated, damaged, keys out of order, blocks that overlap), KOE_NOMEM, or
 * as `visit` does. */
koe_status koe_table_read(const koe_weight_file *file, koe_table_visit *visit, void *context,
                          koe_error *err);

#endif
