#include "range.h"

#include <math.h>

SQLITE_EXTENSION_INIT3

void koe_range_init(koe_range *range) {
  *range = (koe_range){.first = INT64_MIN, .last = INT64_MAX, .least = -INFINITY};
}

static void empty(koe_range *range) {
  range->first = 1;
  range->last = 0;
}

static bool asks_for_more(int op) {
  return op == SQLITE_INDEX_CONSTRAINT_GT || op == SQLITE_INDEX_CONSTRAINT_GE;
}

static void set_first(koe_range *range, int64_t first) {
  if (first > range->first) range->first = first;
}

static void set_last(koe_range *range, int64_t last) {
  if (last < range->last) range->last = last;
}

static void limit_by_integer(koe_range *range, int op, int64_t value) {
  switch (op) {
  case SQLITE_INDEX_CONSTRAINT_GT:
    if (value == INT64_MAX) {
      empty(range);
    } else {
      set_first(range, value + 1);
    }
    break;
  case SQLITE_INDEX_CONSTRAINT_GE:
    set_first(range, value);
    break;
  case SQLITE_INDEX_CONSTRAINT_LT:
    if (value == INT64_MIN) {
      empty(range);
    } else {
      set_last(range, value - 1);
    }
    break;
  default:
    set_last(range, value);
  }
}

/* The same with 5.5, of which > means > 5 and >= means >= 6. */
static void limit_by_real(koe_range *range, int op, double value) {
  static const double beyond = 9223372036854775808.0;
  bool more = asks_for_more(op);
  if (value >= beyond || value < -beyond) {
    if (more == (value > 0)) empty(range);
    return;
  }
  double whole = floor(value);
  bool fraction = whole != value;
  if (fraction && op == SQLITE_INDEX_CONSTRAINT_GE) op = SQLITE_INDEX_CONSTRAINT_GT;
  if (fraction && op == SQLITE_INDEX_CONSTRAINT_LT) op = SQLITE_INDEX_CONSTRAINT_LE;
  limit_by_integer(range, op, (int64_t)whole);
}

void koe_range_limit_rowid(koe_range *range, int op, sqlite3_value *value) {
  switch (sqlite3_value_numeric_type(value)) {
  case SQLITE_INTEGER:
    limit_by_integer(range, op, sqlite3_value_int64(value));
    break;
  case SQLITE_FLOAT:
    limit_by_real(range, op, sqlite3_value_double(value));
    break;
  case SQLITE_NULL:
    empty(range);
    break;
  default:
    if (asks_for_more(op)) empty(range);
  }
}

void koe_range_limit_similarity(koe_range *range, int op, sqlite3_value *value) {
  int type = sqlite3_value_numeric_type(value);
  if (type != SQLITE_INTEGER && type != SQLITE_FLOAT) {
    empty(range);
    return;
  }
  double least = sqlite3_value_double(value);
  bool more = op == SQLITE_INDEX_CONSTRAINT_GT;
  if (least < range->least || (least == range->least && !more)) return;
  range->least = least;
  range->more = more;
}
