/* model/tokenizer/vocab.c: lines, duplicates, look-ups, and files that are no vocabulary. */
#include "support.h"

#include "../model/memory.h"
#include "../model/tokenizer/vocab.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static koe_error err;
static koe_vocab vocab;

static const char *path_of(const void *bytes, size_t length) {
  static char path[128];
  snprintf(path, sizeof path, "%s/vocab.txt", temporary_directory());
  write_file(path, bytes, length);
  return path;
}

static void read_text(const char *text) {
  assert_ok(koe_vocab_read(path_of(text, strlen(text)), &vocab, &err));
}

static koe_text text_of(const char *string) {
  return (koe_text){string, strlen(string)};
}

static void assert_token(int32_t id, const char *expected) {
  ck_assert_int_lt(id, vocab.count);
  koe_text token = vocab.tokens[id];
  ck_assert_msg(token.length == strlen(expected) &&
                    memcmp(token.bytes, expected, token.length) == 0,
                "token %d is \"%.*s\", not \"%s\"", id, (int)token.length, token.bytes, expected);
}

static void finish(void) {
  koe_vocab_clear(&vocab);
}

START_TEST(a_token_a_line) {
  read_text("[PAD]\n한\n##국어\n");
  ck_assert_int_eq(vocab.count, 3);
  assert_token(1, "한");
  assert_token(2, "##국어");
  ck_assert_int_eq(koe_vocab_id(&vocab, text_of("##국어")), 2);
  ck_assert_int_eq(koe_vocab_id(&vocab, text_of("국어")), -1);
  ck_assert_int_eq(koe_vocab_id(&vocab, text_of("")), -1);
  ck_assert_uint_gt(koe_vocab_bytes(&vocab), 20);
}
END_TEST

START_TEST(the_last_line_may_lack_its_end) {
  read_text("a\nb");
  ck_assert_int_eq(vocab.count, 2);
  assert_token(1, "b");
}
END_TEST

START_TEST(white_space_at_the_end_of_a_line_is_no_part_of_it) {
  read_text("a\r\n b \t\nc\xE3\x80\x80\nd\xC2\x85\x0B\x0C\n\xC2\xA0\ne\xE2\x80\x8B\nf\rg\n");
  ck_assert_int_eq(vocab.count, 7);
  assert_token(0, "a");
  assert_token(1, " b");
  assert_token(2, "c");
  assert_token(3, "d");
  assert_token(4, "");
  assert_token(5, "e\xE2\x80\x8B"); /* U+200B is no white space */
  assert_token(6, "f\rg");
}
END_TEST

START_TEST(empty_lines_have_ids) {
  read_text("\n\na\n\n");
  ck_assert_int_eq(vocab.count, 4);
  ck_assert_int_eq(koe_vocab_id(&vocab, text_of("a")), 2);
  ck_assert_int_eq(koe_vocab_id(&vocab, text_of("")), 3);
}
END_TEST

START_TEST(of_duplicates_the_last_counts) {
  read_text("a\nb\na\nb \na\n");
  ck_assert_int_eq(koe_vocab_id(&vocab, text_of("a")), 4);
  ck_assert_int_eq(koe_vocab_id(&vocab, text_of("b")), 3);
  assert_token(0, "a");
}
END_TEST

START_TEST(bytes_are_kept_whatever_they_are) {
  const char bytes[] = "a\0b\n\xFF\xFE\n\xEA\xB0\n\x80\x80\x80\x80\x80\n";
  assert_ok(koe_vocab_read(path_of(bytes, sizeof bytes - 1), &vocab, &err));
  ck_assert_int_eq(vocab.count, 4);
  ck_assert_int_eq(koe_vocab_id(&vocab, (koe_text){"a\0b", 3}), 0);
  assert_token(1, "\xFF\xFE");
  assert_token(2, "\xEA\xB0");
  assert_token(3, "\x80\x80\x80\x80\x80");
}
END_TEST

START_TEST(a_large_vocabulary_is_looked_up) {
  enum { TOKENS = 200000 };
  char *lines = malloc(TOKENS * 8);
  size_t length = 0;
  for (int i = 0; i < TOKENS; i++)
    length += (size_t)sprintf(lines + length, "t%d\n", i);
  assert_ok(koe_vocab_read(path_of(lines, length), &vocab, &err));
  ck_assert_int_eq(vocab.count, TOKENS);
  for (int i = 0; i < TOKENS; i++) {
    char name[16];
    sprintf(name, "t%d", i);
    int32_t id = koe_vocab_id(&vocab, text_of(name));
    if (id != i) ck_abort_msg("%s has id %d", name, id);
  }
  free(lines);
}
END_TEST

START_TEST(what_is_no_vocabulary_fails) {
  assert_fails(koe_vocab_read("/nonexistent/vocab.txt", &vocab, &err), KOE_IO,
               "/nonexistent/vocab.txt");
  assert_fails(koe_vocab_read("/", &vocab, &err), KOE_IO, "not a regular file");
  assert_fails(koe_vocab_read(path_of("", 0), &vocab, &err), KOE_FORMAT, "is empty");
}
END_TEST

START_TEST(limits_are_errors) {
  const char *path = path_of("a\n", 2);
  ck_assert_int_eq(truncate(path, (off_t)KOE_VOCAB_MAX_BYTES + 1), 0);
  assert_fails(koe_vocab_read(path, &vocab, &err), KOE_FORMAT, "at most 67108864");

  size_t lines = (size_t)KOE_VOCAB_MAX_TOKENS + 1;
  char *newlines = malloc(lines);
  memset(newlines, '\n', lines);
  path = path_of(newlines, lines);
  free(newlines);
  assert_fails(koe_vocab_read(path, &vocab, &err), KOE_FORMAT, "16777217 lines");
}
END_TEST

#ifdef KOE_FAULTS
START_TEST(memory_may_fail_anywhere) {
  const char *path = path_of("a\nb\nc\n", 6);
  koe_status status = KOE_NOMEM;
  long n;
  for (n = 1; status != KOE_OK && n < 100; n++) {
    koe_memory_fail_after(n);
    status = koe_vocab_read(path, &vocab, &err);
    koe_memory_fail_after(0);
    ck_assert(status == KOE_OK || status == KOE_NOMEM);
    if (status != KOE_OK) koe_vocab_clear(&vocab);
  }
  ck_assert_int_eq(status, KOE_OK);
  ck_assert_int_gt(n, 3);
}
END_TEST
#endif

Suite *vocab_suite(void);

Suite *vocab_suite(void) {
  Suite *suite = suite_create("vocab");
  TCase *files = tcase_create("files");
  tcase_add_checked_fixture(files, NULL, finish);
  tcase_add_test(files, a_token_a_line);
  tcase_add_test(files, the_last_line_may_lack_its_end);
  tcase_add_test(files, white_space_at_the_end_of_a_line_is_no_part_of_it);
  tcase_add_test(files, empty_lines_have_ids);
  tcase_add_test(files, of_duplicates_the_last_counts);
  tcase_add_test(files, bytes_are_kept_whatever_they_are);
  tcase_add_test(files, a_large_vocabulary_is_looked_up);
  tcase_add_test(files, what_is_no_vocabulary_fails);
  tcase_add_test(files, limits_are_errors);
#ifdef KOE_FAULTS
  tcase_add_test(files, memory_may_fail_anywhere);
#endif
  suite_add_tcase(suite, files);
  return suite;
}
