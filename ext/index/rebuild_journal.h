/* What a rebuild has done so far, in a file, for the rebuild after one that was killed.
 *
 * Vectors are kept under a hash of their text, so that what another change has done to the source
 * in between does no harm.  The file has no text in it.  It is appended to, batch after batch, and
 * never waited for: after a kill the last batch may be missing, after a loss of power anything may
 * be, which a checksum for each vector notices.  A file of our own and not a database: it needs no
 * second connection, leaves no journal of its own behind, and its lock ends with the process that
 * holds it.  Its format is told in rebuild_journal.c; it is read where it was written.
 *
 * Nothing here fails a rebuild: where the file cannot be used, it goes on without. */
#ifndef KOE_INDEX_REBUILD_JOURNAL_H
#define KOE_INDEX_REBUILD_JOURNAL_H

#include "rebuild_file.h"

#include "../operations.h"

#include "../../model/text.h"

typedef struct koe_journal koe_journal;

/* What a text is known by. */
typedef struct koe_text_key {
  uint64_t hash[2];
  uint64_t length; /* bytes */
} koe_text_key;

/* Opens the journal, and reads the file if there is one of vectors of that model.  Takes it only
 * where it is ours: a file with our mark, of this user or the database's owner, that is no link and
 * that nobody else has locked.
 *
 *   file   lives as long as the journal
 *   most   how many vectors to read
 *
 * NULL where memory is short. */
koe_journal *koe_journal_open(const koe_rebuild_file *file, uint64_t fingerprint, size_t dimension,
                              int64_t most);

/* Ends the use; the file stays.  Takes NULL. */
void koe_journal_close(koe_journal *journal);

/* Makes the file, if there is none and there can be. */
void koe_journal_start(koe_journal *journal);

/* Whether koe_journal_append has a file to write to. */
bool koe_journal_is_open(const koe_journal *journal);

/* Whether there is a file, which need not be written to. */
bool koe_journal_has_file(const koe_journal *journal);

void koe_journal_key(const koe_journal *journal, koe_text text, koe_text_key *out);

/* The vector [dimension] of a text.  `*resumed`: it is of an earlier run.  False, with `out`
 * undefined, where there is none. */
bool koe_journal_find(koe_journal *journal, const koe_text_key *key, float *out, bool *resumed);

/* Saves vectors [count, dimension] of texts, and how far the rebuild is. */
void koe_journal_append(koe_journal *journal, const koe_text_key *keys, const float *vectors,
                        size_t count, const koe_operation_state *state);

/* Deletes the file if it is ours and nobody else has locked it. */
void koe_journal_remove(const koe_rebuild_file *file);

/* What a file tells of its rebuild: `done` is the texts saved where it is not running.  False where
 * it is none of ours. */
bool koe_journal_peek(const char *path, koe_operation_state *state, bool *running);

#endif
