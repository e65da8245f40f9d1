/* Embeddings.
 *
 *   SELECT koelectra_embed('한국어 모델');
 *   -- a BLOB: hidden_size float32, little-endian, of length 1
 *   SELECT koelectra_similarity('영화가 좋았다', '재미있는 영화');
 *   -- 0.87, from -1 to 1
 *   SELECT body FROM reviews ORDER BY koelectra_similarity('연기가 좋다', body) DESC LIMIT 5;
 *
 * A text that was embedded a moment ago is not encoded again (model/recent_texts.h): in the last,
 * the one that does not change. */
#include "koelectra_ext.h"

#include "../model/memory.h"
#include "../model/registry.h"
#include "../model/search/vectors.h"

SQLITE_EXTENSION_INIT3

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__,
               "vectors are stored as they are in memory");

/* out [count, dimension] = the embeddings of texts [1 or 2]. */
static koe_status embed_texts(sqlite3_context *context, const koe_model *model,
                              const koe_text *texts, size_t count, float *out, koe_error *err) {
  const koe_connection *connection = sqlite3_user_data(context);
  return koe_recent_texts_run(connection->recent, model, texts, NULL, count,
                              &(koe_outputs){.embeddings = out}, err);
}

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
  status = vector != NULL ? embed_texts(context, model, &text, 1, vector, &err)
                          : koe_fail_nomem(&err);
  if (status != KOE_OK) goto cleanup;
  sqlite3_result_blob64(context, vector, dimension * sizeof *vector, koe_free);
  vector = NULL;

cleanup:
  koe_free(vector);
  koe_registry_release(model);
  if (status != KOE_OK) koe_sql_result_error(context, "koelectra_embed", &err);
}

static void similarity(sqlite3_context *context, int argc, sqlite3_value **argv) {
  koe_error err;
  koe_text texts[2];
  bool is_null[2];
  const koe_model *model = NULL;
  float *vectors = NULL;
  double cosine;

  koe_status status = koe_text_argument(argv[0], "text_a", &texts[0], &is_null[0], &err);
  if (status != KOE_OK) goto cleanup;
  status = koe_text_argument(argv[1], "text_b", &texts[1], &is_null[1], &err);
  if (status != KOE_OK || is_null[0] || is_null[1]) goto cleanup;
  status = koe_model_argument(context, argc, argv, 2, &model, &err);
  if (status != KOE_OK) goto cleanup;
  size_t dimension = koe_model_dimension(model);
  vectors = koe_alloc(2 * dimension, sizeof *vectors);
  status = vectors != NULL ? embed_texts(context, model, texts, 2, vectors, &err)
                           : koe_fail_nomem(&err);
  if (status == KOE_OK && koe_vector_cosine(vectors, vectors + dimension, dimension, &cosine)) {
    sqlite3_result_double(context, cosine);
  }

cleanup:
  koe_free(vectors);
  koe_registry_release(model);
  if (status != KOE_OK) koe_sql_result_error(context, "koelectra_similarity", &err);
}

int koe_register_embed(sqlite3 *db, koe_connection *connection) {
  static const koe_sql_function functions[] = {
      {"koelectra_embed", 1, 2, KOE_PURE, embed},
      {"koelectra_similarity", 2, 3, KOE_PURE, similarity},
  };
  return koe_register_functions(db, functions, sizeof functions / sizeof functions[0], connection);
}
