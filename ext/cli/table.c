#include "table.h"

#include <stdio.h>
#include <string.h>

static const char *or_none(const char *list) {
  return list != NULL ? list : "none";
}

/* ── tables ─────────────────────────────────────────────────────────────────────────────────────
 */

static koe_status no_table(koe_cli_session *session, const char *table, koe_error *err) {
  char *tables;
  koe_status status =
      koe_cli_string(session, &tables, err,
                     "SELECT group_concat(name, ', ') FROM (SELECT name FROM pragma_table_list "
                     "WHERE schema = 'main' AND type <> 'shadow' AND name NOT LIKE 'sqlite\\_%%' "
                     "ESCAPE '\\' ORDER BY name)");
  if (status != KOE_OK) return status;
  koe_fail(err, KOE_NOT_FOUND, "%s has no table %s; tables: %.300s", session->path, table,
           or_none(tables));
  sqlite3_free(tables);
  return KOE_NOT_FOUND;
}

koe_status koe_cli_check_table(koe_cli_session *session, const char *table, bool *is_view,
                               koe_error *err) {
  char *type;
  koe_status status = koe_cli_string(session, &type, err,
                                     "SELECT type FROM pragma_table_list WHERE schema = 'main' AND "
                                     "name = %Q COLLATE NOCASE",
                                     table);
  if (status != KOE_OK) return status;
  if (type == NULL) return no_table(session, table, err);
  bool view = strcmp(type, "view") == 0;
  sqlite3_free(type);
  if (is_view != NULL) {
    *is_view = view;
  } else if (view) {
    return koe_fail(err, KOE_INVALID, "%s is a view: name the table it reads", table);
  }
  return KOE_OK;
}

/* What CREATE VIRTUAL TABLE … USING koelectra_index has left in the schema. */
#define IS_INDEX "type = 'table' AND sql LIKE 'CREATE VIRTUAL TABLE%%USING%%koelectra_index%%'"

koe_status koe_cli_check_index(koe_cli_session *session, const char *index, koe_error *err) {
  long long there;
  char *indexes;
  koe_status status = koe_cli_integer(session, &there, 0, err,
                                      "SELECT count(*) FROM main.sqlite_schema WHERE " IS_INDEX
                                      " AND name = %Q COLLATE NOCASE",
                                      index);
  if (status != KOE_OK || there > 0) return status;
  status = koe_cli_string(
      session, &indexes, err,
      "SELECT group_concat(name, ', ') FROM (SELECT name FROM main.sqlite_schema WHERE " IS_INDEX
      " ORDER BY name)");
  if (status != KOE_OK) return status;
  koe_fail(err, KOE_NOT_FOUND, "%s has no index %s%s%.300s", session->path, index,
           indexes != NULL ? "; indexes: " : ": koelectra index makes one",
           indexes != NULL ? indexes : "");
  sqlite3_free(indexes);
  return KOE_NOT_FOUND;
}

/* ── columns ────────────────────────────────────────────────────────────────────────────────────
 */

koe_status koe_cli_has_column(koe_cli_session *session, const char *table, const char *column,
                              bool *out, koe_error *err) {
  long long count;
  koe_status status = koe_cli_integer(session, &count, 0, err,
                                      "SELECT count(*) FROM pragma_table_xinfo(%Q, 'main') WHERE "
                                      "name = %Q COLLATE NOCASE",
                                      table, column);
  *out = count > 0;
  return status;
}

koe_status koe_cli_check_column(koe_cli_session *session, const char *table, const char *column,
                                koe_error *err) {
  bool there;
  char *columns;
  koe_status status = koe_cli_has_column(session, table, column, &there, err);
  if (status != KOE_OK || there) return status;
  status = koe_cli_string(session, &columns, err,
                          "SELECT group_concat(name, ', ') FROM pragma_table_info(%Q, 'main')",
                          table);
  if (status != KOE_OK) return status;
  koe_fail(err, KOE_NOT_FOUND, "%s has no column %s; columns: %.300s", table, column,
           or_none(columns));
  sqlite3_free(columns);
  return KOE_NOT_FOUND;
}

/* ── rows ───────────────────────────────────────────────────────────────────────────────────────
 */

static koe_status check_unique(koe_cli_session *session, const char *table, const char *id,
                               koe_error *err) {
  long long unique;
  koe_status status = koe_cli_integer(
      session, &unique, 0, err,
      "SELECT EXISTS (SELECT 1 FROM pragma_table_xinfo(%Q, 'main') AS c WHERE c.name = %Q COLLATE "
      "NOCASE AND c.pk = 1 AND (SELECT count(*) FROM pragma_table_xinfo(%Q, 'main') WHERE pk > 0) "
      "= 1) OR EXISTS (SELECT 1 FROM pragma_index_list(%Q, 'main') AS l WHERE l.\"unique\" AND NOT "
      "l.partial AND (SELECT count(*) FROM pragma_index_info(l.name, 'main')) = 1 AND "
      "(SELECT name FROM pragma_index_info(l.name, 'main')) = %Q COLLATE NOCASE)",
      table, id, table, table, id);
  if (status != KOE_OK || unique != 0) return status;
  return koe_fail(err, KOE_INVALID,
                  "two rows of %s may have the same %s: --id takes a primary key or a column with "
                  "a UNIQUE index",
                  table, id);
}

/* The one column of the primary key of a table, where it is the row number or there is none. */
static koe_status find_key(koe_cli_session *session, const char *table, char **out,
                           koe_error *err) {
  return koe_cli_string(
      session, out, err,
      "SELECT c.name FROM pragma_table_xinfo(%Q, 'main') AS c, pragma_table_list AS t "
      "WHERE t.schema = 'main' AND t.name = %Q COLLATE NOCASE AND c.pk = 1 "
      "AND (t.wr OR c.type = 'INTEGER' COLLATE NOCASE) "
      "AND (SELECT count(*) FROM pragma_table_xinfo(%Q, 'main') WHERE pk > 0) = 1",
      table, table, table);
}

static koe_status find_rowid(koe_cli_session *session, const char *table, char **out,
                             koe_error *err) {
  static const char *const names[] = {"rowid", "_rowid_", "oid"};
  long long has_rowid;
  koe_status status = koe_cli_integer(session, &has_rowid, 0, err,
                                      "SELECT NOT wr AND type <> 'view' FROM pragma_table_list "
                                      "WHERE schema = 'main' AND name = %Q COLLATE NOCASE",
                                      table);
  for (size_t i = 0; status == KOE_OK && has_rowid != 0 && i < 3; i++) {
    bool taken;
    status = koe_cli_has_column(session, table, names[i], &taken, err);
    if (status == KOE_OK && !taken) return koe_cli_format(out, err, "%s", names[i]);
  }
  if (status != KOE_OK) return status;
  return koe_fail(err, KOE_INVALID,
                  "%s has no row number: name a column that no two rows share with --id", table);
}

koe_status koe_cli_row_name(koe_cli_session *session, const char *table, const char *id, char **out,
                            koe_error *err) {
  bool is_view;
  *out = NULL;
  koe_status status;
  if (id == NULL) {
    status = find_key(session, table, out, err);
    return status == KOE_OK && *out == NULL ? find_rowid(session, table, out, err) : status;
  }
  status = koe_cli_check_table(session, table, &is_view, err);
  bool is_column = false;
  if (status == KOE_OK) status = koe_cli_has_column(session, table, id, &is_column, err);
  if (status != KOE_OK) return status;
  if (!is_column && (sqlite3_stricmp(id, "rowid") == 0 || sqlite3_stricmp(id, "_rowid_") == 0 ||
                     sqlite3_stricmp(id, "oid") == 0)) {
    return find_rowid(session, table, out, err);
  }
  status = koe_cli_check_column(session, table, id, err);
  if (status == KOE_OK && !is_view) status = check_unique(session, table, id, err);
  return status == KOE_OK ? koe_cli_format(out, err, "%s", id) : status;
}

koe_status koe_cli_check_where(koe_cli_session *session, const char *table, const char *where,
                               koe_error *err) {
  sqlite3_stmt *statement = NULL;
  const char *rest;
  if (where == NULL) return KOE_OK;
  char *sql = sqlite3_mprintf("SELECT 1 FROM main.\"%w\" WHERE (%s\n)", table, where);
  if (sql == NULL) return koe_fail_nomem(err);
  koe_status status = KOE_OK;
  if (sqlite3_prepare_v2(session->db, sql, -1, &statement, &rest) != SQLITE_OK) {
    status = koe_fail(err, KOE_INVALID, "--where: %s", sqlite3_errmsg(session->db));
  } else if (rest[strspn(rest, " \t\r\n;")] != '\0' ||
             sqlite3_bind_parameter_count(statement) > 0) {
    status = koe_fail(err, KOE_INVALID, "--where: write one SQL expression: stars > 3");
  }
  sqlite3_finalize(statement);
  sqlite3_free(sql);
  return status;
}
