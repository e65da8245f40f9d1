/* Weights in shards that a JSON index names, and element types that are converted. */
#include "../model/checkpoint/checkpoint.h"
#include "../model/checkpoint/weight_files.h"
#include "../model/memory.h"
#include "../model/writer/file_writer.h"
#include "../model/writer/safetensors_writer.h"
#include "model_directory.h"
#include "registry_support.h"
#include "support.h"
#include "torch_file.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const model_files[] = {"config.json", "vocab.txt", "tokenizer_config.json",
                                          NULL};

static koe_checkpoint *open_tiny(void) {
  koe_error err;
  koe_checkpoint *checkpoint;
  assert_ok(koe_checkpoint_open(test_path("reference/tiny"), &checkpoint, &err));
  return checkpoint;
}

/* ── writing shards ─────────────────────────────────────────────────────────────────────────────
 */

/* Writes every `count`-th tensor of `checkpoint`, from `first` on, and enters it in `map`. */
static void write_shard(koe_checkpoint *checkpoint, size_t first, size_t count,
                        const char *directory, const char *name, json_t *map) {
  koe_error err;
  koe_file_writer writer;
  koe_output_tensor tensors[200];
  size_t n = 0;
  for (size_t i = first; i < koe_checkpoint_count(checkpoint); i += count) {
    const koe_tensor *tensor = koe_checkpoint_at(checkpoint, i);
    tensors[n] = (koe_output_tensor){.name = tensor->name, .dims = tensor->dims};
    memcpy(tensors[n].shape, tensor->shape, sizeof tensor->shape);
    assert_ok(koe_checkpoint_float32(checkpoint, tensor, &tensors[n++].data, &err));
    json_object_set_new(map, tensor->name, json_string(name));
  }
  assert_ok(koe_file_writer_open(directory, name, &writer, &err));
  assert_ok(koe_safetensors_write(&writer, tensors, n, KOE_F32, &err));
  assert_ok(koe_file_writer_close(&writer, &err));
  assert_ok(koe_file_writer_publish(&writer, &err));
  koe_file_writer_abandon(&writer);
}

/* Writes {"weight_map": map}, whose reference it takes. */
static void write_index(const char *directory, const char *name, json_t *map) {
  json_t *index = json_pack("{s:{s:i}, s:o}", "metadata", "total_size", 100, "weight_map", map);
  ck_assert_int_eq(json_dump_file(index, file_in(directory, name), 0), 0);
  json_decref(index);
}

/* The tiny model in three shards. */
static const char *make_sharded(void) {
  const char *directory = directory_of(test_path("reference/tiny"), model_files);
  koe_checkpoint *checkpoint = open_tiny();
  json_t *map = json_object();
  for (size_t i = 0; i < 3; i++) {
    char name[64];
    snprintf(name, sizeof name, "model-%05zu-of-00003.safetensors", i + 1);
    write_shard(checkpoint, i, 3, directory, name, map);
  }
  write_index(directory, "model.safetensors.index.json", map);
  koe_checkpoint_free(checkpoint);
  return directory;
}

/* ── reading them ───────────────────────────────────────────────────────────────────────────────
 */

START_TEST(shards_of_safetensors) {
  koe_error err;
  koe_checkpoint *sharded, *whole = open_tiny();
  const char *directory = make_sharded();
  assert_ok(koe_checkpoint_open(directory, &sharded, &err));
  ck_assert_uint_eq(koe_checkpoint_count(sharded), koe_checkpoint_count(whole));
  ck_assert_uint_eq(koe_checkpoint_heap_bytes(sharded), 0);
  assert_same_tensors(whole, sharded);
  const koe_tensor *tensor = koe_checkpoint_at(sharded, 5);
  koe_checkpoint_release(sharded, tensor);
  assert_same_tensors(whole, sharded); /* pages come back from their file */
  koe_checkpoint_free(sharded);
  koe_checkpoint_free(whole);
  assert_same_model(test_path("reference/tiny"), directory);
  assert_expected(directory, test_path("reference/tiny"));
}
END_TEST

/* Every tensor of tiny is in both files of torch.save: the index says which one to take it from, so
 * each shard must be one of its own.  Here the whole file is the only shard. */
START_TEST(shards_of_torch) {
  static const char *const forms[] = {"pytorch_model.zip.bin", "pytorch_model.legacy.bin"};
  koe_checkpoint *whole = open_tiny();
  for (size_t i = 0; i < 2; i++) {
    koe_error err;
    koe_checkpoint *sharded;
    const char *directory = directory_of(test_path("reference/tiny"), model_files);
    json_t *map = json_object();
    copy_into(directory, file_in(test_path("reference/tiny"), forms[i]));
    for (size_t t = 0; t < koe_checkpoint_count(whole); t++)
      json_object_set_new(map, koe_checkpoint_at(whole, t)->name, json_string(forms[i]));
    json_object_set_new(map, "electra.embeddings.position_ids", json_string(forms[i]));
    write_index(directory, "pytorch_model.bin.index.json", map);
    assert_ok(koe_checkpoint_open(directory, &sharded, &err));
    assert_same_tensors(whole, sharded);
    koe_checkpoint_free(sharded);
    assert_same_model(test_path("reference/tiny"), directory);
  }
  koe_checkpoint_free(whole);
}
END_TEST

/* ── hostile indices ────────────────────────────────────────────────────────────────────────────
 */

static const char small_file[] = "\x40\0\0\0\0\0\0\0"
                                 "{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4]}}"
                                 "          "
                                 "\0\0\0\0";

/* Opens an index beside two files, x with a tensor "a" and y with the same. */
static koe_status open_index(const char *json, koe_error *err) {
  koe_checkpoint *checkpoint;
  size_t length = strlen(json);
  uint8_t *index = malloc(length > 0 ? length : 1);
  memcpy(index, json, length);
  const uint8_t *small = (const uint8_t *)small_file;
  koe_memory_file files[] = {
      {"model.safetensors.index.json", index, index + length},
      {"x", small, small + sizeof small_file - 1},
      {"y", small, small + sizeof small_file - 1},
      {"empty", small, small},
  };
  koe_directory directory = {.path = "here", .files = files, .count = 4};
  koe_status status = koe_checkpoint_open_in(&directory, &checkpoint, err);
  koe_checkpoint_free(checkpoint);
  free(index);
  return status;
}

START_TEST(hostile_indices) {
  koe_error err;
  static const struct {
    const char *json;
    koe_status status;
    const char *message;
  } cases[] = {
      {"", KOE_FORMAT, "model.safetensors.index.json: not valid JSON"},
      {"[]", KOE_FORMAT, "holds an array; expected an object"},
      {"{}", KOE_FORMAT, "\"weight_map\" is not an object of tensors and files"},
      {"{\"weight_map\": {}}", KOE_FORMAT, "\"weight_map\" is not an object"},
      {"{\"weight_map\": [\"x\"]}", KOE_FORMAT, "\"weight_map\" is not an object"},
      {"{\"weight_map\": {\"a\": 1}}", KOE_FORMAT, "tensor \"a\" is not in a file of this"},
      {"{\"weight_map\": {\"a\": \"\"}}", KOE_FORMAT, "tensor \"a\" is not in a file of this"},
      {"{\"weight_map\": {\"a\": \"../x\"}}", KOE_FORMAT, "is not in a file of this directory"},
      {"{\"weight_map\": {\"a\": \"/etc/x\"}}", KOE_FORMAT, "is not in a file of this directory"},
      {"{\"weight_map\": {\"a\": \"..\"}}", KOE_FORMAT, "is not in a file of this directory"},
      {"{\"weight_map\": {\"a\": \"x\\n\"}}", KOE_FORMAT, "is not in a file of this directory"},
      {"{\"weight_map\": {\"a\": \"z\"}}", KOE_IO, "names z, which is not there"},
      {"{\"weight_map\": {\"a\": \"empty\"}}", KOE_FORMAT, "here/empty: not a weight file"},
      {"{\"weight_map\": {\"a\": \"model.safetensors.index.json\"}}", KOE_FORMAT,
       "not a weight file"},
      {"{\"weight_map\": {\"b\": \"x\"}}", KOE_FORMAT,
       "tensor \"a\" is in x, but not by the index"},
      {"{\"weight_map\": {\"a\": \"y\", \"b\": \"x\"}}", KOE_FORMAT,
       "tensor \"a\" is in x, but not by the index"},
      {"{\"weight_map\": {\"a\": \"x\", \"b\": \"x\"}}", KOE_FORMAT,
       "tensor \"b\" is in none of the files"},
      {"{\"weight_map\": {\"a\": \"x\"}}", KOE_OK, NULL},
  };
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    koe_status status = open_index(cases[i].json, &err);
    ck_assert_msg(status == cases[i].status, "%s: status %d: %s", cases[i].json, status,
                  status == KOE_OK ? "" : err.message);
    if (status != KOE_OK) {
      ck_assert_msg(strstr(err.message, cases[i].message) != NULL, "%s: \"%s\" lacks \"%s\"",
                    cases[i].json, err.message, cases[i].message);
    }
  }
}
END_TEST

START_TEST(too_many_shards) {
  enum { FILES = 1002 };
  koe_error err;
  koe_checkpoint *checkpoint;
  static koe_memory_file files[FILES];
  static char names[FILES][64];
  const uint8_t *small = (const uint8_t *)small_file;
  buffer json = {0};
  PUT(&json, "{\"weight_map\": {");
  for (int i = 1; i < FILES; i++) {
    char entry[128];
    snprintf(names[i], sizeof names[i], "z%d", i);
    files[i] = (koe_memory_file){names[i], small, small + sizeof small_file - 1};
    int length = snprintf(entry, sizeof entry, "%s\"a%d\": \"z%d\"", i > 1 ? "," : "", i, i);
    put(&json, entry, (size_t)length);
  }
  PUT(&json, "}}");
  files[0] = (koe_memory_file){"model.safetensors.index.json", json.bytes, json.bytes + json.size};
  koe_directory directory = {.path = "here", .files = files, .count = FILES};
  assert_fails(koe_checkpoint_open_in(&directory, &checkpoint, &err), KOE_FORMAT,
               "more than 1000 files");
  buffer_clear(&json);
}
END_TEST

START_TEST(a_truncated_or_missing_shard) {
  koe_error err;
  koe_checkpoint *checkpoint;
  const char *directory = make_sharded();
  const char *shard = file_in(directory, "model-00002-of-00003.safetensors");
  size_t size;
  char *bytes = read_file(shard, &size);
  write_file(shard, bytes, size - 1);
  free(bytes);
  assert_fails(koe_checkpoint_open(directory, &checkpoint, &err), KOE_FORMAT,
               "model-00002-of-00003.safetensors: tensor");
  ck_assert_int_eq(remove(shard), 0);
  assert_fails(koe_checkpoint_open(directory, &checkpoint, &err), KOE_IO,
               "names model-00002-of-00003.safetensors, which is not there: fetch all");
  assert_fails(koe_registry_load("x", directory, NULL, &err), KOE_IO, "which is not there");
}
END_TEST

#ifdef KOE_FAULTS
START_TEST(out_of_memory) {
  koe_error err;
  koe_status status = KOE_NOMEM;
  const char *directory = make_sharded();
  for (long n = 1; status != KOE_OK; n += n < 60 ? 1 : 7) {
    koe_checkpoint *checkpoint;
    koe_memory_fail_after(n);
    status = koe_checkpoint_open(directory, &checkpoint, &err);
    koe_memory_fail_after(0);
    ck_assert_msg(status == KOE_OK || status == KOE_NOMEM, "%s", err.message);
    koe_checkpoint_free(checkpoint);
  }
}
END_TEST
#endif

/* ── element types ──────────────────────────────────────────────────────────────────────────────
 */

/* Writes tiny's weights as float64, with position_ids as int64, as some tools leave them. */
START_TEST(float64_and_integer_buffers) {
  koe_error err;
  koe_checkpoint *whole = open_tiny();
  const char *directory = directory_of(test_path("reference/tiny"), model_files);
  json_t *header = json_pack("{s:{s:s, s:[i,i], s:[i,i]}}", "electra.embeddings.position_ids",
                             "dtype", "I64", "shape", 1, 64, "data_offsets", 0, 512);
  buffer data = {0}, file = {0};
  for (uint64_t i = 0; i < 64; i++)
    put64(&data, i);
  for (size_t i = 0; i < koe_checkpoint_count(whole); i++) {
    const koe_tensor *tensor = koe_checkpoint_at(whole, i);
    const float *values;
    assert_ok(koe_checkpoint_float32(whole, tensor, &values, &err));
    size_t begin = data.size;
    for (size_t e = 0; e < tensor->bytes / sizeof *values; e++)
      put(&data, &(double){(double)values[e]}, sizeof(double));
    json_t *shape = json_array();
    for (int d = 0; d < tensor->dims; d++)
      json_array_append_new(shape, json_integer(tensor->shape[d]));
    json_object_set_new(header, tensor->name,
                        json_pack("{s:s, s:o, s:[I,I]}", "dtype", "F64", "shape", shape,
                                  "data_offsets", (json_int_t)begin, (json_int_t)data.size));
  }
  char *text = json_dumps(header, JSON_COMPACT);
  put64(&file, strlen(text));
  put(&file, text, strlen(text));
  put(&file, data.bytes, data.size);
  write_file(file_in(directory, "model.safetensors"), file.bytes, file.size);
  assert_same_model(test_path("reference/tiny"), directory);
  free(text);
  json_decref(header);
  buffer_clear(&data);
  buffer_clear(&file);
  koe_checkpoint_free(whole);
}
END_TEST

Suite *sharded_suite(void);

Suite *sharded_suite(void) {
  Suite *suite = suite_create("sharded");
  TCase *tc = tcase_create("sharded");
  tcase_add_test(tc, shards_of_safetensors);
  tcase_add_test(tc, shards_of_torch);
  tcase_add_test(tc, hostile_indices);
  tcase_add_test(tc, too_many_shards);
  tcase_add_test(tc, a_truncated_or_missing_shard);
  tcase_add_test(tc, float64_and_integer_buffers);
#ifdef KOE_FAULTS
  tcase_add_test(tc, out_of_memory);
#endif
  suite_add_tcase(suite, tc);
  return suite;
}
