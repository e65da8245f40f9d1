/* INSERT INTO search(rowid, body) VALUES(1, '배우 연기가 좋았어요');
 * INSERT INTO search(rowid, body) SELECT id, vector FROM embedded;   -- BLOBs: nothing to embed
 * UPDATE search SET body = '…' WHERE rowid = 1;
 * UPDATE search SET stars = 5 WHERE shop = 'x';                      -- embeds nothing
 * DELETE FROM search WHERE rowid = 1;
 *
 * SQLite gives an INSERT of one row no savepoint of its own inside a transaction.  So a change
 * first does all that can fail (conflicts, the model, damage in what it is going to touch), and
 * then writes: the text and the row at once, the vector through the queue. */
#include "update.h"

#include "columns.h"
#include "commands.h"
#include "embedding.h"
#include "queue.h"
#include "rowid.h"

#include "../../model/memory.h"

#include <string.h>

SQLITE_EXTENSION_INIT3

/* What xUpdate gets: the old rowid, the new one, then the columns. */
enum { OLD_ROWID, NEW_ROWID, COLUMNS };

/* A row before and after. */
typedef struct change {
  int64_t old_rowid; /* where old.exists */
  koe_row old;
  int64_t rowid;
  sqlite3_value *body;
  sqlite3_value *const *values; /* of the columns beside the text */
  bool same_text;               /* keeps its vector, and its text where the index holds it */
  bool has_vector;              /* has a new one: `vector`, or that of `text` */
  float *vector;                /* what `body` is */
  koe_text text;
  int64_t slot;  /* where the row has a vector, the old slot or a new one */
  bool replaces; /* another row, `victim`, has the rowid */
  koe_row victim;
} change;

static bool own_content(const koe_index *index) {
  return index->definition.content == NULL;
}

/* ── deleting ───────────────────────────────────────────────────────────────────────────────────
 */

static int check_row(koe_index *index, int64_t rowid, const koe_row *row) {
  return row->has_vector ? koe_queue_check(index, rowid, row->slot) : SQLITE_OK;
}

/* The text goes first: its table is the one that was not looked at before. */
static int remove_row(koe_index *index, int64_t rowid, const koe_row *row) {
  int code = own_content(index) ? koe_index_execute(index, KOE_BODY_DELETE, 1, rowid, 0)
                                : SQLITE_OK;
  if (code == SQLITE_OK) code = koe_index_execute(index, KOE_ROW_DELETE, 1, rowid, 0);
  if (code == SQLITE_OK && row->has_vector) koe_queue_free_slot(index, row->slot);
  return code;
}

int koe_index_delete_row(koe_index *index, int64_t rowid) {
  koe_index_info info;
  koe_row row;
  int code = koe_queue_open(index, &info);
  if (code == SQLITE_OK) code = koe_row_find(index, rowid, &row);
  if (code == SQLITE_OK && row.exists) code = check_row(index, rowid, &row);
  return code == SQLITE_OK && row.exists ? remove_row(index, rowid, &row) : code;
}

/* ── inserting and updating: what can fail ──────────────────────────────────────────────────────
 */

/* Whether the index holds this very text for the row. */
static int compare_text(koe_index *index, int64_t rowid, sqlite3_value *text, bool *same) {
  *same = false;
  if (!own_content(index) || sqlite3_value_type(text) != SQLITE_TEXT) return SQLITE_OK;
  sqlite3_stmt *statement;
  int code = koe_index_prepare(index, KOE_BODY_READ, &statement);
  if (code != SQLITE_OK) return code;
  sqlite3_bind_int64(statement, 1, rowid);
  code = koe_index_step(index, KOE_BODY_READ, statement);
  if (code == SQLITE_ROW && sqlite3_column_type(statement, 0) == SQLITE_TEXT) {
    const void *stored = sqlite3_column_text(statement, 0), *given = sqlite3_value_text(text);
    int bytes = sqlite3_column_bytes(statement, 0);
    *same = stored != NULL && given != NULL && bytes == sqlite3_value_bytes(text) &&
            memcmp(stored, given, (size_t)bytes) == 0;
  }
  koe_index_reset(statement);
  return code == SQLITE_ROW || code == SQLITE_DONE ? SQLITE_OK : code;
}

/* Reads the new vector, or the text whose vector it will be, unless it is the old one. */
static int read_body(koe_index *index, const koe_index_info *info, change *c) {
  if (sqlite3_value_nochange(c->body)) {
    c->same_text = true;
    return SQLITE_OK;
  }
  if (sqlite3_value_type(c->body) == SQLITE_BLOB) {
    c->has_vector = true;
    return koe_index_vector(index, info, c->body, index->definition.column, &c->vector);
  }
  if (c->old.has_vector) {
    int code = compare_text(index, c->old_rowid, c->body, &c->same_text);
    if (code != SQLITE_OK || c->same_text) return code;
  }
  koe_error err;
  bool is_null;
  if (koe_text_argument(c->body, index->definition.column, &c->text, &is_null, &err) != KOE_OK) {
    return koe_index_model_failed(index, &err);
  }
  c->has_vector = !is_null;
  return SQLITE_OK;
}

static koe_new_vector new_vector(const change *c) {
  return (koe_new_vector){.vector = c->vector, .text = c->text};
}

/* Finds a place for the new vector. */
static int prepare_vector(koe_index *index, change *c) {
  koe_new_vector vector = new_vector(c);
  c->slot = c->old.slot;
  if (!c->has_vector) return SQLITE_OK;
  int code = koe_queue_reserve(index, &vector);
  return code == SQLITE_OK && !c->old.has_vector ? koe_queue_find_slot(index, &c->slot) : code;
}

static int check_conflict(koe_index *index, change *c) {
  if (c->old.exists && c->rowid == c->old_rowid) return SQLITE_OK;
  int code = koe_row_find(index, c->rowid, &c->victim);
  if (code != SQLITE_OK || !c->victim.exists) return code;
  if (sqlite3_vtab_on_conflict(index->db) != SQLITE_REPLACE) {
    return koe_index_fail(index, SQLITE_CONSTRAINT, "there is a row %lld already",
                          (long long)c->rowid);
  }
  c->replaces = true;
  return SQLITE_OK;
}

/* Whether neither the vector nor its row changes. */
static bool keeps_slot(const change *c) {
  return c->same_text && c->rowid == c->old_rowid;
}

static int prepare_change(koe_index *index, const koe_index_info *info, change *c) {
  int code = check_conflict(index, c);
  if (code != SQLITE_OK) return code;
  if (c->replaces && !c->old.exists) {
    /* A new row in place of another: an update of that one. */
    c->old = c->victim;
    c->old_rowid = c->rowid;
    c->replaces = false;
  }
  code = read_body(index, info, c);
  if (code != SQLITE_OK || keeps_slot(c)) return code;
  if (c->old.exists) code = check_row(index, c->old_rowid, &c->old);
  if (code == SQLITE_OK && c->replaces) code = check_row(index, c->rowid, &c->victim);
  return code == SQLITE_OK ? prepare_vector(index, c) : code;
}

/* ── inserting and updating: the writes ─────────────────────────────────────────────────────────
 */

static int write_body(koe_index *index, const change *c) {
  int code = SQLITE_OK;
  if (c->old.exists && c->old_rowid != c->rowid) {
    code = koe_index_execute(index, KOE_BODY_MOVE, 2, c->old_rowid, c->rowid);
  }
  if (code != SQLITE_OK || (c->same_text && !koe_columns_change(index, true, c->values))) {
    return code;
  }
  koe_new_content content = {.same_text = c->same_text,
                             .is_vector = c->vector != NULL,
                             .body = c->body,
                             .values = c->values};
  return koe_content_write(index, c->rowid, &content);
}

static int write_row(koe_index *index, const change *c, const koe_row *row) {
  if (!c->old.exists) return koe_row_add(index, c->rowid, row, c->values);
  int code = SQLITE_OK;
  if (c->old_rowid != c->rowid) {
    code = koe_index_execute(index, KOE_ROW_MOVE, 2, c->old_rowid, c->rowid);
  }
  bool moved = row->has_vector != c->old.has_vector || row->slot != c->old.slot;
  if (code != SQLITE_OK || (!moved && !koe_columns_change(index, false, c->values))) return code;
  return koe_row_change(index, c->rowid, row, c->values);
}

/* What cannot fail comes last. */
static void write_slot(koe_index *index, const change *c, const koe_row *row) {
  koe_new_vector vector = new_vector(c);
  if (row->has_vector) {
    koe_queue_put(index, row->slot, c->rowid, c->has_vector ? &vector : NULL);
  } else if (c->old.has_vector) {
    koe_queue_free_slot(index, c->old.slot);
  }
}

static int apply_change(koe_index *index, const change *c) {
  koe_row row = c->old;
  if (!keeps_slot(c)) {
    row = (koe_row){.exists = true,
                    .has_vector = c->has_vector || (c->same_text && c->old.has_vector),
                    .slot = c->slot};
  }
  int code = c->replaces ? remove_row(index, c->rowid, &c->victim) : SQLITE_OK;
  if (code == SQLITE_OK && own_content(index)) code = write_body(index, c);
  if (code == SQLITE_OK) code = write_row(index, c, &row);
  if (code == SQLITE_OK && !keeps_slot(c)) write_slot(index, c, &row);
  return code;
}

static int run_change(koe_index *index, const koe_index_info *info, change *c) {
  int code = prepare_change(index, info, c);
  if (code == SQLITE_OK) code = apply_change(index, c);
  koe_free(c->vector);
  return code;
}

/* ── xUpdate ────────────────────────────────────────────────────────────────────────────────────
 */

static int insert(koe_index *index, sqlite3_value **argv, sqlite3_int64 *rowid) {
  sqlite3_value *const *columns = argv + COLUMNS;
  if (sqlite3_value_type(columns[KOE_COLUMN_K]) != SQLITE_NULL ||
      sqlite3_value_type(columns[KOE_COLUMN_SIMILARITY]) != SQLITE_NULL) {
    return koe_index_fail(index, SQLITE_ERROR,
                          "k and similarity belong to queries: they cannot be "
                          "inserted");
  }
  koe_index_info info;
  change c = {.body = columns[KOE_COLUMN_BODY], .values = columns + KOE_COLUMN_FIRST};
  int code = koe_queue_open(index, &info);
  if (code != SQLITE_OK) return code;
  if (sqlite3_value_type(argv[NEW_ROWID]) == SQLITE_NULL) {
    code = koe_row_next(index, &c.rowid);
    if (code != SQLITE_OK) return code;
  } else if (!koe_rowid_of_value(argv[NEW_ROWID], &c.rowid)) {
    return koe_index_fail(index, SQLITE_MISMATCH, "a rowid must be an integer");
  }
  *rowid = c.rowid;
  return run_change(index, &info, &c);
}

/* Changes of k and similarity are not looked at: an UPDATE … FROM hands them back as it read them.
 */
static int update(koe_index *index, sqlite3_value **argv) {
  koe_index_info info;
  change c = {.old_rowid = sqlite3_value_int64(argv[OLD_ROWID]),
              .body = argv[COLUMNS + KOE_COLUMN_BODY],
              .values = argv + COLUMNS + KOE_COLUMN_FIRST};
  if (!sqlite3_value_nochange(argv[COLUMNS + KOE_COLUMN_TABLE]) &&
      sqlite3_value_type(argv[COLUMNS + KOE_COLUMN_TABLE]) != SQLITE_NULL) {
    return koe_index_fail(index, SQLITE_ERROR, "a command is given with INSERT, not UPDATE");
  }
  if (!koe_rowid_of_value(argv[NEW_ROWID], &c.rowid)) {
    return koe_index_fail(index, SQLITE_MISMATCH, "a rowid must be an integer");
  }
  int code = koe_queue_open(index, &info);
  if (code == SQLITE_OK) code = koe_row_find(index, c.old_rowid, &c.old);
  if (code != SQLITE_OK || !c.old.exists) return code;
  return run_change(index, &info, &c);
}

int koe_index_update(sqlite3_vtab *table, int argc, sqlite3_value **argv, sqlite3_int64 *rowid) {
  koe_index *index = (koe_index *)table;
  sqlite3_int64 last = sqlite3_last_insert_rowid(index->db);
  int code;
  koe_queue_enter(index);
  if (argc == 1) {
    code = koe_index_delete_row(index, sqlite3_value_int64(argv[OLD_ROWID]));
  } else if (sqlite3_value_type(argv[OLD_ROWID]) != SQLITE_NULL) {
    code = update(index, argv);
  } else if (sqlite3_value_type(argv[COLUMNS + KOE_COLUMN_TABLE]) != SQLITE_NULL) {
    code = koe_index_command(index, argv[COLUMNS + KOE_COLUMN_TABLE], argv[NEW_ROWID]);
    *rowid = last;
  } else {
    code = insert(index, argv, rowid);
  }
  koe_queue_leave(index);
  /* The rows of shadow tables are not the user's last insert; a row of the index is, which SQLite
   * notes afterwards. */
  sqlite3_set_last_insert_rowid(index->db, last);
  return code;
}
