/* safetensors files, well-formed and not. */
#include "../model/checkpoint/checkpoint.h"
#include "probe.h"
#include "support.h"

#include <stdlib.h>
#include <string.h>

/* A file with that header and `data_size` bytes 0, 1, 2, … of data; the caller frees. */
static uint8_t *build(const char *header, size_t data_size, size_t *size) {
  size_t length = strlen(header);
  uint8_t *file = malloc(8 + length + data_size);
  ck_assert_ptr_nonnull(file);
  for (int i = 0; i < 8; i++)
    file[i] = (uint8_t)(length >> 8 * i);
  memcpy(file + 8, header, length);
  for (size_t i = 0; i < data_size; i++)
    file[8 + length + i] = (uint8_t)i;
  *size = 8 + length + data_size;
  return file;
}

static void assert_refused(const char *header, size_t data_size, const char *fragment) {
  size_t size;
  uint8_t *file = build(header, data_size, &size);
  probe_refused(file, size, fragment);
  free(file);
}

START_TEST(reads_every_dtype) {
  static const struct {
    const char *name;
    koe_dtype dtype;
    size_t size;
  } dtypes[] = {
      {"F64", KOE_F64, 8}, {"F32", KOE_F32, 4},   {"F16", KOE_F16, 2}, {"BF16", KOE_BF16, 2},
      {"I64", KOE_I64, 8}, {"I32", KOE_I32, 4},   {"I16", KOE_I16, 2}, {"I8", KOE_I8, 1},
      {"U8", KOE_U8, 1},   {"BOOL", KOE_BOOL, 1},
  };
  for (size_t i = 0; i < sizeof dtypes / sizeof dtypes[0]; i++) {
    koe_error err;
    char header[200];
    size_t size;
    size_t bytes = 6 * dtypes[i].size;
    snprintf(header, sizeof header,
             "{\"a\":{\"dtype\":\"%s\",\"shape\":[2,3],\"data_offsets\":[0,%zu]}}", dtypes[i].name,
             bytes);
    uint8_t *file = build(header, bytes, &size);
    koe_checkpoint *checkpoint;
    assert_ok(koe_checkpoint_open_memory(file, size, "test", &checkpoint, &err));
    const koe_tensor *tensor = koe_checkpoint_find(checkpoint, "a");
    ck_assert_ptr_nonnull(tensor);
    ck_assert_int_eq(tensor->dtype, dtypes[i].dtype);
    ck_assert_int_eq(tensor->dims, 2);
    ck_assert_int_eq(tensor->shape[0], 2);
    ck_assert_int_eq(tensor->shape[1], 3);
    ck_assert_uint_eq(tensor->bytes, bytes);
    ck_assert_ptr_eq(tensor->data, file + size - bytes);
    koe_checkpoint_free(checkpoint);
    free(file);
  }
}
END_TEST

START_TEST(orders_by_offset_and_skips_metadata) {
  koe_error err;
  size_t size;
  uint8_t *file = build("{\"__metadata__\":{\"format\":\"pt\"},"
                        "\"b\":{\"dtype\":\"U8\",\"shape\":[3],\"data_offsets\":[2,5]},"
                        "\"none\":{\"dtype\":\"F32\",\"shape\":[0,7],\"data_offsets\":[2,2]},"
                        "\"a\":{\"dtype\":\"U8\",\"shape\":[2],\"data_offsets\":[0,2]},"
                        "\"한\":{\"dtype\":\"U8\",\"shape\":[],\"data_offsets\":[5,6]}}   ",
                        6, &size);
  static const char *const names[] = {"a", "none", "b", "한"};
  koe_checkpoint *checkpoint;
  assert_ok(koe_checkpoint_open_memory(file, size, "test", &checkpoint, &err));
  ck_assert_uint_eq(koe_checkpoint_count(checkpoint), 4);
  for (size_t i = 0; i < 4; i++) {
    ck_assert_str_eq(koe_checkpoint_at(checkpoint, i)->name, names[i]);
  }
  ck_assert_int_eq(koe_checkpoint_at(checkpoint, 3)->dims, 0);
  ck_assert_int_eq(koe_checkpoint_at(checkpoint, 3)->data[0], 5);
  ck_assert_ptr_null(koe_checkpoint_find(checkpoint, "__metadata__"));
  ck_assert_ptr_null(koe_checkpoint_find(checkpoint, ""));
  koe_checkpoint_free(checkpoint);
  free(file);
}
END_TEST

START_TEST(reads_no_tensors) {
  koe_error err;
  size_t size;
  uint8_t *file = build("{}", 0, &size);
  koe_checkpoint *checkpoint;
  assert_ok(koe_checkpoint_open_memory(file, size, "test", &checkpoint, &err));
  ck_assert_uint_eq(koe_checkpoint_count(checkpoint), 0);
  ck_assert_ptr_null(koe_checkpoint_find(checkpoint, "a"));
  koe_checkpoint_free(checkpoint);
  free(file);
}
END_TEST

#define ENTRY(dtype, shape, begin, end) \
  "{\"dtype\":\"" dtype "\",\"shape\":" shape ",\"data_offsets\":[" begin "," end "]}"

START_TEST(refuses_bad_entries) {
  assert_refused("{\"a\":3}", 0, "not an object");
  assert_refused("{\"a\":{}}", 0, "\"dtype\" is not a string");
  assert_refused("{\"a\":" ENTRY("F8_E4M3", "[2]", "0", "2") "}", 2, "\"F8_E4M3\"");
  assert_refused("{\"a\":" ENTRY("U16", "[1]", "0", "2") "}", 2, "\"U16\"");
  assert_refused("{\"a\":" ENTRY("U8", "2", "0", "2") "}", 2, "\"shape\" is not an array");
  assert_refused("{\"a\":" ENTRY("U8", "[-2]", "0", "2") "}", 2, "other than sizes");
  assert_refused("{\"a\":" ENTRY("U8", "[1.5]", "0", "2") "}", 2, "other than sizes");
  assert_refused("{\"a\":" ENTRY("U8", "[\"2\"]", "0", "2") "}", 2, "other than sizes");
  assert_refused("{\"a\":" ENTRY("U8", "[1e30]", "0", "2") "}", 2, "other than sizes");
  assert_refused("{\"a\":" ENTRY("U8", "[1,1,1,1,1,1,1,1,1,1,1,2]", "0", "2") "}", 2,
                 "12 dimensions");
  assert_refused("{\"a\":" ENTRY("F32", "[4611686018427387904,4]", "0", "2") "}", 2,
                 "other than sizes");
  assert_refused("{\"a\":" ENTRY("F32", "[4503599627370496,4503599627370496]", "0", "2") "}", 2,
                 "impossible shape");
  assert_refused("{\"a\":" ENTRY("F64", "[4503599627370496,1024]", "0", "2") "}", 2,
                 "impossible shape");
  assert_refused("{\"a\":{\"dtype\":\"U8\",\"shape\":[2]}}", 2, "\"data_offsets\"");
  assert_refused("{\"a\":{\"dtype\":\"U8\",\"shape\":[2],\"data_offsets\":[0]}}", 2,
                 "[begin, end]");
  assert_refused("{\"a\":" ENTRY("U8", "[2]", "-1", "1") "}", 2, "[begin, end]");
  assert_refused("{\"a\":" ENTRY("U8", "[2]", "2", "0") "}", 2, "[begin, end]");
}
END_TEST

START_TEST(refuses_bad_layout) {
  assert_refused("{\"a\":" ENTRY("U8", "[3]", "0", "3") "}", 2, "ends outside the file");
  assert_refused("{\"a\":" ENTRY("U8", "[2]", "0", "2") "}", 3, "1 bytes after the last tensor");
  assert_refused("{\"a\":" ENTRY("F32", "[2]", "0", "2") "}", 2, "2 bytes of data");
  assert_refused("{\"a\":" ENTRY("U8", "[2]", "1", "3") "}", 3, "leaves a gap");
  assert_refused("{\"a\":" ENTRY("U8", "[2]", "0", "2") ",\"b\":" ENTRY("U8", "[2]", "1", "3") "}",
                 3, "\"b\": its data overlaps");
  assert_refused("{\"a\":" ENTRY("U8", "[2]", "0", "2") ",\"b\":" ENTRY("U8", "[2]", "0", "2") "}",
                 2, "overlaps");
  assert_refused("{\"a\":" ENTRY("U8", "[2]", "0", "2") ",\"a\":" ENTRY("U8", "[2]", "2", "4") "}",
                 4, "duplicate");
}
END_TEST

START_TEST(refuses_bad_headers) {
  assert_refused("{", 0, "not valid JSON");
  assert_refused("{\"a\":1,}", 0, "not valid JSON");
  assert_refused("{\"a\\u0000\":1}", 0, "not valid JSON");
  assert_refused("{\"a\xFF\":1}", 0, "not valid JSON");
  assert_refused("{\"a\\n\":" ENTRY("U8", "[]", "0", "1") "}", 1, "not printable");

  char *name = calloc(1, 1000);
  memset(name, 'n', 600);
  char header[1000];
  snprintf(header, sizeof header, "{\"%s\":%s}", name, ENTRY("U8", "[]", "0", "1"));
  assert_refused(header, 1, "has 600 bytes");
  free(name);

  size_t depth = 100000;
  char *deep = malloc(depth + 8);
  strcpy(deep, "{\"a\":");
  memset(deep + 5, '[', depth);
  deep[5 + depth] = '\0';
  assert_refused(deep, 0, "not valid JSON");
  free(deep);
}
END_TEST

START_TEST(refuses_a_header_that_would_fill_memory) {
  size_t length = 4000000;
  char *header = malloc(length + 1);
  memset(header, '[', length);
  memcpy(header, "{\"a\":[", 6);
  for (size_t i = 6; i < length; i++)
    header[i] = i % 3 == 0 ? '[' : i % 3 == 1 ? ']' : ',';
  header[length] = '\0';
  assert_refused(header, 0, "more than 1048576 values");
  free(header);
}
END_TEST

START_TEST(refuses_bad_lengths) {
  uint8_t file[64] = "\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF{}";
  probe_refused(file, sizeof file, "safetensors allows");
  memcpy(file, "\x01\xE1\xF5\x05\0\0\0\0", 8); /* one more than is allowed */
  probe_refused(file, sizeof file, "safetensors allows");
  memcpy(file, "\x00\xE1\xF5\x05\0\0\0\0", 8);
  probe_refused(file, sizeof file, "truncated");
  memcpy(file, "\0\0\0\0\0\0\0\0", 8);
  probe_refused(file, sizeof file, "not valid JSON");
}
END_TEST

START_TEST(survives_damage) {
  size_t size;
  uint8_t *file = build("{\"a\":" ENTRY("F16", "[2,3]", "0", "12") ",\"b\":" ENTRY(
                            "F32", "[4]", "12", "28") ",\"c\":" ENTRY("I64", "[]", "28", "36") "}",
                        36, &size);
  probe_truncations(file, size, 1);
  size_t refused = probe_flips(file, size, 0, size);
  ck_assert_uint_gt(refused, size - 36);
  probe_memory(file, size);
  free(file);

  char *tiny = read_file(test_path("reference/tiny/model.safetensors"), &size);
  probe_truncations(tiny, size, 997);
  probe_memory(tiny, size);
  free(tiny);
}
END_TEST

Suite *safetensors_suite(void);

Suite *safetensors_suite(void) {
  Suite *suite = suite_create("safetensors");
  TCase *tcase = tcase_create("safetensors");
  tcase_add_test(tcase, reads_every_dtype);
  tcase_add_test(tcase, orders_by_offset_and_skips_metadata);
  tcase_add_test(tcase, reads_no_tensors);
  tcase_add_test(tcase, refuses_bad_entries);
  tcase_add_test(tcase, refuses_bad_layout);
  tcase_add_test(tcase, refuses_bad_headers);
  tcase_add_test(tcase, refuses_a_header_that_would_fill_memory);
  tcase_add_test(tcase, refuses_bad_lengths);
  tcase_add_test(tcase, survives_damage);
  suite_add_tcase(suite, tcase);
  return suite;
}
