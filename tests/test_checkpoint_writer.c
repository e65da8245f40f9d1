/* model/writer/checkpoint_writer.c: what is written is read back, in whole or not at all. */
#include "support.h"

#include "../model/checkpoint/checkpoint.h"
#include "../model/memory.h"
#include "../model/writer/checkpoint_writer.h"
#include "../model/writer/file_writer.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static koe_error err;
static koe_config config;
static char *labels[] = {"negative", "so \"so\"", "긍정"};
static const float numbers[] = {0,    -0.0f,       1,      -1.5f,   65504,    6e-8f, 1e-5f,
                                0.1f, 3.14159274f, 1e-12f, 0.3333f, -1234.5f, 2049,  2051};
enum { NUMBERS = sizeof numbers / sizeof numbers[0] };

static const char vocab[] = "[PAD]\n[UNK]\n[CLS]\n[SEP]\n[MASK]\n가\n";

static void start(void) {
  config = (koe_config){.architecture = "ElectraForSequenceClassification",
                        .vocab_size = 6,
                        .embedding_size = 16,
                        .hidden_size = 32,
                        .num_hidden_layers = 3,
                        .num_attention_heads = 4,
                        .intermediate_size = 64,
                        .max_position_embeddings = 40,
                        .type_vocab_size = 2,
                        .layer_norm_eps = 1e-12f,
                        .hidden_act = KOE_GELU_ERF,
                        .model_max_length = 36,
                        .pooling = KOE_POOL_CLS,
                        .labels = labels,
                        .num_labels = 3};
  config.tokenizer = koe_tokenizer_options_default();
}

static koe_output_tensor tensors[] = {
    {.name = "electra.a.weight", .dims = 2, .shape = {2, 7}, .data = numbers},
    {.name = "b", .dims = 1, .shape = {3}, .data = numbers + 4},
    {.name = "한글", .dims = 0, .data = numbers + 7},
    {.name = "empty", .dims = 2, .shape = {0, 5}, .data = numbers},
};
enum { TENSORS = sizeof tensors / sizeof tensors[0] };

static koe_checkpoint_output output_of(koe_dtype dtype) {
  return (koe_checkpoint_output){.config = &config,
                                 .problem_type = "single_label_classification",
                                 .dropout = 0.1f,
                                 .vocab = vocab,
                                 .vocab_length = sizeof vocab - 1,
                                 .tensors = tensors,
                                 .tensor_count = TENSORS,
                                 .dtype = dtype};
}

static const char *file_of(const char *directory, const char *name) {
  static char path[512];
  snprintf(path, sizeof path, "%s/%s", directory, name);
  return path;
}

/* A directory that is not there yet. */
static const char *new_directory(void) {
  static char path[128];
  snprintf(path, sizeof path, "%s/model", temporary_directory());
  return path;
}

START_TEST(the_reader_reads_the_tensors) {
  const char *directory = new_directory();
  koe_checkpoint *checkpoint;
  koe_checkpoint_output output = output_of(KOE_F32);
  assert_ok(koe_checkpoint_write(directory, &output, &err));
  assert_ok(koe_checkpoint_open(directory, &checkpoint, &err));
  ck_assert_uint_eq(koe_checkpoint_count(checkpoint), TENSORS);
  for (size_t i = 0; i < TENSORS; i++) {
    const koe_tensor *tensor = koe_checkpoint_find(checkpoint, tensors[i].name);
    const float *data;
    ck_assert_msg(tensor != NULL, "no tensor %s", tensors[i].name);
    ck_assert_int_eq(tensor->dtype, KOE_F32);
    ck_assert_int_eq(tensor->dims, tensors[i].dims);
    for (int k = 0; k < tensor->dims; k++)
      ck_assert_int_eq(tensor->shape[k], tensors[i].shape[k]);
    assert_ok(koe_checkpoint_float32(checkpoint, tensor, &data, &err));
    ck_assert_int_eq(memcmp(data, tensors[i].data, tensor->bytes), 0);
  }
  koe_checkpoint_free(checkpoint);
}
END_TEST

/* Expected by hand: float16 has 11 significant bits above 2^-14 and steps of 2^-24 below; ties go
 * to even. */
START_TEST(float16_rounds_to_nearest_even) {
  static const float expected[NUMBERS] = {0,
                                          -0.0f,
                                          1,
                                          -1.5f,
                                          65504,
                                          0x1p-24f,
                                          /* 1.007 steps */ 0x1.5p-17f, /* 167.8 steps: 168 */
                                          0x1.998p-4f,
                                          0x1.92p+1f,
                                          0,
                                          0x1.554p-2f,
                                          -0x1.348p+10f,
                                          2048,
                                          2052};
  const char *directory = new_directory();
  koe_checkpoint *checkpoint;
  const float *data;
  koe_checkpoint_output output = output_of(KOE_F16);
  assert_ok(koe_checkpoint_write(directory, &output, &err));
  assert_ok(koe_checkpoint_open(directory, &checkpoint, &err));
  const koe_tensor *tensor = koe_checkpoint_find(checkpoint, "electra.a.weight");
  ck_assert_int_eq(tensor->dtype, KOE_F16);
  ck_assert_uint_eq(tensor->bytes, 2 * NUMBERS);
  assert_ok(koe_checkpoint_float32(checkpoint, tensor, &data, &err));
  for (int i = 0; i < NUMBERS; i++) {
    ck_assert_msg(data[i] == expected[i] && signbit(data[i]) == signbit(expected[i]),
                  "%.9g became %.9g, not %.9g", (double)numbers[i], (double)data[i],
                  (double)expected[i]);
  }
  koe_checkpoint_free(checkpoint);
}
END_TEST

/* Every float16 there is survives being written. */
START_TEST(float16_is_exact_where_it_can_be) {
  static float all[2 * 0x7C00];
  koe_checkpoint *checkpoint;
  const float *data;
  const char *directory = new_directory();
  for (int i = 0; i < 0x7C00; i++) {
    int exponent = i >> 10, fraction = i & 0x3FF;
    all[i] = exponent == 0 ? ldexpf((float)fraction, -24)
                           : ldexpf((float)(1024 + fraction), exponent - 25);
    all[0x7C00 + i] = -all[i];
  }
  koe_output_tensor tensor = {.name = "all", .dims = 1, .shape = {2 * 0x7C00}, .data = all};
  koe_checkpoint_output output = output_of(KOE_F16);
  output.tensors = &tensor;
  output.tensor_count = 1;
  assert_ok(koe_checkpoint_write(directory, &output, &err));
  assert_ok(koe_checkpoint_open(directory, &checkpoint, &err));
  assert_ok(koe_checkpoint_float32(checkpoint, koe_checkpoint_at(checkpoint, 0), &data, &err));
  ck_assert_int_eq(memcmp(data, all, sizeof all), 0);
  koe_checkpoint_free(checkpoint);
}
END_TEST

START_TEST(int8_is_written_as_it_is) {
  static const int8_t steps[] = {-128, -1, 0, 1, 127, 5};
  const char *directory = new_directory();
  koe_checkpoint *checkpoint;
  koe_output_tensor mixed[] = {{.name = "scale", .dims = 1, .shape = {2}, .data = numbers + 2},
                               {.name = "steps", .dims = 2, .shape = {2, 3}, .int8 = steps}};
  koe_checkpoint_output output = output_of(KOE_F16);
  output.tensors = mixed;
  output.tensor_count = 2;
  assert_ok(koe_checkpoint_write(directory, &output, &err));
  assert_ok(koe_checkpoint_open(directory, &checkpoint, &err));
  ck_assert_int_eq(koe_checkpoint_find(checkpoint, "scale")->dtype, KOE_F16);
  const koe_tensor *tensor = koe_checkpoint_find(checkpoint, "steps");
  ck_assert_int_eq(tensor->dtype, KOE_I8);
  ck_assert_uint_eq(tensor->bytes, sizeof steps);
  ck_assert_int_eq(memcmp(tensor->data, steps, sizeof steps), 0);
  koe_checkpoint_free(checkpoint);
}
END_TEST

START_TEST(the_header_is_aligned_and_names_the_framework) {
  const char *directory = new_directory();
  koe_checkpoint_output output = output_of(KOE_F32);
  assert_ok(koe_checkpoint_write(directory, &output, &err));
  size_t size;
  char *bytes = read_file(file_of(directory, "model.safetensors"), &size);
  uint64_t length = 0;
  memcpy(&length, bytes, 8);
  ck_assert_uint_eq(length % 8, 0);
  ck_assert_uint_eq(size, 8 + length + 4 * (NUMBERS + 3 + 1));
  json_t *header = json_loadb(bytes + 8, length, 0, NULL);
  const char *framework =
      json_string_value(json_object_get(json_object_get(header, "__metadata__"), "format"));
  ck_assert_str_eq(framework, "pt");
  json_decref(header);
  free(bytes);
}
END_TEST

START_TEST(the_configuration_is_read_back) {
  const char *directory = new_directory();
  koe_config read;
  koe_checkpoint_output output = output_of(KOE_F32);
  config.hidden_act = KOE_GELU_TANH;
  config.layer_norm_eps = 3e-7f;
  config.tokenizer.do_lower_case = true;
  config.tokenizer.tokenize_chinese_chars = false;
  strcpy(config.tokenizer.mask_token, "<mask>");
  output.sentence_embeddings = true;
  assert_ok(koe_checkpoint_write(directory, &output, &err));
  assert_ok(koe_config_read(directory, &read, &err));
  ck_assert_str_eq(read.architecture, config.architecture);
  ck_assert_int_eq(read.vocab_size, 6);
  ck_assert_int_eq(read.embedding_size, 16);
  ck_assert_int_eq(read.hidden_size, 32);
  ck_assert_int_eq(read.num_hidden_layers, 3);
  ck_assert_int_eq(read.num_attention_heads, 4);
  ck_assert_int_eq(read.intermediate_size, 64);
  ck_assert_int_eq(read.max_position_embeddings, 40);
  ck_assert_int_eq(read.type_vocab_size, 2);
  ck_assert(read.layer_norm_eps == 3e-7f);
  ck_assert_int_eq(read.hidden_act, KOE_GELU_TANH);
  ck_assert_int_eq(read.model_max_length, 36);
  ck_assert_int_eq(read.pooling, KOE_POOL_CLS);
  ck_assert(read.tokenizer.do_lower_case);
  ck_assert(!read.tokenizer.strip_accents);
  ck_assert(!read.tokenizer.tokenize_chinese_chars);
  ck_assert_str_eq(read.tokenizer.mask_token, "<mask>");
  ck_assert_str_eq(read.tokenizer.unk_token, "[UNK]");
  ck_assert_int_eq(read.num_labels, 3);
  for (int i = 0; i < 3; i++)
    ck_assert_str_eq(read.labels[i], labels[i]);
  koe_config_clear(&read);
  size_t length;
  char *tokens = read_file(file_of(directory, "vocab.txt"), &length);
  ck_assert_str_eq(tokens, vocab);
  free(tokens);
}
END_TEST

START_TEST(the_files_say_what_transformers_asks) {
  const char *directory = new_directory();
  koe_checkpoint_output output = output_of(KOE_F32);
  output.sentence_embeddings = true;
  assert_ok(koe_checkpoint_write(directory, &output, &err));
  json_t *json = load_json(file_of(directory, "config.json"));
  ck_assert_str_eq(json_string_value(json_object_get(json, "model_type")), "electra");
  ck_assert_str_eq(json_string_value(json_object_get(json, "problem_type")),
                   "single_label_classification");
  ck_assert(json_real_value(json_object_get(json, "hidden_dropout_prob")) == 0.1);
  ck_assert(json_real_value(json_object_get(json, "layer_norm_eps")) == 1e-12);
  ck_assert_int_eq(json_integer_value(json_object_get(json_object_get(json, "label2id"), "긍정")),
                   2);
  json_decref(json);
  json = load_json(file_of(directory, "1_Pooling/config.json"));
  ck_assert(json_is_true(json_object_get(json, "pooling_mode_cls_token")));
  ck_assert(json_is_false(json_object_get(json, "pooling_mode_mean_tokens")));
  json_decref(json);
  json = load_json(file_of(directory, "modules.json"));
  ck_assert_uint_eq(json_array_size(json), 3);
  json_decref(json);
}
END_TEST

START_TEST(no_labels_and_no_pooling_leave_no_trace) {
  const char *directory = new_directory();
  koe_checkpoint_output output = output_of(KOE_F32);
  output.problem_type = NULL;
  config.labels = NULL;
  config.num_labels = 0;
  assert_ok(koe_checkpoint_write(directory, &output, &err));
  json_t *json = load_json(file_of(directory, "config.json"));
  ck_assert_ptr_null(json_object_get(json, "id2label"));
  ck_assert_ptr_null(json_object_get(json, "problem_type"));
  json_decref(json);
  ck_assert_int_ne(access(file_of(directory, "1_Pooling"), F_OK), 0);
}
END_TEST

/* ── in whole or not at all ─────────────────────────────────────────────────────────────────────
 */

START_TEST(a_failure_leaves_the_old_files) {
  const char *directory = new_directory();
  static const float large[] = {1, 65520};
  koe_output_tensor tensor = {.name = "large", .dims = 1, .shape = {2}, .data = large};
  koe_checkpoint_output output = output_of(KOE_F32);
  assert_ok(koe_checkpoint_write(directory, &output, &err));
  size_t before, after;
  char *old = read_file(file_of(directory, "model.safetensors"), &before);
  output.tensors = &tensor;
  output.tensor_count = 1;
  output.dtype = KOE_F16;
  assert_fails(koe_checkpoint_write(directory, &output, &err), KOE_INVALID,
               "tensor \"large\" has an element 65520");
  char *now = read_file(file_of(directory, "model.safetensors"), &after);
  ck_assert_uint_eq(before, after);
  ck_assert_int_eq(memcmp(old, now, before), 0);
  ck_assert_int_ne(access(file_of(directory, "model.safetensors.partial"), F_OK), 0);
  free(old);
  free(now);
}
END_TEST

START_TEST(writing_again_replaces) {
  const char *directory = new_directory();
  koe_checkpoint *checkpoint;
  koe_checkpoint_output output = output_of(KOE_F32);
  assert_ok(koe_checkpoint_write(directory, &output, &err));
  output.tensor_count = 1;
  assert_ok(koe_checkpoint_write(directory, &output, &err));
  assert_ok(koe_checkpoint_open(directory, &checkpoint, &err));
  ck_assert_uint_eq(koe_checkpoint_count(checkpoint), 1);
  koe_checkpoint_free(checkpoint);
}
END_TEST

START_TEST(what_cannot_be_written_fails) {
  koe_output_tensor one = {.name = "a", .dims = 1, .shape = {1}, .data = numbers};
  koe_output_tensor twice[] = {one, one};
  koe_checkpoint_output output = output_of(KOE_F32);
  assert_fails(koe_checkpoint_write("/nonexistent/model", &output, &err), KOE_IO,
               "/nonexistent/model");
  const char *directory = temporary_directory();
  write_file(file_of(directory, "file"), "", 0);
  assert_fails(koe_checkpoint_write(file_of(directory, "file"), &output, &err), KOE_IO,
               "is not a directory");
  mkdir(file_of(directory, "vocab.txt"), 0777);
  assert_fails(koe_checkpoint_write(directory, &output, &err), KOE_IO, "vocab.txt");
  ck_assert_int_ne(access(file_of(directory, "model.safetensors"), F_OK), 0);
  output.dtype = KOE_I8;
  assert_fails(koe_checkpoint_write(directory, &output, &err), KOE_INVALID, "not as int8");
  output.dtype = KOE_F32;
  output.tensors = twice;
  output.tensor_count = 2;
  assert_fails(koe_checkpoint_write(directory, &output, &err), KOE_INVALID,
               "two tensors have the name \"a\"");
  config.architecture[0] = '\0';
  assert_fails(koe_checkpoint_write(directory, &output, &err), KOE_INVALID, "architecture");
}
END_TEST

START_TEST(a_full_disk_is_an_error) {
  koe_file_writer writer = {0};
  if (access("/dev/full", W_OK) != 0) {
    skip_test("/dev/full is not there");
    return;
  }
  writer.file = fopen("/dev/full", "wb");
  writer.path = koe_copy_string("a", 1);
  writer.partial = koe_copy_string("/nonexistent/a.partial", 22);
  assert_ok(koe_file_writer_add(&writer, "abc", 3, &err));
  assert_fails(koe_file_writer_close(&writer, &err), KOE_IO, "No space left");
  koe_file_writer_abandon(&writer);
}
END_TEST

/* A whole model of the shared fixtures, copied tensor by tensor, is the same model. */
START_TEST(a_copied_model_is_the_same) {
  const char *source = shared_path("fixtures/checkpoints/nsmc-small");
  if (source == NULL) return;
  const char *directory = new_directory();
  koe_config original, copied;
  koe_checkpoint *checkpoint, *copy;
  assert_ok(koe_config_read(source, &original, &err));
  assert_ok(koe_checkpoint_open(source, &checkpoint, &err));
  size_t count = koe_checkpoint_count(checkpoint), length;
  koe_output_tensor *all = calloc(count, sizeof *all);
  for (size_t i = 0; i < count; i++) {
    const koe_tensor *tensor = koe_checkpoint_at(checkpoint, i);
    all[i].name = tensor->name;
    all[i].dims = tensor->dims;
    memcpy(all[i].shape, tensor->shape, sizeof tensor->shape);
    assert_ok(koe_checkpoint_float32(checkpoint, tensor, &all[i].data, &err));
  }
  char *tokens = read_file(shared_path("fixtures/checkpoints/nsmc-small/vocab.txt"), &length);
  koe_checkpoint_output output = {.config = &original,
                                  .dropout = 0.1f,
                                  .vocab = tokens,
                                  .vocab_length = length,
                                  .tensors = all,
                                  .tensor_count = count,
                                  .dtype = KOE_F32};
  assert_ok(koe_checkpoint_write(directory, &output, &err));
  assert_ok(koe_config_read(directory, &copied, &err));
  ck_assert_int_eq(copied.vocab_size, original.vocab_size);
  ck_assert_int_eq(copied.model_max_length, original.model_max_length);
  ck_assert_str_eq(copied.labels[1], "positive");
  assert_ok(koe_checkpoint_open(directory, &copy, &err));
  for (size_t i = 0; i < count; i++) {
    const koe_tensor *tensor = koe_checkpoint_find(copy, all[i].name);
    ck_assert_int_eq(memcmp(tensor->data, all[i].data, tensor->bytes), 0);
  }
  koe_checkpoint_free(copy);
  koe_checkpoint_free(checkpoint);
  koe_config_clear(&original);
  koe_config_clear(&copied);
  free(all);
  free(tokens);
}
END_TEST

#ifdef KOE_FAULTS
START_TEST(memory_may_fail_anywhere) {
  const char *directory = new_directory();
  koe_checkpoint_output output = output_of(KOE_F32);
  koe_status status = KOE_NOMEM;
  output.sentence_embeddings = true;
  long n;
  for (n = 1; status != KOE_OK && n < 1000; n++) {
    koe_memory_fail_after(n);
    status = koe_checkpoint_write(directory, &output, &err);
    koe_memory_fail_after(0);
    ck_assert(status == KOE_OK || status == KOE_NOMEM);
    bool named = access(file_of(directory, "model.safetensors"), F_OK) == 0;
    ck_assert_int_eq(named, status == KOE_OK);
  }
  ck_assert_int_eq(status, KOE_OK);
  ck_assert_int_gt(n, 10);
}
END_TEST
#endif

Suite *checkpoint_writer_suite(void);

Suite *checkpoint_writer_suite(void) {
  Suite *suite = suite_create("checkpoint_writer");
  TCase *writing = tcase_create("writing");
  tcase_add_checked_fixture(writing, start, NULL);
  tcase_add_test(writing, the_reader_reads_the_tensors);
  tcase_add_test(writing, float16_rounds_to_nearest_even);
  tcase_add_test(writing, float16_is_exact_where_it_can_be);
  tcase_add_test(writing, int8_is_written_as_it_is);
  tcase_add_test(writing, the_header_is_aligned_and_names_the_framework);
  tcase_add_test(writing, the_configuration_is_read_back);
  tcase_add_test(writing, the_files_say_what_transformers_asks);
  tcase_add_test(writing, no_labels_and_no_pooling_leave_no_trace);
  tcase_add_test(writing, a_failure_leaves_the_old_files);
  tcase_add_test(writing, writing_again_replaces);
  tcase_add_test(writing, what_cannot_be_written_fails);
  tcase_add_test(writing, a_full_disk_is_an_error);
  tcase_add_test(writing, a_copied_model_is_the_same);
#ifdef KOE_FAULTS
  tcase_add_test(writing, memory_may_fail_anywhere);
#endif
  suite_add_tcase(suite, writing);
  return suite;
}
