/* What the suites share.  A suite is tests/test_NAME.c and defines `Suite *NAME_suite(void)`. */
#ifndef KOE_TEST_SUPPORT_H
#define KOE_TEST_SUPPORT_H

#include "../model/status.h"

#include <check.h>
#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

/* Fails the test with the error's message unless `call` gives KOE_OK. */
#define assert_ok(call)                                                                 \
  do {                                                                                  \
    koe_status status_of_call = (call);                                                 \
    ck_assert_msg(status_of_call == KOE_OK, "%s: status %d: %s", #call, status_of_call, \
                  err.message);                                                         \
  } while (0)

/* Fails unless `call` gives `expected` and a message that contains `fragment`. */
#define assert_fails(call, expected, fragment)                                                \
  do {                                                                                        \
    koe_status status_of_call = (call);                                                       \
    ck_assert_msg(status_of_call == (expected), "%s: status %d, not " #expected, #call,       \
                  status_of_call);                                                            \
    ck_assert_msg(strstr(err.message, (fragment)) != NULL, "%s: message \"%s\" lacks \"%s\"", \
                  #call, err.message, (fragment));                                            \
  } while (0)

/* The path of a file in the repository's tests/ folder; static buffer, a few calls deep. */
const char *test_path(const char *relative);

/* The path of a file in the shared folder beside the repository ($KOELECTRA_SHARED, or ../shared),
 * or NULL where it is absent: the test is then counted as skipped and returns. */
const char *shared_path(const char *relative);

/* Whether tests that try every fault, byte or size do so ($KOELECTRA_FULL_SWEEPS); else they leave
 * some out, to be quick. */
bool full_sweeps(void);

/* What to try after `n`: every one to 100, then steps of a twentieth of n; in full sweeps every
 * one. */
long next_in_sweep(long n);

/* Counts the running test as skipped, with a reason that is printed. */
void skip_test(const char *reason);

/* A new empty directory, removed with its contents when the test's process ends. */
const char *temporary_directory(void);

/* The same for files of gigabytes: in memory where the machine has plenty. */
const char *large_temporary_directory(void);

/* Writes a file; fails the test if it cannot. */
void write_file(const char *path, const void *bytes, size_t length);

/* Reads a whole file, terminated by a NUL that is not counted; the caller frees. */
char *read_file(const char *path, size_t *length);

/* A writable copy of a directory, temporary as above. */
const char *copy_directory(const char *path);

/* Parses a JSON file; fails the test if it is not JSON.  The caller drops the reference. */
json_t *load_json(const char *path);

/* The suites by name; the Makefile writes the list, ended by a NULL name. */
extern const struct koe_suite {
  const char *name;
  Suite *(*create)(void);
} koe_suites[];

/* Tests skipped so far, in memory that the forked tests share. */
extern int *koe_test_skips;

#endif
