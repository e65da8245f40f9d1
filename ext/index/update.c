/* INSERT INTO search(rowid, body) VALUES(1, '배우 연기가 좋았어요');
 * UPDATE search SET body = '…' WHERE rowid = 1;
 * DELETE FROM search WHERE rowid = 1;
 *
 * SQLite gives an INSERT of one row no savepoint of its own inside a transaction.  So a change
 * first does all that can fail (conflicts, the model, damage in what it is going to touch), and
 * then writes. */
#include "update.h"

#include "commands.h"
#include "embedding.h"
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
  bool same_text; /* keeps its vector, and its text where the index holds it */
  float *vector;  /* the new one; NULL for a NULL text */
  bool replaces;  /* another row, `victim`, has the rowid */
  koe_row victim;
} change;

static bool own_content(const koe_index *index) {
  return index->definition.content == NULL;
}

/* ── deleting ───────────────────────────────────────────────────────────────────────────────────
 */

static int check_row(koe_index *index, const koe_index_info *info, int64_t rowid,
                     const koe_row *row) {
  return row->has_vector ? koe_slot_check(index, info, rowid, row->slot) : SQLITE_OK;
}

/* The text goes first: its table is the one that was not looked at before. */
static int remove_row(koe_index *index, int64_t rowid, const koe_row *row) {
  int code = own_content(index) ? koe_index_execute(index, KOE_BODY_DELETE, 1, rowid, 0)
                                : SQLITE_OK;
  if (code == SQLITE_OK && row->has_vector) code = koe_slot_free(index, row->slot);
  return code == SQLITE_OK ? koe_index_execute(index, KOE_ROW_DELETE, 1, rowid, 0) : code;
}

int koe_index_delete_row(koe_index *index, int64_t rowid) {
  koe_index_info info;
  koe_row row;
  int code = koe_storage_read_info(index, &info);
  if (code == SQLITE_OK) code = koe_row_find(index, rowid, &row);
  if (code == SQLITE_OK && row.exists) code = check_row(index, &info, rowid, &row);
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

/* Embeds the new text, unless it is the old one. */
static int prepare_vector(koe_index *index, const koe_index_info *info, change *c) {
  if (sqlite3_value_nochange(c->body)) {
    c->same_text = true;
    return SQLITE_OK;
  }
  if (c->old.has_vector) {
    int code = compare_text(index, c->old_rowid, c->body, &c->same_text);
    if (code != SQLITE_OK || c->same_text) return code;
  }
  koe_error err;
  koe_text text;
  bool is_null;
  if (koe_text_argument(c->body, index->definition.column, &text, &is_null, &err) != KOE_OK) {
    return koe_index_model_failed(index, &err);
  }
  if (is_null) return SQLITE_OK;
  c->vector = koe_alloc_aligned(info->dimension, sizeof *c->vector);
  return c->vector != NULL ? koe_index_embed(index, info, text, c->vector) : SQLITE_NOMEM;
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

static int prepare_change(koe_index *index, const koe_index_info *info, change *c) {
  int code = check_conflict(index, c);
  if (code != SQLITE_OK) return code;
  if (c->replaces && !c->old.exists) {
    /* A new row in place of another: an update of that one. */
    c->old = c->victim;
    c->old_rowid = c->rowid;
    c->replaces = false;
  }
  code = prepare_vector(index, info, c);
  if (code == SQLITE_OK && c->old.exists) code = check_row(index, info, c->old_rowid, &c->old);
  if (code == SQLITE_OK && c->replaces) code = check_row(index, info, c->rowid, &c->victim);
  if (code == SQLITE_OK && c->vector != NULL && !c->old.has_vector) {
    code = koe_slot_check_room(index, info);
  }
  return code;
}

/* ── inserting and updating: the writes ─────────────────────────────────────────────────────────
 */

static int write_body(koe_index *index, const change *c) {
  bool moves = c->old.exists && c->old_rowid != c->rowid;
  if (c->same_text) {
    return moves ? koe_index_execute(index, KOE_BODY_MOVE, 2, c->old_rowid, c->rowid) : SQLITE_OK;
  }
  sqlite3_stmt *statement;
  int code = koe_index_prepare(index, KOE_BODY_WRITE, &statement);
  if (code != SQLITE_OK) return code;
  sqlite3_bind_int64(statement, 1, c->rowid);
  code = sqlite3_bind_value(statement, 2, c->body);
  if (code == SQLITE_OK) code = koe_index_step(index, KOE_BODY_WRITE, statement);
  koe_index_reset(statement);
  if (code != SQLITE_DONE) return code;
  return moves ? koe_index_execute(index, KOE_BODY_DELETE, 1, c->old_rowid, 0) : SQLITE_OK;
}

/* Brings the row's slot to what the change says; `row` is the result. */
static int write_slot(koe_index *index, const koe_index_info *info, const change *c, koe_row *row) {
  *row = (koe_row){.exists = true,
                   .has_vector = c->same_text ? c->old.has_vector : c->vector != NULL,
                   .slot = c->old.slot};
  if (row->has_vector && c->old.has_vector) {
    return koe_slot_write(index, info, row->slot, c->rowid, c->vector);
  }
  if (row->has_vector) return koe_slot_take(index, info, c->rowid, c->vector, &row->slot);
  return c->old.has_vector ? koe_slot_free(index, c->old.slot) : SQLITE_OK;
}

static int write_row(koe_index *index, const change *c, const koe_row *row) {
  if (!c->old.exists) return koe_row_insert(index, c->rowid, row);
  if (c->old_rowid == c->rowid) {
    bool moved = row->has_vector != c->old.has_vector || row->slot != c->old.slot;
    return moved ? koe_row_set_slot(index, c->rowid, row) : SQLITE_OK;
  }
  int code = koe_index_execute(index, KOE_ROW_DELETE, 1, c->old_rowid, 0);
  return code == SQLITE_OK ? koe_row_insert(index, c->rowid, row) : code;
}

static int apply_change(koe_index *index, const koe_index_info *info, const change *c) {
  koe_row row;
  int code = c->replaces ? remove_row(index, c->rowid, &c->victim) : SQLITE_OK;
  if (code == SQLITE_OK && own_content(index)) code = write_body(index, c);
  if (code == SQLITE_OK) code = write_slot(index, info, c, &row);
  return code == SQLITE_OK ? write_row(index, c, &row) : code;
}

static int run_change(koe_index *index, const koe_index_info *info, change *c) {
  int code = prepare_change(index, info, c);
  if (code == SQLITE_OK) code = apply_change(index, info, c);
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
  change c = {.body = columns[KOE_COLUMN_BODY]};
  int code = koe_storage_read_info(index, &info);
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
              .body = argv[COLUMNS + KOE_COLUMN_BODY]};
  if (!sqlite3_value_nochange(argv[COLUMNS + KOE_COLUMN_TABLE]) &&
      sqlite3_value_type(argv[COLUMNS + KOE_COLUMN_TABLE]) != SQLITE_NULL) {
    return koe_index_fail(index, SQLITE_ERROR, "a command is given with INSERT, not UPDATE");
  }
  if (!koe_rowid_of_value(argv[NEW_ROWID], &c.rowid)) {
    return koe_index_fail(index, SQLITE_MISMATCH, "a rowid must be an integer");
  }
  int code = koe_storage_read_info(index, &info);
  if (code == SQLITE_OK) code = koe_row_find(index, c.old_rowid, &c.old);
  if (code != SQLITE_OK || !c.old.exists) return code;
  return run_change(index, &info, &c);
}

int koe_index_update(sqlite3_vtab *table, int argc, sqlite3_value **argv, sqlite3_int64 *rowid) {
  koe_index *index = (koe_index *)table;
  sqlite3_int64 last = sqlite3_last_insert_rowid(index->db);
  int code;
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
  /* The rows of shadow tables are not the user's last insert; a row of the index is, which SQLite
   * notes afterwards. */
  sqlite3_set_last_insert_rowid(index->db, last);
  return code;
}
