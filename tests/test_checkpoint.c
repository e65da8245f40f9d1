/* Checkpoint directories: which file is read, and that every format gives the same tensors. */
#include "../model/checkpoint/checkpoint.h"
#include "../model/checkpoint/convert.h"
#include "../model/checkpoint/weight_files.h"
#include "../model/memory.h"
#include "model_directory.h"
#include "probe.h"
#include "support.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

/* A new directory with a copy of the file `source` as `name`. */
static const char *directory_with(const char *source, const char *name) {
  const char *directory = temporary_directory();
  char path[200];
  size_t size;
  char *bytes = read_file(source, &size);
  snprintf(path, sizeof path, "%s/%s", directory, name);
  write_file(path, bytes, size);
  free(bytes);
  return directory;
}

static const char *join(const char *directory, const char *name) {
  static char path[1200];
  snprintf(path, sizeof path, "%s/%s", directory, name);
  return path;
}

static koe_checkpoint *open_as(const char *source, const char *name) {
  koe_error err;
  koe_checkpoint *checkpoint;
  assert_ok(koe_checkpoint_open(directory_with(source, name), &checkpoint, &err));
  return checkpoint;
}

/* ── one model in every form ────────────────────────────────────────────────────────────────────
 */

static size_t element_count(const koe_tensor *tensor) {
  return tensor->bytes / koe_dtype_size(tensor->dtype);
}

static void assert_same_shape(const koe_tensor *a, const koe_tensor *b) {
  ck_assert_int_eq(a->dims, b->dims);
  for (int d = 0; d < a->dims; d++)
    ck_assert_int_eq(a->shape[d], b->shape[d]);
}

/* The tensor of `other` that has the name of `tensor`, and both as floats. */
static const koe_tensor *counterpart(koe_checkpoint *checkpoint, const koe_tensor *tensor,
                                     koe_checkpoint *other, const float **mine,
                                     const float **theirs) {
  koe_error err;
  const koe_tensor *found = koe_checkpoint_find(other, tensor->name);
  ck_assert_msg(found != NULL, "%s has no %s", koe_checkpoint_path(other), tensor->name);
  ck_assert_str_eq(found->name, tensor->name);
  assert_same_shape(tensor, found);
  assert_ok(koe_checkpoint_float32(checkpoint, tensor, mine, &err));
  assert_ok(koe_checkpoint_float32(other, found, theirs, &err));
  return found;
}

/* All tensors of `reference` are in `other`, rounded to a type of `digits` fraction bits whose
 * smallest number is 2^`lowest`. */
static void assert_rounded(koe_checkpoint *reference, koe_checkpoint *other, koe_dtype dtype,
                           int digits, int lowest) {
  for (size_t i = 0; i < koe_checkpoint_count(reference); i++) {
    const koe_tensor *tensor = koe_checkpoint_at(reference, i);
    const float *expected, *given;
    const koe_tensor *found = counterpart(reference, tensor, other, &expected, &given);
    ck_assert_str_eq(koe_dtype_name(found->dtype), koe_dtype_name(dtype));
    for (size_t e = 0; e < element_count(tensor); e++) {
      int exponent;
      frexpf(expected[e], &exponent);
      float allowed = ldexpf(1, exponent - 2 - digits);
      if (allowed < ldexpf(1, lowest - 1)) allowed = ldexpf(1, lowest - 1);
      ck_assert_msg(fabsf(expected[e] - given[e]) <= allowed, "%s[%zu] is %.9g instead of %.9g",
                    tensor->name, e, (double)given[e], (double)expected[e]);
    }
  }
}

/* `directory` holds model.safetensors and the three files of torch.save. */
static void check_forms(const char *directory) {
  koe_checkpoint *reference = open_as(join(directory, "model.safetensors"), "model.safetensors");
  koe_checkpoint *zip = open_as(join(directory, "pytorch_model.zip.bin"), "pytorch_model.bin");
  koe_checkpoint *legacy =
      open_as(join(directory, "pytorch_model.legacy.bin"), "pytorch_model.bin");
  koe_checkpoint *half =
      open_as(join(directory, "pytorch_model.half.zip.bin"), "pytorch_model.bin");
  assert_same_tensors(reference, zip);
  assert_same_tensors(reference, legacy);
  assert_rounded(reference, half, KOE_F16, 10, -24);
  koe_checkpoint_free(reference);
  koe_checkpoint_free(zip);
  koe_checkpoint_free(legacy);
  koe_checkpoint_free(half);
}

START_TEST(every_form_gives_the_same_tensors) {
  check_forms(test_path("reference/tiny"));
}
END_TEST

START_TEST(every_form_of_the_shared_model_gives_the_same_tensors) {
  const char *directory = shared_path("fixtures/checkpoints/tiny-seq");
  if (directory != NULL) check_forms(directory);
}
END_TEST

START_TEST(safetensors_of_16_bits) {
  const char *directory = test_path("reference/tiny");
  koe_checkpoint *reference = open_as(join(directory, "model.safetensors"), "model.safetensors");
  koe_checkpoint *f16 = open_as(join(directory, "model.f16.safetensors"), "model.safetensors");
  koe_checkpoint *bf16 = open_as(join(directory, "model.bf16.safetensors"), "model.safetensors");
  assert_rounded(reference, f16, KOE_F16, 10, -24);
  assert_rounded(reference, bf16, KOE_BF16, 7, -133);
  koe_checkpoint_free(reference);
  koe_checkpoint_free(f16);
  koe_checkpoint_free(bf16);
}
END_TEST

START_TEST(all_shared_checkpoints_open) {
  static const char *const folders[] = {
      "checkpoints/nsmc-small", "tasks/discriminator", "tasks/generator", "tasks/ner-naver",
      "tasks/pair-kornli",      "tasks/qa-korquad",    "tasks/seq-nsmc",  "tasks/regression-korsts",
  };
  for (size_t i = 0; i < sizeof folders / sizeof folders[0]; i++) {
    char relative[100];
    koe_error err;
    koe_checkpoint *checkpoint;
    snprintf(relative, sizeof relative, "fixtures/%s", folders[i]);
    const char *directory = shared_path(relative);
    if (directory == NULL) return;
    assert_ok(koe_checkpoint_open(directory, &checkpoint, &err));
    ck_assert_ptr_nonnull(
        koe_checkpoint_find(checkpoint, "electra.embeddings.word_embeddings.weight"));
    koe_checkpoint_free(checkpoint);
  }
}
END_TEST

/* ── mapping and copies ─────────────────────────────────────────────────────────────────────────
 */

/* Reads all floating tensors; returns how many elements. */
static size_t read_all(koe_checkpoint *checkpoint, bool in_place) {
  koe_error err;
  size_t elements = 0;
  for (size_t i = 0; i < koe_checkpoint_count(checkpoint); i++) {
    const koe_tensor *tensor = koe_checkpoint_at(checkpoint, i);
    const float *first, *second;
    if (tensor->dtype == KOE_I64) continue;
    assert_ok(koe_checkpoint_float32(checkpoint, tensor, &first, &err));
    assert_ok(koe_checkpoint_float32(checkpoint, tensor, &second, &err));
    ck_assert_ptr_eq(first, second);
    ck_assert_uint_eq((uintptr_t)first % _Alignof(float), 0);
    if (in_place) ck_assert_ptr_eq(first, tensor->data);
    elements += element_count(tensor);
  }
  return elements;
}

START_TEST(aligned_float32_stays_in_the_file) {
  static const char *const files[][2] = {
      {"model.safetensors", "model.safetensors"},
      {"pytorch_model.zip.bin", "pytorch_model.bin"},
  };
  for (size_t i = 0; i < 2; i++) {
    const char *source = join(test_path("reference/tiny"), files[i][0]);
    koe_checkpoint *checkpoint = open_as(source, files[i][1]);
    read_all(checkpoint, true);
    ck_assert_uint_eq(koe_checkpoint_heap_bytes(checkpoint), 0);
    koe_checkpoint_free(checkpoint);
  }
}
END_TEST

START_TEST(copies_are_counted_once) {
  koe_checkpoint *half =
      open_as(test_path("reference/tiny/pytorch_model.half.zip.bin"), "pytorch_model.bin");
  ck_assert_uint_eq(koe_checkpoint_heap_bytes(half), 0);
  size_t elements = read_all(half, false);
  ck_assert_uint_eq(koe_checkpoint_heap_bytes(half), elements * sizeof(float));
  koe_checkpoint_free(half);
}
END_TEST

/* Released elements are counted no more, and come back when they are asked for. */
START_TEST(released) {
  static const char *const files[][2] = {
      {"model.safetensors", "model.safetensors"},
      {"pytorch_model.half.zip.bin", "pytorch_model.bin"},
  };
  for (size_t i = 0; i < 2; i++) {
    koe_error err;
    const float *values;
    koe_checkpoint *checkpoint =
        open_as(join(test_path("reference/tiny"), files[i][0]), files[i][1]);
    const koe_tensor *tensor =
        koe_checkpoint_find(checkpoint, "electra.embeddings.word_embeddings.weight");
    size_t count = element_count(tensor), before = koe_checkpoint_bytes(checkpoint);
    float *copy = malloc(count * sizeof *copy);
    assert_ok(koe_checkpoint_float32(checkpoint, tensor, &values, &err));
    memcpy(copy, values, count * sizeof *copy);
    koe_checkpoint_release(checkpoint, tensor);
    ck_assert_uint_eq(koe_checkpoint_heap_bytes(checkpoint), 0);
    ck_assert_uint_eq(koe_checkpoint_bytes(checkpoint), before - tensor->bytes);
    assert_ok(koe_checkpoint_float32(checkpoint, tensor, &values, &err));
    ck_assert_mem_eq(values, copy, count * sizeof *copy);
    free(copy);
    koe_checkpoint_free(checkpoint);
  }
}
END_TEST

START_TEST(unaligned_float32_is_copied) {
  size_t size;
  char *bytes = read_file(test_path("reference/tiny/model.safetensors"), &size);
  char *shifted = malloc(size + 1);
  memcpy(shifted + 1, bytes, size);
  koe_error err;
  koe_checkpoint *aligned, *unaligned;
  assert_ok(koe_checkpoint_open_memory(bytes, size, "aligned", &aligned, &err));
  assert_ok(koe_checkpoint_open_memory(shifted + 1, size, "unaligned", &unaligned, &err));
  assert_same_tensors(aligned, unaligned);
  ck_assert_uint_gt(koe_checkpoint_heap_bytes(unaligned), 0);
  koe_checkpoint_free(aligned);
  koe_checkpoint_free(unaligned);
  free(bytes);
  free(shifted);
}
END_TEST

/* ── conversion ─────────────────────────────────────────────────────────────────────────────────
 */

START_TEST(float16_is_exact) {
  for (unsigned bits = 0; bits < 0x10000; bits++) {
    uint8_t data[2] = {(uint8_t)bits, (uint8_t)(bits >> 8)};
    int exponent = (int)(bits >> 10 & 31);
    int fraction = (int)(bits & 1023);
    double expected = exponent == 0    ? ldexp(fraction, -24)
                      : exponent == 31 ? (fraction != 0 ? (double)NAN : (double)INFINITY)
                                       : ldexp(1024 + fraction, exponent - 25);
    float given;
    koe_convert_to_float32(KOE_F16, data, 1, &given);
    ck_assert_int_eq(signbit(given) != 0, bits >> 15);
    ck_assert_msg((isnan(expected) && isnan(given)) || (double)fabsf(given) == expected,
                  "0x%04x is %.9g instead of %.9g", bits, (double)given, expected);
  }
}
END_TEST

START_TEST(bfloat16_and_float64) {
  static const uint8_t bfloats[] = {0x80, 0x3F, 0x00, 0xC0, 0x01, 0x00, 0x80, 0x7F};
  float out[4];
  koe_convert_to_float32(KOE_BF16, bfloats, 4, out);
  ck_assert(out[0] == 1.0f && out[1] == -2.0f && out[2] == 0x1p-133f && isinf(out[3]));

  const double doubles[] = {1.0 + 0x1p-24 + 0x1p-40, -0x1p-149, 1e300, -0.0};
  koe_convert_to_float32(KOE_F64, (const uint8_t *)doubles, 4, out);
  ck_assert(out[0] == 1.0f + 0x1p-23f && out[1] == -0x1p-149f && isinf(out[2]));
  ck_assert(out[3] == 0 && signbit(out[3]));
}
END_TEST

START_TEST(integers_do_not_convert) {
  koe_error err;
  koe_checkpoint *checkpoint =
      open_as(test_path("reference/torch_files/views.zip.bin"), "pytorch_model.bin");
  const float *values;
  const koe_tensor *ids = koe_checkpoint_find(checkpoint, "position_ids");
  ck_assert_ptr_nonnull(ids);
  ck_assert_int_eq(ids->dtype, KOE_I64);
  assert_fails(koe_checkpoint_float32(checkpoint, ids, &values, &err), KOE_UNSUPPORTED,
               "tensor \"position_ids\" is int64");
  koe_checkpoint_free(checkpoint);
}
END_TEST

/* ── finding the file ───────────────────────────────────────────────────────────────────────────
 */

/* Fails unless the weights of `directory` are found to be in the file `name`. */
static void assert_found(const char *directory, const char *name) {
  koe_error err;
  koe_weight_files found;
  koe_directory at = koe_directory_at(directory);
  assert_ok(koe_weight_files_find(&at, &found, &err));
  ck_assert_uint_eq(found.count, 1);
  ck_assert_str_eq(found.items[0].name, name);
  ck_assert_ptr_nonnull(strstr(found.items[0].path, name));
  ck_assert_ptr_null(strstr(found.items[0].path, "//"));
  koe_weight_files_clear(&found);
}

START_TEST(prefers_safetensors) {
  const char *directory =
      directory_with(test_path("reference/tiny/pytorch_model.zip.bin"), "pytorch_model.bin");
  assert_found(directory, "pytorch_model.bin");
  write_file(join(directory, "model.safetensors"), "", 0);
  char with_slash[200];
  snprintf(with_slash, sizeof with_slash, "%s/", directory);
  assert_found(with_slash, "model.safetensors");
}
END_TEST

START_TEST(says_what_is_missing) {
  koe_error err;
  koe_checkpoint *checkpoint;
  assert_fails(koe_checkpoint_open("/nowhere/at all", &checkpoint, &err), KOE_IO,
               "no directory \"/nowhere/at all\"");
  ck_assert_ptr_null(checkpoint);
  assert_fails(koe_checkpoint_open("", &checkpoint, &err), KOE_IO, "no directory \"\"");
  const char *directory = temporary_directory();
  assert_fails(koe_checkpoint_open(directory, &checkpoint, &err), KOE_IO,
               "neither model.safetensors nor pytorch_model.bin");
  assert_fails(koe_checkpoint_open(test_path("reference/tiny/vocab.txt"), &checkpoint, &err),
               KOE_IO, "is not a directory");
  const char *path = join(directory, "model.safetensors");
  ck_assert_int_eq(mkfifo(path, 0600), 0);
  assert_fails(koe_checkpoint_open(directory, &checkpoint, &err), KOE_IO, "not a regular file");
  ck_assert_int_eq(remove(path), 0);
  ck_assert_int_eq(mkdir(path, 0700), 0);
  assert_fails(koe_checkpoint_open(directory, &checkpoint, &err), KOE_IO, "not a regular file");
}
END_TEST

START_TEST(says_what_is_no_weight_file) {
  static const struct {
    const char *content;
    const char *message;
  } cases[] = {
      {"", "not a weight file"},
      {"PK", "not a weight file"},
      {"hello, world", "not a weight file"},
      {"version https://git-lfs.github.com/spec/v1\noid sha256:0\n", "git lfs pull"},
      {"PK\x03\x04rest", "no end record"},
      {"\x80\x02K\x01.", "not from torch.save"},
  };
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    koe_error err;
    koe_checkpoint *checkpoint;
    const char *directory = temporary_directory();
    const char *path = join(directory, i % 2 == 0 ? "model.safetensors" : "pytorch_model.bin");
    write_file(path, cases[i].content, strlen(cases[i].content));
    assert_fails(koe_checkpoint_open(directory, &checkpoint, &err), KOE_FORMAT, cases[i].message);
    ck_assert_msg(strstr(err.message, path) == err.message, "\"%s\" does not name %s", err.message,
                  path);
  }
}
END_TEST

START_TEST(memory_runs_out_cleanly) {
  static const char *const files[] = {"model.safetensors", "pytorch_model.zip.bin",
                                      "pytorch_model.legacy.bin", "pytorch_model.half.zip.bin"};
  for (size_t i = 0; i < sizeof files / sizeof files[0]; i++) {
    size_t size;
    char *bytes = read_file(join(test_path("reference/tiny"), files[i]), &size);
    probe_memory(bytes, size);
    free(bytes);
  }
}
END_TEST

#ifdef KOE_FAULTS
START_TEST(memory_runs_out_cleanly_for_directories) {
  koe_error err;
  koe_checkpoint *checkpoint;
  koe_status status = KOE_NOMEM;
  const char *directory = test_path("reference/tiny");
  for (long failing = 1; status != KOE_OK; failing++) {
    koe_memory_fail_after(failing);
    status = koe_checkpoint_open(directory, &checkpoint, &err);
    koe_memory_fail_after(0);
    ck_assert_msg(status == KOE_OK || (status == KOE_NOMEM && checkpoint == NULL), "%ld: %s",
                  failing, err.message);
  }
  koe_checkpoint_free(checkpoint);
}
END_TEST
#endif

Suite *checkpoint_suite(void);

Suite *checkpoint_suite(void) {
  Suite *suite = suite_create("checkpoint");
  TCase *tcase = tcase_create("checkpoint");
  tcase_add_test(tcase, every_form_gives_the_same_tensors);
  tcase_add_test(tcase, every_form_of_the_shared_model_gives_the_same_tensors);
  tcase_add_test(tcase, safetensors_of_16_bits);
  tcase_add_test(tcase, all_shared_checkpoints_open);
  tcase_add_test(tcase, aligned_float32_stays_in_the_file);
  tcase_add_test(tcase, released);
  tcase_add_test(tcase, copies_are_counted_once);
  tcase_add_test(tcase, unaligned_float32_is_copied);
  tcase_add_test(tcase, float16_is_exact);
  tcase_add_test(tcase, bfloat16_and_float64);
  tcase_add_test(tcase, integers_do_not_convert);
  tcase_add_test(tcase, prefers_safetensors);
  tcase_add_test(tcase, says_what_is_missing);
  tcase_add_test(tcase, says_what_is_no_weight_file);
  tcase_add_test(tcase, memory_runs_out_cleanly);
#ifdef KOE_FAULTS
  tcase_add_test(tcase, memory_runs_out_cleanly_for_directories);
#endif
  suite_add_tcase(suite, tcase);
  return suite;
}
