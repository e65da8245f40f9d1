/* Read-only table-valued functions, and tables that are functions without arguments:
 *
 *   SELECT token, start FROM koelectra_tokens('한국어 ELECTRA');
 *   SELECT t.token FROM reviews, koelectra_tokens(reviews.body) AS t;
 *   SELECT name FROM koelectra_models;
 *
 * A feature declares its columns and arguments, what it keeps of the rows of a call, a filter that
 * computes them, and a function that gives one value of one row.  The frame is the virtual table
 * around it: there is nothing to create and nothing to drop, the table is there in every connection
 * (eponymous-only).
 */
#ifndef KOE_TABLE_FUNCTION_H
#define KOE_TABLE_FUNCTION_H

#include "koelectra_ext.h"

enum { KOE_TABLE_ARGUMENTS = 8 };

/* One use of a function in a statement: what it keeps from one call to the next. */
typedef struct koe_table_use koe_table_use;

/* The model that the argument `value` names, or 'default' where it is a NULL pointer; resolved once
 * a statement as long as it is the same.  Lives as long as the rows of the call. */
koe_status koe_table_model(koe_table_use *use, sqlite3_value *value, const koe_model **out,
                           koe_error *err);

typedef struct koe_table_function {
  const char *name;
  const char *const *columns; /* declarations as in CREATE TABLE, ended by NULL */
  const char *const
      *arguments; /* names of hidden columns, at most KOE_TABLE_ARGUMENTS, then NULL */
  int required;   /* how many of the arguments, the first ones, must be given */
  bool innocuous; /* may be used in views and triggers of a schema not trusted */
  bool direct;    /* may be used in no view and no trigger */

  /* Of what the functions below get as `rows`: the frame's memory, zeros when a call begins. */
  size_t rows_size;

  /* Computes the rows of a call.
   *
   *   arguments [KOE_TABLE_ARGUMENTS]  NULL where not given; live as long as the rows
   *   count                            of rows, 0 at first */
  koe_status (*filter)(sqlite3_value *const *arguments, void *rows, size_t *count, koe_error *err);

  /* The same for one that looks at its connection; `filter` is then NULL. */
  koe_status (*filter_of)(sqlite3 *db, sqlite3_value *const *arguments, void *rows, size_t *count,
                          koe_error *err);

  /* For rows that come in parts, as those of a long text do; `filter` is then NULL.  `start` begins
   * a call, `*done` where it has no rows.  `more` replaces the rows by those of the next part,
   * perhaps none; `*done` with the last one.  An interrupt is seen between parts. */
  koe_status (*start)(koe_table_use *use, sqlite3_value *const *arguments, void *rows, bool *done,
                      koe_error *err);
  koe_status (*more)(void *rows, size_t *count, bool *done, koe_error *err);

  /* Ends `context` with the value of a column, counted as in `columns`. */
  void (*value)(sqlite3_context *context, const void *rows, size_t row, int column);

  /* Frees what `rows` holds, also after a failure; it may hold nothing. */
  void (*clear)(void *rows);
} koe_table_function;

/* Adds the function to a connection; `function` lives as long as the program.  Returns an SQLite
 * result code. */
int koe_register_table_function(sqlite3 *db, const koe_table_function *function);

/* Plans the arguments of a table-valued function, for xBestIndex: idxNum gets bit i where argument
 * i is given, and xFilter the given ones in order.
 *
 *   columns    visible ones, which the arguments follow
 *   arguments  at most KOE_TABLE_ARGUMENTS
 *   required   how many of them, the first ones, must be given; a plan without is expensive
 *
 * Returns SQLITE_CONSTRAINT where the value of an argument is not known in this plan. */
int koe_plan_arguments(sqlite3_index_info *info, int columns, int arguments, int required);

#endif
