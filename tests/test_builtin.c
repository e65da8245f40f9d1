/* The model inside the library: 'default' until a user registers another. */
#include "../model/directory.h"
#include "../model/memory.h"
#include "../model/registry.h"
#include "../model/trainer/quantize.h"
#include "built_in.h"
#include "registry_support.h"
#include "support.h"

#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>

enum { DIMENSION = 32, THREADS = 8 };

static const char tiny[] = "tests/reference/tiny";
static const koe_text sentence = {"영화가 정말 좋았어요", 29};

/* Puts tiny, quantized, inside, and returns its directory. */
static const char *install(void) {
  koe_error err;
  const char *directory = temporary_directory();
  const koe_quantize_options options = {.rest = KOE_F16};
  assert_ok(koe_quantize_directory(tiny, directory, &options, &err));
  set_built_in(directory);
  return directory;
}

static void embed(const koe_model *model, float out[DIMENSION]) {
  koe_error err;
  ck_assert_uint_eq(koe_model_dimension(model), DIMENSION);
  assert_ok(koe_model_embed(model, &sentence, 1, out, &err));
}

START_TEST(default_from_the_start) {
  koe_error err;
  const koe_model *model, *by_name;
  install();
  koe_registry_entry *e = only_entry();
  ck_assert_str_eq(e->name, "default");
  ck_assert_str_eq(e->path, KOE_BUILT_IN);
  ck_assert_str_eq(e->architecture, "ElectraForSequenceClassification");
  ck_assert_str_eq(e->labels, "[\"부정\",\"중립\",\"긍정\"]");
  ck_assert(!e->loaded);
  koe_registry_entries_free(e, 1);

  assert_ok(koe_registry_acquire(NULL, &model, &err));
  assert_ok(koe_registry_acquire("default", &by_name, &err));
  ck_assert_ptr_eq(model, by_name);
  e = only_entry();
  ck_assert(e->loaded);
  ck_assert_str_eq(e->precision, "int8");
  koe_registry_entries_free(e, 1);
  koe_registry_release(model);
  koe_registry_release(by_name);
  assert_fails(koe_registry_acquire("t", &model, &err), KOE_NOT_FOUND, "registered: 'default'");
  koe_registry_clear();
}
END_TEST

START_TEST(same_as_on_the_disk) {
  koe_error err;
  const koe_model *inside, *disk;
  float a[DIMENSION], b[DIMENSION], logits[3], disk_logits[3];
  const char *directory = install();
  assert_ok(koe_registry_load("disk", directory, NULL, &err));
  assert_ok(koe_registry_acquire(NULL, &inside, &err));
  assert_ok(koe_registry_acquire("disk", &disk, &err));
  ck_assert_ptr_ne(inside, disk);
  ck_assert_uint_eq(koe_model_fingerprint(inside), koe_model_fingerprint(disk));
  embed(inside, a);
  embed(disk, b);
  ck_assert_mem_eq(a, b, sizeof a);
  assert_ok(koe_model_logits(inside, &sentence, NULL, 1, logits, &err));
  assert_ok(koe_model_logits(disk, &sentence, NULL, 1, disk_logits, &err));
  ck_assert_mem_eq(logits, disk_logits, sizeof logits);
  koe_registry_release(inside);
  koe_registry_release(disk);
  koe_registry_clear();
}
END_TEST

/* With no file descriptor to be had, opening a file fails: nothing is opened. */
START_TEST(opens_no_file) {
  koe_error err;
  const koe_model *model;
  float out[DIMENSION];
  struct rlimit limit, none;
  install();
  assert_ok(koe_registry_load("disk", tiny, NULL, &err));
  ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &limit), 0);
  none = limit;
  none.rlim_cur = 0;
  ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &none), 0);
  koe_status disk = koe_registry_acquire("disk", &model, &err);
  koe_status inside = koe_registry_acquire(NULL, &model, &err);
  ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &limit), 0);
  ck_assert_int_eq(disk, KOE_IO);
  ck_assert_int_eq(inside, KOE_OK);
  embed(model, out);
  koe_registry_release(model);
  koe_registry_clear();
}
END_TEST

/* A user's 'default' takes its place, and unloading that brings it back. */
START_TEST(replaced_and_back) {
  koe_error err;
  const koe_model *inside, *other, *again;
  install();
  assert_ok(koe_registry_acquire(NULL, &inside, &err));
  assert_ok(koe_registry_load("default", "tests/reference/bare", NULL, &err));
  koe_registry_entry *e = only_entry();
  ck_assert_ptr_nonnull(strstr(e->path, "/tests/reference/bare"));
  koe_registry_entries_free(e, 1);
  assert_ok(koe_registry_acquire(NULL, &other, &err));
  ck_assert_uint_eq(koe_model_dimension(other), 24);
  assert_ok(koe_registry_unload("default", &err));
  e = only_entry();
  ck_assert_str_eq(e->path, KOE_BUILT_IN);
  ck_assert(!e->loaded);
  koe_registry_entries_free(e, 1);
  assert_ok(koe_registry_acquire(NULL, &again, &err));
  ck_assert_ptr_eq(inside, again); /* still open: it is in use */
  koe_registry_release(inside);
  koe_registry_release(other);
  koe_registry_release(again);
  koe_registry_clear();
}
END_TEST

/* Unloading the model inside frees its memory; the name stays. */
START_TEST(unloaded) {
  koe_error err;
  const koe_model *model;
  install();
  assert_ok(koe_registry_unload("default", &err));
  assert_ok(koe_registry_acquire(NULL, &model, &err));
  koe_registry_release(model);
  assert_ok(koe_registry_unload("default", &err));
  koe_registry_entry *e = only_entry();
  ck_assert(!e->loaded && e->bytes == 0);
  koe_registry_entries_free(e, 1);
  assert_ok(koe_registry_acquire(NULL, &model, &err));
  koe_registry_release(model);
  koe_registry_clear();
}
END_TEST

/* It can be registered under other names and options, and is in memory once. */
START_TEST(under_other_names) {
  koe_error err;
  const koe_model *inside, *same, *cls;
  install();
  assert_ok(koe_registry_load("same", KOE_BUILT_IN, NULL, &err));
  assert_ok(koe_registry_load("cls", KOE_BUILT_IN, "{\"pooling\": \"cls\"}", &err));
  assert_fails(koe_registry_load("long", KOE_BUILT_IN, "{\"max_length\": 65}", &err), KOE_INVALID,
               "64 positions");
  assert_ok(koe_registry_acquire(NULL, &inside, &err));
  assert_ok(koe_registry_acquire("same", &same, &err));
  assert_ok(koe_registry_acquire("cls", &cls, &err));
  ck_assert_ptr_eq(inside, same);
  ck_assert_ptr_ne(inside, cls);
  ck_assert_ptr_eq(koe_model_config(inside), koe_model_config(cls));
  koe_registry_release(inside);
  koe_registry_release(same);
  koe_registry_release(cls);
  koe_registry_clear();
}
END_TEST

START_TEST(built_without) {
  koe_error err;
  const koe_model *model;
  set_built_in(NULL);
  assert_fails(koe_registry_acquire(NULL, &model, &err), KOE_NOT_FOUND, "registered: none");
  assert_fails(koe_registry_unload("default", &err), KOE_NOT_FOUND, "'default'");
  assert_fails(koe_registry_load("x", KOE_BUILT_IN, NULL, &err), KOE_IO, KOE_BUILT_IN);
}
END_TEST

/* Where the files inside are not right, messages name them as others. */
START_TEST(damaged) {
  static const struct {
    const char *name;
    size_t length;
    koe_status status;
    const char *fragment;
  } damages[] = {
      {"config.json", SIZE_MAX, KOE_IO, "\":built-in:\" has no config.json"},
      {"config.json", 10, KOE_FORMAT, ":built-in:/config.json: not valid JSON"},
      {"config.json", 0, KOE_FORMAT, ":built-in:/config.json: not valid JSON"},
      {"vocab.txt", SIZE_MAX, KOE_IO, "cannot open :built-in:/vocab.txt: no such file"},
      {"vocab.txt", 0, KOE_FORMAT, ":built-in:/vocab.txt is empty"},
      {"vocab.txt", 100, KOE_FORMAT, ":built-in:/vocab.txt has "},
      {"model.safetensors", SIZE_MAX, KOE_IO, "\":built-in:\" has no weights"},
      {"model.safetensors", 30000, KOE_FORMAT, ":built-in:/model.safetensors: "},
  };
  koe_error err;
  const koe_model *model;
  install();
  cut_built_in(damages[_i].name, damages[_i].length);
  assert_fails(koe_registry_acquire(NULL, &model, &err), damages[_i].status, damages[_i].fragment);
  ck_assert_ptr_null(model);
  koe_registry_clear();
}
END_TEST

#ifdef KOE_FAULTS
/* Lists, opens, uses and unloads, with the n-th allocation and all after it failing. */
static koe_status use_once(long n, float out[DIMENSION], koe_error *err) {
  const koe_model *model = NULL;
  koe_registry_entry *entries = NULL;
  size_t count = 0;
  koe_memory_fail_after(n);
  koe_status status = koe_registry_list(&entries, &count, err);
  if (status == KOE_OK) status = koe_registry_acquire(NULL, &model, err);
  if (status == KOE_OK) status = koe_model_embed(model, &sentence, 1, out, err);
  if (status == KOE_OK) status = koe_registry_unload("default", err);
  if (status == KOE_OK) status = koe_registry_unload("default", err);
  koe_memory_fail_after(0);
  koe_registry_entries_free(entries, count);
  koe_registry_release(model);
  koe_registry_clear();
  return status;
}

START_TEST(exhausted_memory) {
  koe_error err;
  float expected[DIMENSION], out[DIMENSION];
  install();
  assert_ok(use_once(0, expected, &err));
  long failures = 0;
  for (;; failures++) {
    koe_status status = use_once(failures + 1, out, &err);
    if (status == KOE_OK) break;
    ck_assert_msg(status == KOE_NOMEM, "allocation %ld: status %d: %s", failures + 1, status,
                  err.message);
  }
  ck_assert_int_gt(failures, 50);
  ck_assert_mem_eq(expected, out, sizeof out);
}
END_TEST
#endif

/* Check's assertions are for the main thread: threads report what they saw. */
typedef struct visitor {
  pthread_barrier_t *barrier;
  koe_status status;
  koe_error err;
  const koe_model *model;
} visitor;

static void *first_use(void *argument) {
  visitor *v = argument;
  pthread_barrier_wait(v->barrier);
  v->status = koe_registry_acquire(NULL, &v->model, &v->err);
  return NULL;
}

START_TEST(threads) {
  visitor visitors[THREADS];
  pthread_t ids[THREADS];
  pthread_barrier_t barrier;
  install();
  for (int round = 0; round < 10; round++) {
    ck_assert_int_eq(pthread_barrier_init(&barrier, NULL, THREADS), 0);
    for (int i = 0; i < THREADS; i++) {
      visitors[i] = (visitor){.barrier = &barrier};
      ck_assert_int_eq(pthread_create(&ids[i], NULL, first_use, &visitors[i]), 0);
    }
    for (int i = 0; i < THREADS; i++)
      ck_assert_int_eq(pthread_join(ids[i], NULL), 0);
    pthread_barrier_destroy(&barrier);
    for (int i = 0; i < THREADS; i++) {
      ck_assert_msg(visitors[i].status == KOE_OK, "thread %d: %s", i, visitors[i].err.message);
      ck_assert_ptr_eq(visitors[i].model, visitors[0].model);
      koe_registry_release(visitors[i].model);
    }
    koe_registry_clear();
  }
}
END_TEST

Suite *builtin_suite(void);

Suite *builtin_suite(void) {
  Suite *suite = suite_create("builtin");
  TCase *tests = tcase_create("builtin");
  tcase_add_test(tests, default_from_the_start);
  tcase_add_test(tests, same_as_on_the_disk);
  tcase_add_test(tests, opens_no_file);
  tcase_add_test(tests, replaced_and_back);
  tcase_add_test(tests, unloaded);
  tcase_add_test(tests, under_other_names);
  tcase_add_test(tests, built_without);
  tcase_add_loop_test(tests, damaged, 0, 8);
#ifdef KOE_FAULTS
  tcase_add_test(tests, exhausted_memory);
#endif
  tcase_add_test(tests, threads);
  suite_add_tcase(suite, tests);
  return suite;
}
