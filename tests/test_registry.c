/* Names, sharing and lifetime of models, with memory short and with threads at once. */
#include "../model/memory.h"
#include "../model/registry.h"
#include "registry_support.h"
#include "support.h"

#include <math.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { THREADS = 8, DIMENSION = 32, ROUNDS = 30 };

static const koe_text sentence = {"영화가 정말 좋았어요", 29};

static void embed(const koe_model *model, float out[DIMENSION]) {
  koe_error err;
  ck_assert_uint_le(koe_model_dimension(model), DIMENSION);
  assert_ok(koe_model_embed(model, &sentence, 1, out, &err));
}

static bool close_to(const float *a, const float *b) {
  for (size_t i = 0; i < DIMENSION; i++) {
    if (!(fabsf(a[i] - b[i]) < 1e-6f)) return false;
  }
  return true;
}

static const char tiny[] = "tests/reference/tiny";

/* ── names ──────────────────────────────────────────────────────────────────────────────────────
 */

START_TEST(names) {
  static const char *const sorted[] = {"a", "default", "한국어"};
  koe_error err;
  koe_registry_entry *entries;
  size_t count;
  const koe_model *model, *by_default;
  assert_fails(koe_registry_acquire(NULL, &model, &err), KOE_NOT_FOUND, "'default'");
  ck_assert_ptr_null(model);
  assert_ok(koe_registry_list(&entries, &count, &err));
  ck_assert_uint_eq(count, 0);
  koe_registry_entries_free(entries, count);

  for (size_t i = 3; i-- > 0;)
    assert_ok(koe_registry_load(sorted[i], tiny, NULL, &err));
  assert_ok(koe_registry_list(&entries, &count, &err));
  ck_assert_uint_eq(count, 3);
  for (size_t i = 0; i < 3; i++)
    ck_assert_str_eq(entries[i].name, sorted[i]);
  koe_registry_entries_free(entries, count);

  assert_fails(koe_registry_acquire("b", &model, &err), KOE_NOT_FOUND, "'a', 'default', '한국어'");
  assert_fails(koe_registry_unload("b", &err), KOE_NOT_FOUND, "'b'");
  assert_ok(koe_registry_acquire(NULL, &by_default, &err));
  assert_ok(koe_registry_acquire("default", &model, &err));
  ck_assert_ptr_eq(model, by_default);
  koe_registry_release(model);
  koe_registry_release(by_default);
  koe_registry_release(NULL);
  koe_registry_clear();
  assert_fails(koe_registry_acquire("a", &model, &err), KOE_NOT_FOUND, "none");
}
END_TEST

START_TEST(bad_names) {
  koe_error err;
  const koe_model *model;
  char name[66];
  memset(name, 'x', sizeof name);
  name[65] = '\0';
  assert_fails(koe_registry_load("", tiny, NULL, &err), KOE_INVALID, "name");
  assert_fails(koe_registry_load(name, tiny, NULL, &err), KOE_INVALID, "name");
  name[64] = '\0';
  assert_ok(koe_registry_load(name, tiny, NULL, &err));
  assert_fails(koe_registry_acquire("y", &model, &err), KOE_NOT_FOUND, name);
  assert_ok(koe_registry_unload(name, &err));
}
END_TEST

/* As many long names as there may be: the message lists what fits. */
START_TEST(many_names) {
  koe_error err;
  const koe_model *model;
  for (int i = 0; i < 100; i++) {
    char name[65];
    snprintf(name, sizeof name, "%064d", i);
    assert_ok(koe_registry_load(name, tiny, NULL, &err));
  }
  assert_fails(koe_registry_acquire("x", &model, &err), KOE_NOT_FOUND, "'0000");
  koe_registry_clear();
}
END_TEST

START_TEST(entry) {
  koe_error err;
  const koe_model *model;
  assert_ok(koe_registry_load("t", tiny, "{\"pooling\": \"cls\"}", &err));
  koe_registry_entry *e = only_entry();
  ck_assert_int_eq(e->path[0], '/');
  ck_assert_ptr_nonnull(strstr(e->path, "reference/tiny"));
  ck_assert_str_eq(e->architecture, "ElectraForSequenceClassification");
  ck_assert_str_eq(e->labels, "[\"부정\",\"중립\",\"긍정\"]");
  ck_assert_int_eq(e->hidden_size, 32);
  ck_assert_int_eq(e->num_hidden_layers, 2);
  ck_assert_int_eq(e->pooling, KOE_POOL_CLS);
  ck_assert(!e->loaded && e->precision == NULL && e->bytes == 0 && e->fingerprint == 0);
  koe_registry_entries_free(e, 1);

  assert_ok(koe_registry_acquire("t", &model, &err));
  koe_registry_release(model);
  e = only_entry();
  ck_assert(e->loaded);
  ck_assert_str_eq(e->precision, "float32");
  ck_assert_ptr_null(e->version);
  ck_assert_int_gt(e->bytes, 100000);
  ck_assert_uint_eq(e->fingerprint, koe_model_fingerprint(model));
  koe_registry_entries_free(e, 1);
  koe_registry_clear();
}
END_TEST

START_TEST(settings) {
  koe_error err;
  int64_t value = 0;
  assert_ok(koe_registry_config_get("threads", &value, &err));
  ck_assert_int_ge(value, 1);
  assert_ok(koe_registry_config_set("threads", 256, &err));
  assert_ok(koe_registry_config_get("threads", &value, &err));
  ck_assert_int_eq(value, 256);
  assert_fails(koe_registry_config_set("threads", 0, &err), KOE_INVALID, "1 to 256");
  assert_fails(koe_registry_config_set("threads", 257, &err), KOE_INVALID, "1 to 256");
  assert_fails(koe_registry_config_set("threads", INT64_MIN, &err), KOE_INVALID, "1 to 256");
  assert_fails(koe_registry_config_set("thread", 1, &err), KOE_INVALID, "threads");
  assert_fails(koe_registry_config_get("", &value, &err), KOE_INVALID, "threads");
  ck_assert_int_gt(strlen(koe_registry_kernels()), 0);
}
END_TEST

/* ── sharing and lifetime ───────────────────────────────────────────────────────────────────────
 */

START_TEST(shared_by_identity) {
  koe_error err;
  const koe_model *first, *second, *cls;
  char link[1200];
  snprintf(link, sizeof link, "%s/link", temporary_directory());
  char *resolved = realpath(tiny, NULL);
  ck_assert_ptr_nonnull(resolved);
  ck_assert_int_eq(symlink(resolved, link), 0);
  free(resolved);
  assert_ok(koe_registry_load("first", tiny, NULL, &err));
  assert_ok(koe_registry_load("second", link, "{\"pooling\": \"mean\"}", &err));
  assert_ok(koe_registry_load("cls", link, "{\"pooling\": \"cls\"}", &err));
  assert_ok(koe_registry_load("third", link, "{}", &err));
  assert_ok(koe_registry_acquire("first", &first, &err));
  assert_ok(koe_registry_acquire("third", &second, &err));
  ck_assert_ptr_eq(first, second);
  koe_registry_release(second);
  assert_ok(koe_registry_acquire("second", &second, &err));
  assert_ok(koe_registry_acquire("cls", &cls, &err));
  /* Another model, but the same weights: its configuration is theirs. */
  ck_assert_ptr_ne(first, cls);
  ck_assert_ptr_eq(koe_model_config(first), koe_model_config(cls));
  ck_assert_uint_eq(koe_model_fingerprint(first), koe_model_fingerprint(second));
  ck_assert_uint_ne(koe_model_fingerprint(first), koe_model_fingerprint(cls));
  koe_registry_release(first);
  koe_registry_release(second);
  koe_registry_release(cls);
  koe_registry_clear();
}
END_TEST

/* How often this process has a file mapped. */
static int count_mappings(const char *fragment) {
  char line[4400];
  int count = 0;
  FILE *maps = fopen("/proc/self/maps", "r");
  ck_assert_ptr_nonnull(maps);
  while (fgets(line, sizeof line, maps) != NULL)
    count += strstr(line, fragment) != NULL;
  fclose(maps);
  return count;
}

START_TEST(unload_in_use) {
  koe_error err;
  const koe_model *model, *other;
  float before[DIMENSION], after[DIMENSION];
  assert_ok(koe_registry_load("t", tiny, NULL, &err));
  assert_ok(koe_registry_acquire("t", &model, &err));
  embed(model, before);
  ck_assert_int_eq(count_mappings("tiny/model.safetensors"), 1);
  assert_ok(koe_registry_unload("t", &err));
  assert_fails(koe_registry_acquire("t", &other, &err), KOE_NOT_FOUND, "'t'");
  embed(model, after);
  ck_assert(close_to(before, after));

  /* Registered again while the old one is in use: the same model. */
  assert_ok(koe_registry_load("t", tiny, NULL, &err));
  assert_ok(koe_registry_acquire("t", &other, &err));
  ck_assert_ptr_eq(model, other);
  koe_registry_release(other);
  koe_registry_clear();
  embed(model, after);
  ck_assert(close_to(before, after));
  koe_registry_release(model);
  ck_assert_int_eq(count_mappings("tiny/model.safetensors"), 0);
}
END_TEST

START_TEST(retained) {
  koe_error err;
  const koe_model *model;
  float before[DIMENSION], after[DIMENSION];
  assert_ok(koe_registry_load("t", tiny, NULL, &err));
  assert_ok(koe_registry_acquire("t", &model, &err));
  embed(model, before);
  koe_registry_retain(model);
  koe_registry_clear();
  koe_registry_release(model);
  embed(model, after);
  ck_assert(close_to(before, after));
  koe_registry_release(model);
  ck_assert_int_eq(count_mappings("tiny/model.safetensors"), 0);
}
END_TEST

/* Re-registering gives new users the new model and leaves the old to its users. */
START_TEST(registered_again) {
  koe_error err;
  const koe_model *old, *new;
  float before[DIMENSION], after[DIMENSION];
  assert_ok(koe_registry_load("t", tiny, NULL, &err));
  assert_ok(koe_registry_acquire("t", &old, &err));
  embed(old, before);
  assert_ok(koe_registry_load("t", test_path("reference/bare"), NULL, &err));
  assert_ok(koe_registry_acquire("t", &new, &err));
  ck_assert_uint_eq(koe_model_dimension(new), 24);
  ck_assert_uint_ne(koe_model_fingerprint(old), koe_model_fingerprint(new));
  embed(old, after);
  ck_assert(close_to(before, after));
  koe_registry_release(old);
  ck_assert_int_eq(count_mappings("tiny/model.safetensors"), 0);
  koe_registry_release(new);
  koe_registry_clear();
}
END_TEST

/* A weight file replaced on disk is another model; the old one keeps its bytes. */
START_TEST(replaced_on_disk) {
  koe_error err;
  const koe_model *old, *new;
  float before[DIMENSION], after[DIMENSION], replaced[DIMENSION];
  const char *copy = copy_directory(tiny);
  assert_ok(koe_registry_load("t", copy, NULL, &err));
  assert_ok(koe_registry_acquire("t", &old, &err));
  embed(old, before);
  ck_assert_int_eq(
      rename(file_in(copy, "model.bf16.safetensors"), file_in(copy, "model.safetensors")), 0);
  assert_ok(koe_registry_load("t", copy, NULL, &err));
  assert_ok(koe_registry_acquire("t", &new, &err));
  ck_assert_ptr_ne(old, new);
  embed(new, replaced);
  ck_assert(!close_to(before, replaced));
  embed(old, after);
  ck_assert(close_to(before, after));
  koe_registry_release(old);
  koe_registry_release(new);
  koe_registry_clear();
}
END_TEST

/* ── memory ─────────────────────────────────────────────────────────────────────────────────────
 */

#ifdef KOE_FAULTS
static void *json_alloc(size_t size) {
  return koe_alloc(1, size);
}

/* Registers, opens, uses and lists, with the n-th allocation and all after it failing. */
static koe_status use_once(long n, float out[DIMENSION], koe_error *err) {
  const koe_model *model = NULL;
  koe_registry_entry *entries = NULL;
  size_t count = 0;
  float logits[3];
  koe_memory_fail_after(n);
  koe_status status = koe_registry_load("t", tiny, "{\"max_length\": 20}", err);
  if (status == KOE_OK) status = koe_registry_acquire("t", &model, err);
  if (status == KOE_OK) status = koe_registry_list(&entries, &count, err);
  if (status == KOE_OK) status = koe_model_embed(model, &sentence, 1, out, err);
  if (status == KOE_OK) status = koe_model_logits(model, &sentence, &sentence, 1, logits, err);
  koe_memory_fail_after(0);
  koe_registry_entries_free(entries, count);
  koe_registry_release(model);
  koe_registry_clear();
  return status;
}

/* jansson's own allocations fail too where _i is 1; it cannot always tell that from bad syntax. */
START_TEST(exhausted_memory) {
  koe_error err;
  float expected[DIMENSION], out[DIMENSION];
  if (_i == 1) json_set_alloc_funcs(json_alloc, koe_free);
  assert_ok(use_once(0, expected, &err));
  long failures = 0;
  for (;; failures++) {
    koe_status status = use_once(failures + 1, out, &err);
    if (status == KOE_OK) break;
    const char *message = err.message;
    bool right = (status == KOE_NOMEM && strstr(message, "memory") != NULL) ||
                 (_i == 1 && strstr(message, "JSON") != NULL);
    ck_assert_msg(right, "allocation %ld: status %d: %s", failures + 1, status, message);
  }
  ck_assert_int_gt(failures, 50);
  ck_assert(close_to(expected, out));
}
END_TEST
#endif

/* ── threads ────────────────────────────────────────────────────────────────────────────────────
 */

/* Check's assertions are for the main thread: threads report what they saw. */
typedef struct visitor {
  pthread_barrier_t *barrier;
  int number;
  koe_status status;
  koe_error err;
  const koe_model *model;
  float out[DIMENSION]; /* the sentence's embedding */
  float cls[DIMENSION]; /* the same, of a model with that pooling */
  bool seen[2];         /* which of both, by pooling */
} visitor;

static void run_threads(void *(*function)(void *), visitor visitors[THREADS]) {
  pthread_t threads[THREADS];
  pthread_barrier_t barrier;
  ck_assert_int_eq(pthread_barrier_init(&barrier, NULL, THREADS), 0);
  for (int i = 0; i < THREADS; i++) {
    visitors[i] = (visitor){.barrier = &barrier, .number = i};
    ck_assert_int_eq(pthread_create(&threads[i], NULL, function, &visitors[i]), 0);
  }
  for (int i = 0; i < THREADS; i++)
    ck_assert_int_eq(pthread_join(threads[i], NULL), 0);
  pthread_barrier_destroy(&barrier);
  for (int i = 0; i < THREADS; i++) {
    ck_assert_msg(visitors[i].status == KOE_OK, "thread %d: %s", i, visitors[i].err.message);
  }
}

static void *first_use(void *argument) {
  visitor *v = argument;
  pthread_barrier_wait(v->barrier);
  v->status = koe_registry_acquire(v->number % 2 == 0 ? "even" : "odd", &v->model, &v->err);
  if (v->status == KOE_OK) {
    v->status = koe_model_embed(v->model, &sentence, 1, v->out, &v->err);
  }
  return NULL;
}

START_TEST(concurrent_first_use) {
  static visitor visitors[THREADS];
  koe_error err;
  for (int round = 0; round < 10; round++) {
    assert_ok(koe_registry_load("even", tiny, NULL, &err));
    assert_ok(koe_registry_load("odd", tiny, NULL, &err));
    run_threads(first_use, visitors);
    ck_assert_int_eq(count_mappings("tiny/model.safetensors"), 1);
    for (int i = 0; i < THREADS; i++) {
      ck_assert_ptr_eq(visitors[i].model, visitors[0].model);
      ck_assert(close_to(visitors[i].out, visitors[0].out));
      koe_registry_release(visitors[i].model);
    }
    koe_registry_clear();
    ck_assert_int_eq(count_mappings("tiny/model.safetensors"), 0);
  }
}
END_TEST

/* Threads whose first use fails all get the error. */
static void *failing_use(void *argument) {
  visitor *v = argument;
  pthread_barrier_wait(v->barrier);
  koe_status status = koe_registry_acquire("broken", &v->model, &v->err);
  if (status != KOE_FORMAT || v->model != NULL) v->status = KOE_INVALID;
  return NULL;
}

START_TEST(concurrent_failure) {
  static visitor visitors[THREADS];
  koe_error err;
  const char *copy = copy_directory(tiny);
  write_file(file_in(copy, "vocab.txt"), "[UNK]\n", 6);
  assert_ok(koe_registry_load("broken", copy, NULL, &err));
  run_threads(failing_use, visitors);
  koe_registry_clear();
}
END_TEST

static const char *const pooling_options[] = {"{\"pooling\": \"mean\"}", "{\"pooling\": \"cls\"}"};
static uint64_t pooling_fingerprints[2];

/* Whether every opened model is the one that its name was registered as. */
static koe_status check_entries(koe_error *err) {
  koe_registry_entry *entries;
  size_t count;
  koe_status status = koe_registry_list(&entries, &count, err);
  for (size_t i = 0; i < count && status == KOE_OK; i++) {
    if (entries[i].loaded && entries[i].fingerprint != pooling_fingerprints[entries[i].pooling]) {
      status = koe_fail(err, KOE_INVALID, "'%s' has the model of a registration that is no more",
                        entries[i].name);
    }
  }
  koe_registry_entries_free(entries, count);
  return status;
}

/* Registers, uses, lists and forgets in a loop, on names that all threads share. */
static void *come_and_go(void *argument) {
  static const char *const shared[] = {"a", "b"};
  visitor *v = argument;
  pthread_barrier_wait(v->barrier);
  for (int round = 0; round < ROUNDS && v->status == KOE_OK; round++) {
    const char *name = shared[(v->number / 2 + round) % 2];
    if ((v->number + round) % 5 == 0) koe_registry_unload(name, &v->err);
    v->status = koe_registry_load(name, tiny, pooling_options[(v->number + round) % 2], &v->err);
    if (v->status != KOE_OK) break;
    koe_status status = koe_registry_acquire(name, &v->model, &v->err);
    if (status == KOE_NOT_FOUND) continue; /* another thread has forgotten it */
    if (status == KOE_OK) {
      float *out = koe_model_pooling(v->model) == KOE_POOL_CLS ? v->cls : v->out;
      status = koe_model_embed(v->model, &sentence, 1, out, &v->err);
      v->seen[koe_model_pooling(v->model)] = true;
    }
    koe_registry_release(v->model);
    if (status == KOE_OK) status = check_entries(&v->err);
    v->status = status;
  }
  return NULL;
}

START_TEST(concurrent_changes) {
  static visitor visitors[THREADS];
  koe_error err;
  float expected[2][DIMENSION];
  for (int i = 0; i < 2; i++) {
    const koe_model *model;
    assert_ok(koe_registry_load("t", tiny, pooling_options[i], &err));
    assert_ok(koe_registry_acquire("t", &model, &err));
    pooling_fingerprints[koe_model_pooling(model)] = koe_model_fingerprint(model);
    embed(model, expected[koe_model_pooling(model)]);
    koe_registry_release(model);
    koe_registry_clear();
  }
  for (int repeat = 0; repeat < 5; repeat++) {
    run_threads(come_and_go, visitors);
    int seen = 0;
    for (int i = 0; i < THREADS; i++) {
      const visitor *v = &visitors[i];
      if (v->seen[KOE_POOL_MEAN]) ck_assert(close_to(v->out, expected[KOE_POOL_MEAN]));
      if (v->seen[KOE_POOL_CLS]) ck_assert(close_to(v->cls, expected[KOE_POOL_CLS]));
      seen += v->seen[KOE_POOL_MEAN] + v->seen[KOE_POOL_CLS];
    }
    ck_assert_int_gt(seen, 0);
    koe_registry_clear();
    ck_assert_int_eq(count_mappings("tiny/model.safetensors"), 0);
  }
}
END_TEST

Suite *registry_suite(void);

Suite *registry_suite(void) {
  Suite *suite = suite_create("registry");
  TCase *basics = tcase_create("names");
  tcase_add_test(basics, names);
  tcase_add_test(basics, bad_names);
  tcase_add_test(basics, many_names);
  tcase_add_test(basics, entry);
  tcase_add_test(basics, settings);
  suite_add_tcase(suite, basics);
  TCase *lifetime = tcase_create("lifetime");
  tcase_add_test(lifetime, shared_by_identity);
  tcase_add_test(lifetime, unload_in_use);
  tcase_add_test(lifetime, retained);
  tcase_add_test(lifetime, registered_again);
  tcase_add_test(lifetime, replaced_on_disk);
#ifdef KOE_FAULTS
  tcase_add_loop_test(lifetime, exhausted_memory, 0, 2);
#endif
  suite_add_tcase(suite, lifetime);
  TCase *threads = tcase_create("threads");
  tcase_add_test(threads, concurrent_first_use);
  tcase_add_test(threads, concurrent_failure);
  tcase_add_test(threads, concurrent_changes);
  suite_add_tcase(suite, threads);
  return suite;
}
