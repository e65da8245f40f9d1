/* INSERT INTO search(search) VALUES('optimize');
 *
 * Deleting leaves free slots, which later rows take.  This moves vectors from the emptiest chunks
 * into the fullest that have room, until one chunk at most is not full; chunks left empty are
 * deleted: their pages go to the file's list of free ones, which later rows take and VACUUM
 * returns.
 *
 * For an index with search='approximate' it then trains the sketch, from an even sample of rows. */
#include "commands.h"
#include "queue.h"

#include "../../model/memory.h"
#include "../../model/registry.h"

#include <string.h>

SQLITE_EXTENSION_INIT3

enum { MAX_SAMPLE_BYTES = 256 << 20 };

typedef struct transfer {
  koe_index *index;
  koe_index_info info;
  koe_chunk from, to;
  koe_stored_chunk stored_from, stored_to;
  uint8_t changed[KOE_CHUNK_SLOTS / 8]; /* slots of `to` */
  float *block;                         /* [KOE_CHUNK_SLOTS, dimension], their vectors */
} transfer;

static int read_chunk(transfer *t, int64_t id, koe_chunk *chunk, koe_stored_chunk *stored) {
  int code = koe_chunk_read(t->index, id, chunk);
  if (code != SQLITE_OK) return code;
  stored->exists = true;
  memcpy(stored->live, chunk->live, sizeof chunk->live);
  return koe_vectors_check(t->index, &t->info, chunk);
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

static int move_one(transfer *t, koe_vectors *vectors, int source, int target) {
  int64_t rowid = t->from.rowids[source];
  koe_row row = {.exists = true, .has_vector = true, .slot = koe_slot(t->to.id, target)};
  int code = koe_vectors_read(vectors, koe_slot(t->from.id, source), 1,
                              t->block + (size_t)target * t->info.dimension);
  if (code == SQLITE_OK) code = koe_row_set_slot(t->index, rowid, &row);
  koe_chunk_unset(&t->from, source);
  koe_chunk_set(&t->to, target, rowid);
  t->changed[target / 8] |= (uint8_t)(1u << target % 8);
  return code;
}

/* Moves as many as one has and the other takes. */
static int move_all(transfer *t, koe_vectors *vectors) {
  int code = SQLITE_OK, target = 0;
  for (int source = 0; code == SQLITE_OK && source < KOE_CHUNK_SLOTS && t->to.free > 0; source++) {
    if (!koe_chunk_is_live(&t->from, source)) continue;
    while (koe_chunk_is_live(&t->to, target))
      target++;
    code = move_one(t, vectors, source, target);
  }
  return code;
}

static int merge(transfer *t, int64_t from, int64_t to) {
  koe_vectors vectors;
  memset(t->changed, 0, sizeof t->changed);
  int code = read_chunk(t, from, &t->from, &t->stored_from);
  if (code == SQLITE_OK) code = read_chunk(t, to, &t->to, &t->stored_to);
  if (code == SQLITE_OK) code = check_source(t);
  if (code != SQLITE_OK) return code;
  koe_vectors_init(&vectors, t->index, &t->info, true);
  code = move_all(t, &vectors);
  if (code == SQLITE_OK) {
    code = koe_chunk_save(&vectors, &t->to, &t->stored_to, t->changed, t->block);
  }
  memset(t->changed, 0, sizeof t->changed);
  if (code == SQLITE_OK) {
    code = koe_chunk_save(&vectors, &t->from, &t->stored_from, t->changed, t->block);
  }
  int closed = koe_vectors_close(&vectors);
  return code == SQLITE_OK ? closed : code;
}

static int compact(transfer *t) {
  int code = SQLITE_OK;
  while (code == SQLITE_OK) {
    int64_t from, to;
    code = koe_chunk_pick(t->index, KOE_CHUNK_EMPTIEST, &from);
    if (code == SQLITE_OK) code = koe_chunk_pick(t->index, KOE_CHUNK_FULLEST, &to);
    if (code != SQLITE_OK || from == to) break;
    code = merge(t, from, to);
  }
  return code;
}

/* ── the sketch ─────────────────────────────────────────────────────────────────────────────────
 */

/* Reads the vectors of every `step`-th live slot; `*count` so many at most, and how many it were.
 *
 *   out [*count, dimension] */
static int read_sample(transfer *t, size_t step, float *out, size_t *count) {
  koe_vectors vectors;
  sqlite3_stmt *statement;
  size_t room = *count, seen = 0;
  *count = 0;
  koe_vectors_init(&vectors, t->index, &t->info, false);
  int code = koe_index_prepare(t->index, KOE_CHUNK_SCAN, &statement);
  while (code == SQLITE_OK) {
    code = koe_index_step(t->index, KOE_CHUNK_SCAN, statement);
    if (code != SQLITE_ROW) break;
    code = koe_chunk_from_row(t->index, statement, &t->from);
    for (int place = 0; code == SQLITE_OK && place < KOE_CHUNK_SLOTS; place++) {
      if (!koe_chunk_is_live(&t->from, place) || seen++ % step != 0 || *count == room) continue;
      code = koe_vectors_read(&vectors, koe_slot(t->from.id, place), 1,
                              out + (*count)++ * t->info.dimension);
    }
  }
  koe_vectors_close(&vectors);
  koe_index_reset(statement);
  return code == SQLITE_DONE ? SQLITE_OK : code;
}

static int count_vectors(koe_index *index, size_t *out) {
  sqlite3_stmt *statement;
  int code = koe_index_prepare(index, KOE_CHECK_ROWS, &statement);
  if (code != SQLITE_OK) return code;
  code = koe_index_step(index, KOE_CHECK_ROWS, statement);
  *out = code == SQLITE_ROW ? (size_t)sqlite3_column_int64(statement, 0) : 0;
  koe_index_reset(statement);
  return code == SQLITE_ROW || code == SQLITE_DONE ? SQLITE_OK : code;
}

static int train(transfer *t) {
  koe_error err;
  koe_vector_sketch sketch;
  int64_t threads;
  size_t rows;
  int code = count_vectors(t->index, &rows);
  if (code != SQLITE_OK || rows == 0) return code;
  size_t most = MAX_SAMPLE_BYTES / (t->info.dimension * sizeof *t->block);
  if (most > KOE_SKETCH_SAMPLE) most = KOE_SKETCH_SAMPLE;
  size_t count = rows < most ? rows : most;
  float *sample = koe_alloc_aligned(count * t->info.dimension, sizeof *sample);
  if (sample == NULL) return SQLITE_NOMEM;
  code = read_sample(t, (rows + count - 1) / count, sample, &count);
  if (code == SQLITE_OK && (koe_registry_config_get("threads", &threads, &err) != KOE_OK ||
                            koe_vector_sketch_train(sample, count, t->info.dimension,
                                                    (size_t)threads, &sketch, &err) != KOE_OK)) {
    code = koe_index_model_failed(t->index, &err);
  }
  koe_free(sample);
  return code == SQLITE_OK ? koe_storage_write_sketch(t->index, &sketch) : code;
}

int koe_index_optimize(koe_index *index) {
  transfer *t = koe_alloc_zero(1, sizeof *t);
  if (t == NULL) return SQLITE_NOMEM;
  t->index = index;
  int code = koe_queue_flush(index);
  if (code == SQLITE_OK) code = koe_storage_read_info(index, &t->info);
  if (code == SQLITE_OK) {
    t->block = koe_alloc_aligned(KOE_CHUNK_SLOTS * t->info.dimension, sizeof *t->block);
    if (t->block == NULL) code = SQLITE_NOMEM;
  }
  if (code == SQLITE_OK) code = compact(t);
  if (code == SQLITE_OK && index->definition.approximate) code = train(t);
  koe_free(t->block);
  koe_free(t);
  return code;
}
