/* Chunks: which slots are live and whose they are, and the vectors in them. */
#include "storage.h"

#include <string.h>

SQLITE_EXTENSION_INIT3

void koe_chunk_init(koe_chunk *chunk, int64_t id) {
  *chunk = (koe_chunk){.id = id, .free = KOE_CHUNK_SLOTS};
}

void koe_chunk_set(koe_chunk *chunk, int place, int64_t rowid) {
  if (!koe_chunk_is_live(chunk, place)) chunk->free--;
  chunk->live[place / 8] |= (uint8_t)(1u << place % 8);
  chunk->rowids[place] = rowid;
}

void koe_chunk_unset(koe_chunk *chunk, int place) {
  if (koe_chunk_is_live(chunk, place)) chunk->free++;
  chunk->live[place / 8] &= (uint8_t) ~(1u << place % 8);
  chunk->rowids[place] = 0;
}

static bool copy_blob(sqlite3_stmt *statement, int column, void *out, size_t bytes) {
  if (sqlite3_column_type(statement, column) != SQLITE_BLOB) return false;
  const void *blob = sqlite3_column_blob(statement, column);
  if (blob == NULL || (size_t)sqlite3_column_bytes(statement, column) != bytes) return false;
  memcpy(out, blob, bytes);
  return true;
}

int koe_chunk_from_row(koe_index *index, sqlite3_stmt *statement, koe_chunk *out) {
  out->id = sqlite3_column_int64(statement, 0);
  int64_t free_slots = sqlite3_column_int64(statement, 1);
  if (out->id < 1 || out->id > KOE_MAX_CHUNKS) {
    return koe_index_damaged(index, "chunks", "chunk %lld is out of range", (long long)out->id);
  }
  if (!copy_blob(statement, 2, out->live, sizeof out->live) ||
      !copy_blob(statement, 3, out->rowids, sizeof out->rowids)) {
    return koe_index_damaged(index, "chunks", "chunk %lld: live or rowids has another size",
                             (long long)out->id);
  }
  out->free = KOE_CHUNK_SLOTS;
  for (size_t i = 0; i < sizeof out->live; i++)
    out->free -= __builtin_popcount(out->live[i]);
  if (sqlite3_column_type(statement, 1) != SQLITE_INTEGER || free_slots != out->free) {
    return koe_index_damaged(index, "chunks", "chunk %lld: free is %lld, but %d slots are not live",
                             (long long)out->id, (long long)free_slots, out->free);
  }
  return SQLITE_OK;
}

int koe_chunk_read(koe_index *index, int64_t id, koe_chunk *out) {
  sqlite3_stmt *statement;
  int code = koe_index_prepare(index, KOE_CHUNK_READ, &statement);
  if (code != SQLITE_OK) return code;
  sqlite3_bind_int64(statement, 1, id);
  code = koe_index_step(index, KOE_CHUNK_READ, statement);
  if (code == SQLITE_ROW) {
    code = koe_chunk_from_row(index, statement, out);
  } else if (code == SQLITE_DONE) {
    code = koe_index_damaged(index, "chunks", "chunk %lld is missing", (long long)id);
  }
  koe_index_reset(statement);
  return code;
}

static int write_chunk(koe_index *index, koe_statement id, const koe_chunk *chunk) {
  sqlite3_stmt *statement;
  int code = koe_index_prepare(index, id, &statement);
  if (code != SQLITE_OK) return code;
  sqlite3_bind_int64(statement, 1, chunk->id);
  sqlite3_bind_int(statement, 2, chunk->free);
  sqlite3_bind_blob(statement, 3, chunk->live, sizeof chunk->live, SQLITE_STATIC);
  sqlite3_bind_blob(statement, 4, chunk->rowids, sizeof chunk->rowids, SQLITE_STATIC);
  code = koe_index_step(index, id, statement);
  koe_index_reset(statement);
  return code == SQLITE_DONE ? SQLITE_OK : code;
}

int koe_chunk_update(koe_index *index, const koe_chunk *chunk) {
  return write_chunk(index, KOE_CHUNK_UPDATE, chunk);
}

static size_t vectors_bytes(const koe_index_info *info) {
  return KOE_CHUNK_SLOTS * info->dimension * sizeof(float);
}

int koe_chunk_insert(koe_index *index, const koe_index_info *info, const koe_chunk *chunk,
                     const float *vectors) {
  sqlite3_stmt *statement;
  int code = koe_index_prepare(index, KOE_VECTORS_INSERT, &statement);
  if (code != SQLITE_OK) return code;
  size_t bytes = vectors_bytes(info);
  sqlite3_bind_int64(statement, 1, chunk->id);
  code = sqlite3_bind_blob64(statement, 2, vectors, bytes, SQLITE_STATIC);
  if (code == SQLITE_OK) code = koe_index_step(index, KOE_VECTORS_INSERT, statement);
  koe_index_reset(statement);
  return code == SQLITE_DONE ? write_chunk(index, KOE_CHUNK_INSERT, chunk) : code;
}

int koe_chunk_delete(koe_index *index, int64_t first, int64_t last) {
  int code = koe_index_execute(index, KOE_CHUNK_DELETE_RANGE, 2, first, last);
  return code == SQLITE_OK ? koe_index_execute(index, KOE_VECTORS_DELETE_RANGE, 2, first, last)
                           : code;
}

/* The integer that a statement of one row gives; NULL is 0. */
static int read_integer(koe_index *index, koe_statement id, int64_t *out) {
  sqlite3_stmt *statement;
  *out = 0;
  int code = koe_index_prepare(index, id, &statement);
  if (code != SQLITE_OK) return code;
  code = koe_index_step(index, id, statement);
  if (code == SQLITE_ROW) *out = sqlite3_column_int64(statement, 0);
  koe_index_reset(statement);
  return code == SQLITE_ROW || code == SQLITE_DONE ? SQLITE_OK : code;
}

int koe_chunk_next_id(koe_index *index, int64_t *out) {
  int64_t of_chunks, of_vectors;
  int code = read_integer(index, KOE_CHUNK_LAST_ID, &of_chunks);
  if (code == SQLITE_OK) code = read_integer(index, KOE_VECTORS_LAST_ID, &of_vectors);
  if (code != SQLITE_OK) return code;
  int64_t last = of_chunks > of_vectors ? of_chunks : of_vectors;
  *out = last < 0 ? 1 : last < INT64_MAX ? last + 1 : last;
  return SQLITE_OK;
}

int koe_chunk_pick(koe_index *index, koe_statement which, int64_t *out) {
  return read_integer(index, which, out);
}

/* ── vectors ────────────────────────────────────────────────────────────────────────────────────
 */

int koe_vectors_open(koe_index *index, const koe_index_info *info, int64_t chunk, bool write,
                     sqlite3_blob **out) {
  *out = NULL;
  int code = sqlite3_blob_open(index->db, index->schema, index->vectors_table, "vectors", chunk,
                               write, out);
  if ((code & 0xff) == SQLITE_ERROR) {
    return koe_index_damaged(index, "vectors", "chunk %lld: %s", (long long)chunk,
                             sqlite3_errmsg(index->db));
  }
  if (code != SQLITE_OK) return code;
  if ((size_t)sqlite3_blob_bytes(*out) != vectors_bytes(info)) {
    return koe_index_damaged(index, "vectors", "chunk %lld has %d bytes, not %lld",
                             (long long)chunk, sqlite3_blob_bytes(*out),
                             (long long)vectors_bytes(info));
  }
  return SQLITE_OK;
}

int koe_vectors_read(const koe_index_info *info, sqlite3_blob *blob, int place, float *out) {
  size_t bytes = info->dimension * sizeof *out;
  return sqlite3_blob_read(blob, out, (int)bytes, (int)((size_t)place * bytes));
}

int koe_vectors_write(const koe_index_info *info, sqlite3_blob *blob, int place,
                      const float *vectors, size_t count) {
  size_t bytes = info->dimension * sizeof *vectors;
  return sqlite3_blob_write(blob, vectors, (int)(count * bytes), (int)((size_t)place * bytes));
}

int koe_vectors_check(koe_index *index, const koe_index_info *info, int64_t chunk) {
  sqlite3_blob *blob;
  int code = koe_vectors_open(index, info, chunk, false, &blob);
  sqlite3_blob_close(blob);
  return code;
}

/* ── slots ──────────────────────────────────────────────────────────────────────────────────────
 */

int koe_chunk_check_slot(koe_index *index, const koe_chunk *chunk, int64_t rowid, int place) {
  if (koe_chunk_is_live(chunk, place) && chunk->rowids[place] == rowid) return SQLITE_OK;
  return koe_index_damaged(index, "chunks", "chunk %lld: slot %d is not row %lld's",
                           (long long)chunk->id, place, (long long)rowid);
}

int koe_slot_read(koe_index *index, const koe_index_info *info, int64_t rowid, int64_t slot,
                  float *out) {
  koe_chunk chunk;
  sqlite3_blob *blob = NULL;
  int place = koe_slot_place(slot);
  int code = koe_chunk_read(index, koe_slot_chunk(slot), &chunk);
  if (code == SQLITE_OK) code = koe_chunk_check_slot(index, &chunk, rowid, place);
  if (code == SQLITE_OK) code = koe_vectors_open(index, info, chunk.id, false, &blob);
  if (code == SQLITE_OK) code = koe_vectors_read(info, blob, place, out);
  sqlite3_blob_close(blob);
  return code;
}
