/* koelectra models [MODEL …] and koelectra info. */
#include "output.h"
#include "session.h"

#include <stdio.h>
#include <string.h>

/* ── models ─────────────────────────────────────────────────────────────────────────────────────
 */

/* What is known of a model once its weights are opened. */
#define DESCRIBED                                                                              \
  "json_object('name', name, 'path', path, 'architecture', architecture, 'task', task, "       \
  "'version', version, 'layers', layers, 'hidden_size', hidden_size, 'precision', precision, " \
  "'pooling', pooling, 'bytes', bytes, 'labels', json(labels), 'fingerprint', fingerprint)"

static const char describe[] = "SELECT key, value FROM json_each((SELECT " DESCRIBED
                               " FROM koelectra_models WHERE name = %Q)) WHERE value IS NOT NULL";

static const char describe_json[] = "SELECT " DESCRIBED " FROM koelectra_models WHERE name = %Q";

static koe_status print_model(koe_cli_session *session, const char *name, bool json,
                              koe_error *err) {
  sqlite3_stmt *statement = NULL;
  /* Opens it. */
  koe_status status = koe_cli_run(session, err, "SELECT koelectra_token_ids('', %Q)", name);
  if (status == KOE_OK)
    status = koe_cli_prepare(session, &statement, err, json ? describe_json : describe, name);
  if (status == KOE_OK) status = koe_cli_print_rows(session, statement, json, NULL, err);
  sqlite3_finalize(statement);
  return status;
}

static koe_status print_path(koe_cli_session *session, const char *path,
                             const koe_cli_arguments *arguments, bool is_next, koe_error *err) {
  char *name = NULL;
  koe_status status = koe_cli_load(session, path, arguments->model_options, &name, err);
  if (status == KOE_OK && is_next && !arguments->json) putchar('\n');
  if (status == KOE_OK) status = print_model(session, name, arguments->json, err);
  sqlite3_free(name);
  return status;
}

static koe_status run_models(const koe_cli_arguments *arguments, koe_error *err) {
  koe_cli_session session;
  koe_status status = koe_cli_open(arguments, NULL, KOE_CLI_READ, &session, err);
  if (status == KOE_OK && arguments->operand_count == 0)
    status = print_model(&session, session.model, arguments->json, err);
  for (size_t i = 0; status == KOE_OK && i < arguments->operand_count; i++) {
    status = print_path(&session, arguments->operands[i], arguments, i > 0, err);
  }
  koe_cli_close(&session);
  return status;
}

const koe_cli_command koe_cli_models = {
    .name = "models",
    .operands = "[MODEL …]",
    .summary = "open models and print what they are",
    .details =
        "Without MODEL, of the model that the other commands use.  Prints name, path,\n"
        "architecture, version, layers, hidden size, precision, bytes, labels, fingerprint.\n",
    .example = "  koelectra models monologg/koelectra-small-v3-discriminator /models/nsmc\n",
    .most_operands = 1000,
    .run = run_models};

/* ── info ───────────────────────────────────────────────────────────────────────────────────────
 */

static koe_status run_info(const koe_cli_arguments *arguments, koe_error *err) {
  koe_cli_session session;
  sqlite3_stmt *statement = NULL;
  koe_status status = koe_cli_open(arguments, NULL, KOE_CLI_READ, &session, err);
  if (status == KOE_OK) {
    status = koe_cli_prepare(&session, &statement, err, "%s",
                             arguments->json
                                 ? "SELECT koelectra_info()"
                                 : "SELECT key, value FROM json_each(koelectra_info())");
  }
  if (status == KOE_OK)
    status = koe_cli_print_rows(&session, statement, arguments->json, NULL, err);
  sqlite3_finalize(statement);
  koe_cli_close(&session);
  return status;
}

const koe_cli_command koe_cli_info = {.name = "info",
                                      .operands = "",
                                      .summary = "print versions, processor kernels and settings",
                                      .example = "  koelectra info --json\n",
                                      .run = run_info};
