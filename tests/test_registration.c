/* What is refused when a directory is registered and opened: options, missing and damaged files. */
#include "../model/registry.h"
#include "registry_support.h"
#include "support.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char tiny[] = "tests/reference/tiny";

/* Replaces the first `from` in a file by `to`. */
static void edit_file(const char *path, const char *from, const char *to) {
  size_t length, from_length = strlen(from), to_length = strlen(to);
  char *bytes = read_file(path, &length);
  char *at = memmem(bytes, length, from, from_length);
  ck_assert_msg(at != NULL, "%s does not contain %s", path, from);
  size_t head = (size_t)(at - bytes), tail = length - head - from_length;
  char *edited = malloc(length + to_length);
  ck_assert_ptr_nonnull(edited);
  memcpy(edited, bytes, head);
  memcpy(edited + head, to, to_length);
  memcpy(edited + head + to_length, at + from_length, tail);
  write_file(path, edited, head + to_length + tail);
  free(edited);
  free(bytes);
}

/* ── what is refused ────────────────────────────────────────────────────────────────────────────
 */

START_TEST(bad_options) {
  static const struct {
    const char *json, *fragment;
  } bad[] = {
      {"", "JSON"},
      {"[]", "JSON object"},
      {"null", "JSON object"},
      {"{", "JSON"},
      {"{\"pool\": \"cls\"}", "\"pool\""},
      {"{\"pooling\": \"max\"}", "max"},
      {"{\"pooling\": 1}", "pooling"},
      {"{\"pooling\": null}", "pooling"},
      {"{\"pooling\": \"cls\", \"pooling\": \"cls\"}", "duplicate"},
      {"{\"max_length\": 4}", "max_length"},
      {"{\"max_length\": 65}", "64 positions"},
      {"{\"max_length\": -1}", "max_length"},
      {"{\"max_length\": 8.5}", "max_length"},
      {"{\"max_length\": \"8\"}", "max_length"},
      {"{\"max_length\": 99999999999999999999}", ""},
      {"{\"normalize\": \"nfd\"}", "normalize"},
      {"{\"normalize\": true}", "normalize"},
  };
  koe_error err;
  for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
    assert_fails(koe_registry_load("t", tiny, bad[i].json, &err), KOE_INVALID, bad[i].fragment);
  }
  assert_ok(koe_registry_load("t", tiny, "{}", &err));
  assert_ok(koe_registry_load(
      "t", tiny, "{\"max_length\": 64, \"normalize\": \"nfc\", \"pooling\": \"mean\"}", &err));
  koe_registry_clear();
}
END_TEST

/* What koelectra_load itself refuses, leaving the name as it was. */
START_TEST(bad_directories) {
  koe_error err;
  const char *copy = copy_directory(tiny);
  assert_fails(koe_registry_load("t", file_in(copy, "absent"), NULL, &err), KOE_IO, "absent");
  assert_fails(koe_registry_load("t", "", NULL, &err), KOE_IO, "directory");
  assert_fails(koe_registry_load("t", file_in(copy, "vocab.txt"), NULL, &err), KOE_IO,
               "not a directory");
  char *long_path = malloc(100001);
  ck_assert_ptr_nonnull(long_path);
  memset(long_path, 'x', 100000);
  long_path[100000] = '\0';
  assert_fails(koe_registry_load("t", long_path, NULL, &err), KOE_IO, "xxx");
  free(long_path);

  assert_ok(koe_registry_load("t", copy, NULL, &err));
  ck_assert_int_eq(rename(file_in(copy, "vocab.txt"), file_in(copy, "words.txt")), 0);
  assert_fails(koe_registry_load("t", copy, "{\"pooling\": \"cls\"}", &err), KOE_IO, "vocab.txt");
  ck_assert_int_eq(rename(file_in(copy, "words.txt"), file_in(copy, "vocab.txt")), 0);
  koe_registry_entry *e = only_entry();
  ck_assert_int_eq(e->pooling, KOE_POOL_MEAN);
  koe_registry_entries_free(e, 1);

  ck_assert_int_eq(rename(file_in(copy, "model.safetensors"), file_in(copy, "model")), 0);
  assert_fails(koe_registry_load("t", copy, NULL, &err), KOE_IO, "pytorch_model.bin");
  ck_assert_int_eq(remove(file_in(copy, "config.json")), 0);
  assert_fails(koe_registry_load("t", copy, NULL, &err), KOE_IO, "config.json");
  koe_registry_clear();
}
END_TEST

/* What is found when the files are opened: one edit each of a good directory. */
static const struct damage {
  const char *file, *from, *to; /* the first `from` becomes `to` */
  koe_status status;
  const char *fragment;
} damages[] = {
    {"vocab.txt", "회의\n", "", KOE_FORMAT, "293 words"},
    {"vocab.txt", "회의\n", "회의\n회의실\n", KOE_FORMAT, "295 words"},
    {"vocab.txt", "[SEP]\n", "[SAP]\n", KOE_FORMAT, "[SEP]"},
    {"config.json", "\"vocab_size\": 294", "\"vocab_size\": 295", KOE_FORMAT, "[294, 16]"},
    {"config.json", "\"hidden_size\": 32", "\"hidden_size\": 36", KOE_FORMAT, "embeddings_project"},
    {"config.json", "\"hidden_size\": 32", "\"hidden_size\": 16", KOE_FORMAT, "layer.0"},
    {"config.json", "\"num_hidden_layers\": 2", "\"num_hidden_layers\": 3", KOE_FORMAT,
     "encoder.layer.2."},
    {"config.json", "\"intermediate_size\": 64", "\"intermediate_size\": 65", KOE_FORMAT,
     "intermediate"},
    {"config.json", "\"max_position_embeddings\": 64", "\"max_position_embeddings\": 65",
     KOE_FORMAT, "position_embeddings"},
    {"config.json", "\"0\": \"부정\",", "", KOE_FORMAT, "id2label"},
    {"config.json", "\"2\": \"긍정\"", "\"2\": \"긍정\", \"3\": \"모름\"", KOE_FORMAT, "4 labels"},
    {"model.safetensors", "electra.embeddings_project.bias", "electra.embeddings_project.bios",
     KOE_FORMAT, "no tensor electra.embeddings_project.bias"},
    {"model.safetensors", "\"shape\":[32,16]", "\"shape\":[16,32]", KOE_FORMAT,
     "shape [16, 32], config.json implies [32, 16]"},
    {"model.safetensors", "classifier.dense.bias", "classifier.dense.bios", KOE_FORMAT,
     "classifier.dense.bias"},
    {"model.safetensors", "electra.embeddings.word_embeddings",
     "elektra.embeddings.word_embeddings", KOE_FORMAT, "no ELECTRA model"},
    {"model.safetensors", "\"F32\"", "\"I32\"", KOE_UNSUPPORTED, "word_embeddings"},
};

/* In float32 and in int8. */
START_TEST(damaged) {
  const struct damage *d = &damages[_i / 2];
  const char *options = _i % 2 != 0 ? "{\"precision\": \"int8\"}" : NULL;
  koe_error err;
  const koe_model *model;
  const char *copy = copy_directory(tiny);
  edit_file(file_in(copy, d->file), d->from, d->to);
  koe_status status = koe_registry_load("t", copy, options, &err);
  if (status == KOE_OK) {
    status = koe_registry_acquire("t", &model, &err);
    ck_assert_ptr_null(model);
  }
  ck_assert_msg(status == d->status, "%s: %s: status %d", d->file, d->to, status);
  ck_assert_msg(strstr(err.message, d->fragment) != NULL, "%s: %s: message \"%s\"", d->file, d->to,
                err.message);
  ck_assert_msg(strstr(err.message, copy) != NULL || strstr(err.message, "config.json") != NULL,
                "no file in \"%s\"", err.message);
  koe_registry_clear();
}
END_TEST

/* A file cut short anywhere is an error, and the name works once the file is whole again. */
START_TEST(truncated) {
  koe_error err;
  const koe_model *model;
  const char *copy = copy_directory(tiny);
  const char *path = file_in(copy, "model.safetensors");
  size_t length;
  char *bytes = read_file(path, &length);
  assert_ok(koe_registry_load("t", copy, NULL, &err));
  for (size_t i = 0; i < 20; i++) {
    write_file(path, bytes, length * i / 20);
    assert_fails(koe_registry_acquire("t", &model, &err), KOE_FORMAT, copy);
  }
  write_file(path, bytes, length);
  free(bytes);
  assert_ok(koe_registry_acquire("t", &model, &err));
  koe_registry_release(model);
  koe_registry_clear();
}
END_TEST

Suite *registration_suite(void);

Suite *registration_suite(void) {
  Suite *suite = suite_create("registration");
  TCase *tests = tcase_create("registration");
  tcase_add_test(tests, bad_options);
  tcase_add_test(tests, bad_directories);
  tcase_add_loop_test(tests, damaged, 0, 2 * sizeof damages / sizeof damages[0]);
  tcase_add_test(tests, truncated);
  suite_add_tcase(suite, tests);
  return suite;
}
