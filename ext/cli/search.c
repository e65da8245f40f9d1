/* koelectra search reviews.db search '배우 연기가 좋았어요' -k 10
 *
 *   0.5312  17  연기가 정말 좋았습니다. */
#include "output.h"
#include "session.h"
#include "table.h"

#include <stdio.h>
#include <string.h>

enum { K, WHERE };

enum { DEFAULT_K = 10 };

/* The index's own message about its model tells what to do in SQL; here it is --model. */
static void explain(koe_cli_session *session, const char *index, koe_error *err) {
  char *model;
  koe_error ignored, cause = *err;
  if (koe_cli_stopped() || strstr(cause.message, "model") == NULL) return;
  if (koe_cli_string(session, &model, &ignored,
                     "SELECT value FROM main.\"%w_info\" WHERE key = 'model'", index) != KOE_OK ||
      model == NULL) {
    return;
  }
  if (strcmp(model, "default") == 0) {
    koe_fail(err, cause.status, "%s (or say --model as koelectra index was told)", cause.message);
  } else if (strcmp(model, session->model) != 0) {
    koe_fail(err, cause.status, "%s (say --model %s=DIRECTORY)", cause.message, model);
  }
  sqlite3_free(model);
}

/* ", 'stars', s."stars"" of each column: the arguments of json_object. */
static koe_status json_columns(koe_cli_session *session, const char *index, char **out,
                               koe_error *err) {
  return koe_cli_string(
      session, out, err,
      "SELECT group_concat(format(', %%Q, CASE typeof(s.\"%%w\") WHEN ''blob'' THEN NULL ELSE "
      "s.\"%%w\" END', name, name, name), '') FROM pragma_table_info(%Q, 'main')",
      index);
}

static koe_status prepare(koe_cli_session *session, const koe_cli_arguments *arguments,
                          const char *index, sqlite3_stmt **out, koe_error *err) {
  const char *where = arguments->options[WHERE].text;
  long long k = arguments->options[K].text != NULL ? arguments->options[K].count : DEFAULT_K;
  char *columns = NULL;
  koe_status status = KOE_OK;
  if (arguments->json) {
    status = json_columns(session, index, &columns, err);
  } else {
    status = koe_cli_string(
        session, &columns, err,
        "SELECT format('format(''%%%%.4f'', s.similarity), s.rowid, CASE typeof(s.\"%%w\") WHEN "
        "''blob'' THEN NULL ELSE s.\"%%w\" END', name, name) FROM pragma_table_info(%Q, 'main') "
        "WHERE cid = 0",
        index);
  }
  if (status == KOE_OK) {
    status = koe_cli_prepare(
        session, out, err,
        "SELECT %s%s%s FROM main.\"%w\" AS s WHERE s.\"%w\" MATCH ?1 AND s.k = %lld AND (%s\n)",
        arguments->json ? "json_object('similarity', round(s.similarity, 6), 'rowid', s.rowid" : "",
        columns, arguments->json ? ")" : "", index, index, k, where != NULL ? where : "1");
  }
  sqlite3_free(columns);
  return status;
}

static koe_status run_search(const koe_cli_arguments *arguments, koe_error *err) {
  koe_cli_session session;
  sqlite3_stmt *statement = NULL;
  const char *index = arguments->operands[1];
  koe_status status = koe_cli_open(arguments, arguments->operands[0], KOE_CLI_READ, &session, err);
  if (status == KOE_OK) status = koe_cli_check_index(&session, index, err);
  if (status == KOE_OK)
    status = koe_cli_check_where(&session, index, arguments->options[WHERE].text, err);
  if (status == KOE_OK) status = prepare(&session, arguments, index, &statement, err);
  if (status == KOE_OK) {
    sqlite3_bind_text(statement, 1, arguments->operands[2], -1, SQLITE_STATIC);
    status = koe_cli_print_rows(&session, statement, arguments->json, NULL, err);
    if (status != KOE_OK) explain(&session, index, err);
  }
  sqlite3_finalize(statement);
  koe_cli_close(&session);
  return status;
}

const koe_cli_command koe_cli_search = {
    .name = "search",
    .operands = "DB INDEX QUERY",
    .summary = "find the rows of an index that are nearest to a text",
    .details =
        "Prints similarity, row number and text of the nearest rows, best first.  --where may\n"
        "name the columns of the index: rowid, similarity and those it was made with.\n",
    .example = "  koelectra search reviews.db search '배우 연기가 좋았어요' -k 3\n",
    .least_operands = 3,
    .most_operands = 3,
    .options = {[K] = {"--k", 'k', "N", true, false, "how many rows; default: 10"},
                [WHERE] = {"--where", 'w', "SQL", false, false, "only rows for which it is true"}},
    .run = run_search};
