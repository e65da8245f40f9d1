/* The model that the library ships, as its files in model/default/ say it; tests/sql/built_in.sql
 * asks the library itself. */
#include "../model/path.h"
#include "../model/registry.h"
#include "registry_support.h"
#include "support.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

enum { MAX_BYTES = 4000000, MAX_DIMENSION = 1024 };

static const char directory[] = "model/default";

/* The model, or NULL where the repository has none yet: the test is then skipped. */
static const koe_model *open_default(void) {
  if (!koe_path_exists(file_in(directory, "model.safetensors"))) {
    skip_test("model/default has no weights");
    return NULL;
  }
  const koe_model *model = open_model(directory, NULL);
  ck_assert_uint_le(koe_model_dimension(model), MAX_DIMENSION);
  return model;
}

static double milliseconds(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return 1e3 * (double)now.tv_sec + 1e-6 * (double)now.tv_nsec;
}

START_TEST(size_and_time) {
  static const char *const names[] = {"config.json", "vocab.txt", "tokenizer_config.json",
                                      "1_Pooling/config.json", "model.safetensors"};
  long total = 0;
  double begin = milliseconds();
  const koe_model *model = open_default();
  double end = milliseconds();
  if (model == NULL) return;
  for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
    struct stat info;
    ck_assert_msg(stat(file_in(directory, names[i]), &info) == 0, "no %s", names[i]);
    total += (long)info.st_size;
  }
  ck_assert_int_le(total, MAX_BYTES);
  koe_registry_entry *e = only_entry();
  ck_assert_str_eq(e->precision, "int8");
  printf("model/default: %ld bytes, %ld in memory, opened in %.1f ms\n", total, (long)e->bytes,
         end - begin);
  koe_registry_entries_free(e, 1);
  close_model(model);
}
END_TEST

/* Reviews of which nobody doubts what they say. */
START_TEST(sentiment) {
  static const struct {
    const char *review, *label;
  } reviews[] = {
      {"정말 재미있게 봤습니다. 최고의 영화예요!", "positive"},
      {"배우들 연기가 훌륭하고 감동적이었다", "positive"},
      {"또 보고 싶은 영화, 강력 추천합니다", "positive"},
      {"시간이 아깝다. 정말 지루하고 재미없는 영화", "negative"},
      {"돈 아까워요 보지 마세요", "negative"},
      {"최악의 영화. 스토리도 연기도 엉망이다", "negative"},
  };
  koe_error err;
  const koe_model *model = open_default();
  if (model == NULL) return;
  ck_assert_uint_eq(koe_model_label_count(model), 2);
  for (size_t i = 0; i < sizeof reviews / sizeof reviews[0]; i++) {
    koe_text text = {reviews[i].review, strlen(reviews[i].review)};
    float logits[2];
    assert_ok(koe_model_logits(model, &text, NULL, 1, logits, &err));
    const char *label = koe_model_label(model, logits[1] > logits[0]);
    ck_assert_msg(strcmp(label, reviews[i].label) == 0, "\"%s\" is %s", reviews[i].review, label);
  }
  close_model(model);
}
END_TEST

static double similarity(const koe_model *model, const char *a, const char *b) {
  static float vectors[2 * MAX_DIMENSION];
  koe_error err;
  const koe_text texts[2] = {{a, strlen(a)}, {b, strlen(b)}};
  size_t dimension = koe_model_dimension(model);
  double dot = 0;
  assert_ok(koe_model_embed(model, texts, 2, vectors, &err));
  for (size_t i = 0; i < dimension; i++)
    dot += (double)vectors[i] * (double)vectors[dimension + i];
  return dot;
}

/* Sentences of one meaning are nearer to each other than to others. */
START_TEST(meaning) {
  static const struct {
    const char *sentence, *paraphrase, *other;
  } cases[] = {
      {"한 남자가 기타를 치고 있다", "남자가 기타를 연주하고 있다", "여자가 양파를 썰고 있다"},
      {"비행기가 이륙하고 있다", "비행기 한 대가 이륙한다", "고양이가 소파에서 자고 있다"},
      {"내일 비가 올까요?", "내일 비 오나요?", "환불은 어떻게 받나요?"},
  };
  const koe_model *model = open_default();
  if (model == NULL) return;
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    double near = similarity(model, cases[i].sentence, cases[i].paraphrase);
    double far = similarity(model, cases[i].sentence, cases[i].other);
    ck_assert_msg(near > far, "%s: %.3f to its paraphrase, %.3f to another", cases[i].sentence,
                  near, far);
  }
  close_model(model);
}
END_TEST

Suite *default_model_suite(void);

Suite *default_model_suite(void) {
  Suite *suite = suite_create("default_model");
  TCase *tests = tcase_create("default_model");
  tcase_add_test(tests, size_and_time);
  tcase_add_test(tests, sentiment);
  tcase_add_test(tests, meaning);
  suite_add_tcase(suite, tests);
  return suite;
}
