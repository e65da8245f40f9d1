#include "rowid.h"

SQLITE_EXTENSION_INIT3

bool koe_rowid_of_value(sqlite3_value *value, int64_t *out) {
  int type = sqlite3_value_numeric_type(value);
  if (type == SQLITE_INTEGER) {
    *out = sqlite3_value_int64(value);
    return true;
  }
  if (type != SQLITE_FLOAT) return false;
  double number = sqlite3_value_double(value);
  if (!(number >= -9223372036854775808.0 && number < 9223372036854775808.0)) return false;
  *out = (int64_t)number;
  return (double)*out == number;
}
