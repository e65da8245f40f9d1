/* int8 weights: what koe_quantize_directory writes and what the checkpoint reader makes of it. */
#include "../model/trainer/quantize.h"

#include "../model/checkpoint/checkpoint.h"
#include "../model/checkpoint/quantized.h"
#include "../model/memory.h"
#include "../model/registry.h"
#include "../model/trainer/quantize_command.h"
#include "../model/writer/checkpoint_writer.h"
#include "probe.h"
#include "registry_support.h"
#include "support.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { MAX_DIMENSION = 64 };

static const char tiny[] = "tests/reference/tiny";
static const char word_embeddings[] = "electra.embeddings.word_embeddings.weight";
static const koe_quantize_options half = {.rest = KOE_F16};
static const koe_quantize_options single = {.rest = KOE_F32};

static const char *quantized(const char *directory, const koe_quantize_options *options) {
  koe_error err;
  const char *out = temporary_directory();
  assert_ok(koe_quantize_directory(directory, out, options, &err));
  return out;
}

/* ── rows ───────────────────────────────────────────────────────────────────────────────────────
 */

START_TEST(rows) {
  static const float row[] = {0.5f, -1.27f, 0.004f, 0.0051f, 1.0f, 0};
  static const int8_t expected[] = {50, -127, 0, 1, 100, 0};
  static const float zeros[6];
  int8_t out[6];
  float scale = koe_quantize_row(row, 6, false, out);
  ck_assert_float_eq_tol(scale, 0.01f, 1e-9f);
  ck_assert_mem_eq(out, expected, sizeof out);
  ck_assert_float_eq(koe_quantize_row(zeros, 6, true, out), 0);
  ck_assert_mem_eq(out, zeros, sizeof out);
}
END_TEST

/* Every element is at most half a step away, and a scale for float16 has 11 significant bits. */
START_TEST(rows_are_near) {
  float row[100], back[100];
  int8_t out[100];
  srand48(1);
  for (int round = 0; round < 200; round++) {
    double magnitude = pow(10, 8 * drand48() - 6);
    for (size_t i = 0; i < 100; i++)
      row[i] = (float)(magnitude * (2 * drand48() - 1));
    for (int is_half = 0; is_half < 2; is_half++) {
      int exponent;
      float scale = koe_quantize_row(row, 100, is_half, out);
      koe_dequantize(out, &scale, 1, 100, back);
      for (size_t i = 0; i < 100; i++) {
        /* 127 steps of a rounded scale may fall short of the largest by 127 × 2^-11 of a step */
        float limit = scale * (is_half ? 0.5625f : 0.5001f);
        ck_assert_msg(fabsf(back[i] - row[i]) <= limit, "%g became %g with steps of %g",
                      (double)row[i], (double)back[i], (double)scale);
      }
      float bits = ldexpf(frexpf(scale, &exponent), 11);
      if (is_half) ck_assert_float_eq(bits, rintf(bits));
      if (is_half) ck_assert_float_ge(scale, 0x1p-14f);
    }
  }
}
END_TEST

/* ── directories ────────────────────────────────────────────────────────────────────────────────
 */

/* The least cosine between the two models' embeddings of some texts. */
static double least_cosine(const koe_model *a, const koe_model *b) {
  static const char *const texts[] = {"영화가 정말 좋았어요", "다시는 보고 싶지 않다",
                                      "책을 빌려 주세요.", "", "회의는 세 시에 시작합니다"};
  koe_error err;
  double least = 1;
  ck_assert_uint_le(koe_model_dimension(a), MAX_DIMENSION);
  ck_assert_uint_le(koe_model_dimension(b), MAX_DIMENSION);
  for (size_t t = 0; t < sizeof texts / sizeof texts[0]; t++) {
    koe_text text = {texts[t], strlen(texts[t])};
    float x[MAX_DIMENSION], y[MAX_DIMENSION];
    assert_ok(koe_model_embed(a, &text, 1, x, &err));
    assert_ok(koe_model_embed(b, &text, 1, y, &err));
    double dot = 0;
    for (size_t i = 0; i < koe_model_dimension(a); i++)
      dot += (double)x[i] * (double)y[i];
    least = fmin(least, dot);
  }
  return least;
}

START_TEST(embeddings_stay) {
  static const char *const directories[] = {"tests/reference/tiny", "tests/reference/odd",
                                            "tests/reference/bare"};
  const char *original = directories[_i / 2];
  const char *small = quantized(original, _i % 2 == 0 ? &half : &single);
  const koe_model *a = open_model_as("original", original, NULL);
  const koe_model *b = open_model_as("small", small, NULL);
  ck_assert_int_eq(koe_model_pooling(a), koe_model_pooling(b));
  ck_assert_uint_eq(koe_model_label_count(a), koe_model_label_count(b));
  ck_assert_uint_ne(koe_model_fingerprint(a), koe_model_fingerprint(b));
  double cosine = least_cosine(a, b);
  ck_assert_msg(cosine >= 0.999, "%s: cosine %.6f", original, cosine);
  koe_registry_release(a);
  koe_registry_release(b);
  koe_registry_clear();
}
END_TEST

static const char *precision_of(const char *name) {
  koe_error err;
  koe_registry_entry *entries;
  size_t count;
  static char precision[16];
  assert_ok(koe_registry_list(&entries, &count, &err));
  for (size_t i = 0; i < count; i++) {
    if (strcmp(entries[i].name, name) == 0)
      snprintf(precision, sizeof precision, "%s", entries[i].precision);
  }
  koe_registry_entries_free(entries, count);
  return precision;
}

/* What is stored in int8 is computed so, by one model whether that is asked for or not; unless
 * float32 is. */
START_TEST(computed_as_stored) {
  const char *small = quantized("tests/reference/bare", &half);
  const koe_model *stored = open_model_as("stored", small, NULL);
  const koe_model *asked = open_model_as("asked", small, "{\"precision\": \"int8\"}");
  const koe_model *widened = open_model_as("widened", small, "{\"precision\": \"float32\"}");
  ck_assert_ptr_eq(stored, asked);
  ck_assert_ptr_ne(stored, widened);
  ck_assert_str_eq(precision_of("stored"), "int8");
  ck_assert_str_eq(precision_of("widened"), "float32");
  double cosine = least_cosine(stored, widened);
  ck_assert_msg(cosine >= 0.999 && cosine < 1, "cosine %.9f", cosine);
  koe_registry_release(stored);
  koe_registry_release(asked);
  koe_registry_release(widened);
  koe_registry_clear();
}
END_TEST

static void assert_same_file(const char *a, const char *b, const char *name) {
  size_t a_length, b_length;
  char *a_bytes = read_file(file_in(a, name), &a_length);
  char *b_bytes = read_file(file_in(b, name), &b_length);
  ck_assert_msg(a_length == b_length && memcmp(a_bytes, b_bytes, a_length) == 0, "%s differs",
                name);
  free(a_bytes);
  free(b_bytes);
}

START_TEST(files_stay) {
  const char *small = quantized("tests/reference/bare", &half);
  koe_config config;
  koe_error err;
  assert_ok(koe_config_read("tests/reference/bare", &config, &err));
  ck_assert(!config.stored_int8);
  koe_config_clear(&config);
  assert_ok(koe_config_read(small, &config, &err));
  ck_assert(config.stored_int8);
  ck_assert_int_eq(config.hidden_size, 24);
  koe_config_clear(&config);
  assert_same_file("tests/reference/bare", small, "vocab.txt");
  assert_same_file("tests/reference/bare", small, "tokenizer_config.json");
  assert_same_file("tests/reference/bare", small, "1_Pooling/config.json");
  ck_assert_int_ne(access(file_in(quantized(tiny, &half), "1_Pooling"), F_OK), 0);
}
END_TEST

/* The weights a program reads are the products, wherever the float32 came from. */
START_TEST(elements) {
  koe_error err;
  koe_checkpoint *original, *small;
  const float *weights, *stored, *scales;
  assert_ok(koe_checkpoint_open(tiny, &original, &err));
  assert_ok(koe_checkpoint_open(quantized(tiny, &single), &small, &err));
  const koe_tensor *tensor = koe_checkpoint_find(small, word_embeddings);
  ck_assert_int_eq(tensor->dtype, KOE_I8);
  ck_assert_int_eq(tensor->shape[0], 294);
  ck_assert_int_eq(tensor->shape[1], 16);
  assert_ok(koe_checkpoint_float32(small, tensor, &stored, &err));
  assert_ok(koe_quantized_scales(small, tensor, &scales, &err));
  assert_ok(koe_checkpoint_float32(original, koe_checkpoint_find(original, word_embeddings),
                                   &weights, &err));
  for (size_t i = 0; i < 294 * 16; i++) {
    ck_assert_float_eq(stored[i], scales[i / 16] * (float)(int8_t)tensor->data[i]);
    ck_assert_float_le(fabsf(stored[i] - weights[i]), scales[i / 16] * 0.5001f);
  }
  const koe_tensor *kept = koe_checkpoint_find(small, "classifier.out_proj.weight");
  ck_assert_int_eq(kept->dtype, KOE_F32);
  ck_assert_mem_eq(kept->data, koe_checkpoint_find(original, kept->name)->data, kept->bytes);
  koe_checkpoint_free(original);
  koe_checkpoint_free(small);
}
END_TEST

START_TEST(every_tensor_is_there) {
  koe_error err;
  koe_checkpoint *original, *small;
  assert_ok(koe_checkpoint_open(tiny, &original, &err));
  assert_ok(koe_checkpoint_open(quantized(tiny, &half), &small, &err));
  size_t matrices = 0;
  for (size_t i = 0; i < koe_checkpoint_count(original); i++) {
    const koe_tensor *tensor = koe_checkpoint_at(original, i);
    const koe_tensor *found = koe_checkpoint_find(small, tensor->name);
    ck_assert_msg(found != NULL, "no %s", tensor->name);
    ck_assert_int_eq(found->dims, tensor->dims);
    matrices += found->dtype == KOE_I8;
    if (found->dtype == KOE_I8) continue;
    ck_assert_int_eq(found->dtype, KOE_F16);
  }
  ck_assert_uint_eq(koe_checkpoint_count(small), koe_checkpoint_count(original) + matrices);
  ck_assert_uint_gt(matrices, 10);
  koe_checkpoint_free(original);
  koe_checkpoint_free(small);
}
END_TEST

/* Quantizing what is quantized changes nothing; the order of the tensors in the input does not
 * matter, nor its format. */
START_TEST(settled) {
  const char *once = quantized(tiny, &half);
  assert_same_file(once, quantized(once, &half), "model.safetensors");
  const char *other = copy_directory(tiny);
  ck_assert_int_eq(remove(file_in(other, "model.safetensors")), 0);
  ck_assert_int_eq(
      rename(file_in(other, "pytorch_model.zip.bin"), file_in(other, "pytorch_model.bin")), 0);
  assert_same_file(once, quantized(other, &half), "model.safetensors");
}
END_TEST

/* Writes tensors as model.safetensors of a directory. */
static void write_weights(const char *directory, const koe_output_tensor *tensors, size_t count) {
  koe_error err;
  koe_file_writer writer;
  assert_ok(koe_file_writer_open(directory, "model.safetensors", &writer, &err));
  assert_ok(koe_safetensors_write(&writer, tensors, count, KOE_F32, &err));
  assert_ok(koe_file_writer_close(&writer, &err));
  assert_ok(koe_file_writer_publish(&writer, &err));
  koe_file_writer_abandon(&writer);
}

START_TEST(heads_left_out) {
  static const float numbers[4] = {1, 2, 3, 4};
  static const koe_output_tensor tensors[] = {
      {.name = "electra.a.weight", .dims = 2, .shape = {2, 2}, .data = numbers},
      {.name = "discriminator_predictions.dense.weight",
       .dims = 2,
       .shape = {2, 2},
       .data = numbers},
      {.name = "generator_lm_head.bias", .dims = 1, .shape = {4}, .data = numbers},
      {.name = "classifier.dense.bias", .dims = 1, .shape = {2}, .data = numbers},
  };
  koe_error err;
  koe_checkpoint *checkpoint;
  koe_quantize_options model_only = {.rest = KOE_F32, .model_only = true};
  const char *directory = temporary_directory();
  write_weights(directory, tensors, 4);
  assert_ok(koe_checkpoint_open(quantized(directory, &single), &checkpoint, &err));
  ck_assert_uint_eq(koe_checkpoint_count(checkpoint), 6);
  koe_checkpoint_free(checkpoint);
  assert_ok(koe_checkpoint_open(quantized(directory, &model_only), &checkpoint, &err));
  ck_assert_uint_eq(koe_checkpoint_count(checkpoint), 3);
  ck_assert_ptr_nonnull(koe_checkpoint_find(checkpoint, "electra.a.weight_scale"));
  ck_assert_ptr_nonnull(koe_checkpoint_find(checkpoint, "classifier.dense.bias"));
  koe_checkpoint_free(checkpoint);
}
END_TEST

/* ── errors ─────────────────────────────────────────────────────────────────────────────────────
 */

START_TEST(refused_inputs) {
  static const float numbers[2] = {1, INFINITY}, large[2] = {1, 1e6f};
  koe_error err;
  const char *in = temporary_directory(), *out = temporary_directory();
  koe_quantize_options int8 = {.rest = KOE_I8};
  koe_output_tensor tensor = {.name = "x", .dims = 2, .shape = {1, 2}, .data = numbers};
  assert_fails(koe_quantize_directory(in, out, &half, &err), KOE_IO, "has no weights");
  assert_fails(koe_quantize_directory("/nowhere", out, &half, &err), KOE_IO, "/nowhere");
  assert_fails(koe_quantize_directory(tiny, "/nowhere/at/all", &half, &err), KOE_IO, "/nowhere");
  assert_fails(koe_quantize_directory(tiny, file_in(tiny, "../tiny"), &half, &err), KOE_INVALID,
               "the directory that is read");
  assert_fails(koe_quantize_directory(tiny, out, &int8, &err), KOE_INVALID, "float32 or float16");
  write_weights(in, &tensor, 1);
  assert_fails(koe_quantize_directory(in, out, &half, &err), KOE_INVALID, "\"x\"");
  tensor.data = large;
  tensor.dims = 1;
  tensor.shape[0] = 2;
  write_weights(in, &tensor, 1);
  assert_fails(koe_quantize_directory(in, out, &half, &err), KOE_INVALID, "float16 cannot hold");
  ck_assert_int_ne(access(file_in(out, "model.safetensors"), F_OK), 0);
  ck_assert_int_ne(access(file_in(out, "model.safetensors.partial"), F_OK), 0);
}
END_TEST

START_TEST(command) {
  koe_error err;
  char in[] = "tests/reference/tiny", out[64], other[64], float32[] = "--float32";
  char unknown[] = "--float16", model_only[] = "--model-only";
  strcpy(out, temporary_directory());
  strcpy(other, temporary_directory());
  char *few[] = {in}, *many[] = {in, out, other}, *bad[] = {unknown, in, out};
  char *good[] = {in, model_only, out}, *wide[] = {float32, in, other};
  assert_fails(koe_quantize_command(0, few, &err), KOE_INVALID, "two directories");
  assert_fails(koe_quantize_command(1, few, &err), KOE_INVALID, "two directories");
  assert_fails(koe_quantize_command(3, many, &err), KOE_INVALID, other);
  assert_fails(koe_quantize_command(3, bad, &err), KOE_INVALID, "--float16");
  assert_ok(koe_quantize_command(3, good, &err));
  assert_ok(koe_quantize_command(3, wide, &err));
  assert_same_file(out, quantized(in, &half), "model.safetensors");
  assert_same_file(other, quantized(in, &single), "model.safetensors");
}
END_TEST

/* Opens a file of the header and zero bytes but for one scale, and reads "w". */
static koe_status read_w(const char *header, const float *scale, size_t at, koe_error *err) {
  uint8_t file[512] = {0};
  koe_checkpoint *checkpoint;
  const float *values;
  size_t length = strlen(header), size = 8 + length + 14;
  file[0] = (uint8_t)length;
  memcpy(file + 8, header, length);
  memcpy(file + 8 + length + at, scale, sizeof *scale);
  file[8 + length + 13] = 100;
  koe_status status = koe_checkpoint_open_memory(file, size, "test", &checkpoint, err);
  ck_assert_msg(status == KOE_OK, "%s", err->message);
  status = koe_checkpoint_float32(checkpoint, koe_checkpoint_find(checkpoint, "w"), &values, err);
  if (status == KOE_OK) ck_assert_float_eq(values[5], 100 * *scale);
  koe_checkpoint_free(checkpoint);
  return status;
}

#define SCALES(name, dtype, shape) \
  "{\"" name "\":{\"dtype\":\"" dtype "\",\"shape\":" shape ",\"data_offsets\":[0,8]},"
#define ELEMENTS(shape) "\"w\":{\"dtype\":\"I8\",\"shape\":" shape ",\"data_offsets\":[8,14]}}"

START_TEST(refused_scales) {
  static const struct {
    const char *header;
    float scale;
    koe_status status;
    const char *fragment;
  } cases[] = {
      {SCALES("w_scale", "F32", "[2]") ELEMENTS("[2,3]"), 0.25f, KOE_OK, ""},
      {SCALES("w_scale", "F32", "[2,1]") ELEMENTS("[2,3]"), 0.25f, KOE_OK, ""},
      {SCALES("w_scale", "F32", "[2]") ELEMENTS("[2,3]"), 0, KOE_OK, ""},
      {SCALES("w_scales", "F32", "[2]") ELEMENTS("[2,3]"), 1, KOE_FORMAT,
       "\"w_scale\", are missing"},
      {SCALES("w_scale", "F32", "[1,2]") ELEMENTS("[2,3]"), 1, KOE_FORMAT, "is not [2, 1] floats"},
      {SCALES("w_scale", "F32", "[2]") ELEMENTS("[3,2]"), 1, KOE_FORMAT, "is not [3, 1] floats"},
      {SCALES("w_scale", "F64", "[]") ELEMENTS("[1,6]"), 1, KOE_FORMAT, "is not [1, 1] floats"},
      {SCALES("w_scale", "I32", "[2]") ELEMENTS("[2,3]"), 1, KOE_FORMAT, "is not [2, 1] floats"},
      {SCALES("w_scale", "I8", "[8,1]") ELEMENTS("[2,3]"), 1, KOE_FORMAT, "is not [2, 1] floats"},
      {SCALES("w_scale", "F32", "[2]") ELEMENTS("[2,3]"), NAN, KOE_FORMAT, "scale 1 is nan"},
      {SCALES("w_scale", "F32", "[2]") ELEMENTS("[2,3]"), INFINITY, KOE_FORMAT, "scale 1 is inf"},
      {SCALES("w_scale", "F32", "[2]") ELEMENTS("[2,3]"), -1, KOE_FORMAT, "scale 1 is -1"},
      {SCALES("w_scale", "F32", "[2]") ELEMENTS("[6]"), 1, KOE_UNSUPPORTED, "int8 matrix"},
  };
  koe_error err = {0};
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    koe_status status = read_w(cases[i].header, &cases[i].scale, 4, &err);
    ck_assert_msg(status == cases[i].status, "case %zu: status %d: %s", i, status, err.message);
    if (status == KOE_OK) continue;
    ck_assert_msg(strstr(err.message, cases[i].fragment) != NULL, "case %zu: %s", i, err.message);
    ck_assert_msg(strstr(err.message, "test: ") == err.message, "case %zu: %s", i, err.message);
  }
}
END_TEST

START_TEST(damaged_files) {
  size_t size;
  char *bytes = read_file(file_in(quantized(tiny, &half), "model.safetensors"), &size);
  probe_truncations(bytes, size, 997);
  probe_flips(bytes, size, 0, 600);
  probe_memory(bytes, size);
  free(bytes);
}
END_TEST

#ifdef KOE_FAULTS
START_TEST(exhausted_memory) {
  koe_error err;
  koe_status status = KOE_NOMEM;
  const char *out = temporary_directory();
  for (long failing = 1; status != KOE_OK; failing++) {
    koe_memory_fail_after(failing);
    status = koe_quantize_directory("tests/reference/bare", out, &half, &err);
    koe_memory_fail_after(0);
    ck_assert_msg(status == KOE_OK || status == KOE_NOMEM, "%ld: %s", failing, err.message);
    ck_assert_int_eq(access(file_in(out, "model.safetensors"), F_OK) == 0, status == KOE_OK);
  }
}
END_TEST
#endif

Suite *quantize_suite(void);

Suite *quantize_suite(void) {
  Suite *suite = suite_create("quantize");
  TCase *tests = tcase_create("quantize");
  tcase_add_test(tests, rows);
  tcase_add_test(tests, rows_are_near);
  tcase_add_loop_test(tests, embeddings_stay, 0, 6);
  tcase_add_test(tests, computed_as_stored);
  tcase_add_test(tests, files_stay);
  tcase_add_test(tests, elements);
  tcase_add_test(tests, every_tensor_is_there);
  tcase_add_test(tests, settled);
  tcase_add_test(tests, heads_left_out);
  tcase_add_test(tests, refused_inputs);
  tcase_add_test(tests, command);
  tcase_add_test(tests, refused_scales);
  tcase_add_test(tests, damaged_files);
#ifdef KOE_FAULTS
  tcase_add_test(tests, exhausted_memory);
#endif
  suite_add_tcase(suite, tests);
  return suite;
}
