#include "queue.h"

#include "embedding.h"

#include "../operations.h"
#include "../pace.h"

#include "../../model/memory.h"
#include "../../model/registry.h"

#include <stdlib.h>
#include <string.h>

SQLITE_EXTENSION_INIT3

enum {
  MAX_ITEMS = 1024,       /* vectors */
  MAX_BYTES = 8 << 20,    /* of texts */
  MAX_CHUNKS = 128,       /* that were changed */
  CHUNKS_OF_CHANGE = 3,   /* at most: of the old row, of the row that is replaced, of a free slot */
  EMBEDDED_AT_ONCE = 256, /* texts, at most; between them an interrupt is noticed */
  NO_SAVEPOINT = -1,
};

/* A chunk as it will be. */
typedef struct queued_chunk {
  koe_chunk chunk;
  koe_stored_chunk stored; /* as it was */
} queued_chunk;

/* A vector for a slot.  Where a slot has several, the last one counts. */
typedef struct item {
  int64_t slot;
  bool is_text;         /* yet to be embedded */
  size_t begin, length; /* of the text in `bytes` */
} item;

struct koe_queue {
  koe_queue *next;
  koe_queues *owner;
  char *schema, *name;
  int users;
  int entered;
  bool to_be_cleared; /* once nobody is in it */
  int savepoint;      /* one that began before anything in the queue came; none: NO_SAVEPOINT */
  bool flushing;
  bool has_info;
  koe_index_info info;
  const koe_model *model; /* of the texts; NULL until there is one */
  queued_chunk *chunks;   /* [MAX_CHUNKS] */
  int chunk_count;
  int recent; /* the chunk that was found last */
  item *items;
  size_t item_count, item_capacity;
  float *vectors; /* [item_capacity, dimension] */
  size_t vector_capacity;
  char *bytes;
  size_t byte_count, byte_capacity;
  koe_pace pace;
  koe_operation *operation; /* of a transaction whose queue has been full */
  koe_operation_state written;
  double began; /* when, by koe_pace_clock */
};

struct koe_queues {
  koe_queue *first;
};

/* ── the queues of a connection ─────────────────────────────────────────────────────────────────
 */

koe_queues *koe_queues_new(void) {
  return koe_alloc_zero(1, sizeof(koe_queues));
}

void koe_queues_free(void *queues) {
  koe_free(queues);
}

/* Empties the queue; its memory stays for the next changes. */
static void forget(koe_queue *q) {
  koe_registry_release(q->model);
  q->model = NULL;
  q->has_info = false;
  q->chunk_count = 0;
  q->item_count = 0;
  q->byte_count = 0;
}

static void free_memory(koe_queue *q) {
  koe_free(q->chunks);
  koe_free(q->items);
  koe_free(q->vectors);
  koe_free(q->bytes);
  q->chunks = NULL;
  q->items = NULL;
  q->vectors = NULL;
  q->bytes = NULL;
  q->item_capacity = q->vector_capacity = q->byte_capacity = 0;
  q->pace.limit = 0;
  koe_operation_end(q->operation);
  q->operation = NULL;
}

static void queue_free(koe_queue *q) {
  if (q == NULL) return;
  forget(q);
  free_memory(q);
  koe_free(q->schema);
  koe_free(q->name);
  koe_free(q);
}

int koe_queue_attach(koe_queues *queues, koe_index *index) {
  koe_queue *q = queues->first;
  while (q != NULL && (strcmp(q->schema, index->schema) != 0 || strcmp(q->name, index->name) != 0))
    q = q->next;
  if (q == NULL) {
    q = koe_alloc_zero(1, sizeof *q);
    if (q == NULL) return SQLITE_NOMEM;
    q->schema = koe_copy_string(index->schema, strlen(index->schema));
    q->name = koe_copy_string(index->name, strlen(index->name));
    if (q->schema == NULL || q->name == NULL) {
      queue_free(q);
      return SQLITE_NOMEM;
    }
    q->savepoint = NO_SAVEPOINT;
    q->owner = queues;
    q->next = queues->first;
    queues->first = q;
  }
  q->users++;
  index->queue = q;
  return SQLITE_OK;
}

void koe_queue_detach(koe_index *index) {
  koe_queue *q = index->queue;
  index->queue = NULL;
  if (q == NULL || --q->users > 0) return;
  koe_queue **place = &q->owner->first;
  while (*place != q)
    place = &(*place)->next;
  *place = q->next;
  queue_free(q);
}

static int fail_in_use(koe_index *index) {
  return koe_index_fail(index, SQLITE_ERROR,
                        "the index is used while it is being written: a trigger on its shadow "
                        "tables");
}

void koe_queue_clear(koe_index *index) {
  koe_queue *q = index->queue;
  q->to_be_cleared = q->entered > 0;
  if (q->to_be_cleared) return;
  forget(q);
  free_memory(q);
}

void koe_queue_enter(koe_index *index) {
  index->queue->entered++;
}

void koe_queue_leave(koe_index *index) {
  koe_queue *q = index->queue;
  if (--q->entered == 0 && q->to_be_cleared) koe_queue_clear(index);
}

void koe_queue_end(koe_index *index) {
  index->queue->savepoint = NO_SAVEPOINT;
  koe_queue_clear(index);
}

int koe_queue_savepoint(koe_index *index, int number) {
  koe_queue *q = index->queue;
  if (q->flushing) return fail_in_use(index); /* see statements.c */
  if (q->entered > 0) return SQLITE_OK;
  int code = koe_queue_flush(index);
  if (code == SQLITE_OK) q->savepoint = number;
  return code;
}

void koe_queue_release(koe_index *index, int number) {
  koe_queue *q = index->queue;
  if (q->savepoint >= number) q->savepoint = number - 1;
}

/* SQLite also goes back to a savepoint that could not begin, since an index could not write its
 * queue: what is in the queues came before it then, and stays. */
void koe_queue_rollback_to(koe_index *index, int number) {
  koe_queue *q = index->queue;
  if (q->entered > 0 || q->savepoint < number) return;
  q->savepoint = number;
  koe_queue_clear(index);
}

/* ── chunks ─────────────────────────────────────────────────────────────────────────────────────
 */

static queued_chunk *find_chunk(koe_queue *q, int64_t id) {
  if (q->recent < q->chunk_count && q->chunks[q->recent].chunk.id == id) {
    return &q->chunks[q->recent];
  }
  for (int i = 0; i < q->chunk_count; i++) {
    if (q->chunks[i].chunk.id != id) continue;
    q->recent = i;
    return &q->chunks[i];
  }
  return NULL;
}

/* Appends a chunk; koe_queue_open has seen to it that there is room. */
static queued_chunk *add_chunk(koe_queue *q, int64_t id) {
  queued_chunk *chunk = &q->chunks[q->chunk_count];
  q->recent = q->chunk_count++;
  koe_chunk_init(&chunk->chunk, id);
  chunk->stored = (koe_stored_chunk){0};
  return chunk;
}

/* The chunk of that id, read if it is not here yet. */
static int load_chunk(koe_index *index, int64_t id, queued_chunk **out) {
  koe_queue *q = index->queue;
  *out = find_chunk(q, id);
  if (*out != NULL) return SQLITE_OK;
  koe_chunk chunk;
  int code = koe_chunk_read(index, id, &chunk);
  if (code == SQLITE_OK) code = koe_vectors_check(index, &q->info, &chunk);
  if (code != SQLITE_OK) return code;
  *out = add_chunk(q, id);
  (*out)->chunk = chunk;
  (*out)->stored.exists = true;
  memcpy((*out)->stored.live, chunk.live, sizeof chunk.live);
  return SQLITE_OK;
}

int koe_queue_check(koe_index *index, int64_t rowid, int64_t slot) {
  queued_chunk *chunk;
  int code = load_chunk(index, koe_slot_chunk(slot), &chunk);
  if (code != SQLITE_OK) return code;
  return koe_chunk_check_slot(index, &chunk->chunk, rowid, koe_slot_place(slot));
}

/* The fullest chunk here that has room. */
static queued_chunk *fullest_here(koe_queue *q) {
  queued_chunk *best = NULL;
  for (int i = 0; i < q->chunk_count; i++) {
    queued_chunk *chunk = &q->chunks[i];
    if (chunk->chunk.free == 0 || (best != NULL && chunk->chunk.free >= best->chunk.free)) continue;
    best = chunk;
    q->recent = i;
  }
  return best;
}

/* The fullest chunk with room of those that are not here; 0 where none has. */
static int fullest_elsewhere(koe_index *index, int64_t *out) {
  sqlite3_stmt *statement;
  *out = 0;
  int code = koe_index_prepare(index, KOE_CHUNK_FULLEST, &statement);
  if (code != SQLITE_OK) return code;
  while ((code = koe_index_step(index, KOE_CHUNK_FULLEST, statement)) == SQLITE_ROW) {
    int64_t id = sqlite3_column_int64(statement, 0);
    if (find_chunk(index->queue, id) != NULL) continue;
    *out = id;
    break;
  }
  koe_index_reset(statement);
  return code == SQLITE_ROW || code == SQLITE_DONE ? SQLITE_OK : code;
}

static int add_new_chunk(koe_index *index, queued_chunk **out) {
  koe_queue *q = index->queue;
  int64_t id;
  int code = koe_chunk_next_id(index, &id);
  if (code != SQLITE_OK) return code;
  for (int i = 0; i < q->chunk_count; i++) {
    if (q->chunks[i].chunk.id >= id) id = q->chunks[i].chunk.id + 1;
  }
  if (id > KOE_MAX_CHUNKS) {
    return koe_index_damaged(index, "chunks", "chunk %lld is out of range", (long long)id - 1);
  }
  *out = add_chunk(q, id);
  return SQLITE_OK;
}

static int find_room(koe_index *index, queued_chunk **out) {
  koe_queue *q = index->queue;
  int64_t id;
  *out = q->recent < q->chunk_count && q->chunks[q->recent].chunk.free > 0 ? &q->chunks[q->recent]
                                                                           : fullest_here(q);
  if (*out != NULL) return SQLITE_OK;
  int code = fullest_elsewhere(index, &id);
  if (code != SQLITE_OK) return code;
  if (id == 0) return add_new_chunk(index, out);
  code = load_chunk(index, id, out);
  if (code == SQLITE_OK && (*out)->chunk.free == 0) {
    code = koe_index_damaged(index, "chunks", "chunk %lld has no free slot", (long long)id);
  }
  return code;
}

int koe_queue_find_slot(koe_index *index, int64_t *slot) {
  queued_chunk *chunk;
  int code = find_room(index, &chunk);
  if (code != SQLITE_OK) return code;
  int place = 0;
  while (koe_chunk_is_live(&chunk->chunk, place))
    place++;
  *slot = koe_slot(chunk->chunk.id, place);
  return SQLITE_OK;
}

/* ── changes ────────────────────────────────────────────────────────────────────────────────────
 */

int koe_queue_open(koe_index *index, koe_index_info *out) {
  koe_queue *q = index->queue;
  int code = SQLITE_OK;
  if (q->item_count >= MAX_ITEMS || q->byte_count >= MAX_BYTES ||
      q->chunk_count > MAX_CHUNKS - CHUNKS_OF_CHANGE) {
    code = koe_queue_flush(index);
  }
  if (code == SQLITE_OK && !q->has_info) {
    code = koe_storage_read_info(index, &q->info);
    q->has_info = code == SQLITE_OK;
  }
  if (code == SQLITE_OK && q->chunks == NULL) {
    q->chunks = koe_alloc(MAX_CHUNKS, sizeof *q->chunks);
    if (q->chunks == NULL) code = SQLITE_NOMEM;
  }
  *out = q->info;
  return code;
}

static int reserve_vector(koe_queue *q) {
  size_t dimension = q->info.dimension;
  if (q->vector_capacity > q->item_count) return SQLITE_OK;
  size_t capacity = q->item_count == 0 ? 4 : 2 * q->item_count;
  float *grown = koe_alloc_aligned(capacity * dimension, sizeof *grown);
  if (grown == NULL) return SQLITE_NOMEM;
  if (q->item_count > 0) memcpy(grown, q->vectors, q->item_count * dimension * sizeof *grown);
  koe_free(q->vectors);
  q->vectors = grown;
  q->vector_capacity = capacity;
  return SQLITE_OK;
}

int koe_queue_reserve(koe_index *index, const koe_new_vector *vector) {
  koe_queue *q = index->queue;
  int code = SQLITE_OK;
  if (vector->vector == NULL) {
    if (q->model == NULL) code = koe_index_model(index, &q->info, &q->model);
    if (code == SQLITE_OK &&
        !koe_grow(&q->bytes, &q->byte_capacity, q->byte_count + vector->text.length + 1, 1)) {
      code = SQLITE_NOMEM;
    }
  }
  if (code == SQLITE_OK) code = reserve_vector(q);
  if (code == SQLITE_OK &&
      !koe_grow(&q->items, &q->item_capacity, q->item_count + 1, sizeof *q->items)) {
    code = SQLITE_NOMEM;
  }
  return code;
}

static void add_item(koe_queue *q, int64_t slot, const koe_new_vector *vector) {
  item *new = &q->items[q->item_count];
  *new = (item){.slot = slot, .is_text = vector->vector == NULL};
  if (new->is_text) {
    new->begin = q->byte_count;
    new->length = vector->text.length;
    if (new->length > 0) memcpy(q->bytes + q->byte_count, vector->text.bytes, new->length);
    q->byte_count += new->length;
  } else {
    memcpy(q->vectors + q->item_count * q->info.dimension, vector->vector,
           q->info.dimension * sizeof *q->vectors);
  }
  q->item_count++;
}

void koe_queue_put(koe_index *index, int64_t slot, int64_t rowid, const koe_new_vector *vector) {
  koe_queue *q = index->queue;
  koe_chunk_set(&find_chunk(q, koe_slot_chunk(slot))->chunk, koe_slot_place(slot), rowid);
  if (vector != NULL) add_item(q, slot, vector);
}

void koe_queue_free_slot(koe_index *index, int64_t slot) {
  queued_chunk *chunk = find_chunk(index->queue, koe_slot_chunk(slot));
  koe_chunk_unset(&chunk->chunk, koe_slot_place(slot));
}

/* ── writing ────────────────────────────────────────────────────────────────────────────────────
 */

/* What is to be written: of each slot the last item, in the order of slots. */
typedef struct writing {
  koe_index *index;
  koe_queue *queue;
  size_t *order; /* [count] items */
  size_t count;
  koe_text *texts; /* [EMBEDDED_AT_ONCE] */
  float *outputs;  /* [EMBEDDED_AT_ONCE, dimension] */
  float *block;    /* [KOE_CHUNK_SLOTS, dimension] */
} writing;

typedef struct place_of_item {
  int64_t slot;
  size_t item;
} place_of_item;

static int compare_places(const void *a, const void *b) {
  const place_of_item *x = a, *y = b;
  if (x->slot != y->slot) return x->slot < y->slot ? -1 : 1;
  return x->item < y->item ? -1 : x->item > y->item;
}

static int order_items(writing *w) {
  koe_queue *q = w->queue;
  place_of_item *places = koe_alloc(q->item_count + 1, sizeof *places);
  w->order = koe_alloc(q->item_count + 1, sizeof *w->order);
  if (places == NULL || w->order == NULL) {
    koe_free(places);
    return SQLITE_NOMEM;
  }
  for (size_t i = 0; i < q->item_count; i++)
    places[i] = (place_of_item){.slot = q->items[i].slot, .item = i};
  if (q->item_count > 1) qsort(places, q->item_count, sizeof *places, compare_places);
  for (size_t i = 0; i < q->item_count; i++) {
    int64_t slot = places[i].slot;
    if (i + 1 < q->item_count && places[i + 1].slot == slot) continue;
    /* Its row may have been deleted since. */
    queued_chunk *chunk = find_chunk(q, koe_slot_chunk(slot));
    if (koe_chunk_is_live(&chunk->chunk, koe_slot_place(slot)))
      w->order[w->count++] = places[i].item;
  }
  koe_free(places);
  return SQLITE_OK;
}

/* Embeds some of the items' texts into their vectors. */
static int embed_items(writing *w, const size_t *items, size_t count) {
  koe_queue *q = w->queue;
  koe_error err;
  size_t dimension = q->info.dimension;
  for (size_t i = 0; i < count; i++) {
    const item *text = &q->items[items[i]];
    w->texts[i] = (koe_text){.bytes = q->bytes + text->begin, .length = text->length};
  }
  double start = koe_pace_clock();
  if (koe_model_embed(q->model, w->texts, count, w->outputs, &err) != KOE_OK) {
    return koe_index_model_failed(w->index, &err);
  }
  koe_pace_end(&q->pace, koe_pace_clock() - start);
  for (size_t i = 0; i < count; i++) {
    memcpy(q->vectors + items[i] * dimension, w->outputs + i * dimension,
           dimension * sizeof *w->outputs);
    q->items[items[i]].is_text = false;
  }
  return SQLITE_OK;
}

/* A statement that reads next to nothing, but fails where SQLite was interrupted. */
static int notice_interrupt(koe_index *index) {
  koe_row row;
  return koe_row_find(index, 0, &row);
}

static int embed_texts(writing *w) {
  koe_pace *pace = &w->queue->pace;
  size_t batch[EMBEDDED_AT_ONCE], count = 0;
  int code = SQLITE_OK;
  for (size_t i = 0; code == SQLITE_OK && i < w->count; i++) {
    const item *text = &w->queue->items[w->order[i]];
    if (!text->is_text) continue;
    if (w->texts == NULL) {
      w->texts = koe_alloc(EMBEDDED_AT_ONCE, sizeof *w->texts);
      w->outputs =
          koe_alloc_aligned(EMBEDDED_AT_ONCE * w->queue->info.dimension, sizeof *w->outputs);
      if (w->texts == NULL || w->outputs == NULL) return SQLITE_NOMEM;
      if (pace->limit == 0) koe_pace_init(pace, w->queue->model);
    }
    batch[count++] = w->order[i];
    koe_pace_add(pace, text->length);
    if (count < EMBEDDED_AT_ONCE && !koe_pace_is_full(pace)) continue;
    code = embed_items(w, batch, count);
    if (code == SQLITE_OK) code = notice_interrupt(w->index);
    count = 0;
  }
  return code == SQLITE_OK && count > 0 ? embed_items(w, batch, count) : code;
}

/* Writes a chunk with the items `first` to `end` of the order, which are its new vectors. */
static int write_chunk(writing *w, koe_vectors *vectors, queued_chunk *chunk, size_t first,
                       size_t end) {
  const koe_queue *q = w->queue;
  size_t dimension = q->info.dimension;
  uint8_t changed[KOE_CHUNK_SLOTS / 8] = {0};
  for (size_t i = first; i < end; i++) {
    int place = koe_slot_place(q->items[w->order[i]].slot);
    changed[place / 8] |= (uint8_t)(1u << place % 8);
    memcpy(w->block + (size_t)place * dimension, q->vectors + w->order[i] * dimension,
           dimension * sizeof *w->block);
  }
  return koe_chunk_save(vectors, &chunk->chunk, &chunk->stored, changed, w->block);
}

static int compare_chunks(const void *a, const void *b) {
  int64_t x = ((const queued_chunk *)a)->chunk.id, y = ((const queued_chunk *)b)->chunk.id;
  return (x > y) - (x < y);
}

/* In the order of ids, as the items are. */
static int write_chunks(writing *w) {
  koe_queue *q = w->queue;
  koe_vectors vectors;
  int code = SQLITE_OK;
  size_t first = 0, end;
  koe_vectors_init(&vectors, w->index, &q->info, true);
  qsort(q->chunks, (size_t)q->chunk_count, sizeof *q->chunks, compare_chunks);
  for (int i = 0; code == SQLITE_OK && i < q->chunk_count; i++, first = end) {
    queued_chunk *chunk = &q->chunks[i];
    end = first;
    while (end < w->count && koe_slot_chunk(q->items[w->order[end]].slot) == chunk->chunk.id)
      end++;
    code = write_chunk(w, &vectors, chunk, first, end);
  }
  int closed = koe_vectors_close(&vectors);
  return code == SQLITE_OK ? closed : code;
}

/* Of a transaction that is so long that its queue fills, koelectra_progress tells. */
static void begin_operation(koe_index *index) {
  koe_queue *q = index->queue;
  koe_error err;
  if (q->operation != NULL || (q->item_count < MAX_ITEMS && q->byte_count < MAX_BYTES)) return;
  const char *database = sqlite3_db_filename(index->db, index->schema);
  q->began = koe_pace_clock();
  q->written = (koe_operation_state){.total = -1};
  /* Where memory is short, nothing tells of it. */
  koe_operation_begin(database != NULL ? database : "", index->name, "insert", &q->operation, &err);
}

static void tell_written(koe_queue *q, size_t count) {
  q->written.done += (int64_t)count;
  q->written.seconds = koe_pace_clock() - q->began;
  koe_operation_update(q->operation, &q->written);
}

int koe_queue_flush(koe_index *index) {
  koe_queue *q = index->queue;
  if (q->chunk_count == 0) {
    forget(q);
    return SQLITE_OK;
  }
  if (q->flushing) {
    return fail_in_use(index);
  }
  q->flushing = true;
  koe_queue_enter(index);
  begin_operation(index);
  writing w = {.index = index, .queue = q};
  w.block = koe_alloc_aligned(KOE_CHUNK_SLOTS * q->info.dimension, sizeof *w.block);
  int code = w.block != NULL ? order_items(&w) : SQLITE_NOMEM;
  if (code == SQLITE_OK) code = embed_texts(&w);
  if (code == SQLITE_OK) code = write_chunks(&w);
  if (code == SQLITE_OK) tell_written(q, w.count);
  koe_free(w.order);
  koe_free(w.texts);
  koe_free(w.outputs);
  koe_free(w.block);
  q->flushing = false;
  if (code == SQLITE_OK) forget(q);
  koe_queue_leave(index);
  return code;
}
