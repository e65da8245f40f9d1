#include "filter.h"

#include "../../model/memory.h"

#include <string.h>

SQLITE_EXTENSION_INIT3

static const struct {
  int op;
  const char *words, *sql; /* around the value: `words` in idxStr */
  bool compares;           /* by a collation */
} conditions[] = {{SQLITE_INDEX_CONSTRAINT_EQ, " = ?", " = ", true},
                  {SQLITE_INDEX_CONSTRAINT_NE, " <> ?", " <> ", true},
                  {SQLITE_INDEX_CONSTRAINT_LT, " < ?", " < ", true},
                  {SQLITE_INDEX_CONSTRAINT_LE, " <= ?", " <= ", true},
                  {SQLITE_INDEX_CONSTRAINT_GT, " > ?", " > ", true},
                  {SQLITE_INDEX_CONSTRAINT_GE, " >= ?", " >= ", true},
                  {SQLITE_INDEX_CONSTRAINT_IS, " is ?", " IS ", true},
                  {SQLITE_INDEX_CONSTRAINT_ISNOT, " is not ?", " IS NOT ", true},
                  {SQLITE_INDEX_CONSTRAINT_ISNULL, " is null", " IS ", false},
                  {SQLITE_INDEX_CONSTRAINT_ISNOTNULL, " is not null", " IS NOT ", false},
                  {SQLITE_INDEX_CONSTRAINT_LIKE, " like ?", " LIKE ", false},
                  {SQLITE_INDEX_CONSTRAINT_GLOB, " glob ?", " GLOB ", false},
                  {-1, " < ? or blob", " < ", true},
                  {-1, " in (?)", " IN ", true}};

enum {
  CONDITIONS = sizeof conditions / sizeof conditions[0],
  IN = CONDITIONS - 1,
  LT_OR_BLOB = CONDITIONS - 2
};

static const char begin[] = "where ", and[] = " and ", collate[] = " collate ";

static const koe_index_column *find_column(const koe_index *index, int column) {
  int i = column - KOE_COLUMN_FIRST;
  return i >= 0 && i < index->definition.column_count && !index->definition.columns[i].is_auxiliary
             ? &index->definition.columns[i]
             : NULL;
}

static int find_condition(int op) {
  for (int i = 0; i < LT_OR_BLOB; i++) {
    if (conditions[i].op == op) return i;
  }
  return -1;
}

/* ── xBestIndex ─────────────────────────────────────────────────────────────────────────────────
 */

bool koe_filter_knows(const koe_index *index, int column, int op, const char *collation) {
  int condition = find_condition(op);
  if (condition < 0 || strchr(collation, '$') != NULL) return false; /* $: koe_index_expand */
  if (column >= 0) return find_column(index, column) != NULL;
  return conditions[condition].compares;
}

static bool is_plain(const char *name) {
  static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_";
  for (const char *c = name; *c != '\0'; c++) {
    bool letter = ((unsigned char)*c & 0x80) != 0 || strchr(letters, *c) != NULL;
    if (!letter && (c == name || *c < '0' || *c > '9')) return false;
  }
  return *name != '\0';
}

static void append_name(sqlite3_str *words, const char *name) {
  sqlite3_str_appendf(words, is_plain(name) ? "%s" : "\"%w\"", name);
}

void koe_filter_append(const koe_index *index, int column, int op, koe_filter_kind kind,
                       const char *collation, sqlite3_str *words) {
  int condition = kind == KOE_FILTER_IN            ? IN
                  : kind == KOE_FILTER_BESIDE_LIKE ? LT_OR_BLOB
                                                   : find_condition(op);
  const char *so_far = sqlite3_str_value(words);
  bool first = so_far == NULL || strstr(so_far, begin) == NULL;
  const char *space = first && sqlite3_str_length(words) > 0 ? " " : "";
  sqlite3_str_appendf(words, "%s%s", space, first ? begin : and);
  append_name(words, column < 0 ? "rowid" : find_column(index, column)->name);
  sqlite3_str_appendall(words, conditions[condition].words);
  if (conditions[condition].compares && sqlite3_stricmp(collation, "BINARY") != 0) {
    sqlite3_str_appendall(words, collate);
    append_name(words, collation);
  }
}

/* ── xFilter: words to SQL ──────────────────────────────────────────────────────────────────────
 */

/* Copies a name, plain or quoted, without its quotes; `*at` is then behind it. */
static char *parse_name(const char **at) {
  const char *from = *at;
  bool quoted = *from == '"';
  size_t length = quoted ? strlen(from) : strcspn(from, " ");
  char *name = koe_copy_string(from, length);
  if (name == NULL) return NULL;
  if (!quoted) {
    *at += length;
    return name;
  }
  char *to = name;
  for (from++; *from != '\0'; from++) {
    if (*from == '"' && *++from != '"') break;
    *to++ = *from;
  }
  *to = '\0';
  *at = from;
  return name;
}

static bool skip(const char **at, const char *words) {
  size_t length = strlen(words);
  if (strncmp(*at, words, length) != 0) return false;
  *at += length;
  return true;
}

/* The column of that name in `rows`. */
static void append_column(const koe_index *index, const char *name, sqlite3_str *sql) {
  for (int i = 0; i < index->definition.column_count; i++) {
    const koe_index_column *column = &index->definition.columns[i];
    if (sqlite3_stricmp(column->name, name) != 0) continue;
    sqlite3_str_appendf(sql, "m%d", column->place);
    return;
  }
  sqlite3_str_appendall(sql, "rowid");
}

static void append_blob(const koe_index *index, const char *name, sqlite3_str *sql) {
  sqlite3_str_appendall(sql, "(typeof(");
  append_column(index, name, sql);
  sqlite3_str_appendall(sql, ") = 'blob' OR ");
}

/* Translates the condition at `*at`, whose value is that parameter.  Its number, or -1 where memory
 * is short. */
static int append_condition(const koe_index *index, const char **at, int parameter,
                            sqlite3_str *sql) {
  char *name = parse_name(at), *collation = NULL;
  int condition = CONDITIONS - 1; /* the last first: " < ? or blob" begins as " < ?" does */
  while (condition >= 0 && !skip(at, conditions[condition].words))
    condition--;
  bool collated = condition >= 0 && skip(at, collate);
  if (collated) collation = parse_name(at);
  if (name == NULL || condition < 0 || (collated && collation == NULL)) {
    condition = -1;
  } else {
    if (condition == LT_OR_BLOB) append_blob(index, name, sql);
    append_column(index, name, sql);
    if (collated) sqlite3_str_appendf(sql, " COLLATE \"%w\"", collation);
    sqlite3_str_appendf(
        sql, condition == IN ? "%s(SELECT value FROM koelectra_index_values(?%d))" : "%s?%d",
        conditions[condition].sql, parameter);
    if (condition == LT_OR_BLOB) sqlite3_str_appendchar(sql, 1, ')');
  }
  koe_free(name);
  koe_free(collation);
  return condition;
}

/* Writes the statement, and the list of its conditions. */
static int write_sql(koe_index *index, bool slots, koe_filter *filter, sqlite3_str *sql) {
  const char *at = strstr(filter->words, begin);
  const char *joint = " WHERE ";
  sqlite3_str_appendall(sql, slots ? "SELECT koelectra_index_slots(?1, slot) FROM $rows"
                                   : "SELECT rowid$columns FROM $rows");
  filter->first_parameter = slots ? 2 : 1;
  if (at != NULL) at += strlen(begin);
  while (at != NULL && *at != '\0') {
    size_t i = filter->count;
    if (!koe_grow(&filter->items, &filter->capacity, i + 1, sizeof *filter->items)) {
      return SQLITE_NOMEM;
    }
    sqlite3_str_appendall(sql, joint);
    int condition = append_condition(index, &at, filter->first_parameter + (int)i, sql);
    if (condition < 0) return SQLITE_NOMEM;
    filter->items[i] = (koe_filter_item){.is_list = condition == IN};
    filter->count++;
    skip(&at, and);
    joint = " AND ";
  }
  /* Last, where it is asked of few rows. */
  if (slots) sqlite3_str_appendf(sql, "%sslot IS NOT NULL", joint);
  if (!slots) sqlite3_str_appendall(sql, " ORDER BY rowid");
  return SQLITE_OK;
}

/* ── xFilter: the statement ─────────────────────────────────────────────────────────────────────
 */

void koe_filter_stop(koe_filter *filter) {
  koe_index_reset(filter->statement);
  for (size_t i = 0; i < filter->count; i++)
    koe_values_clear(&filter->items[i].list);
}

void koe_filter_clear(koe_filter *filter) {
  koe_filter_stop(filter);
  sqlite3_finalize(filter->statement);
  koe_free(filter->words);
  koe_free(filter->items);
  *filter = (koe_filter){0};
}

static int prepare(koe_index *index, const char *words, bool slots, koe_filter *filter) {
  if (words == NULL) words = "";
  if (filter->statement != NULL && strcmp(words, filter->words) == 0) return SQLITE_OK;
  koe_filter_clear(filter);
  filter->words = koe_copy_string(words, strlen(words));
  if (filter->words == NULL) return SQLITE_NOMEM;
  sqlite3_str *sql = sqlite3_str_new(index->db);
  int code = write_sql(index, slots, filter, sql);
  char *text = sqlite3_str_finish(sql);
  if (code == SQLITE_OK && text == NULL) code = SQLITE_NOMEM;
  if (code == SQLITE_OK) code = koe_index_prepare_sql(index, text, "rows", &filter->statement);
  sqlite3_free(text);
  return code;
}

int koe_filter_start(koe_index *index, const char *words, bool slots, sqlite3_value *const *argv,
                     koe_filter *filter) {
  koe_filter_stop(filter);
  int code = prepare(index, words, slots, filter);
  for (size_t i = 0; code == SQLITE_OK && i < filter->count; i++) {
    koe_filter_item *item = &filter->items[i];
    int parameter = filter->first_parameter + (int)i;
    if (!item->is_list) {
      code = sqlite3_bind_value(filter->statement, parameter, argv[i]);
      continue;
    }
    code = koe_values_read(&item->list, argv[i]);
    if (code == SQLITE_OK) code = koe_values_bind(&item->list, filter->statement, parameter);
  }
  return code;
}

int koe_filter_step(koe_index *index, koe_filter *filter) {
  int code = sqlite3_step(filter->statement);
  if (code != SQLITE_ERROR) return code;
  /* Of LIKE, say, or of a collation of the user's. */
  return koe_index_fail(index, code, "%s", sqlite3_errmsg(index->db));
}

int koe_filter_read_slots(koe_index *index, koe_filter *filter, koe_slots *out) {
  int code = koe_collected_slots_bind(out, filter->statement, 1);
  if (code != SQLITE_OK) return code;
  code = koe_filter_step(index, filter);
  if (code != SQLITE_ROW) return code == SQLITE_DONE ? SQLITE_OK : code;
  if (sqlite3_column_type(filter->statement, 0) == SQLITE_NULL) return SQLITE_OK;
  return koe_index_damaged(index, "rows", "a row has no possible slot");
}
