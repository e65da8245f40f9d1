/* INSERT INTO search(search) VALUES('integrity-check');
 *
 * Nothing, or an error that says which table contradicts which. */
#include "commands.h"
#include "queue.h"

#include "../../model/memory.h"
#include "../../model/search/vectors.h"

#include <math.h>

SQLITE_EXTENSION_INIT3

/* Rounding to float32 leaves the length of a unit vector within far less. */
static const double unit_tolerance = 1e-3;

static int check_vector(koe_index *index, const koe_index_info *info, const float *vector,
                        int64_t rowid) {
  float square;
  koe_vector_dots(vector, vector, 1, info->dimension, &square);
  if (fabs((double)square - 1) < unit_tolerance) return SQLITE_OK;
  return koe_index_damaged(index, "vectors", "the vector of row %lld is not of unit length",
                           (long long)rowid);
}

/* Checks the chunk in the current row of KOE_CHUNK_SCAN: each live slot belongs to a row that says
 * so, and holds a unit vector.
 *
 *   block [KOE_CHUNK_SLOTS, dimension]   room for its vectors */
static int check_chunk(koe_vectors *vectors, sqlite3_stmt *statement, float *block, int64_t *live) {
  koe_index *index = vectors->index;
  koe_chunk chunk;
  int code = koe_chunk_from_row(index, statement, &chunk);
  if (code == SQLITE_OK) code = koe_vectors_check(index, vectors->info, &chunk);
  if (code == SQLITE_OK) code = koe_vectors_read_chunk(vectors, &chunk, block);
  for (int place = 0; code == SQLITE_OK && place < KOE_CHUNK_SLOTS; place++) {
    if (!koe_chunk_is_live(&chunk, place)) continue;
    int64_t rowid = chunk.rowids[place];
    koe_row row;
    (*live)++;
    code = koe_row_find(index, rowid, &row);
    if (code != SQLITE_OK) break;
    if (!row.has_vector || row.slot != koe_slot(chunk.id, place)) {
      return koe_index_damaged(index, "rows", "row %lld is not where chunk %lld has it",
                               (long long)rowid, (long long)chunk.id);
    }
    code =
        check_vector(index, vectors->info, block + (size_t)place * vectors->info->dimension, rowid);
  }
  return code;
}

static int check_chunks(koe_index *index, const koe_index_info *info, int64_t *live) {
  sqlite3_stmt *statement;
  koe_vectors vectors;
  float *block = koe_alloc_aligned(KOE_CHUNK_SLOTS * info->dimension, sizeof *block);
  if (block == NULL) return SQLITE_NOMEM;
  koe_vectors_init(&vectors, index, info, false);
  int code = koe_index_prepare(index, KOE_CHUNK_SCAN, &statement);
  while (code == SQLITE_OK) {
    code = koe_index_step(index, KOE_CHUNK_SCAN, statement);
    if (code != SQLITE_ROW) break;
    code = check_chunk(&vectors, statement, block, live);
  }
  koe_vectors_close(&vectors);
  koe_index_reset(statement);
  koe_free(block);
  return code == SQLITE_DONE ? SQLITE_OK : code;
}

/* Steps a statement; `*found` and its integers where there is a row. */
static int find_first(koe_index *index, koe_statement id, bool *found, int64_t *first,
                      int64_t *second) {
  sqlite3_stmt *statement;
  *found = false;
  int code = koe_index_prepare(index, id, &statement);
  if (code != SQLITE_OK) return code;
  code = koe_index_step(index, id, statement);
  if (code == SQLITE_ROW) {
    *found = true;
    *first = sqlite3_column_int64(statement, 0);
    *second = sqlite3_column_count(statement) > 1 ? sqlite3_column_int64(statement, 1) : 0;
  }
  koe_index_reset(statement);
  return code == SQLITE_ROW || code == SQLITE_DONE ? SQLITE_OK : code;
}

/* Every vector is some chunk's, and every row that says it has one was met in a chunk. */
static int check_counts(koe_index *index, int64_t live) {
  bool found;
  int64_t first = 0, second;
  int code = find_first(index, KOE_CHECK_VECTORS, &found, &first, &second);
  if (code == SQLITE_OK && found) {
    return koe_index_damaged(index, "vectors", "run %lld is of a chunk that is not in %s_chunks",
                             (long long)first, index->name);
  }
  if (code == SQLITE_OK) code = find_first(index, KOE_CHECK_ROWS, &found, &first, &second);
  if (code == SQLITE_OK && first != live) {
    return koe_index_damaged(index, "rows", "%lld rows have a slot, but the chunks have %lld",
                             (long long)first, (long long)live);
  }
  return code;
}

/* The rows are those of the texts.  Where the texts are the user's table, that is for the user's
 * triggers to keep. */
static int check_source(koe_index *index) {
  static const struct {
    koe_statement id;
    const char *what;
  } checks[] = {{KOE_CHECK_NOT_IN_SOURCE, "is in the index, but not in"},
                {KOE_CHECK_NOT_IN_INDEX, "is not in the index, but in"},
                {KOE_CHECK_NULLS, "has a vector or a text, but not both, in"},
                {KOE_CHECK_COLUMNS, "has other values in its columns than in"}};
  for (size_t i = 0; i < sizeof checks / sizeof checks[0]; i++) {
    bool found;
    int64_t rowid = 0, second;
    int code = find_first(index, checks[i].id, &found, &rowid, &second);
    if (code != SQLITE_OK) return code;
    if (!found) continue;
    if (index->definition.content == NULL) {
      return koe_index_damaged(index, "rows", "row %lld %s %s_content", (long long)rowid,
                               checks[i].what, index->name);
    }
    return koe_index_fail(index, SQLITE_CORRUPT_VTAB,
                          "row %lld %s %s: keep them in step by triggers; "
                          "INSERT INTO %s(%s) VALUES('rebuild') makes the index anew",
                          (long long)rowid, checks[i].what, index->definition.content, index->name,
                          index->name);
  }
  return SQLITE_OK;
}

int koe_index_integrity_check(koe_index *index) {
  koe_index_info info;
  int64_t live = 0;
  int code = koe_queue_flush(index);
  if (code == SQLITE_OK) code = koe_storage_read_info(index, &info);
  if (code == SQLITE_OK) code = check_chunks(index, &info, &live);
  if (code == SQLITE_OK) code = check_counts(index, live);
  return code == SQLITE_OK ? check_source(index) : code;
}
