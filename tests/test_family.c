/* The twelve models of KoELECTRA's README at their true sizes: each loads in the format that the
 * hub serves, and every other format of it gives the same embeddings.
 *
 * The suites, which AddressSanitizer slows down, take the Small models of v3; `make family` takes
 * all twelve and prints a table. */
#include "../model/convert/convert.h"
#include "../model/memory.h"
#include "../model/registry.h"
#include "family_model.h"
#include "registry_support.h"
#include "support.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { TEXTS = 3, MAX_HIDDEN = 768 };

static const koe_text texts[TEXTS] = {
#define TEXT(literal) \
  { literal, sizeof(literal) - 1 }
    TEXT("한국어 ELECTRA를 공유합니다."),
    TEXT("영화가 정말 재미있었고 배우들의 연기도 좋았다."),
    TEXT(""),
#undef TEXT
};

/* What a model computes of the texts. */
typedef struct outputs {
  float embeddings[TEXTS * MAX_HIDDEN];
  uint64_t fingerprint;
} outputs;

static double seconds(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

/* Loads a directory and embeds the texts, having checked the sizes. */
static void run(const family_model *model, const char *directory, outputs *out) {
  koe_error err;
  const koe_model *opened;
  size_t width = (size_t)model->hidden_size;
  memset(out, 0, sizeof *out);
  assert_ok(koe_registry_load("family", directory, NULL, &err));
  assert_ok(koe_registry_acquire("family", &opened, &err));
  const koe_config *config = koe_model_config(opened);
  ck_assert_uint_eq(koe_model_dimension(opened), width);
  ck_assert_uint_eq(koe_model_max_length(opened), FAMILY_POSITIONS);
  ck_assert_int_eq(config->num_hidden_layers, FAMILY_LAYERS);
  ck_assert_int_eq(config->vocab_size, model->vocab_size);
  ck_assert_str_eq(config->architecture,
                   model->generator ? "ElectraForMaskedLM" : "ElectraForPreTraining");
  assert_ok(koe_model_embed(opened, texts, TEXTS, out->embeddings, &err));
  out->fingerprint = koe_model_fingerprint(opened);
  for (size_t t = 0; t < TEXTS; t++) {
    double length = 0;
    for (size_t i = 0; i < width; i++)
      length += (double)out->embeddings[t * width + i] * (double)out->embeddings[t * width + i];
    ck_assert_msg(fabs(length - 1) < 1e-4, "%s: text %zu has length %g", model->name, t, length);
  }
  ck_assert_mem_ne(out->embeddings, out->embeddings + width, width * sizeof(float));
  koe_registry_release(opened);
  koe_registry_clear();
}

/* Fails unless a directory gives what the hub's format gave, to the bit. */
static void compare(const family_model *model, const char *format, const char *directory,
                    const outputs *expected) {
  static outputs given;
  run(model, directory, &given);
  ck_assert_msg(memcmp(given.embeddings, expected->embeddings, sizeof given.embeddings) == 0,
                "%s: %s gives other embeddings", model->name, format);
  ck_assert_uint_eq(given.fingerprint, expected->fingerprint);
  printf(" %s", format);
  fflush(stdout);
}

static void remove_file(const char *directory, const char *name) {
  ck_assert_msg(remove(file_in(directory, name)) == 0, "cannot remove %s", name);
}

static void convert(const char *in, const char *out, koe_electra_part part) {
  koe_error err;
  koe_convert_report report;
  koe_convert_options options = {.part = part};
  assert_ok(koe_convert_directory(in, out, &options, &report, &err));
}

/* The hub's format, which `expected` receives, and what koelectra-convert makes of it. */
static void check_hub(const family_model *model, const char *directory, outputs *expected) {
  char converted[64];
  snprintf(converted, sizeof converted, "%s/converted", directory);
  family_write_config(model, directory);
  family_write_legacy(model, directory);
  run(model, directory, expected);
  printf(" pickle");
  convert(directory, converted, KOE_PART_BY_CONFIG);
  remove_file(directory, "pytorch_model.bin");
  compare(model, "safetensors", converted, expected);
  remove_file(converted, "model.safetensors");
}

/* The formats that the hub has of later models. */
static void check_others(const family_model *model, const char *directory,
                         const outputs *expected) {
  static const char *const shards[] = {
      "model-00001-of-00003.safetensors", "model-00002-of-00003.safetensors",
      "model-00003-of-00003.safetensors", "model.safetensors.index.json"};
  char converted[64];
  if (model->embedding_size < 256) { /* its writer, in the tests, holds all of it in memory */
    family_write_zip(model, directory);
    compare(model, "zip", directory, expected);
    remove_file(directory, "pytorch_model.bin");
  }
  family_write_sharded(model, directory);
  compare(model, "shards", directory, expected);
  for (size_t i = 0; i < sizeof shards / sizeof shards[0]; i++)
    remove_file(directory, shards[i]);
  if (!family_write_hdf5(model, directory)) return;
  snprintf(converted, sizeof converted, "%s/from-hdf5", directory);
  convert(directory, converted, KOE_PART_BY_CONFIG);
  remove_file(directory, "tf_model.h5");
  compare(model, "HDF5", converted, expected);
  remove_file(converted, "model.safetensors");
}

/* One checkpoint of TensorFlow with both, opened by what config.json says, and converted. */
static void check_bundle(const family_model *pair, const char *const *directories,
                         const outputs *expected) {
  char converted[64];
  static const char *const names[] = {"model.ckpt-1000000.index",
                                      "model.ckpt-1000000.data-00000-of-00001"};
  family_write_bundle(&pair[0], &pair[1], directories[0]);
  compare(&pair[0], "TensorFlow(discriminator)", directories[0], &expected[0]);
  snprintf(converted, sizeof converted, "%s/from-tensorflow", directories[0]);
  convert(directories[0], converted, KOE_PART_GENERATOR);
  compare(&pair[1], "TensorFlow(generator,converted)", converted, &expected[1]);
  remove_file(converted, "model.safetensors");
  for (size_t i = 0; i < 2; i++) {
    ck_assert_int_eq(rename(file_in(directories[0], names[i]), file_in(directories[1], names[i])),
                     0);
  }
  compare(&pair[1], "TensorFlow(generator)", directories[1], &expected[1]);
  for (size_t i = 0; i < 2; i++)
    remove_file(directories[1], names[i]);
}

/* A discriminator and its generator. */
static void check_pair(const family_model *pair, bool bundle, bool others) {
  static outputs expected[2];
  const char *directories[2] = {large_temporary_directory(), large_temporary_directory()};
  for (size_t i = 0; i < 2; i++) {
    double start = seconds();
    printf("%-33s", pair[i].name);
    check_hub(&pair[i], directories[i], &expected[i]);
    if (others) check_others(&pair[i], directories[i], &expected[i]);
    printf("  %.1f s\n", seconds() - start);
  }
  if (!bundle) return;
  double start = seconds();
  printf("%-33s", "  both in one checkpoint");
  check_bundle(pair, directories, expected);
  printf("  %.1f s\n", seconds() - start);
}

#ifdef KOE_FAULTS
START_TEST(small_v3) {
  check_pair(&family_models[10], true, false);
}
END_TEST
#else
/* Base of v1 and v2 have v3's shapes but for the number of words. */
START_TEST(all_twelve) {
  check_pair(&family_models[2 * _i], _i >= 2, _i >= 2);
}
END_TEST
#endif

Suite *family_suite(void);

Suite *family_suite(void) {
  Suite *suite = suite_create("family");
  TCase *tc = tcase_create("family");
  tcase_set_timeout(tc, 600); /* gigabytes are written, perhaps to a slow disk */
#ifdef KOE_FAULTS
  tcase_add_test(tc, small_v3);
#else
  tcase_add_loop_test(tc, all_twelve, 0, FAMILY_MODELS / 2);
#endif
  suite_add_tcase(suite, tc);
  return suite;
}
