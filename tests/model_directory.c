#include "model_directory.h"

#include "../model/checkpoint/convert.h"
#include "../model/memory.h"
#include "../model/registry.h"
#include "golden.h"
#include "registry_support.h"
#include "support.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { TEXTS = 4 };

void assert_same_tensors(koe_checkpoint *reference, koe_checkpoint *other) {
  koe_error err;
  ck_assert_uint_gt(koe_checkpoint_count(reference), 10);
  for (size_t i = 0; i < koe_checkpoint_count(reference); i++) {
    const koe_tensor *tensor = koe_checkpoint_at(reference, i);
    const koe_tensor *found = koe_checkpoint_find(other, tensor->name);
    const float *expected, *given;
    if (!koe_is_floating(tensor->dtype)) continue;
    ck_assert_msg(found != NULL, "%s has no %s", koe_checkpoint_path(other), tensor->name);
    ck_assert_int_eq(tensor->dims, found->dims);
    for (int d = 0; d < tensor->dims; d++)
      ck_assert_int_eq(tensor->shape[d], found->shape[d]);
    assert_ok(koe_checkpoint_float32(reference, tensor, &expected, &err));
    assert_ok(koe_checkpoint_float32(other, found, &given, &err));
    size_t count = tensor->bytes / koe_dtype_size(tensor->dtype);
    ck_assert_msg(memcmp(expected, given, count * sizeof(float)) == 0, "%s differs in %s",
                  tensor->name, koe_checkpoint_path(other));
  }
}

void copy_into(const char *directory, const char *source) {
  size_t size;
  const char *slash = strrchr(source, '/');
  char *bytes = read_file(source, &size);
  write_file(file_in(directory, slash != NULL ? slash + 1 : source), bytes, size);
  free(bytes);
}

const char *directory_of(const char *source, const char *const *names) {
  const char *directory = temporary_directory();
  for (; *names != NULL; names++)
    copy_into(directory, file_in(source, *names));
  return directory;
}

static const koe_text texts[TEXTS] = {
    {"영화가 정말 좋았어요.", sizeof "영화가 정말 좋았어요." - 1},
    {"", 0},
    {"배우 연기 연기 배우 12 !?", sizeof "배우 연기 연기 배우 12 !?" - 1},
    {"w5 w17 w0 w99", sizeof "w5 w17 w0 w99" - 1},
};

void assert_same_model(const char *directory, const char *other) {
  koe_error err;
  const koe_model *a = open_model_as("a", directory, NULL);
  const koe_model *b = open_model_as("b", other, NULL);
  size_t width = koe_model_dimension(a);
  ck_assert_uint_eq(width, koe_model_dimension(b));
  float *expected = koe_alloc(TEXTS * width, sizeof *expected);
  float *given = koe_alloc(TEXTS * width, sizeof *given);
  assert_ok(koe_model_embed(a, texts, TEXTS, expected, &err));
  assert_ok(koe_model_embed(b, texts, TEXTS, given, &err));
  ck_assert_msg(memcmp(expected, given, TEXTS * width * sizeof *given) == 0,
                "%s and %s differ in their embeddings", directory, other);
  ck_assert_uint_eq(koe_model_fingerprint(a), koe_model_fingerprint(b));
  koe_free(expected);
  koe_free(given);
  koe_registry_release(a);
  koe_registry_release(b);
  koe_registry_clear();
}

void assert_expected(const char *directory, const char *reference) {
  koe_error err;
  json_t *cases = load_cases(reference);
  const koe_model *model = open_model(directory, NULL);
  size_t width = koe_model_dimension(model), compared = 0;
  float *given = koe_alloc(width, sizeof *given);
  for (size_t i = 0; i < json_array_size(cases); i++) {
    const json_t *item = json_array_get(cases, i), *mean = json_object_get(item, "mean");
    if (json_object_get(item, "pair") != NULL) continue;
    const json_t *string = json_object_get(item, "text");
    koe_text text = {json_string_value(string), json_string_length(string)};
    assert_ok(koe_model_embed(model, &text, 1, given, &err));
    ck_assert_uint_eq(json_array_size(mean), width);
    for (size_t e = 0; e < width; e++) {
      double value = json_number_value(json_array_get(mean, e));
      ck_assert_msg(fabs(given[e] - value) <= 1e-4, "%s: %s: [%zu] is %.9g, not %.9g", directory,
                    text.bytes, e, (double)given[e], value);
    }
    compared++;
  }
  ck_assert_uint_gt(compared, 3);
  koe_free(given);
  json_decref(cases);
  close_model(model);
}
