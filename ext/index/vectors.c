/* The vectors table: runs of vectors, read and written in place through incremental I/O. */
#include "storage.h"

#include "../../model/memory.h"

#include <string.h>

SQLITE_EXTENSION_INIT3

static size_t vector_bytes(const koe_index_info *info) {
  return info->dimension * sizeof(float);
}

static size_t run_bytes(const koe_index_info *info) {
  return KOE_RUN_SLOTS * vector_bytes(info);
}

void koe_vectors_init(koe_vectors *vectors, koe_index *index, const koe_index_info *info,
                      bool write) {
  *vectors = (koe_vectors){.index = index, .info = info, .write = write};
}

int koe_vectors_close(koe_vectors *vectors) {
  int code = sqlite3_blob_close(vectors->blob);
  vectors->blob = NULL;
  return code;
}

/* Goes to the row of that id, which the table should have. */
static int go_to(koe_vectors *v, int64_t run) {
  koe_index *index = v->index;
  if (v->blob != NULL && v->run == run) return SQLITE_OK;
  int code = v->blob != NULL ? sqlite3_blob_reopen(v->blob, run)
                             : sqlite3_blob_open(index->db, index->schema, index->vectors_table,
                                                 "vectors", run, v->write, &v->blob);
  v->run = run;
  if ((code & 0xff) == SQLITE_ERROR) {
    code = koe_index_damaged(index, "vectors", "run %lld: %s", (long long)run,
                             sqlite3_errmsg(index->db));
  } else if (code == SQLITE_OK && (size_t)sqlite3_blob_bytes(v->blob) != run_bytes(v->info)) {
    code = koe_index_damaged(index, "vectors", "run %lld has %d bytes, not %lld", (long long)run,
                             sqlite3_blob_bytes(v->blob), (long long)run_bytes(v->info));
  }
  if (code != SQLITE_OK) koe_vectors_close(v);
  return code;
}

static int place_in_run(const koe_vectors *v, int64_t slot) {
  return (int)((size_t)(slot % KOE_RUN_SLOTS) * vector_bytes(v->info));
}

int koe_vectors_read(koe_vectors *v, int64_t slot, size_t count, float *out) {
  int code = go_to(v, koe_slot_run(slot));
  return code == SQLITE_OK ? sqlite3_blob_read(v->blob, out, (int)(count * vector_bytes(v->info)),
                                               place_in_run(v, slot))
                           : code;
}

int koe_vectors_write(koe_vectors *v, int64_t slot, size_t count, const float *vectors) {
  int code = go_to(v, koe_slot_run(slot));
  return code == SQLITE_OK
             ? sqlite3_blob_write(v->blob, vectors, (int)(count * vector_bytes(v->info)),
                                  place_in_run(v, slot))
             : code;
}

int koe_vectors_read_chunk(koe_vectors *v, const koe_chunk *chunk, float *out) {
  int code = SQLITE_OK;
  for (int run = 0; code == SQLITE_OK && run < KOE_CHUNK_RUNS; run++) {
    int place = run * KOE_RUN_SLOTS;
    float *to = out + (size_t)place * v->info->dimension;
    if (koe_chunk_run_is_live(chunk, run)) {
      code = koe_vectors_read(v, koe_slot(chunk->id, place), KOE_RUN_SLOTS, to);
    } else {
      memset(to, 0, run_bytes(v->info));
    }
  }
  return code;
}

int koe_vectors_insert(koe_vectors *v, int64_t run, unsigned live, const float *floats) {
  koe_index *index = v->index;
  sqlite3_stmt *statement = NULL;
  size_t dimension = v->info->dimension;
  float *copy = koe_alloc_zero(KOE_RUN_SLOTS * dimension, sizeof *copy);
  if (copy == NULL) return SQLITE_NOMEM;
  for (size_t i = 0; i < KOE_RUN_SLOTS; i++) {
    if ((live >> i & 1) == 0) continue;
    memcpy(copy + i * dimension, floats + i * dimension, vector_bytes(v->info));
  }
  int code = koe_index_prepare(index, KOE_VECTORS_INSERT, &statement);
  if (code == SQLITE_OK) {
    sqlite3_bind_int64(statement, 1, run);
    code = sqlite3_bind_blob64(statement, 2, copy, run_bytes(v->info), SQLITE_STATIC);
  }
  if (code == SQLITE_OK) code = koe_index_step(index, KOE_VECTORS_INSERT, statement);
  koe_index_reset(statement);
  koe_free(copy);
  return code == SQLITE_DONE ? SQLITE_OK : code;
}

int koe_vectors_check(koe_index *index, const koe_index_info *info, const koe_chunk *chunk) {
  sqlite3_stmt *statement;
  int code = koe_index_prepare(index, KOE_VECTORS_CHECK, &statement);
  if (code != SQLITE_OK) return code;
  int64_t expected = 0, found = 0, right = 0;
  for (int run = 0; run < KOE_CHUNK_RUNS; run++)
    expected += koe_chunk_run_is_live(chunk, run);
  sqlite3_bind_int64(statement, 1, koe_slot_run(koe_slot(chunk->id, 0)));
  sqlite3_bind_int64(statement, 2, koe_slot_run(koe_slot(chunk->id, KOE_CHUNK_SLOTS - 1)));
  sqlite3_bind_int64(statement, 3, (int64_t)run_bytes(info));
  code = koe_index_step(index, KOE_VECTORS_CHECK, statement);
  if (code == SQLITE_ROW) {
    found = sqlite3_column_int64(statement, 0);
    right = sqlite3_column_int64(statement, 1);
  }
  koe_index_reset(statement);
  if (code != SQLITE_ROW) return code == SQLITE_DONE ? SQLITE_OK : code;
  if (found == expected && right == expected) return SQLITE_OK;
  return koe_index_damaged(index, "vectors",
                           "chunk %lld has %lld runs of %lld bytes among %lld, not %lld",
                           (long long)chunk->id, (long long)right, (long long)run_bytes(info),
                           (long long)found, (long long)expected);
}
