/* What commands work on: a connection with the extension and a model.
 *
 * SQL is given as a format of sqlite3_mprintf: identifiers as "%w" between double quotes, so that
 * any name of a table or column is one. */
#ifndef KOE_CLI_SESSION_H
#define KOE_CLI_SESSION_H

#include "command.h"

#include <sqlite3.h>

typedef struct koe_cli_session {
  sqlite3 *db;
  const char *path;  /* of the database; NULL: one in memory */
  long long timeout; /* seconds to wait while it is in use */
  char *model;       /* the registered name */
} koe_cli_session;

typedef enum koe_cli_access { KOE_CLI_READ, KOE_CLI_WRITE } koe_cli_access;

/* Opens a database, which must exist, or one in memory where `path` is NULL, and loads the model
 * that the options name.  From then on Ctrl-C ends statements with an error, and
 * koe_cli_stopped is true.  koe_cli_close releases `out`, also after a failure.
 *
 * Fails with a message that names the path: no such file, no database, not to be written. */
koe_status koe_cli_open(const koe_cli_arguments *arguments, const char *path, koe_cli_access access,
                        koe_cli_session *out, koe_error *err);
void koe_cli_close(koe_cli_session *session);

/* Another connection in memory with the extension, for a thread that looks at the process. */
koe_status koe_cli_open_observer(sqlite3 **out, koe_error *err);

/* Registers what --model names, "ORG/NAME", "directory" or "NAME=directory"; `*name`, for
 * sqlite3_free, is what it is registered as.  NULL is the built-in model. */
koe_status koe_cli_load(koe_cli_session *session, const char *model, const char *options,
                        char **name, koe_error *err);

/* Whether Ctrl-C or SIGTERM has come. */
bool koe_cli_stopped(void);

koe_status koe_cli_print_version(koe_error *err);

/* ── SQL ────────────────────────────────────────────────────────────────────────────────────────
 */

koe_status koe_cli_prepare(koe_cli_session *session, sqlite3_stmt **out, koe_error *err,
                           const char *format, ...);

/* Steps; `*row` says whether there is a row.  At the end the statement is reset. */
koe_status koe_cli_step(koe_cli_session *session, sqlite3_stmt *statement, bool *row,
                        koe_error *err);

/* Runs one statement to its end; rows are dropped. */
koe_status koe_cli_run(koe_cli_session *session, koe_error *err, const char *format, ...);

/* The first value of the first row; `fallback` where there is none. */
koe_status koe_cli_integer(koe_cli_session *session, long long *out, long long fallback,
                           koe_error *err, const char *format, ...);

/* The same as text, for sqlite3_free; NULL where there is none or it is NULL. */
koe_status koe_cli_string(koe_cli_session *session, char **out, koe_error *err, const char *format,
                          ...);

/* A text of sqlite3_mprintf, for sqlite3_free. */
koe_status koe_cli_format(char **out, koe_error *err, const char *format, ...);

/* The connection's last error, in the words of this program.  Returns its status. */
koe_status koe_cli_sql_failed(koe_cli_session *session, koe_error *err);

/* Ends a transaction: COMMIT where `status` is KOE_OK, else ROLLBACK.  Returns `status`, or that of
 * a COMMIT that failed. */
koe_status koe_cli_end(koe_cli_session *session, koe_status status, koe_error *err);

#endif
