/* The shadow tables: what is stored where is told in FORMAT.md.
 *
 * A function that reads what may be damaged checks it before it returns, and one that changes
 * several tables leaves them consistent unless the file itself fails. */
#ifndef KOE_INDEX_STORAGE_H
#define KOE_INDEX_STORAGE_H

#include "index.h"

#include "../../model/search/vector_sketch.h"

enum {
  KOE_FORMAT_VERSION = 3,
  KOE_CHUNK_SLOTS = 256,
  KOE_RUN_SLOTS = 16, /* of one row of the vectors table */
  KOE_CHUNK_RUNS = KOE_CHUNK_SLOTS / KOE_RUN_SLOTS,
  KOE_MAX_DIMENSION = 65536, /* what a damaged number must not exceed */
};

/* Chunk ids are 1 to this. */
#define KOE_MAX_CHUNKS (INT64_C(1) << 40)

/* What the vectors of an index are. */
typedef struct koe_index_info {
  uint64_t fingerprint; /* of the model that made them */
  size_t dimension;
  int64_t stamp;   /* random, another after every change of chunks or vectors; read only */
  bool has_sketch; /* 'optimize' has trained one for approximate searches */
  koe_vector_sketch sketch;
} koe_index_info;

/* Makes, drops and renames the shadow tables.  Making keeps those that exist if `missing_only`. */
int koe_storage_create(koe_index *index, bool missing_only);
int koe_storage_drop(koe_index *index);
int koe_storage_rename(koe_index *index, const char *name);

int koe_storage_read_info(koe_index *index, koe_index_info *out);
int koe_storage_write_info(koe_index *index, const koe_index_info *info);

/* Stores what approximate searches have learnt. */
int koe_storage_write_sketch(koe_index *index, const koe_vector_sketch *sketch);

/* A random number, and one for the key 'stamp'.  Same stamp, same content: random and not counted
 * on, so that it is true after a rollback and in copies of the file that went their own ways. */
int64_t koe_storage_draw_stamp(void);
int koe_storage_renew_stamp(koe_index *index);

/* Fails if the tables say that another version of this library wrote them. */
int koe_storage_check_version(koe_index *index);

/* ── rows ───────────────────────────────────────────────────────────────────────────────────────
 */

/* Where a row's vector is. */
typedef struct koe_row {
  bool exists;
  bool has_vector; /* not where the text is NULL */
  int64_t slot;    /* (chunk id - 1) · KOE_CHUNK_SLOTS + place in the chunk */
} koe_row;

int koe_row_find(koe_index *index, int64_t rowid, koe_row *out);
int koe_row_set_slot(koe_index *index, int64_t rowid, const koe_row *row);

/* The rowid after the largest; fails if there is none. */
int koe_row_next(koe_index *index, int64_t *out);

/* ── chunks ─────────────────────────────────────────────────────────────────────────────────────
 */

typedef struct koe_chunk {
  int64_t id;
  int64_t stamp;                     /* as it was read; each writing draws another */
  int free;                          /* slots that are not live */
  uint8_t live[KOE_CHUNK_SLOTS / 8]; /* bit i % 8 of byte i / 8 */
  int64_t rowids[KOE_CHUNK_SLOTS];   /* of live slots; 0 elsewhere */
} koe_chunk;

static inline bool koe_chunk_is_live(const koe_chunk *chunk, int place) {
  return (chunk->live[place / 8] >> place % 8 & 1) != 0;
}

static inline bool koe_chunk_run_is_live(const koe_chunk *chunk, int run) {
  return chunk->live[2 * run] != 0 || chunk->live[2 * run + 1] != 0;
}

static inline int64_t koe_slot(int64_t chunk, int place) {
  return (chunk - 1) * KOE_CHUNK_SLOTS + place;
}

static inline int64_t koe_slot_chunk(int64_t slot) {
  return slot / KOE_CHUNK_SLOTS + 1;
}

static inline int koe_slot_place(int64_t slot) {
  return (int)(slot % KOE_CHUNK_SLOTS);
}

/* The id of a slot's row of vectors. */
static inline int64_t koe_slot_run(int64_t slot) {
  return slot / KOE_RUN_SLOTS + 1;
}

/* An empty chunk of that id, in memory. */
void koe_chunk_init(koe_chunk *chunk, int64_t id);
void koe_chunk_set(koe_chunk *chunk, int place, int64_t rowid);
void koe_chunk_unset(koe_chunk *chunk, int place);

/* Reads the chunk of the current row of a statement whose columns are id, free, stamp, live,
 * rowids.
 */
int koe_chunk_from_row(koe_index *index, sqlite3_stmt *statement, koe_chunk *out);

int koe_chunk_read(koe_index *index, int64_t id, koe_chunk *out);

/* Adds a chunk with its vectors [KOE_CHUNK_SLOTS, dimension], of which the live slots' are stored.
 */
int koe_chunk_insert(koe_index *index, const koe_index_info *info, const koe_chunk *chunk,
                     const float *vectors);

/* Deletes chunks first … last with their vectors. */
int koe_chunk_delete(koe_index *index, int64_t first, int64_t last);

/* The id after the largest in use. */
int koe_chunk_next_id(koe_index *index, int64_t *out);

/* The id of the chunk with the fewest (KOE_CHUNK_FULLEST) or most (KOE_CHUNK_EMPTIEST) free slots,
 * of those that have any; 0 where none has. */
int koe_chunk_pick(koe_index *index, koe_statement which, int64_t *out);

/* ── vectors ────────────────────────────────────────────────────────────────────────────────────
 */

/* A way into the vectors table, which has a row for each run of KOE_RUN_SLOTS neighbouring slots of
 * which one is live.  It stays open from one run to the next: that is what makes reading single
 * vectors here and there cheap. */
typedef struct koe_vectors {
  koe_index *index;
  const koe_index_info *info;
  bool write;
  int64_t run; /* that `blob` is at */
  sqlite3_blob *blob;
} koe_vectors;

/* Opens nothing yet.  koe_vectors_close must follow, also after a failure, before the transaction
 * goes on; it fails where writing did. */
void koe_vectors_init(koe_vectors *vectors, koe_index *index, const koe_index_info *info,
                      bool write);
int koe_vectors_close(koe_vectors *vectors);

/* Vectors [count, dimension] of neighbouring slots of one run that the table has. */
int koe_vectors_read(koe_vectors *vectors, int64_t slot, size_t count, float *out);

/* Overwrites vectors [count, dimension] of neighbouring slots of one run that the table has. */
int koe_vectors_write(koe_vectors *vectors, int64_t slot, size_t count, const float *floats);

/* Adds a run.
 *
 *   floats [KOE_RUN_SLOTS, dimension]   of which those that have their bit in `live` are stored,
 *                                       and zeros for the others */
int koe_vectors_insert(koe_vectors *vectors, int64_t run, unsigned live, const float *floats);

/* All vectors of a chunk.
 *
 *   out [KOE_CHUNK_SLOTS, dimension]   what is in slots that are not live means nothing */
int koe_vectors_read_chunk(koe_vectors *vectors, const koe_chunk *chunk, float *out);

/* Whether the chunk has the rows of vectors that it should, of the right size. */
int koe_vectors_check(koe_index *index, const koe_index_info *info, const koe_chunk *chunk);

/* What the tables have of a chunk. */
typedef struct koe_stored_chunk {
  bool exists;
  uint8_t live[KOE_CHUNK_SLOTS / 8];
} koe_stored_chunk;

/* Makes of the chunk that the tables have (`stored`, which follows, step by step) the one that is
 * given; one without live slots is deleted.
 *
 *   changed [KOE_CHUNK_SLOTS / 8]           bits of the live slots that have another vector
 *   floats  [KOE_CHUNK_SLOTS, dimension]    the vectors of these slots; other slots are not read
 *
 * Draws new stamps first, so that what failed in the middle is never taken for what it was. */
int koe_chunk_save(koe_vectors *vectors, const koe_chunk *chunk, koe_stored_chunk *stored,
                   const uint8_t *changed, const float *floats);

/* ── slots: a row and its vector at once ────────────────────────────────────────────────────────
 */

/* Whether a slot of the chunk is that row's. */
int koe_chunk_check_slot(koe_index *index, const koe_chunk *chunk, int64_t rowid, int place);

/* Reads the vector [info->dimension] of that row's slot. */
int koe_slot_read(koe_index *index, const koe_index_info *info, int64_t rowid, int64_t slot,
                  float *out);

#endif
