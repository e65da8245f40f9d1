/* model/tokenizer/folding.c: lower case, accents and decomposition of every code point against
 * tests/reference/character_classes.txt; composition on its own. */
#include "support.h"

#include "../model/tokenizer/folding.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { CHARACTERS = 0x110000, LONGEST = 8 };

typedef struct characters {
  uint32_t at[LONGEST];
  size_t count;
} characters;

/* What a character becomes; itself unless the golden file says otherwise. */
typedef struct mapping {
  characters *of; /* [CHARACTERS] */
  int entries;    /* lines read */
} mapping;

static mapping identity(void) {
  mapping map = {calloc(CHARACTERS, sizeof *map.of), 0};
  ck_assert_ptr_nonnull(map.of);
  for (uint32_t c = 0; c < CHARACTERS; c++)
    map.of[c] = (characters){{c}, 1};
  return map;
}

static characters parse_characters(const char *text) {
  characters list = {{0}, 0};
  char *end;
  for (;;) {
    unsigned long c = strtoul(text, &end, 16);
    if (end == text) return list;
    if (list.count == LONGEST) ck_abort_msg("a line of the golden file is too long");
    list.at[list.count++] = (uint32_t)c;
    text = end;
  }
}

/* "KIND CHARACTER = CHARACTERS" */
static void read_mapped(mapping *map, const char *kind, const char *line) {
  unsigned c;
  int at = 0;
  char name[16];
  if (sscanf(line, "%15s %x = %n", name, &c, &at) < 2 || at == 0) return;
  if (strcmp(name, kind) != 0) return;
  map->of[c] = parse_characters(line + at);
  map->entries++;
}

static void read_lower_range(mapping *map, const char *line) {
  unsigned first;
  unsigned last;
  unsigned step;
  int difference;
  if (sscanf(line, "lower %x %x %u %d", &first, &last, &step, &difference) != 4) return;
  for (unsigned c = first; c <= last; c += step) {
    map->of[c] = (characters){{(uint32_t)((int)c + difference)}, 1};
  }
  map->entries++;
}

static void read_accent_range(mapping *map, const char *line) {
  unsigned first;
  unsigned last;
  if (sscanf(line, "accent %x %x", &first, &last) != 2) return;
  for (unsigned c = first; c <= last; c++)
    map->of[c].count = 0;
  map->entries++;
}

static mapping read_golden(bool lower) {
  mapping map = identity();
  FILE *golden = fopen(test_path("reference/character_classes.txt"), "r");
  ck_assert_ptr_nonnull(golden);
  char line[256];
  while (fgets(line, sizeof line, golden) != NULL) {
    if (lower) {
      read_lower_range(&map, line);
      read_mapped(&map, "lower", line);
    } else {
      read_accent_range(&map, line);
      read_mapped(&map, "strip", line);
    }
  }
  fclose(golden);
  ck_assert_int_gt(map.entries, 150);
  return map;
}

/* Aborts instead of asserting: Check writes a record of every assertion. */
static void check(uint32_t c, const uint32_t *found, size_t count, const characters *expected) {
  if (count != expected->count) {
    ck_abort_msg("U+%04X: %zu characters, not %zu", c, count, expected->count);
  }
  for (size_t i = 0; i < count; i++) {
    if (found[i] == expected->at[i]) continue;
    ck_abort_msg("U+%04X: character %zu is U+%04X, not U+%04X", c, i, found[i], expected->at[i]);
  }
}

START_TEST(every_lower_case_is_that_of_hugging_faces_tokenizers) {
  mapping map = read_golden(true);
  for (uint32_t c = 0; c < CHARACTERS; c++) {
    if (c >= 0xD800 && c <= 0xDFFF) continue;
    uint32_t lower[KOE_LOWER_MAX];
    size_t count = koe_lower_case(c, lower);
    check(c, lower, count, &map.of[c]);
  }
  free(map.of);
}
END_TEST

START_TEST(every_stripped_character_is_that_of_hugging_faces_tokenizers) {
  mapping map = read_golden(false);
  for (uint32_t c = 0; c < CHARACTERS; c++) {
    if ((c >= 0xD800 && c <= 0xDFFF) || (c >= 0xAC00 && c <= 0xD7A3)) continue;
    uint32_t parts[KOE_DECOMPOSED_MAX];
    size_t count = koe_decompose(c, parts);
    size_t kept = 0;
    for (size_t i = 0; i < count; i++) {
      if (!koe_is_accent(parts[i])) parts[kept++] = parts[i];
    }
    check(c, parts, kept, &map.of[c]);
  }
  free(map.of);
}
END_TEST

START_TEST(hangul_syllables_decompose_by_rule) {
  for (uint32_t c = 0xAC00; c <= 0xD7A3; c++) {
    uint32_t index = c - 0xAC00;
    characters expected = {{0x1100 + index / 588, 0x1161 + index % 588 / 28, 0x11A7 + index % 28},
                           index % 28 == 0 ? 2 : 3};
    uint32_t parts[KOE_DECOMPOSED_MAX];
    size_t count = koe_decompose(c, parts);
    check(c, parts, count, &expected);
    size_t composed = koe_compose(parts, count);
    check(c, parts, composed, &(characters){{c}, 1});
  }
}
END_TEST

START_TEST(combining_classes_are_those_of_unicode_9) {
  ck_assert_uint_eq(koe_combining_class('a'), 0);
  ck_assert_uint_eq(koe_combining_class(0x301), 230);
  ck_assert_uint_eq(koe_combining_class(0x323), 220);
  ck_assert_uint_eq(koe_combining_class(0x8D4), 230); /* Unicode 9 */
  ck_assert_uint_eq(koe_combining_class(0x8D3), 0);   /* Unicode 11 */
  ck_assert_uint_eq(koe_combining_class(0xAC00), 0);
}
END_TEST

START_TEST(what_joins_the_character_before_it) {
  ck_assert(koe_joins_previous(0x301));
  ck_assert(koe_joins_previous(0x1161));
  ck_assert(koe_joins_previous(0x11A8));
  ck_assert(koe_joins_previous(0x9BE)); /* composes with U+09C7 */
  ck_assert(!koe_joins_previous('a'));
  ck_assert(!koe_joins_previous(0x1100));
  ck_assert(!koe_joins_previous(0xAC00));
  ck_assert(!koe_joins_previous(0x4E00));
}
END_TEST

Suite *folding_suite(void);

Suite *folding_suite(void) {
  Suite *suite = suite_create("folding");
  TCase *all = tcase_create("all");
  tcase_add_test(all, every_lower_case_is_that_of_hugging_faces_tokenizers);
  tcase_add_test(all, every_stripped_character_is_that_of_hugging_faces_tokenizers);
  tcase_add_test(all, hangul_syllables_decompose_by_rule);
  tcase_add_test(all, combining_classes_are_those_of_unicode_9);
  tcase_add_test(all, what_joins_the_character_before_it);
  suite_add_tcase(suite, all);
  return suite;
}
