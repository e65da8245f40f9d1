/* The internal header of ext/: what each file implements, and the few helpers all of them share.
 * ext/ translates between SQLite and model/; it holds no mathematics. */
#ifndef KOELECTRA_EXT_H
#define KOELECTRA_EXT_H

#include "../model/classifier.h"
#include "../model/model.h"
#include "../model/recent_texts.h"
#include "../model/status.h"
#include "../model/text.h"

#include <sqlite3ext.h>
#include <stdbool.h>
#include <stddef.h>

/* SQLITE_EXTENSION_INIT3 in each file but extension.c gives them the API pointer. */

/* ── registration: one function a file, called by extension.c ───────────────────────────────────
 */

typedef struct koe_connection koe_connection;

int koe_register_info(sqlite3 *db);      /* info.c: koelectra_version, _info, _config */
int koe_register_models(sqlite3 *db);    /* models.c: koelectra_load, _unload, koelectra_models */
int koe_register_tokenize(sqlite3 *db);  /* tokenize.c: koelectra_tokenize, _token_ids */
int koe_register_tokens(sqlite3 *db);    /* tokens.c: koelectra_tokens */
int koe_register_entities(sqlite3 *db);  /* entities.c: koelectra_entities */
int koe_register_answers(sqlite3 *db);   /* answers.c: koelectra_answers */
int koe_register_replaced(sqlite3 *db);  /* replaced.c: koelectra_replaced */
int koe_register_fill_mask(sqlite3 *db); /* fill_mask.c: koelectra_fill_mask */
int koe_register_chunks(sqlite3 *db);    /* chunks.c: koelectra_chunks */
int koe_register_vectors(sqlite3 *db);   /* vectors.c: koelectra_cosine, _vector, _vector_json */
int koe_register_batch(sqlite3 *db);     /* batch.c: koelectra_batch */
int koe_register_fit(sqlite3 *db);       /* fit.c: koelectra_fit */
int koe_register_metrics(sqlite3 *db); /* metrics.c: koelectra_accuracy, _f1, _pearson, _spearman */
/* task_metrics.c: koelectra_entity_f1, _exact_match, _character_f1 */
int koe_register_task_metrics(sqlite3 *db);
int koe_register_index(sqlite3 *db);    /* index/index.c: koelectra_index */
int koe_register_progress(sqlite3 *db); /* progress.c: koelectra_progress */
int koe_register_fts5(sqlite3 *db);     /* fts5_tokenizer.c: full-text search */

/* Those that encode one text at a time: embed.c: koelectra_embed, _similarity;
 * classify.c: koelectra_classify[_pair], _score[_pair], _scores[_pair]. */
int koe_register_embed(sqlite3 *db, koe_connection *connection);
int koe_register_classify(sqlite3 *db, koe_connection *connection);

/* What the functions of one connection share (connection.c).  SQLite calls them one at a time. */
struct koe_connection {
  size_t uses;
  koe_recent_texts *recent;
};

/* NULL where memory is short.  The caller, and each function that is registered with it, ends its
 * use with koe_connection_release. */
koe_connection *koe_connection_new(void);

/* Both take NULL. */
void koe_connection_retain(koe_connection *connection);
void koe_connection_release(void *connection);

/* A scalar function of `least` to `most` arguments.  `flags` are SQLITE_DETERMINISTIC and so on. */
typedef struct koe_sql_function {
  const char *name;
  int least, most;
  int flags;
  void (*call)(sqlite3_context *context, int argc, sqlite3_value **argv);
} koe_sql_function;

/* Registers functions (function.c); an SQLite result code.  `connection` is what
 * sqlite3_user_data(context) gives them; NULL for functions that share nothing. */
int koe_register_functions(sqlite3 *db, const koe_sql_function *functions, size_t count,
                           koe_connection *connection);

/* The flags of a function that depends on its arguments and the named model alone. */
#define KOE_PURE (SQLITE_DETERMINISTIC | SQLITE_INNOCUOUS)

/* ── errors (sql_error.c): the one place where a koe_error becomes an SQLite error ──────────────
 */

/* The SQLite result code of a status: SQLITE_NOMEM for KOE_NOMEM, SQLITE_ERROR otherwise. */
int koe_sql_code(koe_status status);

/* Ends a function call with `function: message`. */
void koe_sql_result_error(sqlite3_context *context, const char *function, const koe_error *err);

/* Replaces `*message` (zErrMsg of a virtual table, sqlite3_malloc'ed) and returns the code. */
int koe_sql_vtab_error(char **message, const koe_error *err);

/* ── arguments and texts (argument.c) ───────────────────────────────────────────────────────────
 */

/* The text of an argument; `*is_null` for NULL.  A number is read as its text, as SQLite does; a
 * BLOB is an error that names `what` ("text", "pair", "query").  The bytes live as long as
 * `value`. */
koe_status koe_text_argument(sqlite3_value *value, const char *what, koe_text *out, bool *is_null,
                             koe_error *err);

/* The same for a name, path or other string of C: one with a NUL character inside is an error. NULL
 * gives NULL. */
koe_status koe_string_argument(sqlite3_value *value, const char *what, const char **out,
                               koe_error *err);

/* A count; leaves `*out` as it is where `value` is a NULL pointer or NULL.  What is no integer, or
 * negative, is an error. */
koe_status koe_count_argument(sqlite3_value *value, const char *what, size_t *out, koe_error *err);

/* A vector argument: a BLOB of float32, all finite, at least one.  `*out` is a copy, aligned, that
 * the caller frees with koe_free; NULL with `*is_null` for NULL. */
koe_status koe_vector_argument(sqlite3_value *value, const char *what, float **out, size_t *n,
                               bool *is_null, koe_error *err);

/* Ends a function call, or a column of a virtual table, with a copy of the text. */
void koe_text_result(sqlite3_context *context, koe_text text);

/* ── the model argument (model_argument.c) ──────────────────────────────────────────────────────
 */

/* What argument `index` of a scalar function stands for: the model of that name, the head that a
 * BLOB of koelectra_fit is, or 'default' if there is no such argument.  Resolved once a statement
 * where the argument is constant (auxdata).  The caller ends the use with koe_classifier_release.
 */
koe_status koe_classifier_argument(sqlite3_context *context, int argc, sqlite3_value **argv,
                                   int index, const koe_classifier **out, koe_error *err);

/* The same for a value; 'default' where `value` is a NULL pointer.  The caller ends the use with
 * koe_classifier_release. */
koe_status koe_classifier_value(sqlite3_value *value, const koe_classifier **out, koe_error *err);

/* Both for functions that need no head: of a head they use the model it was fitted on.  The caller
 * ends the use with koe_registry_release. */
koe_status koe_model_argument(sqlite3_context *context, int argc, sqlite3_value **argv, int index,
                              const koe_model **out, koe_error *err);
koe_status koe_model_value(sqlite3_value *value, const koe_model **out, koe_error *err);

/* ── JSON output (json_writer.c) ────────────────────────────────────────────────────────────────
 */

/* Appends `text` as a JSON string, quotes included; invalid UTF-8 becomes U+FFFD. */
void koe_json_append_string(sqlite3_str *out, koe_text text);

/* Appends a number: %.9g for `digits` 9, "null" for what is not finite. */
void koe_json_append_number(sqlite3_str *out, double number, int digits);

/* Appends what koelectra_scores returns: {"negative":0.0123,"positive":0.9877} (classify.c).
 *
 *   group            whose labels; NULL for all groups, by name where there are several
 *   scores [labels]  of all groups: probabilities, or the output of a head that has one */
void koe_json_append_scores(sqlite3_str *out, const koe_classifier *model,
                            const koe_label_group_view *group, const float *scores);

/* Ends a function call with the JSON written to `json`, which is consumed: marked as JSON for
 * SQLite's functions, or the error it has run into (no memory, longer than SQLite's limit). */
void koe_json_result(sqlite3_context *context, sqlite3_str *json);

#endif
