#include "batch_select.h"

#include <string.h>

SQLITE_EXTENSION_INIT3

static const char not_select[] = "the inner SQL is not a SELECT";

/* An error that SQLite found in the inner SQL, or while running it. */
static int inner_error(sqlite3 *db, int code, koe_error *err) {
  /* One inside another says it once. */
  static const char inner[] = "koelectra_batch: in the inner SQL: ";
  const char *message = sqlite3_errmsg(db);
  if (strncmp(message, inner, sizeof inner - 1) == 0) message += sizeof inner - 1;
  if (code == SQLITE_NOMEM) {
    koe_fail_nomem(err);
  } else {
    koe_fail(err, KOE_INVALID, "in the inner SQL: %s", message);
  }
  return code;
}

static int refuse(koe_error *err, const char *message) {
  return koe_sql_code(koe_fail(err, KOE_INVALID, "%s", message));
}

/* What follows white space, comments and semicolons. */
static const char *first_word(const char *sql) {
  for (;;) {
    sql += strspn(sql, " \t\r\n\f;");
    if (sql[0] == '-' && sql[1] == '-') {
      sql += strcspn(sql, "\n");
    } else if (sql[0] == '/' && sql[1] == '*') {
      const char *end = strstr(sql + 2, "*/");
      sql = end != NULL ? end + 2 : sql + strlen(sql);
    } else {
      return sql;
    }
  }
}

/* `rest` is the text behind the statement. */
static int check_statement(sqlite3_stmt *statement, const char *rest, koe_error *err) {
  int columns = sqlite3_column_count(statement);
  if (*first_word(rest) != '\0') {
    return refuse(err, "the inner SQL is more than one statement: it must be one SELECT");
  }
  if (columns == 0 || !sqlite3_stmt_readonly(statement) || sqlite3_stmt_isexplain(statement) != 0) {
    return refuse(err, not_select);
  }
  if (sqlite3_bind_parameter_count(statement) > 0) {
    const char *name = sqlite3_bind_parameter_name(statement, 1);
    return koe_sql_code(koe_fail(err, KOE_INVALID,
                                 "the inner SQL has a parameter, %.80s, to which nothing can be "
                                 "bound: put the value into the text, as format('… = %%Q', value)",
                                 name != NULL ? name : "?"));
  }
  if (columns != 2 && columns != 3) {
    return koe_sql_code(koe_fail(err, KOE_INVALID,
                                 "the inner SELECT gives %d column%s: it must give 2 (id, text) "
                                 "or 3 (id, text, pair)",
                                 columns, columns == 1 ? "" : "s"));
  }
  return SQLITE_OK;
}

/* Whether a statement of this connection is writing: the outer one, as a rule. */
static bool is_writing(sqlite3 *db) {
  sqlite3_stmt *s = sqlite3_next_stmt(db, NULL);
  while (s != NULL && (sqlite3_stmt_readonly(s) || !sqlite3_stmt_busy(s)))
    s = sqlite3_next_stmt(db, s);
  return s != NULL;
}

/* Replaces the statement, [sql, end), by one that reads all rows before it gives the first, into a
 * table that SQLite keeps in a temporary file once it is large. */
static int read_at_once(koe_batch_select *select, const char *sql, const char *end,
                        koe_error *err) {
  sql = first_word(sql);
  while (end > sql && strchr("; \t\r\n\f", end[-1]) != NULL)
    end--;
  /* The newline ends a comment. */
  char *whole =
      sqlite3_mprintf("WITH koelectra_rows AS MATERIALIZED (%.*s\n) SELECT * FROM koelectra_rows",
                      (int)(end - sql), sql);
  if (whole == NULL) return koe_sql_code(koe_fail_nomem(err));
  koe_batch_select_close(select);
  int code = sqlite3_prepare_v2(select->db, whole, -1, &select->statement, NULL);
  sqlite3_free(whole);
  return code == SQLITE_OK ? code : inner_error(select->db, code, err);
}

int koe_batch_select_open(sqlite3 *db, const char *sql, koe_batch_select *out, koe_error *err) {
  const char *rest;
  *out = (koe_batch_select){.db = db};
  /* Some take effect when they are prepared. */
  if (sqlite3_strnicmp(first_word(sql), "pragma", 6) == 0) return refuse(err, not_select);
  int code = sqlite3_prepare_v2(db, sql, -1, &out->statement, &rest);
  if (code != SQLITE_OK) return inner_error(db, code, err);
  if (out->statement == NULL) return refuse(err, "the inner SQL is empty: it must be a SELECT");
  code = check_statement(out->statement, rest, err);
  out->paired = sqlite3_column_count(out->statement) == 3;
  if (code == SQLITE_OK && is_writing(db)) code = read_at_once(out, sql, rest, err);
  if (code != SQLITE_OK) koe_batch_select_close(out);
  return code;
}

int koe_batch_select_step(koe_batch_select *select, koe_error *err) {
  int code = sqlite3_step(select->statement);
  if (code == SQLITE_ROW) {
    select->row++;
    return code;
  }
  if (code != SQLITE_DONE) inner_error(select->db, code, err);
  koe_batch_select_close(select);
  return code;
}

koe_status koe_batch_select_text(const koe_batch_select *select, int column, koe_text *out,
                                 bool *is_null, koe_error *err) {
  sqlite3_stmt *statement = select->statement;
  int type = sqlite3_column_type(statement, column);
  *out = (koe_text){"", 0};
  *is_null = type == SQLITE_NULL;
  if (*is_null) return KOE_OK;
  if (type == SQLITE_BLOB) {
    int id_type = sqlite3_column_type(statement, KOE_BATCH_ID_COLUMN);
    const char *id = id_type == SQLITE_NULL ? "NULL"
                     : id_type == SQLITE_BLOB
                         ? "a BLOB"
                         : (const char *)sqlite3_column_text(statement, KOE_BATCH_ID_COLUMN);
    if (id == NULL) return koe_fail_nomem(err);
    return koe_fail(err, KOE_INVALID,
                    "row %lld of the inner SELECT, id %.80s: %s is a BLOB, not text: if it holds "
                    "UTF-8, pass CAST(… AS TEXT)",
                    (long long)select->row, id, column == KOE_BATCH_PAIR_COLUMN ? "pair" : "text");
  }
  const char *bytes = (const char *)sqlite3_column_text(statement, column);
  if (bytes == NULL) return koe_fail_nomem(err);
  *out = (koe_text){bytes, (size_t)sqlite3_column_bytes(statement, column)};
  return KOE_OK;
}

void koe_batch_select_close(koe_batch_select *select) {
  sqlite3_finalize(select->statement);
  select->statement = NULL;
}
