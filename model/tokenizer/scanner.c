#include "scanner.h"

#include "unicode.h"

#include <string.h>

/* ── special tokens ─────────────────────────────────────────────────────────────────────────────
 */

/* The longest special token that stands at `at`, or NULL. */
static const koe_special_token *special_here(const koe_tokenizer *tokenizer, const uint8_t *at,
                                             const uint8_t *end) {
  const koe_special_token *longest = NULL;
  for (size_t i = 0; i < tokenizer->special_count; i++) {
    const koe_special_token *special = &tokenizer->specials[i];
    if (special->name.length > (size_t)(end - at)) continue;
    if (memcmp(special->name.bytes, at, special->name.length) != 0) continue;
    if (longest == NULL || special->name.length > longest->name.length) longest = special;
  }
  return longest;
}

/* The first byte at or after `at` that begins a special token's name; `end` if there is none. */
static const uint8_t *special_byte(const koe_tokenizer *tokenizer, const uint8_t *at,
                                   const uint8_t *end) {
  if (tokenizer->special_first >= 0) {
    const uint8_t *found = memchr(at, tokenizer->special_first, (size_t)(end - at));
    return found != NULL ? found : end;
  }
  while (at < end && !tokenizer->begins_special[*at])
    at++;
  return at;
}

static void find_special(koe_scanner *scanner) {
  const uint8_t *at = scanner->at;
  while ((at = special_byte(scanner->tokenizer, at, scanner->end)) < scanner->end) {
    scanner->special = special_here(scanner->tokenizer, at, scanner->end);
    if (scanner->special != NULL) break;
    at++;
  }
  scanner->special_at = at;
}

static koe_status take_special(koe_scanner *scanner, koe_tokens *out, koe_error *err) {
  if (!koe_tokens_reserve(out, 1)) return koe_fail_nomem(err);
  koe_text name = scanner->special->name;
  int64_t end = scanner->position + (int64_t)koe_utf8_count(name.bytes, name.length);
  out->items[out->count++] =
      (koe_token){scanner->special->id, scanner->normalizer.segment, scanner->position, end};
  scanner->position = end;
  scanner->at += name.length;
  find_special(scanner);
  return KOE_OK;
}

/* ── words that take the normalizer ─────────────────────────────────────────────────────────────
 */

/* Reads characters until the normalizer gives tokens, a word ends, or the stretch does. */
static koe_status read_carefully(koe_scanner *scanner, koe_tokens *out, koe_error *err) {
  size_t before = out->count;
  while (scanner->at < scanner->special_at && out->count == before) {
    uint32_t character;
    scanner->at += koe_utf8_decode((const char *)scanner->at,
                                   (size_t)(scanner->special_at - scanner->at), &character);
    koe_status status =
        koe_normalizer_read(&scanner->normalizer, character, scanner->position++, out, err);
    if (status != KOE_OK) return status;
  }
  if (scanner->at < scanner->special_at) return KOE_OK;
  return koe_normalizer_end(&scanner->normalizer, out, err);
}

/* ── words straight from the bytes ──────────────────────────────────────────────────────────────
 */

/* A symbol that no character of plane 0 has: what stands here takes the normalizer. */
enum { CAREFULLY = 0x10000 };

/* The symbol of the character at `at`, and its length; CAREFULLY if it is above U+FFFF, invalid, or
 * cut off.  An encoded surrogate, invalid too, gives KOE_SYMBOL_REMOVED. */
static inline uint32_t read_symbol(const uint16_t *plane0, const uint8_t *at, const uint8_t *end,
                                   size_t *length) {
  if (at[0] < 0x80) {
    *length = 1;
    return plane0[at[0]];
  }
  if (at[0] > 0xE0 && at[0] < 0xF0 && end - at >= 3) {
    uint32_t tail = (uint32_t)at[1] << 8 | at[2];
    *length = 3;
    if ((tail & 0xC0C0) != 0x8080) return CAREFULLY;
    return plane0[(at[0] & 0xFu) << 12 | (at[1] & 0x3Fu) << 6 | (at[2] & 0x3Fu)];
  }
  if (at[0] >= 0xC2 && at[0] < 0xE0 && end - at >= 2 && (at[1] & 0xC0) == 0x80) {
    *length = 2;
    return plane0[(at[0] & 0x1Fu) << 6 | (at[1] & 0x3Fu)];
  }
  *length = 0;
  return CAREFULLY;
}

static inline koe_token *write_token(koe_token *token, koe_piece piece, int32_t segment,
                                     int64_t start) {
  *token = (koe_token){koe_piece_id(piece), segment, start, start + koe_piece_characters(piece)};
  return token + 1;
}

/* Writes a state's failure pops, the first at character `*start`, and moves `*start` past them. */
static inline koe_token *write_pops(const koe_wordpiece *wordpiece, uint32_t pops, int32_t segment,
                                    int64_t *start, koe_token *token) {
  if ((pops & KOE_POPS_LIST) == 0) {
    token = write_token(token, pops, segment, *start);
    *start += koe_piece_characters(pops);
    return token;
  }
  koe_piece pieces[KOE_PIECE_MAX_CHARACTERS];
  size_t count = koe_wordpiece_pops(wordpiece, pops, pieces);
  for (size_t i = 0; i < count; i++) {
    token = write_token(token, pieces[i], segment, *start);
    *start += koe_piece_characters(pieces[i]);
  }
  return token;
}

/* Reads the word that begins with `symbol`, of `length` bytes: one of at most 100 characters, all
 * of them in the table, none removed, with a match.  False, and nothing is read or written, where
 * what comes is not that.  `out` has room for 100 more. */
static bool read_word(koe_scanner *scanner, uint32_t symbol, size_t length, koe_tokens *out) {
  const koe_wordpiece *wordpiece = &scanner->tokenizer->wordpiece;
  const koe_wordpiece_state *states = wordpiece->states;
  const koe_alphabet *alphabet = &scanner->tokenizer->alphabet;
  const int32_t segment = scanner->normalizer.segment;
  const uint8_t *at = scanner->at;
  int64_t position = scanner->position;
  int64_t start = position; /* of the next token */
  koe_token *token = out->items + out->count;
  uint32_t state = KOE_STATE_WORD;

  do {
    uint32_t next = koe_wordpiece_next(states, state, symbol);
    while (next == KOE_STATE_DEAD) {
      if (states[state].fail == KOE_STATE_DEAD) return false;
      token = write_pops(wordpiece, states[state].pops, segment, &start, token);
      state = states[state].fail;
      next = koe_wordpiece_next(states, state, symbol);
    }
    state = next;
    at += length;
    position++;
    if (at == scanner->special_at) break;
    symbol = read_symbol(alphabet->plane0, at, scanner->special_at, &length);
  } while (symbol <= alphabet->words && position - scanner->position < KOE_PIECE_MAX_CHARACTERS);
  if (at < scanner->special_at && (symbol <= alphabet->words || symbol >= KOE_SYMBOL_REMOVED)) {
    return false;
  }
  while (state > KOE_STATE_INSIDE) {
    if (states[state].fail == KOE_STATE_DEAD) return false;
    token = write_pops(wordpiece, states[state].pops, segment, &start, token);
    state = states[state].fail;
  }
  out->count = (size_t)(token - out->items);
  scanner->at = at;
  scanner->position = position;
  return true;
}

/* Appends the token of a character that is a word of its own. */
static void take_isolated(koe_scanner *scanner, uint32_t symbol, size_t length, koe_tokens *out) {
  const koe_wordpiece_state *states = scanner->tokenizer->wordpiece.states;
  int32_t id = scanner->tokenizer->unk;
  if (symbol != KOE_SYMBOL_LONER) {
    uint32_t state = koe_wordpiece_next(states, KOE_STATE_WORD, symbol);
    /* A state one character deep can only fail by being a token. */
    if (states[state].fail != KOE_STATE_DEAD) id = koe_piece_id(states[state].pops);
  }
  int64_t start = scanner->position++;
  out->items[out->count++] = (koe_token){id, scanner->normalizer.segment, start, start + 1};
  scanner->at += length;
}

/* Skips white space and reads the word behind it, if there is one before the next special token.
 * False where that takes the normalizer; the white space is then skipped, no more. */
static bool read_quickly(koe_scanner *scanner, koe_tokens *out) {
  const koe_alphabet *alphabet = &scanner->tokenizer->alphabet;
  while (scanner->at < scanner->special_at) {
    size_t length;
    uint32_t symbol = read_symbol(alphabet->plane0, scanner->at, scanner->special_at, &length);
    if (symbol <= alphabet->words) return read_word(scanner, symbol, length, out);
    if (symbol >= KOE_SYMBOL_REMOVED) return false;
    if (symbol != KOE_SYMBOL_SPACE) {
      take_isolated(scanner, symbol, length, out);
      return true;
    }
    scanner->at += length;
    scanner->position++;
  }
  return true;
}

/* ── the whole text ─────────────────────────────────────────────────────────────────────────────
 */

void koe_scanner_start(koe_scanner *scanner, const koe_tokenizer *tokenizer, koe_text text,
                       int32_t segment) {
  scanner->tokenizer = tokenizer;
  scanner->at = (const uint8_t *)(text.length > 0 ? text.bytes : "");
  scanner->end = scanner->at + text.length;
  scanner->position = 0;
  koe_normalizer_start(&scanner->normalizer, tokenizer, segment);
  find_special(scanner);
}

void koe_scanner_stop(koe_scanner *scanner) {
  koe_normalizer_stop(&scanner->normalizer);
}

koe_status koe_scanner_read(koe_scanner *scanner, size_t limit, koe_tokens *out, koe_error *err) {
  const koe_tokenizer_options *options = &scanner->tokenizer->options;
  bool quick = !options->do_lower_case && !options->strip_accents && !options->normalize_nfc;
  size_t before = out->count;
  while (out->count - before < limit && scanner->at < scanner->end) {
    koe_status status = KOE_OK;
    if (scanner->at == scanner->special_at) {
      status = take_special(scanner, out, err);
    } else if (!quick) {
      status = read_carefully(scanner, out, err);
    } else if (!koe_tokens_reserve(out, KOE_PIECE_MAX_CHARACTERS)) {
      status = koe_fail_nomem(err);
    } else if (!read_quickly(scanner, out)) {
      status = read_carefully(scanner, out, err);
    }
    if (status != KOE_OK) return status;
  }
  return KOE_OK;
}
