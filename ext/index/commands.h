/* INSERT INTO search(search) VALUES('command') */
#ifndef KOE_INDEX_COMMANDS_H
#define KOE_INDEX_COMMANDS_H

#include "index.h"

/* Runs a command; `rowid` is for those that are about a row.  Fails for an unknown one, listing
 * those there are. */
int koe_index_command(koe_index *index, sqlite3_value *command, sqlite3_value *rowid);

/* 'rebuild': embeds all texts anew with the model now loaded, whatever state the index is in.  The
 * old index stays as it is if that fails. */
int koe_index_rebuild(koe_index *index);

/* 'optimize': moves vectors together so that at most one chunk has free slots, and trains the
 * sketch of an approximate index. */
int koe_index_optimize(koe_index *index);

/* 'integrity-check': the shadow tables agree with each other, and their rows with the texts. */
int koe_index_integrity_check(koe_index *index);

/* 'integrity-check-texts': the same, and each vector is that of its text, embedded again. */
int koe_index_integrity_check_texts(koe_index *index);

/* 'delete': what DELETE does (update.c). */
int koe_index_delete_row(koe_index *index, int64_t rowid);

#endif
