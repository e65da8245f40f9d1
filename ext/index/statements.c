/* The SQL that an index runs on its shadow tables and its content table.
 *
 *   SELECT slot FROM $rows WHERE rowid = ?1
 *
 * is prepared as SELECT slot FROM "main"."search_rows" WHERE rowid = ?1. */
#include "index.h"

#include "columns.h"

#include <string.h>

SQLITE_EXTENSION_INIT3

/* `table` is the one to blame for an error: a shadow table's suffix, or "source".
 *
 * What koe_queue_flush runs must need no statement journal, so no REPLACE of a table with an index:
 * xSavepoint runs it before SQLite has begun the savepoint, and a statement with a savepoint of its
 * own would begin that one too, in the middle of what is written. */
static const struct {
  const char *sql, *table;
} statements[KOE_STATEMENTS] = {
    [KOE_INFO_READ] = {"SELECT key, value FROM $info", "info"},
    [KOE_INFO_WRITE] = {"INSERT OR REPLACE INTO $info(key, value) VALUES(?1, ?2)", "info"},

    [KOE_INFO_FORGET] = {"DELETE FROM $info WHERE key = 'sketch'", "info"},
    [KOE_INFO_STAMP] = {"UPDATE $info SET value = ?1 WHERE key = 'stamp'", "info"},

    [KOE_ROW_FIND] = {"SELECT slot FROM $rows WHERE rowid = ?1", "rows"},
    [KOE_ROW_LAST] = {"SELECT max(rowid) FROM $rows", "rows"},
    [KOE_ROW_INSERT] = {"INSERT INTO $rows(rowid, slot$columns) VALUES(?1, ?2$parameters)", "rows"},
    [KOE_ROW_PUT] = {"INSERT INTO $rows(rowid, slot$columns) VALUES(?1, ?2$parameters) "
                     "ON CONFLICT(rowid) DO UPDATE SET slot = excluded.slot",
                     "rows"},
    [KOE_ROW_CHANGE] = {"UPDATE $rows SET slot = ?2$changes WHERE rowid = ?1", "rows"},
    [KOE_ROW_MOVE] = {"UPDATE $rows SET rowid = ?2 WHERE rowid = ?1", "rows"},
    [KOE_ROW_FREE_ALL] = {"UPDATE $rows SET slot = NULL WHERE slot IS NOT NULL", "rows"},
    [KOE_ROW_DELETE_STRAY] = {"DELETE FROM $rows WHERE rowid NOT IN (SELECT id FROM $content)",
                              "rows"},
    [KOE_ROW_DELETE] = {"DELETE FROM $rows WHERE rowid = ?1", "rows"},
    [KOE_ROW_SET_SLOT] = {"UPDATE $rows SET slot = ?2 WHERE rowid = ?1", "rows"},
    [KOE_ROW_DELETE_ALL] = {"DELETE FROM $rows", "rows"},

    [KOE_CHUNK_READ] = {"SELECT id, free, stamp, live, rowids FROM $chunks WHERE id = ?1",
                        "chunks"},
    [KOE_CHUNK_FULLEST] = {"SELECT id FROM $chunks WHERE free > 0 ORDER BY free, id", "chunks"},
    [KOE_CHUNK_EMPTIEST] = {"SELECT id FROM $chunks WHERE free > 0 "
                            "ORDER BY free DESC, id DESC LIMIT 1",
                            "chunks"},
    [KOE_CHUNK_LAST_ID] = {"SELECT max(id) FROM $chunks", "chunks"},
    [KOE_CHUNK_INSERT] = {"INSERT INTO $chunks(id, free, stamp, live, rowids) "
                          "VALUES(?1, ?2, ?3, ?4, ?5)",
                          "chunks"},
    [KOE_CHUNK_UPDATE] = {"UPDATE $chunks SET free = ?2, stamp = ?3, live = ?4, rowids = ?5 "
                          "WHERE id = ?1",
                          "chunks"},
    [KOE_CHUNK_DELETE_RANGE] = {"DELETE FROM $chunks WHERE id BETWEEN ?1 AND ?2", "chunks"},
    [KOE_CHUNK_SCAN] = {"SELECT id, free, stamp, live, rowids FROM $chunks ORDER BY id", "chunks"},
    /* Answered from the index on (free, id, stamp), which is small. */
    [KOE_CHUNK_STAMPS] = {"SELECT id, stamp FROM $chunks", "chunks"},

    [KOE_VECTORS_LAST_ID] = {"SELECT max(id) FROM $vectors", "vectors"},
    [KOE_VECTORS_INSERT] = {"INSERT OR REPLACE INTO $vectors(id, vectors) VALUES(?1, ?2)",
                            "vectors"},
    [KOE_VECTORS_DELETE_RANGE] = {"DELETE FROM $vectors WHERE id BETWEEN ?1 AND ?2", "vectors"},

    [KOE_BODY_READ] = {"SELECT content.$body FROM $source AS content WHERE content.$id = ?1",
                       "source"},
    [KOE_BODY_WRITE] = {"INSERT OR REPLACE INTO $content(id, c0$auxcolumns) "
                        "VALUES(?1, ?2$auxparameters)",
                        "content"},
    [KOE_BODY_CHANGE] = {"INSERT INTO $content(id, c0$auxcolumns) VALUES(?1, ?2$auxparameters) "
                         "ON CONFLICT(id) DO UPDATE SET c0 = iif($textflag, ?2, c0)$auxchanges",
                         "content"},
    [KOE_BODY_MOVE] = {"UPDATE $content SET id = ?2 WHERE id = ?1", "content"},
    [KOE_BODY_DELETE] = {"DELETE FROM $content WHERE id = ?1", "content"},
    [KOE_SOURCE_READ] = {"SELECT content.$id, content.$body$given FROM $source AS content",
                         "source"},
    [KOE_SOURCE_COUNT] = {"SELECT count(*) FROM $source AS content", "source"},

    [KOE_VECTORS_CHECK] = {"SELECT count(*), "
                           "total(typeof(vectors) = 'blob' AND length(vectors) = ?3) "
                           "FROM $vectors WHERE id BETWEEN ?1 AND ?2",
                           "vectors"},

    [KOE_CHECK_VECTORS] = {"SELECT id FROM $vectors WHERE (id - 1) / 16 + 1 NOT IN "
                           "(SELECT id FROM $chunks) OR id < 1 LIMIT 1",
                           "vectors"},
    [KOE_CHECK_ROWS] = {"SELECT count(slot) FROM $rows", "rows"},
    [KOE_CHECK_NOT_IN_SOURCE] = {"SELECT rowid FROM $rows WHERE rowid NOT IN "
                                 "(SELECT content.$id FROM $source AS content "
                                 "WHERE content.$id IS NOT NULL) LIMIT 1",
                                 "source"},
    [KOE_CHECK_NOT_IN_INDEX] = {"SELECT content.$id FROM $source AS content "
                                "WHERE content.$id NOT IN (SELECT rowid FROM $rows) LIMIT 1",
                                "source"},
    [KOE_CHECK_COLUMNS] = {"SELECT r.rowid FROM $rows AS r "
                           "JOIN $source AS content ON content.$id = r.rowid "
                           "WHERE 0$differences LIMIT 1",
                           "source"},
    [KOE_CHECK_NULLS] = {"SELECT r.rowid FROM $rows AS r "
                         "JOIN $source AS content ON content.$id = r.rowid "
                         "WHERE (r.slot IS NULL) <> (content.$body IS NULL) LIMIT 1",
                         "source"},
};

static void append_name(sqlite3_str *out, const koe_index *index, const char *word, size_t length) {
  const koe_index_definition *definition = &index->definition;
  bool own = definition->content == NULL;
  if (koe_columns_expand(index, word, length, out)) return;
  if (length == 2 && strncmp(word, "id", length) == 0) {
    sqlite3_str_appendf(out, "\"%w\"", own ? "id" : definition->content_rowid);
  } else if (length == 4 && strncmp(word, "body", length) == 0) {
    sqlite3_str_appendf(out, "\"%w\"", own ? "c0" : definition->column);
  } else if (length == 6 && strncmp(word, "source", length) == 0 && !own) {
    sqlite3_str_appendf(out, "\"%w\".\"%w\"", index->schema, definition->content);
  } else if (length == 6 && strncmp(word, "source", length) == 0) {
    sqlite3_str_appendf(out, "\"%w\".\"%w_content\"", index->schema, index->name);
  } else {
    sqlite3_str_appendf(out, "\"%w\".\"%w_%.*s\"", index->schema, index->name, (int)length, word);
  }
}

char *koe_index_expand(const koe_index *index, const char *sql) {
  sqlite3_str *out = sqlite3_str_new(index->db);
  for (const char *at = sql; *at != '\0';) {
    size_t plain = strcspn(at, "$");
    sqlite3_str_append(out, at, (int)plain);
    at += plain;
    if (*at != '$') break;
    size_t length = strspn(at + 1, "abcdefghijklmnopqrstuvwxyz");
    append_name(out, index, at + 1, length);
    at += 1 + length;
  }
  return sqlite3_str_finish(out);
}

/* Turns an error of a statement on `table` into one of the index. */
static int failed(koe_index *index, const char *table, int code) {
  const char *why = sqlite3_errmsg(index->db);
  int primary = code & 0xff;
  bool source = strcmp(table, "source") == 0;
  if (source && index->definition.content != NULL && primary == SQLITE_LOCKED) {
    /* A view that reads the index which is being made. */
    return koe_index_fail(index, code, "content table %s cannot be read: %s",
                          index->definition.content, why);
  }
  if (primary != SQLITE_ERROR && primary != SQLITE_CONSTRAINT && primary != SQLITE_MISMATCH) {
    return code; /* of the connection or the file: SQLite's own words say it */
  }
  if (source && index->definition.content != NULL) {
    return koe_index_fail(index, SQLITE_ERROR,
                          "content table %s cannot be read (%s): the index takes row numbers from "
                          "its column \"%s\" and texts from \"%s\"",
                          index->definition.content, why, index->definition.content_rowid,
                          index->definition.column);
  }
  if (source || strcmp(table, "content") == 0) {
    return koe_index_fail(index, SQLITE_CORRUPT_VTAB,
                          "shadow table %s_content is damaged (%s): it holds the texts",
                          index->name, why);
  }
  /* A statement on two tables. */
  if (strstr(why, index->vectors_table) != NULL) table = "vectors";
  return koe_index_damaged(index, table, "%s", why);
}

int koe_index_prepare_sql(koe_index *index, const char *sql, const char *table,
                          sqlite3_stmt **out) {
  *out = NULL;
  char *expanded = koe_index_expand(index, sql);
  if (expanded == NULL) return SQLITE_NOMEM;
  int code = sqlite3_prepare_v3(index->db, expanded, -1, SQLITE_PREPARE_PERSISTENT, out, NULL);
  sqlite3_free(expanded);
  return code == SQLITE_OK ? SQLITE_OK : failed(index, table, code);
}

int koe_index_prepare(koe_index *index, koe_statement id, sqlite3_stmt **out) {
  sqlite3_stmt **cached = &index->statements[id];
  *out = NULL;
  if (*cached == NULL) {
    int code = koe_index_prepare_sql(index, statements[id].sql, statements[id].table, cached);
    if (code != SQLITE_OK) return code;
  }
  if (sqlite3_stmt_busy(*cached)) {
    return koe_index_fail(index, SQLITE_ERROR,
                          "the index is used while it is being read or changed: a trigger on its "
                          "shadow tables, or content that reads the index itself");
  }
  *out = *cached;
  return SQLITE_OK;
}

int koe_index_step(koe_index *index, koe_statement id, sqlite3_stmt *statement) {
  int code = sqlite3_step(statement);
  if (code == SQLITE_ROW || code == SQLITE_DONE) return code;
  return failed(index, statements[id].table, code);
}

void koe_index_reset(sqlite3_stmt *statement) {
  if (statement == NULL) return;
  sqlite3_reset(statement);
  sqlite3_clear_bindings(statement);
}

int koe_index_execute(koe_index *index, koe_statement id, int count, int64_t first,
                      int64_t second) {
  sqlite3_stmt *statement;
  int code = koe_index_prepare(index, id, &statement);
  if (code != SQLITE_OK) return code;
  if (count > 0) sqlite3_bind_int64(statement, 1, first);
  if (count > 1) sqlite3_bind_int64(statement, 2, second);
  code = koe_index_step(index, id, statement);
  koe_index_reset(statement);
  return code == SQLITE_DONE || code == SQLITE_ROW ? SQLITE_OK : code;
}

void koe_index_finalize(koe_index *index) {
  for (int i = 0; i < KOE_STATEMENTS; i++) {
    sqlite3_finalize(index->statements[i]);
    index->statements[i] = NULL;
  }
}
