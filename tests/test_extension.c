/* The shared library as hosts load it, from the folder of this program. */
#include "database.h"
#include "support.h"

#include <dirent.h>
#include <dlfcn.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* The library's path, or NULL where it was not built. */
static const char *library(void) {
  static char path[1024];
  ssize_t length = readlink("/proc/self/exe", path, sizeof path - 32);
  ck_assert_int_gt(length, 0);
  path[length] = '\0';
  strcpy(strrchr(path, '/'), "/koelectra.so");
  if (access(path, R_OK) == 0) return path;
  skip_test("koelectra.so is not beside the suites");
  return NULL;
}

static bool is_loaded(const char *path) {
  void *handle = dlopen(path, RTLD_LAZY | RTLD_NOLOAD);
  if (handle != NULL) dlclose(handle);
  return handle != NULL;
}

static int count_threads(void) {
  int count = 0;
  DIR *folder = opendir("/proc/self/task");
  ck_assert_ptr_nonnull(folder);
  for (struct dirent *entry = readdir(folder); entry != NULL; entry = readdir(folder))
    count += entry->d_name[0] != '.';
  closedir(folder);
  return count;
}

/* A connection with the library's functions. */
static sqlite3 *load(const char *path) {
  sqlite3 *db;
  char *message = NULL;
  ck_assert_int_eq(sqlite3_open(":memory:", &db), SQLITE_OK);
  ck_assert_int_eq(sqlite3_db_config(db, SQLITE_DBCONFIG_ENABLE_LOAD_EXTENSION, 1, NULL),
                   SQLITE_OK);
  int code = sqlite3_load_extension(db, path, NULL, &message);
  ck_assert_msg(code == SQLITE_OK, "%s: %s", path, message);
  return db;
}

/* Models outlive the connection that loaded the library: it stays. */
START_TEST(stays_loaded) {
  const char *path = library();
  if (path == NULL) return;
  int threads = count_threads();
  sqlite3 *db = load(path);
  assert_sql(db, "SELECT koelectra_load('default', 'tests/reference/tiny')", "default");
  assert_sql(db, "SELECT length(koelectra_embed('책'))", "128");
  close_database(db);
  ck_assert(is_loaded(path));
  ck_assert_int_eq(count_threads(), threads);
  db = load(path);
  assert_sql(db, "SELECT name, loaded FROM koelectra_models", "default|1");
  close_database(db);
}
END_TEST

/* A host that closes the library all the same has it gone, with every thread it started. */
START_TEST(leaves_nothing_behind) {
  const char *path = library();
  if (path == NULL) return;
  int threads = count_threads();
  for (int i = 0; i < 3; i++) {
    void *handle = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    ck_assert_msg(handle != NULL, "%s", dlerror());
    ck_assert_ptr_nonnull(dlsym(handle, "sqlite3_koelectra_init"));
    ck_assert_ptr_null(dlsym(handle, "koe_registry_clear"));
    ck_assert_ptr_null(dlsym(handle, "cblas_sgemm"));
    ck_assert_int_eq(count_threads(), threads);
    ck_assert_int_eq(dlclose(handle), 0);
    ck_assert_msg(!is_loaded(path), "still loaded");
    ck_assert_int_eq(count_threads(), threads);
  }
}
END_TEST

/* The same after use: SQLite's reference is one of two, and both are given up. */
START_TEST(closes_after_use) {
  const char *path = library();
  if (path == NULL) return;
  int threads = count_threads();
  sqlite3 *db = load(path);
  assert_sql(db, "SELECT koelectra_load('default', 'tests/reference/tiny')", "default");
  assert_sql(db, "SELECT length(koelectra_embed('책')), koelectra_classify('책') <> ''", "128|1");
  close_database(db);
  void *handle = dlopen(path, RTLD_LAZY | RTLD_NOLOAD);
  ck_assert_ptr_nonnull(handle);
  dlclose(handle);
  dlclose(handle); /* the reference that SQLite keeps for a permanent library */
  ck_assert_msg(!is_loaded(path), "still loaded");
  ck_assert_int_eq(count_threads(), threads);
}
END_TEST

START_TEST(exports_one_symbol) {
  const char *path = library();
  if (path == NULL) return;
  char command[1100], line[512];
  snprintf(command, sizeof command, "nm -D --defined-only '%s' 2>/dev/null", path);
  FILE *symbols = popen(command, "r");
  ck_assert_ptr_nonnull(symbols);
  int count = 0;
  while (fgets(line, sizeof line, symbols) != NULL) {
    count++;
    ck_assert_msg(strstr(line, " T sqlite3_koelectra_init") != NULL, "exports %s", line);
  }
  pclose(symbols);
  if (count == 0) skip_test("no nm here");
}
END_TEST

Suite *extension_suite(void);

Suite *extension_suite(void) {
  Suite *suite = suite_create("extension");
  TCase *tests = tcase_create("extension");
  tcase_add_test(tests, stays_loaded);
  tcase_add_test(tests, leaves_nothing_behind);
  tcase_add_test(tests, closes_after_use);
  tcase_add_test(tests, exports_one_symbol);
  suite_add_tcase(suite, tests);
  return suite;
}
