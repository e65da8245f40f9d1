/* What a rebuild leaves to its transaction: the file with what it has saved goes when it is
 * committed, and stays when it is undone. */
#ifndef KOE_INDEX_REBUILD_END_H
#define KOE_INDEX_REBUILD_END_H

#include "rebuild_file.h"

/* All zero: no rebuild in this transaction. */
typedef struct koe_rebuild_end {
  koe_rebuild_file file; /* its path is NULL where none is to go */
  int savepoints;        /* open ones, as far as SQLite has told */
  int within;            /* how many were open when the rebuild was made */
} koe_rebuild_end;

/* A rebuild is done; takes `file` over and leaves it empty. */
void koe_rebuild_end_set(koe_rebuild_end *end, koe_rebuild_file *file);

/* As SQLite calls xSavepoint, xRelease and xRollbackTo. */
void koe_rebuild_end_savepoint(koe_rebuild_end *end, int number);
void koe_rebuild_end_release(koe_rebuild_end *end, int number);
void koe_rebuild_end_rollback_to(koe_rebuild_end *end, int number);

void koe_rebuild_end_commit(koe_rebuild_end *end);

/* Also frees what is in it. */
void koe_rebuild_end_rollback(koe_rebuild_end *end);

/* Deletes the file of an index that is dropped or gets another name: what a rebuild that was killed
 * has left. */
void koe_rebuild_forget(sqlite3 *db, const char *schema, const char *name);

#endif
