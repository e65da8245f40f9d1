/* model/tokenizer/unicode.c: UTF-8 with every kind of fault, and the class of every code point
 * against tests/reference/character_classes.txt. */
#include "support.h"

#include "../model/tokenizer/unicode.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { CHARACTERS = 0x110000 };

/* Loops over all characters abort instead of asserting: Check writes a record of every assertion.
 */
static bool is_surrogate(uint32_t character) {
  return character >= 0xD800 && character <= 0xDFFF;
}

START_TEST(every_scalar_value_survives_encoding_and_decoding) {
  for (uint32_t c = 0; c < CHARACTERS; c++) {
    if (is_surrogate(c)) continue;
    char bytes[4];
    uint32_t decoded;
    size_t length = koe_utf8_encode(c, bytes);
    size_t expected = c < 0x80 ? 1 : c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;
    if (length != expected) ck_abort_msg("U+%04X takes %zu bytes", c, length);
    size_t read = koe_utf8_decode(bytes, length, &decoded);
    if (read != length) ck_abort_msg("U+%04X: %zu bytes read", c, read);
    if (decoded != c) ck_abort_msg("U+%04X is read as U+%04X", c, decoded);
  }
}
END_TEST

/* Each string's maximal valid parts, by length: '1' a good character of one byte … '4', and 'a' …
 * 'c' a faulty sequence of 1 … 3 bytes.  The first are Unicode 15, table 3-8 and its neighbours. */
static const struct {
  const char *bytes;
  const char *parts;
} sequences[] = {
    {"\xC0\xAF\xE0\x80\xBF\xF0\x81\x82\x41", "aaaaaaaa1"},
    {"\xED\xA0\x80\xED\xBF\xBF\xED\xAF\x41", "aaaaaaaa1"},
    {"\xF4\x91\x92\x93\xFF\x41\x80\xBF\x42", "aaaaa1aa1"},
    {"\xE1\x80\xE2\xF0\x91\x92\xF1\xBF\x41", "bacb1"},
    {"\xF0\x9F\x99\x82", "4"},
    {"\xF0\x9F\x99", "c"},
    {"\xF0\x9F", "b"},
    {"\xF0", "a"},
    {"\xF0\x9F\x99z", "c1"},
    {"\xED\x9F\xBF", "3"},
    {"\xEA\xB0\x80\xEA\xB0", "3b"},
    {"\xF4\x8F\xBF\xBF\xF4\x90\x80\x80", "4aaaa"},
    {"\xF8\x88\x80\x80\x80", "aaaaa"},
    {"\xC1\xBF\xC2\x80\xC2", "aa2a"},
    {"\xE0\x9F\xBF\xE0\xA0\x80", "aaa3"},
    {"\xF0\x8F\xBF\xBF\xF0\x90\x80\x80", "aaaa4"},
};

START_TEST(faults_end_where_a_replacing_decoder_ends_them) {
  const char *bytes = sequences[_i].bytes;
  size_t length = strlen(bytes);
  char parts[32] = "";
  size_t count = 0;
  for (size_t at = 0; at < length; count++) {
    uint32_t character;
    size_t part = koe_utf8_decode(bytes + at, length - at, &character);
    bool faulty = character == KOE_REPLACEMENT_CHARACTER;
    parts[count] = (char)((faulty ? 'a' - 1 : '0') + (int)part);
    at += part;
    ck_assert_uint_le(at, length);
  }
  ck_assert_str_eq(parts, sequences[_i].parts);
  ck_assert_uint_eq(koe_utf8_count(bytes, length), count);
}
END_TEST

START_TEST(counting_an_empty_string_gives_zero) {
  ck_assert_uint_eq(koe_utf8_count("", 0), 0);
  ck_assert_uint_eq(koe_utf8_count("\0\0", 2), 2);
}
END_TEST

static koe_character_class class_named(const char *name) {
  if (strcmp(name, "removed") == 0) return KOE_CHAR_REMOVED;
  if (strcmp(name, "space") == 0) return KOE_CHAR_SPACE;
  if (strcmp(name, "punctuation") == 0) return KOE_CHAR_PUNCTUATION;
  ck_assert_str_eq(name, "ideograph");
  return KOE_CHAR_IDEOGRAPH;
}

START_TEST(every_character_has_the_class_of_hugging_faces_tokenizers) {
  uint8_t *expected = calloc(CHARACTERS, 1); /* KOE_CHAR_WORD is 0 */
  ck_assert_ptr_nonnull(expected);
  ck_assert_int_eq(KOE_CHAR_WORD, 0);
  FILE *golden = fopen(test_path("reference/character_classes.txt"), "r");
  ck_assert_ptr_nonnull(golden);
  char line[256];
  int ranges = 0;
  while (fgets(line, sizeof line, golden) != NULL) {
    unsigned first;
    unsigned last;
    char name[32];
    if (sscanf(line, "class %x %x %31s", &first, &last, name) != 3) continue;
    ck_assert_uint_lt(last, CHARACTERS);
    for (unsigned c = first; c <= last; c++)
      expected[c] = (uint8_t)class_named(name);
    ranges++;
  }
  fclose(golden);
  ck_assert_int_gt(ranges, 150);
  for (uint32_t c = 0; c < CHARACTERS; c++) {
    if (is_surrogate(c)) continue;
    koe_character_class class = koe_classify_character(c);
    if (class != expected[c]) ck_abort_msg("U+%04X: class %d, not %d", c, class, expected[c]);
  }
  free(expected);
}
END_TEST

Suite *unicode_suite(void);

Suite *unicode_suite(void) {
  Suite *suite = suite_create("unicode");
  TCase *utf8 = tcase_create("utf-8");
  tcase_add_test(utf8, every_scalar_value_survives_encoding_and_decoding);
  tcase_add_loop_test(utf8, faults_end_where_a_replacing_decoder_ends_them, 0,
                      sizeof sequences / sizeof sequences[0]);
  tcase_add_test(utf8, counting_an_empty_string_gives_zero);
  suite_add_tcase(suite, utf8);
  TCase *classes = tcase_create("classes");
  tcase_add_test(classes, every_character_has_the_class_of_hugging_faces_tokenizers);
  suite_add_tcase(suite, classes);
  return suite;
}
