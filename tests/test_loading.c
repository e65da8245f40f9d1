/* The built library in a host: what loading, use, fork and unloading leave behind. */
#include "support.h"

#include <dirent.h>
#include <dlfcn.h>
#include <sqlite3.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

/* The library that `make` built: $KOELECTRA_LIBRARY, or build/koelectra.so.  NULL skips the test.
 */
static const char *library_path(void) {
  const char *path = getenv("KOELECTRA_LIBRARY");
  if (path == NULL) path = "build/koelectra.so";
  if (access(path, R_OK) == 0) return path;
  skip_test("no library: run `make`, or name one in KOELECTRA_LIBRARY");
  return NULL;
}

static int threads(void) {
  int count = 0;
  DIR *tasks = opendir("/proc/self/task");
  ck_assert_ptr_nonnull(tasks);
  for (struct dirent *entry = readdir(tasks); entry != NULL; entry = readdir(tasks)) {
    if (entry->d_name[0] != '.') count++;
  }
  closedir(tasks);
  return count;
}

static bool is_mapped(const char *name) {
  char line[1024];
  bool found = false;
  FILE *maps = fopen("/proc/self/maps", "r");
  ck_assert_ptr_nonnull(maps);
  while (fgets(line, sizeof line, maps) != NULL)
    found = found || strstr(line, name) != NULL;
  fclose(maps);
  return found;
}

START_TEST(load_and_unload) {
  const char *path = library_path();
  if (path == NULL) return;
  int before = threads();
  for (int i = 0; i < 3; i++) {
    void *library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    ck_assert_msg(library != NULL, "%s", dlerror());
    ck_assert_int_eq(threads(), before);
    ck_assert(is_mapped("koelectra.so"));
    ck_assert_int_eq(dlclose(library), 0);
    ck_assert_msg(!is_mapped("koelectra.so"), "dlclose leaves the library mapped");
    ck_assert_int_eq(threads(), before);
  }
}
END_TEST

/* A host's own BLAS, or our model/ in the host, must not meet the library's. */
START_TEST(exports) {
  static const char *const hidden[] = {"cblas_sgemm", "openblas_set_num_threads", "json_loads",
                                       "utf8proc_category", "koe_registry_load"};
  const char *path = library_path();
  if (path == NULL) return;
  void *library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
  ck_assert_msg(library != NULL, "%s", dlerror());
  ck_assert_ptr_nonnull(dlsym(library, "sqlite3_koelectra_init"));
  for (size_t i = 0; i < sizeof hidden / sizeof hidden[0]; i++) {
    ck_assert_msg(dlsym(library, hidden[i]) == NULL, "the library exports %s", hidden[i]);
  }
  dlclose(library);
}
END_TEST

static sqlite3 *connect(const char *path) {
  sqlite3 *db;
  char *message = NULL;
  ck_assert_int_eq(sqlite3_open(":memory:", &db), SQLITE_OK);
  sqlite3_enable_load_extension(db, 1);
  int code = sqlite3_load_extension(db, path, NULL, &message);
  ck_assert_msg(code == SQLITE_OK, "%s", message);
  return db;
}

/* The length of the BLOB or text that a query gives; -1 and a message if it fails. */
static int query_length(sqlite3 *db, const char *sql) {
  sqlite3_stmt *statement;
  int length = -1;
  if (sqlite3_prepare_v2(db, sql, -1, &statement, NULL) == SQLITE_OK &&
      sqlite3_step(statement) == SQLITE_ROW) {
    length = sqlite3_column_bytes(statement, 0);
  } else {
    printf("%s: %s\n", sql, sqlite3_errmsg(db));
  }
  sqlite3_finalize(statement);
  return length;
}

enum { TINY_BYTES = 32 * sizeof(float) };

/* Models belong to the process: a second connection has those of the first, also after it closed.
 */
START_TEST(models_outlive_connections) {
  const char *path = library_path();
  if (path == NULL) return;
  int before = threads();
  sqlite3 *db = connect(path);
  ck_assert_int_eq(query_length(db, "SELECT koelectra_load('tiny', 'tests/reference/tiny')"), 4);
  ck_assert_int_eq(query_length(db, "SELECT koelectra_embed('영화', 'tiny')"), TINY_BYTES);
  ck_assert_int_eq(threads(), before);
  sqlite3_close(db);
  db = connect(path);
  ck_assert_int_eq(query_length(db, "SELECT koelectra_embed('영화', 'tiny')"), TINY_BYTES);
  sqlite3_close(db);
}
END_TEST

START_TEST(works_after_fork) {
  const char *path = library_path();
  if (path == NULL) return;
  sqlite3 *db = connect(path);
  query_length(db, "SELECT koelectra_load('tiny', 'tests/reference/tiny')");
  ck_assert_int_eq(query_length(db, "SELECT koelectra_embed('영화', 'tiny')"), TINY_BYTES);
  pid_t child = fork();
  ck_assert_int_ge(child, 0);
  if (child == 0) {
    sqlite3 *own = connect(path); /* SQLite's connections do not survive a fork, models do */
    _exit(query_length(own, "SELECT koelectra_embed('영화', 'tiny')") == TINY_BYTES ? 0 : 1);
  }
  int status = -1;
  ck_assert_int_eq(waitpid(child, &status, 0), child);
  ck_assert_msg(WIFEXITED(status) && WEXITSTATUS(status) == 0, "the child ended with %d", status);
  sqlite3_close(db);
}
END_TEST

Suite *loading_suite(void);

Suite *loading_suite(void) {
  Suite *suite = suite_create("loading");
  TCase *tests = tcase_create("loading");
  tcase_add_test(tests, load_and_unload);
  tcase_add_test(tests, exports);
  tcase_add_test(tests, models_outlive_connections);
  tcase_add_test(tests, works_after_fork);
  suite_add_tcase(suite, tests);
  return suite;
}
