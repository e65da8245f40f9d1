/* Configuration files of a checkpoint directory. */
#include "../model/config.h"
#include "../model/json_file.h"
#include "../model/memory.h"
#include "../model/path.h"
#include "support.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

static void write_text(const char *directory, const char *name, const char *text) {
  char path[200];
  snprintf(path, sizeof path, "%s/%s", directory, name);
  write_file(path, text, strlen(text));
}

/* A directory with the files whose text is not NULL. */
static const char *directory_with(const char *config, const char *tokenizer, const char *pooling) {
  char path[200];
  const char *directory = temporary_directory();
  if (config != NULL) write_text(directory, "config.json", config);
  if (tokenizer != NULL) write_text(directory, "tokenizer_config.json", tokenizer);
  if (pooling != NULL) {
    snprintf(path, sizeof path, "%s/1_Pooling", directory);
    ck_assert_int_eq(mkdir(path, 0700), 0);
    write_text(directory, "1_Pooling/config.json", pooling);
  }
  return directory;
}

static koe_config read_directory(const char *directory) {
  koe_config config;
  koe_error err;
  assert_ok(koe_config_read(directory, &config, &err));
  return config;
}

/* The files may be changed from one check to the next: one directory serves a whole test. */
static void refuse(const char *directory, const char *name, const char *text,
                   const char *fragment) {
  koe_config config;
  koe_error err;
  char path[200];
  write_text(directory, name, text);
  koe_status status = koe_config_read(directory, &config, &err);
  koe_config_clear(&config);
  ck_assert_msg(status == KOE_FORMAT, "%s: status %d", text, status);
  ck_assert_msg(strstr(err.message, fragment) != NULL, "%s: message \"%s\" lacks \"%s\"", text,
                err.message, fragment);
  snprintf(path, sizeof path, "%s/%s", directory, name);
  ck_assert_msg(strstr(err.message, path) == err.message, "\"%s\" does not name %s", err.message,
                path);
}

/* ── config.json ────────────────────────────────────────────────────────────────────────────────
 */

START_TEST(reads_a_classifier) {
  koe_config config = read_directory(test_path("reference/tiny"));
  ck_assert_str_eq(config.architecture, "ElectraForSequenceClassification");
  ck_assert_int_eq(config.vocab_size, 294);
  ck_assert_int_eq(config.embedding_size, 16);
  ck_assert_int_eq(config.hidden_size, 32);
  ck_assert_int_eq(config.num_hidden_layers, 2);
  ck_assert_int_eq(config.num_attention_heads, 4);
  ck_assert_int_eq(config.intermediate_size, 64);
  ck_assert_int_eq(config.max_position_embeddings, 64);
  ck_assert_int_eq(config.type_vocab_size, 2);
  ck_assert(config.layer_norm_eps == 1e-12f);
  ck_assert_int_eq(config.hidden_act, KOE_GELU_ERF);
  ck_assert_int_eq(config.model_max_length, 64);
  ck_assert_int_eq(config.pooling, KOE_POOL_MEAN);
  ck_assert(!config.tokenizer.do_lower_case);
  ck_assert_int_eq(config.num_labels, 3);
  ck_assert_str_eq(config.labels[0], "부정");
  ck_assert_str_eq(config.labels[1], "중립");
  ck_assert_str_eq(config.labels[2], "긍정");
  koe_config_clear(&config);
}
END_TEST

START_TEST(missing_keys_take_the_defaults_of_transformers) {
  koe_config config = read_directory(directory_with("{}", NULL, NULL));
  ck_assert_str_eq(config.architecture, "");
  ck_assert_int_eq(config.vocab_size, 30522);
  ck_assert_int_eq(config.embedding_size, 128);
  ck_assert_int_eq(config.hidden_size, 256);
  ck_assert_int_eq(config.num_hidden_layers, 12);
  ck_assert_int_eq(config.num_attention_heads, 4);
  ck_assert_int_eq(config.intermediate_size, 1024);
  ck_assert_int_eq(config.max_position_embeddings, 512);
  ck_assert_int_eq(config.type_vocab_size, 2);
  ck_assert(config.layer_norm_eps == 1e-12f);
  ck_assert_int_eq(config.hidden_act, KOE_GELU_ERF);
  ck_assert_int_eq(config.num_labels, 0);
  ck_assert_ptr_null(config.labels);
  ck_assert_int_eq(config.model_max_length, 512);
  ck_assert_int_eq(config.pooling, KOE_POOL_MEAN);
  koe_tokenizer_options options = koe_tokenizer_options_default();
  ck_assert_int_eq(config.tokenizer.do_lower_case, options.do_lower_case);
  ck_assert_int_eq(config.tokenizer.strip_accents, options.strip_accents);
  ck_assert_int_eq(config.tokenizer.tokenize_chinese_chars, options.tokenize_chinese_chars);
  ck_assert_str_eq(config.tokenizer.mask_token, "[MASK]");
  koe_config_clear(&config);

  config = read_directory(directory_with("{\"vocab_size\": null, \"id2label\": null,"
                                         "\"architectures\": null, \"model_type\": null}",
                                         NULL, NULL));
  ck_assert_int_eq(config.vocab_size, 30522);
  koe_config_clear(&config);
}
END_TEST

START_TEST(reads_activations) {
  static const struct {
    const char *name;
    koe_activation activation;
  } cases[] = {
      {"gelu", KOE_GELU_ERF},
      {"gelu_new", KOE_GELU_TANH},
      {"gelu_pytorch_tanh", KOE_GELU_TANH},
      {"relu", KOE_RELU},
  };
  const char *directory = temporary_directory();
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    char text[100];
    snprintf(text, sizeof text, "{\"hidden_act\": \"%s\"}", cases[i].name);
    write_text(directory, "config.json", text);
    koe_config config = read_directory(directory);
    ck_assert_msg(config.hidden_act == cases[i].activation, "%s", cases[i].name);
    koe_config_clear(&config);
  }
  refuse(directory, "config.json", "{\"hidden_act\": \"silu\"}", "\"hidden_act\" is \"silu\"");
  refuse(directory, "config.json", "{\"hidden_act\": 1}", "\"hidden_act\" is a number");
}
END_TEST

START_TEST(tells_electra_from_others) {
  static const char *const accepted[] = {
      "{\"model_type\": \"electra\"}",
      "{\"model_type\": \"electra\", \"architectures\": [\"KoElectraForSomething\"]}",
      "{\"architectures\": [\"ElectraForPreTraining\"]}",
      "{\"architectures\": []}",
  };
  const char *directory = temporary_directory();
  for (size_t i = 0; i < sizeof accepted / sizeof accepted[0]; i++) {
    write_text(directory, "config.json", accepted[i]);
    koe_config config = read_directory(directory);
    koe_config_clear(&config);
  }
  const char *file = "config.json";
  refuse(directory, file, "{\"model_type\": \"bert\"}", "\"model_type\" is \"bert\"");
  refuse(directory, file, "{\"model_type\": 1}", "\"model_type\" is a number; expected a string");
  refuse(directory, file, "{\"architectures\": [\"BertModel\"]}", "architecture is \"BertModel\"");
  refuse(directory, file, "{\"architectures\": \"ElectraModel\"}", "expected an array");
  refuse(directory, file, "{\"architectures\": [1]}", "expected strings");
  refuse(
      directory, file,
      "{\"architectures\": [\"Electraaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\"]}",
      "longer than 63 bytes");
  refuse(directory, file, "{\"position_embedding_type\": \"relative_key\"}", "\"relative_key\"");
  refuse(directory, file, "{\"is_decoder\": true}", "\"is_decoder\" is true");
}
END_TEST

START_TEST(checks_sizes) {
  const char *directory = temporary_directory();
  const char *file = "config.json";
  refuse(directory, file, "{\"hidden_size\": 0}", "\"hidden_size\" is 0; expected a whole number");
  refuse(directory, file, "{\"hidden_size\": -1}", "\"hidden_size\" is -1");
  refuse(directory, file, "{\"hidden_size\": 12.5}", "\"hidden_size\" is 12.5");
  refuse(directory, file, "{\"hidden_size\": 1e99}", "from 1 to 65536");
  refuse(directory, file, "{\"hidden_size\": 99999999999999999999999}", "from 1 to 65536");
  refuse(directory, file, "{\"hidden_size\": \"256\"}", "\"hidden_size\" is a string");
  refuse(directory, file, "{\"hidden_size\": [256]}", "\"hidden_size\" is an array");
  refuse(directory, file, "{\"hidden_size\": true}", "\"hidden_size\" is a boolean");
  refuse(directory, file, "{\"vocab_size\": 0}", "\"vocab_size\"");
  refuse(directory, file, "{\"embedding_size\": 0}", "\"embedding_size\"");
  refuse(directory, file, "{\"num_hidden_layers\": 0}", "\"num_hidden_layers\"");
  refuse(directory, file, "{\"num_attention_heads\": 0}", "\"num_attention_heads\"");
  refuse(directory, file, "{\"intermediate_size\": 0}", "\"intermediate_size\"");
  refuse(directory, file, "{\"max_position_embeddings\": 2}", "\"max_position_embeddings\"");
  refuse(directory, file, "{\"type_vocab_size\": 0}", "\"type_vocab_size\"");
  refuse(directory, file, "{\"hidden_size\": 256, \"num_attention_heads\": 3}",
         "\"hidden_size\" 256 is not a multiple of \"num_attention_heads\" 3");
  refuse(directory, file, "{\"layer_norm_eps\": 0}", "\"layer_norm_eps\" is 0");
  refuse(directory, file, "{\"layer_norm_eps\": 1e-60}", "\"layer_norm_eps\" is 1e-60");
  refuse(directory, file, "{\"layer_norm_eps\": -1}", "\"layer_norm_eps\"");
  refuse(directory, file, "{\"layer_norm_eps\": 2}", "\"layer_norm_eps\"");
  refuse(directory, file, "{\"layer_norm_eps\": \"1e-12\"}", "\"layer_norm_eps\" is a string");
}
END_TEST

START_TEST(reads_labels) {
  const char *directory = temporary_directory();
  write_text(directory, "config.json",
             "{\"id2label\": {\"1\": \"나쁨\", \"0\": \"좋음\", \"2\": 7}, \"num_labels\": 2}");
  koe_config config = read_directory(directory);
  ck_assert_int_eq(config.num_labels, 3);
  ck_assert_str_eq(config.labels[0], "좋음");
  ck_assert_str_eq(config.labels[1], "나쁨");
  ck_assert_str_eq(config.labels[2], "7");
  koe_config_clear(&config);

  write_text(directory, "config.json", "{\"num_labels\": 5}");
  config = read_directory(directory);
  ck_assert_int_eq(config.num_labels, 5);
  ck_assert_ptr_null(config.labels);
  koe_config_clear(&config);

  const char *file = "config.json";
  refuse(directory, file, "{\"id2label\": {\"0\": \"a\", \"2\": \"b\"}}", "none for \"1\"");
  refuse(directory, file, "{\"id2label\": {\"1\": \"a\"}}", "none for \"0\"");
  refuse(directory, file, "{\"id2label\": {\"00\": \"a\"}}", "none for \"0\"");
  refuse(directory, file, "{\"id2label\": {}}", "not an object of 1 to");
  refuse(directory, file, "{\"id2label\": [\"a\"]}", "not an object of 1 to");
  refuse(directory, file, "{\"id2label\": {\"0\": null}}", "the label of 0 is null");
  refuse(directory, file, "{\"id2label\": {\"0\": \"a\", \"1\": {}}}",
         "the label of 1 is an object");
  refuse(directory, file, "{\"num_labels\": -1}", "\"num_labels\" is -1");
}
END_TEST

START_TEST(checks_json) {
  const char *directory = temporary_directory();
  const char *file = "config.json";
  refuse(directory, file, "", "not valid JSON");
  refuse(directory, file, "{", "not valid JSON: line 1");
  refuse(directory, file, "{\n\n\"a\": }", "not valid JSON: line 3");
  refuse(directory, file, "{\"a\": 1, \"a\": 2}", "duplicate");
  refuse(directory, file, "[1]", "holds an array; expected an object");
  refuse(directory, file, "{\"a\": \"\xFF\"}", "not valid JSON");
  refuse(directory, file, "{\"a\": \"\\u0000\"}", "not valid JSON");
  refuse(directory, file, "{} x", "not valid JSON");
  refuse(directory, file, "{\"hidden_size\": 1e999}", "not valid JSON");
}
END_TEST

START_TEST(bounds_json) {
  koe_error err;
  koe_config config;
  char path[200];
  const char *directory = temporary_directory();
  snprintf(path, sizeof path, "%s/config.json", directory);
  size_t size = 65 << 20;
  char *text = malloc(size);
  memset(text, ' ', size);
  write_file(path, text, size);
  assert_fails(koe_config_read(directory, &config, &err), KOE_FORMAT, "bytes of JSON");
  koe_config_clear(&config);
  memset(text, '[', 1 << 20);
  write_file(path, text, 1 << 20);
  assert_fails(koe_config_read(directory, &config, &err), KOE_FORMAT, "not valid JSON");
  koe_config_clear(&config);
  memset(text, '[', (1 << 20) + 1);
  write_file(path, text, (1 << 20) + 1);
  assert_fails(koe_config_read(directory, &config, &err), KOE_FORMAT, "more than 1048576 values");
  koe_config_clear(&config);
  free(text);
}
END_TEST

START_TEST(says_what_is_missing) {
  koe_error err;
  koe_config config;
  assert_fails(koe_config_read("/nowhere", &config, &err), KOE_IO, "no directory \"/nowhere\"");
  koe_config_clear(&config);
  assert_fails(koe_config_read("", &config, &err), KOE_IO, "no directory \"\"");
  assert_fails(koe_config_read(test_path("reference/tiny/config.json"), &config, &err), KOE_IO,
               "is not a directory");
  const char *directory = temporary_directory();
  assert_fails(koe_config_read(directory, &config, &err), KOE_IO, "has no config.json");
  char path[200];
  snprintf(path, sizeof path, "%s/config.json", directory);
  ck_assert_int_eq(mkdir(path, 0700), 0);
  assert_fails(koe_config_read(directory, &config, &err), KOE_IO, "is not a regular file");
  koe_config_clear(&config);
}
END_TEST

/* ── tokenizer_config.json ──────────────────────────────────────────────────────────────────────
 */

static koe_config with_tokenizer(const char *text) {
  static const char *directory;
  if (directory == NULL) directory = directory_with("{}", NULL, NULL);
  write_text(directory, "tokenizer_config.json", text);
  return read_directory(directory);
}

START_TEST(reads_tokenizer_options) {
  static const struct {
    const char *text;
    bool lower, strip, ideographs;
    int max_length;
  } cases[] = {
      {"{}", false, false, true, 512},
      {"{\"do_lower_case\": false, \"model_max_length\": 128}", false, false, true, 128},
      {"{\"do_lower_case\": true}", true, true, true, 512},
      {"{\"do_lower_case\": true, \"strip_accents\": null}", true, true, true, 512},
      {"{\"do_lower_case\": true, \"strip_accents\": false}", true, false, true, 512},
      {"{\"do_lower_case\": false, \"strip_accents\": true}", false, true, true, 512},
      {"{\"do_lower_case\": null, \"tokenize_chinese_chars\": false}", false, false, false, 512},
      {"{\"model_max_length\": 1000000000000000019884624838656}", false, false, true, 512},
      {"{\"model_max_length\": 1e30}", false, false, true, 512},
      {"{\"model_max_length\": 513}", false, false, true, 512},
      {"{\"model_max_length\": null, \"max_len\": 64}", false, false, true, 64},
      {"{\"model_max_length\": 32, \"max_len\": 64}", false, false, true, 32},
  };
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    koe_config config = with_tokenizer(cases[i].text);
    ck_assert_msg(config.tokenizer.do_lower_case == cases[i].lower, "%s", cases[i].text);
    ck_assert_msg(config.tokenizer.strip_accents == cases[i].strip, "%s", cases[i].text);
    ck_assert_msg(config.tokenizer.tokenize_chinese_chars == cases[i].ideographs, "%s",
                  cases[i].text);
    ck_assert_msg(config.model_max_length == cases[i].max_length, "%s: %d", cases[i].text,
                  config.model_max_length);
    koe_config_clear(&config);
  }
}
END_TEST

START_TEST(reads_special_tokens) {
  koe_config config = with_tokenizer("{\"unk_token\": \"<unk>\", \"cls_token\": null,"
                                     "\"sep_token\": {\"content\": \"</s>\", \"lstrip\": false},"
                                     "\"mask_token\": \"[가림]\"}");
  ck_assert_str_eq(config.tokenizer.unk_token, "<unk>");
  ck_assert_str_eq(config.tokenizer.sep_token, "</s>");
  ck_assert_str_eq(config.tokenizer.cls_token, "[CLS]");
  ck_assert_str_eq(config.tokenizer.pad_token, "[PAD]");
  ck_assert_str_eq(config.tokenizer.mask_token, "[가림]");
  koe_config_clear(&config);
}
END_TEST

START_TEST(checks_tokenizer_options) {
  const char *directory = directory_with("{}", NULL, NULL);
  const char *file = "tokenizer_config.json";
  refuse(directory, file, "{\"do_lower_case\": 1}", "\"do_lower_case\" is a number; expected true");
  refuse(directory, file, "{\"strip_accents\": \"no\"}", "\"strip_accents\" is a string");
  refuse(directory, file, "{\"tokenize_chinese_chars\": []}", "\"tokenize_chinese_chars\"");
  refuse(directory, file, "{\"model_max_length\": \"512\"}", "\"model_max_length\" is a string");
  refuse(directory, file, "{\"model_max_length\": 0}", "\"model_max_length\" is 0");
  refuse(directory, file, "{\"model_max_length\": -5}", "\"model_max_length\" is -5");
  refuse(directory, file, "{\"max_len\": 2}", "\"max_len\" is 2; expected at least 3");
  refuse(directory, file, "{\"unk_token\": 1}", "\"unk_token\" is neither");
  refuse(directory, file, "{\"unk_token\": {}}", "\"unk_token\" is neither");
  refuse(directory, file, "{\"unk_token\": \"\"}", "\"unk_token\" has 0 bytes; expected 1 to 63");
  char text[200] = "{\"sep_token\": \"";
  memset(text + strlen(text), 's', 64);
  strcat(text, "\"}");
  refuse(directory, file, text, "\"sep_token\" has 64 bytes");
  refuse(directory, file, "no", "not valid JSON");
}
END_TEST

/* ── 1_Pooling/config.json ──────────────────────────────────────────────────────────────────────
 */

START_TEST(reads_pooling) {
  static const struct {
    const char *text;
    koe_pooling pooling;
  } cases[] = {
      {"{}", KOE_POOL_MEAN},
      {"{\"pooling_mode_mean_tokens\": true, \"pooling_mode_cls_token\": false,"
       "\"pooling_mode_max_tokens\": false}",
       KOE_POOL_MEAN},
      {"{\"pooling_mode_mean_tokens\": false, \"pooling_mode_cls_token\": true}", KOE_POOL_CLS},
      {"{\"pooling_mode_cls_token\": true}", KOE_POOL_CLS},
      {"{\"pooling_mode_cls_token\": false}", KOE_POOL_MEAN},
  };
  const char *directory = directory_with("{}", NULL, "{}");
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    write_text(directory, "1_Pooling/config.json", cases[i].text);
    koe_config config = read_directory(directory);
    ck_assert_msg(config.pooling == cases[i].pooling, "%s", cases[i].text);
    koe_config_clear(&config);
  }
  const char *file = "1_Pooling/config.json";
  refuse(directory, file, "{\"pooling_mode_max_tokens\": true}",
         "\"pooling_mode_max_tokens\" is not supported; supported are pooling_mode_mean_tokens");
  refuse(directory, file, "{\"pooling_mode_mean_tokens\": true, \"pooling_mode_cls_token\": true}",
         "one is supported");
  refuse(directory, file, "{\"pooling_mode_mean_tokens\": false}", "no pooling mode is true");
  refuse(directory, file, "{\"pooling_mode_mean_tokens\": 1}", "expected true or false");
}
END_TEST

START_TEST(names_poolings) {
  koe_error err;
  koe_pooling pooling;
  assert_ok(koe_pooling_parse("mean", &pooling, &err));
  ck_assert_int_eq(pooling, KOE_POOL_MEAN);
  assert_ok(koe_pooling_parse("cls", &pooling, &err));
  ck_assert_int_eq(pooling, KOE_POOL_CLS);
  ck_assert_str_eq(koe_pooling_name(KOE_POOL_MEAN), "mean");
  ck_assert_str_eq(koe_pooling_name(KOE_POOL_CLS), "cls");
  assert_fails(koe_pooling_parse("max", &pooling, &err), KOE_INVALID, "\"max\"");
  assert_fails(koe_pooling_parse("", &pooling, &err), KOE_INVALID, "expected mean or cls");
}
END_TEST

/* ── all ────────────────────────────────────────────────────────────────────────────────────────
 */

START_TEST(reads_all_shared_directories) {
  static const struct {
    const char *folder;
    int labels;
    const char *last;
  } cases[] = {
      {"checkpoints/nsmc-small", 2, "positive"},
      {"checkpoints/tiny-seq", 2, "positive"},
      {"tasks/discriminator", 0, NULL},
      {"tasks/generator", 0, NULL},
      {"tasks/ner-naver", 11, "NUM-I"},
      {"tasks/pair-kornli", 3, "neutral"},
      {"tasks/qa-korquad", 0, NULL},
      {"tasks/regression-korsts", 1, "score"},
      {"tasks/seq-nsmc", 2, "positive"},
  };
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    char relative[100];
    snprintf(relative, sizeof relative, "fixtures/%s", cases[i].folder);
    const char *directory = shared_path(relative);
    if (directory == NULL) return;
    koe_config config = read_directory(directory);
    ck_assert_int_eq(config.num_labels, cases[i].labels);
    if (cases[i].last != NULL) {
      ck_assert_str_eq(config.labels[config.num_labels - 1], cases[i].last);
    }
    koe_config_clear(&config);
  }
}
END_TEST

#ifdef KOE_FAULTS
START_TEST(memory_runs_out_cleanly) {
  koe_error err;
  koe_config config;
  koe_status status = KOE_NOMEM;
  long failing = 0;
  const char *directory = directory_with("{\"id2label\": {\"0\": \"a\", \"1\": \"b\"}}",
                                         "{\"do_lower_case\": false}",
                                         "{\"pooling_mode_cls_token\": true}");
  while (status != KOE_OK) {
    koe_memory_fail_after(++failing);
    status = koe_config_read(directory, &config, &err);
    koe_memory_fail_after(0);
    ck_assert_msg(status == KOE_OK || status == KOE_NOMEM, "%ld: %s", failing, err.message);
    koe_config_clear(&config);
  }
  ck_assert_int_gt(failing, 5);
}
END_TEST
#endif

Suite *config_suite(void);

Suite *config_suite(void) {
  Suite *suite = suite_create("config");
  TCase *tcase = tcase_create("config");
  tcase_add_test(tcase, reads_a_classifier);
  tcase_add_test(tcase, missing_keys_take_the_defaults_of_transformers);
  tcase_add_test(tcase, reads_activations);
  tcase_add_test(tcase, tells_electra_from_others);
  tcase_add_test(tcase, checks_sizes);
  tcase_add_test(tcase, reads_labels);
  tcase_add_test(tcase, checks_json);
  tcase_add_test(tcase, bounds_json);
  tcase_add_test(tcase, says_what_is_missing);
  tcase_add_test(tcase, reads_tokenizer_options);
  tcase_add_test(tcase, reads_special_tokens);
  tcase_add_test(tcase, checks_tokenizer_options);
  tcase_add_test(tcase, reads_pooling);
  tcase_add_test(tcase, names_poolings);
  tcase_add_test(tcase, reads_all_shared_directories);
#ifdef KOE_FAULTS
  tcase_add_test(tcase, memory_runs_out_cleanly);
#endif
  suite_add_tcase(suite, tcase);
  return suite;
}
