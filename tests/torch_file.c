#include "torch_file.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

void buffer_clear(buffer *b) {
  free(b->bytes);
  memset(b, 0, sizeof *b);
}

void put(buffer *b, const void *bytes, size_t size) {
  if (b->size + size > b->capacity) {
    b->capacity = (b->size + size) * 2;
    b->bytes = realloc(b->bytes, b->capacity);
    ck_assert_ptr_nonnull(b->bytes);
  }
  if (size > 0) memcpy(b->bytes + b->size, bytes, size);
  b->size += size;
}

static void put_little(buffer *b, uint64_t value, int width) {
  for (int i = 0; i < width; i++)
    put(b, &(uint8_t){(uint8_t)(value >> 8 * i)}, 1);
}

void put16(buffer *b, uint32_t value) {
  put_little(b, value, 2);
}

void put32(buffer *b, uint32_t value) {
  put_little(b, value, 4);
}

void put64(buffer *b, uint64_t value) {
  put_little(b, value, 8);
}

void pickle_string(buffer *b, const char *string) {
  PUT(b, "X");
  put32(b, (uint32_t)strlen(string));
  put(b, string, strlen(string));
}

void pickle_integer(buffer *b, int64_t integer) {
  PUT(b, "\x8a\x08");
  put64(b, (uint64_t)integer);
}

void pickle_global(buffer *b, const char *module, const char *name) {
  PUT(b, "c");
  put(b, module, strlen(module));
  PUT(b, "\n");
  put(b, name, strlen(name));
  PUT(b, "\n");
}

void pickle_storage(buffer *b, const char *type, const char *key, int64_t elements, int legacy) {
  PUT(b, "(");
  pickle_string(b, "storage");
  pickle_global(b, "torch", type);
  pickle_string(b, key);
  pickle_string(b, "cpu");
  pickle_integer(b, elements);
  if (legacy) PUT(b, "N");
  PUT(b, "tQ");
}

static void pickle_sizes(buffer *b, const int64_t *sizes, int count) {
  PUT(b, "(");
  for (int i = 0; i < count; i++)
    pickle_integer(b, sizes[i]);
  PUT(b, "t");
}

void pickle_tensor(buffer *b, const char *key, int64_t elements, int64_t offset,
                   const int64_t *shape, const int64_t *strides, int dims, int legacy) {
  pickle_typed_tensor(b, "FloatStorage", key, elements, offset, shape, strides, dims, legacy);
}

void pickle_typed_tensor(buffer *b, const char *type, const char *key, int64_t elements,
                         int64_t offset, const int64_t *shape, const int64_t *strides, int dims,
                         int legacy) {
  pickle_global(b, "torch._utils", "_rebuild_tensor_v2");
  PUT(b, "(");
  pickle_storage(b, type, key, elements, legacy);
  pickle_integer(b, offset);
  pickle_sizes(b, shape, dims);
  pickle_sizes(b, strides, dims);
  PUT(b, "\x89");
  pickle_global(b, "collections", "OrderedDict");
  PUT(b, ")RtR");
}

void zip_add(zip_writer *zip, const char *name, const void *bytes, size_t size) {
  uint32_t claimed = (uint32_t)size + zip->extra_size;
  uint32_t offset = (uint32_t)zip->file.size;
  uint32_t length = (uint32_t)strlen(name);

  PUT(&zip->file, "PK\x03\x04\x14\0");
  put16(&zip->file, zip->flags);
  put16(&zip->file, zip->method);
  PUT(&zip->file, "\0\0\0\0\0\0\0\0"); /* time, date, checksum: not read */
  put32(&zip->file, claimed);
  put32(&zip->file, claimed);
  put16(&zip->file, length);
  put16(&zip->file, 0);
  put(&zip->file, name, length);
  put(&zip->file, bytes, size);

  PUT(&zip->directory, "PK\x01\x02\x14\0\x14\0");
  put16(&zip->directory, zip->flags);
  put16(&zip->directory, zip->method);
  PUT(&zip->directory, "\0\0\0\0\0\0\0\0");
  put32(&zip->directory, claimed);
  put32(&zip->directory, claimed);
  put16(&zip->directory, length);
  PUT(&zip->directory, "\0\0\0\0\0\0\0\0\0\0\0\0"); /* extra, comment, disk, attributes */
  put32(&zip->directory, offset);
  put(&zip->directory, name, length);
  zip->count++;
}

void zip_finish(zip_writer *zip) {
  uint32_t offset = (uint32_t)zip->file.size;
  put(&zip->file, zip->directory.bytes, zip->directory.size);
  PUT(&zip->file, "PK\x05\x06\0\0\0\0");
  put16(&zip->file, zip->count);
  put16(&zip->file, zip->count);
  put32(&zip->file, (uint32_t)zip->directory.size);
  put32(&zip->file, offset);
  put16(&zip->file, 0);
}

void zip_clear(zip_writer *zip) {
  buffer_clear(&zip->file);
  buffer_clear(&zip->directory);
}

static void put_floats(buffer *b, size_t count) {
  for (size_t i = 0; i < count; i++)
    put(b, &(float){(float)i}, sizeof(float));
}

void torch_zip(buffer *file, const buffer *pickle, size_t elements) {
  zip_writer zip = {0};
  buffer floats = {0};
  put_floats(&floats, elements);
  zip_add(&zip, "archive/data.pkl", pickle->bytes, pickle->size);
  zip_add(&zip, "archive/data/0", floats.bytes, floats.size);
  zip_finish(&zip);
  *file = zip.file;
  buffer_clear(&floats);
  buffer_clear(&zip.directory);
}

void torch_legacy(buffer *file, const buffer *pickle, size_t elements) {
  memset(file, 0, sizeof *file);
  PUT(file, "\x80\x02\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19.");
  PUT(file, "\x80\x02M\xe9\x03.");
  PUT(file, "\x80\x02}");
  pickle_string(file, "little_endian");
  PUT(file, "\x88s.");
  put(file, pickle->bytes, pickle->size);
  PUT(file, "\x80\x02]");
  pickle_string(file, "0");
  PUT(file, "a.");
  put64(file, elements);
  put_floats(file, elements);
}
