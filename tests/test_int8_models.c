/* int8: layers, hidden states, embeddings and labels against float32. */
#include "../model/backbone.h"
#include "../model/memory.h"
#include "../model/packed_linear.h"
#include "../model/quantized_linear.h"
#include "../model/registry.h"
#include "../model/trainer/quantize.h"
#include "golden.h"
#include "registry_support.h"
#include "support.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char tiny[] = "tests/reference/tiny";
static const char int8_option[] = "{\"precision\": \"int8\"}";

static void *zeros(size_t count, size_t size) {
  void *memory = koe_alloc_zero(count, size);
  ck_assert_ptr_nonnull(memory);
  return memory;
}

static void fill(float *x, size_t n, float magnitude) {
  for (size_t i = 0; i < n; i++)
    x[i] = ((float)rand() / (float)RAND_MAX * 2 - 1) * magnitude;
}

/* ── layers ─────────────────────────────────────────────────────────────────────────────────────
 */

typedef struct opened {
  koe_config config;
  koe_backbone *backbone;
} opened;

static opened open_backbone(const char *directory, const koe_int8_kernels *int8) {
  koe_error err;
  opened o;
  koe_directory at = koe_directory_at(directory);
  assert_ok(koe_config_read(directory, &o.config, &err));
  assert_ok(koe_backbone_open(&at, &o.config, koe_kernels_best(), int8, &o.backbone, &err));
  return o;
}

static void close_backbone(opened *o) {
  koe_backbone_free(o->backbone);
  koe_config_clear(&o->config);
}

static double largest_of(const float *x, size_t n) {
  double largest = 0;
  for (size_t i = 0; i < n; i++)
    largest = fmax(largest, fabsf(x[i]));
  return largest;
}

/* The products of a float32 layer; the caller frees. */
static float *multiply(const koe_linear *layer, const float *x, size_t rows) {
  koe_error err;
  koe_epilogue none = {0};
  size_t inputs = layer->in_features, outputs = layer->out_features;
  float *y = zeros(rows * outputs, sizeof *y);
  float *work = koe_alloc_aligned(koe_packed_linear_work(inputs), sizeof *work);
  ck_assert_ptr_nonnull(work);
  assert_ok(koe_packed_linear_prepare(layer->packed, &err));
  koe_packed_linear_forward(layer->packed, koe_kernels_best(), x, inputs, rows, &none, work, y,
                            outputs);
  koe_free(work);
  return y;
}

/* Its weights [in_features, out_features]: what it makes of the identity. */
static float *transposed_weights(const koe_linear *layer) {
  size_t inputs = layer->in_features;
  float *identity = zeros(inputs * inputs, sizeof *identity);
  for (size_t i = 0; i < inputs; i++)
    identity[i * inputs + i] = 1;
  float *weights = multiply(layer, identity, inputs);
  koe_free(identity);
  return weights;
}

/* Both factors of each product are off by half a step at most, so a sum of n products by
 * n · (|x| · w_step + |w| · x_step) / 2 + n · x_step · w_step / 4.  On the whole it is far less. */
static void check_layer(const koe_linear *exact, const koe_linear *rounded) {
  enum { ROWS = 13 };
  const koe_int8_kernels *kernels = koe_int8_best();
  size_t inputs = exact->in_features, outputs = exact->out_features;
  float *x = zeros(ROWS * inputs, sizeof *x), *y = zeros(ROWS * outputs, sizeof *y);
  void *work = koe_alloc_aligned(koe_quantized_linear_work(kernels, inputs, ROWS), 1);
  ck_assert_ptr_nonnull(work);
  ck_assert_uint_eq(rounded->in_features, inputs);
  ck_assert_uint_eq(rounded->out_features, outputs);
  ck_assert_mem_eq(rounded->bias, exact->bias, outputs * sizeof *exact->bias);
  fill(x, ROWS * inputs, 2);
  float *expected = multiply(exact, x, ROWS), *weights = transposed_weights(exact);
  koe_quantized_linear_forward(rounded->quantized, kernels, x, ROWS, true, work, y);
  double errors = 0, squares = 0;
  for (size_t r = 0; r < ROWS; r++) {
    double x_largest = largest_of(x + r * inputs, inputs);
    for (size_t o = 0; o < outputs; o++) {
      double w_largest = 0;
      for (size_t i = 0; i < inputs; i++)
        w_largest = fmax(w_largest, fabsf(weights[i * outputs + o]));
      double bound = (double)inputs * x_largest * w_largest * (1 / 127.0 + 1 / (4 * 127.0 * 127));
      double value = expected[r * outputs + o];
      double error = (double)y[r * outputs + o] - exact->bias[o] - value;
      ck_assert_msg(fabs(error) <= bound + 1e-5, "[%zu, %zu]: off by %g", r, o, error);
      errors += error * error;
      squares += value * value;
    }
  }
  ck_assert_msg(errors <= squares * 0.01 * 0.01, "relative error %g", sqrt(errors / squares));
  koe_free(x);
  koe_free(y);
  koe_free(expected);
  koe_free(weights);
  koe_free(work);
}

START_TEST(layers) {
  srand(5);
  opened exact = open_backbone(tiny, NULL), rounded = open_backbone(tiny, koe_int8_best());
  const koe_encoder *a = exact.backbone->encoder, *b = rounded.backbone->encoder;
  check_layer(&a->embeddings_project, &b->embeddings_project);
  for (size_t i = 0; i < a->num_layers; i++) {
    check_layer(&a->layers[i].qkv, &b->layers[i].qkv);
    check_layer(&a->layers[i].attention_output, &b->layers[i].attention_output);
    check_layer(&a->layers[i].intermediate, &b->layers[i].intermediate);
    check_layer(&a->layers[i].output, &b->layers[i].output);
  }
  close_backbone(&exact);
  close_backbone(&rounded);
}
END_TEST

/* Hidden states of a batch of `sequences` texts of 1, 2, … made-up tokens; the caller frees. */
static float *encode(const opened *o, size_t first, size_t sequences) {
  koe_error err;
  koe_scratch scratch = {0};
  const float *hidden;
  koe_token tokens[64];
  for (size_t s = first; s < first + sequences; s++) {
    for (size_t t = 0; t <= s; t++)
      tokens[t] = (koe_token){.id = (int32_t)((s * 31 + t * 7) % (size_t)o->config.vocab_size)};
    assert_ok(koe_batch_append(&scratch.batch, tokens, s + 1, &err));
  }
  assert_ok(koe_encoder_forward(o->backbone->encoder, &scratch.batch, 1, &scratch, &hidden, &err));
  size_t count = scratch.batch.total * (size_t)o->config.hidden_size;
  float *copy = zeros(count, sizeof *copy);
  memcpy(copy, hidden, count * sizeof *copy);
  koe_scratch_clear(&scratch);
  return copy;
}

/* All kernels give the same hidden states where the float32 ones are the same. */
START_TEST(hidden_states) {
  static const char *const names[] = {"avx2", "avxvnni", "avx512vnni", "neon", "neondot"};
  const koe_int8_kernels *kernels = koe_int8_named(names[_i]);
  if (kernels == NULL) return;
  opened expected = open_backbone(tiny, &koe_int8_portable), actual = open_backbone(tiny, kernels);
  float *a = encode(&expected, 0, 30), *b = encode(&actual, 0, 30);
  ck_assert_msg(memcmp(a, b, 30 * 31 / 2 * 32 * sizeof *a) == 0, "%s differs", kernels->name);
  koe_free(a);
  koe_free(b);
  close_backbone(&expected);
  close_backbone(&actual);
}
END_TEST

static void check_same_weights(const koe_linear *a, const koe_linear *b) {
  const koe_int8_matrix *left = &a->quantized->matrix, *right = &b->quantized->matrix;
  size_t outputs = (a->out_features + 15) / 16 * 16, inputs = (a->in_features + 3) / 4 * 4;
  ck_assert_mem_eq(left->weights, right->weights, outputs * inputs);
  ck_assert_mem_eq(left->scales, right->scales, outputs * sizeof *left->scales);
  ck_assert_mem_eq(left->offsets, right->offsets, outputs * sizeof *left->offsets);
}

/* A checkpoint stored as int8 is taken as it is: the same as rounding the original at load. */
START_TEST(stored) {
  koe_error err;
  const char *copy = temporary_directory();
  koe_quantize_options single = {.rest = KOE_F32};
  assert_ok(koe_quantize_directory(tiny, copy, &single, &err));
  opened original = open_backbone(tiny, koe_int8_best());
  opened small = open_backbone(copy, koe_int8_best());
  ck_assert_ptr_nonnull(original.backbone->encoder->words.own_values);
  ck_assert_ptr_null(small.backbone->encoder->words.own_values);
  const koe_encoder *a = original.backbone->encoder, *b = small.backbone->encoder;
  ck_assert_mem_eq(a->words.values, b->words.values, a->vocab_size * a->embedding_size);
  ck_assert_mem_eq(a->words.scales, b->words.scales, a->vocab_size * sizeof(float));
  check_same_weights(&a->embeddings_project, &b->embeddings_project);
  for (size_t i = 0; i < a->num_layers; i++) {
    check_same_weights(&a->layers[i].qkv, &b->layers[i].qkv);
    check_same_weights(&a->layers[i].attention_output, &b->layers[i].attention_output);
    check_same_weights(&a->layers[i].intermediate, &b->layers[i].intermediate);
    check_same_weights(&a->layers[i].output, &b->layers[i].output);
  }
  close_backbone(&original);
  close_backbone(&small);
}
END_TEST

static void put_nan(const char *path, const char *tensor) {
  size_t length;
  char *bytes = read_file(path, &length);
  uint64_t header;
  memcpy(&header, bytes, sizeof header);
  json_t *root = json_loadb(bytes + 8, header, 0, NULL);
  const json_t *offsets = json_object_get(json_object_get(root, tensor), "data_offsets");
  size_t at = 8 + header + (size_t)json_integer_value(json_array_get(offsets, 0)) + 4;
  ck_assert_uint_lt(at + 4, length);
  float nan = NAN;
  memcpy(bytes + at, &nan, sizeof nan);
  write_file(path, bytes, length);
  json_decref(root);
  free(bytes);
}

START_TEST(not_finite) {
  static const char *const tensors[] = {"electra.embeddings.word_embeddings.weight",
                                        "electra.encoder.layer.1.attention.self.key.weight",
                                        "electra.encoder.layer.0.output.dense.weight"};
  for (size_t i = 0; i < 3; i++) {
    koe_error err;
    koe_config config;
    koe_backbone *backbone;
    const char *copy = copy_directory(tiny);
    koe_directory at = koe_directory_at(copy);
    put_nan(file_in(copy, "model.safetensors"), tensors[i]);
    assert_ok(koe_config_read(copy, &config, &err));
    assert_fails(
        koe_backbone_open(&at, &config, koe_kernels_best(), koe_int8_best(), &backbone, &err),
        KOE_FORMAT, tensors[i]);
    ck_assert_ptr_null(backbone);
    koe_config_clear(&config);
  }
}
END_TEST

#ifdef KOE_FAULTS
START_TEST(short_memory) {
  static const char *const files[] = {"model.safetensors", "model.f16.safetensors"};
  for (size_t i = 0; i < 2; i++) {
    koe_error err;
    koe_config config;
    koe_backbone *backbone = NULL;
    const char *copy = copy_directory(tiny);
    koe_directory at = koe_directory_at(copy);
    ck_assert_int_eq(rename(file_in(copy, files[i]), file_in(copy, "model.safetensors")), 0);
    assert_ok(koe_config_read(copy, &config, &err));
    koe_status status = KOE_NOMEM;
    long n = 0;
    while (status == KOE_NOMEM) {
      koe_memory_fail_after(++n);
      status =
          koe_backbone_open(&at, &config, koe_kernels_best(), koe_int8_best(), &backbone, &err);
      koe_memory_fail_after(0);
    }
    assert_ok(status);
    ck_assert_int_gt(n, 40);
    koe_backbone_free(backbone);
    koe_config_clear(&config);
  }
}
END_TEST
#endif

/* ── models ─────────────────────────────────────────────────────────────────────────────────────
 */

static const koe_registry_entry *entry_of(const koe_registry_entry *entries, size_t count,
                                          const char *name) {
  for (size_t i = 0; i < count; i++) {
    if (strcmp(entries[i].name, name) == 0) return &entries[i];
  }
  ck_abort_msg("no %s", name);
  return NULL;
}

START_TEST(registered) {
  koe_error err;
  const koe_model *exact = open_model_as("exact", tiny, "{\"precision\": \"float32\"}");
  const koe_model *plain = open_model_as("plain", tiny, NULL);
  const koe_model *rounded = open_model_as("rounded", tiny, int8_option);
  const koe_model *again = open_model_as("again", tiny, int8_option);
  ck_assert_ptr_eq(exact, plain);
  ck_assert_ptr_eq(rounded, again);
  ck_assert_ptr_ne(exact, rounded);
  koe_registry_entry *entries;
  size_t count;
  assert_ok(koe_registry_list(&entries, &count, &err));
  const koe_registry_entry *a = entry_of(entries, count, "exact");
  const koe_registry_entry *b = entry_of(entries, count, "rounded");
  ck_assert_str_eq(a->precision, "float32");
  ck_assert_str_eq(b->precision, "int8");
  ck_assert(a->fingerprint != b->fingerprint);
  ck_assert_int_lt(b->bytes, a->bytes);
  koe_registry_entries_free(entries, count);
  koe_registry_release(exact);
  koe_registry_release(plain);
  koe_registry_release(rounded);
  koe_registry_release(again);
  koe_registry_clear();
}
END_TEST

START_TEST(bad_options) {
  koe_error err;
  static const char *const bad[] = {"{\"precision\": \"int4\"}", "{\"precision\": 8}",
                                    "{\"precision\": null}", "{\"precision\": \"INT8\"}"};
  for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
    assert_fails(koe_registry_load("t", tiny, bad[i], &err), KOE_INVALID,
                 "precision is \"float32\" or \"int8\"");
  }
  assert_fails(koe_registry_load("t", tiny, "{\"precise\": 1}", &err), KOE_INVALID, "precision");
}
END_TEST

typedef struct pair {
  const koe_model *exact, *rounded;
} pair;

static pair open_pair(const char *directory) {
  return (pair){.exact = open_model_as("exact", directory, NULL),
                .rounded = open_model_as("rounded", directory, int8_option)};
}

static void close_pair(pair *p) {
  koe_registry_release(p->exact);
  koe_registry_release(p->rounded);
  koe_registry_clear();
}

static double cosine(const float *a, const float *b, size_t n) {
  double ab = 0, aa = 0, bb = 0;
  for (size_t i = 0; i < n; i++) {
    ab += (double)a[i] * b[i];
    aa += (double)a[i] * a[i];
    bb += (double)b[i] * b[i];
  }
  return ab / sqrt(aa * bb);
}

static bool is_first_larger(const float *logits) {
  return logits[0] > logits[1];
}

/* The smallest cosine of int8 embeddings to float32 ones, and how many of two labels differ. */
static double compare(const pair *p, const koe_text *texts, size_t count, size_t *differ) {
  koe_error err;
  size_t width = koe_model_dimension(p->exact), labels = koe_model_label_count(p->exact);
  float *a = zeros(count * width, sizeof *a), *b = zeros(count * width, sizeof *b);
  double smallest = 1;
  assert_ok(koe_model_embed(p->exact, texts, count, a, &err));
  assert_ok(koe_model_embed(p->rounded, texts, count, b, &err));
  for (size_t i = 0; i < count; i++)
    smallest = fmin(smallest, cosine(a + i * width, b + i * width, width));
  ck_assert_uint_le(labels, width);
  assert_ok(koe_model_logits(p->exact, texts, NULL, count, a, &err));
  assert_ok(koe_model_logits(p->rounded, texts, NULL, count, b, &err));
  *differ = 0;
  for (size_t i = 0; i < count; i++)
    *differ += is_first_larger(a + i * labels) != is_first_larger(b + i * labels);
  koe_free(a);
  koe_free(b);
  return smallest;
}

static koe_text text_of(const json_t *item) {
  const char *text = json_string_value(json_object_get(item, "text"));
  ck_assert_ptr_nonnull(text);
  return (koe_text){text, strlen(text)};
}

/* Real reviews through a trained model. */
START_TEST(real_texts) {
  enum { COUNT = 200 };
  const char *directory = shared_path("fixtures/checkpoints/nsmc-small");
  if (directory == NULL) return;
  koe_text texts[COUNT];
  size_t differ;
  json_t *cases = load_json(file_in(directory, "expected.json"));
  ck_assert_uint_eq(json_array_size(cases), COUNT);
  for (size_t i = 0; i < COUNT; i++)
    texts[i] = text_of(json_array_get(cases, i));
  pair p = open_pair(directory);
  double smallest = compare(&p, texts, COUNT, &differ);
  ck_assert_msg(smallest >= 0.999, "cosine %.6f", smallest);
  ck_assert_msg(differ == 0, "%zu labels differ", differ);
  close_pair(&p);
  json_decref(cases);
}
END_TEST

/* Random weights, rows of 16 and 32 numbers: fewer errors cancel than in rows of 256. */
START_TEST(random_weights) {
  enum { MAX_COUNT = 100 };
  koe_text texts[MAX_COUNT];
  size_t count = 0, differ;
  json_t *cases = load_cases(tiny);
  for (size_t i = 0; i < json_array_size(cases) && count < MAX_COUNT; i++) {
    if (json_object_get(json_array_get(cases, i), "pair") == NULL)
      texts[count++] = text_of(json_array_get(cases, i));
  }
  ck_assert_uint_gt(count, 20);
  pair p = open_pair(tiny);
  double smallest = compare(&p, texts, count, &differ);
  ck_assert_msg(smallest >= 0.998 && smallest < 1 - 1e-9, "cosine %.9f", smallest);
  close_pair(&p);
  json_decref(cases);
}
END_TEST

/* Rows are rounded each by itself and sums are exact: a text's embedding does not depend on what it
 * is encoded with. */
START_TEST(company_makes_no_difference) {
  opened o = open_backbone(tiny, koe_int8_best());
  size_t width = (size_t)o.config.hidden_size, at = 0;
  float *together = encode(&o, 0, 25);
  for (size_t s = 0; s < 25; s++) {
    float *alone = encode(&o, s, 1);
    ck_assert_mem_eq(alone, together + at, (s + 1) * width * sizeof *alone);
    koe_free(alone);
    at += (s + 1) * width;
  }
  koe_free(together);
  close_backbone(&o);
}
END_TEST

Suite *int8_models_suite(void);

Suite *int8_models_suite(void) {
  Suite *suite = suite_create("int8_models");
  TCase *tests = tcase_create("int8_models");
  tcase_add_test(tests, layers);
  tcase_add_loop_test(tests, hidden_states, 0, 5);
  tcase_add_test(tests, stored);
  tcase_add_test(tests, not_finite);
#ifdef KOE_FAULTS
  tcase_add_test(tests, short_memory);
#endif
  tcase_add_test(tests, registered);
  tcase_add_test(tests, bad_options);
  tcase_add_test(tests, real_texts);
  tcase_add_test(tests, random_weights);
  tcase_add_test(tests, company_makes_no_difference);
  suite_add_tcase(suite, tests);
  return suite;
}
