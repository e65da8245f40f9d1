/* A zip archive in memory, as PyTorch writes them: entries stored, not compressed, so that an entry
 * is a range of the file.  Zip64 is read; encryption, compression and several disks are not.
 *
 *   [local header, name, extra field, data] …   one after the other
 *   central directory                           one record an entry, with offset and size
 *   [zip64 end record, its locator]             for offsets, sizes and counts of more than 32 bits
 *   end record, comment
 *
 * Checksums are not verified: that would read every page of a file that is mapped to be read on
 * demand.  Source: PKWARE, APPNOTE.TXT 6.3.10. */
#ifndef KOE_ZIP_H
#define KOE_ZIP_H

#include "../status.h"
#include "name_index.h"
#include "weight_file.h"

#include <stdbool.h>

typedef struct koe_zip_entry {
  const char *name; /* in the file, not terminated */
  size_t name_length;
  uint16_t flags;
  uint16_t method; /* of compression; 0 is none */
  uint64_t packed_size;
  uint64_t size;
  uint64_t header; /* offset of the local header */
  uint64_t data;   /* offset of the data */
} koe_zip_entry;

typedef struct koe_zip {
  koe_weight_file file;
  koe_zip_entry *entries;
  size_t count;
  koe_name_index index;
} koe_zip;

/* Whether the file begins with a local header. */
bool koe_zip_detect(const koe_weight_file *file);

/* Reads the directory.  The archive must lie in `file` without overlapping entries or repeated
 * names.  koe_zip_clear releases `out`, also after a failure.  Fails with KOE_FORMAT, KOE_NOMEM. */
koe_status koe_zip_open(const koe_weight_file *file, koe_zip *out, koe_error *err);

void koe_zip_clear(koe_zip *zip);

/* The entry of that name, or NULL. */
const koe_zip_entry *koe_zip_find(const koe_zip *zip, const char *name, size_t length);

/* The bytes of an entry, `entry->size` of them.  Fails with KOE_FORMAT if they are compressed or
 * encrypted. */
koe_status koe_zip_data(const koe_zip *zip, const koe_zip_entry *entry, const uint8_t **out,
                        koe_error *err);

#endif
