/* From koe_error to SQLite's errors. */
#include "koelectra_ext.h"

SQLITE_EXTENSION_INIT3

int koe_sql_code(koe_status status) {
  return status == KOE_OK ? SQLITE_OK : status == KOE_NOMEM ? SQLITE_NOMEM : SQLITE_ERROR;
}

void koe_sql_result_error(sqlite3_context *context, const char *function, const koe_error *err) {
  if (err->status == KOE_NOMEM) {
    sqlite3_result_error_nomem(context);
    return;
  }
  char *message = sqlite3_mprintf("%s: %s", function, err->message);
  if (message == NULL) {
    sqlite3_result_error_nomem(context);
  } else {
    sqlite3_result_error(context, message, -1);
    sqlite3_free(message);
  }
}

int koe_sql_vtab_error(char **message, const koe_error *err) {
  sqlite3_free(*message);
  *message = NULL;
  if (err->status == KOE_NOMEM) return SQLITE_NOMEM;
  *message = sqlite3_mprintf("%s", err->message);
  return *message != NULL ? koe_sql_code(err->status) : SQLITE_NOMEM;
}
