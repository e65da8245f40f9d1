/* Whole models, texts in and numbers out, against PyTorch's outputs (see reference/README.md). */
#include "../model/memory.h"
#include "registry_support.h"
#include "support.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MANY_TEXTS = 3000, LONG_TEXT_BYTES = 10 << 20 };

static const double tolerance = 1e-4;

/* Cases of an expected.json: those of one text, or those of two. */
typedef struct cases {
  json_t *file;
  const json_t **items; /* [count] */
  koe_text *texts;      /* [count] */
  koe_text *pairs;      /* [count], or NULL */
  size_t count;
} cases;

static koe_text json_text(const json_t *value) {
  ck_assert(json_is_string(value));
  return (koe_text){json_string_value(value), json_string_length(value)};
}

static cases load_cases(const char *directory, bool paired) {
  cases c = {0};
  char path[1200];
  snprintf(path, sizeof path, "%s/expected.json", directory);
  c.file = load_json(path);
  const json_t *all = json_is_array(c.file) ? c.file : json_object_get(c.file, "cases");
  size_t capacity = json_array_size(all);
  c.items = koe_alloc(capacity, sizeof(const json_t *));
  c.texts = koe_alloc(capacity, sizeof *c.texts);
  c.pairs = paired ? koe_alloc(capacity, sizeof *c.pairs) : NULL;
  for (size_t i = 0; i < capacity; i++) {
    const json_t *item = json_array_get(all, i);
    const json_t *pair = json_object_get(item, "pair");
    if ((pair != NULL) != paired) continue;
    c.items[c.count] = item;
    c.texts[c.count] = json_text(json_object_get(item, "text"));
    if (paired) c.pairs[c.count] = json_text(pair);
    c.count++;
  }
  ck_assert_msg(c.count > 0, "%s: no cases with%s pair", path, paired ? "" : "out");
  return c;
}

static void free_cases(cases *c) {
  json_decref(c->file);
  koe_free(c->items);
  koe_free(c->texts);
  koe_free(c->pairs);
}

/* Compares a row of outputs with the numbers under `key` of a case. */
static void check_row(const json_t *item, const char *key, const float *actual, size_t width) {
  const json_t *expected = json_object_get(item, key);
  const char *text = json_string_value(json_object_get(item, "text"));
  ck_assert_msg(json_array_size(expected) == width, "%s: %s has %zu numbers, the model gives %zu",
                text, key, json_array_size(expected), width);
  for (size_t i = 0; i < width; i++) {
    double value = json_number_value(json_array_get(expected, i));
    ck_assert_msg(fabs(actual[i] - value) <= tolerance, "%s: %s[%zu] is %.9g, not %.9g", text, key,
                  i, actual[i], value);
  }
}

static void check_rows(const cases *c, const char *key, const float *actual, size_t width) {
  for (size_t i = 0; i < c->count; i++)
    check_row(c->items[i], key, actual + i * width, width);
}

static void check_ids(const json_t *item, const char *key, const koe_tokens *tokens) {
  const json_t *expected = json_object_get(item, key);
  const char *text = json_string_value(json_object_get(item, "text"));
  if (expected == NULL) return;
  ck_assert_msg(json_array_size(expected) == tokens->count, "%s: %zu tokens, not %zu", text,
                tokens->count, json_array_size(expected));
  for (size_t i = 0; i < tokens->count; i++) {
    const koe_token *token = &tokens->items[i];
    int32_t actual = strcmp(key, "input_ids") == 0 ? token->id : token->segment;
    int32_t value = (int32_t)json_integer_value(json_array_get(expected, i));
    ck_assert_msg(actual == value, "%s: %s[%zu] is %d, not %d", text, key, i, (int)actual,
                  (int)value);
  }
}

static void check_tokens(const koe_model *model, const cases *c) {
  koe_error err;
  koe_tokens tokens = {0};
  for (size_t i = 0; i < c->count; i++) {
    assert_ok(koe_tokenizer_encode(koe_model_tokenizer(model), c->texts[i],
                                   c->pairs != NULL ? &c->pairs[i] : NULL,
                                   koe_model_max_length(model), &tokens, &err));
    check_ids(c->items[i], "input_ids", &tokens);
    check_ids(c->items[i], "token_type_ids", &tokens);
  }
  koe_tokens_clear(&tokens);
}

/* Embeddings, each text alone and then all in one call. */
static void check_embeddings(const koe_model *model, const cases *c, const char *key) {
  koe_error err;
  size_t width = koe_model_dimension(model);
  float *out = koe_alloc(c->count * width, sizeof *out);
  for (size_t i = 0; i < c->count; i++) {
    assert_ok(koe_model_embed(model, &c->texts[i], 1, out, &err));
    check_row(c->items[i], key, out, width);
  }
  assert_ok(koe_model_embed(model, c->texts, c->count, out, &err));
  check_rows(c, key, out, width);
  koe_free(out);
}

/* Logits, likewise. */
static void check_logits(const koe_model *model, const cases *c, const char *key) {
  koe_error err;
  size_t width = koe_model_label_count(model);
  ck_assert_uint_gt(width, 0);
  float *out = koe_alloc(c->count * width, sizeof *out);
  for (size_t i = 0; i < c->count; i++) {
    const koe_text *pair = c->pairs != NULL ? &c->pairs[i] : NULL;
    assert_ok(koe_model_logits(model, &c->texts[i], pair, 1, out, &err));
    check_row(c->items[i], key, out, width);
  }
  assert_ok(koe_model_logits(model, c->texts, c->pairs, c->count, out, &err));
  check_rows(c, key, out, width);
  koe_free(out);
}

static void check_probabilities(const koe_model *model, const cases *c) {
  koe_error err;
  size_t width = koe_model_label_count(model);
  float *out = koe_alloc(c->count * width, sizeof *out);
  assert_ok(koe_model_logits(model, c->texts, c->pairs, c->count, out, &err));
  for (size_t i = 0; i < c->count; i++)
    koe_model_probabilities(out + i * width, width);
  check_rows(c, "probabilities", out, width);
  koe_free(out);
}

/* ── goldens ────────────────────────────────────────────────────────────────────────────────────
 */

static void check_classifier(const char *directory) {
  cases texts = load_cases(directory, false), pairs = load_cases(directory, true);
  const koe_model *model = open_model(directory, NULL);
  ck_assert_int_eq(koe_model_pooling(model), KOE_POOL_MEAN);
  check_tokens(model, &texts);
  check_tokens(model, &pairs);
  check_embeddings(model, &texts, "mean");
  check_logits(model, &texts, "logits");
  check_logits(model, &pairs, "logits");
  check_probabilities(model, &texts);
  check_probabilities(model, &pairs);
  close_model(model);

  model = open_model(directory, "{\"pooling\": \"cls\"}");
  ck_assert_int_eq(koe_model_pooling(model), KOE_POOL_CLS);
  check_embeddings(model, &texts, "cls");
  close_model(model);
  free_cases(&texts);
  free_cases(&pairs);
}

START_TEST(tiny) {
  check_classifier(test_path("reference/tiny"));
}
END_TEST

START_TEST(odd) {
  check_classifier(test_path("reference/odd"));
}
END_TEST

START_TEST(bare) {
  koe_error err;
  float logits[8];
  const char *directory = test_path("reference/bare");
  cases texts = load_cases(directory, false);
  const koe_model *model = open_model(directory, NULL);
  ck_assert_int_eq(koe_model_pooling(model), KOE_POOL_CLS);
  ck_assert_uint_eq(koe_model_max_length(model), 40);
  check_tokens(model, &texts);
  check_embeddings(model, &texts, "cls");
  ck_assert_uint_eq(koe_model_label_count(model), 0);
  assert_fails(koe_model_logits(model, texts.texts, NULL, 1, logits, &err), KOE_UNSUPPORTED,
               "ElectraModel");
  close_model(model);

  model = open_model(directory, "{\"pooling\": \"mean\"}");
  check_embeddings(model, &texts, "mean");
  close_model(model);
  free_cases(&texts);
}
END_TEST

/* A copy of tiny/ with one of its weight files under the hub's name. */
static const char *only_weights(const char *source, const char *name) {
  static char from[1200], to[1200];
  const char *directory = copy_directory(test_path("reference/tiny"));
  snprintf(from, sizeof from, "%s/%s", directory, source);
  snprintf(to, sizeof to, "%s/model.safetensors", directory);
  if (strcmp(from, to) != 0) ck_assert_int_eq(remove(to), 0);
  snprintf(to, sizeof to, "%s/%s", directory, name);
  ck_assert_int_eq(rename(from, to), 0);
  return directory;
}

static const struct format {
  const char *source, *name, *precision, *logits;
} formats[] = {
    {"model.safetensors", "model.safetensors", "float32", "logits"},
    {"pytorch_model.zip.bin", "pytorch_model.bin", "float32", "logits"},
    {"pytorch_model.legacy.bin", "pytorch_model.bin", "float32", "logits"},
    {"pytorch_model.half.zip.bin", "pytorch_model.bin", "float16", "logits_float16"},
    {"model.f16.safetensors", "model.safetensors", "float16", "logits_float16"},
    {"model.bf16.safetensors", "model.safetensors", "bfloat16", "logits_bfloat16"},
};

START_TEST(weight_formats) {
  const struct format *format = &formats[_i];
  koe_error err;
  koe_registry_entry *entries;
  size_t count;
  const char *directory = only_weights(format->source, format->name);
  cases texts = load_cases(directory, false), pairs = load_cases(directory, true);
  const koe_model *model = open_model(directory, NULL);
  check_logits(model, &texts, format->logits);
  check_logits(model, &pairs, format->logits);
  assert_ok(koe_registry_list(&entries, &count, &err));
  ck_assert_uint_eq(count, 1);
  ck_assert_str_eq(entries[0].precision, format->precision);
  koe_registry_entries_free(entries, count);

  /* The same weights are the same model, whatever file they are in. */
  const koe_model *original = open_model_as("original", test_path("reference/tiny"), NULL);
  bool same = koe_model_fingerprint(model) == koe_model_fingerprint(original);
  ck_assert_int_eq(same, strcmp(format->precision, "float32") == 0);
  koe_registry_release(original);
  close_model(model);
  free_cases(&texts);
  free_cases(&pairs);
}
END_TEST

START_TEST(labels) {
  static const char *const expected[] = {"부정", "중립", "긍정"};
  const koe_model *model = open_model(test_path("reference/tiny"), NULL);
  ck_assert_uint_eq(koe_model_label_count(model), 3);
  for (size_t i = 0; i < 3; i++)
    ck_assert_str_eq(koe_model_label(model, i), expected[i]);
  close_model(model);
  model = open_model(test_path("reference/odd"), NULL);
  ck_assert_uint_eq(koe_model_label_count(model), 1);
  ck_assert_str_eq(koe_model_label(model, 0), "LABEL_0");
  close_model(model);
}
END_TEST

START_TEST(shared_reviews) {
  const char *directory = shared_path("fixtures/checkpoints/nsmc-small");
  if (directory == NULL) return;
  cases texts = load_cases(directory, false);
  ck_assert_uint_eq(texts.count, 200);
  const koe_model *model = open_model(directory, NULL);
  check_tokens(model, &texts);
  check_logits(model, &texts, "logits");
  check_embeddings(model, &texts, "mean_pooled_normalised");
  ck_assert_str_eq(koe_model_label(model, 1), "positive");
  close_model(model);
  free_cases(&texts);
}
END_TEST

/* ── options ────────────────────────────────────────────────────────────────────────────────────
 */

START_TEST(max_length) {
  koe_error err;
  koe_tokens tokens = {0};
  float whole[32], cut[32];
  const koe_text text = {"사과 두 개 책 문", strlen("사과 두 개 책 문")};
  const koe_model *model = open_model(test_path("reference/tiny"), NULL);
  ck_assert_uint_eq(koe_model_max_length(model), 64);
  uint64_t fingerprint = koe_model_fingerprint(model);
  assert_ok(koe_model_embed(model, &text, 1, whole, &err));
  close_model(model);

  model = open_model(test_path("reference/tiny"), "{\"max_length\": 5}");
  ck_assert_uint_eq(koe_model_max_length(model), 5);
  ck_assert_uint_ne(koe_model_fingerprint(model), fingerprint);
  assert_ok(koe_tokenizer_encode(koe_model_tokenizer(model), text, NULL, 5, &tokens, &err));
  ck_assert_uint_eq(tokens.count, 5);
  assert_ok(koe_model_embed(model, &text, 1, cut, &err));
  ck_assert(memcmp(whole, cut, sizeof cut) != 0);
  koe_tokens_clear(&tokens);
  close_model(model);
}
END_TEST

/* ── unusual input ──────────────────────────────────────────────────────────────────────────────
 */

static void check_unit_length(const float *vector, size_t width, const char *what) {
  double sum = 0;
  for (size_t i = 0; i < width; i++)
    sum += (double)vector[i] * vector[i];
  ck_assert_msg(fabs(sum - 1) < 1e-5, "%s: squared length %.9g", what, sum);
}

START_TEST(unusual_texts) {
  static const struct {
    const char *what;
    koe_text text;
  } unusual[] = {
      {"no bytes at a null pointer", {NULL, 0}}, {"empty", {"", 0}},
      {"white space", {" \t\r\n", 4}},           {"a NUL byte", {"책\0문", 7}},
      {"a lone continuation byte", {"\x80", 1}}, {"a truncated syllable", {"\xEA\xB0", 2}},
      {"a surrogate", {"\xED\xA0\x80", 3}},      {"beyond Unicode", {"\xF7\xBF\xBF\xBF", 4}},
      {"bytes FF", {"\xFF\xFF\xFF\xFF", 4}},
  };
  koe_error err;
  float out[32], logits[3];
  const koe_model *model = open_model(test_path("reference/tiny"), NULL);
  for (size_t i = 0; i < sizeof unusual / sizeof unusual[0]; i++) {
    assert_ok(koe_model_embed(model, &unusual[i].text, 1, out, &err));
    check_unit_length(out, 32, unusual[i].what);
    assert_ok(koe_model_logits(model, &unusual[i].text, &unusual[i].text, 1, logits, &err));
    koe_model_probabilities(logits, 3);
    ck_assert_msg(fabs(logits[0] + logits[1] + logits[2] - 1) < 1e-5, "%s", unusual[i].what);
  }
  close_model(model);
}
END_TEST

/* What is beyond the model's length changes nothing, however long it is. */
START_TEST(long_text) {
  static const char word[] = "사과 ";
  koe_error err;
  float of_short[32], of_long[32];
  const size_t length = sizeof word - 1;
  char *bytes = koe_alloc(LONG_TEXT_BYTES, 1);
  for (size_t i = 0; i < LONG_TEXT_BYTES; i++)
    bytes[i] = word[i % length];
  const koe_model *model = open_model(test_path("reference/tiny"), NULL);
  assert_ok(koe_model_embed(model, &(koe_text){bytes, 100 * length}, 1, of_short, &err));
  assert_ok(koe_model_embed(model, &(koe_text){bytes, LONG_TEXT_BYTES}, 1, of_long, &err));
  ck_assert_mem_eq(of_short, of_long, sizeof of_long);

  memset(bytes, 'a', LONG_TEXT_BYTES); /* one word: [UNK] */
  assert_ok(koe_model_embed(model, &(koe_text){bytes, LONG_TEXT_BYTES}, 1, of_long, &err));
  check_unit_length(of_long, 32, "one long word");
  close_model(model);
  koe_free(bytes);
}
END_TEST

/* Texts of the greatest length among short ones: the call is split into several batches. */
START_TEST(long_among_short) {
  enum { TEXTS = 150 };
  koe_error err;
  cases c = load_cases(test_path("reference/tiny"), false);
  const koe_model *model = open_model(test_path("reference/tiny"), NULL);
  size_t width = koe_model_dimension(model), longest = 0;
  koe_text texts[TEXTS];
  size_t which[TEXTS];
  float *out = koe_alloc(TEXTS * width, sizeof *out);
  for (size_t i = 1; i < c.count; i++) {
    if (c.texts[i].length > c.texts[longest].length) longest = i;
  }
  ck_assert_uint_eq(json_array_size(json_object_get(c.items[longest], "input_ids")), 64);
  for (size_t i = 0; i < TEXTS; i++) {
    which[i] = i % 5 == 0 ? i % c.count : longest;
    texts[i] = c.texts[which[i]];
  }
  assert_ok(koe_model_embed(model, texts, TEXTS, out, &err));
  for (size_t i = 0; i < TEXTS; i++)
    check_row(c.items[which[i]], "mean", out + i * width, width);
  koe_free(out);
  close_model(model);
  free_cases(&c);
}
END_TEST

/* Ten thousand texts in one call, on any number of threads, come out in order. */
START_TEST(many_texts) {
  static const int64_t threads[] = {1, 3, 8};
  koe_error err;
  cases c = load_cases(test_path("reference/tiny"), false);
  const koe_model *model = open_model(test_path("reference/tiny"), NULL);
  size_t width = koe_model_dimension(model);
  koe_text *texts = koe_alloc(MANY_TEXTS, sizeof *texts);
  float *out = koe_alloc(MANY_TEXTS * width, sizeof *out);
  for (size_t i = 0; i < MANY_TEXTS; i++)
    texts[i] = c.texts[i * 7 % c.count];
  for (size_t t = 0; t < sizeof threads / sizeof threads[0]; t++) {
    assert_ok(koe_registry_config_set("threads", threads[t], &err));
    memset(out, 0, MANY_TEXTS * width * sizeof *out);
    assert_ok(koe_model_embed(model, texts, MANY_TEXTS, out, &err));
    for (size_t i = 0; i < MANY_TEXTS; i++)
      check_row(c.items[i * 7 % c.count], "mean", out + i * width, width);
  }
  assert_ok(koe_model_embed(model, texts, 0, NULL, &err));
  assert_ok(koe_model_logits(model, texts, NULL, 0, NULL, &err));
  koe_free(texts);
  koe_free(out);
  close_model(model);
  free_cases(&c);
}
END_TEST

/* A file of the right shape whose numbers are not: an error, not NaN. */
START_TEST(damaged_numbers) {
  static const float nan_value = NAN;
  koe_error err;
  float out[36];
  char path[1200];
  size_t length;
  const char *directory = copy_directory(test_path("reference/odd"));
  snprintf(path, sizeof path, "%s/model.safetensors", directory);
  char *bytes = read_file(path, &length);
  memcpy(bytes + length - sizeof nan_value, &nan_value, sizeof nan_value); /* out_proj.bias */
  write_file(path, bytes, length);
  free(bytes);
  const koe_model *model = open_model(directory, NULL);
  const koe_text text = {"책", 3};
  assert_ok(koe_model_embed(model, &text, 1, out, &err));
  assert_fails(koe_model_logits(model, &text, NULL, 1, out, &err), KOE_FORMAT, "not finite");
  ck_assert_ptr_nonnull(strstr(err.message, path));
  close_model(model);
}
END_TEST

START_TEST(probabilities) {
  float even[2] = {1000, 1000}, far[3] = {-1e30f, 0, 1e30f}, one[1] = {3.5f};
  koe_model_probabilities(even, 2);
  ck_assert_float_eq(even[0], 0.5f);
  koe_model_probabilities(far, 3);
  ck_assert_float_eq(far[0], 0);
  ck_assert_float_eq(far[1], 0);
  ck_assert_float_eq(far[2], 1);
  koe_model_probabilities(one, 1);
  ck_assert_float_eq(one[0], 3.5f);
}
END_TEST

Suite *model_suite(void);

Suite *model_suite(void) {
  Suite *suite = suite_create("model");
  TCase *goldens = tcase_create("goldens");
  tcase_add_test(goldens, tiny);
  tcase_add_test(goldens, odd);
  tcase_add_test(goldens, bare);
  tcase_add_loop_test(goldens, weight_formats, 0, sizeof formats / sizeof formats[0]);
  tcase_add_test(goldens, labels);
  tcase_add_test(goldens, shared_reviews);
  suite_add_tcase(suite, goldens);
  TCase *uses = tcase_create("uses");
  tcase_add_test(uses, max_length);
  tcase_add_test(uses, unusual_texts);
  tcase_add_test(uses, long_text);
  tcase_add_test(uses, long_among_short);
  tcase_add_test(uses, many_texts);
  tcase_add_test(uses, damaged_numbers);
  tcase_add_test(uses, probabilities);
  suite_add_tcase(suite, uses);
  return suite;
}
