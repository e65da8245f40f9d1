/* What a query asks of rows beside MATCH, and is decided before the k best are taken:
 * rowid > 100, similarity >= 0.7. */
#ifndef KOE_INDEX_RANGE_H
#define KOE_INDEX_RANGE_H

#include <sqlite3ext.h>

#include <stdbool.h>
#include <stdint.h>

typedef struct koe_range {
  int64_t first, last; /* rowids, both included; none where first > last */
  double least;        /* of similarities */
  bool more;           /* than `least`, which itself does not do */
} koe_range;

/* Every row. */
void koe_range_init(koe_range *range);

/* Narrows a range to rows where `rowid OP value` or `similarity OP value`, as SQLite compares them:
 * NULL is true for none, text and BLOBs are larger than any number.
 *
 *   op   SQLITE_INDEX_CONSTRAINT_GT, _GE, and for rowids _LT, _LE */
void koe_range_limit_rowid(koe_range *range, int op, sqlite3_value *value);
void koe_range_limit_similarity(koe_range *range, int op, sqlite3_value *value);

static inline bool koe_range_has_rowid(const koe_range *range, int64_t rowid) {
  return rowid >= range->first && rowid <= range->last;
}

static inline bool koe_range_has_similarity(const koe_range *range, double similarity) {
  return range->more ? similarity > range->least : similarity >= range->least;
}

#endif
