/* koelectra label reviews.db review body --into label
 *
 * Rows are listed once, in a temporary table, and then labelled a page at a time: texts are copied,
 * the model reads the copy, and a short transaction writes what it found.  So other programs may
 * write to the database in between, what is done stays done, and a row whose text has changed
 * meanwhile is left for the next time. */
#include "progress_bar.h"
#include "session.h"
#include "table.h"

#include <stdio.h>
#include <string.h>

enum { INTO, PAIR, SCORE, SCORES, HEAD, WHERE, ID, BATCH, OVERWRITE };

/* Rows of a page: as many as take about a second. */
enum { FIRST_PAGE = 256, LARGEST_PAGE = 8192 };

typedef struct label_job {
  koe_cli_session session;
  const koe_cli_arguments *arguments;
  const char *table, *column;
  char *id;
  bool has_score; /* the model's head has one output, which stands in the place of a label */
  sqlite3_stmt *copy, *read, *written, *update;
  long long page;                  /* rows */
  long long total, done, labelled; /* rows */
} label_job;

static const char *option(const label_job *job, int which) {
  return job->arguments->options[which].text;
}

/* ── the table ──────────────────────────────────────────────────────────────────────────────────
 */

static koe_status add_column(label_job *job, const char *column, const char *type, koe_error *err) {
  bool there;
  if (column == NULL) return KOE_OK;
  koe_status status = koe_cli_has_column(&job->session, job->table, column, &there, err);
  if (status != KOE_OK || there) return status;
  return koe_cli_run(&job->session, err, "ALTER TABLE main.\"%w\" ADD COLUMN \"%w\" %s", job->table,
                     column, type);
}

static koe_status add_columns(label_job *job, koe_error *err) {
  koe_status status = koe_cli_run(&job->session, err, "BEGIN IMMEDIATE");
  if (status != KOE_OK) return status;
  status = add_column(job, option(job, INTO), job->has_score ? "REAL" : "TEXT", err);
  if (status == KOE_OK) status = add_column(job, option(job, SCORE), "REAL", err);
  if (status == KOE_OK) status = add_column(job, option(job, SCORES), "TEXT", err);
  /* It may be about the new columns. */
  if (status == KOE_OK)
    status = koe_cli_check_where(&job->session, job->table, option(job, WHERE), err);
  return koe_cli_end(&job->session, status, err);
}

/* Has the model label one text, so that one that cannot is told before the table is changed. */
static koe_status try_model(label_job *job, koe_error *err) {
  char *type;
  const char *columns = option(job, PAIR) != NULL ? "1, '가', '나'" : "1, '가'";
  koe_status status = koe_cli_string(
      &job->session, &type, err,
      "SELECT CASE WHEN label IS NOT NULL THEN 'label' WHEN score IS NOT NULL THEN 'score' ELSE "
      "'heads' END FROM koelectra_batch('SELECT %q', %Q, %Q)",
      columns, job->session.model, option(job, HEAD));
  if (status != KOE_OK) return status;
  if (type == NULL || strcmp(type, "heads") == 0) {
    status = koe_fail(err, KOE_INVALID,
                      "the model has several heads: say which is meant with --head; koelectra "
                      "classify shows them");
  }
  job->has_score = type != NULL && strcmp(type, "score") == 0;
  sqlite3_free(type);
  return status;
}

static koe_status check(label_job *job, koe_error *err) {
  koe_cli_session *session = &job->session;
  const char *into = option(job, INTO);
  koe_status status = koe_cli_check_table(session, job->table, NULL, err);
  if (status == KOE_OK) status = koe_cli_check_column(session, job->table, job->column, err);
  if (status == KOE_OK && option(job, PAIR) != NULL)
    status = koe_cli_check_column(session, job->table, option(job, PAIR), err);
  if (status == KOE_OK && sqlite3_stricmp(into, job->column) == 0)
    status =
        koe_fail(err, KOE_INVALID, "%s holds the texts: choose another column for --into", into);
  if (status == KOE_OK)
    status = koe_cli_row_name(session, job->table, option(job, ID), &job->id, err);
  if (status == KOE_OK && sqlite3_stricmp(into, job->id) == 0)
    status =
        koe_fail(err, KOE_INVALID, "%s tells rows apart: choose another column for --into", into);
  if (status == KOE_OK) status = try_model(job, err);
  return status == KOE_OK ? add_columns(job, err) : status;
}

/* ── pages ──────────────────────────────────────────────────────────────────────────────────────
 */

/* Lists the rows that are to be labelled. */
static koe_status list_rows(label_job *job, koe_error *err) {
  koe_cli_session *session = &job->session;
  const char *where = option(job, WHERE), *pair = option(job, PAIR);
  char *missing = NULL, *paired = NULL;
  koe_status status = koe_cli_run(session, err, "CREATE TEMP TABLE koelectra_todo(id)");
  if (status == KOE_OK)
    status = koe_cli_run(session, err, "CREATE TEMP TABLE koelectra_page(id, text, pair)");
  if (status == KOE_OK) {
    status =
        koe_cli_run(session, err, "CREATE TEMP TABLE koelectra_found(row, label, score, scores)");
  }
  if (status == KOE_OK && option(job, OVERWRITE) == NULL)
    status = koe_cli_format(&missing, err, " AND \"%w\" IS NULL", option(job, INTO));
  if (status == KOE_OK && pair != NULL)
    status = koe_cli_format(&paired, err, " AND \"%w\" IS NOT NULL", pair);
  if (status == KOE_OK) {
    status = koe_cli_run(session, err,
                         "INSERT INTO temp.koelectra_todo SELECT \"%w\" FROM main.\"%w\" WHERE "
                         "\"%w\" IS NOT NULL AND \"%w\" IS NOT NULL%s%s AND (%s\n)",
                         job->id, job->table, job->id, job->column, missing != NULL ? missing : "",
                         paired != NULL ? paired : "", where != NULL ? where : "1");
  }
  sqlite3_free(missing);
  sqlite3_free(paired);
  if (status != KOE_OK) return status;
  return koe_cli_integer(session, &job->total, 0, err, "SELECT count(*) FROM temp.koelectra_todo");
}

/* What a page finds out: only what goes into a column. */
static koe_status prepare_read(label_job *job, koe_error *err) {
  return koe_cli_prepare(
      &job->session, &job->read, err,
      "INSERT INTO temp.koelectra_found SELECT id, %s, %s, %s FROM "
      "koelectra_batch('SELECT rowid, text%s FROM temp.koelectra_page', %Q, %Q)",
      job->has_score ? "score" : "label", option(job, SCORE) != NULL ? "score" : "NULL",
      option(job, SCORES) != NULL ? "scores" : "NULL", option(job, PAIR) != NULL ? ", pair" : "",
      job->session.model, option(job, HEAD));
}

/* ", "column" = ?N", or nothing; for sqlite3_free. */
static koe_status assignment(char **out, const char *column, int parameter, koe_error *err) {
  if (column == NULL) return koe_cli_format(out, err, "%s", "");
  return koe_cli_format(out, err, ", \"%w\" = ?%d", column, parameter);
}

/* Not where somebody else has changed the text, or labelled it, in between. */
static koe_status prepare_update(label_job *job, koe_error *err) {
  const char *into = option(job, INTO), *pair = option(job, PAIR);
  char *score = NULL, *scores = NULL, *paired = NULL, *missing = NULL;
  koe_status status = assignment(&score, option(job, SCORE), 2, err);
  if (status == KOE_OK) status = assignment(&scores, option(job, SCORES), 3, err);
  if (status == KOE_OK) {
    status = pair == NULL ? koe_cli_format(&paired, err, "%s", "")
                          : koe_cli_format(&paired, err, " AND \"%w\" COLLATE BINARY IS ?6", pair);
  }
  if (status == KOE_OK) {
    status = option(job, OVERWRITE) != NULL
                 ? koe_cli_format(&missing, err, "%s", "")
                 : koe_cli_format(&missing, err, " AND \"%w\" IS NULL", into);
  }
  if (status == KOE_OK) {
    status = koe_cli_prepare(&job->session, &job->update, err,
                             "UPDATE main.\"%w\" SET \"%w\" = ?1%s%s WHERE \"%w\" = ?4 AND \"%w\" "
                             "COLLATE BINARY IS ?5%s%s",
                             job->table, into, score, scores, job->id, job->column, paired,
                             missing);
  }
  sqlite3_free(score);
  sqlite3_free(scores);
  sqlite3_free(paired);
  sqlite3_free(missing);
  return status;
}

static koe_status prepare(label_job *job, koe_error *err) {
  koe_cli_session *session = &job->session;
  const char *pair = option(job, PAIR);
  koe_status status = koe_cli_prepare(
      session, &job->copy, err,
      "INSERT INTO temp.koelectra_page SELECT q.id, t.\"%w\", %s%w%s FROM temp.koelectra_todo AS q "
      "CROSS JOIN main.\"%w\" AS t ON t.\"%w\" = q.id WHERE q.rowid > ?1 AND q.rowid <= ?2",
      job->column, pair != NULL ? "t.\"" : "NULL", pair != NULL ? pair : "",
      pair != NULL ? "\"" : "", job->table, job->id);
  if (status == KOE_OK) status = prepare_read(job, err);
  if (status == KOE_OK) {
    status = koe_cli_prepare(session, &job->written, err,
                             "SELECT f.label, f.score, f.scores, p.id, p.text, p.pair FROM "
                             "temp.koelectra_found AS f CROSS JOIN temp.koelectra_page AS p ON "
                             "p.rowid = f.row WHERE f.label IS NOT NULL");
  }
  return status == KOE_OK ? prepare_update(job, err) : status;
}

static koe_status run_prepared(label_job *job, sqlite3_stmt *statement, koe_error *err) {
  bool row = true;
  koe_status status = KOE_OK;
  while (status == KOE_OK && row)
    status = koe_cli_step(&job->session, statement, &row, err);
  return status;
}

/* Tells which row it is, where the model would tell its place in the page. */
static koe_status check_page(label_job *job, koe_error *err) {
  char *id;
  koe_status status = koe_cli_string(&job->session, &id, err,
                                     "SELECT id FROM temp.koelectra_page WHERE typeof(text) = "
                                     "'blob' OR typeof(pair) = 'blob' LIMIT 1");
  if (status == KOE_OK && id != NULL) {
    status = koe_fail(err, KOE_INVALID,
                      "%s %.80s: %s is a BLOB, not text: leave such rows out with --where "
                      "\"typeof(%s) = 'text'\"",
                      job->id, id, job->column, job->column);
  }
  sqlite3_free(id);
  return status;
}

/* Copies the texts of the next page and has the model read them; no lock is held meanwhile. */
static koe_status read_page(label_job *job, koe_error *err) {
  koe_cli_session *session = &job->session;
  koe_status status = koe_cli_run(session, err, "DELETE FROM temp.koelectra_page");
  if (status == KOE_OK) status = koe_cli_run(session, err, "DELETE FROM temp.koelectra_found");
  if (status != KOE_OK) return status;
  sqlite3_bind_int64(job->copy, 1, job->done);
  sqlite3_bind_int64(job->copy, 2, job->done + job->page);
  status = run_prepared(job, job->copy, err);
  if (status == KOE_OK) status = check_page(job, err);
  return status == KOE_OK ? run_prepared(job, job->read, err) : status;
}

static koe_status write_rows(label_job *job, long long *changed, koe_error *err) {
  bool row;
  koe_status status;
  while ((status = koe_cli_step(&job->session, job->written, &row, err)) == KOE_OK && row) {
    int parameters = sqlite3_bind_parameter_count(job->update);
    for (int i = 0; i < parameters; i++)
      sqlite3_bind_value(job->update, i + 1, sqlite3_column_value(job->written, i));
    status = run_prepared(job, job->update, err);
    if (status != KOE_OK) break;
    *changed += sqlite3_changes(job->session.db);
  }
  sqlite3_reset(job->written);
  return status;
}

static koe_status write_page(label_job *job, koe_error *err) {
  long long changed = 0;
  koe_status status = koe_cli_run(&job->session, err, "BEGIN IMMEDIATE");
  if (status != KOE_OK) return status;
  status = koe_cli_end(&job->session, write_rows(job, &changed, err), err);
  if (status == KOE_OK) job->labelled += changed;
  return status;
}

static void set_page(label_job *job, double seconds) {
  if (job->arguments->options[BATCH].text != NULL) return;
  if (seconds < 0.5) job->page *= 2;
  if (seconds > 2) job->page /= 2;
  if (job->page > LARGEST_PAGE) job->page = LARGEST_PAGE;
  if (job->page < 1) job->page = 1;
}

static koe_status label_rows(label_job *job, koe_error *err) {
  koe_cli_bar bar;
  koe_status status = KOE_OK;
  koe_cli_bar_begin(&bar, "label", job->arguments->quiet);
  while (status == KOE_OK && job->done < job->total) {
    double began = koe_cli_now();
    koe_cli_bar_draw(&bar, job->done, job->total, 0);
    status = koe_cli_stopped() ? koe_fail(err, KOE_INVALID, "interrupted") : read_page(job, err);
    if (status == KOE_OK) status = write_page(job, err);
    if (status != KOE_OK) break;
    job->done = job->done + job->page < job->total ? job->done + job->page : job->total;
    set_page(job, koe_cli_now() - began);
  }
  koe_cli_bar_clear(&bar);
  if (koe_cli_stopped() && status != KOE_OK) {
    koe_fail(err, status, "interrupted: %lld of %lld rows are labelled%s", job->labelled,
             job->total, option(job, OVERWRITE) != NULL ? "" : "; the same command goes on");
  }
  return status;
}

static void print_summary(const label_job *job, double seconds) {
  if (job->arguments->json) {
    printf("{\"rows\":%lld,\"labelled\":%lld,\"seconds\":%.3f}\n", job->total, job->labelled,
           seconds);
  } else if (!job->arguments->quiet) {
    printf("%lld row%s labelled in %.1f s\n", job->labelled, job->labelled == 1 ? "" : "s",
           seconds);
    if (job->labelled < job->total) {
      printf("others changed, labelled or deleted %lld meanwhile; the same command labels what is "
             "left\n",
             job->total - job->labelled);
    }
  }
}

static koe_status run_label(const koe_cli_arguments *arguments, koe_error *err) {
  label_job job = {.arguments = arguments, .page = FIRST_PAGE};
  if (arguments->options[BATCH].text != NULL) job.page = arguments->options[BATCH].count;
  job.table = arguments->operands[1];
  job.column = arguments->operands[2];
  koe_status status =
      koe_cli_open(arguments, arguments->operands[0], KOE_CLI_WRITE, &job.session, err);
  if (status == KOE_OK) status = check(&job, err);
  double began = koe_cli_now();
  if (status == KOE_OK) status = list_rows(&job, err);
  if (status == KOE_OK) status = prepare(&job, err);
  if (status == KOE_OK) status = label_rows(&job, err);
  if (status == KOE_OK) print_summary(&job, koe_cli_now() - began);
  sqlite3_finalize(job.copy);
  sqlite3_finalize(job.read);
  sqlite3_finalize(job.written);
  sqlite3_finalize(job.update);
  sqlite3_free(job.id);
  koe_cli_close(&job.session);
  return status;
}

const koe_cli_command koe_cli_label = {
    .name = "label",
    .operands = "DB TABLE COLUMN",
    .summary = "label the texts of a column into another one",
    .details =
        "The column is added where it is missing.  Rows that have a label are passed over, so the\n"
        "same command goes on where it was stopped, and labels rows that have come since.  About a\n"
        "second's work is committed at a time.  A head with one output gives its number.\n",
    .example = "  koelectra label reviews.db review body --into label --where 'stars IS NULL'\n",
    .least_operands = 3,
    .most_operands = 3,
    .options =
        {[INTO] = {"--into", 0, "COLUMN", false, true, "where labels go"},
         [PAIR] = {"--pair", 0, "COLUMN", false, false, "second text, for a model of pairs"},
         [SCORE] = {"--score", 0, "COLUMN", false, false, "also the probability of the label"},
         [SCORES] = {"--scores", 0, "COLUMN", false, false, "also all probabilities, as JSON"},
         [HEAD] = {"--head", 0, "NAME", false, false, "of a model with several heads"},
         [WHERE] = {"--where", 'w', "SQL", false, false, "only rows for which it is true"},
         [ID] = {"--id", 0, "COLUMN", false, false, "tells rows apart; default: the primary key"},
         [BATCH] = {"--batch", 'b', "N", true, false, "rows a transaction; default: a second's"},
         [OVERWRITE] = {"--overwrite", 0, NULL, false, false, "also rows that have a label"}},
    .run = run_label};
