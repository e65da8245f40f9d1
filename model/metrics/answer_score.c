/* Exact match and character F1 of answers, as KorQuAD scores them. */
#include "../memory.h"
#include "../tokenizer/folding.h"
#include "../tokenizer/unicode.h"
#include "metrics.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

/* The characters that count, words separated by single spaces. */
typedef struct normal_answer {
  uint32_t *characters; /* [count] */
  size_t count;
} normal_answer;

/* Marks that separate words; `(`, `)`, `<`, `>` and the straight quotes among them. */
static bool is_separator(uint32_t character) {
  static const uint32_t marks[] = {'\'',   '"',    '(',    ')',    '<',    '>',
                                   0x300A, 0x300B, 0x3008, 0x3009, 0x2018, 0x2019};
  for (size_t i = 0; i < sizeof marks / sizeof marks[0]; i++) {
    if (marks[i] == character) return true;
  }
  return (character >= 0x09 && character <= 0x0D) || (character >= 0x1C && character <= 0x1F) ||
         character == 0x85 || koe_classify_character(character) == KOE_CHAR_SPACE;
}

static bool is_ascii_punctuation(uint32_t character) {
  return (character >= '!' && character <= '/') || (character >= ':' && character <= '@') ||
         (character >= '[' && character <= '`') || (character >= '{' && character <= '~');
}

/* `out->characters` is the caller's, also after a failure. */
static koe_status normalize(koe_text text, normal_answer *out, koe_error *err) {
  bool space = false;
  out->count = 0;
  /* A character may become two; a space may go in front of each. */
  out->characters = koe_alloc(text.length, 2 * KOE_LOWER_MAX * sizeof *out->characters);
  if (out->characters == NULL) return koe_fail_nomem(err);
  for (size_t at = 0; at < text.length;) {
    uint32_t character, lowered[KOE_LOWER_MAX];
    at += koe_utf8_decode(text.bytes + at, text.length - at, &character);
    if (is_separator(character)) {
      space = true;
      continue;
    }
    if (is_ascii_punctuation(character)) continue;
    if (space && out->count > 0) out->characters[out->count++] = ' ';
    space = false;
    size_t count = koe_lower_case(character, lowered);
    for (size_t i = 0; i < count; i++)
      out->characters[out->count++] = lowered[i];
  }
  return KOE_OK;
}

static int compare_characters(const void *a, const void *b) {
  uint32_t x, y;
  memcpy(&x, a, sizeof x);
  memcpy(&y, b, sizeof y);
  return (x > y) - (x < y);
}

/* Sorts the characters and drops spaces: the bag of them. */
static void make_bag(normal_answer *answer) {
  size_t kept = 0;
  for (size_t i = 0; i < answer->count; i++) {
    if (answer->characters[i] != ' ') answer->characters[kept++] = answer->characters[i];
  }
  answer->count = kept;
  if (kept > 0) qsort(answer->characters, kept, sizeof *answer->characters, compare_characters);
}

/* F1 of two bags. */
static double bag_f1(const normal_answer *a, const normal_answer *b) {
  size_t common = 0;
  for (size_t i = 0, k = 0; i < a->count && k < b->count;) {
    if (a->characters[i] == b->characters[k]) {
      common++;
      i++;
      k++;
    } else if (a->characters[i] < b->characters[k]) {
      i++;
    } else {
      k++;
    }
  }
  return common > 0 ? 2 * (double)common / (double)(a->count + b->count) : 0;
}

koe_status koe_score_answer(koe_text expected, koe_text predicted, koe_answer_score *out,
                            koe_error *err) {
  normal_answer right = {0}, given = {0};
  koe_status status = normalize(expected, &right, err);
  if (status == KOE_OK) status = normalize(predicted, &given, err);
  if (status != KOE_OK) goto cleanup;
  bool exact = right.count == given.count && memcmp(right.characters, given.characters,
                                                    right.count * sizeof *right.characters) == 0;
  out->exact = exact ? 1 : 0;
  make_bag(&right);
  make_bag(&given);
  out->f1 = bag_f1(&right, &given);

cleanup:
  koe_free(right.characters);
  koe_free(given.characters);
  return status;
}

koe_status koe_score_answer_best(const koe_text *expected, size_t count, koe_text predicted,
                                 koe_answer_score *out, koe_error *err) {
  *out = (koe_answer_score){0};
  for (size_t i = 0; i < count; i++) {
    koe_answer_score score;
    koe_status status = koe_score_answer(expected[i], predicted, &score, err);
    if (status != KOE_OK) return status;
    if (score.exact > out->exact) out->exact = score.exact;
    if (score.f1 > out->f1) out->f1 = score.f1;
  }
  return KOE_OK;
}
