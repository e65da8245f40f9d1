#include "search.h"

#include "image.h"

#include "../../model/memory.h"
#include "../../model/registry.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

SQLITE_EXTENSION_INIT3

enum {
  ROWS_TO_APPROXIMATE = 10000, /* of fewer, an exact search is as fast */
  SLOTS_TO_LOAD = 4096,        /* chosen slots for which an image is read; fewer are read singly */
  FIRST_WINDOW = 16,           /* candidates, at least, that are read together */
};

/* One search. */
typedef struct search {
  koe_index *index;
  const koe_index_info *info;
  const float *query; /* [info->dimension] */
  const koe_range *range;
  koe_top_k *top;
} search;

/* Stored vectors and the query are of unit length, so their dot product is the cosine, up to
 * rounding, which may carry it beyond 1. */
static int offer(const search *s, int64_t rowid, float dot) {
  if (!(dot > -1.01F && dot < 1.01F)) {
    return koe_index_damaged(s->index, "vectors", "the vector of row %lld is not of unit length",
                             (long long)rowid);
  }
  float similarity = dot > 1 ? 1 : dot < -1 ? -1 : dot;
  if (!koe_range_has_similarity(s->range, (double)similarity)) return SQLITE_OK;
  return koe_top_k_offer(s->top, rowid, similarity) ? SQLITE_OK : SQLITE_NOMEM;
}

/* ── reading every vector ───────────────────────────────────────────────────────────────────────
 */

/* Ranks the chunk in the current row of KOE_CHUNK_SCAN.
 *
 *   block [KOE_CHUNK_SLOTS, dimension]   room for its vectors */
static int read_chunk(const search *s, sqlite3_stmt *statement, koe_vectors *vectors,
                      float *block) {
  koe_chunk chunk;
  float dots[KOE_CHUNK_SLOTS];
  int code = koe_chunk_from_row(s->index, statement, &chunk);
  if (code == SQLITE_OK) code = koe_vectors_read_chunk(vectors, &chunk, block);
  if (code != SQLITE_OK) return code;
  koe_vector_dots(s->query, block, KOE_CHUNK_SLOTS, s->info->dimension, dots);
  for (int place = 0; code == SQLITE_OK && place < KOE_CHUNK_SLOTS; place++) {
    if (!koe_chunk_is_live(&chunk, place)) continue;
    if (!koe_range_has_rowid(s->range, chunk.rowids[place])) continue;
    code = offer(s, chunk.rowids[place], dots[place]);
  }
  return code;
}

static int read_all(const search *s) {
  sqlite3_stmt *statement;
  koe_vectors vectors;
  float *block = koe_alloc_aligned(KOE_CHUNK_SLOTS * s->info->dimension, sizeof *block);
  if (block == NULL) return SQLITE_NOMEM;
  koe_vectors_init(&vectors, s->index, s->info, false);
  int code = koe_index_prepare(s->index, KOE_CHUNK_SCAN, &statement);
  while (code == SQLITE_OK) {
    code = koe_index_step(s->index, KOE_CHUNK_SCAN, statement);
    if (code != SQLITE_ROW) break;
    code = read_chunk(s, statement, &vectors, block);
  }
  koe_vectors_close(&vectors);
  koe_index_reset(statement);
  koe_free(block);
  return code == SQLITE_DONE ? SQLITE_OK : code;
}

/* ── scanning the image ─────────────────────────────────────────────────────────────────────────
 */

/* What is scanned of an image: some of its blocks, and of these some slots. */
typedef struct selection {
  const koe_image *image;
  const koe_scan_block *scan; /* [count] */
  const size_t *places;       /* [count] of these blocks in the image; NULL: the same */
  size_t count;
  size_t rows; /* in these slots, or somewhat more */
} selection;

static const koe_image_block *block_of(const selection *chosen, size_t i) {
  return chosen->image->blocks[chosen->places != NULL ? chosen->places[i] : i];
}

static int compare_candidates(const void *a, const void *b) {
  const koe_candidate *x = a, *y = b;
  if (x->block != y->block) return x->block < y->block ? -1 : 1;
  return (x->slot > y->slot) - (x->slot < y->slot);
}

/* Whether a candidate can be among the k best. */
static bool can_enter(const search *s, const koe_candidate *candidate) {
  return s->top->count < s->top->k || candidate->upper >= s->top->heap[0].similarity;
}

/* Ranks candidates by their stored vectors, in the order of storage.
 *
 *   vector [dimension]   room for one */
static int rank_window(const search *s, const selection *chosen, koe_candidate *candidates,
                       size_t count, koe_vectors *vectors, float *vector) {
  int code = SQLITE_OK;
  if (count > 1) qsort(candidates, count, sizeof *candidates, compare_candidates);
  for (size_t i = 0; code == SQLITE_OK && i < count; i++) {
    const koe_image_block *block = block_of(chosen, candidates[i].block);
    int place = (int)candidates[i].slot;
    float dot;
    if (!can_enter(s, &candidates[i])) continue;
    code = koe_vectors_read(vectors, koe_slot(block->chunk, place), 1, vector);
    if (code != SQLITE_OK) break;
    koe_vector_dots(s->query, vector, 1, s->info->dimension, &dot);
    code = offer(s, block->rowids[place], dot);
  }
  return code;
}

/* Ranks candidates, which come best first, until none can be among the k best.  They are read in
 * windows, each in the order of storage: a window that is larger costs fewer pages a candidate, and
 * more candidates that would have proved needless. */
static int rank_candidates(const search *s, const selection *chosen, koe_candidates *candidates) {
  koe_vectors vectors;
  int code = SQLITE_OK;
  float *vector = koe_alloc_aligned(s->info->dimension, sizeof *vector);
  if (vector == NULL) return SQLITE_NOMEM;
  koe_vectors_init(&vectors, s->index, s->info, false);
  size_t window = s->top->k < FIRST_WINDOW ? FIRST_WINDOW : s->top->k;
  for (size_t first = 0, end; code == SQLITE_OK && first < candidates->count; first = end) {
    size_t left = candidates->count - first, count = 0;
    if (window > left) window = left;
    while (count < window && can_enter(s, &candidates->items[first + count]))
      count++;
    if (count == 0) break;
    end = first + count;
    code = rank_window(s, chosen, candidates->items + first, count, &vectors, vector);
    window *= 2;
  }
  koe_vectors_close(&vectors);
  koe_free(vector);
  return code;
}

static int scan_selection(const search *s, const selection *chosen) {
  koe_error err;
  int64_t threads;
  koe_candidates candidates = {0};
  koe_scan_options options = {.k = s->top->k, .least = -INFINITY};
  if (koe_registry_config_get("threads", &threads, &err) != KOE_OK) {
    return koe_index_model_failed(s->index, &err);
  }
  options.threads = (size_t)threads;
  if (s->range->least > -2) options.least = nextafterf((float)s->range->least, -INFINITY);
  if (s->index->definition.approximate && s->info->has_sketch &&
      chosen->rows >= ROWS_TO_APPROXIMATE) {
    options.sketch = &s->info->sketch;
  }
  int code = SQLITE_OK;
  if (koe_vector_scan(s->query, s->info->dimension, chosen->scan, chosen->count, &options,
                      &candidates, &err) != KOE_OK) {
    code = koe_index_model_failed(s->index, &err);
  }
  if (code == SQLITE_OK) code = rank_candidates(s, chosen, &candidates);
  koe_candidates_clear(&candidates);
  return code;
}

/* Room for a selection that is not the whole image. */
typedef struct choice {
  koe_scan_block *scan;                 /* [count] */
  size_t *places;                       /* [count] */
  uint8_t (*live)[KOE_CHUNK_SLOTS / 8]; /* [image->count] */
  size_t count;
  size_t rows;
} choice;

static bool choice_init(choice *c, size_t blocks) {
  *c = (choice){.scan = koe_alloc(blocks, sizeof *c->scan),
                .places = koe_alloc(blocks, sizeof *c->places),
                .live = koe_alloc_zero(blocks, sizeof *c->live)};
  return c->scan != NULL && c->places != NULL && c->live != NULL;
}

static void choice_clear(choice *c) {
  koe_free(c->scan);
  koe_free(c->places);
  koe_free(c->live);
}

static void choose_block(choice *c, const koe_image *image, size_t place, const uint8_t *live) {
  c->scan[c->count] = (koe_scan_block){.block = image->blocks[place]->vectors, .live = live};
  c->places[c->count++] = place;
}

static int scan_choice(const search *s, const koe_image *image, const choice *c) {
  selection chosen = {
      .image = image, .scan = c->scan, .places = c->places, .count = c->count, .rows = c->rows};
  return scan_selection(s, &chosen);
}

static bool range_has_block(const koe_range *range, const koe_image_block *block) {
  return block->least_rowid >= range->first && block->largest_rowid <= range->last;
}

/* The slots of a block that are in a range, of which it has some but not all. */
static void choose_in_range(const koe_range *range, const koe_image_block *block, uint8_t *live) {
  for (int place = 0; place < KOE_CHUNK_SLOTS; place++) {
    if ((block->live[place / 8] >> place % 8 & 1) == 0) continue;
    if (!koe_range_has_rowid(range, block->rowids[place])) continue;
    live[place / 8] |= (uint8_t)(1u << place % 8);
  }
}

static int scan_range(const search *s, const koe_image *image) {
  choice c;
  int code = choice_init(&c, image->count) ? SQLITE_OK : SQLITE_NOMEM;
  for (size_t i = 0; code == SQLITE_OK && i < image->count; i++) {
    const koe_image_block *block = image->blocks[i];
    if (block->largest_rowid < s->range->first || block->least_rowid > s->range->last) continue;
    c.rows += (size_t)block->rows;
    if (range_has_block(s->range, block)) {
      choose_block(&c, image, i, image->scan[i].live);
    } else {
      choose_in_range(s->range, block, c.live[i]);
      choose_block(&c, image, i, c.live[i]);
    }
  }
  if (code == SQLITE_OK) code = scan_choice(s, image, &c);
  choice_clear(&c);
  return code;
}

static int scan_all(const search *s, const koe_image *image) {
  if (s->range->first > INT64_MIN || s->range->last < INT64_MAX) return scan_range(s, image);
  selection all = {.image = image, .scan = image->scan, .count = image->count, .rows = image->rows};
  return scan_selection(s, &all);
}

/* Whether so many of the rows are wanted that reading every vector is no more work. */
static bool wants_all(const search *s, size_t rows) {
  return s->top->k >= rows / 2 && !(s->range->least > -1);
}

int koe_search_all(koe_index *index, const koe_index_info *info, const float *query,
                   const koe_range *range, koe_top_k *top) {
  const search s = {index, info, query, range, top};
  koe_image *image = NULL;
  int code = wants_all(&s, SIZE_MAX) ? SQLITE_OK : koe_image_acquire(index, info, true, &image);
  if (code == SQLITE_OK) {
    code = image != NULL && !wants_all(&s, image->rows) ? scan_all(&s, image) : read_all(&s);
  }
  koe_image_release(image);
  return code;
}

/* ── chosen slots ───────────────────────────────────────────────────────────────────────────────
 */

/* A slot, and the row that is said to be in it. */
typedef struct chosen_slot {
  int64_t slot, rowid;
} chosen_slot;

typedef struct chosen_slots {
  chosen_slot *items;
  size_t count;
  bool named; /* rowids are given */
} chosen_slots;

static int compare_slots(const void *a, const void *b) {
  int64_t x = ((const chosen_slot *)a)->slot, y = ((const chosen_slot *)b)->slot;
  return (x > y) - (x < y);
}

/* Into the order of storage, each once. */
static void sort_slots(chosen_slots *slots) {
  size_t kept = 0;
  bool sorted = true;
  for (size_t i = 1; sorted && i < slots->count; i++)
    sorted = slots->items[i - 1].slot <= slots->items[i].slot;
  if (!sorted) qsort(slots->items, slots->count, sizeof *slots->items, compare_slots);
  for (size_t i = 0; i < slots->count; i++) {
    if (i == 0 || slots->items[i].slot != slots->items[i - 1].slot)
      slots->items[kept++] = slots->items[i];
  }
  slots->count = kept;
}

/* The end of the run of slots of one chunk that begins at `first`. */
static size_t end_of_chunk(const chosen_slots *slots, size_t first) {
  int64_t chunk = koe_slot_chunk(slots->items[first].slot);
  size_t end = first + 1;
  while (end < slots->count && koe_slot_chunk(slots->items[end].slot) == chunk)
    end++;
  return end;
}

static int fail_not_live(koe_index *index, int64_t chunk, int place) {
  return koe_index_damaged(index, "rows", "slot %d of chunk %lld is a row's, but not live", place,
                           (long long)chunk);
}

/* Ranks slots `first` to `end`, of one chunk, by reading them. */
static int read_slots(const search *s, const chosen_slots *slots, size_t first, size_t end,
                      koe_vectors *vectors, float *vector) {
  koe_chunk chunk;
  int code = koe_chunk_read(s->index, koe_slot_chunk(slots->items[first].slot), &chunk);
  for (size_t i = first; code == SQLITE_OK && i < end; i++) {
    int64_t slot = slots->items[i].slot;
    int place = koe_slot_place(slot);
    float dot;
    if (slots->named) {
      code = koe_chunk_check_slot(s->index, &chunk, slots->items[i].rowid, place);
    } else if (!koe_chunk_is_live(&chunk, place)) {
      code = fail_not_live(s->index, chunk.id, place);
    }
    if (code == SQLITE_OK && !koe_range_has_rowid(s->range, chunk.rowids[place])) continue;
    if (code == SQLITE_OK) code = koe_vectors_read(vectors, slot, 1, vector);
    if (code != SQLITE_OK) break;
    koe_vector_dots(s->query, vector, 1, s->info->dimension, &dot);
    code = offer(s, chunk.rowids[place], dot);
  }
  return code;
}

static int read_chosen(const search *s, const chosen_slots *slots) {
  koe_vectors vectors;
  float *vector = koe_alloc_aligned(s->info->dimension, sizeof *vector);
  int code = vector != NULL ? SQLITE_OK : SQLITE_NOMEM;
  koe_vectors_init(&vectors, s->index, s->info, false);
  for (size_t first = 0, end; code == SQLITE_OK && first < slots->count; first = end) {
    end = end_of_chunk(slots, first);
    code = read_slots(s, slots, first, end, &vectors, vector);
  }
  koe_vectors_close(&vectors);
  koe_free(vector);
  return code;
}

/* Sets the bits of slots `first` to `end` that are in the range. */
static int choose_slots(const search *s, const chosen_slots *slots, size_t first, size_t end,
                        const koe_image_block *block, uint8_t *live) {
  for (size_t i = first; i < end; i++) {
    int place = koe_slot_place(slots->items[i].slot);
    int64_t rowid = block->rowids[place];
    if ((block->live[place / 8] >> place % 8 & 1) == 0) {
      return fail_not_live(s->index, block->chunk, place);
    }
    if (slots->named && rowid != slots->items[i].rowid) {
      return koe_index_damaged(s->index, "chunks", "chunk %lld: slot %d is not row %lld's",
                               (long long)block->chunk, place, (long long)slots->items[i].rowid);
    }
    if (koe_range_has_rowid(s->range, rowid)) live[place / 8] |= (uint8_t)(1u << place % 8);
  }
  return SQLITE_OK;
}

static int scan_chosen(const search *s, const koe_image *image, const chosen_slots *slots) {
  choice c;
  size_t place = 0;
  int code = choice_init(&c, image->count) ? SQLITE_OK : SQLITE_NOMEM;
  c.rows = slots->count;
  for (size_t first = 0, end; code == SQLITE_OK && first < slots->count; first = end) {
    int64_t chunk = koe_slot_chunk(slots->items[first].slot);
    end = end_of_chunk(slots, first);
    while (place < image->count && image->blocks[place]->chunk < chunk)
      place++;
    if (place == image->count || image->blocks[place]->chunk != chunk) {
      code = koe_index_damaged(s->index, "chunks", "chunk %lld is missing", (long long)chunk);
      break;
    }
    code = choose_slots(s, slots, first, end, image->blocks[place], c.live[place]);
    choose_block(&c, image, place, c.live[place]);
  }
  if (code == SQLITE_OK) code = scan_choice(s, image, &c);
  choice_clear(&c);
  return code;
}

/* Vectors that are few, or wanted all, are read singly. */
static int search_chosen(const search *s, chosen_slots *slots) {
  koe_image *image = NULL;
  sort_slots(slots);
  int code = SQLITE_OK;
  if (!wants_all(s, slots->count)) {
    code = koe_image_acquire(s->index, s->info, slots->count >= SLOTS_TO_LOAD, &image);
  }
  if (code == SQLITE_OK) {
    code = image != NULL ? scan_chosen(s, image, slots) : read_chosen(s, slots);
  }
  koe_image_release(image);
  return code;
}

int koe_search_slots(koe_index *index, const koe_index_info *info, const float *query,
                     const koe_range *range, koe_slots *slots, koe_top_k *top) {
  const search s = {index, info, query, range, top};
  chosen_slots chosen = {.items = koe_alloc(slots->count, sizeof *chosen.items),
                         .count = slots->count};
  if (chosen.items == NULL) return SQLITE_NOMEM;
  int code = SQLITE_OK;
  for (size_t i = 0; code == SQLITE_OK && i < slots->count; i++) {
    chosen.items[i] = (chosen_slot){.slot = slots->items[i]};
    if (slots->items[i] >= 0 && slots->items[i] < KOE_MAX_CHUNKS * KOE_CHUNK_SLOTS) continue;
    code = koe_index_damaged(index, "rows", "%lld is no possible slot", (long long)slots->items[i]);
  }
  if (code == SQLITE_OK) code = search_chosen(&s, &chosen);
  koe_free(chosen.items);
  return code;
}

/* ── chosen rows ────────────────────────────────────────────────────────────────────────────────
 */

static int compare_rowids(const void *a, const void *b) {
  int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
  return (x > y) - (x < y);
}

/* The slots of those rows that have a vector. */
static int find_slots(const search *s, koe_rowids *rowids, chosen_slots *out) {
  if (rowids->count > 1) {
    qsort(rowids->items, rowids->count, sizeof *rowids->items, compare_rowids);
  }
  for (size_t i = 0; i < rowids->count; i++) {
    int64_t rowid = rowids->items[i];
    if (i > 0 && rowid == rowids->items[i - 1]) continue;
    if (!koe_range_has_rowid(s->range, rowid)) continue;
    koe_row row;
    int code = koe_row_find(s->index, rowid, &row);
    if (code != SQLITE_OK) return code;
    if (row.has_vector) out->items[out->count++] = (chosen_slot){row.slot, rowid};
  }
  return SQLITE_OK;
}

int koe_search_rows(koe_index *index, const koe_index_info *info, const float *query,
                    const koe_range *range, koe_rowids *rowids, koe_top_k *top) {
  const search s = {index, info, query, range, top};
  chosen_slots chosen = {.items = koe_alloc(rowids->count, sizeof *chosen.items), .named = true};
  if (chosen.items == NULL) return SQLITE_NOMEM;
  int code = find_slots(&s, rowids, &chosen);
  if (code == SQLITE_OK) code = search_chosen(&s, &chosen);
  koe_free(chosen.items);
  return code;
}
