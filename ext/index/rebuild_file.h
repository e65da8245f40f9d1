/* Where a rebuild saves what it has done: the file `<database>-<index>-rebuild`, beside the
 * database.  Bytes of the index's name that a file's cannot have, and '%', are written as %2F. */
#ifndef KOE_INDEX_REBUILD_FILE_H
#define KOE_INDEX_REBUILD_FILE_H

#include <sqlite3ext.h>

#include <stdbool.h>

typedef struct koe_rebuild_file {
  char *database; /* its path, absolute; "" where it has no file */
  char *path;     /* NULL where there can be none */
} koe_rebuild_file;

/* The file of an index: none where the database is in memory, temporary, encrypted or behind a file
 * system that is not the operating system's.  False where memory is short.
 * koe_rebuild_file_clear frees it in any case. */
bool koe_rebuild_file_find(sqlite3 *db, const char *schema, const char *index,
                           koe_rebuild_file *out);
void koe_rebuild_file_clear(koe_rebuild_file *file);

/* Calls `found` for each file of that name beside a database, with its path and the name of its
 * index, until it returns false.  False where it did, or where memory is short. */
bool koe_rebuild_file_list(const char *database,
                           bool (*found)(void *context, const char *path, const char *index),
                           void *context);

#endif
