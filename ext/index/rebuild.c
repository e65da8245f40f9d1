/* INSERT INTO search(search) VALUES('rebuild');
 *
 * SQLite gives this statement no savepoint of its own inside a transaction.  So the new vectors go
 * into new chunks first, beside the old; what can fail (the content table, the model, an interrupt)
 * fails before anything old is touched, and then the new chunks are deleted again. */
#include "commands.h"
#include "embedding.h"
#include "queue.h"

#include "../../model/memory.h"
#include "../../model/registry.h"

#include <stdlib.h>
#include <string.h>

SQLITE_EXTENSION_INIT3

/* Texts are embedded when a chunk of them is there, or this many bytes. */
enum { PENDING_BYTES = 8 << 20 };

typedef struct new_row {
  int64_t rowid;
  koe_row row;
} new_row;

typedef struct rebuild {
  koe_index *index;
  const koe_model *model;
  koe_index_info info;
  koe_chunk chunk; /* being filled; its free slots are at the end */
  float *vectors;  /* [KOE_CHUNK_SLOTS, dimension], of `chunk` */
  char *bytes;     /* the texts of `pending` slots, one after the other */
  size_t length, capacity;
  size_t ends[KOE_CHUNK_SLOTS]; /* where each of those texts ends */
  int places[KOE_CHUNK_SLOTS];  /* the slots of `chunk` whose they are */
  int pending;                  /* how many of its slots have no vector yet */
  float *outputs;               /* [KOE_CHUNK_SLOTS, dimension], of those texts */
  int64_t first_chunk;          /* of the new chunks */
  new_row *rows;
  size_t rows_count, rows_capacity;
} rebuild;

static int used(const rebuild *r) {
  return KOE_CHUNK_SLOTS - r->chunk.free;
}

static float *vector_at(const rebuild *r, int place) {
  return r->vectors + (size_t)place * r->info.dimension;
}

/* ── the new chunks ─────────────────────────────────────────────────────────────────────────────
 */

static int embed_pending(rebuild *r) {
  if (r->pending == 0) return SQLITE_OK;
  koe_text texts[KOE_CHUNK_SLOTS];
  for (int i = 0; i < r->pending; i++) {
    size_t begin = i > 0 ? r->ends[i - 1] : 0;
    texts[i] = (koe_text){.bytes = r->bytes + begin, .length = r->ends[i] - begin};
  }
  koe_error err;
  if (koe_model_embed(r->model, texts, (size_t)r->pending, r->outputs, &err) != KOE_OK) {
    return koe_index_model_failed(r->index, &err);
  }
  for (int i = 0; i < r->pending; i++) {
    memcpy(vector_at(r, r->places[i]), r->outputs + (size_t)i * r->info.dimension,
           r->info.dimension * sizeof *r->outputs);
  }
  r->pending = 0;
  r->length = 0;
  return SQLITE_OK;
}

/* Writes the chunk and starts the next. */
static int end_chunk(rebuild *r) {
  int code = embed_pending(r);
  if (code != SQLITE_OK || used(r) == 0) return code;
  if (r->chunk.free > 0) {
    memset(vector_at(r, used(r)), 0,
           (size_t)r->chunk.free * r->info.dimension * sizeof *r->vectors);
  }
  code = koe_chunk_insert(r->index, &r->info, &r->chunk, r->vectors);
  koe_chunk_init(&r->chunk, r->chunk.id + 1);
  return code;
}

/* Gives the next slot to a row; a full chunk is written. */
static int take_place(rebuild *r, int64_t rowid, koe_row *row) {
  *row = (koe_row){.exists = true, .has_vector = true, .slot = koe_slot(r->chunk.id, used(r))};
  koe_chunk_set(&r->chunk, used(r), rowid);
  return r->chunk.free == 0 ? end_chunk(r) : SQLITE_OK;
}

static int add_text(rebuild *r, int64_t rowid, koe_text text, koe_row *row) {
  if (!koe_grow(&r->bytes, &r->capacity, r->length + text.length, 1)) return SQLITE_NOMEM;
  if (text.length > 0) memcpy(r->bytes + r->length, text.bytes, text.length);
  r->length += text.length;
  r->places[r->pending] = used(r);
  r->ends[r->pending++] = r->length;
  int code = take_place(r, rowid, row);
  if (code != SQLITE_OK || r->length < PENDING_BYTES) return code;
  return embed_pending(r);
}

/* The vector of a row that was inserted as one: the index has no text to make it from. */
static int read_kept_vector(rebuild *r, int64_t rowid, float *out) {
  koe_index_info info;
  koe_row row;
  int code = koe_storage_read_info(r->index, &info);
  if (code == SQLITE_OK) code = koe_row_find(r->index, rowid, &row);
  if (code == SQLITE_OK && info.dimension != r->info.dimension) {
    return koe_index_fail(r->index, SQLITE_ERROR,
                          "row %lld was inserted as a vector of %lld elements, but those of the "
                          "model now loaded have %lld: delete such rows first",
                          (long long)rowid, (long long)info.dimension,
                          (long long)r->info.dimension);
  }
  if (code == SQLITE_OK && row.has_vector) {
    code = koe_slot_read(r->index, &info, rowid, row.slot, out);
  } else if (code == SQLITE_OK) {
    code = SQLITE_CORRUPT_VTAB;
  }
  if ((code & 0xff) != SQLITE_CORRUPT) return code;
  return koe_index_fail(r->index, SQLITE_CORRUPT_VTAB,
                        "row %lld was inserted as a vector, and damaged shadow tables no longer "
                        "have it: DELETE FROM %s_content WHERE id = %lld, and rebuild",
                        (long long)rowid, r->index->name, (long long)rowid);
}

/* A vector of the source, which is of the index itself or of the content table. */
static int add_vector(rebuild *r, int64_t rowid, sqlite3_value *value, koe_row *row) {
  float *given = NULL, *to = vector_at(r, used(r));
  int code;
  if (r->index->definition.content == NULL) {
    code = read_kept_vector(r, rowid, to);
  } else {
    char what[64];
    sqlite3_snprintf(sizeof what, what, "row %lld", (long long)rowid);
    code = koe_index_vector(r->index, &r->info, value, what, &given);
    if (code == SQLITE_OK) memcpy(to, given, r->info.dimension * sizeof *to);
    koe_free(given);
  }
  return code == SQLITE_OK ? take_place(r, rowid, row) : code;
}

static int add_value(rebuild *r, int64_t rowid, sqlite3_value *value, koe_row *row) {
  koe_error err;
  koe_text text;
  bool is_null;
  bool own = r->index->definition.content == NULL;
  if (sqlite3_value_type(value) == SQLITE_BLOB && (!own || sqlite3_value_bytes(value) == 0)) {
    return add_vector(r, rowid, value, row);
  }
  if (koe_text_argument(value, r->index->definition.column, &text, &is_null, &err) != KOE_OK) {
    return koe_index_model_failed(r->index, &err);
  }
  return is_null ? SQLITE_OK : add_text(r, rowid, text, row);
}

static int add_row(rebuild *r, sqlite3_stmt *source) {
  new_row new = {.rowid = sqlite3_column_int64(source, 0), .row = {.exists = true}};
  if (sqlite3_column_type(source, 0) != SQLITE_INTEGER) {
    const unsigned char *id = sqlite3_column_text(source, 0);
    return koe_index_fail(
        r->index, SQLITE_ERROR,
        "content table %s has %s as a row number in \"%s\": it must be an integer",
        r->index->definition.content, id != NULL ? (const char *)id : "NULL",
        r->index->definition.content_rowid);
  }
  if (!koe_grow(&r->rows, &r->rows_capacity, r->rows_count + 1, sizeof *r->rows)) {
    return SQLITE_NOMEM;
  }
  int code = add_value(r, new.rowid, sqlite3_column_value(source, 1), &new.row);
  if (code == SQLITE_OK) r->rows[r->rows_count++] = new;
  return code;
}

static int compare_rows(const void *a, const void *b) {
  int64_t x = ((const new_row *)a)->rowid, y = ((const new_row *)b)->rowid;
  return (x > y) - (x < y);
}

/* Into the order of the rows table; a view may have given them in another, or twice. */
static int sort_rows(rebuild *r) {
  bool sorted = true;
  for (size_t i = 1; sorted && i < r->rows_count; i++) {
    sorted = r->rows[i - 1].rowid < r->rows[i].rowid;
  }
  if (sorted) return SQLITE_OK;
  qsort(r->rows, r->rows_count, sizeof *r->rows, compare_rows);
  for (size_t i = 1; i < r->rows_count; i++) {
    if (r->rows[i - 1].rowid == r->rows[i].rowid) {
      return koe_index_fail(r->index, SQLITE_ERROR,
                            "content table %s has row number %lld twice in \"%s\"",
                            r->index->definition.content, (long long)r->rows[i].rowid,
                            r->index->definition.content_rowid);
    }
  }
  return SQLITE_OK;
}

static int write_chunks(rebuild *r) {
  sqlite3_stmt *source;
  int code = koe_index_prepare(r->index, KOE_SOURCE_READ, &source);
  if (code != SQLITE_OK) return code;
  while ((code = koe_index_step(r->index, KOE_SOURCE_READ, source)) == SQLITE_ROW) {
    code = add_row(r, source);
    if (code != SQLITE_OK) break;
  }
  koe_index_reset(source);
  if (code == SQLITE_DONE) code = end_chunk(r);
  return code == SQLITE_OK ? sort_rows(r) : code;
}

/* ── in place of the old ────────────────────────────────────────────────────────────────────────
 */

static int replace_index(rebuild *r) {
  int code = koe_chunk_delete(r->index, INT64_MIN, r->first_chunk - 1);
  if (code == SQLITE_OK) code = koe_index_execute(r->index, KOE_ROW_DELETE_ALL, 0, 0, 0);
  for (size_t i = 0; code == SQLITE_OK && i < r->rows_count; i++) {
    code = koe_row_insert(r->index, r->rows[i].rowid, &r->rows[i].row);
  }
  return code == SQLITE_OK ? koe_storage_write_info(r->index, &r->info) : code;
}

/* Deletes the new chunks.  Not where SQLite rolls the transaction back anyway; the error that led
 * here stays the one that is told. */
static void abandon_chunks(rebuild *r, int code) {
  int primary = code & 0xff;
  if (primary == SQLITE_NOMEM || primary == SQLITE_IOERR || primary == SQLITE_INTERRUPT ||
      primary == SQLITE_FULL) {
    return;
  }
  char *message = r->index->base.zErrMsg;
  r->index->base.zErrMsg = NULL;
  koe_chunk_delete(r->index, r->first_chunk, INT64_MAX);
  sqlite3_free(r->index->base.zErrMsg);
  r->index->base.zErrMsg = message;
}

/* Where the new chunks begin; an index damaged so much that there is no room behind it goes first.
 */
static int choose_first_chunk(rebuild *r) {
  int code = koe_chunk_next_id(r->index, &r->first_chunk);
  if (code == SQLITE_OK && r->first_chunk > KOE_MAX_CHUNKS / 2) {
    r->first_chunk = 1;
    code = koe_chunk_delete(r->index, INT64_MIN, INT64_MAX);
  }
  koe_chunk_init(&r->chunk, r->first_chunk);
  return code;
}

/* Writes the queue for the vectors in it that no text can bring back.  What cannot be written,
 * since tables are damaged, is missed where such a vector is read. */
static int end_queue(koe_index *index) {
  int code = koe_queue_flush(index);
  if ((code & 0xff) != SQLITE_CORRUPT) return code;
  koe_queue_clear(index);
  return SQLITE_OK;
}

static int run(rebuild *r) {
  int code = end_queue(r->index);
  if (code == SQLITE_OK) code = koe_storage_create(r->index, true);
  if (code == SQLITE_OK) code = koe_storage_check_version(r->index);
  if (code == SQLITE_OK) code = choose_first_chunk(r);
  if (code != SQLITE_OK) return code;
  code = write_chunks(r);
  if (code != SQLITE_OK) {
    abandon_chunks(r, code);
    return code;
  }
  return replace_index(r);
}

int koe_index_rebuild(koe_index *index) {
  koe_error err;
  const koe_model *model;
  if (koe_registry_acquire(index->definition.model, &model, &err) != KOE_OK) {
    return koe_index_model_failed(index, &err);
  }
  int code = SQLITE_NOMEM;
  rebuild *r = koe_alloc_zero(1, sizeof *r);
  if (r != NULL) {
    r->index = index;
    r->model = model;
    r->info = (koe_index_info){.fingerprint = koe_model_fingerprint(model),
                               .dimension = koe_model_dimension(model)};
    r->vectors = koe_alloc_aligned(KOE_CHUNK_SLOTS * r->info.dimension, sizeof *r->vectors);
    r->outputs = koe_alloc_aligned(KOE_CHUNK_SLOTS * r->info.dimension, sizeof *r->outputs);
    if (r->vectors != NULL && r->outputs != NULL) code = run(r);
    koe_free(r->outputs);
    koe_free(r->vectors);
    koe_free(r->bytes);
    koe_free(r->rows);
  }
  koe_free(r);
  koe_registry_release(model);
  return code;
}
