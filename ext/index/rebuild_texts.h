/* The texts of a rebuild on their way to vectors: taken from the journal where an earlier run has
 * saved them, embedded in batches where not, and then saved; and how far that is, for
 * koelectra_progress. */
#ifndef KOE_INDEX_REBUILD_TEXTS_H
#define KOE_INDEX_REBUILD_TEXTS_H

#include "rebuild_journal.h"
#include "storage.h"

typedef struct koe_rebuild_texts koe_rebuild_texts;

/* Begins a rebuild of `total` rows.
 *
 *   file    of the journal; lives as long as the object, as `model` does
 *
 * Where it fails, `*out` is NULL. */
int koe_rebuild_texts_open(koe_index *index, const koe_model *model, const koe_rebuild_file *file,
                           int64_t total, koe_rebuild_texts **out);

/* The rebuild is over; the journal stays.  Takes NULL. */
void koe_rebuild_texts_close(koe_rebuild_texts *texts);

/* Has the vector of a text written to `to` [dimension], at the next koe_rebuild_texts_flush at the
 * latest.  The text is copied. */
int koe_rebuild_texts_add(koe_rebuild_texts *texts, koe_text text, float *to);

/* Embeds what waits. */
int koe_rebuild_texts_flush(koe_rebuild_texts *texts);

/* Another row is read, whether it has a text or not. */
void koe_rebuild_texts_count_row(koe_rebuild_texts *texts);

/* Whether there is a journal, which is to go when the rebuild is committed. */
bool koe_rebuild_texts_saved(const koe_rebuild_texts *texts);

/* Tests: how long a rebuild takes before it makes a journal, in seconds; otherwise 1. */
void koe_rebuild_texts_set_delay(double seconds);

#endif
