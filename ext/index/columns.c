#include "columns.h"

#include <string.h>

SQLITE_EXTENSION_INIT3

/* ── SQL ────────────────────────────────────────────────────────────────────────────────────────
 */

typedef const koe_index_definition definition;
typedef const koe_index_column column;

/* The parameter of a column's value: ?1 is the row, ?2 its slot or its text. */
static int value_parameter(column *c) {
  return c->is_auxiliary ? 2 + c->place : 3 + c->place;
}

/* The parameter of whether that value is new; these follow the values, that of the text first. */
static int flag_parameter(definition *d, column *c) {
  return value_parameter(c) + (c->is_auxiliary ? d->auxiliary_count + 1 : d->metadata_count);
}

static int text_flag_parameter(definition *d) {
  return 3 + d->auxiliary_count;
}

static char letter(column *c) {
  return c->is_auxiliary ? 'c' : 'm';
}

/* What a column adds to the list that stands for a word. */
typedef void append_column(sqlite3_str *out, definition *d, column *c);

static void append_definition(sqlite3_str *out, definition *d, column *c) {
  (void)d;
  sqlite3_str_appendf(out, ", %c%d%s%s", letter(c), c->place, *c->type != '\0' ? " " : "", c->type);
}

/* A constraint and not CREATE INDEX: its name follows when the table is renamed. */
static void append_unique(sqlite3_str *out, definition *d, column *c) {
  (void)d;
  if (c->is_partition) sqlite3_str_appendf(out, ", UNIQUE(m%d, slot)", c->place);
}

static void append_column_name(sqlite3_str *out, definition *d, column *c) {
  (void)d;
  sqlite3_str_appendf(out, ", %c%d", letter(c), c->place);
}

static void append_parameter(sqlite3_str *out, definition *d, column *c) {
  (void)d;
  sqlite3_str_appendf(out, ", ?%d", value_parameter(c));
}

static void append_change(sqlite3_str *out, definition *d, column *c) {
  sqlite3_str_appendf(out, ", %c%d = iif(?%d, ?%d, %c%d)", letter(c), c->place,
                      flag_parameter(d, c), value_parameter(c), letter(c), c->place);
}

static void append_source(sqlite3_str *out, definition *d, column *c) {
  if (d->content != NULL) {
    sqlite3_str_appendf(out, ", content.\"%w\"", c->name);
  } else if (c->is_auxiliary) {
    sqlite3_str_appendf(out, ", content.c%d", c->place);
  }
}

/* +: a value without the affinity that the content table gave it is compared as one that `rows` was
 * given.  What a REAL column was given has become a REAL; SQLite would compare it exactly. */
static void append_difference(sqlite3_str *out, definition *d, column *c) {
  if (d->content == NULL) return;
  sqlite3_str_appendf(out, " OR (r.m%d IS NOT +content.\"%w\"", c->place, c->name);
  if (strcmp(c->type, "REAL") == 0) {
    sqlite3_str_appendf(
        out, " AND NOT (typeof(r.m%d) = 'real' AND r.m%d = CAST(content.\"%w\" AS REAL))", c->place,
        c->place, c->name);
  }
  sqlite3_str_appendchar(out, 1, ')');
}

static void append_each(definition *d, bool auxiliary, append_column *append, sqlite3_str *out) {
  for (int i = 0; i < d->column_count; i++) {
    if (d->columns[i].is_auxiliary == auxiliary) append(out, d, &d->columns[i]);
  }
}

bool koe_columns_expand(const koe_index *index, const char *word, size_t length, sqlite3_str *out) {
  static const struct {
    const char *word;
    bool auxiliary;
    append_column *append, *append_then;
  } lists[] = {{"definitions", false, append_definition, append_unique},
               {"columns", false, append_column_name, NULL},
               {"parameters", false, append_parameter, NULL},
               {"changes", false, append_change, NULL},
               {"given", false, append_source, NULL},
               {"differences", false, append_difference, NULL},
               {"auxdefinitions", true, append_definition, NULL},
               {"auxcolumns", true, append_column_name, NULL},
               {"auxparameters", true, append_parameter, NULL},
               {"auxchanges", true, append_change, NULL},
               {"auxgiven", true, append_source, NULL}};
  definition *d = &index->definition;
  if (length == strlen("textflag") && strncmp(word, "textflag", length) == 0) {
    sqlite3_str_appendf(out, "?%d", text_flag_parameter(d));
    return true;
  }
  for (size_t i = 0; i < sizeof lists / sizeof lists[0]; i++) {
    if (strlen(lists[i].word) != length || strncmp(word, lists[i].word, length) != 0) continue;
    append_each(d, lists[i].auxiliary, lists[i].append, out);
    if (lists[i].append_then != NULL) append_each(d, lists[i].auxiliary, lists[i].append_then, out);
    return true;
  }
  return false;
}

/* ── bindings ───────────────────────────────────────────────────────────────────────────────────
 */

/* Binds the values of one kind of columns; with `flags`, also which of them are new. */
static int bind_values(const koe_index *index, bool auxiliary, sqlite3_value *const *values,
                       bool flags, sqlite3_stmt *statement) {
  definition *d = &index->definition;
  int code = SQLITE_OK;
  for (int i = 0; code == SQLITE_OK && i < d->column_count; i++) {
    column *c = &d->columns[i];
    if (c->is_auxiliary != auxiliary) continue;
    bool is_new = !sqlite3_value_nochange(values[i]);
    if (is_new) code = sqlite3_bind_value(statement, value_parameter(c), values[i]);
    if (code == SQLITE_OK && flags) {
      code = sqlite3_bind_int(statement, flag_parameter(d, c), is_new);
    }
  }
  return code;
}

/* Binds the metadata of a content table's row, columns 2 … of a row as of KOE_SOURCE_READ. */
static int bind_source(const koe_index *index, sqlite3_stmt *source, sqlite3_stmt *statement) {
  definition *d = &index->definition;
  int code = SQLITE_OK;
  for (int i = 0; code == SQLITE_OK && d->content != NULL && i < d->metadata_count; i++)
    code = sqlite3_bind_value(statement, 3 + i, sqlite3_column_value(source, 2 + i));
  return code;
}

bool koe_columns_change(const koe_index *index, bool auxiliary, sqlite3_value *const *values) {
  definition *d = &index->definition;
  for (int i = 0; i < d->column_count; i++) {
    if (d->columns[i].is_auxiliary == auxiliary && !sqlite3_value_nochange(values[i])) return true;
  }
  return false;
}

/* ── rows ───────────────────────────────────────────────────────────────────────────────────────
 */

/* Where the metadata of a row come from: one of them, or neither. */
typedef struct origin {
  sqlite3_value *const *values;
  bool flags;
  sqlite3_stmt *source;
} origin;

static int write_row(koe_index *index, koe_statement id, int64_t rowid, const koe_row *row,
                     origin from) {
  sqlite3_stmt *statement;
  int code = koe_index_prepare(index, id, &statement);
  if (code != SQLITE_OK) return code;
  sqlite3_bind_int64(statement, 1, rowid);
  if (row->has_vector) sqlite3_bind_int64(statement, 2, row->slot);
  if (from.values != NULL) code = bind_values(index, false, from.values, from.flags, statement);
  if (from.source != NULL) code = bind_source(index, from.source, statement);
  if (code == SQLITE_OK) code = koe_index_step(index, id, statement);
  koe_index_reset(statement);
  return code == SQLITE_DONE ? SQLITE_OK : code;
}

int koe_row_add(koe_index *index, int64_t rowid, const koe_row *row, sqlite3_value *const *values) {
  return write_row(index, KOE_ROW_INSERT, rowid, row, (origin){.values = values});
}

int koe_row_change(koe_index *index, int64_t rowid, const koe_row *row,
                   sqlite3_value *const *values) {
  return write_row(index, KOE_ROW_CHANGE, rowid, row, (origin){.values = values, .flags = true});
}

int koe_rows_begin_rebuild(koe_index *index) {
  bool own = index->definition.content == NULL;
  return koe_index_execute(index, own ? KOE_ROW_FREE_ALL : KOE_ROW_DELETE_ALL, 0, 0, 0);
}

int koe_row_put(koe_index *index, int64_t rowid, const koe_row *row, sqlite3_stmt *source) {
  return write_row(index, KOE_ROW_PUT, rowid, row, (origin){.source = source});
}

int koe_rows_end_rebuild(koe_index *index) {
  if (index->definition.content != NULL) return SQLITE_OK;
  return koe_index_execute(index, KOE_ROW_DELETE_STRAY, 0, 0, 0);
}

/* ── content ────────────────────────────────────────────────────────────────────────────────────
 */

/* A row that was inserted as a vector has the empty BLOB for a text (FORMAT.md). */
int koe_content_write(koe_index *index, int64_t rowid, const koe_new_content *content) {
  definition *d = &index->definition;
  bool all = !content->same_text && d->auxiliary_count == 0;
  koe_statement id = all ? KOE_BODY_WRITE : KOE_BODY_CHANGE;
  sqlite3_stmt *statement;
  int code = koe_index_prepare(index, id, &statement);
  if (code != SQLITE_OK) return code;
  sqlite3_bind_int64(statement, 1, rowid);
  if (content->is_vector) {
    code = sqlite3_bind_blob(statement, 2, "", 0, SQLITE_STATIC);
  } else if (!content->same_text) {
    code = sqlite3_bind_value(statement, 2, content->body);
  }
  if (code == SQLITE_OK) code = bind_values(index, true, content->values, !all, statement);
  if (code == SQLITE_OK && !all) {
    code = sqlite3_bind_int(statement, text_flag_parameter(d), !content->same_text);
  }
  if (code == SQLITE_OK) code = koe_index_step(index, id, statement);
  koe_index_reset(statement);
  return code == SQLITE_DONE ? SQLITE_OK : code;
}
