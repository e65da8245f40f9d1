/* Files of torch.save in both formats: what PyTorch writes, and what an attacker might. */
#include "../model/checkpoint/checkpoint.h"
#include "probe.h"
#include "support.h"
#include "torch_file.h"

#include <stdlib.h>
#include <string.h>

/* ── files that PyTorch wrote (tests/reference/torch_files)
 * ───────────────────────────────────────────
 */

static float base_value(int row, int column) {
  return (float)(row * 6 + column) / 2 - 3;
}

static float transposed_value(int row, int column) {
  return base_value(column, row);
}

static float rows_value(int row, int column) {
  return base_value(row + 1, column);
}

static float column_value(int row, int column) {
  return base_value(row, column + 2);
}

static float every_other_value(int row, int column) {
  return base_value(row * 2, column * 3);
}

static float constant_value(int row, int column) {
  (void)row;
  (void)column;
  return 2.5f;
}

/* What make_torch.py puts into the files; a shape of no columns means one dimension. */
static const struct expected_tensor {
  const char *name;
  koe_dtype dtype;
  int dims;
  int rows;
  int columns;
  float (*value)(int row, int column);
} expected_tensors[] = {
    {"base", KOE_F32, 2, 4, 6, base_value},
    {"transposed", KOE_F32, 2, 6, 4, transposed_value},
    {"rows", KOE_F32, 2, 2, 6, rows_value},
    {"column", KOE_F32, 1, 4, 1, column_value},
    {"every_other", KOE_F32, 2, 2, 2, every_other_value},
    {"parameter", KOE_F32, 1, 6, 1, NULL},
    {"half", KOE_F16, 1, 6, 1, NULL},
    {"bfloat16", KOE_BF16, 1, 6, 1, NULL},
    {"double", KOE_F64, 1, 6, 1, NULL},
    {"scalar", KOE_F32, 0, 1, 1, constant_value},
    {"expanded", KOE_F32, 2, 3, 4, constant_value},
    {"empty", KOE_F32, 2, 0, 3, constant_value},
};

static void check_tensor(koe_checkpoint *checkpoint, const struct expected_tensor *expected) {
  koe_error err;
  const float *values;
  const koe_tensor *tensor = koe_checkpoint_find(checkpoint, expected->name);
  ck_assert_msg(tensor != NULL, "%s has no %s", koe_checkpoint_path(checkpoint), expected->name);
  ck_assert_str_eq(koe_dtype_name(tensor->dtype), koe_dtype_name(expected->dtype));
  ck_assert_int_eq(tensor->dims, expected->dims);
  if (expected->dims > 0) ck_assert_int_eq(tensor->shape[0], expected->rows);
  if (expected->dims > 1) ck_assert_int_eq(tensor->shape[1], expected->columns);
  assert_ok(koe_checkpoint_float32(checkpoint, tensor, &values, &err));
  for (int row = 0; row < expected->rows; row++) {
    for (int column = 0; column < expected->columns; column++) {
      /* tensors without a function are row 1 of base */
      float value = expected->value ? expected->value(row, column) : base_value(1, row);
      float given = values[row * expected->columns + column];
      ck_assert_msg(given == value, "%s: %s[%d, %d] is %g instead of %g",
                    koe_checkpoint_path(checkpoint), expected->name, row, column, (double)given,
                    (double)value);
    }
  }
}

static void assert_bytes(const koe_checkpoint *checkpoint, const char *name, koe_dtype dtype,
                         const void *bytes, size_t size) {
  const koe_tensor *tensor = koe_checkpoint_find(checkpoint, name);
  ck_assert_msg(tensor != NULL, "no %s", name);
  ck_assert_str_eq(koe_dtype_name(tensor->dtype), koe_dtype_name(dtype));
  ck_assert_uint_eq(tensor->bytes, size);
  ck_assert_msg(memcmp(tensor->data, bytes, size) == 0, "%s differs", name);
}

static void check_views(const char *file) {
  koe_error err;
  koe_checkpoint *checkpoint;
  char relative[100];
  size_t size;
  snprintf(relative, sizeof relative, "reference/torch_files/%s", file);
  char *bytes = read_file(test_path(relative), &size);
  assert_ok(koe_checkpoint_open_memory(bytes, size, file, &checkpoint, &err));
  for (size_t i = 0; i < sizeof expected_tensors / sizeof expected_tensors[0]; i++) {
    check_tensor(checkpoint, &expected_tensors[i]);
  }
  assert_bytes(checkpoint, "position_ids", KOE_I64,
               "\0\0\0\0\0\0\0\0\1\0\0\0\0\0\0\0\2\0\0\0\0\0\0\0\3\0\0\0\0\0\0\0\4\0\0\0\0\0\0\0",
               40);
  assert_bytes(checkpoint, "int32", KOE_I32, "\xFF\xFF\xFF\xFF\2\0\0\0", 8);
  assert_bytes(checkpoint, "int16", KOE_I16, "\xFF\xFF\2\0", 4);
  assert_bytes(checkpoint, "int8", KOE_I8, "\xFF\2", 2);
  assert_bytes(checkpoint, "uint8", KOE_U8, "\xFF\2", 2);
  assert_bytes(checkpoint, "bool", KOE_BOOL, "\1\0", 2);
  ck_assert_uint_eq(koe_checkpoint_count(checkpoint), 18);
  ck_assert_str_eq(koe_checkpoint_at(checkpoint, 0)->name, "base");
  koe_checkpoint_free(checkpoint);
  free(bytes);
}

START_TEST(reads_what_pytorch_writes) {
  check_views("views.zip.bin");
  check_views("views.legacy.bin");
  check_views("views.protocol4.zip.bin");
  check_views("views.protocol4.legacy.bin");
  check_views("views.stored.zip.bin");
  check_views("training.zip.bin");
}
END_TEST

static void assert_file_refused(const char *relative, const char *fragment) {
  size_t size;
  char *bytes = read_file(test_path(relative), &size);
  probe_refused(bytes, size, fragment);
  free(bytes);
}

START_TEST(refuses_modules_and_compression) {
  assert_file_refused("reference/torch_files/module.zip.bin",
                      "refuses to load torch.nn.modules.linear.Linear");
  assert_file_refused("reference/torch_files/views.deflated.zip.bin", "compressed");
}
END_TEST

/* ── pickles made by hand ───────────────────────────────────────────────────────────────────────
 */

static void assert_buffer_refused(buffer *file, const char *fragment) {
  probe_refused(file->bytes, file->size, fragment);
  buffer_clear(file);
}

/* The pickle as data.pkl of a zip and as the object of a legacy file: both refused alike. */
static void assert_pickle_refused(const buffer *pickle, const char *fragment) {
  buffer file;
  torch_zip(&file, pickle, 4);
  assert_buffer_refused(&file, fragment);
  torch_legacy(&file, pickle, 4);
  assert_buffer_refused(&file, fragment);
}

static void assert_refused(const char *pickle, size_t size, const char *fragment) {
  buffer b = {0};
  put(&b, pickle, size);
  assert_pickle_refused(&b, fragment);
  buffer_clear(&b);
}

#define REFUSED(pickle, fragment) assert_refused((pickle), sizeof(pickle) - 1, (fragment))

START_TEST(refuses_code) {
  REFUSED("\x80\x02"
          "cos\nsystem\n(X\x04\0\0\0echotR.",
          "refuses to load os.system");
  REFUSED("\x80\x04\x8c\x08"
          "builtins\x8c\x04"
          "eval\x93.",
          "refuses to load builtins.eval");
  REFUSED("cposix\nsystem\n.", "refuses to load posix.system");
  REFUSED("ctorch\nload\n.", "refuses to load torch.load");
  REFUSED("ctorch._utils\n_rebuild_tensor_v2x\n.", "refuses to load");
  REFUSED("c\xEB\x82\x98\n\x01\n.", "refuses to load ???.?");
  REFUSED("K\x01K\x02\x93.", "refuses to load");
  REFUSED("(ios\nsystem\n.", "refuses operation 0x69");
  REFUSED("(o.", "refuses operation 0x6f");
  REFUSED("))\x81.", "refuses operation 0x81");
  REFUSED("\x82\x01.", "refuses operation 0x82");
  REFUSED("P0\n.", "refuses operation 0x50");
  REFUSED("I1\n.", "refuses operation 0x49");
  REFUSED("\xff.", "refuses operation 0xff");
  REFUSED("))R.", "refuses a call");
  REFUSED("K\x01)R.", "refuses a call");
  REFUSED("ccollections\nOrderedDict\nK\x01R.", "refuses a call");
  REFUSED(")}b.", "refuses to set attributes");
  REFUSED("ccollections\nOrderedDict\n}b.", "refuses to set attributes");
}
END_TEST

START_TEST(refuses_truncated_and_unbalanced) {
  REFUSED(".", "the stack is empty");
  REFUSED("0.", "the stack is empty");
  REFUSED("2.", "the stack is empty");
  REFUSED("(.", "the stack is empty");
  REFUSED("K\x01(0.", "the stack is empty");
  REFUSED("K\x01\x86.", "the stack is empty");
  REFUSED("1.", "no mark");
  REFUSED("t.", "no mark");
  REFUSED("e.", "no mark");
  REFUSED("]0(K\x01"
          "e.",
          "the stack is empty");
  REFUSED(")(K\x01"
          "e.",
          "no list or dict");
  REFUSED("}(K\x01u.", "no list or dict");
  REFUSED("](K\x01K\x02u.", "no list or dict");
  REFUSED("]K\x01K\x02s.", "no list or dict");
  REFUSED("}K\x01"
          "a.",
          "no list or dict");
  REFUSED("a.", "the stack is empty");
  REFUSED("R.", "the stack is empty");
  REFUSED("b.", "the stack is empty");
  REFUSED("Q.", "the stack is empty");
  REFUSED("\x93.", "the stack is empty");
  REFUSED("\x80\x06}.", "newer than 5");
  REFUSED("\x95\xff\xff\xff\xff\xff\xff\xff\xff}.", "truncated");
}
END_TEST

START_TEST(refuses_pickles_without_stop) {
  static const char *const pickles[] = {"",  "}",         "}q",   "cos", "cos\n",
                                        "K", "J\x01\x01", "\x8a", "X"};
  for (size_t i = 0; i < sizeof pickles / sizeof pickles[0]; i++) {
    buffer b = {0};
    buffer file;
    put(&b, pickles[i], strlen(pickles[i]));
    torch_zip(&file, &b, 4);
    assert_buffer_refused(&file, "truncated");
    buffer_clear(&b);
  }
}
END_TEST

START_TEST(refuses_lengths_beyond_the_file) {
  REFUSED("X\xff\xff\xff\xff"
          "abc.",
          "truncated");
  REFUSED("\x8d\xff\xff\xff\xff\xff\xff\xff\xff"
          "abc.",
          "truncated");
  REFUSED("\x8d\xff\xff\xff\xff\xff\xff\xff\x7f"
          "abc.",
          "truncated");
  REFUSED("\x8e\0\0\0\0\1\0\0\0"
          "abc.",
          "truncated");
  REFUSED("B\xff\xff\xff\x7f"
          "abc.",
          "truncated");
  REFUSED("\x8b\xff\xff\xff\xff"
          "abc.",
          "truncated");
  REFUSED("T\xff\xff\xff\xff"
          "abc.",
          "truncated");
}
END_TEST

START_TEST(refuses_memo_misuse) {
  REFUSED("h\x00.", "memo number");
  REFUSED("}q\x00h\x01.", "memo number");
  REFUSED("j\xff\xff\xff\xff.", "memo number");
  REFUSED("q\x00.", "the stack is empty");
  REFUSED("\x94.", "the stack is empty");
  REFUSED("}r\xff\xff\xff\xff.", "memo is too large");
  /* An entry that was never set is None. */
  REFUSED("}q\x05h\x03.", "no tensors");
}
END_TEST

/* `count` times `operations`, then STOP. */
static void assert_repeated_refused(const char *start, const char *operations, size_t count,
                                    const char *fragment) {
  buffer b = {0};
  put(&b, start, strlen(start));
  for (size_t i = 0; i < count; i++)
    put(&b, operations, strlen(operations));
  PUT(&b, ".");
  assert_pickle_refused(&b, fragment);
  buffer_clear(&b);
}

START_TEST(bounds_time_and_memory) {
  assert_repeated_refused("", "]", 300000, "too many objects");
  assert_repeated_refused(")", "\x85", 300000, "too many objects");
  assert_repeated_refused("", "(", 1100000, "too many marks");
  assert_repeated_refused("", "N", 1100000, "too many values");
  assert_repeated_refused("]", "Na", 4200000, "too many values");
  assert_repeated_refused("N", "20", 8400000, "too long");
  /* Deep and circular values are no trouble: nothing walks them. */
  assert_repeated_refused(")", "\x85", 200000, "no tensors");
  REFUSED("]q\x00h\x00"
          "a.",
          "no tensors");
  REFUSED("}q\x00X\x0a\0\0\0state_dicth\x00s.", "no tensors");
}
END_TEST

START_TEST(refuses_what_holds_no_tensors) {
  REFUSED("N.", "no tensors");
  REFUSED("K\x01.", "no tensors");
  REFUSED("].", "no tensors");
  REFUSED("}.", "no tensors");
  REFUSED("}X\x01\0\0\0aK\x01s.", "no tensors");
  REFUSED("ccollections\nOrderedDict\n]K\x01"
          "a\x85R.",
          "other than pairs");
  REFUSED("ccollections\nOrderedDict\n])a\x85R.", "other than pairs");
  REFUSED("ccollections\nOrderedDict\n)\x85R.", "other than pairs");
  REFUSED("ccollections\nOrderedDict\n))\x86R.", "other arguments");
  REFUSED("ctorch._utils\n_rebuild_parameter\n)R.", "other arguments");
  REFUSED("ctorch._utils\n_rebuild_parameter\nN\x85R.", "other arguments");
  REFUSED("ctorch\nSize\nN\x85R.", "other arguments");
  REFUSED("ctorch\nFloatStorage\n)R.", "other arguments");
  REFUSED("ctorch._utils\n_rebuild_tensor_v2\n)R.", "a tensor without");
}
END_TEST

START_TEST(refuses_bad_storages) {
  REFUSED("NQ.", "persistent id");
  REFUSED(")Q.", "persistent id");
  REFUSED("X\x07\0\0\0storage\x85Q.", "persistent id");
  static const struct {
    const char *type;
    int64_t elements;
    const char *fragment;
  } cases[] = {
      {"FloatStorage", -1, "persistent id"},
      {"DoubleStorage", INT64_MAX / 8 + 1, "persistent id"},
      {"UntypedStorage", 4, "refuses to load torch.UntypedStorage"},
      {"QInt8Storage", 4, "refuses to load torch.QInt8Storage"},
      {"Size", 4, "persistent id"},
  };
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    buffer b = {0};
    pickle_storage(&b, cases[i].type, "0", cases[i].elements, 1);
    PUT(&b, ".");
    assert_pickle_refused(&b, cases[i].fragment);
    buffer_clear(&b);
  }
}
END_TEST

/* A dict of one tensor "a" over the storage "0" of 4 elements. */
static buffer one_tensor(int64_t offset, const int64_t *shape, const int64_t *strides, int dims) {
  buffer b = {0};
  PUT(&b, "\x80\x02}");
  pickle_string(&b, "a");
  pickle_tensor(&b, "0", 4, offset, shape, strides, dims, 1);
  PUT(&b, "s.");
  return b;
}

static void assert_view_refused(int64_t offset, int64_t rows, int64_t columns, int64_t row_stride,
                                int64_t column_stride, const char *fragment) {
  buffer b =
      one_tensor(offset, (int64_t[]){rows, columns}, (int64_t[]){row_stride, column_stride}, 2);
  assert_pickle_refused(&b, fragment);
  buffer_clear(&b);
}

START_TEST(refuses_views_that_leave_their_storage) {
  assert_view_refused(1, 2, 2, 2, 1, "leaves its storage of 4 elements");
  assert_view_refused(4, 1, 1, 1, 1, "leaves its storage");
  assert_view_refused(INT64_MAX, 1, 1, 1, 1, "leaves its storage");
  assert_view_refused(INT64_MAX, 2, 1, 1, 1, "leaves its storage");
  assert_view_refused(0, 2, 2, INT64_MAX, 1, "leaves its storage");
  assert_view_refused(0, 3, 2, INT64_MAX, 1, "leaves its storage");
  assert_view_refused(0, 1 << 20, 1 << 20, 1 << 20, 1, "leaves its storage");
  assert_view_refused(0, INT64_MAX, INT64_MAX, 0, 0, "impossible shape");
  assert_view_refused(0, INT64_MAX, 1, 0, 0, "impossible shape");
  assert_view_refused(0, 1 << 30, 1, 0, 0, "repeats few elements");
  assert_view_refused(-1, 1, 1, 1, 1, "a tensor without");
  assert_view_refused(0, -1, 1, 1, 1, "a tensor without");
  assert_view_refused(3, 2, 1, -1, 1, "a tensor without");
  int64_t ones[9] = {1, 1, 1, 1, 1, 1, 1, 1, 1};
  buffer b = one_tensor(0, ones, ones, 9);
  assert_pickle_refused(&b, "a tensor without");
  buffer_clear(&b);
}
END_TEST

/* A tensor "a" of the storage "0" whose offset, shape and strides are the operations `where`. */
static void assert_place_refused(const char *where, size_t size, const char *fragment) {
  buffer b = {0};
  PUT(&b, "}");
  pickle_string(&b, "a");
  pickle_global(&b, "torch._utils", "_rebuild_tensor_v2");
  PUT(&b, "(");
  pickle_storage(&b, "FloatStorage", "0", 4, 1);
  put(&b, where, size);
  PUT(&b, "tRs.");
  assert_pickle_refused(&b, fragment);
  buffer_clear(&b);
}

#define PLACE_REFUSED(where, fragment) assert_place_refused((where), sizeof(where) - 1, (fragment))

START_TEST(refuses_views_of_other_types) {
  PLACE_REFUSED("K\0K\1\x85", "a tensor without");
  PLACE_REFUSED("NK\1\x85K\1\x85", "a tensor without");
  PLACE_REFUSED("\x88K\1\x85K\1\x85", "a tensor without");
  PLACE_REFUSED("G\0\0\0\0\0\0\0\0K\1\x85K\1\x85", "a tensor without");
  PLACE_REFUSED("K\0K\1K\1\x85", "a tensor without");
  PLACE_REFUSED("K\0]K\1a]K\1a", "a tensor without");
  PLACE_REFUSED("K\0K\1\x85K\1K\1\x86", "a tensor without");
  PLACE_REFUSED("K\0K\1K\1\x86K\1\x85", "a tensor without");
  PLACE_REFUSED("K\0N\x85K\1\x85", "a tensor without");
  /* long integers: -1 in one byte, 2^64 in nine, 255 in two, -1 in four, 65535 */
  PLACE_REFUSED("\x8a\1\xFFK\1\x85K\1\x85", "a tensor without");
  PLACE_REFUSED("\x8a\x09\0\0\0\0\0\0\0\0\1K\1\x85K\1\x85", "a tensor without");
  PLACE_REFUSED("\x8a\2\xFF\0K\1\x85K\1\x85", "leaves its storage");
  PLACE_REFUSED("J\xFF\xFF\xFF\xFFK\1\x85K\1\x85", "a tensor without");
  PLACE_REFUSED("M\xFF\xFFK\1\x85K\1\x85", "leaves its storage");
}
END_TEST

static koe_checkpoint *open_buffer(const buffer *file) {
  koe_error err;
  koe_checkpoint *checkpoint;
  assert_ok(koe_checkpoint_open_memory(file->bytes, file->size, "test", &checkpoint, &err));
  return checkpoint;
}

START_TEST(reads_views_made_by_hand) {
  koe_error err;
  /* Strides of dimensions of size 1 mean nothing, however large. */
  buffer b = one_tensor(1, (int64_t[]){1, 3, 1}, (int64_t[]){INT64_MAX, 1, INT64_MAX}, 3);
  buffer files[2];
  torch_zip(&files[0], &b, 4);
  torch_legacy(&files[1], &b, 4);
  for (int i = 0; i < 2; i++) {
    const float *values;
    koe_checkpoint *checkpoint = open_buffer(&files[i]);
    const koe_tensor *tensor = koe_checkpoint_find(checkpoint, "a");
    assert_ok(koe_checkpoint_float32(checkpoint, tensor, &values, &err));
    ck_assert(values[0] == 1 && values[1] == 2 && values[2] == 3);
    /* contiguous: not copied */
    ck_assert(tensor->data > files[i].bytes && tensor->data < files[i].bytes + files[i].size);
    koe_checkpoint_free(checkpoint);
    buffer_clear(&files[i]);
  }
  buffer_clear(&b);
}
END_TEST

START_TEST(reads_python_2_forms) {
  buffer b = {0};
  buffer file;
  const int64_t shape[] = {2, 2}, strides[] = {1, 2};
  pickle_global(&b, "collections", "OrderedDict");
  PUT(&b, "]](U\x01"
          "a");
  pickle_tensor(&b, "0", 4, 0, shape, strides, 2, 0);
  PUT(&b, "ea\x85R.");
  torch_zip(&file, &b, 4);
  koe_error err;
  const float *values;
  koe_checkpoint *checkpoint = open_buffer(&file);
  const koe_tensor *tensor = koe_checkpoint_find(checkpoint, "a");
  ck_assert_ptr_nonnull(tensor);
  assert_ok(koe_checkpoint_float32(checkpoint, tensor, &values, &err));
  ck_assert(values[0] == 0 && values[1] == 2 && values[2] == 1 && values[3] == 3);
  koe_checkpoint_free(checkpoint);
  buffer_clear(&file);
  buffer_clear(&b);
}
END_TEST

/* A dict of `count` tensors, all called `name`. */
static buffer named_tensors(const char *name, int count) {
  const int64_t size = 1;
  buffer b = {0};
  PUT(&b, "\x80\x02}(");
  for (int i = 0; i < count; i++) {
    pickle_string(&b, name);
    pickle_tensor(&b, "0", 4, i, &size, &size, 1, 1);
  }
  PUT(&b, "u.");
  return b;
}

START_TEST(refuses_bad_names) {
  buffer b = named_tensors("twice", 2);
  assert_pickle_refused(&b, "two tensors called \"twice\"");
  buffer_clear(&b);
  b = named_tensors("a\nb", 1);
  assert_pickle_refused(&b, "not printable");
  buffer_clear(&b);
  b = named_tensors("a\xFF", 1);
  assert_pickle_refused(&b, "not printable");
  buffer_clear(&b);
  char name[600];
  memset(name, 'n', sizeof name - 1);
  name[sizeof name - 1] = '\0';
  b = named_tensors(name, 1);
  assert_pickle_refused(&b, "599 bytes");
  buffer_clear(&b);
}
END_TEST

/* ── damage ─────────────────────────────────────────────────────────────────────────────────────
 */

START_TEST(survives_damage) {
  static const char *const files[] = {
      "views.zip.bin",           "views.legacy.bin",
      "views.protocol4.zip.bin", "views.protocol4.legacy.bin",
      "views.stored.zip.bin",
  };
  for (size_t i = 0; i < sizeof files / sizeof files[0]; i++) {
    char relative[100];
    size_t size;
    snprintf(relative, sizeof relative, "reference/torch_files/%s", files[i]);
    char *bytes = read_file(test_path(relative), &size);
    probe_truncations(bytes, size, 1);
    size_t refused = probe_flips(bytes, size, 0, size);
    ck_assert_msg(refused > size / 2, "%s: only %zu damaged files were refused", files[i], refused);
    probe_memory(bytes, size);
    free(bytes);
  }
}
END_TEST

Suite *torch_suite(void);

Suite *torch_suite(void) {
  Suite *suite = suite_create("torch");
  TCase *tcase = tcase_create("torch");
  tcase_add_test(tcase, reads_what_pytorch_writes);
  tcase_add_test(tcase, refuses_modules_and_compression);
  tcase_add_test(tcase, refuses_code);
  tcase_add_test(tcase, refuses_truncated_and_unbalanced);
  tcase_add_test(tcase, refuses_pickles_without_stop);
  tcase_add_test(tcase, refuses_lengths_beyond_the_file);
  tcase_add_test(tcase, refuses_memo_misuse);
  tcase_add_test(tcase, bounds_time_and_memory);
  tcase_add_test(tcase, refuses_what_holds_no_tensors);
  tcase_add_test(tcase, refuses_bad_storages);
  tcase_add_test(tcase, refuses_views_that_leave_their_storage);
  tcase_add_test(tcase, refuses_views_of_other_types);
  tcase_add_test(tcase, reads_views_made_by_hand);
  tcase_add_test(tcase, reads_python_2_forms);
  tcase_add_test(tcase, refuses_bad_names);
  tcase_add_test(tcase, survives_damage);
  suite_add_tcase(suite, tcase);
  return suite;
}
