#include "chunk_words.h"

#include "sentences.h"
#include "unicode.h"

#include <string.h>

/* WordPiece knows no longer word. */
enum { LONGEST_WORD = 100 };

/* Tokens that are read at once. */
enum { STRIDE = 512 };

void koe_chunk_reader_start(koe_chunk_reader *reader, const koe_tokenizer *tokenizer, koe_text text,
                            size_t most) {
  memset(reader, 0, sizeof *reader);
  reader->tokenizer = tokenizer;
  reader->text = text;
  reader->most = most;
  reader->before = KOE_BREAK_SENTENCE;
  koe_scanner_start(&reader->scanner, tokenizer, text, 0);
}

void koe_chunk_reader_stop(koe_chunk_reader *reader) {
  koe_scanner_stop(&reader->scanner);
  koe_tokens_clear(&reader->tokens);
  koe_tokens_clear(&reader->part);
}

/* ── tokens and places ──────────────────────────────────────────────────────────────────────────
 */

/* The next token, which stays the next until `reader->next` is counted up; NULL at the end. */
static koe_status peek(koe_chunk_reader *reader, const koe_token **token, koe_error *err) {
  koe_status status = KOE_OK;
  if (reader->next == reader->tokens.count) {
    reader->next = reader->tokens.count = 0;
    status = koe_scanner_read(&reader->scanner, STRIDE, &reader->tokens, err);
  }
  *token = reader->next < reader->tokens.count ? &reader->tokens.items[reader->next] : NULL;
  return status;
}

static size_t read_character(const koe_chunk_reader *reader, uint32_t *character) {
  return koe_utf8_decode(reader->text.bytes + reader->offset, reader->text.length - reader->offset,
                         character);
}

/* Moves the reader's place on to a character. */
static void move_to(koe_chunk_reader *reader, int64_t character) {
  while (reader->character < character && reader->offset < reader->text.length) {
    uint32_t ignored;
    reader->offset += read_character(reader, &ignored);
    reader->character++;
  }
}

static bool continues_word(const koe_chunk_reader *reader, const koe_token *token, int64_t end) {
  koe_text name = koe_tokenizer_token(reader->tokenizer, token->id);
  return token->start < end || (name.length > 2 && memcmp(name.bytes, "##", 2) == 0);
}

/* ── words that are split ───────────────────────────────────────────────────────────────────────
 */

/* Bytes of the first `characters` characters of `text`, at most all. */
static size_t bytes_of(koe_text text, int64_t *characters) {
  size_t bytes = 0;
  int64_t count = 0;
  for (uint32_t ignored; count < *characters && bytes < text.length; count++)
    bytes += koe_utf8_decode(text.bytes + bytes, text.length - bytes, &ignored);
  *characters = count;
  return bytes;
}

static koe_status tokenize(koe_chunk_reader *reader, koe_text text, koe_error *err) {
  reader->part.count = 0;
  return koe_tokenizer_tokenize(reader->tokenizer, text, SIZE_MAX, &reader->part, err);
}

/* How many characters of a part stay, so that it has at most `most` tokens: up to a token that does
 * not begin inside the character the one before has ended in. */
static int64_t fitting_characters(const koe_tokens *part, size_t most) {
  const koe_token *tokens = part->items;
  size_t count = most;
  while (count > 0 && tokens[count].start < tokens[count - 1].end)
    count--;
  return count > 0 ? tokens[count].start : 1;
}

/* Takes the first part of `reader->rest` that has tokens; `*found` is false where none has. */
static koe_status take_part(koe_chunk_reader *reader, koe_chunk_word *part, bool *found,
                            koe_error *err) {
  koe_chunk_word *rest = &reader->rest;
  *found = false;
  while (!*found && rest->offset < rest->end_offset) {
    koe_text text = {reader->text.bytes + rest->offset, rest->end_offset - rest->offset};
    int64_t characters = LONGEST_WORD;
    text.length = bytes_of(text, &characters);
    koe_status status = tokenize(reader, text, err);
    if (status != KOE_OK) return status;
    if (reader->part.count > reader->most) {
      characters = fitting_characters(&reader->part, reader->most);
      text.length = bytes_of(text, &characters);
      status = tokenize(reader, text, err);
      if (status != KOE_OK) return status;
    }
    *part = *rest;
    part->end_offset = part->offset + text.length;
    part->end = part->start + characters;
    part->tokens = reader->part.count;
    rest->offset = part->end_offset;
    rest->start = part->end;
    rest->before = KOE_BREAK_SPLIT;
    if (rest->offset < rest->end_offset) part->after = KOE_BREAK_SPLIT;
    *found = part->tokens > 0;
  }
  if (rest->offset == rest->end_offset) rest->tokens = 0;
  return KOE_OK;
}

/* ── words ──────────────────────────────────────────────────────────────────────────────────────
 */

/* Moves the reader's place to the next token at character `next`, or to the end of the text where
 * that is negative.  What has no token, an accent that is stripped for one, stays with the word. */
static koe_word_break pass_gap(koe_chunk_reader *reader, int64_t next, koe_chunk_word *word) {
  koe_word_break seen = KOE_BREAK_NONE;
  while (reader->offset < reader->text.length && (next < 0 || reader->character < next)) {
    uint32_t character;
    size_t size = read_character(reader, &character);
    if (koe_classify_character(character) == KOE_CHAR_SPACE) seen = KOE_BREAK_SPACE;
    reader->offset += size;
    reader->character++;
    if (seen == KOE_BREAK_NONE) {
      word->end_offset = reader->offset;
      word->end = reader->character;
    }
  }
  return seen;
}

/* Reads the tokens of one word, whose first is `token`; `*too_long` where it is unknown for its
 * length. */
static koe_status read_tokens(koe_chunk_reader *reader, const koe_token *token,
                              koe_chunk_word *word, bool *too_long, koe_error *err) {
  *too_long = token->id == reader->tokenizer->unk && token->end - token->start > LONGEST_WORD;
  move_to(reader, token->start);
  *word = (koe_chunk_word){.offset = reader->offset, .start = token->start, .end = token->end};
  do {
    if (token->end > word->end) word->end = token->end;
    word->tokens++;
    reader->next++;
    koe_status status = peek(reader, &token, err);
    if (status != KOE_OK) return status;
  } while (token != NULL && continues_word(reader, token, word->end));
  move_to(reader, word->end);
  word->end_offset = reader->offset;
  return KOE_OK;
}

/* Finds out what stands behind the word and moves the reader's place there. */
static koe_status read_break(koe_chunk_reader *reader, koe_chunk_word *word, koe_error *err) {
  const koe_token *next;
  koe_status status = peek(reader, &next, err);
  if (status != KOE_OK) return status;
  if (reader->sentence_end == 0) {
    reader->sentence_end = koe_sentence_end(reader->text, word->offset);
  }
  word->before = reader->before;
  word->after = pass_gap(reader, next != NULL ? next->start : -1, word);
  if (next == NULL || reader->offset >= reader->sentence_end) {
    word->after = KOE_BREAK_SENTENCE;
    if (next != NULL) reader->sentence_end = koe_sentence_end(reader->text, reader->offset);
  }
  reader->before = word->after;
  return KOE_OK;
}

koe_status koe_chunk_reader_next(koe_chunk_reader *reader, koe_chunk_word *word, bool *found,
                                 koe_error *err) {
  const koe_token *token;
  bool too_long;
  *found = false;
  if (reader->rest.tokens > 0) {
    koe_status status = take_part(reader, word, found, err);
    if (status != KOE_OK || *found) return status;
  }
  koe_status status = peek(reader, &token, err);
  if (status != KOE_OK || token == NULL) return status;
  status = read_tokens(reader, token, word, &too_long, err);
  if (status == KOE_OK) status = read_break(reader, word, err);
  if (status != KOE_OK) return status;
  *found = true;
  if (word->tokens <= reader->most && !too_long) return KOE_OK;
  reader->rest = *word;
  return take_part(reader, word, found, err);
}
