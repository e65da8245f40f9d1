/* What a transaction has changed and not yet written: chunks, and the vectors that go into them.
 *
 * Rows and texts are written at once; vectors wait here, as texts that are yet to be embedded or as
 * they are, and go to their chunks together: when the queue is full, before anything reads chunks,
 * before a savepoint, and when the transaction is committed.  A slot is chosen when its row is
 * written.  So a rollback forgets the queue, whatever it goes back to: all that is in it came after
 * the savepoint, unless the queue could not be written before it. */
#ifndef KOE_INDEX_QUEUE_H
#define KOE_INDEX_QUEUE_H

#include "storage.h"

/* All queues of a connection.  One index may have two virtual table objects at a time, after its
 * schema was read again in a transaction; they share a queue, which goes by the index's name. */
typedef struct koe_queues koe_queues;

koe_queues *koe_queues_new(void); /* NULL where memory is short */
void koe_queues_free(void *queues);

/* Sets index->queue; koe_queue_detach ends its use. */
int koe_queue_attach(koe_queues *queues, koe_index *index);
void koe_queue_detach(koe_index *index);

/* A vector to be: `vector` [dimension], or where it is NULL, that of `text`. */
typedef struct koe_new_vector {
  const float *vector;
  koe_text text;
} koe_new_vector;

/* Makes the queue ready for one change: writes it if it is full, and reads what the vectors are. */
int koe_queue_open(koe_index *index, koe_index_info *out);

/* Whether that slot is that row's.  Afterwards koe_queue_put and _free_slot of it cannot fail. */
int koe_queue_check(koe_index *index, int64_t rowid, int64_t slot);

/* Chooses a free slot, the same until koe_queue_put has filled it. */
int koe_queue_find_slot(koe_index *index, int64_t *slot);

/* Makes room for one vector, and checks the model where it is a text's.  Afterwards koe_queue_put
 * of it cannot fail. */
int koe_queue_reserve(koe_index *index, const koe_new_vector *vector);

/* Gives a slot to a row, with a vector; without one (NULL) it keeps its own. */
void koe_queue_put(koe_index *index, int64_t slot, int64_t rowid, const koe_new_vector *vector);

void koe_queue_free_slot(koe_index *index, int64_t slot);

/* Writes everything.  After a failure the queue is as it was, and may be written again. */
int koe_queue_flush(koe_index *index);

/* Forgets everything. */
void koe_queue_clear(koe_index *index);

/* Around a change to the index, and done by koe_queue_flush itself: statements on shadow tables may
 * open savepoints of their own, which are no business of the queue, and may, where memory is short,
 * roll back the transaction, which it hears of at the end. */
void koe_queue_enter(koe_index *index);
void koe_queue_leave(koe_index *index);

/* Before a savepoint, after it is released, and after going back to it; SQLite numbers them from 0,
 * the outermost. */
int koe_queue_savepoint(koe_index *index, int number);
void koe_queue_release(koe_index *index, int number);
void koe_queue_rollback_to(koe_index *index, int number);

/* After the end of a transaction. */
void koe_queue_end(koe_index *index);

#endif
