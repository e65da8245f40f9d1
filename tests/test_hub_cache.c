/* Models of the hub found in the cache of Hugging Face's tools, by name. */
#include "../model/hub_cache.h"
#include "../model/memory.h"
#include "registry_support.h"
#include "support.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const char commit[] = "0123456789abcdef0123456789abcdef01234567";
static const char tiny[] = "tests/reference/tiny";

/* Forgets what the user who runs the tests has set. */
static void clear_environment(void) {
  static const char *const names[] = {"HF_HOME", "HF_HUB_CACHE", "HUGGINGFACE_HUB_CACHE",
                                      "XDG_CACHE_HOME"};
  for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
    unsetenv(names[i]);
  setenv("HOME", "/home/someone", 1);
}

static void make_directories(const char *path) {
  char part[4096];
  for (const char *slash = strchr(path + 1, '/');; slash = strchr(slash + 1, '/')) {
    size_t length = slash != NULL ? (size_t)(slash - path) : strlen(path);
    memcpy(part, path, length);
    part[length] = '\0';
    mkdir(part, 0777);
    if (slash == NULL) return;
  }
}

/* A cache whose model org/name has the snapshot `commit`, a link to `files`, and refs/main with
 * `reference`; none where that is NULL.  Gives the model's folder. */
static const char *make_cache(const char *files, const char *reference) {
  static char folder[4096];
  char refs[4200], snapshots[4200], target[4096];
  clear_environment();
  const char *cache = temporary_directory();
  setenv("HF_HUB_CACHE", cache, 1);
  snprintf(folder, sizeof folder, "%.4000s/models--org--name", cache);
  snprintf(refs, sizeof refs, "%s/refs", folder);
  snprintf(snapshots, sizeof snapshots, "%s/snapshots", folder);
  make_directories(refs);
  make_directories(snapshots);
  if (reference != NULL) write_file(file_in(refs, "main"), reference, strlen(reference));
  ck_assert_ptr_nonnull(realpath(files, target));
  ck_assert_int_eq(symlink(target, file_in(snapshots, commit)), 0);
  return folder;
}

static koe_hub_name parsed(const char *text) {
  koe_hub_name name;
  ck_assert_msg(koe_hub_name_parse(text, &name), "%s", text);
  return name;
}

START_TEST(names) {
  static const char *const bad[] = {"",
                                    "name",
                                    "org/",
                                    "/name",
                                    "org/name/more",
                                    "../name",
                                    "org/..",
                                    "./name",
                                    "org/.name",
                                    "-org/name",
                                    "org/a--b",
                                    "org/a..b",
                                    "org/na me",
                                    "org/이름",
                                    "org/name@",
                                    "org/name@../main",
                                    "org/name@a/../b",
                                    "org/name@/main",
                                    "org/name@main/",
                                    "org/name@a//b",
                                    "org/name@.hidden",
                                    "org/name@a/.b",
                                    "org/name@a b",
                                    "org/name@a@b",
                                    "@main",
                                    ":built-in:"};
  koe_hub_name name;
  for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
    ck_assert_msg(!koe_hub_name_parse(bad[i], &name), "\"%s\" is taken for a name", bad[i]);
  name = parsed("monologg/koelectra-small-v3-discriminator");
  ck_assert_str_eq(name.repository, "monologg/koelectra-small-v3-discriminator");
  ck_assert_str_eq(name.revision, "main");
  name = parsed("a_B/c.9@refs/pr/1");
  ck_assert_str_eq(name.repository, "a_B/c.9");
  ck_assert_str_eq(name.revision, "refs/pr/1");
}
END_TEST

/* As long as a name may be, and longer. */
START_TEST(long_names) {
  enum { LONGEST = 2 * KOE_HUB_MAX_PART + 1 };
  char text[LONGEST + 2 + KOE_HUB_MAX_REVISION + 2], folder[KOE_HUB_MAX_FOLDER];
  koe_hub_name name;
  memset(text, 'a', sizeof text);
  text[KOE_HUB_MAX_PART] = '/';
  text[LONGEST] = '@';
  text[LONGEST + 1 + KOE_HUB_MAX_REVISION] = '\0';
  name = parsed(text);
  ck_assert_uint_eq(strlen(name.revision), KOE_HUB_MAX_REVISION);
  koe_hub_folder_name(&name, folder);
  ck_assert_uint_eq(strlen(folder), strlen("models----") + 2 * KOE_HUB_MAX_PART);
  memcpy(text + LONGEST + 1 + KOE_HUB_MAX_REVISION, "a", 2);
  ck_assert(!koe_hub_name_parse(text, &name));
  text[LONGEST] = 'a';
  text[LONGEST + 1] = '\0';
  ck_assert(!koe_hub_name_parse(text, &name));
}
END_TEST

static const struct place {
  const char *variables[4]; /* NAME, VALUE, … */
  const char *cache;
} places[] = {
    {{NULL}, "/home/someone/.cache/huggingface/hub"},
    {{"XDG_CACHE_HOME", "/x"}, "/x/huggingface/hub"},
    {{"HF_HOME", "/h", "XDG_CACHE_HOME", "/x"}, "/h/hub"},
    {{"HF_HOME", "~/models/"}, "/home/someone/models/hub"},
    {{"HF_HOME", "", "XDG_CACHE_HOME", ""}, "/home/someone/.cache/huggingface/hub"},
    {{"HF_HUB_CACHE", "/c", "HF_HOME", "/h"}, "/c"},
    {{"HUGGINGFACE_HUB_CACHE", "/old", "HF_HOME", "/h"}, "/old"},
    {{"HUGGINGFACE_HUB_CACHE", "/old", "HF_HUB_CACHE", "/c"}, "/c"},
    {{"HF_HUB_CACHE", "here"}, "here"},
};

START_TEST(where_the_cache_is) {
  const struct place *place = &places[_i];
  koe_error err;
  char *path;
  clear_environment();
  for (size_t i = 0; i < 4 && place->variables[i] != NULL; i += 2)
    setenv(place->variables[i], place->variables[i + 1], 1);
  assert_ok(koe_hub_cache_path(&path, &err));
  ck_assert_str_eq(path, place->cache);
  koe_free(path);
}
END_TEST

START_TEST(found) {
  koe_error err;
  char expected[4300], *path;
  const char *folder = make_cache(tiny, commit);
  snprintf(expected, sizeof expected, "%s/snapshots/%s", folder, commit);
  koe_hub_name name = parsed("org/name");
  assert_ok(koe_hub_cache_find(&name, &path, &err));
  ck_assert_str_eq(path, expected);
  koe_free(path);

  char by_commit[64], reference[64];
  snprintf(by_commit, sizeof by_commit, "org/name@%s", commit);
  name = parsed(by_commit);
  assert_ok(koe_hub_cache_find(&name, &path, &err));
  ck_assert_str_eq(path, expected);
  koe_free(path);

  /* A line's end is no part of a commit. */
  snprintf(expected, sizeof expected, "%s/refs/refs/pr", folder);
  make_directories(expected);
  int length = snprintf(reference, sizeof reference, "%s\r\n", commit);
  write_file(file_in(expected, "1"), reference, (size_t)length);
  name = parsed("org/name@refs/pr/1");
  assert_ok(koe_hub_cache_find(&name, &path, &err));
  koe_free(path);
}
END_TEST

START_TEST(not_found) {
  koe_error err;
  char *path;
  koe_hub_name name = parsed("org/name"), other = parsed("org/other"), tag = parsed("org/name@v2");
  koe_hub_name missing = parsed("org/name@89abcdef0123456789abcdef0123456789abcdef");
  make_cache(tiny, NULL);
  assert_fails(koe_hub_cache_find(&name, &path, &err), KOE_IO, "no revision \"main\" of org/name");
  ck_assert_ptr_nonnull(strstr(err.message, "run koelectra-fetch org/name"));
  ck_assert_ptr_null(path);
  assert_fails(koe_hub_cache_find(&other, &path, &err), KOE_IO, "no directory \"org/other\"");
  ck_assert_ptr_nonnull(strstr(err.message, "models--org--other): run koelectra-fetch org/other"));
  assert_fails(koe_hub_cache_find(&tag, &path, &err), KOE_IO, "refs/v2");
  ck_assert_ptr_nonnull(strstr(err.message, "run koelectra-fetch org/name --revision v2"));
  assert_fails(koe_hub_cache_find(&missing, &path, &err), KOE_IO, "no files of org/name");
  setenv("HF_HUB_CACHE", "/nowhere/at/all", 1);
  assert_fails(koe_hub_cache_find(&name, &path, &err), KOE_IO, "/nowhere/at/all");
}
END_TEST

/* What refs/main may hold, if somebody means harm. */
static const char *const references[] = {
    "",
    "\n",
    "main",
    "../../../../../../../../../../../etc",
    "../../models--org--other/snapshots/01234",
    "/etc",
    "0123456789ABCDEF0123456789ABCDEF01234567",
    "0123456789abcdef0123456789abcdef0123456",
    "0123456789abcdef0123456789abcdef012345678",
    "0123456789abcdef0123456789abcdef0123456\xff",
    "0123456789abcdef0123456789abcdef01234567 0123456789abcdef0123456789abcdef01234567",
};

START_TEST(hostile_references) {
  koe_error err;
  char *path;
  koe_hub_name name = parsed("org/name");
  make_cache(tiny, references[_i]);
  assert_fails(koe_hub_cache_find(&name, &path, &err), KOE_FORMAT, "holds no commit");
  ck_assert_ptr_null(path);
}
END_TEST

START_TEST(hostile_files) {
  koe_error err;
  char *path, link[4300];
  koe_hub_name name = parsed("org/name"), refs = parsed("org/name@refs");
  const char *folder = make_cache(tiny, NULL);
  snprintf(link, sizeof link, "%s/refs/main", folder);

  ck_assert_int_eq(mkfifo(link, 0666), 0);
  assert_fails(koe_hub_cache_find(&name, &path, &err), KOE_IO, "not a regular file");
  ck_assert_int_eq(unlink(link), 0);
  ck_assert_int_eq(mkdir(link, 0777), 0);
  assert_fails(koe_hub_cache_find(&name, &path, &err), KOE_IO, "not a regular file");
  ck_assert_int_eq(rmdir(link), 0);
  ck_assert_int_eq(symlink("main", link), 0);
  assert_fails(koe_hub_cache_find(&name, &path, &err), KOE_IO, "symbolic links");
  ck_assert_int_eq(unlink(link), 0);
  assert_fails(koe_hub_cache_find(&refs, &path, &err), KOE_IO, "refs/refs");

  write_file(link, commit, strlen(commit));
  snprintf(link, sizeof link, "%s/snapshots/%s", folder, commit);
  ck_assert_int_eq(unlink(link), 0);
  ck_assert_int_eq(symlink(commit, link), 0);
  assert_fails(koe_hub_cache_find(&name, &path, &err), KOE_IO, "no files of org/name");
}
END_TEST

/* A name in the place of a directory, as koelectra_load takes it. */
START_TEST(registered) {
  koe_error err;
  char at_home[4096];
  const char *folder = make_cache(tiny, commit);
  ck_assert_ptr_nonnull(realpath(tiny, at_home));
  assert_ok(koe_registry_load("t", "org/name", NULL, &err));
  koe_registry_entry *entry = only_entry();
  ck_assert_str_eq(entry->path, at_home);
  koe_registry_entries_free(entry, 1);
  const koe_model *model;
  assert_ok(koe_registry_acquire("t", &model, &err));
  koe_registry_release(model);

  assert_fails(koe_registry_load("t", "org/other", NULL, &err), KOE_IO,
               "run koelectra-fetch org/other");
  assert_fails(koe_registry_load("t", "no such/name", NULL, &err), KOE_IO, "cannot open directory");
  assert_fails(koe_registry_load("t", "org/name", "{\"max_length\": 4000}", &err), KOE_INVALID,
               "max_length");

  /* A directory of that path goes before. */
  char here[4096];
  ck_assert_ptr_nonnull(getcwd(here, sizeof here));
  ck_assert_int_eq(chdir(folder), 0);
  make_directories("org/name");
  assert_fails(koe_registry_load("t", "org/name", NULL, &err), KOE_IO, "config.json");
  ck_assert_ptr_null(strstr(err.message, "koelectra-fetch"));
  ck_assert_int_eq(chdir(here), 0);
  koe_registry_clear();
}
END_TEST

START_TEST(incomplete) {
  koe_error err;
  const char *empty = temporary_directory();
  make_cache(empty, commit);
  assert_fails(koe_registry_load("t", "org/name@main", NULL, &err), KOE_IO, "config.json");
  ck_assert_ptr_nonnull(strstr(err.message, "comes with koelectra-fetch org/name@main"));
}
END_TEST

#ifdef KOE_FAULTS
START_TEST(memory_is_short) {
  koe_error err;
  char *path = NULL;
  koe_hub_name name = parsed("org/name");
  make_cache(tiny, commit);
  koe_status status = KOE_NOMEM;
  for (long n = 1; status == KOE_NOMEM; n++) {
    koe_memory_fail_after(n);
    status = koe_hub_cache_find(&name, &path, &err);
    koe_memory_fail_after(0);
    ck_assert_int_lt(n, 100);
  }
  ck_assert_int_eq(status, KOE_OK);
  koe_free(path);
}
END_TEST
#endif

Suite *hub_cache_suite(void);

Suite *hub_cache_suite(void) {
  Suite *suite = suite_create("hub_cache");
  TCase *tests = tcase_create("hub_cache");
  tcase_add_test(tests, names);
  tcase_add_test(tests, long_names);
  tcase_add_loop_test(tests, where_the_cache_is, 0, sizeof places / sizeof places[0]);
  tcase_add_test(tests, found);
  tcase_add_test(tests, not_found);
  tcase_add_loop_test(tests, hostile_references, 0, sizeof references / sizeof references[0]);
  tcase_add_test(tests, hostile_files);
  tcase_add_test(tests, registered);
  tcase_add_test(tests, incomplete);
#ifdef KOE_FAULTS
  tcase_add_test(tests, memory_is_short);
#endif
  suite_add_tcase(suite, tests);
  return suite;
}
