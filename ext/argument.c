/* Arguments of SQL functions: texts, names, vectors; and texts as results. */
#include "koelectra_ext.h"

#include "../model/memory.h"
#include "../model/search/vectors.h"

#include <string.h>

SQLITE_EXTENSION_INIT3

koe_status koe_text_argument(sqlite3_value *value, const char *what, koe_text *out, bool *is_null,
                             koe_error *err) {
  int type = sqlite3_value_type(value);
  *out = (koe_text){"", 0};
  *is_null = type == SQLITE_NULL;
  if (*is_null) return KOE_OK;
  if (type == SQLITE_BLOB) {
    return koe_fail(err, KOE_INVALID,
                    "%s is a BLOB, not text: if it holds UTF-8, pass CAST(… AS TEXT)", what);
  }
  const char *bytes = (const char *)sqlite3_value_text(value);
  if (bytes == NULL) return koe_fail_nomem(err);
  *out = (koe_text){bytes, (size_t)sqlite3_value_bytes(value)};
  return KOE_OK;
}

koe_status koe_string_argument(sqlite3_value *value, const char *what, const char **out,
                               koe_error *err) {
  koe_text text;
  bool is_null;
  *out = NULL;
  koe_status status = koe_text_argument(value, what, &text, &is_null, err);
  if (status != KOE_OK || is_null) return status;
  if (strlen(text.bytes) != text.length) {
    return koe_fail(err, KOE_INVALID, "%s contains a NUL character", what);
  }
  *out = text.bytes;
  return KOE_OK;
}

koe_status koe_count_argument(sqlite3_value *value, const char *what, size_t *out, koe_error *err) {
  if (value == NULL || sqlite3_value_type(value) == SQLITE_NULL) return KOE_OK;
  if (sqlite3_value_numeric_type(value) != SQLITE_INTEGER) {
    return koe_fail(err, KOE_INVALID, "%s is not an integer", what);
  }
  sqlite3_int64 count = sqlite3_value_int64(value);
  if (count < 0) return koe_fail(err, KOE_INVALID, "%s is negative", what);
  *out = (size_t)count;
  return KOE_OK;
}

koe_status koe_vector_argument(sqlite3_value *value, const char *what, float **out, size_t *n,
                               bool *is_null, koe_error *err) {
  static const char *const type_names[] = {
      [SQLITE_INTEGER] = "an INTEGER", [SQLITE_FLOAT] = "a REAL", [SQLITE_TEXT] = "TEXT"};
  int type = sqlite3_value_type(value);
  *out = NULL;
  *n = 0;
  *is_null = type == SQLITE_NULL;
  if (*is_null) return KOE_OK;
  if (type != SQLITE_BLOB) {
    return koe_fail(err, KOE_INVALID,
                    "%s is %s, not a vector (a BLOB of float32): make one with "
                    "koelectra_embed(text) or koelectra_vector(json)",
                    what, type_names[type]);
  }
  const void *blob = sqlite3_value_blob(value);
  size_t bytes = (size_t)sqlite3_value_bytes(value);
  if (bytes == 0 || bytes % sizeof **out != 0) {
    return koe_fail(err, KOE_INVALID,
                    "%s has %zu bytes: a vector of float32 has 4 bytes for each element, "
                    "and at least one element",
                    what, bytes);
  }
  if (blob == NULL) return koe_fail_nomem(err);
  *out = koe_alloc_aligned(bytes, 1);
  if (*out == NULL) return koe_fail_nomem(err);
  memcpy(*out, blob, bytes);
  *n = bytes / sizeof **out;
  if (!koe_vector_is_finite(*out, *n)) {
    koe_free(*out);
    *out = NULL;
    return koe_fail(err, KOE_INVALID, "%s (%zu bytes) has an element that is not finite", what,
                    bytes);
  }
  return KOE_OK;
}

void koe_text_result(sqlite3_context *context, koe_text text) {
  sqlite3_result_text64(context, text.bytes, text.length, SQLITE_TRANSIENT, SQLITE_UTF8);
}
