#include "search.h"

#include "../../model/memory.h"

#include <stdlib.h>
#include <string.h>

SQLITE_EXTENSION_INIT3

/* Stored vectors and the query are of unit length, so their dot product is the cosine, up to
 * rounding, which may carry it beyond 1. */
static int offer(koe_index *index, const koe_range *range, int64_t rowid, float dot,
                 koe_top_k *top) {
  if (!(dot > -1.01F && dot < 1.01F)) {
    return koe_index_damaged(index, "vectors", "the vector of row %lld is not of unit length",
                             (long long)rowid);
  }
  float similarity = dot > 1 ? 1 : dot < -1 ? -1 : dot;
  if (!koe_range_has_similarity(range, (double)similarity)) return SQLITE_OK;
  return koe_top_k_offer(top, rowid, similarity) ? SQLITE_OK : SQLITE_NOMEM;
}

/* SQLite gives a blob so small that it fits a page where it lies in the page, aligned or not. */
static bool dots_of_chunk(const float *query, const void *vectors, size_t bytes, size_t dimension,
                          float dots[KOE_CHUNK_SLOTS]) {
  void *copy = NULL;
  if ((uintptr_t)vectors % _Alignof(float) != 0) {
    copy = koe_alloc_aligned(bytes, 1);
    if (copy == NULL) return false;
    vectors = memcpy(copy, vectors, bytes);
  }
  koe_vector_dots(query, vectors, KOE_CHUNK_SLOTS, dimension, dots);
  koe_free(copy);
  return true;
}

/* Ranks the chunk in the current row of KOE_CHUNK_SCAN. */
static int search_chunk(koe_index *index, const koe_index_info *info, const float *query,
                        const koe_range *range, sqlite3_stmt *statement, koe_top_k *top) {
  koe_chunk chunk;
  int code = koe_chunk_from_row(index, statement, &chunk);
  if (code != SQLITE_OK) return code;
  size_t bytes = KOE_CHUNK_SLOTS * info->dimension * sizeof(float);
  if (sqlite3_column_type(statement, 4) != SQLITE_BLOB ||
      (size_t)sqlite3_column_bytes(statement, 4) != bytes) {
    return koe_index_damaged(index, "vectors", "chunk %lld has not %lld bytes", (long long)chunk.id,
                             (long long)bytes);
  }
  const void *vectors = sqlite3_column_blob(statement, 4);
  float dots[KOE_CHUNK_SLOTS];
  if (vectors == NULL || !dots_of_chunk(query, vectors, bytes, info->dimension, dots)) {
    return SQLITE_NOMEM;
  }
  for (int place = 0; code == SQLITE_OK && place < KOE_CHUNK_SLOTS; place++) {
    if (!koe_chunk_is_live(&chunk, place)) continue;
    if (!koe_range_has_rowid(range, chunk.rowids[place])) continue;
    code = offer(index, range, chunk.rowids[place], dots[place], top);
  }
  return code;
}

int koe_search_all(koe_index *index, const koe_index_info *info, const float *query,
                   const koe_range *range, koe_top_k *top) {
  sqlite3_stmt *statement;
  int code = koe_index_prepare(index, KOE_CHUNK_SCAN, &statement);
  if (code != SQLITE_OK) return code;
  while ((code = koe_index_step(index, KOE_CHUNK_SCAN, statement)) == SQLITE_ROW) {
    code = search_chunk(index, info, query, range, statement, top);
    if (code != SQLITE_OK) break;
  }
  koe_index_reset(statement);
  return code == SQLITE_DONE ? SQLITE_OK : code;
}

/* ── chosen rows ────────────────────────────────────────────────────────────────────────────────
 */

typedef struct candidate {
  int64_t slot, rowid;
} candidate;

static int compare_rowids(const void *a, const void *b) {
  int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
  return (x > y) - (x < y);
}

static int compare_slots(const void *a, const void *b) {
  int64_t x = ((const candidate *)a)->slot, y = ((const candidate *)b)->slot;
  return (x > y) - (x < y);
}

/* The slots of those rows that have a vector, each once, in the order of storage. */
static int find_candidates(koe_index *index, koe_rowids *rowids, const koe_range *range,
                           candidate *out, size_t *count) {
  *count = 0;
  if (rowids->count > 1) {
    qsort(rowids->items, rowids->count, sizeof *rowids->items, compare_rowids);
  }
  for (size_t i = 0; i < rowids->count; i++) {
    int64_t rowid = rowids->items[i];
    if (i > 0 && rowid == rowids->items[i - 1]) continue;
    if (!koe_range_has_rowid(range, rowid)) continue;
    koe_row row;
    int code = koe_row_find(index, rowid, &row);
    if (code != SQLITE_OK) return code;
    if (row.has_vector) out[(*count)++] = (candidate){.slot = row.slot, .rowid = rowid};
  }
  if (*count > 1) qsort(out, *count, sizeof *out, compare_slots);
  return SQLITE_OK;
}

/* Ranks candidates of one chunk. */
static int search_candidates(koe_index *index, const koe_index_info *info, const float *query,
                             const koe_range *range, const candidate *candidates, size_t count,
                             float *vector, koe_top_k *top) {
  koe_chunk chunk;
  sqlite3_blob *blob = NULL;
  int code = koe_chunk_read(index, koe_slot_chunk(candidates[0].slot), &chunk);
  if (code == SQLITE_OK) code = koe_vectors_open(index, info, chunk.id, false, &blob);
  for (size_t i = 0; code == SQLITE_OK && i < count; i++) {
    int place = koe_slot_place(candidates[i].slot);
    float dot;
    code = koe_chunk_check_slot(index, &chunk, candidates[i].rowid, place);
    if (code == SQLITE_OK) code = koe_vectors_read(info, blob, place, vector);
    if (code != SQLITE_OK) break;
    koe_vector_dots(query, vector, 1, info->dimension, &dot);
    code = offer(index, range, candidates[i].rowid, dot, top);
  }
  sqlite3_blob_close(blob);
  return code;
}

int koe_search_rows(koe_index *index, const koe_index_info *info, const float *query,
                    const koe_range *range, koe_rowids *rowids, koe_top_k *top) {
  size_t count;
  candidate *candidates = koe_alloc(rowids->count, sizeof *candidates);
  float *vector = koe_alloc_aligned(info->dimension, sizeof *vector);
  int code = candidates != NULL && vector != NULL
                 ? find_candidates(index, rowids, range, candidates, &count)
                 : SQLITE_NOMEM;
  for (size_t first = 0, end; code == SQLITE_OK && first < count; first = end) {
    int64_t chunk = koe_slot_chunk(candidates[first].slot);
    for (end = first + 1; end < count && koe_slot_chunk(candidates[end].slot) == chunk;)
      end++;
    code =
        search_candidates(index, info, query, range, candidates + first, end - first, vector, top);
  }
  koe_free(vector);
  koe_free(candidates);
  return code;
}
