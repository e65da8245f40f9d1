/* INSERT INTO search(search) VALUES('optimize');
 *
 * Deleting leaves free slots, which later rows take.  This moves vectors from the emptiest chunks
 * into the fullest that have room, until one chunk at most is not full; chunks left empty are
 * deleted.  VACUUM then makes the file smaller. */
#include "commands.h"
#include "queue.h"

#include "../../model/memory.h"

SQLITE_EXTENSION_INIT3

typedef struct transfer {
  koe_index *index;
  koe_index_info info;
  koe_chunk from, to;
  sqlite3_blob *from_vectors, *to_vectors;
  float *vector; /* [dimension] */
} transfer;

static int open_pair(transfer *t, int64_t from, int64_t to) {
  int code = koe_chunk_read(t->index, from, &t->from);
  if (code == SQLITE_OK) code = koe_chunk_read(t->index, to, &t->to);
  if (code == SQLITE_OK) {
    code = koe_vectors_open(t->index, &t->info, from, false, &t->from_vectors);
  }
  if (code == SQLITE_OK) code = koe_vectors_open(t->index, &t->info, to, true, &t->to_vectors);
  return code;
}

static int close_pair(transfer *t) {
  int from = sqlite3_blob_close(t->from_vectors), to = sqlite3_blob_close(t->to_vectors);
  t->from_vectors = t->to_vectors = NULL;
  return from != SQLITE_OK ? from : to;
}

/* Every live slot of the source belongs to the row it names. */
static int check_source(transfer *t) {
  for (int place = 0; place < KOE_CHUNK_SLOTS; place++) {
    if (!koe_chunk_is_live(&t->from, place)) continue;
    koe_row row;
    int code = koe_row_find(t->index, t->from.rowids[place], &row);
    if (code != SQLITE_OK) return code;
    if (!row.has_vector || row.slot != koe_slot(t->from.id, place)) {
      return koe_index_damaged(t->index, "rows", "row %lld is not where chunk %lld has it",
                               (long long)t->from.rowids[place], (long long)t->from.id);
    }
  }
  return SQLITE_OK;
}

static int move_one(transfer *t, int source, int target) {
  int64_t rowid = t->from.rowids[source];
  koe_row row = {.exists = true, .has_vector = true, .slot = koe_slot(t->to.id, target)};
  int code = koe_vectors_read(&t->info, t->from_vectors, source, t->vector);
  if (code == SQLITE_OK) code = koe_vectors_write(&t->info, t->to_vectors, target, t->vector, 1);
  if (code == SQLITE_OK) code = koe_row_set_slot(t->index, rowid, &row);
  koe_chunk_unset(&t->from, source);
  koe_chunk_set(&t->to, target, rowid);
  return code;
}

/* Moves as many as one has and the other takes. */
static int move_all(transfer *t) {
  int code = SQLITE_OK, target = 0;
  for (int source = 0; code == SQLITE_OK && source < KOE_CHUNK_SLOTS && t->to.free > 0; source++) {
    if (!koe_chunk_is_live(&t->from, source)) continue;
    while (koe_chunk_is_live(&t->to, target))
      target++;
    code = move_one(t, source, target);
  }
  return code;
}

static int merge(transfer *t, int64_t from, int64_t to) {
  int code = open_pair(t, from, to);
  if (code == SQLITE_OK) code = check_source(t);
  if (code == SQLITE_OK) code = move_all(t);
  int closed = close_pair(t);
  if (code == SQLITE_OK) code = closed;
  if (code == SQLITE_OK) code = koe_chunk_update(t->index, &t->to);
  if (code != SQLITE_OK) return code;
  return t->from.free == KOE_CHUNK_SLOTS ? koe_chunk_delete(t->index, from, from)
                                         : koe_chunk_update(t->index, &t->from);
}

int koe_index_optimize(koe_index *index) {
  transfer *t = koe_alloc_zero(1, sizeof *t);
  if (t == NULL) return SQLITE_NOMEM;
  t->index = index;
  int code = koe_queue_flush(index);
  if (code == SQLITE_OK) code = koe_storage_read_info(index, &t->info);
  if (code == SQLITE_OK) {
    t->vector = koe_alloc_aligned(t->info.dimension, sizeof *t->vector);
    if (t->vector == NULL) code = SQLITE_NOMEM;
  }
  while (code == SQLITE_OK) {
    int64_t from, to;
    code = koe_chunk_pick(index, KOE_CHUNK_EMPTIEST, &from);
    if (code == SQLITE_OK) code = koe_chunk_pick(index, KOE_CHUNK_FULLEST, &to);
    if (code != SQLITE_OK || from == to) break;
    code = merge(t, from, to);
  }
  koe_free(t->vector);
  koe_free(t);
  return code;
}
