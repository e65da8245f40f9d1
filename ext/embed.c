/* Embeddings.
 *
 *   SELECT koelectra_embed('한국어 모델');           -- BLOB: hidden_size float32, little-endian,
 * length 1 SELECT koelectra_similarity('영화가 좋았다', '재미있는 영화');      -- 0.87, from -1 to
 * 1 SELECT body FROM reviews ORDER BY koelectra_similarity('연기가 좋다', body) DESC LIMIT 5;
 *
 * In the last, the text that does not change is embedded once a statement. */
#include "koelectra_ext.h"

#include "../model/memory.h"
#include "../model/registry.h"
#include "../model/vectors.h"

#include <string.h>

SQLITE_EXTENSION_INIT3

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__,
               "vectors are stored as they are in memory");

static void embed(sqlite3_context *context, int argc, sqlite3_value **argv) {
  koe_error err;
  koe_text text;
  bool is_null;
  const koe_model *model = NULL;
  float *vector = NULL;

  koe_status status = koe_text_argument(argv[0], "text", &text, &is_null, &err);
  if (status != KOE_OK || is_null) goto cleanup;
  status = koe_model_argument(context, argc, argv, 1, &model, &err);
  if (status != KOE_OK) goto cleanup;
  size_t dimension = koe_model_dimension(model);
  vector = koe_alloc(dimension, sizeof *vector);
  status = vector != NULL ? koe_model_embed(model, &text, 1, vector, &err) : koe_fail_nomem(&err);
  if (status != KOE_OK) goto cleanup;
  sqlite3_result_blob64(context, vector, dimension * sizeof *vector, koe_free);
  vector = NULL;

cleanup:
  koe_free(vector);
  koe_registry_release(model);
  if (status != KOE_OK) koe_sql_result_error(context, "koelectra_embed", &err);
}

/* ── koelectra_similarity ───────────────────────────────────────────────────────────────────────
 */

/* The embedding of a constant argument, kept by SQLite for the statement. */
typedef struct constant_embedding {
  const koe_model *model;
  float vector[];
} constant_embedding;

static void free_constant(void *memory) {
  constant_embedding *constant = memory;
  koe_registry_release(constant->model);
  koe_free(constant);
}

/* Keeps the embedding of an argument.  SQLite drops it after the call unless the argument is
 * constant; where memory is short, it is computed again. */
static void keep(sqlite3_context *context, int argument, const koe_model *model,
                 const float *vector) {
  size_t bytes = koe_model_dimension(model) * sizeof *vector;
  constant_embedding *constant = koe_alloc(1, sizeof *constant + bytes);
  if (constant == NULL) return;
  koe_registry_retain(model);
  constant->model = model;
  memcpy(constant->vector, vector, bytes);
  sqlite3_set_auxdata(context, argument, constant, free_constant);
}

/* Sets the result to the cosine of the embeddings of texts [2]. */
static koe_status compare(sqlite3_context *context, const koe_model *model, const koe_text *texts,
                          koe_error *err) {
  size_t dimension = koe_model_dimension(model);
  const float *vectors[2];
  koe_text missing_texts[2];
  int missing[2]; /* arguments whose embedding is not kept */
  size_t count = 0;
  double cosine;

  for (int i = 0; i < 2; i++) {
    const constant_embedding *kept = sqlite3_get_auxdata(context, i);
    /* 'default' may mean another model since. */
    if (kept != NULL && kept->model == model) {
      vectors[i] = kept->vector;
    } else {
      missing_texts[count] = texts[i];
      missing[count++] = i;
    }
  }
  float *computed = koe_alloc(count * dimension, sizeof *computed);
  if (computed == NULL) return koe_fail_nomem(err);
  koe_status status = koe_model_embed(model, missing_texts, count, computed, err);
  if (status != KOE_OK) goto cleanup;
  for (size_t i = 0; i < count; i++)
    vectors[missing[i]] = computed + i * dimension;
  if (koe_vector_cosine(vectors[0], vectors[1], dimension, &cosine)) {
    sqlite3_result_double(context, cosine);
  }
  for (size_t i = 0; i < count; i++)
    keep(context, missing[i], model, vectors[missing[i]]);

cleanup:
  koe_free(computed);
  return status;
}

static void similarity(sqlite3_context *context, int argc, sqlite3_value **argv) {
  koe_error err;
  koe_text texts[2];
  bool is_null[2];
  const koe_model *model = NULL;

  koe_status status = koe_text_argument(argv[0], "text_a", &texts[0], &is_null[0], &err);
  if (status != KOE_OK) goto cleanup;
  status = koe_text_argument(argv[1], "text_b", &texts[1], &is_null[1], &err);
  if (status != KOE_OK || is_null[0] || is_null[1]) goto cleanup;
  status = koe_model_argument(context, argc, argv, 2, &model, &err);
  if (status == KOE_OK) status = compare(context, model, texts, &err);

cleanup:
  koe_registry_release(model);
  if (status != KOE_OK) koe_sql_result_error(context, "koelectra_similarity", &err);
}

int koe_register_embed(sqlite3 *db) {
  static const koe_sql_function functions[] = {
      {"koelectra_embed", 1, 2, KOE_PURE, embed},
      {"koelectra_similarity", 2, 3, KOE_PURE, similarity},
  };
  return koe_register_functions(db, functions, sizeof functions / sizeof functions[0]);
}
