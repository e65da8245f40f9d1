/* Conditions that choose rows before they are ranked, or while they are listed:
 *
 *   WHERE s MATCH ? AND k = 5 AND shop = 'x' AND stars >= 4 AND city IN (…) AND title LIKE 'a%'
 *
 * xBestIndex writes them into idxStr, after "where ", as EXPLAIN QUERY PLAN shows them:
 *
 *   match k where shop = ? and stars >= ? and city in (?) and title like ?
 *
 * xFilter makes of that one statement on the shadow table `rows`, which holds the columns and no
 * texts, so that SQLite itself compares: affinity, collation, NULL, LIKE as the connection has it.
 */
#ifndef KOE_INDEX_FILTER_H
#define KOE_INDEX_FILTER_H

#include "index.h"
#include "search.h"
#include "values.h"

/* Whether a condition `column OP value` can be one.
 *
 *   column      as declared; -1: rowid
 *   op          SQLITE_INDEX_CONSTRAINT_…
 *   collation   by which SQLite would compare */
bool koe_filter_knows(const koe_index *index, int column, int op, const char *collation);

typedef enum koe_filter_kind {
  KOE_FILTER_PLAIN,
  KOE_FILTER_IN, /* `column IN (…)`, of which the values come all at once */
  /* `column < value` beside LIKE or GLOB on the column.  SQLite adds that to LIKE 'a%' by itself,
   * for columns of text; a BLOB is larger than any text, but LIKE may be true for it. */
  KOE_FILTER_BESIDE_LIKE
} koe_filter_kind;

/* Appends it to `words`, as the next one if there is one already. */
void koe_filter_append(const koe_index *index, int column, int op, koe_filter_kind kind,
                       const char *collation, sqlite3_str *words);

/* What is bound to one condition's parameter. */
typedef struct koe_filter_item {
  bool is_list;
  koe_values list; /* of an IN, while it runs */
} koe_filter_item;

/* A statement that was made of words, kept for the next use of the same words. */
typedef struct koe_filter {
  char *words;
  sqlite3_stmt *statement;
  koe_filter_item *items; /* [count], the conditions */
  size_t count, capacity;
  int first_parameter; /* of the conditions */
} koe_filter;

void koe_filter_clear(koe_filter *filter);

/* Makes the statement of those words (idxStr) with their values bound, ready to be stepped: slots
 * of rows that have one, in no order (`slots`), or rowids with all metadata, by rowid.  Every row
 * where the words have no condition, or are NULL.
 *
 *   argv   the values of the conditions, in their order */
int koe_filter_start(koe_index *index, const char *words, bool slots, sqlite3_value *const *argv,
                     koe_filter *filter);

/* SQLITE_ROW, SQLITE_DONE, or an error with its message set. */
int koe_filter_step(koe_index *index, koe_filter *filter);

/* Ends that use. */
void koe_filter_stop(koe_filter *filter);

/* Runs a statement of slots, and appends them to `out`. */
int koe_filter_read_slots(koe_index *index, koe_filter *filter, koe_slots *out);

#endif
