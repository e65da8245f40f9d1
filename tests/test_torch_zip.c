/* Zip archives around a pickle: layouts that must be read, and damaged or hostile ones. */
#include "../model/checkpoint/checkpoint.h"
#include "probe.h"
#include "support.h"
#include "torch_file.h"

#include <stdlib.h>
#include <string.h>

static const float elements[4] = {0, 1, 2, 3};

/* A dict with the tensor "a", [4], over the storage "0". */
static buffer valid_pickle(void) {
  const int64_t shape = 4, stride = 1;
  buffer b = {0};
  PUT(&b, "\x80\x02}");
  pickle_string(&b, "a");
  pickle_tensor(&b, "0", 4, 0, &shape, &stride, 1, 0);
  PUT(&b, "s.");
  return b;
}

static void add_pickle(zip_writer *zip, const char *name) {
  buffer pickle = valid_pickle();
  zip_add(zip, name, pickle.bytes, pickle.size);
  buffer_clear(&pickle);
}

static void finish_and_refuse(zip_writer *zip, const char *fragment) {
  zip_finish(zip);
  probe_refused(zip->file.bytes, zip->file.size, fragment);
  zip_clear(zip);
}

static void finish_and_read(zip_writer *zip) {
  koe_error err;
  koe_checkpoint *checkpoint;
  const float *values;
  zip_finish(zip);
  assert_ok(koe_checkpoint_open_memory(zip->file.bytes, zip->file.size, "test", &checkpoint, &err));
  const koe_tensor *tensor = koe_checkpoint_find(checkpoint, "a");
  ck_assert_ptr_nonnull(tensor);
  assert_ok(koe_checkpoint_float32(checkpoint, tensor, &values, &err));
  ck_assert_int_eq(memcmp(values, elements, sizeof elements), 0);
  koe_checkpoint_free(checkpoint);
  zip_clear(zip);
}

START_TEST(reads_any_prefix_and_order) {
  zip_writer zip = {0};
  zip_add(&zip, "a/b/version", "3\n", 2);
  zip_add(&zip, "a/b/data/0", elements, sizeof elements);
  zip_add(&zip, "a/b/byteorder", "little", 6);
  zip_add(&zip, "a/b/notdata.pkl", "", 0);
  add_pickle(&zip, "a/b/data.pkl");
  finish_and_read(&zip);

  memset(&zip, 0, sizeof zip);
  add_pickle(&zip, "data.pkl");
  zip_add(&zip, "data/0", elements, sizeof elements);
  finish_and_read(&zip);
}
END_TEST

START_TEST(refuses_missing_entries) {
  zip_writer zip = {0};
  finish_and_refuse(&zip, "not a weight file");
  memset(&zip, 0, sizeof zip);
  zip_add(&zip, "x/data", "", 0);
  finish_and_refuse(&zip, "without data.pkl");
  memset(&zip, 0, sizeof zip);
  add_pickle(&zip, "x/data.pkl");
  finish_and_refuse(&zip, "the elements of storage 0 are missing");
  memset(&zip, 0, sizeof zip);
  add_pickle(&zip, "x/data.pkl");
  zip_add(&zip, "y/data/0", elements, sizeof elements);
  finish_and_refuse(&zip, "the elements of storage 0 are missing");
}
END_TEST

START_TEST(refuses_ambiguous_entries) {
  zip_writer zip = {0};
  add_pickle(&zip, "x/data.pkl");
  add_pickle(&zip, "y/data.pkl");
  finish_and_refuse(&zip, "two entries called data.pkl");
  memset(&zip, 0, sizeof zip);
  add_pickle(&zip, "x/data.pkl");
  zip_add(&zip, "x/data/0", elements, sizeof elements);
  zip_add(&zip, "x/data/0", elements, sizeof elements);
  finish_and_refuse(&zip, "two entries have the same name");
}
END_TEST

START_TEST(refuses_wrong_sizes) {
  for (size_t size = 0; size <= 20; size += 5) {
    zip_writer zip = {0};
    uint8_t bytes[20] = {0};
    add_pickle(&zip, "x/data.pkl");
    zip_add(&zip, "x/data/0", bytes, size);
    finish_and_refuse(&zip, "bytes instead of 16");
  }
}
END_TEST

START_TEST(refuses_big_endian) {
  zip_writer zip = {0};
  add_pickle(&zip, "x/data.pkl");
  zip_add(&zip, "x/data/0", elements, sizeof elements);
  zip_add(&zip, "x/byteorder", "big", 3);
  finish_and_refuse(&zip, "big-endian");
}
END_TEST

START_TEST(refuses_compression_and_encryption) {
  zip_writer zip = {0};
  zip.method = 8;
  add_pickle(&zip, "x/data.pkl");
  finish_and_refuse(&zip, "compressed");
  memset(&zip, 0, sizeof zip);
  zip.flags = 1;
  add_pickle(&zip, "x/data.pkl");
  finish_and_refuse(&zip, "encrypted");
  /* Other entries may be as they like: they are not read. */
  memset(&zip, 0, sizeof zip);
  add_pickle(&zip, "x/data.pkl");
  zip_add(&zip, "x/data/0", elements, sizeof elements);
  zip.method = 8;
  zip.flags = 1;
  zip_add(&zip, "x/code/model.py", "???", 3);
  finish_and_read(&zip);
}
END_TEST

START_TEST(refuses_overlap) {
  zip_writer zip = {0};
  add_pickle(&zip, "x/data.pkl");
  zip.extra_size = 40;
  zip_add(&zip, "x/a", "abc", 3);
  zip.extra_size = 0;
  zip_add(&zip, "x/data/0", elements, sizeof elements);
  finish_and_refuse(&zip, "entries overlap");
  /* over the central directory */
  memset(&zip, 0, sizeof zip);
  add_pickle(&zip, "x/data.pkl");
  zip.extra_size = 40;
  zip_add(&zip, "x/data/0", elements, sizeof elements);
  finish_and_refuse(&zip, "entries overlap");
  memset(&zip, 0, sizeof zip);
  add_pickle(&zip, "x/data.pkl");
  zip.extra_size = 0x70000000;
  zip_add(&zip, "x/data/0", elements, sizeof elements);
  finish_and_refuse(&zip, "ends outside the file");
}
END_TEST

/* ── damaged directories ────────────────────────────────────────────────────────────────────────
 */

/* A valid archive and where its central directory and end record begin. */
static buffer valid_archive(size_t *directory, size_t *end) {
  zip_writer zip = {0};
  add_pickle(&zip, "x/data.pkl");
  zip_add(&zip, "x/data/0", elements, sizeof elements);
  *directory = zip.file.size;
  *end = zip.file.size + zip.directory.size;
  zip_finish(&zip);
  buffer_clear(&zip.directory);
  return zip.file;
}

/* Overwrites bytes of a valid archive and checks that it is refused. */
static void assert_patch_refused(bool in_end, size_t offset, const char *bytes, size_t size,
                                 const char *fragment) {
  size_t directory, end;
  buffer file = valid_archive(&directory, &end);
  memcpy(file.bytes + (in_end ? end : directory) + offset, bytes, size);
  probe_refused(file.bytes, file.size, fragment);
  buffer_clear(&file);
}

START_TEST(refuses_damaged_directories) {
  assert_patch_refused(true, 0, "X", 1, "no end record");
  assert_patch_refused(true, 4, "\1", 1, "several disks");
  assert_patch_refused(true, 6, "\1", 1, "several disks");
  assert_patch_refused(true, 10, "\xFF\xFF", 2, "too short for its entries");
  assert_patch_refused(true, 10, "\3", 1, "too short for its entries");
  assert_patch_refused(true, 12, "\xFF\xFF\xFF\xFF", 4, "outside the file");
  assert_patch_refused(true, 16, "\xFF\xFF\xFF\xFF", 4, "outside the file");
  assert_patch_refused(true, 16, "\0\0", 2, "directory is damaged");
  assert_patch_refused(true, 20, "\1", 1, "no end record");
  assert_patch_refused(false, 0, "X", 1, "directory is damaged");
  assert_patch_refused(false, 28, "\xFF\xFF", 2, "directory is damaged");
  assert_patch_refused(false, 30, "\xFF\xFF", 2, "directory is damaged");
  assert_patch_refused(false, 32, "\xFF\xFF", 2, "directory is damaged");
  assert_patch_refused(false, 10, "\1", 1, "contradict each other");
  assert_patch_refused(false, 46, "y", 1, "contradict each other");
  assert_patch_refused(false, 42, "\1", 1, "contradict each other");
  assert_patch_refused(false, 42, "\xF0\xFF\xFF\x7F", 4, "begins outside the file");
  assert_patch_refused(false, 20, "\xF0\xFF\xFF\x7F", 4, "ends outside the file");
  assert_patch_refused(false, 24, "\1\0", 2, "two different sizes");
  /* "in the zip64 extra field", where there is none */
  assert_patch_refused(false, 42, "\xFF\xFF\xFF\xFF", 4, "begins outside the file");
}
END_TEST

START_TEST(reads_a_comment) {
  static const char comment[] = "PK\x05\x06 is how an end record begins";
  size_t directory, end;
  koe_error err;
  buffer file = valid_archive(&directory, &end);
  file.bytes[end + 20] = sizeof comment;
  put(&file, comment, sizeof comment);
  ck_assert_int_eq(probe_checkpoint(file.bytes, file.size, &err), KOE_OK);
  put(&file, "x", 1);
  probe_refused(file.bytes, file.size, "no end record");
  buffer_clear(&file);
}
END_TEST

/* ── zip64: PyTorch always writes its end record ────────────────────────────────────────────────
 */

START_TEST(refuses_damaged_zip64_records) {
  enum { END = 22, LOCATOR = END + 20, RECORD = LOCATOR + 56 }; /* from the end of the file */
  static const struct {
    size_t from_end;
    const char *bytes;
    size_t size;
    const char *fragment;
  } cases[] = {
      {LOCATOR - 8, "\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF", 8, "zip64 end record is missing"},
      {LOCATOR - 8, "\0\0\0\0\0\0\0\0", 8, "zip64 end record is missing"},
      {RECORD, "X", 1, "zip64 end record is missing"},
      {RECORD - 16, "\1", 1, "several disks"},
      {RECORD - 20, "\1", 1, "several disks"},
      {RECORD - 32, "\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF", 8, "too short for its entries"},
      {RECORD - 40, "\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF", 8, "outside the file"},
      {RECORD - 48, "\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF", 8, "outside the file"},
      {RECORD - 48, "\0\0\0\0\0\0\0\x80", 8, "outside the file"},
  };
  size_t size;
  char *bytes = read_file(test_path("reference/torch_files/views.zip.bin"), &size);
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    char old[8];
    char *place = bytes + size - cases[i].from_end;
    memcpy(old, place, cases[i].size);
    memcpy(place, cases[i].bytes, cases[i].size);
    probe_refused(bytes, size, cases[i].fragment);
    memcpy(place, old, cases[i].size);
  }
  free(bytes);
}
END_TEST

/* A local header without sizes, as of a writer that streams. */
static void put_wide_local(buffer *b, const char *name, const void *bytes, size_t size) {
  PUT(b, "PK\x03\x04\x2D\0\0\0\0\0\0\0\0\0\0\0\0\0");
  put32(b, UINT32_MAX);
  put32(b, UINT32_MAX);
  put16(b, (uint32_t)strlen(name));
  put16(b, 0);
  put(b, name, strlen(name));
  put(b, bytes, size);
}

/* A directory record whose sizes and offset are in a zip64 extra field of `field` bytes, which says
 * that it has `claimed`. */
static void put_wide_record(buffer *b, const char *name, size_t size, size_t offset, uint32_t field,
                            uint32_t claimed) {
  buffer wide = {0};
  put64(&wide, size);
  put64(&wide, size);
  put64(&wide, offset);
  PUT(b, "PK\x01\x02\x2D\0\x2D\0\0\0\0\0\0\0\0\0\0\0\0\0");
  put32(b, UINT32_MAX);
  put32(b, UINT32_MAX);
  put16(b, (uint32_t)strlen(name));
  put16(b, field + 9);
  PUT(b, "\0\0\0\0\0\0\0\0\0\0");
  put32(b, UINT32_MAX);
  put(b, name, strlen(name));
  PUT(b, "\x99\x99\x01\0z"); /* some other extra field before it */
  put16(b, 1);
  put16(b, claimed);
  put(b, wide.bytes, field);
  buffer_clear(&wide);
}

static buffer wide_archive(uint32_t field, uint32_t claimed) {
  buffer pickle = valid_pickle();
  buffer b = {0};
  put_wide_local(&b, "data.pkl", pickle.bytes, pickle.size);
  size_t storage = b.size;
  put_wide_local(&b, "data/0", elements, sizeof elements);
  size_t directory = b.size;
  put_wide_record(&b, "data.pkl", pickle.size, 0, field, claimed);
  put_wide_record(&b, "data/0", sizeof elements, storage, field, claimed);
  size_t size = b.size - directory;
  PUT(&b, "PK\x05\x06\0\0\0\0\2\0\2\0");
  put32(&b, (uint32_t)size);
  put32(&b, (uint32_t)directory);
  put16(&b, 0);
  buffer_clear(&pickle);
  return b;
}

START_TEST(reads_zip64_extra_fields) {
  koe_error err;
  buffer file = wide_archive(24, 24);
  ck_assert_msg(probe_checkpoint(file.bytes, file.size, &err) == KOE_OK, "%s", err.message);
  buffer_clear(&file);
  file = wide_archive(16, 16);
  probe_refused(file.bytes, file.size, "directory is damaged");
  buffer_clear(&file);
  file = wide_archive(24, 25);
  probe_refused(file.bytes, file.size, "directory is damaged");
  buffer_clear(&file);
}
END_TEST

Suite *torch_zip_suite(void);

Suite *torch_zip_suite(void) {
  Suite *suite = suite_create("torch_zip");
  TCase *tcase = tcase_create("torch_zip");
  tcase_add_test(tcase, reads_any_prefix_and_order);
  tcase_add_test(tcase, refuses_missing_entries);
  tcase_add_test(tcase, refuses_ambiguous_entries);
  tcase_add_test(tcase, refuses_wrong_sizes);
  tcase_add_test(tcase, refuses_big_endian);
  tcase_add_test(tcase, refuses_compression_and_encryption);
  tcase_add_test(tcase, refuses_overlap);
  tcase_add_test(tcase, refuses_damaged_directories);
  tcase_add_test(tcase, reads_a_comment);
  tcase_add_test(tcase, refuses_damaged_zip64_records);
  tcase_add_test(tcase, reads_zip64_extra_fields);
  suite_add_tcase(suite, tcase);
  return suite;
}
