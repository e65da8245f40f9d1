#include "session.h"

#include "../koelectra.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* ── Ctrl-C ─────────────────────────────────────────────────────────────────────────────────────
 */

static volatile sig_atomic_t stopped;
static sqlite3 *volatile interruptible;

static void stop(int signal_number) {
  (void)signal_number;
  stopped = 1;
  if (interruptible != NULL) sqlite3_interrupt(interruptible);
}

bool koe_cli_stopped(void) {
  return stopped != 0;
}

/* A second Ctrl-C ends the program at once: what is committed stays. */
static void catch_signals(void) {
  struct sigaction action = {.sa_handler = stop, .sa_flags = (int)SA_RESETHAND};
  sigemptyset(&action.sa_mask);
  sigaction(SIGINT, &action, NULL);
  sigaction(SIGTERM, &action, NULL);
}

/* ── opening ────────────────────────────────────────────────────────────────────────────────────
 */

enum { BUSY_WAIT_MS = 50 };

static int wait_while_busy(void *context, int tries) {
  const koe_cli_session *session = context;
  if (stopped != 0 || (long long)tries * BUSY_WAIT_MS >= session->timeout * 1000) return 0;
  sqlite3_sleep(BUSY_WAIT_MS);
  return 1;
}

static koe_status add_extension(sqlite3 *db, koe_error *err) {
  char *message = NULL;
  if (sqlite3_koelectra_init(db, &message, NULL) == SQLITE_OK) return KOE_OK;
  koe_status status = koe_fail(err, KOE_UNSUPPORTED, "%s", message != NULL ? message : "no memory");
  sqlite3_free(message);
  return status;
}

koe_status koe_cli_open_observer(sqlite3 **out, koe_error *err) {
  if (sqlite3_open(":memory:", out) != SQLITE_OK) return koe_fail_nomem(err);
  return add_extension(*out, err);
}

static koe_status check_file(const char *path, koe_error *err) {
  struct stat file;
  if (stat(path, &file) != 0)
    return koe_fail(err, KOE_IO, "%s cannot be opened: %s", path, strerror(errno));
  if (!S_ISREG(file.st_mode)) return koe_fail(err, KOE_IO, "%s is not a file", path);
  return KOE_OK;
}

/* SQLite opens what it cannot write for reading. */
static koe_status check_access(koe_cli_session *session, koe_cli_access access, koe_error *err) {
  long long tables;
  if (session->path == NULL) return KOE_OK;
  koe_status status =
      koe_cli_integer(session, &tables, 0, err, "SELECT count(*) FROM main.sqlite_schema");
  if (status != KOE_OK || access == KOE_CLI_READ) return status;
  if (sqlite3_db_readonly(session->db, "main") == 0) return KOE_OK;
  return koe_fail(err, KOE_IO, "%s is read-only: this command has to write to it", session->path);
}

koe_status koe_cli_open(const koe_cli_arguments *arguments, const char *path, koe_cli_access access,
                        koe_cli_session *out, koe_error *err) {
  *out = (koe_cli_session){.path = path, .timeout = arguments->timeout};
  koe_status status = path != NULL ? check_file(path, err) : KOE_OK;
  if (status != KOE_OK) return status;
  int flags = SQLITE_OPEN_READWRITE | (path == NULL ? SQLITE_OPEN_CREATE : 0);
  if (sqlite3_open_v2(path != NULL ? path : ":memory:", &out->db, flags, NULL) != SQLITE_OK)
    return koe_cli_sql_failed(out, err);
  sqlite3_busy_handler(out->db, wait_while_busy, out);
  interruptible = out->db;
  catch_signals();
  status = add_extension(out->db, err);
  if (status == KOE_OK) status = check_access(out, access, err);
  if (status == KOE_OK && arguments->threads > 0)
    status = koe_cli_run(out, err, "SELECT koelectra_config('threads', %lld)", arguments->threads);
  if (status != KOE_OK) return status;
  return koe_cli_load(out, arguments->model, arguments->model_options, &out->model, err);
}

void koe_cli_close(koe_cli_session *session) {
  interruptible = NULL;
  sqlite3_close_v2(session->db);
  sqlite3_free(session->model);
}

/* ── models ─────────────────────────────────────────────────────────────────────────────────────
 */

/* The length of NAME in NAME=DIRECTORY; 0 where there is none, as in a path that has a '='. */
static size_t name_length(const char *model) {
  size_t length = strcspn(model, "=/");
  return model[length] == '=' && access(model, F_OK) != 0 ? length : 0;
}

koe_status koe_cli_load(koe_cli_session *session, const char *model, const char *options,
                        char **name, koe_error *err) {
  if (model == NULL || strcmp(model, "default") == 0) model = ":built-in:";
  size_t length = name_length(model);
  koe_status status = length > 0 ? koe_cli_format(name, err, "%.*s", (int)length, model)
                                 : koe_cli_format(name, err, "default");
  if (status != KOE_OK) return status;
  if (length > 0) model += length + 1;
  /* The name 'default' is the built-in model's as it is. */
  if (options == NULL && length == 0 && strcmp(model, ":built-in:") == 0) return KOE_OK;
  return koe_cli_run(session, err, "SELECT koelectra_load(%Q, %Q, %Q)", *name, model, options);
}

koe_status koe_cli_print_version(koe_error *err) {
  char *version;
  koe_cli_arguments none = {0};
  koe_cli_session session;
  koe_status status = koe_cli_open(&none, NULL, KOE_CLI_READ, &session, err);
  if (status == KOE_OK)
    status = koe_cli_string(&session, &version, err, "SELECT koelectra_version()");
  if (status == KOE_OK) {
    printf("koelectra %s (SQLite %s)\n", version, sqlite3_libversion());
    sqlite3_free(version);
  }
  koe_cli_close(&session);
  return status;
}
