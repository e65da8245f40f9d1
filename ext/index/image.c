/* Reading an image from the shadow tables. */
#include "image.h"

#include "../../model/memory.h"
#include "../../model/parallel.h"
#include "../../model/registry.h"

#include <stdlib.h>
#include <string.h>

SQLITE_EXTENSION_INIT3

/* Chunks are coded together, on all threads: so many, or fewer of long vectors. */
enum { MAX_BATCH = 32, MAX_BATCH_BYTES = 16 << 20 };

typedef struct stamped {
  int64_t chunk, stamp;
} stamped;

typedef struct loader {
  koe_index *index;
  const koe_index_info *info;
  stamped *chunks; /* [count], by chunk id */
  size_t count, capacity;
  koe_image *image;
  koe_vectors vectors;
  size_t batch;                        /* chunks that are coded together */
  float *floats;                       /* [batch, KOE_CHUNK_SLOTS, dimension] */
  koe_image_block *pending[MAX_BATCH]; /* read, and not coded yet */
  size_t places[MAX_BATCH];            /* of the image, where they belong */
  size_t pending_count;
} loader;

static bool has_signs(const koe_index *index) {
  return index->definition.approximate;
}

/* ── which chunks there are ─────────────────────────────────────────────────────────────────────
 */

static int compare_chunks(const void *a, const void *b) {
  int64_t x = ((const stamped *)a)->chunk, y = ((const stamped *)b)->chunk;
  return (x > y) - (x < y);
}

static int read_stamp(loader *l, sqlite3_stmt *statement) {
  int64_t chunk = sqlite3_column_int64(statement, 0);
  if (chunk < 1 || chunk > KOE_MAX_CHUNKS) {
    return koe_index_damaged(l->index, "chunks", "chunk %lld is out of range", (long long)chunk);
  }
  if (!koe_grow(&l->chunks, &l->capacity, l->count + 1, sizeof *l->chunks)) return SQLITE_NOMEM;
  l->chunks[l->count++] = (stamped){chunk, sqlite3_column_int64(statement, 1)};
  return SQLITE_OK;
}

static int read_stamps(loader *l) {
  sqlite3_stmt *statement;
  int code = koe_index_prepare(l->index, KOE_CHUNK_STAMPS, &statement);
  if (code != SQLITE_OK) return code;
  while ((code = koe_index_step(l->index, KOE_CHUNK_STAMPS, statement)) == SQLITE_ROW) {
    code = read_stamp(l, statement);
    if (code != SQLITE_OK) break;
  }
  koe_index_reset(statement);
  if (code != SQLITE_DONE) return code;
  if (l->count > 1) qsort(l->chunks, l->count, sizeof *l->chunks, compare_chunks);
  return SQLITE_OK;
}

/* Makes the image of the blocks that are in memory. */
static int find_blocks(loader *l, size_t *missing) {
  koe_image *image = koe_alloc_zero(1, sizeof *image);
  if (image == NULL) return SQLITE_NOMEM;
  l->image = image;
  image->stamp = l->info->stamp;
  image->dimension = l->info->dimension;
  image->signs = has_signs(l->index);
  image->blocks = koe_alloc_zero(l->count, sizeof *image->blocks);
  image->scan = koe_alloc_zero(l->count, sizeof *image->scan);
  if (image->blocks == NULL || image->scan == NULL) return SQLITE_NOMEM;
  image->count = l->count;
  *missing = 0;
  for (size_t i = 0; i < l->count; i++) {
    image->blocks[i] = koe_image_block_find(l->chunks[i].chunk, l->chunks[i].stamp,
                                            image->dimension, image->signs);
    *missing += image->blocks[i] == NULL;
  }
  return SQLITE_OK;
}

/* ── the chunks that are not in memory ──────────────────────────────────────────────────────────
 */

static void note_rows(koe_image_block *block, const koe_chunk *chunk) {
  memcpy(block->live, chunk->live, sizeof block->live);
  memcpy(block->rowids, chunk->rowids, sizeof block->rowids);
  block->rows = KOE_CHUNK_SLOTS - chunk->free;
  block->least_rowid = INT64_MAX;
  block->largest_rowid = INT64_MIN;
  for (int place = 0; place < KOE_CHUNK_SLOTS; place++) {
    if (!koe_chunk_is_live(chunk, place)) continue;
    int64_t rowid = chunk->rowids[place];
    if (rowid < block->least_rowid) block->least_rowid = rowid;
    if (rowid > block->largest_rowid) block->largest_rowid = rowid;
  }
}

static int read_chunk(loader *l, size_t place) {
  koe_chunk chunk;
  const stamped *expected = &l->chunks[place];
  size_t floats = KOE_CHUNK_SLOTS * l->info->dimension;
  int code = koe_chunk_read(l->index, expected->chunk, &chunk);
  if (code == SQLITE_OK && chunk.stamp != expected->stamp) {
    code = koe_index_damaged(l->index, "chunks",
                             "chunk %lld has another stamp in the table's index",
                             (long long)expected->chunk);
  }
  if (code == SQLITE_OK) {
    code = koe_vectors_read_chunk(&l->vectors, &chunk, l->floats + l->pending_count * floats);
  }
  if (code != SQLITE_OK) return code;
  koe_image_block *block = koe_alloc_zero(1, sizeof *block);
  if (block == NULL) return SQLITE_NOMEM;
  block->chunk = expected->chunk;
  block->stamp = expected->stamp;
  block->dimension = l->info->dimension;
  block->signs = l->image->signs;
  note_rows(block, &chunk);
  l->pending[l->pending_count] = block;
  l->places[l->pending_count++] = place;
  return SQLITE_OK;
}

/* Slots up to the last live one. */
static size_t used_slots(const koe_image_block *block) {
  size_t slots = KOE_CHUNK_SLOTS;
  while (slots > 1 && (block->live[(slots - 1) / 8] >> (slots - 1) % 8 & 1) == 0)
    slots--;
  return slots;
}

static koe_status code_block(void *context, size_t i, koe_error *err) {
  loader *l = context;
  koe_image_block *block = l->pending[i];
  return koe_vector_block_new(l->floats + i * KOE_CHUNK_SLOTS * block->dimension, used_slots(block),
                              block->dimension, block->signs, &block->vectors, err);
}

/* Codes what was read, and hands it to the cache. */
static int end_batch(loader *l) {
  koe_error err;
  int64_t threads;
  int code = SQLITE_OK;
  if (l->pending_count == 0) return SQLITE_OK;
  if (koe_registry_config_get("threads", &threads, &err) != KOE_OK ||
      koe_parallel(l->pending_count, (size_t)threads, code_block, l, &err) != KOE_OK) {
    return koe_index_model_failed(l->index, &err);
  }
  for (size_t i = 0; i < l->pending_count; i++) {
    koe_image_block *block = koe_image_block_add(l->pending[i]);
    l->pending[i] = NULL;
    l->image->blocks[l->places[i]] = block;
    if (block == NULL) code = SQLITE_NOMEM;
  }
  l->pending_count = 0;
  return code;
}

static int read_missing(loader *l) {
  size_t bytes = KOE_CHUNK_SLOTS * l->info->dimension * sizeof *l->floats;
  l->batch = MAX_BATCH_BYTES / bytes;
  if (l->batch < 1) l->batch = 1;
  if (l->batch > MAX_BATCH) l->batch = MAX_BATCH;
  l->floats = koe_alloc_aligned(l->batch, bytes);
  if (l->floats == NULL) return SQLITE_NOMEM;
  int code = SQLITE_OK;
  for (size_t i = 0; code == SQLITE_OK && i < l->count; i++) {
    if (l->image->blocks[i] != NULL) continue;
    code = read_chunk(l, i);
    if (code == SQLITE_OK && l->pending_count == l->batch) code = end_batch(l);
  }
  return code == SQLITE_OK ? end_batch(l) : code;
}

/* ── the image ──────────────────────────────────────────────────────────────────────────────────
 */

static void finish_image(koe_image *image) {
  for (size_t i = 0; i < image->count; i++) {
    const koe_image_block *block = image->blocks[i];
    image->rows += (size_t)block->rows;
    image->scan[i] = (koe_scan_block){.block = block->vectors,
                                      .live = block->rows < KOE_CHUNK_SLOTS ? block->live : NULL};
  }
}

static size_t block_bytes(const loader *l) {
  return sizeof(koe_image_block) + koe_vector_block_bytes_for(l->info->dimension, l->image->signs);
}

static int load(loader *l, koe_image **out) {
  size_t missing;
  int code = read_stamps(l);
  if (code == SQLITE_OK) code = find_blocks(l, &missing);
  if (code != SQLITE_OK) return code;
  size_t room = missing * block_bytes(l) + l->count * sizeof(*l->image->scan) * 2;
  if (!koe_image_reserve(room)) return SQLITE_OK;
  code = missing > 0 ? read_missing(l) : SQLITE_OK;
  koe_image_unreserve(room);
  if (code != SQLITE_OK) return code;
  finish_image(l->image);
  *out = koe_image_add(l->image);
  l->image = NULL;
  return SQLITE_OK;
}

static int read_image(koe_index *index, const koe_index_info *info, koe_image **out) {
  loader *l = koe_alloc_zero(1, sizeof *l);
  if (l == NULL) return SQLITE_NOMEM;
  l->index = index;
  l->info = info;
  koe_vectors_init(&l->vectors, index, info, false);
  int code = load(l, out);
  koe_vectors_close(&l->vectors);
  for (size_t i = 0; i < l->pending_count; i++) {
    if (l->pending[i] == NULL) continue;
    koe_vector_block_free(l->pending[i]->vectors);
    koe_free(l->pending[i]);
  }
  if (l->image != NULL) koe_image_free(l->image);
  koe_free(l->floats);
  koe_free(l->chunks);
  koe_free(l);
  return code;
}

/* The image is the index's now, in the place of an older one. */
static void join(koe_index *index, koe_image *image) {
  if (index->has_image && index->image_stamp == image->stamp) return;
  koe_image_user_add(image);
  koe_image_leave(index, true);
  index->has_image = true;
  index->image_stamp = image->stamp;
  index->image_dimension = image->dimension;
}

int koe_image_acquire(koe_index *index, const koe_index_info *info, bool load_it, koe_image **out) {
  *out = koe_image_find(info->stamp, info->dimension, has_signs(index));
  int code = *out == NULL && load_it ? read_image(index, info, out) : SQLITE_OK;
  if (*out != NULL) join(index, *out);
  return code;
}

void koe_image_leave(koe_index *index, bool dropped) {
  if (!index->has_image) return;
  koe_image_user_remove(index->image_stamp, index->image_dimension, has_signs(index), dropped);
  index->has_image = false;
}
