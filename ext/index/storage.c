/* The shadow tables as a whole, and two of them: info and rows. */
#include "storage.h"

#include <stdlib.h>
#include <string.h>

SQLITE_EXTENSION_INIT3

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "FORMAT.md says little-endian");

static int run_sql(koe_index *index, const char *sql) {
  char *expanded = koe_index_expand(index, sql);
  if (expanded == NULL) return SQLITE_NOMEM;
  int code = sqlite3_exec(index->db, expanded, NULL, NULL, NULL);
  sqlite3_free(expanded);
  return code == SQLITE_OK ? SQLITE_OK
                           : koe_index_fail(index, code, "%s", sqlite3_errmsg(index->db));
}

int koe_storage_create(koe_index *index, bool missing_only) {
  /* UNIQUE and not CREATE INDEX: its name follows when the table is renamed. */
  static const char *const definitions[] = {
      "$info(key TEXT PRIMARY KEY, value) WITHOUT ROWID",
      ("$chunks(id INTEGER PRIMARY KEY, free INTEGER NOT NULL, stamp INTEGER NOT NULL, "
       "live BLOB NOT NULL, rowids BLOB NOT NULL, UNIQUE(free, id, stamp))"),
      "$vectors(id INTEGER PRIMARY KEY, vectors BLOB NOT NULL)",
      "$rows(rowid INTEGER PRIMARY KEY, slot INTEGER$definitions)",
      "$content(id INTEGER PRIMARY KEY, c0 TEXT$auxdefinitions)",
  };
  int code = SQLITE_OK;
  for (size_t i = 0; code == SQLITE_OK && i < sizeof definitions / sizeof definitions[0]; i++) {
    if (strncmp(definitions[i], "$content", 8) == 0 &&
        (missing_only || index->definition.content != NULL)) {
      continue;
    }
    char sql[256];
    sqlite3_snprintf(sizeof sql, sql, "CREATE TABLE %s%s", missing_only ? "IF NOT EXISTS " : "",
                     definitions[i]);
    code = run_sql(index, sql);
  }
  return code;
}

int koe_storage_drop(koe_index *index) {
  int code = run_sql(index, "DROP TABLE IF EXISTS $info; DROP TABLE IF EXISTS $chunks; "
                            "DROP TABLE IF EXISTS $vectors; DROP TABLE IF EXISTS $rows");
  /* A table of that name beside an index of external content is the user's, maybe the very one. */
  if (code != SQLITE_OK || index->definition.content != NULL) return code;
  return run_sql(index, "DROP TABLE IF EXISTS $content");
}

int koe_storage_rename(koe_index *index, const char *name) {
  static const char *const suffixes[] = {"info", "chunks", "vectors", "rows", "content"};
  size_t count = index->definition.content != NULL ? 4 : 5;
  int code = SQLITE_OK;
  for (size_t i = 0; code == SQLITE_OK && i < count; i++) {
    char *sql = sqlite3_mprintf("ALTER TABLE \"%w\".\"%w_%s\" RENAME TO \"%w_%s\"", index->schema,
                                index->name, suffixes[i], name, suffixes[i]);
    if (sql == NULL) return SQLITE_NOMEM;
    code = sqlite3_exec(index->db, sql, NULL, NULL, NULL);
    sqlite3_free(sql);
    if (code != SQLITE_OK) {
      code = koe_index_fail(index, code, "cannot be renamed: %s", sqlite3_errmsg(index->db));
    }
  }
  return code;
}

/* ── info ───────────────────────────────────────────────────────────────────────────────────────
 */

enum { VERSION, FINGERPRINT, DIMENSION, CHUNK_SIZE, STAMP, SKETCH, KEYS };

static const char *const keys[KEYS] = {"version",    "fingerprint", "dimension",
                                       "chunk_size", "stamp",       "sketch"};

/* What the table says, as far as it says it. */
typedef struct info_values {
  bool present[KEYS];
  int64_t integers[KEYS];
  uint64_t fingerprint;
  size_t sketch_length;
  uint8_t sketch[KOE_SKETCH_BYTES + 1];
} info_values;

static bool parse_fingerprint(const char *text, uint64_t *out) {
  if (text == NULL || strlen(text) != 16 || strspn(text, "0123456789abcdef") != 16) return false;
  *out = strtoull(text, NULL, 16);
  return true;
}

/* As much as shows that it is too long. */
static void read_sketch(sqlite3_stmt *statement, info_values *out) {
  const void *bytes = sqlite3_column_blob(statement, 1);
  int length = sqlite3_column_bytes(statement, 1);
  out->present[SKETCH] = true;
  if (bytes == NULL || sqlite3_column_type(statement, 1) != SQLITE_BLOB) return;
  out->sketch_length = length > KOE_SKETCH_BYTES ? KOE_SKETCH_BYTES + 1 : (size_t)length;
  memcpy(out->sketch, bytes, out->sketch_length);
}

static void read_value(sqlite3_stmt *statement, info_values *out) {
  const char *key = (const char *)sqlite3_column_text(statement, 0);
  for (int i = 0; key != NULL && i < KEYS; i++) {
    if (strcmp(key, keys[i]) != 0) continue;
    if (i == FINGERPRINT) {
      out->present[i] =
          parse_fingerprint((const char *)sqlite3_column_text(statement, 1), &out->fingerprint);
    } else if (i == SKETCH) {
      read_sketch(statement, out);
    } else {
      out->present[i] = sqlite3_column_type(statement, 1) == SQLITE_INTEGER;
      out->integers[i] = sqlite3_column_int64(statement, 1);
    }
  }
}

static int read_values(koe_index *index, info_values *out) {
  *out = (info_values){0};
  sqlite3_stmt *statement;
  int code = koe_index_prepare(index, KOE_INFO_READ, &statement);
  if (code != SQLITE_OK) return code;
  while ((code = koe_index_step(index, KOE_INFO_READ, statement)) == SQLITE_ROW) {
    read_value(statement, out);
  }
  koe_index_reset(statement);
  if (code != SQLITE_DONE) return code;
  if (out->present[VERSION] && out->integers[VERSION] > KOE_FORMAT_VERSION) {
    return koe_index_fail(index, SQLITE_ERROR,
                          "a newer sqlite-koelectra wrote it (format %lld, this one knows %d)",
                          (long long)out->integers[VERSION], KOE_FORMAT_VERSION);
  }
  if (out->present[VERSION] && (out->integers[VERSION] == 1 || out->integers[VERSION] == 2)) {
    return koe_index_fail(index, SQLITE_ERROR,
                          "this index has format %lld, of a development version: DROP it and "
                          "create it again",
                          (long long)out->integers[VERSION]);
  }
  return SQLITE_OK;
}

int koe_storage_check_version(koe_index *index) {
  info_values values;
  return read_values(index, &values);
}

int koe_storage_read_info(koe_index *index, koe_index_info *out) {
  info_values values;
  int code = read_values(index, &values);
  if (code != SQLITE_OK) return code;
  for (int i = 0; i < KEYS; i++) {
    if (!values.present[i] && i != SKETCH) {
      return koe_index_damaged(index, "info", "%s is missing or malformed", keys[i]);
    }
  }
  int64_t dimension = values.integers[DIMENSION];
  if (values.integers[VERSION] != KOE_FORMAT_VERSION || dimension < 1 ||
      dimension > KOE_MAX_DIMENSION || values.integers[CHUNK_SIZE] != KOE_CHUNK_SLOTS) {
    return koe_index_damaged(index, "info", "version %lld, dimension %lld, chunk_size %lld",
                             (long long)values.integers[VERSION], (long long)dimension,
                             (long long)values.integers[CHUNK_SIZE]);
  }
  *out = (koe_index_info){.fingerprint = values.fingerprint,
                          .dimension = (size_t)dimension,
                          .stamp = values.integers[STAMP],
                          .has_sketch = values.present[SKETCH]};
  koe_error err;
  if (!out->has_sketch || koe_vector_sketch_read(values.sketch, values.sketch_length,
                                                 out->dimension, &out->sketch, &err) == KOE_OK) {
    return SQLITE_OK;
  }
  return koe_index_damaged(index, "info", "sketch: %s", err.message);
}

/* Writes one key; a text where `text` is not NULL. */
static int write_value(koe_index *index, const char *key, const char *text, int64_t integer) {
  sqlite3_stmt *statement;
  int code = koe_index_prepare(index, KOE_INFO_WRITE, &statement);
  if (code != SQLITE_OK) return code;
  sqlite3_bind_text(statement, 1, key, -1, SQLITE_STATIC);
  code = text != NULL ? sqlite3_bind_text(statement, 2, text, -1, SQLITE_STATIC)
                      : sqlite3_bind_int64(statement, 2, integer);
  if (code == SQLITE_OK) code = koe_index_step(index, KOE_INFO_WRITE, statement);
  koe_index_reset(statement);
  return code == SQLITE_DONE ? SQLITE_OK : code;
}

int koe_storage_write_info(koe_index *index, const koe_index_info *info) {
  char fingerprint[17];
  sqlite3_snprintf(sizeof fingerprint, fingerprint, "%016llx",
                   (unsigned long long)info->fingerprint);
  int code = write_value(index, keys[VERSION], NULL, KOE_FORMAT_VERSION);
  if (code == SQLITE_OK) code = write_value(index, "model", index->definition.model, 0);
  if (code == SQLITE_OK) code = write_value(index, keys[FINGERPRINT], fingerprint, 0);
  if (code == SQLITE_OK) code = write_value(index, keys[DIMENSION], NULL, (int64_t)info->dimension);
  if (code == SQLITE_OK) code = write_value(index, keys[CHUNK_SIZE], NULL, KOE_CHUNK_SLOTS);
  if (code == SQLITE_OK) code = write_value(index, keys[STAMP], NULL, koe_storage_draw_stamp());
  /* It is of other vectors. */
  return code == SQLITE_OK ? koe_index_execute(index, KOE_INFO_FORGET, 0, 0, 0) : code;
}

int koe_storage_write_sketch(koe_index *index, const koe_vector_sketch *sketch) {
  uint8_t bytes[KOE_SKETCH_BYTES];
  sqlite3_stmt *statement;
  koe_vector_sketch_write(sketch, bytes);
  int code = koe_index_prepare(index, KOE_INFO_WRITE, &statement);
  if (code != SQLITE_OK) return code;
  sqlite3_bind_text(statement, 1, keys[SKETCH], -1, SQLITE_STATIC);
  sqlite3_bind_blob(statement, 2, bytes, sizeof bytes, SQLITE_STATIC);
  code = koe_index_step(index, KOE_INFO_WRITE, statement);
  koe_index_reset(statement);
  return code == SQLITE_DONE ? SQLITE_OK : code;
}

int64_t koe_storage_draw_stamp(void) {
  int64_t stamp;
  sqlite3_randomness(sizeof stamp, &stamp);
  return stamp;
}

int koe_storage_renew_stamp(koe_index *index) {
  return koe_index_execute(index, KOE_INFO_STAMP, 1, koe_storage_draw_stamp(), 0);
}

/* ── rows ───────────────────────────────────────────────────────────────────────────────────────
 */

int koe_row_find(koe_index *index, int64_t rowid, koe_row *out) {
  *out = (koe_row){0};
  sqlite3_stmt *statement;
  int code = koe_index_prepare(index, KOE_ROW_FIND, &statement);
  if (code != SQLITE_OK) return code;
  sqlite3_bind_int64(statement, 1, rowid);
  code = koe_index_step(index, KOE_ROW_FIND, statement);
  int type = SQLITE_NULL;
  if (code == SQLITE_ROW) {
    type = sqlite3_column_type(statement, 0);
    out->exists = true;
    out->has_vector = type != SQLITE_NULL;
    out->slot = sqlite3_column_int64(statement, 0);
  }
  koe_index_reset(statement);
  if (code != SQLITE_ROW) return code == SQLITE_DONE ? SQLITE_OK : code;
  if (out->has_vector &&
      (type != SQLITE_INTEGER || out->slot < 0 || out->slot >= KOE_MAX_CHUNKS * KOE_CHUNK_SLOTS)) {
    return koe_index_damaged(index, "rows", "row %lld has no possible slot", (long long)rowid);
  }
  return SQLITE_OK;
}

/* Runs a statement of (rowid, slot or NULL). */
static int write_row(koe_index *index, koe_statement id, int64_t rowid, const koe_row *row) {
  sqlite3_stmt *statement;
  int code = koe_index_prepare(index, id, &statement);
  if (code != SQLITE_OK) return code;
  sqlite3_bind_int64(statement, 1, rowid);
  if (row->has_vector) sqlite3_bind_int64(statement, 2, row->slot);
  code = koe_index_step(index, id, statement);
  koe_index_reset(statement);
  return code == SQLITE_DONE ? SQLITE_OK : code;
}

int koe_row_set_slot(koe_index *index, int64_t rowid, const koe_row *row) {
  return write_row(index, KOE_ROW_SET_SLOT, rowid, row);
}

int koe_row_next(koe_index *index, int64_t *out) {
  sqlite3_stmt *statement;
  *out = 1;
  int code = koe_index_prepare(index, KOE_ROW_LAST, &statement);
  if (code != SQLITE_OK) return code;
  code = koe_index_step(index, KOE_ROW_LAST, statement);
  bool empty = code == SQLITE_ROW && sqlite3_column_type(statement, 0) == SQLITE_NULL;
  int64_t last = code == SQLITE_ROW ? sqlite3_column_int64(statement, 0) : 0;
  koe_index_reset(statement);
  if (code != SQLITE_ROW) return code;
  if (last == INT64_MAX) {
    return koe_index_fail(index, SQLITE_ERROR,
                          "the largest rowid is taken: INSERT with a rowid of your choice");
  }
  *out = empty ? 1 : last + 1;
  return SQLITE_OK;
}
