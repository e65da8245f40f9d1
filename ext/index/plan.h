/* How a query on an index is answered: chosen by xBestIndex, carried out by xFilter. */
#ifndef KOE_INDEX_PLAN_H
#define KOE_INDEX_PLAN_H

#include <sqlite3ext.h>

/* Bits of idxNum.  Each is one argument of xFilter; arguments come in this order.  All but ROWID
 * and FILTER belong to MATCH. */
enum {
  KOE_PLAN_MATCH = 1,    /* rank by similarity; without it rows come by rowid */
  KOE_PLAN_ROWID = 2,    /* this row only */
  KOE_PLAN_ROWID_IN = 4, /* these rows only, all at once */
  KOE_PLAN_K = 8,        /* the k best */
  KOE_PLAN_LIMIT = 16,   /* the same, from LIMIT */
  KOE_PLAN_OFFSET = 32,  /* more by as many */
  KOE_PLAN_SIMILARITY_GT = 64,
  KOE_PLAN_SIMILARITY_GE = 128,
  KOE_PLAN_ROWID_GT = 256, /* rows after this one */
  KOE_PLAN_ROWID_GE = 512,
  KOE_PLAN_ROWID_LT = 1024,
  KOE_PLAN_ROWID_LE = 2048,
  KOE_PLAN_BITS = 12,

  /* Without an argument of its own: */
  KOE_PLAN_FILTER = 4096,     /* conditions in idxStr, whose values come last (filter.h) */
  KOE_PLAN_IMPOSSIBLE = 8192, /* what to search for is not known: an error where it runs */
  KOE_PLAN_SEVERAL = 16384    /* beside IMPOSSIBLE: there are several MATCHes */
};

/* xBestIndex.  idxStr says the same as idxNum in words, for EXPLAIN QUERY PLAN. */
int koe_plan_best_index(sqlite3_vtab *table, sqlite3_index_info *info);

/* xFindFunction: MATCH that SQLite computes row by row is koe_cursor_match. */
int koe_plan_find_function(sqlite3_vtab *table, int count, const char *name,
                           void (**function)(sqlite3_context *, int, sqlite3_value **),
                           void **client);

#endif
