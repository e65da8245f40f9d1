#include "support.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

static const char *format_path(const char *folder, const char *relative) {
  static char buffers[8][1024];
  static int next;
  char *buffer = buffers[next++ % 8];
  int length = snprintf(buffer, sizeof buffers[0], "%s/%s", folder, relative);
  ck_assert_msg(length > 0 && length < (int)sizeof buffers[0], "path too long: %s", relative);
  return buffer;
}

const char *test_path(const char *relative) {
  return format_path("tests", relative);
}

const char *shared_path(const char *relative) {
  const char *folder = getenv("KOELECTRA_SHARED");
  const char *path = format_path(folder != NULL ? folder : "../shared", relative);
  if (access(path, R_OK) == 0) return path;
  char reason[1200];
  snprintf(reason, sizeof reason, "%s is not there", path);
  skip_test(reason);
  return NULL;
}

void skip_test(const char *reason) {
  __atomic_fetch_add(koe_test_skips, 1, __ATOMIC_SEQ_CST);
  printf("skipped: %s\n", reason);
  fflush(stdout);
}

bool full_sweeps(void) {
  return getenv("KOELECTRA_FULL_SWEEPS") != NULL;
}

long next_in_sweep(long n) {
  return n < 100 || full_sweeps() ? n + 1 : n + n / 20;
}

static char temporary_directories[16][32];
static int temporary_count;
static pid_t temporary_owner;

static void remove_temporary_directories(void) {
  if (getpid() != temporary_owner) return;
  for (int i = 0; i < temporary_count; i++) {
    char command[sizeof temporary_directories + 16];
    snprintf(command, sizeof command, "rm -rf '%s'", temporary_directories[i]);
    if (system(command) != 0) fprintf(stderr, "cannot remove %s\n", temporary_directories[i]);
  }
}

/* `pattern` ends in XXXXXX and has at most 31 bytes. */
static const char *make_temporary_directory(const char *pattern) {
  if (temporary_owner != getpid()) {
    temporary_owner = getpid();
    temporary_count = 0;
    atexit(remove_temporary_directories);
  }
  ck_assert_int_lt(temporary_count, 16);
  char *path = temporary_directories[temporary_count++];
  strcpy(path, pattern);
  ck_assert_msg(mkdtemp(path) != NULL, "cannot make a temporary directory");
  return path;
}

const char *temporary_directory(void) {
  return make_temporary_directory("/tmp/koelectra-test-XXXXXX");
}

const char *large_temporary_directory(void) {
  const uint64_t plenty = UINT64_C(8) << 30; /* by default half of the memory there is */
  struct statvfs info;
  bool roomy = statvfs("/dev/shm", &info) == 0 && info.f_bavail * info.f_frsize >= plenty &&
               access("/dev/shm", W_OK) == 0;
  return roomy ? make_temporary_directory("/dev/shm/koelectra-test-XXXXXX") : temporary_directory();
}

void write_file(const char *path, const void *bytes, size_t length) {
  FILE *file = fopen(path, "wb");
  ck_assert_msg(file != NULL, "cannot write %s", path);
  ck_assert_uint_eq(fwrite(bytes, 1, length, file), length);
  ck_assert_int_eq(fclose(file), 0);
}

char *read_file(const char *path, size_t *length) {
  FILE *file = fopen(path, "rb");
  ck_assert_msg(file != NULL, "cannot read %s", path);
  struct stat info;
  ck_assert_int_eq(fstat(fileno(file), &info), 0);
  char *bytes = malloc((size_t)info.st_size + 1);
  ck_assert_ptr_nonnull(bytes);
  ck_assert_uint_eq(fread(bytes, 1, (size_t)info.st_size, file), (size_t)info.st_size);
  bytes[info.st_size] = '\0';
  fclose(file);
  if (length != NULL) *length = (size_t)info.st_size;
  return bytes;
}

const char *copy_directory(const char *path) {
  const char *copy = temporary_directory();
  char command[2200];
  snprintf(command, sizeof command, "cp -rL '%s'/. '%s' && chmod -R u+w '%s'", path, copy, copy);
  ck_assert_msg(system(command) == 0, "cannot copy %s", path);
  return copy;
}

json_t *load_json(const char *path) {
  json_error_t error;
  json_t *json = json_load_file(path, JSON_ALLOW_NUL, &error);
  ck_assert_msg(json != NULL, "%s:%d: %s", path, error.line, error.text);
  return json;
}
