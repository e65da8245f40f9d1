/* INSERT INTO search(search) VALUES('rebuild');
 *
 * SQLite gives this statement no savepoint of its own inside a transaction.  So the new vectors go
 * into new chunks first, beside the old; what can fail (the content table, the model, an interrupt)
 * fails before anything old is touched, and then the new chunks are deleted again. */
#include "commands.h"
#include "embedding.h"
#include "queue.h"
#include "rebuild_end.h"
#include "rebuild_rows.h"
#include "rebuild_texts.h"

#include "../../model/memory.h"
#include "../../model/registry.h"

#include <string.h>

SQLITE_EXTENSION_INIT3

typedef struct rebuild {
  koe_index *index;
  const koe_model *model;
  koe_index_info info;
  koe_rebuild_file file;
  koe_rebuild_texts *texts;
  koe_chunk chunk;     /* being filled; its free slots are at the end */
  float *vectors;      /* [KOE_CHUNK_SLOTS, dimension], of `chunk` */
  int64_t first_chunk; /* of the new chunks */
  koe_rebuild_rows rows;
} rebuild;

static int used(const rebuild *r) {
  return KOE_CHUNK_SLOTS - r->chunk.free;
}

static float *vector_at(const rebuild *r, int place) {
  return r->vectors + (size_t)place * r->info.dimension;
}

/* ── the new chunks ─────────────────────────────────────────────────────────────────────────────
 */

/* Writes the chunk and starts the next. */
static int end_chunk(rebuild *r) {
  int code = koe_rebuild_texts_flush(r->texts);
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
  if (is_null) return SQLITE_OK;
  int code = koe_rebuild_texts_add(r->texts, text, vector_at(r, used(r)));
  return code == SQLITE_OK ? take_place(r, rowid, row) : code;
}

static int add_row(rebuild *r, sqlite3_stmt *source) {
  koe_row row = {.exists = true};
  if (sqlite3_column_type(source, 0) != SQLITE_INTEGER) {
    const unsigned char *id = sqlite3_column_text(source, 0);
    return koe_index_fail(
        r->index, SQLITE_ERROR,
        "content table %s has %s as a row number in \"%s\": it must be an integer",
        r->index->definition.content, id != NULL ? (const char *)id : "NULL",
        r->index->definition.content_rowid);
  }
  int64_t rowid = sqlite3_column_int64(source, 0);
  int code = add_value(r, rowid, sqlite3_column_value(source, 1), &row);
  if (code == SQLITE_OK) code = koe_rebuild_rows_add(&r->rows, rowid, &row, source);
  if (code == SQLITE_OK) koe_rebuild_texts_count_row(r->texts);
  return code;
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
  return code == SQLITE_OK ? koe_rebuild_rows_sort(r->index, &r->rows) : code;
}

/* ── in place of the old ────────────────────────────────────────────────────────────────────────
 */

static int replace_index(rebuild *r) {
  int code = koe_chunk_delete(r->index, INT64_MIN, r->first_chunk - 1);
  if (code == SQLITE_OK) code = koe_rebuild_rows_write(r->index, &r->rows);
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

/* How many rows there are, for who asks how long it takes; SQLite reads them all for it, which is
 * little beside embedding them. */
static int count_rows(koe_index *index, int64_t *out) {
  sqlite3_stmt *statement;
  int code = koe_index_prepare(index, KOE_SOURCE_COUNT, &statement);
  if (code != SQLITE_OK) return code;
  code = koe_index_step(index, KOE_SOURCE_COUNT, statement);
  if (code == SQLITE_ROW) *out = sqlite3_column_int64(statement, 0);
  koe_index_reset(statement);
  return code == SQLITE_ROW ? SQLITE_OK : code;
}

static int open_texts(rebuild *r) {
  int64_t total = 0;
  int code = count_rows(r->index, &total);
  if (code != SQLITE_OK) return code;
  if (!koe_rebuild_file_find(r->index->db, r->index->schema, r->index->name, &r->file)) {
    return SQLITE_NOMEM;
  }
  return koe_rebuild_texts_open(r->index, r->model, &r->file, total, &r->texts);
}

static int run(rebuild *r) {
  int code = end_queue(r->index);
  if (code == SQLITE_OK) code = koe_storage_create(r->index, true);
  if (code == SQLITE_OK) code = koe_storage_check_version(r->index);
  if (code == SQLITE_OK) code = choose_first_chunk(r);
  if (code == SQLITE_OK) code = open_texts(r);
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
    if (r->vectors != NULL) code = run(r);
    if (code == SQLITE_OK && koe_rebuild_texts_saved(r->texts)) {
      koe_rebuild_end_set(&index->rebuilt, &r->file);
    }
    koe_rebuild_texts_close(r->texts);
    koe_rebuild_file_clear(&r->file);
    koe_rebuild_rows_clear(&r->rows);
    koe_free(r->vectors);
  }
  koe_free(r);
  koe_registry_release(model);
  return code;
}
