/* The shadow tables: what is stored where is told in FORMAT.md.
 *
 * A function that reads what may be damaged checks it before it returns, and one that changes
 * several tables leaves them consistent unless the file itself fails. */
#ifndef KOE_INDEX_STORAGE_H
#define KOE_INDEX_STORAGE_H

#include "index.h"

enum {
  KOE_FORMAT_VERSION = 2, /* of what is written */
  KOE_CHUNK_SLOTS = 256,
  KOE_MAX_DIMENSION = 65536, /* what a damaged number must not exceed */
};

/* Chunk ids are 1 to this. */
#define KOE_MAX_CHUNKS (INT64_C(1) << 40)

/* What the vectors of an index are. */
typedef struct koe_index_info {
  uint64_t fingerprint; /* of the model that made them */
  size_t dimension;
  int version; /* of the format, as it was read; koe_storage_write_info writes KOE_FORMAT_VERSION */
} koe_index_info;

/* Makes, drops and renames the shadow tables.  Making keeps those that exist if `missing_only`. */
int koe_storage_create(koe_index *index, bool missing_only);
int koe_storage_drop(koe_index *index);
int koe_storage_rename(koe_index *index, const char *name);

int koe_storage_read_info(koe_index *index, koe_index_info *out);
int koe_storage_write_info(koe_index *index, const koe_index_info *info);

/* Says that the tables are of this library's format where they are of an older one, which reads
 * alike. */
int koe_storage_raise_version(koe_index *index, const koe_index_info *info);

/* Fails if the tables say that a newer version of this library wrote them. */
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
int koe_row_insert(koe_index *index, int64_t rowid, const koe_row *row);
int koe_row_set_slot(koe_index *index, int64_t rowid, const koe_row *row);

/* The rowid after the largest; fails if there is none. */
int koe_row_next(koe_index *index, int64_t *out);

/* ── chunks ─────────────────────────────────────────────────────────────────────────────────────
 */

typedef struct koe_chunk {
  int64_t id;
  int free;                          /* slots that are not live */
  uint8_t live[KOE_CHUNK_SLOTS / 8]; /* bit i % 8 of byte i / 8 */
  int64_t rowids[KOE_CHUNK_SLOTS];   /* of live slots; 0 elsewhere */
} koe_chunk;

static inline bool koe_chunk_is_live(const koe_chunk *chunk, int place) {
  return (chunk->live[place / 8] >> place % 8 & 1) != 0;
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

/* An empty chunk of that id, in memory. */
void koe_chunk_init(koe_chunk *chunk, int64_t id);
void koe_chunk_set(koe_chunk *chunk, int place, int64_t rowid);
void koe_chunk_unset(koe_chunk *chunk, int place);

/* Reads the chunk of the current row of a statement whose columns are id, free, live, rowids. */
int koe_chunk_from_row(koe_index *index, sqlite3_stmt *statement, koe_chunk *out);

int koe_chunk_read(koe_index *index, int64_t id, koe_chunk *out);
int koe_chunk_update(koe_index *index, const koe_chunk *chunk);

/* Adds a chunk with its vectors [KOE_CHUNK_SLOTS, dimension]. */
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

/* Opens a chunk's vectors for sqlite3_blob_read or _write; the caller closes `*out`, also after a
 * failure. */
int koe_vectors_open(koe_index *index, const koe_index_info *info, int64_t chunk, bool write,
                     sqlite3_blob **out);

/* Whether a chunk has its vectors, of the right size. */
int koe_vectors_check(koe_index *index, const koe_index_info *info, int64_t chunk);

/* One vector [dimension] of an open chunk. */
int koe_vectors_read(const koe_index_info *info, sqlite3_blob *blob, int place, float *out);

/* Vectors [count, dimension] of neighbouring slots. */
int koe_vectors_write(const koe_index_info *info, sqlite3_blob *blob, int place,
                      const float *vectors, size_t count);

/* ── slots: a row and its vector at once ────────────────────────────────────────────────────────
 */

/* Whether a slot of the chunk is that row's. */
int koe_chunk_check_slot(koe_index *index, const koe_chunk *chunk, int64_t rowid, int place);

/* Reads the vector [info->dimension] of that row's slot. */
int koe_slot_read(koe_index *index, const koe_index_info *info, int64_t rowid, int64_t slot,
                  float *out);

#endif
