/* How far long operations are: those of this process, and rebuilds of other processes.
 *
 *   SELECT name, done, total, rows_per_second, seconds_left FROM koelectra_progress;
 *                                                       -- search 41216 200000 1837.2 86.4
 *   SELECT done, total, running FROM koelectra_progress('reviews.db');
 *                                                       -- 41216 200000 1
 *
 * An operation is a 'rebuild', an 'insert' of so many rows in a transaction that they are written
 * before its end, or a 'batch' of koelectra_batch; how many rows the latter will have nobody knows.
 *
 * A rebuild of another process is seen by the file it saves its work in, beside a database that is
 * attached here, or at the path that is given: while one process changes a database that is not in
 * WAL mode, another may be unable to open it.  What was killed is there too, with running = 0; its
 * `done` are the texts that the next 'rebuild' does not embed again. */
#include "operations.h"
#include "table_function.h"

#include "index/rebuild_journal.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

SQLITE_EXTENSION_INIT3

enum {
  DATABASE,
  NAME,
  OPERATION,
  DONE,
  TOTAL,
  ROWS_PER_SECOND,
  SECONDS_LEFT,
  RESUMED,
  RESUMABLE,
  RUNNING
};

/* ── rebuilds by their files ────────────────────────────────────────────────────────────────────
 */

static const char rebuild[] = "rebuild";

typedef struct search {
  koe_operations *list;
  const char *database; /* absolute */
  koe_status status;
  koe_error *err;
} search;

/* What this process does itself it knows better. */
static bool is_listed(const search *s, const char *index) {
  for (size_t i = 0; i < s->list->count; i++) {
    const koe_operation_entry *entry = &s->list->entries[i];
    if (strcmp(entry->database, s->database) == 0 && strcmp(entry->name, index) == 0 &&
        strcmp(entry->operation, rebuild) == 0) {
      return true;
    }
  }
  return false;
}

static bool add_file(void *context, const char *path, const char *index) {
  search *s = context;
  koe_operation_entry entry = {
      .database = (char *)s->database, .name = (char *)index, .operation = rebuild};
  if (is_listed(s, index) || !koe_journal_peek(path, &entry.state, &entry.running)) return true;
  s->status = koe_operations_add(s->list, &entry, s->err);
  return s->status == KOE_OK;
}

static koe_status add_files(koe_operations *list, const char *database, koe_error *err) {
  search s = {.list = list, .database = database, .status = KOE_OK, .err = err};
  if (koe_rebuild_file_list(database, add_file, &s)) return KOE_OK;
  return s.status != KOE_OK ? s.status : koe_fail_nomem(err);
}

/* ── the table ──────────────────────────────────────────────────────────────────────────────────
 */

static void clear_list(void *rows) {
  koe_operations_clear(rows);
}

/* All operations of the process, and rebuilds of the databases that are attached. */
static koe_status add_all(koe_operations *list, sqlite3 *db, koe_error *err) {
  koe_status status = koe_operations_collect(list, NULL, err);
  const char *schema;
  for (int i = 0; status == KOE_OK && (schema = sqlite3_db_name(db, i)) != NULL; i++) {
    const char *path = sqlite3_db_filename(db, schema);
    if (path != NULL && *path != '\0') status = add_files(list, path, err);
  }
  return status;
}

/* Those of one database; none where there is no such file. */
static koe_status add_of(koe_operations *list, const char *database, koe_error *err) {
  char *path = realpath(database, NULL);
  if (path == NULL) return errno == ENOMEM ? koe_fail_nomem(err) : KOE_OK;
  koe_status status = koe_operations_collect(list, path, err);
  if (status == KOE_OK) status = add_files(list, path, err);
  free(path);
  return status;
}

static koe_status list_operations(sqlite3 *db, sqlite3_value *const *arguments, void *rows,
                                  size_t *count, koe_error *err) {
  koe_operations *list = rows;
  const char *database = NULL;
  koe_status status = KOE_OK;
  if (arguments[0] != NULL) {
    status = koe_string_argument(arguments[0], "path", &database, err);
    if (status != KOE_OK || database == NULL) return status;
  }
  status = database != NULL ? add_of(list, database, err) : add_all(list, db, err);
  *count = list->count;
  return status;
}

/* Rows that needed the model, a second; 0 where that is not known or it is over. */
static double rate(const koe_operation_entry *entry) {
  const koe_operation_state *state = &entry->state;
  if (!entry->running || state->seconds <= 0) return 0;
  return (double)(state->done - state->resumed) / state->seconds;
}

static void operation_value(sqlite3_context *context, const void *rows, size_t row, int column) {
  const koe_operation_entry *entry = &((const koe_operations *)rows)->entries[row];
  const koe_operation_state *state = &entry->state;
  switch (column) {
  case DATABASE:
    if (*entry->database != '\0') {
      sqlite3_result_text(context, entry->database, -1, SQLITE_TRANSIENT);
    }
    break;
  case NAME:
    sqlite3_result_text(context, entry->name, -1, SQLITE_TRANSIENT);
    break;
  case OPERATION:
    sqlite3_result_text(context, entry->operation, -1, SQLITE_STATIC);
    break;
  case DONE:
    sqlite3_result_int64(context, state->done);
    break;
  case TOTAL:
    if (state->total >= 0) sqlite3_result_int64(context, state->total);
    break;
  case ROWS_PER_SECOND:
    if (rate(entry) > 0) sqlite3_result_double(context, rate(entry));
    break;
  case SECONDS_LEFT:
    if (rate(entry) <= 0 || state->total < 0) break;
    sqlite3_result_double(context, (double)(state->total - state->done) / rate(entry));
    break;
  case RESUMED:
    sqlite3_result_int64(context, state->resumed);
    break;
  case RESUMABLE:
    sqlite3_result_int(context, state->resumable);
    break;
  case RUNNING:
    sqlite3_result_int(context, entry->running);
    break;
  }
}

int koe_register_progress(sqlite3 *db) {
  static const char *const columns[] = {"database TEXT",
                                        "name TEXT",
                                        "operation TEXT",
                                        "done INTEGER",
                                        "total INTEGER",
                                        "rows_per_second REAL",
                                        "seconds_left REAL",
                                        "resumed INTEGER",
                                        "resumable INTEGER",
                                        "running INTEGER",
                                        NULL};
  static const char *const arguments[] = {"path", NULL};
  static const koe_table_function progress = {.name = "koelectra_progress",
                                              .columns = columns,
                                              .arguments = arguments,
                                              .direct = true,
                                              .rows_size = sizeof(koe_operations),
                                              .filter_of = list_operations,
                                              .value = operation_value,
                                              .clear = clear_list};
  return koe_register_table_function(db, &progress);
}
