#include "folding.h"

#include "accent_ranges.h"
#include "unicode.h"

#include <string.h>
#include <utf8proc.h>

#define LENGTH(array) (sizeof(array) / sizeof((array)[0]))

/* ── lower case ─────────────────────────────────────────────────────────────────────────────────
 */

/* Letters of Unicode 16 and 17, which utf8proc may not know: lower case = character + difference.
 */
static const struct {
  uint32_t first;
  uint32_t last;
  int32_t difference;
} new_capitals[] = {
    {0x1C89, 0x1C89, 1},      {0xA7CB, 0xA7CB, 0x264 - 0xA7CB},
    {0xA7CC, 0xA7CC, 1},      {0xA7CE, 0xA7CE, 1},
    {0xA7D2, 0xA7D2, 1},      {0xA7D4, 0xA7D4, 1},
    {0xA7DA, 0xA7DA, 1},      {0xA7DC, 0xA7DC, 0x19B - 0xA7DC},
    {0x10D50, 0x10D65, 0x20}, {0x16EA0, 0x16EB8, 0x1B},
};

size_t koe_lower_case(uint32_t character, uint32_t out[KOE_LOWER_MAX]) {
  if (character == 0x130) { /* the only character whose lower case is two */
    out[0] = 'i';
    out[1] = 0x307;
    return 2;
  }
  for (size_t i = 0; i < LENGTH(new_capitals); i++) {
    if (character < new_capitals[i].first || character > new_capitals[i].last) continue;
    out[0] = (uint32_t)((int32_t)character + new_capitals[i].difference);
    return 1;
  }
  out[0] = (uint32_t)utf8proc_tolower((utf8proc_int32_t)character);
  return 1;
}

/* ── decomposition ──────────────────────────────────────────────────────────────────────────────
 */

typedef struct range {
  uint32_t first;
  uint32_t last;
} range;

/* Decomposed by Unicode 13 and 16, not by 9. */
static const range not_decomposed[] = {
    {0x105C9, 0x105E4}, {0x11383, 0x113C8}, {0x11938, 0x11938},
    {0x16121, 0x16128}, {0x16D68, 0x16D6A},
};

/* Marks that are newer than Unicode 9: their combining class counts as 0.  The ranges run on over
 * what is no mark. */
static const range not_combining[] = {
    {0x07FD, 0x07FD},   {0x0897, 0x08D3},   {0x09FE, 0x09FE},   {0x0C3C, 0x0C3C},
    {0x0D3B, 0x0D3C},   {0x0EBA, 0x0EBA},   {0x1715, 0x1715},   {0x1ABF, 0x1AEB},
    {0x1DF6, 0x1DFA},   {0xA82C, 0xA82C},   {0x10D24, 0x10F85}, {0x11070, 0x11070},
    {0x1133B, 0x1133B}, {0x113CE, 0x113E2}, {0x1145E, 0x1145E}, {0x11839, 0x11A99},
    {0x11D42, 0x11F42}, {0x1612F, 0x1612F}, {0x16FF0, 0x16FF1}, {0x1E08F, 0x1E5EF},
};

static bool in_ranges(const range *ranges, size_t count, uint32_t character) {
  for (size_t i = 0; i < count; i++) {
    if (character >= ranges[i].first && character <= ranges[i].last) return true;
  }
  return false;
}

size_t koe_decompose(uint32_t character, uint32_t out[KOE_DECOMPOSED_MAX]) {
  utf8proc_int32_t parts[KOE_DECOMPOSED_MAX];
  int boundary_class = 0;
  out[0] = character;
  if (character < 0xC0 || in_ranges(not_decomposed, LENGTH(not_decomposed), character)) return 1;
  utf8proc_ssize_t count = utf8proc_decompose_char(
      (utf8proc_int32_t)character, parts, KOE_DECOMPOSED_MAX, UTF8PROC_DECOMPOSE, &boundary_class);
  if (count < 1 || count > KOE_DECOMPOSED_MAX) return 1;
  for (utf8proc_ssize_t i = 0; i < count; i++)
    out[i] = (uint32_t)parts[i];
  return (size_t)count;
}

uint8_t koe_combining_class(uint32_t character) {
  uint8_t class = (uint8_t)utf8proc_get_property((utf8proc_int32_t)character)->combining_class;
  if (class == 0 || in_ranges(not_combining, LENGTH(not_combining), character)) return 0;
  return class;
}

bool koe_is_accent(uint32_t character) {
  size_t low = 0;
  size_t high = LENGTH(accent_ranges);
  while (low < high) {
    size_t middle = low + (high - low) / 2;
    if (accent_ranges[middle].last < character) {
      low = middle + 1;
    } else {
      high = middle;
    }
  }
  return low < LENGTH(accent_ranges) && accent_ranges[low].first <= character;
}

/* ── composition ────────────────────────────────────────────────────────────────────────────────
 */

bool koe_joins_previous(uint32_t character) {
  if (character < 0x300 || (character >= 0xAC00 && character <= 0xD7A3)) return false;
  if (character >= 0x1161 && character <= 0x11FF) return true; /* Hangul vowels and finals */
  switch (utf8proc_category((utf8proc_int32_t)character)) {
  case UTF8PROC_CATEGORY_MN:
  case UTF8PROC_CATEGORY_MC:
  case UTF8PROC_CATEGORY_ME:
    return true;
  default:
    return character >= 0x16D63 && character <= 0x16D6A; /* Kirat Rai vowels, letters */
  }
}

size_t koe_compose(uint32_t *characters, size_t count) {
  _Static_assert(sizeof(utf8proc_int32_t) == sizeof(uint32_t), "utf8proc's buffers are UTF-32");
  utf8proc_ssize_t composed = utf8proc_normalize_utf32(
      (utf8proc_int32_t *)characters, (utf8proc_ssize_t)count, UTF8PROC_COMPOSE | UTF8PROC_STABLE);
  return composed > 0 ? (size_t)composed : count;
}
