/* Error messages: formatted, bounded, cut between characters. */
#include "../model/status.h"
#include "support.h"

#include <stdio.h>
#include <string.h>

START_TEST(formats) {
  koe_error err;
  ck_assert_int_eq(koe_fail(&err, KOE_IO, "%s: %d", "file", 7), KOE_IO);
  ck_assert_int_eq(err.status, KOE_IO);
  ck_assert_str_eq(err.message, "file: 7");
  ck_assert_int_eq(koe_fail_nomem(&err), KOE_NOMEM);
  ck_assert_int_eq(err.status, KOE_NOMEM);
  ck_assert_str_eq(err.message, "out of memory");
}
END_TEST

/* Fills a message with `before` ASCII letters and then characters of `character`. */
static void check_cut(const char *character, size_t before) {
  koe_error err;
  char text[2000];
  size_t length = strlen(character);
  memset(text, 'a', before);
  for (size_t at = before; at + length < sizeof text; at += length) {
    memcpy(text + at, character, length);
    text[at + length] = '\0';
  }
  koe_fail(&err, KOE_IO, "%s", text);
  size_t kept = strlen(err.message);
  ck_assert_uint_lt(kept, sizeof err.message);
  ck_assert_uint_ge(kept, sizeof err.message - length);
  ck_assert_msg((kept - before) % length == 0, "%s after %zu: cut to %zu bytes", character, before,
                kept);
  ck_assert_int_eq(strncmp(err.message, text, kept), 0);
}

START_TEST(cuts_between_characters) {
  for (size_t before = 0; before < 8; before++) {
    check_cut("a", before);
    check_cut("é", before);
    check_cut("한", before);
    check_cut("😀", before);
  }
}
END_TEST

START_TEST(keeps_what_just_fits) {
  koe_error err;
  char text[sizeof err.message];
  memset(text, 'a', sizeof text);
  strcpy(text + sizeof text - 4, "한");
  koe_fail(&err, KOE_IO, "%s", text);
  ck_assert_str_eq(err.message, text);
}
END_TEST

Suite *status_suite(void);

Suite *status_suite(void) {
  Suite *suite = suite_create("status");
  TCase *tcase = tcase_create("status");
  tcase_add_test(tcase, formats);
  tcase_add_test(tcase, cuts_between_characters);
  tcase_add_test(tcase, keeps_what_just_fits);
  suite_add_tcase(suite, tcase);
  return suite;
}
