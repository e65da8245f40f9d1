#include "sentences.h"

#include "unicode.h"

#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <strings.h>

static bool is_any_of(uint32_t character, const uint32_t *characters, size_t count) {
  for (size_t i = 0; i < count; i++) {
    if (characters[i] == character) return true;
  }
  return false;
}

#define IS_ANY_OF(character, list) is_any_of(character, list, sizeof(list) / sizeof((list)[0]))

/* . ! ? … ‥ ‼ ⁇ ⁈ ⁉ and those that need no space behind them */
static bool is_mark(uint32_t character) {
  static const uint32_t marks[] = {0x2026, 0x2025, 0x203C, 0x2047, 0x2048, 0x2049,
                                   0x3002, 0xFF61, 0xFF01, 0xFF1F, 0xFF0E};
  if (character < 0x80) return character == '.' || character == '!' || character == '?';
  return IS_ANY_OF(character, marks);
}

/* 。 ｡ ！ ？ */
static bool is_full_width_mark(uint32_t character) {
  static const uint32_t marks[] = {0x3002, 0xFF61, 0xFF01, 0xFF1F};
  return IS_ANY_OF(character, marks);
}

/* " ' ) ] } » ’ ” 〉 》 」 』 】 〕 〗 〙 ） ］ ｝ ｣ */
static bool closes(uint32_t character) {
  static const uint32_t marks[] = {'"',    '\'',   ')',    ']',    '}',    0xBB,   0x2019,
                                   0x201D, 0x3009, 0x300B, 0x300D, 0x300F, 0x3011, 0x3015,
                                   0x3017, 0x3019, 0xFF09, 0xFF3D, 0xFF5D, 0xFF63};
  return IS_ANY_OF(character, marks);
}

static bool ends_line(uint32_t character) {
  return (character >= '\n' && character <= '\r') || character == 0x85 || character == 0x2028 ||
         character == 0x2029;
}

static bool is_syllable(uint32_t character) {
  return character >= 0xAC00 && character <= 0xD7A3;
}

static bool is_digit(uint32_t character) {
  return character >= '0' && character <= '9';
}

static bool is_latin(uint32_t character) {
  return (character | 0x20) >= 'a' && (character | 0x20) <= 'z';
}

static bool is_small_latin(uint32_t character) {
  return (character >= 'a' && character <= 'z') || (character >= 0xDF && character <= 0xFF);
}

static koe_character_class classify(uint32_t character) {
  if (is_syllable(character) || is_latin(character) || is_digit(character)) return KOE_CHAR_WORD;
  return koe_classify_character(character);
}

/* ── words in front of a dot ────────────────────────────────────────────────────────────────────
 */

static bool is_number(koe_text word) {
  for (size_t i = 0; i < word.length; i++) {
    if (!is_digit((uint8_t)word.bytes[i])) return false;
  }
  return word.length > 0;
}

/* One letter, Korean or Latin. */
static bool is_letter(koe_text word) {
  uint32_t character;
  if (word.length == 0 || koe_utf8_decode(word.bytes, word.length, &character) != word.length) {
    return false;
  }
  return is_syllable(character) || is_latin(character);
}

/* Latin letters by ones and twos between dots: e.g, U.S, Ph.D; and single ones: J. */
static bool is_initials(koe_text word) {
  size_t letters = 0, dots = 0;
  for (size_t i = 0; i < word.length; i++) {
    bool dot = word.bytes[i] == '.';
    if (!dot && !is_latin((uint8_t)word.bytes[i])) return false;
    letters = dot ? 0 : letters + 1;
    dots += dot;
    if (letters > 2) return false;
  }
  return dots > 0 ? letters > 0 : word.length == 1;
}

static bool is_one_of(koe_text word, const char *const *list, size_t count) {
  for (size_t i = 0; i < count; i++) {
    if (strlen(list[i]) == word.length && strncasecmp(list[i], word.bytes, word.length) == 0) {
      return true;
    }
  }
  return false;
}

#define IS_ONE_OF(word, list) is_one_of(word, list, sizeof(list) / sizeof((list)[0]))

/* Those that stand before a name or a number, so that a sentence hardly ends there. */
static bool is_abbreviation(koe_text word, bool number_follows) {
  static const char *const titles[] = {"mr",  "mrs", "ms", "dr",  "prof", "st",  "mt",
                                       "gen", "col", "lt", "sgt", "rev",  "hon", "gov",
                                       "sen", "vs",  "cf", "al",  "ed",   "eds", "ex"};
  static const char *const numbered[] = {
      "no",  "nos", "vol", "fig", "eq",  "sec",  "ch",  "art", "p",   "pp",  "jan", "feb",
      "mar", "apr", "jun", "jul", "aug", "sept", "sep", "oct", "nov", "dec", "ca",  "approx"};
  return IS_ONE_OF(word, titles) || (number_follows && IS_ONE_OF(word, numbered));
}

/* ── marks ──────────────────────────────────────────────────────────────────────────────────────
 */

/* What has been read of a sentence. */
typedef struct reader {
  koe_text text;
  size_t start;
  size_t word;      /* where the last word begins: behind white space and punctuation but dots */
  size_t number;    /* where one begins that follows a number with a dot; SIZE_MAX: none */
  size_t syllables; /* Korean ones in a row, up to here */
} reader;

/* One or more marks, and what closes behind them. */
typedef struct marks {
  size_t at;      /* first mark */
  size_t marks;   /* end of the marks */
  size_t closers; /* end of what closes */
  bool full_width;
  bool single_dot;
} marks;

static size_t read_at(koe_text text, size_t at, uint32_t *character) {
  return koe_utf8_decode(text.bytes + at, text.length - at, character);
}

static marks read_marks(koe_text text, size_t at) {
  uint32_t character;
  marks found = {.at = at};
  for (size_t size; at < text.length; at += size) {
    size = read_at(text, at, &character);
    if (!is_mark(character)) break;
    found.single_dot = at == found.at && (character == '.' || character == 0xFF0E);
    found.full_width = found.full_width || is_full_width_mark(character);
  }
  found.marks = at;
  for (size_t size; at < text.length; at += size) {
    size = read_at(text, at, &character);
    if (!closes(character)) break;
  }
  found.closers = at;
  return found;
}

/* Whether a dot behind the last word, with white space and `next` behind it, is part of it. */
static bool belongs_to_word(reader *r, size_t dot, uint32_t next, size_t next_at) {
  koe_text word = {r->text.bytes + r->word, dot - r->word};
  bool first = r->word == r->start;
  if (is_number(word)) {
    bool part = (first && word.length <= 3) || r->word == r->number || is_digit(next);
    if (part) r->number = next_at;
    return part;
  }
  return (first && is_letter(word)) || is_initials(word) || is_abbreviation(word, is_digit(next));
}

/* Whether the sentence ends behind these marks. */
static bool ends_sentence(reader *r, const marks *m) {
  koe_text text = r->text;
  uint32_t next;
  if (m->closers == text.length || m->full_width) return true;
  size_t at = m->closers;
  size_t size = read_at(text, at, &next);
  if (classify(next) != KOE_CHAR_SPACE) {
    /* One syllable is more likely a list of them: 주.정.차 */
    return m->closers == m->marks && is_syllable(next) && r->syllables >= 2;
  }
  while (classify(next) == KOE_CHAR_SPACE) {
    at += size;
    if (ends_line(next) || at == text.length) return true;
    size = read_at(text, at, &next);
  }
  if (is_small_latin(next)) return false;
  bool dot_of_word = m->single_dot && m->closers == m->marks;
  return !dot_of_word || !belongs_to_word(r, m->at, next, at);
}

size_t koe_sentence_end(koe_text text, size_t start) {
  reader r = {.text = text, .start = start, .word = start, .number = SIZE_MAX};
  for (size_t at = start; at < text.length;) {
    uint32_t character;
    size_t size = read_at(text, at, &character);
    if (is_mark(character)) {
      marks m = read_marks(text, at);
      if (ends_sentence(&r, &m)) return m.closers;
      if (m.closers > m.marks || !m.single_dot) r.word = m.closers;
      at = m.closers;
      r.syllables = 0;
      continue;
    }
    if (ends_line(character) && at > start) return at;
    koe_character_class class = classify(character);
    at += size;
    r.syllables = is_syllable(character) ? r.syllables + 1 : 0;
    if (class == KOE_CHAR_SPACE || class == KOE_CHAR_PUNCTUATION) r.word = at;
  }
  return text.length;
}
