/* Registration of scalar functions. */
#include "koelectra_ext.h"

SQLITE_EXTENSION_INIT3

/* SQLite 3.45 and newer want to know which functions set a subtype; older ones ignore the bit. */
#ifndef SQLITE_RESULT_SUBTYPE
#define SQLITE_RESULT_SUBTYPE 0x001000000
#endif

int koe_register_functions(sqlite3 *db, const koe_sql_function *functions, size_t count,
                           koe_connection *connection) {
  for (size_t i = 0; i < count; i++) {
    const koe_sql_function *function = &functions[i];
    int flags = SQLITE_UTF8 | SQLITE_RESULT_SUBTYPE | function->flags;
    for (int n = function->least; n <= function->most; n++) {
      /* SQLite releases it also where this fails. */
      koe_connection_retain(connection);
      int code = sqlite3_create_function_v2(db, function->name, n, flags, connection,
                                            function->call, NULL, NULL, koe_connection_release);
      if (code != SQLITE_OK) return code;
    }
  }
  return SQLITE_OK;
}
