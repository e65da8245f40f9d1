#include "fts5_terms.h"

#include "../model/tokenizer/folding.h"
#include "../model/tokenizer/unicode.h"

#include <sqlite3ext.h>
#include <stdint.h>
#include <string.h>
#include <utf8proc.h>

enum {
  LETTER_MAX = 4,   /* bytes of a character */
  CLUSTER_MAX = 32, /* characters that are composed together: no language needs more */
  COMPOSED_MAX = CLUSTER_MAX * KOE_DECOMPOSED_MAX
};

/* ── what a character is to a search ────────────────────────────────────────────────────────────
 */

typedef enum letter_kind {
  SKIPPED,
  SEPARATOR,
  PAIRED, /* of a script whose words are found by pairs of letters */
  WORD,   /* of a word that is one term */
  MARK,   /* belongs to the letter before it */
  ALONE   /* a term of its own */
} letter_kind;

typedef struct range {
  uint32_t first, last;
} range;

static bool is_hangul_syllable(uint32_t c) {
  return c >= 0xAC00 && c <= 0xD7A3;
}

/* Hangul letters and kana; ideographs are a class of koe_classify_character. */
static bool is_paired(uint32_t c) {
  static const range ranges[] = {{0x1100, 0x11FF}, {0x3041, 0x3096}, {0x309D, 0x30FA},
                                 {0x30FC, 0x318E}, {0x31F0, 0x31FF}, {0xA960, 0xA97C},
                                 {0xD7B0, 0xD7FB}, {0xFF66, 0xFFDC}};
  for (size_t i = 0; i < sizeof ranges / sizeof ranges[0]; i++) {
    if (c >= ranges[i].first && c <= ranges[i].last) return true;
  }
  return false;
}

static letter_kind kind_of(uint32_t c) {
  if (is_hangul_syllable(c)) return PAIRED;
  switch (koe_classify_character(c)) {
  case KOE_CHAR_REMOVED:
    return SKIPPED;
  case KOE_CHAR_SPACE:
  case KOE_CHAR_PUNCTUATION:
    return SEPARATOR;
  case KOE_CHAR_IDEOGRAPH:
    return PAIRED;
  case KOE_CHAR_WORD:
    break;
  }
  utf8proc_category_t category = utf8proc_category((utf8proc_int32_t)c);
  if (category >= UTF8PROC_CATEGORY_MN && category <= UTF8PROC_CATEGORY_ME) return MARK;
  if (is_paired(c)) return PAIRED;
  return category >= UTF8PROC_CATEGORY_LU && category <= UTF8PROC_CATEGORY_NO ? WORD : ALONE;
}

/* ── reading ────────────────────────────────────────────────────────────────────────────────────
 */

typedef struct reader {
  koe_terms_mode mode;
  koe_term_callback callback;
  void *context;

  /* The place of the character in hand. */
  int start, end;

  /* The last of the paired letters: room for it and the next. */
  char letter[2 * LETTER_MAX];
  int letter_length; /* 0: none */
  int letter_start, letter_end;
  bool letter_was_paired; /* with the one before it */

  char word[KOE_TERM_MAX];
  int word_length; /* 0: none */
  bool word_full;
  int word_start, word_end;
} reader;

static int give(const reader *r, const char *bytes, int length, int start, int end,
                bool colocated) {
  const koe_term term = {bytes, length, start, end, colocated};
  return r->callback(r->context, &term);
}

static int end_letters(reader *r) {
  int length = r->letter_length;
  r->letter_length = 0;
  if (length == 0 || (r->mode == KOE_TERMS_LOOSE && r->letter_was_paired)) return SQLITE_OK;
  return give(r, r->letter, length, r->letter_start, r->letter_end, false);
}

static int end_word(reader *r) {
  int length = r->word_length;
  r->word_length = 0;
  r->word_full = false;
  return length > 0 ? give(r, r->word, length, r->word_start, r->word_end, false) : SQLITE_OK;
}

static int end_run(reader *r) {
  int code = end_letters(r);
  return code == SQLITE_OK ? end_word(r) : code;
}

static int add_letter(reader *r, const char *bytes, int length) {
  int code = end_word(r);
  int before = r->letter_length;
  memcpy(r->letter + before, bytes, (size_t)length);
  if (before > 0 && code == SQLITE_OK) {
    code = give(r, r->letter, before + length, r->letter_start, r->letter_end, false);
    if (code == SQLITE_OK && r->mode == KOE_TERMS_DOCUMENT) {
      code = give(r, r->letter, before, r->letter_start, r->letter_end, true);
    }
    memmove(r->letter, bytes, (size_t)length);
  }
  r->letter_length = length;
  r->letter_was_paired = before > 0;
  r->letter_start = r->start;
  r->letter_end = r->end;
  return code;
}

static int add_to_word(reader *r, const char *bytes, int length) {
  int code = end_letters(r);
  if (r->word_length == 0) r->word_start = r->start;
  r->word_end = r->end;
  /* Once full, it stays so: no later, shorter character may be added. */
  if (length > KOE_TERM_MAX - r->word_length) r->word_full = true;
  if (r->word_full) return code;
  memcpy(r->word + r->word_length, bytes, (size_t)length);
  r->word_length += length;
  return code;
}

static int add_character(reader *r, uint32_t character) {
  char bytes[LETTER_MAX];
  int code;
  letter_kind kind = kind_of(character);
  if (kind == SKIPPED) return SQLITE_OK;
  if (kind == SEPARATOR) return end_run(r);
  int length = (int)koe_utf8_encode(character, bytes);
  switch (kind) {
  case PAIRED:
    return add_letter(r, bytes, length);
  case MARK:
    return r->word_length > 0 ? add_to_word(r, bytes, length) : SQLITE_OK;
  case ALONE:
    code = end_run(r);
    return code == SQLITE_OK ? give(r, bytes, length, r->start, r->end, false) : code;
  default:
    return add_to_word(r, bytes, length);
  }
}

/* ── case and accents ───────────────────────────────────────────────────────────────────────────
 */

static int add_lower_case(reader *r, uint32_t character) {
  uint32_t lower[KOE_LOWER_MAX];
  size_t count = koe_lower_case(character, lower);
  int code = SQLITE_OK;
  for (size_t i = 0; i < count && code == SQLITE_OK; i++)
    code = add_character(r, lower[i]);
  return code;
}

/* Whether a mark above or below leaves the letter what it is to a search: not so in kana. */
static bool has_accents(uint32_t c) {
  return (c >= 0xC0 && c < 0x530) || (c >= 0x1E00 && c < 0x2000);
}

static int add_folded(reader *r, uint32_t character) {
  uint32_t parts[KOE_DECOMPOSED_MAX];
  if (is_hangul_syllable(character)) return add_character(r, character);
  if (!has_accents(character)) return add_lower_case(r, character);
  size_t count = koe_decompose(character, parts);
  int code = SQLITE_OK;
  for (size_t i = 0; i < count && code == SQLITE_OK; i++) {
    if (!koe_is_accent(parts[i])) code = add_lower_case(r, parts[i]);
  }
  return code;
}

/* ── composing ──────────────────────────────────────────────────────────────────────────────────
 */

/* Marks into canonical order.  There are few: insertion sort, which is stable. */
static void order_marks(uint32_t *characters, size_t count) {
  for (size_t i = 1; i < count; i++) {
    uint32_t moved = characters[i];
    uint8_t class = koe_combining_class(moved);
    size_t k = i;
    if (class == 0) continue;
    while (k > 0 && koe_combining_class(characters[k - 1]) > class) {
      characters[k] = characters[k - 1];
      k--;
    }
    characters[k] = moved;
  }
}

/* Writes the NFC of a character and what joins it to `out` [COMPOSED_MAX]; returns its length. */
static size_t compose(const uint32_t *characters, size_t count, uint32_t *out) {
  size_t length = 0;
  for (size_t i = 0; i < count; i++)
    length += koe_decompose(characters[i], out + length);
  order_marks(out, length);
  return koe_compose(out, length);
}

/* Whether a character that joins the one before it may begin with this byte: U+0300 and above. */
static bool may_join(char byte) {
  return (unsigned char)byte >= 0xCC;
}

/* Reads a character and those that join it, the first at `*at`; moves `*at` past them. */
static size_t read_cluster(koe_text text, size_t *at, uint32_t *cluster) {
  size_t count = 0;
  do {
    uint32_t character;
    size_t length = koe_utf8_decode(text.bytes + *at, text.length - *at, &character);
    if (count > 0 && (is_hangul_syllable(character) || !koe_joins_previous(character))) break;
    cluster[count++] = character;
    *at += length;
  } while (*at < text.length && count < CLUSTER_MAX && may_join(text.bytes[*at]));
  return count;
}

int koe_terms_read(koe_text text, koe_terms_mode mode, koe_term_callback callback, void *context) {
  uint32_t cluster[CLUSTER_MAX], composed[COMPOSED_MAX];
  reader r = {.mode = mode, .callback = callback, .context = context};
  int code = SQLITE_OK;
  for (size_t at = 0; at < text.length && code == SQLITE_OK;) {
    r.start = (int)at;
    size_t count = read_cluster(text, &at, cluster);
    r.end = (int)at;
    bool plain = count == 1 && (cluster[0] < 0x80 || is_hangul_syllable(cluster[0]));
    if (plain) {
      code = add_folded(&r, cluster[0]);
      continue;
    }
    count = compose(cluster, count, composed);
    for (size_t i = 0; i < count && code == SQLITE_OK; i++) {
      code = add_folded(&r, composed[i]);
      /* What composing leaves behind the first has no place of its own: places must not overlap. */
      r.start = r.end;
    }
  }
  return code == SQLITE_OK ? end_run(&r) : code;
}
