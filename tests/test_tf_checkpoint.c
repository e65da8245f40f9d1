/* Checkpoints of TensorFlow 1: the files of reference/tensorflow, written by LevelDB and protobuf,
 * and damaged ones written here. */
#include "../model/checkpoint/checkpoint.h"
#include "../model/checkpoint/weight_files.h"
#include "../model/memory.h"
#include "model_directory.h"
#include "registry_support.h"
#include "support.h"
#include "table_file.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char index_name[] = "model.ckpt-40.index";
static const char data_name[] = "model.ckpt-40.data-00000-of-00001";

/* ── the real files ─────────────────────────────────────────────────────────────────────────────
 */

static const char *reference(const char *relative) {
  char path[200];
  snprintf(path, sizeof path, "reference/tensorflow/%s", relative);
  return test_path(path);
}

/* A new model directory: the configuration of a part, weights as TensorFlow left them. */
static const char *make_directory(const char *part, const char *const *weights) {
  static const char *const names[] = {"config.json", "vocab.txt", "tokenizer_config.json", NULL};
  const char *directory = directory_of(reference(part), names);
  for (; *weights != NULL; weights++)
    copy_into(directory, reference(*weights));
  return directory;
}

static const char *const plain[] = {"checkpoint", index_name, data_name, NULL};
static const char *const compressed[] = {"compressed/electra.index",
                                         "compressed/electra.data-00000-of-00002",
                                         "compressed/electra.data-00001-of-00002", NULL};

static void check_part(const char *part, const char *const *weights) {
  koe_error err;
  koe_checkpoint *expected, *given;
  const char *directory = make_directory(part, weights);
  assert_ok(koe_checkpoint_open(reference(part), &expected, &err));
  assert_ok(koe_checkpoint_open(directory, &given, &err));
  ck_assert_uint_eq(koe_checkpoint_count(given), koe_checkpoint_count(expected));
  assert_same_tensors(expected, given);
  koe_checkpoint_free(expected);
  koe_checkpoint_free(given);
  assert_same_model(reference(part), directory);
  assert_expected(directory, reference(part));
}

START_TEST(both_models_of_a_checkpoint) {
  check_part("discriminator", plain);
  check_part("generator", plain);
}
END_TEST

START_TEST(compressed_blocks_and_two_shards) {
  check_part("discriminator", compressed);
  check_part("generator", compressed);
}
END_TEST

START_TEST(the_part_that_is_asked_for) {
  koe_error err;
  koe_checkpoint *checkpoint;
  koe_directory at = koe_directory_at(make_directory("discriminator", plain));
  assert_ok(koe_checkpoint_open_part(&at, KOE_PART_GENERATOR, &checkpoint, &err));
  const koe_tensor *bias = koe_checkpoint_find(checkpoint, "generator_lm_head.bias");
  ck_assert_ptr_nonnull(bias);
  ck_assert_ptr_null(koe_checkpoint_find(checkpoint, "discriminator_predictions.dense.weight"));
  koe_checkpoint_free(checkpoint);
}
END_TEST

START_TEST(int8_of_transposed_kernels) {
  koe_error err;
  static const koe_text text = {"영화", 6};
  float expected[24], given[24];
  const char *options = "{\"precision\": \"int8\"}";
  const koe_model *a = open_model_as("a", reference("discriminator"), options);
  const koe_model *b = open_model_as("b", make_directory("discriminator", plain), options);
  assert_ok(koe_model_embed(a, &text, 1, expected, &err));
  assert_ok(koe_model_embed(b, &text, 1, given, &err));
  ck_assert_mem_eq(expected, given, sizeof given);
  koe_registry_release(a);
  koe_registry_release(b);
  koe_registry_clear();
}
END_TEST

/* ── which files ────────────────────────────────────────────────────────────────────────────────
 */

static void assert_index(const char *directory, const char *expected) {
  koe_error err;
  koe_weight_files found;
  koe_directory at = koe_directory_at(directory);
  assert_ok(koe_weight_files_find(&at, &found, &err));
  ck_assert_str_eq(found.items[0].name, expected);
  ck_assert_int_eq(found.layout, KOE_WEIGHTS_BUNDLE);
  koe_weight_files_clear(&found);
}

/* Copies the checkpoint of step 40 as one of another step. */
static void add_step(const char *directory, const char *prefix) {
  size_t size;
  char name[100];
  char *bytes = read_file(reference(index_name), &size);
  snprintf(name, sizeof name, "%s.index", prefix);
  write_file(file_in(directory, name), bytes, size);
  free(bytes);
  bytes = read_file(reference(data_name), &size);
  snprintf(name, sizeof name, "%s.data-00000-of-00001", prefix);
  write_file(file_in(directory, name), bytes, size);
  free(bytes);
}

static void write_state(const char *directory, const char *state) {
  write_file(file_in(directory, "checkpoint"), state, strlen(state));
}

START_TEST(the_latest_or_the_one_that_is_named) {
  const char *directory = make_directory("discriminator", plain);
  remove(file_in(directory, "checkpoint"));
  assert_index(directory, "model.ckpt-40.index");
  add_step(directory, "model.ckpt-9");
  assert_index(directory, "model.ckpt-40.index");
  add_step(directory, "model.ckpt-100");
  assert_index(directory, "model.ckpt-100.index");
  write_state(directory, "model_checkpoint_path: \"model.ckpt-9\"\n");
  assert_index(directory, "model.ckpt-9.index");
  write_state(directory, "model_checkpoint_path: \"gs://bucket/a/model.ckpt-40\"\n");
  assert_index(directory, "model.ckpt-40.index");
  /* One that is gone, that leaves the directory, that is no such file. */
  static const char *const useless[] = {"model_checkpoint_path: \"model.ckpt-50\"\n",
                                        "model_checkpoint_path: \"/etc/..\"\n",
                                        "model_checkpoint_path: \"",
                                        "",
                                        "model_checkpoint_path: \"\"",
                                        "\n\n\n"};
  for (size_t i = 0; i < sizeof useless / sizeof useless[0]; i++) {
    write_state(directory, useless[i]);
    assert_index(directory, "model.ckpt-100.index");
  }
}
END_TEST

START_TEST(a_shard_is_missing) {
  koe_error err;
  koe_checkpoint *checkpoint;
  const char *directory = make_directory("discriminator", compressed);
  remove(file_in(directory, "electra.data-00001-of-00002"));
  assert_fails(koe_checkpoint_open(directory, &checkpoint, &err), KOE_IO,
               "electra.data-00001-of-00002, which is not there");
  ck_assert_ptr_null(checkpoint);
  assert_fails(koe_registry_load("test", directory, NULL, &err), KOE_IO, "which is not there");
}
END_TEST

START_TEST(a_replaced_shard_is_another_model) {
  const char *directory = make_directory("discriminator", compressed);
  const koe_model *first = open_model_as("a", directory, NULL);
  /* A copy with the same content, renamed over it, as downloads do. */
  copy_into(directory, reference("compressed/electra.data-00001-of-00002"));
  const char *shard = file_in(directory, "electra.data-00001-of-00002");
  size_t size;
  char *bytes = read_file(shard, &size);
  write_file(file_in(directory, "new"), bytes, size);
  free(bytes);
  ck_assert_int_eq(rename(file_in(directory, "new"), shard), 0);
  const koe_model *second = open_model_as("b", directory, NULL);
  ck_assert_ptr_ne(first, second);
  koe_registry_release(first);
  koe_registry_release(second);
  koe_registry_clear();
}
END_TEST

START_TEST(keras_files_are_for_the_program) {
  koe_error err;
  koe_checkpoint *checkpoint;
  static const char *const names[] = {"config.json", "tf_model.h5", NULL};
  const char *directory = directory_of(reference("discriminator"), names);
  assert_fails(koe_checkpoint_open(directory, &checkpoint, &err), KOE_IO,
               "convert the directory with koelectra-convert");
}
END_TEST

/* ── names ──────────────────────────────────────────────────────────────────────────────────────
 */

START_TEST(names_of_tensorflow_1) {
  static const struct {
    koe_tf_naming naming;
    const char *name, *expected; /* NULL: no parameter */
  } cases[] = {
      {{KOE_PART_DISCRIMINATOR, true, false},
       "electra/encoder/layer_11/attention/self/query/kernel",
       "electra.encoder.layer.11.attention.self.query.weight"},
      {{KOE_PART_DISCRIMINATOR, true, false},
       "discriminator_predictions/dense_1/kernel",
       "discriminator_predictions.dense_prediction.weight"},
      {{KOE_PART_DISCRIMINATOR, true, false}, "generator/encoder/layer_0/output/dense/bias", NULL},
      {{KOE_PART_DISCRIMINATOR, true, false}, "generator_predictions/output_bias", NULL},
      {{KOE_PART_DISCRIMINATOR, true, false}, "electra/embeddings/LayerNorm/gamma/adam_m", NULL},
      {{KOE_PART_DISCRIMINATOR, true, false}, "global_step", NULL},
      {{KOE_PART_DISCRIMINATOR, true, false}, "task_specific/nsmc/dense/kernel", NULL},
      {{KOE_PART_DISCRIMINATOR, true, false}, "electra/", NULL},
      {{KOE_PART_DISCRIMINATOR, true, false}, "", NULL},
      {{KOE_PART_GENERATOR, true, false},
       "electra/embeddings/word_embeddings",
       "electra.embeddings.word_embeddings.weight"},
      {{KOE_PART_GENERATOR, true, false}, "electra/encoder/layer_0/output/dense/bias", NULL},
      {{KOE_PART_GENERATOR, true, false},
       "generator/embeddings_project/kernel",
       "electra.embeddings_project.weight"},
      {{KOE_PART_GENERATOR, true, false},
       "generator_predictions/output_bias",
       "generator_lm_head.bias"},
      {{KOE_PART_GENERATOR, true, false},
       "generator_predictions/LayerNorm/beta",
       "generator_predictions.LayerNorm.bias"},
      {{KOE_PART_GENERATOR, true, true}, "electra/embeddings/word_embeddings", NULL},
      {{KOE_PART_GENERATOR, true, true},
       "generator/embeddings/word_embeddings",
       "electra.embeddings.word_embeddings.weight"},
      {{KOE_PART_GENERATOR, false, false},
       "electra/encoder/layer_0/output/dense/bias",
       "electra.encoder.layer.0.output.dense.bias"},
  };
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    koe_parameter_name name;
    bool found = koe_tf_parameter(&cases[i].naming, cases[i].name, &name);
    ck_assert_msg(found == (cases[i].expected != NULL), "%s", cases[i].name);
    if (found) ck_assert_str_eq(name.bytes, cases[i].expected);
  }
}
END_TEST

START_TEST(names_of_keras) {
  static const struct {
    const char *name, *expected;
  } cases[] = {
      {"tf_electra_model/electra/encoder/layer_._0/attention/self/query/kernel:0",
       "electra.encoder.layer.0.attention.self.query.weight"},
      {"tf_electra_model_7/electra/embeddings/word_embeddings/weight:0",
       "electra.embeddings.word_embeddings.weight"},
      {"m/electra/embeddings/position_embeddings/embeddings:0",
       "electra.embeddings.position_embeddings.weight"},
      {"m/classifier/out_proj/bias:0", "classifier.out_proj.bias"},
      {"m/qa_outputs/kernel:0", "qa_outputs.weight"},
      {"m/generator_lm_head/bias:0", "generator_lm_head.bias"},
      {"m/electra/something:0", NULL},
      {"kernel:0", NULL},
      {"", NULL},
  };
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    koe_parameter_name name;
    bool found = koe_keras_parameter(cases[i].name, &name);
    ck_assert_msg(found == (cases[i].expected != NULL), "%s", cases[i].name);
    if (found) ck_assert_str_eq(name.bytes, cases[i].expected);
  }
  char long_name[1200];
  koe_parameter_name name;
  memset(long_name, 'a', sizeof long_name);
  strcpy(long_name + sizeof long_name - 8, "/kernel");
  long_name[1] = '/';
  ck_assert(!koe_keras_parameter(long_name, &name));
}
END_TEST

/* ── damaged files ──────────────────────────────────────────────────────────────────────────────
 */

START_TEST(truncated_and_flipped) {
  koe_error err;
  size_t index_size, data_size;
  char *index = read_file(reference(index_name), &index_size);
  char *data = read_file(reference(data_name), &data_size);
  assert_ok(open_bundle(index, index_size, data, data_size, &err));
  for (size_t size = 0; size < index_size; size += 13)
    ck_assert_int_eq(open_bundle(index, size, data, data_size, &err), KOE_FORMAT);
  for (size_t size = 0; size < data_size; size += 4099) {
    assert_fails(open_bundle(index, index_size, data, size, &err), KOE_FORMAT,
                 "lies outside the file");
  }
  /* Every byte of the index is under a checksum but those of the footer and the metaindex. */
  size_t accepted = 0;
  for (size_t i = 0; i < index_size; i += 7) {
    index[i] ^= 0x10;
    accepted += open_bundle(index, index_size, data, data_size, &err) == KOE_OK;
    index[i] ^= 0x10;
  }
  ck_assert_uint_le(accepted, 10);
  /* Of the data those that are read; others are the optimizer's and the generator's. */
  size_t refused = 0;
  for (size_t i = 0; i < data_size; i += 997) {
    data[i] ^= 1;
    koe_status status = open_bundle(index, index_size, data, data_size, &err);
    if (status != KOE_OK) ck_assert_ptr_nonnull(strstr(err.message, "checksum of tensor"));
    refused += status != KOE_OK;
    data[i] ^= 1;
  }
  ck_assert_uint_gt(refused, data_size / 997 / 3);
  free(index);
  free(data);
}
END_TEST

#ifdef KOE_FAULTS
START_TEST(out_of_memory) {
  koe_error err;
  size_t index_size, data_size;
  char *index = read_file(reference("compressed/electra.index"), &index_size);
  char *data[2];
  size_t sizes[2];
  data[0] = read_file(reference("compressed/electra.data-00000-of-00002"), &data_size);
  sizes[0] = data_size;
  data[1] = read_file(reference("compressed/electra.data-00001-of-00002"), &sizes[1]);
  koe_memory_file files[] = {
      {"electra.index", (uint8_t *)index, (uint8_t *)index + index_size},
      {"electra.data-00000-of-00002", (uint8_t *)data[0], (uint8_t *)data[0] + sizes[0]},
      {"electra.data-00001-of-00002", (uint8_t *)data[1], (uint8_t *)data[1] + sizes[1]},
  };
  koe_directory directory = {.path = "here", .files = files, .count = 3};
  koe_status status = KOE_NOMEM;
  for (long n = 1; status != KOE_OK; n += n < 40 ? 1 : 17) {
    koe_checkpoint *checkpoint;
    koe_memory_fail_after(n);
    status = koe_checkpoint_open_in(&directory, &checkpoint, &err);
    koe_memory_fail_after(0);
    ck_assert_msg(status == KOE_OK || status == KOE_NOMEM, "%s", err.message);
    koe_checkpoint_free(checkpoint);
  }
  free(index);
  free(data[0]);
  free(data[1]);
}
END_TEST
#endif

Suite *tf_checkpoint_suite(void);

Suite *tf_checkpoint_suite(void) {
  Suite *suite = suite_create("tf_checkpoint");
  TCase *tc = tcase_create("tf_checkpoint");
  tcase_add_test(tc, both_models_of_a_checkpoint);
  tcase_add_test(tc, compressed_blocks_and_two_shards);
  tcase_add_test(tc, the_part_that_is_asked_for);
  tcase_add_test(tc, int8_of_transposed_kernels);
  tcase_add_test(tc, the_latest_or_the_one_that_is_named);
  tcase_add_test(tc, a_shard_is_missing);
  tcase_add_test(tc, a_replaced_shard_is_another_model);
  tcase_add_test(tc, keras_files_are_for_the_program);
  tcase_add_test(tc, names_of_tensorflow_1);
  tcase_add_test(tc, names_of_keras);
  tcase_add_test(tc, truncated_and_flipped);
#ifdef KOE_FAULTS
  tcase_add_test(tc, out_of_memory);
#endif
  suite_add_tcase(suite, tc);
  return suite;
}
