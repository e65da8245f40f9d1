/* koelectra-convert: every format to safetensors, HDF5 among them, and what it refuses. */
#include "../model/checkpoint/checkpoint.h"
#include "../model/convert/convert.h"
#include "../model/convert/hdf5.h"
#include "../model/memory.h"
#include "../model/path.h"
#include "model_directory.h"
#include "registry_support.h"
#include "support.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const char *reference(const char *relative) {
  char path[200];
  snprintf(path, sizeof path, "reference/%s", relative);
  return test_path(path);
}

static const char *const model_files[] = {"config.json", "vocab.txt", "tokenizer_config.json",
                                          NULL};

/* A new directory with the configuration in `config` and copies of weights, named as they are. */
static const char *make_input(const char *config, const char *const *weights) {
  const char *directory = directory_of(reference(config), model_files);
  for (; *weights != NULL; weights++)
    copy_into(directory, reference(*weights));
  return directory;
}

/* The same of one file of weights, under another name. */
static const char *make_single(const char *config, const char *weights, const char *name) {
  const char *directory = directory_of(reference(config), model_files);
  size_t size;
  char *bytes = read_file(reference(weights), &size);
  write_file(file_in(directory, name), bytes, size);
  free(bytes);
  return directory;
}

/* The path of a directory that is not there yet. */
static const char *new_path(void) {
  static char paths[8][64];
  static int next;
  char *path = paths[next++ % 8];
  snprintf(path, sizeof paths[0], "%s/out", temporary_directory());
  return path;
}

/* Converts to a new directory, which is returned. */
static const char *convert_as(const char *in, const koe_convert_options *options) {
  koe_error err;
  koe_convert_report report;
  const char *out = new_path();
  assert_ok(koe_convert_directory(in, out, options, &report, &err));
  ck_assert_uint_gt(report.tensors, 10);
  return out;
}

static const char *convert(const char *in) {
  return convert_as(in, &(koe_convert_options){0});
}

static void assert_same_file(const char *a, const char *b, const char *name) {
  size_t a_size, b_size;
  char *a_bytes = read_file(file_in(a, name), &a_size);
  char *b_bytes = read_file(file_in(b, name), &b_size);
  ck_assert_msg(a_size == b_size && memcmp(a_bytes, b_bytes, a_size) == 0, "%s/%s and %s/%s differ",
                a, name, b, name);
  free(a_bytes);
  free(b_bytes);
}

/* How many entries the folder has in which `out` would have appeared. */
static int entries_beside(const char *out) {
  char folder[64];
  int count = 0;
  snprintf(folder, sizeof folder, "%.*s", (int)(strlen(out) - strlen("/out")), out);
  DIR *entries = opendir(folder);
  ck_assert_ptr_nonnull(entries);
  for (const struct dirent *entry; (entry = readdir(entries)) != NULL;)
    count += entry->d_name[0] != '.';
  closedir(entries);
  return count;
}

/* ── formats ────────────────────────────────────────────────────────────────────────────────────
 */

/* The same bytes whatever the format, and the outputs that PyTorch gives of the weights. */
static void check_formats(const char *config, const char *const *const *inputs, size_t count) {
  const char *first = convert(reference(config));
  assert_same_model(reference(config), first);
  assert_expected(first, reference(config));
  for (size_t i = 0; i < count; i++) {
    const char *out = convert(make_input(config, inputs[i]));
    assert_same_file(first, out, "model.safetensors");
    assert_same_file(first, out, "config.json");
    assert_same_file(first, out, "vocab.txt");
    assert_same_file(first, out, "tokenizer_config.json");
  }
}

static bool has_hdf5(void) {
  koe_error err;
  koe_tensor_list list = {0};
  koe_status status = koe_hdf5_read("/nowhere", &list, &err);
  if (status != KOE_UNSUPPORTED) return true;
  skip_test("built without HDF5");
  return false;
}

static const char *const plain[] = {"tensorflow/model.ckpt-40.index",
                                    "tensorflow/model.ckpt-40.data-00000-of-00001", NULL};
static const char *const compressed[] = {"tensorflow/compressed/electra.index",
                                         "tensorflow/compressed/electra.data-00000-of-00002",
                                         "tensorflow/compressed/electra.data-00001-of-00002", NULL};
static const char *const discriminator_keras[] = {"tensorflow/discriminator/tf_model.h5", NULL};
static const char *const generator_keras[] = {"tensorflow/generator/tf_model.h5", NULL};

START_TEST(tensorflow_1) {
  static const char *const *const inputs[] = {plain, compressed};
  check_formats("tensorflow/discriminator", inputs, 2);
  check_formats("tensorflow/generator", inputs, 2);
}
END_TEST

START_TEST(keras) {
  static const char *const *const discriminator[] = {discriminator_keras};
  static const char *const *const generator[] = {generator_keras};
  if (!has_hdf5()) return;
  check_formats("tensorflow/discriminator", discriminator, 1);
  check_formats("tensorflow/generator", generator, 1);
}
END_TEST

START_TEST(torch) {
  const char *expected = convert(reference("tiny"));
  const char *zip = make_single("tiny", "tiny/pytorch_model.zip.bin", "pytorch_model.bin");
  const char *legacy = make_single("tiny", "tiny/pytorch_model.legacy.bin", "pytorch_model.bin");
  assert_same_file(expected, convert(zip), "model.safetensors");
  assert_same_file(expected, convert(legacy), "model.safetensors");
  assert_expected(expected, reference("tiny"));
}
END_TEST

START_TEST(names_without_prefix_and_pooling) {
  const char *out = convert(reference("bare"));
  assert_same_model(reference("bare"), out);
  assert_same_file(reference("bare"), out, "1_Pooling/config.json");
}
END_TEST

/* ── element types ──────────────────────────────────────────────────────────────────────────────
 */

static koe_checkpoint *open_in(const char *directory) {
  koe_error err;
  koe_checkpoint *checkpoint;
  assert_ok(koe_checkpoint_open(directory, &checkpoint, &err));
  return checkpoint;
}

static void assert_torch_dtype(const char *directory, const char *expected) {
  json_t *config = load_json(file_in(directory, "config.json"));
  ck_assert_str_eq(json_string_value(json_object_get(config, "torch_dtype")), expected);
  ck_assert(json_is_integer(json_object_get(config, "hidden_size")));
  json_decref(config);
}

/* float32 rounded here is what PyTorch rounds to. */
START_TEST(sixteen_bits) {
  static const struct {
    koe_dtype dtype;
    const char *file, *name;
  } cases[] = {{KOE_F16, "tiny/model.f16.safetensors", "float16"},
               {KOE_BF16, "tiny/model.bf16.safetensors", "bfloat16"}};
  for (size_t i = 0; i < 2; i++) {
    koe_convert_options options = {.has_dtype = true, .dtype = cases[i].dtype};
    const char *rounded = convert_as(reference("tiny"), &options);
    const char *given = make_single("tiny", cases[i].file, "model.safetensors");
    koe_checkpoint *expected = open_in(given), *written = open_in(rounded);
    assert_same_tensors(expected, written);
    ck_assert_int_eq(koe_checkpoint_at(written, 3)->dtype, cases[i].dtype);
    assert_torch_dtype(rounded, cases[i].name);
    assert_same_file(rounded, convert(given), "model.safetensors"); /* the type stays as it is */
    koe_checkpoint_free(expected);
    koe_checkpoint_free(written);
  }
}
END_TEST

START_TEST(int8_becomes_float32) {
  koe_error err;
  static const koe_text text = {"영화", 6};
  if (!koe_path_exists("model/default/model.safetensors")) {
    skip_test("model/default has no weights");
    return;
  }
  const char *out = convert("model/default");
  float expected[1024], given[1024];
  assert_torch_dtype(out, "float32");
  const koe_model *a = open_model_as("a", "model/default", "{\"precision\": \"float32\"}");
  const koe_model *b = open_model_as("b", out, NULL);
  assert_ok(koe_model_embed(a, &text, 1, expected, &err));
  assert_ok(koe_model_embed(b, &text, 1, given, &err));
  ck_assert_mem_eq(expected, given, koe_model_dimension(a) * sizeof(float));
  koe_registry_release(a);
  koe_registry_release(b);
  koe_registry_clear();
}
END_TEST

/* ── config.json ────────────────────────────────────────────────────────────────────────────────
 */

/* The generator of a directory that describes the discriminator. */
START_TEST(the_other_model) {
  koe_convert_options options = {.part = KOE_PART_GENERATOR};
  const char *in = make_input("tensorflow/discriminator", plain);
  const char *out = convert_as(in, &options);
  assert_same_model(reference("tensorflow/generator"), out);
  assert_expected(out, reference("tensorflow/generator"));
  json_t *config = load_json(file_in(out, "config.json"));
  ck_assert_str_eq(json_string_value(json_array_get(json_object_get(config, "architectures"), 0)),
                   "ElectraForMaskedLM");
  ck_assert_int_eq(json_integer_value(json_object_get(config, "hidden_size")), 20);
  ck_assert_int_eq(json_integer_value(json_object_get(config, "num_attention_heads")), 1);
  json_decref(config);
}
END_TEST

/* What google-research/electra leaves: weights and a vocabulary. */
START_TEST(without_config) {
  const char *in = make_input("tensorflow/generator", plain);
  remove(file_in(in, "config.json"));
  remove(file_in(in, "tokenizer_config.json"));
  koe_convert_options options = {.part = KOE_PART_GENERATOR};
  const char *out = convert_as(in, &options);
  koe_checkpoint *expected = open_in(reference("tensorflow/generator")), *written = open_in(out);
  assert_same_tensors(expected, written);
  koe_checkpoint_free(expected);
  koe_checkpoint_free(written);
  json_t *tokenizer = load_json(file_in(out, "tokenizer_config.json"));
  ck_assert(json_is_false(json_object_get(tokenizer, "do_lower_case")));
  json_decref(tokenizer);
  assert_torch_dtype(out, "float32");
}
END_TEST

START_TEST(named_files) {
  static const char *const none[] = {NULL};
  const char *in = directory_of(reference("tiny"), none), *elsewhere = reference("tiny");
  copy_into(in, reference("tiny/model.safetensors"));
  char config[200], vocab[200];
  snprintf(config, sizeof config, "%s/config.json", elsewhere);
  snprintf(vocab, sizeof vocab, "%s/vocab.txt", elsewhere);
  koe_convert_options options = {.config = config, .vocab = vocab};
  const char *out = convert_as(in, &options);
  assert_same_file(out, elsewhere, "vocab.txt");
  assert_expected(out, elsewhere);
}
END_TEST

/* ── refusals: each leaves nothing behind ───────────────────────────────────────────────────────
 */

static void check_refused(const char *in, const koe_convert_options *options, koe_status expected,
                          const char *fragment) {
  koe_error err;
  koe_convert_report report;
  const char *out = new_path();
  assert_fails(koe_convert_directory(in, out, options, &report, &err), expected, fragment);
  ck_assert_int_eq(entries_beside(out), 0);
}

START_TEST(refusals) {
  koe_convert_options none = {0}, generator = {.part = KOE_PART_GENERATOR};
  koe_convert_options no_file = {.vocab = "/nowhere/vocab.txt"}, no_config = {.config = "/nowhere"};
  check_refused("/nowhere", &none, KOE_IO, "no directory \"/nowhere\"");
  check_refused(temporary_directory(), &none, KOE_IO, "has no weights");
  check_refused(reference("tiny"), &generator, KOE_INVALID, "which is no generator");
  check_refused(reference("tiny"), &no_file, KOE_IO, "/nowhere/vocab.txt");
  check_refused(reference("tiny"), &no_config, KOE_IO, "cannot open /nowhere");

  static const char *const weights[] = {"model.safetensors", NULL};
  check_refused(directory_of(reference("tiny"), weights), &none, KOE_IO,
                "has no vocab.txt: name the file with --vocab");
  const char *in = copy_directory(reference("tiny"));
  write_file(file_in(in, "config.json"), "{\"hidden_size\": \"x\"}", 20);
  check_refused(in, &none, KOE_FORMAT, "\"hidden_size\" is a string");
  size_t size;
  char *bytes = read_file(file_in(in, "model.safetensors"), &size);
  write_file(file_in(in, "model.safetensors"), bytes, size - 1);
  free(bytes);
  check_refused(in, &none, KOE_FORMAT, "truncated");
}
END_TEST

START_TEST(never_writes_over) {
  koe_error err;
  koe_convert_report report;
  koe_convert_options none = {0};
  const char *out = new_path(), *in = reference("tiny");
  ck_assert_int_eq(mkdir(out, 0700), 0);
  assert_fails(koe_convert_directory(in, out, &none, &report, &err), KOE_INVALID,
               "is there already: name a directory that is not");
  ck_assert_int_eq(rmdir(out), 0);
  ck_assert_int_eq(symlink("/nowhere", out), 0);
  assert_fails(koe_convert_directory(in, out, &none, &report, &err), KOE_INVALID,
               "is there already");
  assert_fails(koe_convert_directory(in, "", &none, &report, &err), KOE_INVALID, "has no name");
  assert_fails(koe_convert_directory(in, "/nowhere/a", &none, &report, &err), KOE_IO,
               "cannot make directory \"/nowhere/a\"");
}
END_TEST

START_TEST(interrupted) {
  koe_convert_options none = {0};
  koe_convert_interrupt();
  check_refused(reference("tiny"), &none, KOE_INVALID, "interrupted");
}
END_TEST

#ifdef KOE_FAULTS
START_TEST(out_of_memory) {
  koe_error err;
  koe_convert_report report;
  koe_convert_options none = {0};
  koe_status status = KOE_NOMEM;
  const char *in = make_input("tensorflow/discriminator", plain), *out = new_path();
  for (long n = 1; status != KOE_OK; n += 1 + n / 6) {
    koe_memory_fail_after(n);
    status = koe_convert_directory(in, out, &none, &report, &err);
    koe_memory_fail_after(0);
    ck_assert_msg(status == KOE_OK || status == KOE_NOMEM, "%s", err.message);
    ck_assert_int_eq(entries_beside(out), status == KOE_OK ? 1 : 0);
  }
}
END_TEST
#endif

/* ── HDF5 ───────────────────────────────────────────────────────────────────────────────────────
 */

static koe_status read_hdf5(const char *path, koe_error *err) {
  koe_tensor_list list = {0};
  koe_status status = koe_hdf5_read(path, &list, err);
  koe_tensor_list_clear(&list);
  return status;
}

START_TEST(hdf5_files_that_are_none) {
  koe_error err;
  if (!has_hdf5()) return;
  const char *path = file_in(temporary_directory(), "tf_model.h5");
  assert_fails(read_hdf5(path, &err), KOE_IO, "cannot open");
  write_file(path, "", 0);
  assert_fails(read_hdf5(path, &err), KOE_FORMAT, "not an HDF5 file, or truncated");
  size_t size;
  char *bytes = read_file(reference("tensorflow/discriminator/tf_model.h5"), &size);
  for (size_t part = 1; part < 12; part++) {
    write_file(path, bytes, size * part / 12);
    ck_assert_int_eq(read_hdf5(path, &err), KOE_FORMAT);
  }
  write_file(path, bytes, size);
  assert_ok(read_hdf5(path, &err));
  free(bytes);
}
END_TEST

/* Files of reference/tensorflow/hdf5, each with something that is not read. */
START_TEST(hdf5_refusals) {
  static const struct {
    const char *file;
    koe_status status;
    const char *message;
  } cases[] = {
      {"external.h5", KOE_FORMAT, "its elements are not in this file"},
      {"virtual.h5", KOE_FORMAT, "its elements are not in this file"},
      {"integers.h5", KOE_UNSUPPORTED, "is not float16, float32 or float64"},
      {"other.h5", KOE_FORMAT, "no ELECTRA model under the names of transformers"},
      {"large.h5", KOE_FORMAT, "is larger than its file can hold"},
      {"crash.h5", KOE_FORMAT, "crash.h5: "},
      {"cycle.h5", KOE_OK, NULL},
      {"half.h5", KOE_OK, NULL},
  };
  koe_error err;
  if (!has_hdf5()) return;
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    char path[100];
    snprintf(path, sizeof path, "tensorflow/hdf5/%s", cases[i].file);
    koe_status status = read_hdf5(reference(path), &err);
    ck_assert_msg(status == cases[i].status, "%s: status %d: %s", path, status,
                  status != KOE_OK ? err.message : "");
    if (status != KOE_OK) ck_assert_ptr_nonnull(strstr(err.message, cases[i].message));
  }
}
END_TEST

Suite *convert_program_suite(void);

Suite *convert_program_suite(void) {
  Suite *suite = suite_create("convert_program");
  TCase *tc = tcase_create("convert_program");
  tcase_add_test(tc, tensorflow_1);
  tcase_add_test(tc, keras);
  tcase_add_test(tc, torch);
  tcase_add_test(tc, names_without_prefix_and_pooling);
  tcase_add_test(tc, sixteen_bits);
  tcase_add_test(tc, int8_becomes_float32);
  tcase_add_test(tc, the_other_model);
  tcase_add_test(tc, without_config);
  tcase_add_test(tc, named_files);
  tcase_add_test(tc, refusals);
  tcase_add_test(tc, never_writes_over);
  tcase_add_test(tc, interrupted);
  tcase_add_test(tc, hdf5_files_that_are_none);
  tcase_add_test(tc, hdf5_refusals);
#ifdef KOE_FAULTS
  tcase_add_test(tc, out_of_memory);
#endif
  suite_add_tcase(suite, tc);
  return suite;
}
