/* Writes files of torch.save byte by byte, well-formed or not, for the tests of their readers. */
#ifndef KOE_TORCH_FILE_H
#define KOE_TORCH_FILE_H

#include <stddef.h>
#include <stdint.h>

/* Bytes being written; freed by buffer_clear. */
typedef struct buffer {
  uint8_t *bytes;
  size_t size;
  size_t capacity;
} buffer;

void buffer_clear(buffer *b);
void put(buffer *b, const void *bytes, size_t size);
void put16(buffer *b, uint32_t value);
void put32(buffer *b, uint32_t value);
void put64(buffer *b, uint64_t value);

/* Appends a string literal, which may hold NULs. */
#define PUT(b, literal) put((b), (literal), sizeof(literal) - 1)

/* ── pickles: each appends operations ───────────────────────────────────────────────────────────
 */

void pickle_string(buffer *b, const char *string);
void pickle_integer(buffer *b, int64_t integer);
void pickle_global(buffer *b, const char *module, const char *name);

/* ('storage', torch.`type`, `key`, 'cpu', `elements`) as a persistent id; with a sixth item None if
 * `legacy`. */
void pickle_storage(buffer *b, const char *type, const char *key, int64_t elements, int legacy);

/* A FloatStorage `key` of `elements` elements and a tensor of `dims` dimensions over it. */
void pickle_tensor(buffer *b, const char *key, int64_t elements, int64_t offset,
                   const int64_t *shape, const int64_t *strides, int dims, int legacy);

/* The same of another type, as "LongStorage". */
void pickle_typed_tensor(buffer *b, const char *type, const char *key, int64_t elements,
                         int64_t offset, const int64_t *shape, const int64_t *strides, int dims,
                         int legacy);

/* ── files ──────────────────────────────────────────────────────────────────────────────────────
 */

/* A zip archive that is written entry by entry. */
typedef struct zip_writer {
  buffer file;
  buffer directory;
  unsigned count;
  unsigned method;     /* of the next entries */
  unsigned flags;      /* of the next entries */
  uint32_t extra_size; /* claimed by the next entries beyond their size */
} zip_writer;

void zip_add(zip_writer *zip, const char *name, const void *bytes, size_t size);

/* Appends the directory and the end record to zip->file. */
void zip_finish(zip_writer *zip);
void zip_clear(zip_writer *zip);

/* A zip of data.pkl and of one storage "0" with `elements` floats 0, 1, 2, … */
void torch_zip(buffer *file, const buffer *pickle, size_t elements);

/* The legacy format of the same: the pickle needs its own header and STOP. */
void torch_legacy(buffer *file, const buffer *pickle, size_t elements);

#endif
