/* The encoder and its head on token ids, against hidden states and logits of PyTorch. */
#include "../model/backbone.h"
#include "../model/memory.h"
#include "../model/pooling.h"
#include "golden.h"
#include "support.h"

#include <math.h>
#include <string.h>

typedef struct fixture {
  koe_config config;
  koe_backbone *backbone;
  koe_scratch scratch;
  json_t *cases;
} fixture;

static void open_fixture(fixture *f, const char *directory, const koe_kernels *kernels) {
  koe_error err;
  memset(f, 0, sizeof *f);
  assert_ok(koe_config_read(directory, &f->config, &err));
  koe_directory at = koe_directory_at(directory);
  assert_ok(koe_backbone_open(&at, &f->config, kernels, NULL, &f->backbone, &err));
  f->cases = load_cases(directory);
}

static void close_fixture(fixture *f) {
  json_decref(f->cases);
  koe_scratch_clear(&f->scratch);
  koe_backbone_free(f->backbone);
  koe_config_clear(&f->config);
}

static double check_row(const json_t *expected, const float *actual, size_t n, const char *what,
                        size_t index) {
  double largest = 0;
  ck_assert_uint_eq(json_array_size(expected), n);
  for (size_t i = 0; i < n; i++) {
    double value = json_number_value(json_array_get(expected, i));
    double error = fabs(actual[i] - value);
    ck_assert_msg(error < 1e-4, "case %zu: %s[%zu] is %.9g, not %.9g", index, what, i, actual[i],
                  value);
    if (error > largest) largest = error;
  }
  return largest;
}

/* Compares the sequences of the scratch's batch with cases first, first + 1, … */
static void check_batch(fixture *f, size_t first) {
  koe_error err;
  const float *hidden;
  koe_batch *batch = &f->scratch.batch;
  size_t width = (size_t)f->config.hidden_size;
  size_t labels = f->backbone->classification.labels;
  assert_ok(koe_encoder_forward(f->backbone->encoder, batch, 1, &f->scratch, &hidden, &err));
  float *work = koe_alloc(2 * batch->sequences * width, sizeof *work);
  float *logits = koe_alloc(batch->sequences * labels, sizeof *logits);
  if (labels > 0) {
    koe_classification_head_forward(&f->backbone->classification, f->backbone->encoder->kernels,
                                    batch, hidden, work, logits);
  }
  for (size_t s = 0; s < batch->sequences; s++) {
    const json_t *item = json_array_get(f->cases, first + s);
    const json_t *states = json_object_get(item, "last_hidden_state");
    for (size_t t = 0; t < json_array_size(states); t++) {
      check_row(json_array_get(states, t), hidden + (batch->starts[s] + t) * width, width,
                "last_hidden_state", first + s);
    }
    if (labels > 0) {
      check_row(json_object_get(item, "logits"), logits + s * labels, labels, "logits", first + s);
    }
  }
  koe_free(work);
  koe_free(logits);
}

/* Every case alone, then all in one packed batch, with every kernel table. */
static void check_directory(const char *directory) {
  static const char *const names[] = {"portable", "avx2", "avx512", "neon"};
  for (size_t k = 0; k < sizeof names / sizeof names[0]; k++) {
    fixture f;
    const koe_kernels *kernels = koe_kernels_named(names[k]);
    if (kernels == NULL) continue;
    open_fixture(&f, directory, kernels);
    for (size_t i = 0; i < json_array_size(f.cases); i++) {
      koe_batch_reset(&f.scratch.batch);
      append_case(&f.scratch.batch, json_array_get(f.cases, i));
      check_batch(&f, i);
    }
    koe_batch_reset(&f.scratch.batch);
    for (size_t i = 0; i < json_array_size(f.cases); i++) {
      append_case(&f.scratch.batch, json_array_get(f.cases, i));
    }
    check_batch(&f, 0);
    close_fixture(&f);
  }
}

/* A copy of the hidden states of the scratch's batch; the caller frees. */
static float *encode(fixture *f) {
  koe_error err;
  const float *hidden;
  const koe_batch *batch = &f->scratch.batch;
  size_t count = batch->total * (size_t)f->config.hidden_size;
  assert_ok(koe_encoder_forward(f->backbone->encoder, batch, 1, &f->scratch, &hidden, &err));
  float *copy = koe_alloc(count, sizeof *copy);
  ck_assert_ptr_nonnull(copy);
  memcpy(copy, hidden, count * sizeof *copy);
  return copy;
}

static void append_made_up(koe_batch *batch, size_t length, int32_t vocab_size) {
  koe_token tokens[512];
  koe_error err;
  for (size_t t = 0; t < length; t++)
    tokens[t] = (koe_token){.id = (int32_t)(length * 31 + t * 7) % vocab_size};
  assert_ok(koe_batch_append(batch, tokens, length, &err));
}

/* A sequence alone and among others, in tiles and blocks of other sizes: the same bits. */
static void check_independence(const char *directory) {
  static const char *const names[] = {"portable", "avx2", "avx512", "neon"};
  for (size_t k = 0; k < sizeof names / sizeof names[0]; k++) {
    fixture f;
    const koe_kernels *kernels = koe_kernels_named(names[k]);
    if (kernels == NULL) continue;
    open_fixture(&f, directory, kernels);
    size_t width = (size_t)f.config.hidden_size, longest = (size_t)f.config.max_position_embeddings;
    if (longest > 40) longest = 40;
    for (size_t length = 1; length <= longest; length++)
      append_made_up(&f.scratch.batch, length, f.config.vocab_size);
    float *together = encode(&f);
    for (size_t length = 1; length <= longest; length++) {
      koe_batch_reset(&f.scratch.batch);
      append_made_up(&f.scratch.batch, length, f.config.vocab_size);
      float *alone = encode(&f);
      size_t first = length * (length - 1) / 2 * width;
      ck_assert_msg(memcmp(alone, together + first, length * width * sizeof *alone) == 0,
                    "%s, %s: %zu tokens alone differ from the same among others", directory,
                    kernels->name, length);
      koe_free(alone);
    }
    koe_free(together);
    close_fixture(&f);
  }
}

START_TEST(independence) {
  check_independence(test_path("reference/tiny"));
  check_independence(test_path("reference/odd"));
}
END_TEST

START_TEST(reference_tiny) {
  check_directory(test_path("reference/tiny"));
}
END_TEST

START_TEST(reference_odd) {
  check_directory(test_path("reference/odd"));
}
END_TEST

START_TEST(shared_tiny) {
  const char *directory = shared_path("fixtures/checkpoints/tiny-seq");
  if (directory != NULL) check_directory(directory);
}
END_TEST

START_TEST(bad_batches) {
  fixture f;
  koe_error err;
  const float *hidden;
  open_fixture(&f, test_path("reference/tiny"), koe_kernels_best());
  koe_token long_one[512] = {{.id = 2}};
  assert_ok(koe_batch_append(&f.scratch.batch, long_one, 512, &err));
  assert_fails(
      koe_encoder_forward(f.backbone->encoder, &f.scratch.batch, 1, &f.scratch, &hidden, &err),
      KOE_TOO_LONG, "512 tokens");
  const koe_token bad[] = {{.id = -1}, {.id = f.config.vocab_size}, {.id = 2, .segment = 2}};
  for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
    koe_batch_reset(&f.scratch.batch);
    assert_ok(koe_batch_append(&f.scratch.batch, &bad[i], 1, &err));
    assert_fails(
        koe_encoder_forward(f.backbone->encoder, &f.scratch.batch, 1, &f.scratch, &hidden, &err),
        i < 2 ? KOE_INVALID : KOE_UNSUPPORTED, "token");
  }
  close_fixture(&f);
}
END_TEST

Suite *encoder_suite(void);

Suite *encoder_suite(void) {
  Suite *suite = suite_create("encoder");
  TCase *tests = tcase_create("encoder");
  tcase_add_test(tests, reference_tiny);
  tcase_add_test(tests, reference_odd);
  tcase_add_test(tests, shared_tiny);
  tcase_add_test(tests, independence);
  tcase_add_test(tests, bad_batches);
  suite_add_tcase(suite, tests);
  return suite;
}
