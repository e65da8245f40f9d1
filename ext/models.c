/* The models of the process, by name.
 *
 *   SELECT koelectra_load('nsmc', '/models/koelectra-small-v3-nsmc');        -- 'nsmc'
 *   SELECT koelectra_load('cls', '/models/v3', '{"pooling": "cls", "max_length": 128}');
 *   SELECT koelectra_load('small', 'monologg/koelectra-small-v3-discriminator');  -- 'small'
 *   SELECT name, layers, loaded FROM koelectra_models;                       -- nsmc 12 0
 *   SELECT koelectra_unload('nsmc');                                         -- 'nsmc'
 *
 * The third is a model that koelectra-fetch has put into the cache that Hugging Face's tools share;
 * 'ORG/NAME@REVISION' names a branch, tag or commit.  A directory of that path goes first.
 *
 * 'default' is the model inside the library until another is loaded under that name, and again when
 * that one is unloaded.  Its directory is called ':built-in:', to load it with other options:
 *
 *   SELECT name, path FROM koelectra_models;                                 -- default :built-in:
 *   SELECT koelectra_load('short', ':built-in:', '{"max_length": 64}');      -- 'short'
 *
 * Weights are opened on first use: columns that only they can tell (version, precision, bytes,
 * fingerprint) are NULL or 0 until then. */
#include "table_function.h"

#include "../model/registry.h"

#include <stdio.h>
#include <string.h>

SQLITE_EXTENSION_INIT3

/* The name of a model to load or unload, which has no default. */
static koe_status name_argument(sqlite3_value *value, const char **out, koe_error *err) {
  koe_status status = koe_string_argument(value, "the name", out, err);
  if (status == KOE_OK && *out == NULL) return koe_fail(err, KOE_INVALID, "the name is NULL");
  return status;
}

static koe_status load(int argc, sqlite3_value **argv, const char **name, koe_error *err) {
  const char *directory, *options = NULL;
  koe_status status = name_argument(argv[0], name, err);
  if (status == KOE_OK) status = koe_string_argument(argv[1], "the directory", &directory, err);
  if (status == KOE_OK && argc == 3) {
    status = koe_string_argument(argv[2], "the JSON of options", &options, err);
  }
  if (status != KOE_OK) return status;
  if (directory == NULL) return koe_fail(err, KOE_INVALID, "the directory is NULL");
  return koe_registry_load(*name, directory, options, err);
}

static void load_function(sqlite3_context *context, int argc, sqlite3_value **argv) {
  koe_error err;
  const char *name;
  if (load(argc, argv, &name, &err) == KOE_OK) {
    sqlite3_result_text(context, name, -1, SQLITE_TRANSIENT);
  } else {
    koe_sql_result_error(context, "koelectra_load", &err);
  }
}

static void unload_function(sqlite3_context *context, int argc, sqlite3_value **argv) {
  koe_error err;
  const char *name;
  (void)argc;
  koe_status status = name_argument(argv[0], &name, &err);
  if (status == KOE_OK) status = koe_registry_unload(name, &err);
  if (status == KOE_OK) {
    sqlite3_result_text(context, name, -1, SQLITE_TRANSIENT);
  } else {
    koe_sql_result_error(context, "koelectra_unload", &err);
  }
}

/* ── the table koelectra_models ─────────────────────────────────────────────────────────────────
 */

typedef struct model_rows {
  koe_registry_entry *entries;
  size_t count;
} model_rows;

static void clear_models(void *rows) {
  model_rows *models = rows;
  koe_registry_entries_free(models->entries, models->count);
}

static koe_status list_models(sqlite3_value *const *arguments, void *rows, size_t *count,
                              koe_error *err) {
  model_rows *models = rows;
  (void)arguments;
  koe_status status = koe_registry_list(&models->entries, &models->count, err);
  *count = models->count;
  return status;
}

static void result_text(sqlite3_context *context, const char *text) {
  if (text != NULL) sqlite3_result_text(context, text, -1, SQLITE_TRANSIENT);
}

enum {
  NAME,
  PATH,
  ARCHITECTURE,
  TASK,
  VERSION,
  HIDDEN_SIZE,
  LAYERS,
  LABELS,
  PRECISION,
  POOLING,
  LOADED,
  BYTES,
  FINGERPRINT
};

static void model_value(sqlite3_context *context, const void *rows, size_t row, int column) {
  const koe_registry_entry *entry = &((const model_rows *)rows)->entries[row];
  char fingerprint[17];
  switch (column) {
  case NAME:
    result_text(context, entry->name);
    break;
  case PATH:
    result_text(context, entry->path);
    break;
  case ARCHITECTURE:
    result_text(context, entry->architecture);
    break;
  case TASK:
    result_text(context, entry->task);
    break;
  case VERSION:
    result_text(context, entry->version);
    break;
  case HIDDEN_SIZE:
    sqlite3_result_int(context, entry->hidden_size);
    break;
  case LAYERS:
    sqlite3_result_int(context, entry->num_hidden_layers);
    break;
  case LABELS:
    result_text(context, entry->labels);
    break;
  case PRECISION:
    result_text(context, entry->precision);
    break;
  case POOLING:
    result_text(context, koe_pooling_name(entry->pooling));
    break;
  case LOADED:
    sqlite3_result_int(context, entry->loaded);
    break;
  case BYTES:
    sqlite3_result_int64(context, entry->bytes);
    break;
  case FINGERPRINT:
    if (!entry->loaded) break;
    snprintf(fingerprint, sizeof fingerprint, "%016llx", (unsigned long long)entry->fingerprint);
    result_text(context, fingerprint);
    break;
  }
}

int koe_register_models(sqlite3 *db) {
  static const koe_sql_function functions[] = {
      {"koelectra_load", 2, 3, SQLITE_DIRECTONLY, load_function},
      {"koelectra_unload", 1, 1, SQLITE_DIRECTONLY, unload_function},
  };
  static const char *const columns[] = {"name TEXT",         "path TEXT",
                                        "architecture TEXT", "task TEXT",
                                        "version TEXT",      "hidden_size INTEGER",
                                        "layers INTEGER",    "labels TEXT",
                                        "precision TEXT",    "pooling TEXT",
                                        "loaded INTEGER",    "bytes INTEGER",
                                        "fingerprint TEXT",  NULL};
  static const char *const arguments[] = {NULL};
  static const koe_table_function models = {.name = "koelectra_models",
                                            .columns = columns,
                                            .arguments = arguments,
                                            .rows_size = sizeof(model_rows),
                                            .filter = list_models,
                                            .value = model_value,
                                            .clear = clear_models};
  int code = koe_register_functions(db, functions, sizeof functions / sizeof functions[0], NULL);
  return code == SQLITE_OK ? koe_register_table_function(db, &models) : code;
}
