/* Error messages of an index. */
#include "index.h"

#include <stdarg.h>

SQLITE_EXTENSION_INIT3

/* Takes over `text`; NULL is memory that was short. */
static int set_message(koe_index *index, int code, char *text) {
  sqlite3_free(index->base.zErrMsg);
  index->base.zErrMsg = text;
  return text != NULL ? code : SQLITE_NOMEM;
}

int koe_index_fail(koe_index *index, int code, const char *format, ...) {
  if (code == SQLITE_NOMEM) return code;
  va_list args;
  va_start(args, format);
  char *text = sqlite3_vmprintf(format, args);
  va_end(args);
  if (text == NULL) return SQLITE_NOMEM;
  code = set_message(index, code, sqlite3_mprintf("koelectra_index %s: %s", index->name, text));
  sqlite3_free(text);
  return code;
}

int koe_index_damaged(koe_index *index, const char *table, const char *format, ...) {
  va_list args;
  va_start(args, format);
  char *text = sqlite3_vmprintf(format, args);
  va_end(args);
  if (text == NULL) return SQLITE_NOMEM;
  int code =
      set_message(index, SQLITE_CORRUPT_VTAB,
                  sqlite3_mprintf("koelectra_index %s: shadow table %s_%s is damaged (%s): "
                                  "INSERT INTO %s(%s) VALUES('rebuild') makes the index anew",
                                  index->name, index->name, table, text, index->name, index->name));
  sqlite3_free(text);
  return code;
}

int koe_index_model_failed(koe_index *index, const koe_error *err) {
  if (err->status == KOE_NOMEM) return SQLITE_NOMEM;
  return koe_index_fail(index, koe_sql_code(err->status), "%s", err->message);
}
