/* CREATE VIRTUAL TABLE search USING koelectra_index(body);
 * INSERT INTO search(body) VALUES('배우 연기가 좋았어요');
 * SELECT rowid, body, similarity FROM search WHERE search MATCH '연기 잘하는 배우' AND k = 5;
 *
 * or over a table of the user's, which keeps the texts:
 *
 * CREATE VIRTUAL TABLE search USING koelectra_index(body, content='review', content_rowid='id');
 * INSERT INTO search(search) VALUES('rebuild');
 *
 * This file makes and ends the table; plan.c and cursor.c read it, update.c and commands.c change
 * it. */
#include "index.h"

#include "commands.h"
#include "cursor.h"
#include "image.h"
#include "plan.h"
#include "queue.h"
#include "storage.h"
#include "update.h"
#include "values.h"

#include "../../model/memory.h"
#include "../../model/registry.h"

#include <string.h>
#include <strings.h>

SQLITE_EXTENSION_INIT3

/* What SQLite hands to xCreate and xConnect. */
enum { ARG_SCHEMA = 1, ARG_NAME = 2, ARG_FIRST = 3 };

static void index_free(koe_index *index) {
  if (index == NULL) return;
  koe_image_leave(index, false);
  koe_index_finalize(index);
  koe_queue_detach(index);
  koe_rebuild_end_rollback(&index->rebuilt);
  koe_index_definition_clear(&index->definition);
  koe_free(index->schema);
  koe_free(index->name);
  koe_free(index->vectors_table);
  sqlite3_free(index->base.zErrMsg);
  koe_free(index);
}

bool koe_index_name_is_free(const koe_index_definition *definition, const char *name) {
  for (int i = 0; i < definition->column_count; i++) {
    if (sqlite3_stricmp(name, definition->columns[i].name) == 0) return false;
  }
  return sqlite3_stricmp(name, definition->column) != 0 && sqlite3_stricmp(name, "k") != 0 &&
         sqlite3_stricmp(name, "similarity") != 0 && sqlite3_stricmp(name, "rowid") != 0;
}

static int fail_name(koe_index *index, const char *name) {
  return koe_index_fail(index, SQLITE_ERROR,
                        "an index cannot be called %s: it has a column of that name", name);
}

static int index_new(sqlite3 *db, koe_queues *queues, int argc, const char *const *argv,
                     koe_index **out) {
  koe_index *index = koe_alloc_zero(1, sizeof *index);
  *out = index;
  if (index == NULL) return SQLITE_NOMEM;
  const char *name = argv[ARG_NAME];
  index->db = db;
  index->schema = koe_copy_string(argv[ARG_SCHEMA], strlen(argv[ARG_SCHEMA]));
  index->name = koe_copy_string(name, strlen(name));
  index->vectors_table = koe_alloc(strlen(name) + sizeof "_vectors", 1);
  if (index->schema == NULL || index->name == NULL || index->vectors_table == NULL) {
    return SQLITE_NOMEM;
  }
  strcpy(index->vectors_table, name);
  strcat(index->vectors_table, "_vectors");
  int code = koe_queue_attach(queues, index);
  if (code != SQLITE_OK) return code;

  koe_error err;
  koe_status status =
      koe_index_definition_parse(argv + ARG_FIRST, argc - ARG_FIRST, &index->definition, &err);
  if (status != KOE_OK) return koe_index_model_failed(index, &err);
  return koe_index_name_is_free(&index->definition, name) ? SQLITE_OK : fail_name(index, name);
}

static int declare(koe_index *index) {
  sqlite3_str *text = sqlite3_str_new(index->db);
  sqlite3_str_appendf(
      text, "CREATE TABLE x(\"%w\" TEXT, \"%w\" HIDDEN, k INTEGER HIDDEN, similarity REAL HIDDEN",
      index->definition.column, index->name);
  for (int i = 0; i < index->definition.column_count; i++) {
    const koe_index_column *column = &index->definition.columns[i];
    sqlite3_str_appendf(text, ", \"%w\" %s", column->name, column->type);
  }
  sqlite3_str_appendchar(text, 1, ')');
  char *sql = sqlite3_str_finish(text);
  if (sql == NULL) return SQLITE_NOMEM;
  int code = sqlite3_declare_vtab(index->db, sql);
  sqlite3_free(sql);
  if (code != SQLITE_OK) return koe_index_fail(index, code, "%s", sqlite3_errmsg(index->db));
  code = sqlite3_vtab_config(index->db, SQLITE_VTAB_CONSTRAINT_SUPPORT, 1);
  return code == SQLITE_OK ? sqlite3_vtab_config(index->db, SQLITE_VTAB_INNOCUOUS) : code;
}

/* Ends xCreate or xConnect: hands the table over, or its error. */
static int finish(int code, koe_index *index, sqlite3_vtab **out, char **message) {
  if (code == SQLITE_OK) {
    *out = &index->base;
    return SQLITE_OK;
  }
  if (index != NULL) {
    *message = index->base.zErrMsg;
    index->base.zErrMsg = NULL;
  }
  index_free(index);
  return code;
}

/* Whether texts can be read as the definition says. */
static int check_content(koe_index *index) {
  sqlite3_stmt *statement;
  const char *content = index->definition.content;
  if (content == NULL) return SQLITE_OK;
  if (sqlite3_stricmp(content, index->name) == 0) {
    return koe_index_fail(index, SQLITE_ERROR, "content='%s' is the index itself", content);
  }
  int code = koe_index_prepare(index, KOE_SOURCE_READ, &statement);
  if (code != SQLITE_OK) return code;
  code = koe_index_prepare_sql(index, "SELECT content.$id$auxgiven FROM $source AS content",
                               "source", &statement);
  sqlite3_finalize(statement);
  return code;
}

static int read_model(koe_index *index, koe_index_info *out) {
  koe_error err;
  const koe_model *model;
  if (koe_registry_acquire(index->definition.model, &model, &err) != KOE_OK) {
    return koe_index_model_failed(index, &err);
  }
  *out = (koe_index_info){.fingerprint = koe_model_fingerprint(model),
                          .dimension = koe_model_dimension(model)};
  koe_registry_release(model);
  return SQLITE_OK;
}

static int create(sqlite3 *db, void *client, int argc, const char *const *argv, sqlite3_vtab **out,
                  char **message) {
  koe_index *index;
  koe_index_info info;
  int code = index_new(db, client, argc, argv, &index);
  if (code == SQLITE_OK) code = check_content(index);
  if (code == SQLITE_OK) code = read_model(index, &info);
  if (code == SQLITE_OK) code = koe_storage_create(index, false);
  if (code == SQLITE_OK) code = koe_storage_write_info(index, &info);
  if (code == SQLITE_OK) code = declare(index);
  return finish(code, index, out, message);
}

/* Reads no table: an index whose tables are damaged can still be dropped. */
static int connect(sqlite3 *db, void *client, int argc, const char *const *argv, sqlite3_vtab **out,
                   char **message) {
  koe_index *index;
  int code = index_new(db, client, argc, argv, &index);
  if (code == SQLITE_OK) code = declare(index);
  return finish(code, index, out, message);
}

static int disconnect(sqlite3_vtab *table) {
  index_free((koe_index *)table);
  return SQLITE_OK;
}

static int destroy(sqlite3_vtab *table) {
  koe_index *index = (koe_index *)table;
  koe_queue_clear(index);
  koe_index_finalize(index);
  int code = koe_storage_drop(index);
  if (code != SQLITE_OK) return code;
  koe_rebuild_forget(index->db, index->schema, index->name);
  koe_image_leave(index, true);
  index_free(index);
  return SQLITE_OK;
}

static int rename_index(sqlite3_vtab *table, const char *name) {
  koe_index *index = (koe_index *)table;
  if (!koe_index_name_is_free(&index->definition, name)) return fail_name(index, name);
  int code = koe_queue_flush(index);
  if (code != SQLITE_OK) return code;
  koe_index_finalize(index);
  koe_rebuild_forget(index->db, index->schema, index->name);
  return koe_storage_rename(index, name);
}

static int is_shadow_name(const char *suffix) {
  static const char *const suffixes[] = {"info", "chunks", "vectors", "rows", "content"};
  for (size_t i = 0; i < sizeof suffixes / sizeof suffixes[0]; i++) {
    if (sqlite3_stricmp(suffix, suffixes[i]) == 0) return 1;
  }
  return 0;
}

/* ── transactions ───────────────────────────────────────────────────────────────────────────────
 */

/* SQLite wants the method where there are others of transactions. */
static int begin(sqlite3_vtab *table) {
  (void)table;
  return SQLITE_OK;
}

static int sync_index(sqlite3_vtab *table) {
  return koe_queue_flush((koe_index *)table);
}

static int commit(sqlite3_vtab *table) {
  koe_index *index = (koe_index *)table;
  koe_queue_end(index);
  koe_rebuild_end_commit(&index->rebuilt);
  return SQLITE_OK;
}

static int rollback(sqlite3_vtab *table) {
  koe_index *index = (koe_index *)table;
  koe_queue_end(index);
  koe_rebuild_end_rollback(&index->rebuilt);
  return SQLITE_OK;
}

/* What comes before a savepoint is written, so that what is in the queue came after all of them. */
static int savepoint(sqlite3_vtab *table, int number) {
  koe_index *index = (koe_index *)table;
  koe_rebuild_end_savepoint(&index->rebuilt, number);
  return koe_queue_savepoint(index, number);
}

static int release(sqlite3_vtab *table, int number) {
  koe_index *index = (koe_index *)table;
  koe_rebuild_end_release(&index->rebuilt, number);
  koe_queue_release(index, number);
  return SQLITE_OK;
}

static int rollback_to(sqlite3_vtab *table, int number) {
  koe_index *index = (koe_index *)table;
  koe_rebuild_end_rollback_to(&index->rebuilt, number);
  koe_queue_rollback_to(index, number);
  return SQLITE_OK;
}

static const sqlite3_module module = {
    .iVersion = 3,
    .xCreate = create,
    .xConnect = connect,
    .xBestIndex = koe_plan_best_index,
    .xDisconnect = disconnect,
    .xDestroy = destroy,
    .xOpen = koe_cursor_open,
    .xClose = koe_cursor_close,
    .xFilter = koe_cursor_filter,
    .xNext = koe_cursor_next,
    .xEof = koe_cursor_eof,
    .xColumn = koe_cursor_column,
    .xRowid = koe_cursor_rowid,
    .xUpdate = koe_index_update,
    .xBegin = begin,
    .xSync = sync_index,
    .xCommit = commit,
    .xRollback = rollback,
    .xSavepoint = savepoint,
    .xRelease = release,
    .xRollbackTo = rollback_to,
    .xFindFunction = koe_plan_find_function,
    .xRename = rename_index,
    .xShadowName = is_shadow_name,
};

int koe_register_index(sqlite3 *db) {
  int code = koe_register_index_values(db);
  if (code != SQLITE_OK) return code;
  koe_queues *queues = koe_queues_new();
  if (queues == NULL) return SQLITE_NOMEM;
  return sqlite3_create_module_v2(db, "koelectra_index", &module, queues, koe_queues_free);
}
