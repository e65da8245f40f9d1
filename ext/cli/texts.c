#include "texts.h"

#include "session.h"

#include "../../model/memory.h"
#include "../../model/tokenizer/unicode.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { READ_BYTES = 1 << 16 };

void koe_cli_texts_open(koe_cli_texts *texts, const char *const *operands, size_t count,
                        bool quiet) {
  *texts = (koe_cli_texts){.operands = operands, .count = count};
  if (count == 0 && !quiet && isatty(STDIN_FILENO) == 1)
    fprintf(stderr, "koelectra: type texts, one a line, and Ctrl-D after the last\n");
}

void koe_cli_texts_close(koe_cli_texts *texts) {
  koe_free(texts->buffer);
}

/* ── UTF-8 ──────────────────────────────────────────────────────────────────────────────────────
 */

static bool is_utf8(koe_text text) {
  for (size_t at = 0; at < text.length;) {
    uint32_t character;
    size_t length = koe_utf8_decode(text.bytes + at, text.length - at, &character);
    bool is_written = length == 3 && memcmp(text.bytes + at, "\xEF\xBF\xBD", 3) == 0;
    if (character == KOE_REPLACEMENT_CHARACTER && !is_written) return false;
    at += length;
  }
  return true;
}

static koe_status check(const koe_cli_texts *texts, koe_text text, koe_error *err) {
  if (is_utf8(text)) return KOE_OK;
  if (texts->count > 0) {
    return koe_fail(err, KOE_INVALID, "text %zu is not UTF-8: set the terminal to UTF-8",
                    texts->at);
  }
  return koe_fail(err, KOE_INVALID,
                  "line %zu is not UTF-8: convert the file first, with iconv -f CP949 -t UTF-8 if "
                  "it comes from Windows",
                  texts->line);
}

/* ── lines ──────────────────────────────────────────────────────────────────────────────────────
 */

static koe_status read_more(koe_cli_texts *texts, koe_error *err) {
  size_t kept = texts->end - texts->begin;
  if (texts->begin > 0) memmove(texts->buffer, texts->buffer + texts->begin, kept);
  texts->begin = 0;
  texts->end = kept;
  if (!koe_grow(&texts->buffer, &texts->capacity, kept + READ_BYTES, 1)) return koe_fail_nomem(err);
  ssize_t n = read(STDIN_FILENO, texts->buffer + kept, READ_BYTES);
  if (n < 0 && errno == EINTR && !koe_cli_stopped()) return KOE_OK;
  if (n < 0 && errno == EINTR) return koe_fail(err, KOE_INVALID, "interrupted");
  if (n < 0) return koe_fail(err, KOE_IO, "the input cannot be read: %s", strerror(errno));
  texts->end += (size_t)n;
  texts->is_at_end = n == 0;
  return KOE_OK;
}

static const char *find_end(const koe_cli_texts *texts) {
  if (texts->begin == texts->end) return NULL;
  return memchr(texts->buffer + texts->begin, '\n', texts->end - texts->begin);
}

static koe_status next_line(koe_cli_texts *texts, koe_text *out, bool *more, koe_error *err) {
  const char *end = find_end(texts);
  while (end == NULL && !texts->is_at_end) {
    koe_status status = read_more(texts, err);
    if (status != KOE_OK) return status;
    end = find_end(texts);
  }
  size_t left = texts->end - texts->begin;
  *more = left > 0;
  if (!*more) return KOE_OK;
  *out = (koe_text){texts->buffer + texts->begin, left};
  if (end != NULL) out->length = (size_t)(end - out->bytes);
  texts->begin += out->length + (end != NULL ? 1 : 0);
  texts->line++;
  if (end != NULL && out->length > 0 && out->bytes[out->length - 1] == '\r') out->length--;
  if (texts->line == 1 && out->length >= 3 && memcmp(out->bytes, "\xEF\xBB\xBF", 3) == 0)
    *out = (koe_text){out->bytes + 3, out->length - 3};
  return check(texts, *out, err);
}

koe_status koe_cli_texts_next(koe_cli_texts *texts, koe_text *out, bool *more, koe_error *err) {
  if (texts->count == 0) return next_line(texts, out, more, err);
  *more = texts->at < texts->count;
  if (!*more) return KOE_OK;
  const char *operand = texts->operands[texts->at++];
  *out = (koe_text){operand, strlen(operand)};
  return check(texts, *out, err);
}

bool koe_cli_texts_ready(const koe_cli_texts *texts) {
  struct pollfd input = {.fd = STDIN_FILENO, .events = POLLIN};
  if (texts->count > 0 || texts->is_at_end || find_end(texts) != NULL) return true;
  return poll(&input, 1, 0) != 0;
}
