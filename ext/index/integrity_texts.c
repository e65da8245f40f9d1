/* INSERT INTO search(search) VALUES('integrity-check-texts');
 *
 * What 'integrity-check' does, and then embeds every text again: the stored vector must be that
 * text's.  A cosine of 0.999 is enough, as between float32 and int8, or one processor and another.
 * Takes as long as 'rebuild'. */
#include "commands.h"
#include "embedding.h"

#include "../../model/memory.h"
#include "../../model/registry.h"
#include "../../model/search/vectors.h"

#include <string.h>

SQLITE_EXTENSION_INIT3

/* Texts are embedded when so many are there, or this many bytes. */
enum { BATCH = 256, BATCH_BYTES = 8 << 20 };

static const double least_cosine = 0.999;

typedef struct checking {
  koe_index *index;
  koe_index_info info;
  const koe_model *model; /* NULL until there is a text */
  koe_vectors vectors;
  float *stored; /* [dimension] */
  float *fresh;  /* [BATCH, dimension] */
  char *bytes;   /* of the texts, one after the other */
  size_t length, capacity;
  size_t ends[BATCH];
  int64_t rowids[BATCH], slots[BATCH];
  size_t count;
} checking;

static int compare(checking *c, int64_t rowid, int64_t slot, const float *fresh, const char *what) {
  double cosine = 0;
  int code = koe_vectors_read(&c->vectors, slot, 1, c->stored);
  if (code != SQLITE_OK) return code;
  koe_vector_cosine(c->stored, fresh, c->info.dimension, &cosine);
  if (cosine >= least_cosine) return SQLITE_OK;
  return koe_index_fail(c->index, SQLITE_CORRUPT_VTAB,
                        "the vector of row %lld is not that of its %s (their cosine is %.3f): "
                        "INSERT INTO %s(%s) VALUES('rebuild') makes the index anew",
                        (long long)rowid, what, cosine, c->index->name, c->index->name);
}

static int end_batch(checking *c) {
  koe_error err;
  koe_text texts[BATCH];
  if (c->count == 0) return SQLITE_OK;
  for (size_t i = 0, begin = 0; i < c->count; begin = c->ends[i++])
    texts[i] = (koe_text){.bytes = c->bytes + begin, .length = c->ends[i] - begin};
  if (koe_model_embed(c->model, texts, c->count, c->fresh, &err) != KOE_OK) {
    return koe_index_model_failed(c->index, &err);
  }
  int code = SQLITE_OK;
  for (size_t i = 0; code == SQLITE_OK && i < c->count; i++) {
    code = compare(c, c->rowids[i], c->slots[i], c->fresh + i * c->info.dimension, "text");
  }
  c->count = 0;
  c->length = 0;
  return code;
}

static int add_text(checking *c, int64_t rowid, int64_t slot, koe_text text) {
  int code = c->model == NULL ? koe_index_model(c->index, &c->info, &c->model) : SQLITE_OK;
  if (code != SQLITE_OK) return code;
  if (!koe_grow(&c->bytes, &c->capacity, c->length + text.length, 1)) return SQLITE_NOMEM;
  if (text.length > 0) memcpy(c->bytes + c->length, text.bytes, text.length);
  c->length += text.length;
  c->rowids[c->count] = rowid;
  c->slots[c->count] = slot;
  c->ends[c->count++] = c->length;
  return c->count == BATCH || c->length >= BATCH_BYTES ? end_batch(c) : SQLITE_OK;
}

/* A vector of the content table; one that was inserted into the index is nowhere but in its slot.
 */
static int check_vector(checking *c, int64_t rowid, int64_t slot, sqlite3_value *value) {
  float *given;
  if (c->index->definition.content == NULL) return SQLITE_OK;
  int code = koe_index_vector(c->index, &c->info, value, c->index->definition.column, &given);
  if (code == SQLITE_OK) code = compare(c, rowid, slot, given, "BLOB");
  koe_free(given);
  return code;
}

static int check_row(checking *c, sqlite3_stmt *source) {
  int64_t rowid = sqlite3_column_int64(source, 0);
  sqlite3_value *value = sqlite3_column_value(source, 1);
  koe_error err;
  koe_text text;
  koe_row row;
  bool is_null;
  int code = koe_row_find(c->index, rowid, &row);
  if (code != SQLITE_OK || !row.has_vector) return code;
  if (sqlite3_value_type(value) == SQLITE_BLOB) return check_vector(c, rowid, row.slot, value);
  if (koe_text_argument(value, c->index->definition.column, &text, &is_null, &err) != KOE_OK) {
    return koe_index_model_failed(c->index, &err);
  }
  return is_null ? SQLITE_OK : add_text(c, rowid, row.slot, text);
}

static int check_rows(checking *c) {
  sqlite3_stmt *source;
  int code = koe_index_prepare(c->index, KOE_SOURCE_READ, &source);
  if (code != SQLITE_OK) return code;
  while ((code = koe_index_step(c->index, KOE_SOURCE_READ, source)) == SQLITE_ROW) {
    code = check_row(c, source);
    if (code != SQLITE_OK) break;
  }
  koe_index_reset(source);
  return code == SQLITE_DONE ? end_batch(c) : code;
}

int koe_index_integrity_check_texts(koe_index *index) {
  int code = koe_index_integrity_check(index);
  if (code != SQLITE_OK) return code;
  checking *c = koe_alloc_zero(1, sizeof *c);
  if (c == NULL) return SQLITE_NOMEM;
  c->index = index;
  code = koe_storage_read_info(index, &c->info);
  if (code == SQLITE_OK) {
    c->stored = koe_alloc_aligned(c->info.dimension, sizeof *c->stored);
    c->fresh = koe_alloc_aligned(BATCH * c->info.dimension, sizeof *c->fresh);
    code = c->stored != NULL && c->fresh != NULL ? SQLITE_OK : SQLITE_NOMEM;
  }
  koe_vectors_init(&c->vectors, index, &c->info, false);
  if (code == SQLITE_OK) code = check_rows(c);
  koe_vectors_close(&c->vectors);
  koe_registry_release(c->model);
  koe_free(c->stored);
  koe_free(c->fresh);
  koe_free(c->bytes);
  koe_free(c);
  return code;
}
