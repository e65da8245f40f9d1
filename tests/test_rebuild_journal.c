/* The file in which a rebuild saves its work: what comes back from it, whole or damaged, ours or
 * not. */
#define SQLITE_CORE /* the headers of ext/ are read as the suites are linked */
#include "../ext/index/rebuild_journal.h"
#include "../model/memory.h"
#include "../model/siphash.h"
#include "index_support.h"
#include "support.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { DIMENSION = 5, TEXTS = 100, MANY = 1 << 20 };
enum { RECORD = 32 + (DIMENSION + 1) * 4, BEGIN = 256 };

static const uint64_t fingerprint = UINT64_C(0x1234567890abcdef);

/* A database and the journal of its index `s`, in a directory of their own. */
static koe_rebuild_file make_place(void) {
  const char *directory = temporary_directory();
  koe_rebuild_file file;
  char path[64];
  snprintf(path, sizeof path, "%s/a.db", directory);
  write_file(path, "", 0);
  file.database = koe_copy_string(path, strlen(path));
  snprintf(path, sizeof path, "%s/a.db-s-rebuild", directory);
  file.path = koe_copy_string(path, strlen(path));
  return file;
}

static koe_text text_at(int i) {
  static char bytes[32];
  return (koe_text){.bytes = bytes, .length = (size_t)snprintf(bytes, sizeof bytes, "글 %d", i)};
}

/* Of length 1, and of that text only. */
static void vector_at(int i, float *out) {
  memset(out, 0, DIMENSION * sizeof *out);
  out[i % DIMENSION] = 1;
  out[(i + 1) % DIMENSION] = (float)(i % 1000) / 20000;
}

static koe_journal *open_journal(const koe_rebuild_file *file) {
  koe_journal *journal = koe_journal_open(file, fingerprint, DIMENSION, MANY);
  ck_assert_ptr_nonnull(journal);
  return journal;
}

static void append(koe_journal *journal, int first, int end) {
  koe_text_key keys[TEXTS];
  float vectors[TEXTS * DIMENSION];
  for (int i = first; i < end; i++) {
    koe_journal_key(journal, text_at(i), &keys[i - first]);
    vector_at(i, vectors + (size_t)(i - first) * DIMENSION);
  }
  koe_operation_state state = {.total = TEXTS, .done = end, .seconds = 1};
  koe_journal_append(journal, keys, vectors, (size_t)(end - first), &state);
}

/* How many texts are found; what is found is right. */
static int count_found(koe_journal *journal, int *resumed) {
  int count = 0;
  if (resumed != NULL) *resumed = 0;
  for (int i = 0; i < TEXTS; i++) {
    koe_text_key key;
    float found[DIMENSION], expected[DIMENSION];
    bool again = false;
    koe_journal_key(journal, text_at(i), &key);
    if (!koe_journal_find(journal, &key, found, &again)) continue;
    vector_at(i, expected);
    ck_assert_msg(memcmp(found, expected, sizeof found) == 0, "text %d has another's vector", i);
    if (resumed != NULL) *resumed += again;
    count++;
  }
  return count;
}

/* A journal of all texts, closed. */
static koe_rebuild_file make_full(void) {
  koe_rebuild_file file = make_place();
  koe_journal *journal = open_journal(&file);
  koe_journal_start(journal);
  append(journal, 0, TEXTS);
  koe_journal_close(journal);
  return file;
}

/* What the next rebuild finds; it must be able to go on. */
static int count_again(const koe_rebuild_file *file) {
  koe_journal *journal = open_journal(file);
  int count = count_found(journal, NULL);
  koe_journal_start(journal);
  ck_assert(koe_journal_is_open(journal));
  append(journal, 0, TEXTS);
  ck_assert_int_eq(count_found(journal, NULL), TEXTS);
  koe_journal_close(journal);
  return count;
}

START_TEST(written_and_resumed) {
  koe_rebuild_file file = make_place();
  koe_operation_state state;
  bool running;
  int resumed;
  koe_journal *journal = open_journal(&file);
  append(journal, 0, 5); /* not started: nothing is written */
  ck_assert(!koe_journal_is_open(journal) && !koe_journal_has_file(journal));
  ck_assert_int_ne(access(file.path, F_OK), 0);
  koe_journal_start(journal);
  ck_assert(koe_journal_is_open(journal));
  append(journal, 0, 40);
  ck_assert_int_eq(count_found(journal, &resumed), 40);
  ck_assert_int_eq(resumed, 0);
  ck_assert(koe_journal_peek(file.path, &state, &running));
  ck_assert(running && state.total == TEXTS && state.done == 40);

  /* Another rebuild would go on without the file. */
  koe_journal *other = open_journal(&file);
  koe_journal_start(other);
  ck_assert(!koe_journal_is_open(other) && !koe_journal_has_file(other));
  ck_assert_int_eq(count_found(other, NULL), 0);
  koe_journal_close(other);
  koe_journal_remove(&file);
  ck_assert_int_eq(access(file.path, F_OK), 0);
  koe_journal_close(journal);

  ck_assert(koe_journal_peek(file.path, &state, &running));
  ck_assert(!running && state.total == TEXTS && state.done == 40);
  journal = open_journal(&file);
  ck_assert(koe_journal_is_open(journal));
  append(journal, 40, TEXTS);
  ck_assert_int_eq(count_found(journal, &resumed), TEXTS);
  ck_assert_int_eq(resumed, 40);
  koe_journal_close(journal);

  /* As many as are asked for; the others are written anew. */
  journal = koe_journal_open(&file, fingerprint, DIMENSION, 30);
  ck_assert_int_eq(count_found(journal, NULL), 30);
  append(journal, 30, 31);
  koe_journal_close(journal);
  ck_assert_int_eq(count_again(&file), TEXTS);

  koe_journal_remove(&file);
  ck_assert_int_ne(access(file.path, F_OK), 0);
  koe_journal_remove(&file);
  koe_rebuild_file_clear(&file);
}
END_TEST

/* More than the table of places begins with. */
START_TEST(many_texts) {
  enum { ROUNDS = 60 };
  koe_rebuild_file file = make_place();
  koe_journal *journal = open_journal(&file);
  koe_journal_start(journal);
  for (int round = 0; round < ROUNDS; round++)
    append(journal, round * TEXTS, (round + 1) * TEXTS);
  koe_journal_close(journal);
  journal = open_journal(&file);
  for (int i = 0; i < ROUNDS * TEXTS; i++) {
    koe_text_key key;
    float found[DIMENSION], expected[DIMENSION];
    bool resumed;
    koe_journal_key(journal, text_at(i), &key);
    ck_assert(koe_journal_find(journal, &key, found, &resumed));
    vector_at(i, expected);
    ck_assert_int_eq(memcmp(found, expected, sizeof found), 0);
  }
  koe_journal_close(journal);
  koe_rebuild_file_clear(&file);
}
END_TEST

/* Vectors of another model are not taken, and replaced. */
START_TEST(another_model) {
  koe_rebuild_file file = make_full();
  koe_journal *journal = koe_journal_open(&file, fingerprint + 1, DIMENSION, MANY);
  ck_assert(koe_journal_has_file(journal) && !koe_journal_is_open(journal));
  ck_assert_int_eq(count_found(journal, NULL), 0);
  koe_journal_close(journal);
  ck_assert_int_eq(count_again(&file), TEXTS); /* looking has changed nothing */
  journal = koe_journal_open(&file, fingerprint, DIMENSION + 1, MANY);
  ck_assert(!koe_journal_is_open(journal));
  koe_journal_start(journal);
  ck_assert(koe_journal_is_open(journal));
  koe_journal_close(journal);
  ck_assert_int_eq(count_again(&file), 0);
  koe_rebuild_file_clear(&file);
}
END_TEST

/* ── damage ─────────────────────────────────────────────────────────────────────────────────────
 */

/* Cut anywhere, as by a kill: what is whole is found. */
START_TEST(truncated) {
  koe_rebuild_file file = make_full();
  size_t size;
  char *bytes = read_file(file.path, &size);
  ck_assert_uint_eq(size, BEGIN + TEXTS * RECORD);
  for (size_t length = 0; length < size; length += length < 80                   ? 1
                                                   : length < BEGIN + 3 * RECORD ? 13
                                                                                 : 97) {
    write_file(file.path, bytes, length);
    int expected = length < BEGIN ? 0 : (int)((length - BEGIN) / RECORD);
    if (length > 0 && length < 72) { /* no mark to know it by */
      koe_journal *journal = open_journal(&file);
      ck_assert(!koe_journal_has_file(journal));
      koe_journal_close(journal);
    } else {
      ck_assert_int_eq(count_again(&file), expected);
    }
  }
  free(bytes);
  koe_rebuild_file_clear(&file);
}
END_TEST

/* A bit that has changed costs the vector it is in, and no more. */
START_TEST(flipped) {
  koe_rebuild_file file = make_full();
  size_t size;
  koe_operation_state state;
  bool running;
  char *bytes = read_file(file.path, &size);
  for (size_t i = 0; i < BEGIN + 2 * RECORD; i++) {
    bytes[i] ^= 0x10;
    write_file(file.path, bytes, size);
    bytes[i] ^= 0x10;
    koe_journal *journal = open_journal(&file);
    int found = count_found(journal, NULL);
    koe_journal_close(journal);
    if (i < 72) {
      ck_assert_msg(found == 0, "byte %zu: %d texts are found", i, found);
    } else {
      ck_assert_msg(found == TEXTS - (i >= BEGIN), "byte %zu: %d texts are found", i, found);
    }
    bool seen = koe_journal_peek(file.path, &state, &running);
    ck_assert_int_eq(seen, i >= 72);
    if (seen) ck_assert(!running && (state.total == TEXTS || state.total == -1));
  }
  free(bytes);
  koe_rebuild_file_clear(&file);
}
END_TEST

/* Made by somebody who knows the format: sizes that overflow, keys that all go to one place. */
START_TEST(hostile) {
  enum { KEY = 48, CHECK = 64 };
  koe_rebuild_file file = make_full();
  size_t size, grown = BEGIN + (size_t)20000 * RECORD;
  koe_operation_state state;
  bool running;
  char *bytes = read_file(file.path, &size);
  static const uint64_t dimensions[] = {0, UINT64_MAX, UINT64_MAX / 4 - 6, (UINT64_C(1) << 62) - 8,
                                        65537};
  for (size_t i = 0; i < sizeof dimensions / sizeof dimensions[0]; i++) {
    uint64_t key[2], check[2], was;
    memcpy(&was, bytes + 32, sizeof was);
    memcpy(bytes + 32, &dimensions[i], sizeof dimensions[i]);
    memcpy(key, bytes + KEY, sizeof key);
    koe_siphash(key, bytes, CHECK, check);
    memcpy(bytes + CHECK, check, 8);
    write_file(file.path, bytes, size);
    ck_assert(!koe_journal_peek(file.path, &state, &running));
    koe_journal *journal = open_journal(&file);
    ck_assert_int_eq(count_found(journal, NULL), 0);
    koe_journal_close(journal);
    memcpy(bytes + 32, &was, sizeof was);
    koe_siphash(key, bytes, CHECK, check);
    memcpy(bytes + CHECK, check, 8);
  }
  bytes = realloc(bytes, grown);
  ck_assert_ptr_nonnull(bytes);
  for (size_t at = size; at < grown; at += RECORD)
    memcpy(bytes + at, bytes + BEGIN, RECORD);
  write_file(file.path, bytes, grown);
  ck_assert_int_eq(count_again(&file), TEXTS);
  free(bytes);
  koe_rebuild_file_clear(&file);
}
END_TEST

/* ── what is not ours ───────────────────────────────────────────────────────────────────────────
 */

/* Goes on without a file, and leaves what is there alone. */
static void assert_left_alone(const koe_rebuild_file *file) {
  koe_operation_state state;
  bool running;
  koe_journal *journal = open_journal(file);
  ck_assert(!koe_journal_has_file(journal));
  koe_journal_start(journal);
  ck_assert(!koe_journal_has_file(journal) && !koe_journal_is_open(journal));
  append(journal, 0, TEXTS);
  ck_assert_int_eq(count_found(journal, NULL), 0);
  koe_journal_close(journal);
  koe_journal_remove(file);
  koe_journal_peek(file->path, &state, &running);
  struct stat info;
  ck_assert_int_eq(lstat(file->path, &info), 0);
}

START_TEST(not_ours) {
  koe_rebuild_file file = make_full(), real = make_full();
  size_t size, after;
  char *bytes = read_file(real.path, &size);
  write_file(file.path, "a user's file", 13);
  assert_left_alone(&file);
  char *left = read_file(file.path, &after);
  ck_assert_str_eq(left, "a user's file");
  free(left);

  /* Links, also to a journal that would do. */
  ck_assert_int_eq(unlink(file.path), 0);
  ck_assert_int_eq(symlink(real.path, file.path), 0);
  assert_left_alone(&file);
  ck_assert_int_eq(unlink(file.path), 0);
  ck_assert_int_eq(link(real.path, file.path), 0);
  assert_left_alone(&file);
  ck_assert_int_eq(unlink(file.path), 0);
  ck_assert_int_eq(symlink("/nonexistent/file", file.path), 0);
  assert_left_alone(&file);
  ck_assert_int_eq(unlink(file.path), 0);
  left = read_file(real.path, &after);
  ck_assert_uint_eq(after, size);
  ck_assert_int_eq(memcmp(left, bytes, size), 0);
  free(left);

  ck_assert_int_eq(mkdir(file.path, 0700), 0);
  assert_left_alone(&file);
  ck_assert_int_eq(rmdir(file.path), 0);
  ck_assert_int_eq(mkfifo(file.path, 0600), 0);
  assert_left_alone(&file);
  free(bytes);
  koe_rebuild_file_clear(&file);
  koe_rebuild_file_clear(&real);
}
END_TEST

/* A directory that is not there, and no path at all. */
START_TEST(no_place) {
  koe_rebuild_file file = {.database = koe_copy_string("/nonexistent/a.db", 17),
                           .path = koe_copy_string("/nonexistent/a.db-s-rebuild", 27)};
  for (int i = 0; i < 2; i++) {
    koe_journal *journal = open_journal(&file);
    koe_journal_start(journal);
    ck_assert(!koe_journal_is_open(journal));
    append(journal, 0, TEXTS);
    ck_assert_int_eq(count_found(journal, NULL), 0);
    koe_journal_close(journal);
    koe_journal_remove(&file);
    koe_free(file.path);
    file.path = NULL;
  }
  koe_rebuild_file_clear(&file);
}
END_TEST

/* Nobody reads the vectors who may not read the database. */
START_TEST(permissions) {
  koe_rebuild_file file = make_place();
  struct stat info;
  ck_assert_int_eq(chmod(file.database, 0600), 0);
  umask(0);
  koe_journal *journal = open_journal(&file);
  koe_journal_start(journal);
  koe_journal_close(journal);
  ck_assert_int_eq(stat(file.path, &info), 0);
  ck_assert_int_eq(info.st_mode & 0777, 0600);
  koe_rebuild_file_clear(&file);
}
END_TEST

/* ── names ──────────────────────────────────────────────────────────────────────────────────────
 */

typedef struct names {
  char text[512];
} names;

static bool add_name(void *context, const char *path, const char *index) {
  names *n = context;
  ck_assert_int_eq(access(path, F_OK), 0);
  strcat(n->text, index);
  strcat(n->text, ";");
  return true;
}

static void assert_named(const char *index, const char *expected) {
  char database[128], path[256], *base;
  koe_rebuild_file file;
  names found = {""};
  snprintf(database, sizeof database, "%s/a.db", temporary_directory());
  sqlite3 *db = open_database_file(database);
  run_format(db, "CREATE TABLE t(a)");
  ck_assert(koe_rebuild_file_find(db, "main", index, &file));
  ck_assert_str_eq(file.database, database);
  if (expected == NULL) {
    ck_assert_ptr_null(file.path);
  } else {
    base = strrchr(file.path, '/') + 1;
    ck_assert_str_eq(base, expected);
    snprintf(path, sizeof path, "%s", file.path);
    write_file(path, "", 0);
    ck_assert(koe_rebuild_file_list(database, add_name, &found));
    ck_assert_int_eq(strncmp(found.text, index, strlen(index)), 0);
    ck_assert_uint_eq(strlen(found.text), strlen(index) + 1);
  }
  koe_rebuild_file_clear(&file);
  close_database(db);
}

START_TEST(index_names) {
  char longest[300];
  assert_named("s", "a.db-s-rebuild");
  assert_named("한국어 색인", "a.db-한국어 색인-rebuild");
  assert_named("../up/%2F\n", "a.db-..%2Fup%2F%252F%0A-rebuild");
  memset(longest, 'x', sizeof longest);
  longest[299] = '\0';
  assert_named(longest, NULL);
}
END_TEST

/* Files that are beside a database and are none of its rebuilds. */
START_TEST(other_names) {
  static const char *const others[] = {"b.db-s-rebuild",   "a.db-rebuild",     "a.db--rebuild",
                                       "a.db-s-rebuil",    "a.db-%-rebuild",   "a.db-%2-rebuild",
                                       "a.db-%00-rebuild", "a.db-%zz-rebuild", "a.dbs-rebuild"};
  char path[128];
  names found = {""};
  const char *directory = temporary_directory();
  for (size_t i = 0; i < sizeof others / sizeof others[0]; i++) {
    snprintf(path, sizeof path, "%s/%s", directory, others[i]);
    write_file(path, "", 0);
  }
  snprintf(path, sizeof path, "%s/a.db", directory);
  ck_assert(koe_rebuild_file_list(path, add_name, &found));
  ck_assert_str_eq(found.text, "");
  ck_assert(koe_rebuild_file_list("/nonexistent/a.db", add_name, &found));
  ck_assert(koe_rebuild_file_list("a.db", add_name, &found));
}
END_TEST

/* Databases beside which nothing may be written. */
START_TEST(databases_without) {
  static const char *const paths[] = {":memory:", "", "file:/x.db?vfs=memdb",
                                      "file::memory:?cache=shared"};
  koe_rebuild_file file;
  sqlite3_config(SQLITE_CONFIG_URI, 1);
  for (size_t i = 0; i < sizeof paths / sizeof paths[0]; i++) {
    sqlite3 *db = open_database_file(paths[i]);
    run_format(db, "CREATE TABLE t(a); CREATE TEMP TABLE u(a)");
    ck_assert(koe_rebuild_file_find(db, "main", "s", &file));
    ck_assert_msg(file.path == NULL, "%s: %s", paths[i], file.path);
    koe_rebuild_file_clear(&file);
    ck_assert(koe_rebuild_file_find(db, "temp", "s", &file));
    ck_assert_ptr_null(file.path);
    koe_rebuild_file_clear(&file);
    close_database(db);
  }
}
END_TEST

#ifdef KOE_FAULTS
START_TEST(short_memory) {
  koe_rebuild_file file = make_full();
  koe_journal *journal = NULL;
  long n = 0;
  do {
    koe_memory_fail_after(++n);
    journal = koe_journal_open(&file, fingerprint, DIMENSION, MANY);
    koe_memory_fail_after(0);
    int found = journal != NULL ? count_found(journal, NULL) : 0;
    ck_assert(found == 0 || found == TEXTS);
    koe_journal_close(journal);
    if (found == TEXTS) break;
  } while (n < 100);
  ck_assert_int_gt(n, 2);
  ck_assert_int_lt(n, 100);
  koe_rebuild_file_clear(&file);
}
END_TEST
#endif

Suite *rebuild_journal_suite(void);

Suite *rebuild_journal_suite(void) {
  Suite *suite = suite_create("rebuild_journal");
  TCase *tests = tcase_create("rebuild_journal");
  tcase_add_test(tests, written_and_resumed);
  tcase_add_test(tests, many_texts);
  tcase_add_test(tests, another_model);
  tcase_add_test(tests, truncated);
  tcase_add_test(tests, flipped);
  tcase_add_test(tests, hostile);
  tcase_add_test(tests, not_ours);
  tcase_add_test(tests, no_place);
  tcase_add_test(tests, permissions);
  tcase_add_test(tests, index_names);
  tcase_add_test(tests, other_names);
  tcase_add_test(tests, databases_without);
#ifdef KOE_FAULTS
  tcase_add_test(tests, short_memory);
#endif
  suite_add_tcase(suite, tests);
  return suite;
}
