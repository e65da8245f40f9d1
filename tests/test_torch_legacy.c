/* The legacy stream of torch.save around a pickle: damaged, hostile and very old files. */
#include "../model/checkpoint/checkpoint.h"
#include "probe.h"
#include "support.h"
#include "torch_file.h"

#include <stdlib.h>
#include <string.h>

#define MAGIC    "\x80\x02\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19."
#define PROTOCOL "\x80\x02M\xe9\x03."
#define SYSTEM   "\x80\x02}X\x0d\0\0\0little_endian\x88s."

static void put_header(buffer *b) {
  PUT(b, MAGIC PROTOCOL SYSTEM);
}

/* A dict with tensors "a" over the storage "0", and "b" over `second` if that is not NULL. */
static void put_object(buffer *b, const char *second) {
  const int64_t shape = 4, stride = 1;
  PUT(b, "\x80\x02}");
  pickle_string(b, "a");
  pickle_tensor(b, "0", 4, 0, &shape, &stride, 1, 1);
  PUT(b, "s");
  if (second != NULL) {
    pickle_string(b, "b");
    pickle_tensor(b, second, 4, 0, &shape, &stride, 1, 1);
    PUT(b, "s");
  }
  PUT(b, ".");
}

/* A storage of `count` floats 10, 11, 12, … */
static void put_storage(buffer *b, uint64_t count) {
  put64(b, count);
  for (uint64_t i = 0; i < count; i++)
    put(b, &(float){10 + (float)i}, sizeof(float));
}

static void refuse(buffer *b, const char *fragment) {
  probe_refused(b->bytes, b->size, fragment);
  buffer_clear(b);
}

START_TEST(refuses_other_pickles) {
  buffer b = {0};
  PUT(&b, "\x80\x02K\x01.");
  refuse(&b, "not from torch.save");
  PUT(&b, "\x80\x02\x8a\x0b\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19\0.");
  refuse(&b, "not from torch.save");
  PUT(&b, MAGIC "\x80\x02M\xea\x03.");
  refuse(&b, "protocol other than 1001");
  PUT(&b, MAGIC "\x80\x02N.");
  refuse(&b, "protocol other than 1001");
  PUT(&b, MAGIC PROTOCOL "\x80\x02}.");
  refuse(&b, "does not say its byte order");
  PUT(&b, MAGIC PROTOCOL "\x80\x02N.");
  refuse(&b, "does not say its byte order");
  PUT(&b, MAGIC PROTOCOL "\x80\x02}X\x0d\0\0\0little_endianNs.");
  refuse(&b, "does not say its byte order");
  PUT(&b, MAGIC PROTOCOL "\x80\x02}X\x0d\0\0\0little_endian\x89s.");
  refuse(&b, "big-endian");
}
END_TEST

START_TEST(refuses_bad_keys) {
  buffer b = {0};
  put_header(&b);
  put_object(&b, NULL);
  PUT(&b, "N.");
  refuse(&b, "no list of storage keys");
  put_header(&b);
  put_object(&b, NULL);
  PUT(&b, "].");
  refuse(&b, "the elements of storage 0 are missing");
  put_header(&b);
  put_object(&b, NULL);
  PUT(&b, "]X\1\0\0\0"
          "9a.");
  refuse(&b, "storage key 0 belongs to no tensor");
  put_header(&b);
  put_object(&b, NULL);
  PUT(&b, "]K\0a.");
  refuse(&b, "storage key 0 belongs to no tensor");
  put_header(&b);
  put_object(&b, NULL);
  PUT(&b, "](X\1\0\0\0"
          "0X\1\0\0\0"
          "0e.");
  put_storage(&b, 4);
  put_storage(&b, 4);
  refuse(&b, "a storage key occurs twice");
}
END_TEST

START_TEST(refuses_bad_sizes) {
  static const struct {
    uint64_t count;
    size_t cut;
    const char *fragment;
  } cases[] = {
      {3, 0, "another size"},
      {5, 0, "another size"},
      {UINT64_C(1) << 63, 0, "another size"},
      {4, 1, "ends outside the file"},
      {4, 16, "ends outside the file"},
      {4, 17, "storages are missing"},
      {4, 24, "storages are missing"},
  };
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    buffer b = {0};
    put_header(&b);
    put_object(&b, NULL);
    PUT(&b, "]X\1\0\0\0"
            "0a.");
    put64(&b, cases[i].count);
    PUT(&b, "0123456789ABCDEF");
    b.size -= cases[i].cut;
    refuse(&b, cases[i].fragment);
  }
}
END_TEST

START_TEST(refuses_contradicting_storages) {
  const int64_t shape = 4, stride = 1;
  buffer b = {0};
  put_header(&b);
  PUT(&b, "}");
  pickle_string(&b, "a");
  pickle_tensor(&b, "0", 4, 0, &shape, &stride, 1, 1);
  PUT(&b, "s");
  pickle_string(&b, "b");
  pickle_tensor(&b, "0", 400, 0, &shape, &stride, 1, 1);
  PUT(&b, "s.]X\1\0\0\0"
          "0a.");
  put_storage(&b, 4);
  refuse(&b, "a storage has two sizes or types");
}
END_TEST

static void assert_first(const buffer *b, const char *name, float expected) {
  koe_error err;
  koe_checkpoint *checkpoint;
  const float *values;
  assert_ok(koe_checkpoint_open_memory(b->bytes, b->size, "test", &checkpoint, &err));
  const koe_tensor *tensor = koe_checkpoint_find(checkpoint, name);
  ck_assert_msg(tensor != NULL, "no %s", name);
  assert_ok(koe_checkpoint_float32(checkpoint, tensor, &values, &err));
  ck_assert_msg(values[0] == expected, "%s begins with %g", name, (double)values[0]);
  koe_checkpoint_free(checkpoint);
}

START_TEST(reads_storages_in_any_order_and_shared) {
  buffer b = {0};
  put_header(&b);
  put_object(&b, "1");
  PUT(&b, "](X\1\0\0\0"
          "1X\1\0\0\0"
          "0e.");
  put64(&b, 4);
  PUT(&b, "\0\0\x80\x3F\0\0\0\0\0\0\0\0\0\0\0\0"); /* 1, 0, 0, 0 */
  put_storage(&b, 4);
  assert_first(&b, "a", 10);
  assert_first(&b, "b", 1);
  buffer_clear(&b);

  put_header(&b);
  put_object(&b, "0");
  PUT(&b, "]X\1\0\0\0"
          "0a.");
  put_storage(&b, 4);
  PUT(&b, "what follows is not read");
  assert_first(&b, "a", 10);
  assert_first(&b, "b", 10);
  buffer_clear(&b);
}
END_TEST

/* A tensor "a" of 2 elements over elements [first, first + count) of the storage "0" of 4, in the
 * way of PyTorch before 0.4: a view in the persistent id and _rebuild_tensor. */
static buffer old_view(int64_t first, int64_t count) {
  buffer b = {0};
  put_header(&b);
  PUT(&b, "}");
  pickle_string(&b, "a");
  pickle_global(&b, "torch._utils", "_rebuild_tensor");
  PUT(&b, "((");
  pickle_string(&b, "storage");
  pickle_global(&b, "torch", "FloatStorage");
  pickle_string(&b, "0");
  pickle_string(&b, "cpu");
  pickle_integer(&b, 4);
  PUT(&b, "(");
  pickle_string(&b, "view");
  pickle_integer(&b, first);
  pickle_integer(&b, count);
  PUT(&b, "ttQK\0K\2\x85K\1\x85tRs.]X\1\0\0\0"
          "0a.");
  put_storage(&b, 4);
  return b;
}

START_TEST(reads_views_of_very_old_files) {
  buffer b = old_view(1, 2);
  assert_first(&b, "a", 11);
  buffer_clear(&b);
  b = old_view(2, 2);
  assert_first(&b, "a", 12);
  buffer_clear(&b);
  b = old_view(3, 1);
  refuse(&b, "leaves its storage of 1 elements");
  b = old_view(3, 2);
  refuse(&b, "persistent id");
  b = old_view(5, 0);
  refuse(&b, "persistent id");
  b = old_view(-1, 2);
  refuse(&b, "persistent id");
  b = old_view(INT64_MAX, INT64_MAX);
  refuse(&b, "persistent id");
}
END_TEST

Suite *torch_legacy_suite(void);

Suite *torch_legacy_suite(void) {
  Suite *suite = suite_create("torch_legacy");
  TCase *tcase = tcase_create("torch_legacy");
  tcase_add_test(tcase, refuses_other_pickles);
  tcase_add_test(tcase, refuses_bad_keys);
  tcase_add_test(tcase, refuses_bad_sizes);
  tcase_add_test(tcase, refuses_contradicting_storages);
  tcase_add_test(tcase, reads_storages_in_any_order_and_shared);
  tcase_add_test(tcase, reads_views_of_very_old_files);
  suite_add_tcase(suite, tcase);
  return suite;
}
