/* Chunks: which slots are live and whose they are. */
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
  if (sqlite3_column_type(statement, 2) != SQLITE_INTEGER) {
    return koe_index_damaged(index, "chunks", "chunk %lld: stamp is no integer",
                             (long long)out->id);
  }
  out->stamp = sqlite3_column_int64(statement, 2);
  if (!copy_blob(statement, 3, out->live, sizeof out->live) ||
      !copy_blob(statement, 4, out->rowids, sizeof out->rowids)) {
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

/* Writes the row of a chunk, with new stamps of it and of the whole. */
static int write_chunk(koe_index *index, koe_statement id, const koe_chunk *chunk) {
  sqlite3_stmt *statement;
  int code = koe_storage_renew_stamp(index);
  if (code == SQLITE_OK) code = koe_index_prepare(index, id, &statement);
  if (code != SQLITE_OK) return code;
  sqlite3_bind_int64(statement, 1, chunk->id);
  sqlite3_bind_int(statement, 2, chunk->free);
  sqlite3_bind_int64(statement, 3, koe_storage_draw_stamp());
  sqlite3_bind_blob(statement, 4, chunk->live, sizeof chunk->live, SQLITE_STATIC);
  sqlite3_bind_blob(statement, 5, chunk->rowids, sizeof chunk->rowids, SQLITE_STATIC);
  code = koe_index_step(index, id, statement);
  koe_index_reset(statement);
  return code == SQLITE_DONE ? SQLITE_OK : code;
}

/* The live slots of a run, as bits. */
static unsigned run_bits(const uint8_t *bits, int run) {
  return bits[2 * run] | (unsigned)bits[2 * run + 1] << 8;
}

_Static_assert(KOE_RUN_SLOTS == 16, "run_bits takes two bytes");

/* Writes the vectors of those slots, all of one run that the table has. */
static int write_slots(koe_vectors *vectors, const koe_chunk *chunk, int run, unsigned slots,
                       const float *floats) {
  int code = SQLITE_OK;
  for (int i = 0, end; code == SQLITE_OK && i < KOE_RUN_SLOTS; i = end) {
    end = i + 1;
    if ((slots >> i & 1) == 0) continue;
    while (end < KOE_RUN_SLOTS && (slots >> end & 1) != 0)
      end++;
    int place = run * KOE_RUN_SLOTS + i;
    code = koe_vectors_write(vectors, koe_slot(chunk->id, place), (size_t)(end - i),
                             floats + (size_t)place * vectors->info->dimension);
  }
  return code;
}

static int save_run(koe_vectors *vectors, const koe_chunk *chunk, int run, unsigned stored,
                    unsigned changed, const float *floats) {
  unsigned live = run_bits(chunk->live, run);
  int64_t id = koe_slot_run(koe_slot(chunk->id, run * KOE_RUN_SLOTS));
  if (live == 0) {
    if (stored == 0) return SQLITE_OK;
    return koe_index_execute(vectors->index, KOE_VECTORS_DELETE_RANGE, 2, id, id);
  }
  if (stored != 0) return write_slots(vectors, chunk, run, live & changed, floats);
  return koe_vectors_insert(vectors, id, live,
                            floats + (size_t)run * KOE_RUN_SLOTS * vectors->info->dimension);
}

int koe_chunk_save(koe_vectors *vectors, const koe_chunk *chunk, koe_stored_chunk *stored,
                   const uint8_t *changed, const float *floats) {
  koe_index *index = vectors->index;
  int code = SQLITE_OK;
  if (chunk->free == KOE_CHUNK_SLOTS) {
    code = koe_chunk_delete(index, chunk->id, chunk->id);
    if (code == SQLITE_OK) *stored = (koe_stored_chunk){0};
    return code;
  }
  code = write_chunk(index, stored->exists ? KOE_CHUNK_UPDATE : KOE_CHUNK_INSERT, chunk);
  if (code == SQLITE_OK) stored->exists = true;
  for (int run = 0; code == SQLITE_OK && run < KOE_CHUNK_RUNS; run++) {
    code =
        save_run(vectors, chunk, run, run_bits(stored->live, run), run_bits(changed, run), floats);
    if (code == SQLITE_OK) memcpy(&stored->live[2 * run], &chunk->live[2 * run], 2);
  }
  return code;
}

int koe_chunk_insert(koe_index *index, const koe_index_info *info, const koe_chunk *chunk,
                     const float *vectors) {
  koe_vectors to;
  koe_stored_chunk nothing = {0};
  koe_vectors_init(&to, index, info, true);
  int code = koe_chunk_save(&to, chunk, &nothing, chunk->live, vectors);
  int closed = koe_vectors_close(&to);
  return code == SQLITE_OK ? closed : code;
}

int koe_chunk_delete(koe_index *index, int64_t first, int64_t last) {
  /* Also what damage has put out of range. */
  if (first > KOE_MAX_CHUNKS) first = KOE_MAX_CHUNKS + 1;
  int64_t first_run = first < 1 ? INT64_MIN : koe_slot_run(koe_slot(first, 0));
  int64_t last_run = last < 1                ? 0
                     : last > KOE_MAX_CHUNKS ? INT64_MAX
                                             : koe_slot_run(koe_slot(last, KOE_CHUNK_SLOTS - 1));
  int code = koe_storage_renew_stamp(index);
  if (code == SQLITE_OK) code = koe_index_execute(index, KOE_CHUNK_DELETE_RANGE, 2, first, last);
  return code == SQLITE_OK
             ? koe_index_execute(index, KOE_VECTORS_DELETE_RANGE, 2, first_run, last_run)
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
  int64_t of_runs = of_vectors < 1 ? 0 : (of_vectors - 1) / KOE_CHUNK_RUNS + 1;
  int64_t last = of_chunks > of_runs ? of_chunks : of_runs;
  *out = last < 0 ? 1 : last < INT64_MAX ? last + 1 : last;
  return SQLITE_OK;
}

int koe_chunk_pick(koe_index *index, koe_statement which, int64_t *out) {
  return read_integer(index, which, out);
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
  koe_vectors vectors;
  koe_vectors_init(&vectors, index, info, false);
  int code = koe_chunk_read(index, koe_slot_chunk(slot), &chunk);
  if (code == SQLITE_OK) code = koe_chunk_check_slot(index, &chunk, rowid, koe_slot_place(slot));
  if (code == SQLITE_OK) code = koe_vectors_read(&vectors, slot, 1, out);
  koe_vectors_close(&vectors);
  return code;
}
