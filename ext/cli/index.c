/* koelectra index reviews.db review body --name search --triggers
 *
 * CREATE VIRTUAL TABLE … USING koelectra_index(…, content='review'), and 'rebuild', with a bar from
 * koelectra_progress.  A rebuild that was stopped goes on from the file it has left beside the
 * database when the same command is run again. */
#include "progress_bar.h"
#include "session.h"
#include "table.h"

#include <pthread.h>
#include <stdio.h>
#include <string.h>

enum { NAME, ID, APPROXIMATE, TRIGGERS };

typedef struct index_job {
  koe_cli_session session;
  const koe_cli_arguments *arguments;
  const char *table, *column, *name;
  char *id;
  char *definition; /* what stands in the schema behind CREATE VIRTUAL TABLE */
} index_job;

/* ── the bar ────────────────────────────────────────────────────────────────────────────────────
 */

/* SQLite keeps the connection of the rebuild busy, so a thread asks on another. */
typedef struct watch {
  pthread_t thread;
  pthread_mutex_t lock;
  pthread_cond_t over;
  bool is_over, runs;
  koe_cli_bar bar;
  sqlite3 *db;
} watch;

static void draw(watch *w, sqlite3_stmt *statement) {
  if (sqlite3_step(statement) == SQLITE_ROW) {
    koe_cli_bar_draw(&w->bar, sqlite3_column_int64(statement, 0),
                     sqlite3_column_int64(statement, 1), sqlite3_column_int64(statement, 2));
  }
  sqlite3_reset(statement);
}

static void *watch_rebuild(void *context) {
  watch *w = context;
  sqlite3_stmt *statement = NULL;
  sqlite3_prepare_v2(w->db,
                     "SELECT done, total, resumed FROM koelectra_progress WHERE operation = "
                     "'rebuild' AND running",
                     -1, &statement, NULL);
  pthread_mutex_lock(&w->lock);
  while (!w->is_over && statement != NULL) {
    struct timespec next;
    clock_gettime(CLOCK_REALTIME, &next);
    next.tv_nsec += 250 * 1000 * 1000;
    if (next.tv_nsec >= 1000 * 1000 * 1000) {
      next.tv_nsec -= 1000 * 1000 * 1000;
      next.tv_sec++;
    }
    pthread_cond_timedwait(&w->over, &w->lock, &next);
    if (!w->is_over) draw(w, statement);
  }
  pthread_mutex_unlock(&w->lock);
  sqlite3_finalize(statement);
  return NULL;
}

/* Without memory or threads there is no bar. */
static void start_watch(watch *w, bool quiet) {
  koe_error err;
  *w = (watch){.lock = PTHREAD_MUTEX_INITIALIZER, .over = PTHREAD_COND_INITIALIZER};
  koe_cli_bar_begin(&w->bar, "index", quiet);
  if (!w->bar.shown || koe_cli_open_observer(&w->db, &err) != KOE_OK) return;
  w->runs = pthread_create(&w->thread, NULL, watch_rebuild, w) == 0;
}

static void end_watch(watch *w) {
  pthread_mutex_lock(&w->lock);
  w->is_over = true;
  pthread_cond_signal(&w->over);
  pthread_mutex_unlock(&w->lock);
  if (w->runs) pthread_join(w->thread, NULL);
  sqlite3_close_v2(w->db);
  koe_cli_bar_clear(&w->bar);
}

/* ── the index ──────────────────────────────────────────────────────────────────────────────────
 */

static koe_status define(index_job *job, koe_error *err) {
  const char *model = job->session.model;
  bool approximate = job->arguments->options[APPROXIMATE].text != NULL;
  char *option = NULL;
  koe_status status = strcmp(model, "default") == 0
                          ? koe_cli_format(&option, err, "%s", "")
                          : koe_cli_format(&option, err, ", model=%Q", model);
  if (status == KOE_OK) {
    status = koe_cli_format(
        &job->definition, err,
        "\"%w\" USING koelectra_index(\"%w\", content=%Q, content_rowid=%Q%s%s)", job->name,
        job->column, job->table, job->id, option, approximate ? ", search='approximate'" : "");
  }
  sqlite3_free(option);
  return status;
}

/* An INSERT, an UPDATE and a DELETE on the table change the index too. */
static koe_status add_triggers(index_job *job, koe_error *err) {
  koe_cli_session *session = &job->session;
  const char *name = job->name, *table = job->table, *id = job->id, *column = job->column;
  koe_status status = koe_cli_run(
      session, err,
      "CREATE TRIGGER IF NOT EXISTS main.\"%w_insert\" AFTER INSERT ON \"%w\" BEGIN INSERT INTO "
      "\"%w\"(rowid, \"%w\") VALUES(new.\"%w\", new.\"%w\"); END",
      name, table, name, column, id, column);
  if (status == KOE_OK) {
    status = koe_cli_run(session, err,
                         "CREATE TRIGGER IF NOT EXISTS main.\"%w_delete\" AFTER DELETE ON \"%w\" "
                         "BEGIN DELETE FROM \"%w\" WHERE rowid = old.\"%w\"; END",
                         name, table, name, id);
  }
  if (status == KOE_OK) {
    status = koe_cli_run(
        session, err,
        "CREATE TRIGGER IF NOT EXISTS main.\"%w_update\" AFTER UPDATE ON \"%w\" WHEN new.\"%w\" <> "
        "old.\"%w\" OR new.\"%w\" IS NOT old.\"%w\" BEGIN DELETE FROM \"%w\" WHERE rowid = "
        "old.\"%w\"; INSERT INTO \"%w\"(rowid, \"%w\") VALUES(new.\"%w\", new.\"%w\"); END",
        name, table, id, id, column, column, name, id, name, column, id, column);
  }
  return status;
}

/* Fails where something of that name is there that is not this index. */
static koe_status check_name(index_job *job, bool *there, koe_error *err) {
  char *sql;
  koe_status status = koe_cli_string(
      &job->session, &sql, err,
      "SELECT coalesce(sql, '') FROM main.sqlite_schema WHERE name = %Q COLLATE NOCASE", job->name);
  if (status != KOE_OK) return status;
  *there = sql != NULL;
  static const char create[] = "CREATE VIRTUAL TABLE ";
  bool same = sql != NULL && strncmp(sql, create, sizeof create - 1) == 0 &&
              strcmp(sql + sizeof create - 1, job->definition) == 0;
  if (sql != NULL && !same) {
    status = koe_fail(err, KOE_INVALID,
                      "%s is there already and is another table or index: choose a --name, or DROP "
                      "TABLE it first (%.300s)",
                      job->name, sql);
  }
  sqlite3_free(sql);
  return status;
}

static koe_status create(index_job *job, koe_error *err) {
  bool there;
  koe_status status = koe_cli_run(&job->session, err, "BEGIN IMMEDIATE");
  if (status != KOE_OK) return status;
  status = check_name(job, &there, err);
  if (status == KOE_OK && !there)
    status = koe_cli_run(&job->session, err, "CREATE VIRTUAL TABLE %s", job->definition);
  if (status == KOE_OK && job->arguments->options[TRIGGERS].text != NULL)
    status = add_triggers(job, err);
  return koe_cli_end(&job->session, status, err);
}

static koe_status check(index_job *job, koe_error *err) {
  bool is_view;
  koe_cli_session *session = &job->session;
  koe_status status = koe_cli_check_table(session, job->table, &is_view, err);
  if (status == KOE_OK) status = koe_cli_check_column(session, job->table, job->column, err);
  if (status == KOE_OK) {
    status = koe_cli_row_name(session, job->table, job->arguments->options[ID].text, &job->id, err);
  }
  if (status == KOE_OK && is_view && job->arguments->options[TRIGGERS].text != NULL) {
    status = koe_fail(err, KOE_INVALID,
                      "%s is a view, which has no such triggers: leave --triggers out", job->table);
  }
  return status == KOE_OK ? define(job, err) : status;
}

static koe_status command(index_job *job, const char *word, koe_error *err) {
  return koe_cli_run(&job->session, err, "INSERT INTO main.\"%w\"(\"%w\") VALUES('%q')", job->name,
                     job->name, word);
}

static koe_status rebuild(index_job *job, koe_error *err) {
  watch w;
  start_watch(&w, job->arguments->quiet);
  koe_status status = command(job, "rebuild", err);
  end_watch(&w);
  if (status == KOE_OK && job->arguments->options[APPROXIMATE].text != NULL)
    status = command(job, "optimize", err);
  if (status != KOE_OK && koe_cli_stopped())
    koe_fail(err, status, "interrupted: what is done is kept; the same command goes on");
  return status;
}

static koe_status print_summary(index_job *job, double seconds, koe_error *err) {
  long long rows;
  koe_status status =
      koe_cli_integer(&job->session, &rows, 0, err, "SELECT count(*) FROM main.\"%w\"", job->name);
  if (status != KOE_OK) return status;
  if (job->arguments->json) {
    printf("{\"rows\":%lld,\"seconds\":%.3f}\n", rows, seconds);
  } else if (!job->arguments->quiet) {
    printf("%lld row%s indexed in %.1f s\n", rows, rows == 1 ? "" : "s", seconds);
  }
  return KOE_OK;
}

static koe_status run_index(const koe_cli_arguments *arguments, koe_error *err) {
  index_job job = {.arguments = arguments};
  job.table = arguments->operands[1];
  job.column = arguments->operands[2];
  job.name = arguments->options[NAME].text != NULL ? arguments->options[NAME].text : "search";
  koe_status status =
      koe_cli_open(arguments, arguments->operands[0], KOE_CLI_WRITE, &job.session, err);
  double began = koe_cli_now();
  if (status == KOE_OK) status = check(&job, err);
  if (status == KOE_OK) status = create(&job, err);
  if (status == KOE_OK) status = rebuild(&job, err);
  if (status == KOE_OK) status = print_summary(&job, koe_cli_now() - began, err);
  sqlite3_free(job.definition);
  sqlite3_free(job.id);
  koe_cli_close(&job.session);
  return status;
}

const koe_cli_command koe_cli_index = {
    .name = "index",
    .operands = "DB TABLE COLUMN",
    .summary = "make an index of a column, for search by meaning",
    .details =
        "Run again, it goes on where it was stopped, or embeds everything anew.  The texts stay in\n"
        "the table.  With --triggers every change of the table changes the index; then whatever\n"
        "writes to the table must have loaded the extension.\n",
    .example = "  koelectra index reviews.db review body\n"
               "  koelectra search reviews.db search '배우 연기가 좋았어요'\n",
    .least_operands = 3,
    .most_operands = 3,
    .options = {[NAME] = {"--name", 'n', "NAME", false, false, "of the index; default: search"},
                [ID] = {"--id", 0, "COLUMN", false, false, "row numbers; default: the primary key"},
                [APPROXIMATE] = {"--approximate", 0, NULL, false, false,
                                 "faster searches that may miss rows"},
                [TRIGGERS] = {"--triggers", 0, NULL, false, false,
                              "keep the index in step with the table"}},
    .run = run_index};
