/* JSON results, written without an intermediate tree. */
#include "koelectra_ext.h"

#include "../model/tokenizer/unicode.h"

#include <math.h>

SQLITE_EXTENSION_INIT3

/* What SQLite's own JSON functions give a result, so that json_array(koelectra_tokenize(x)) nests
 * it instead of quoting it. */
enum { JSON_SUBTYPE = 'J' };

static void append_escape(sqlite3_str *out, unsigned char c) {
  switch (c) {
  case '"':
    sqlite3_str_appendall(out, "\\\"");
    break;
  case '\\':
    sqlite3_str_appendall(out, "\\\\");
    break;
  case '\n':
    sqlite3_str_appendall(out, "\\n");
    break;
  case '\t':
    sqlite3_str_appendall(out, "\\t");
    break;
  case '\r':
    sqlite3_str_appendall(out, "\\r");
    break;
  default:
    sqlite3_str_appendf(out, "\\u%04x", c);
  }
}

void koe_json_append_string(sqlite3_str *out, koe_text text) {
  size_t copied = 0; /* bytes [copied, i) are valid as they are */
  sqlite3_str_appendchar(out, 1, '"');
  for (size_t i = 0; i < text.length;) {
    unsigned char c = (unsigned char)text.bytes[i];
    uint32_t character = c;
    size_t n = c < 0x80 ? 1 : koe_utf8_decode(text.bytes + i, text.length - i, &character);
    bool plain = c >= ' ' && c != '"' && c != '\\' && character != KOE_REPLACEMENT_CHARACTER;
    if (!plain) {
      sqlite3_str_append(out, text.bytes + copied, (int)(i - copied));
      copied = i + n;
      if (c < 0x80) {
        append_escape(out, c);
      } else {
        sqlite3_str_appendall(out, "\xEF\xBF\xBD");
      }
    }
    i += n;
  }
  sqlite3_str_append(out, text.bytes + copied, (int)(text.length - copied));
  sqlite3_str_appendchar(out, 1, '"');
}

void koe_json_append_number(sqlite3_str *out, double number, int digits) {
  if (!isfinite(number)) {
    sqlite3_str_appendall(out, "null");
  } else if (number == 0 && signbit(number)) {
    sqlite3_str_appendall(out, "-0.0"); /* %g of SQLite drops the sign */
  } else {
    sqlite3_str_appendf(out, "%.*g", digits, number);
  }
}

void koe_json_result(sqlite3_context *context, sqlite3_str *json) {
  int code = sqlite3_str_errcode(json);
  int length = sqlite3_str_length(json);
  char *text = sqlite3_str_finish(json);
  if (code == SQLITE_TOOBIG) {
    sqlite3_result_error_toobig(context);
  } else if (code != SQLITE_OK || text == NULL) {
    sqlite3_result_error_nomem(context);
  } else {
    sqlite3_result_text(context, text, length, sqlite3_free);
    sqlite3_result_subtype(context, JSON_SUBTYPE);
    return;
  }
  sqlite3_free(text);
}
