/* Vectors: BLOBs of float32, little-endian, as koelectra_embed gives them.
 *
 *   SELECT koelectra_cosine(a.embedding, b.embedding);          -- 0.73, from -1 to 1
 *   SELECT koelectra_vector('[0.5, -0.25, 1e-3]');              -- a BLOB of 12 bytes
 *   SELECT koelectra_vector_json(x'0000003f000080be');          -- [0.5,-0.25]
 *
 * A vector whose elements are all zero has no direction: its cosine is NULL. */
#include "koelectra_ext.h"

#include "../model/json_file.h"
#include "../model/memory.h"
#include "../model/search/vectors.h"

#include <math.h>

SQLITE_EXTENSION_INIT3

static void cosine(sqlite3_context *context, int argc, sqlite3_value **argv) {
  koe_error err;
  float *a = NULL, *b = NULL;
  size_t a_elements, b_elements;
  bool a_null, b_null;
  double result;

  (void)argc;
  koe_status status =
      koe_vector_argument(argv[0], "the first vector", &a, &a_elements, &a_null, &err);
  if (status != KOE_OK) goto cleanup;
  status = koe_vector_argument(argv[1], "the second vector", &b, &b_elements, &b_null, &err);
  if (status != KOE_OK || a_null || b_null) goto cleanup;
  if (a_elements != b_elements) {
    status = koe_fail(&err, KOE_INVALID,
                      "the vectors have %zu and %zu elements: "
                      "only embeddings of one model can be compared",
                      a_elements, b_elements);
    goto cleanup;
  }
  if (koe_vector_cosine(a, b, a_elements, &result)) sqlite3_result_double(context, result);

cleanup:
  koe_free(a);
  koe_free(b);
  if (status != KOE_OK) koe_sql_result_error(context, "koelectra_cosine", &err);
}

/* Reads an array of numbers into `*out`, which the caller frees. */
static koe_status read_array(const json_t *array, float **out, size_t *n, koe_error *err) {
  *out = NULL;
  *n = json_array_size(array); /* 0 for what is no array */
  if (*n == 0) {
    return koe_fail(err, KOE_INVALID, "expected a JSON array of numbers, at least one");
  }
  *out = koe_alloc(*n, sizeof **out);
  if (*out == NULL) return koe_fail_nomem(err);
  for (size_t i = 0; i < *n; i++) {
    const json_t *element = json_array_get(array, i);
    (*out)[i] = (float)json_number_value(element);
    if (json_is_number(element) && isfinite((*out)[i])) continue;
    koe_free(*out);
    *out = NULL;
    return koe_fail(err, KOE_INVALID, "element %zu of the array (from 0) is not %s", i,
                    json_is_number(element) ? "within the range of float32" : "a number");
  }
  return KOE_OK;
}

static void vector(sqlite3_context *context, int argc, sqlite3_value **argv) {
  koe_error err;
  koe_text text;
  bool is_null;
  json_t *array = NULL;
  float *elements;
  size_t n;

  (void)argc;
  koe_status status = koe_text_argument(argv[0], "json", &text, &is_null, &err);
  if (status != KOE_OK || is_null) goto cleanup;
  status = koe_json_parse(text.bytes, text.length, "json", &array, &err);
  if (status != KOE_OK) goto cleanup;
  status = read_array(array, &elements, &n, &err);
  if (status != KOE_OK) goto cleanup;
  sqlite3_result_blob64(context, elements, n * sizeof *elements, koe_free);

cleanup:
  json_decref(array);
  if (status != KOE_OK) koe_sql_result_error(context, "koelectra_vector", &err);
}

static void vector_json(sqlite3_context *context, int argc, sqlite3_value **argv) {
  koe_error err;
  float *elements;
  size_t n;
  bool is_null;

  (void)argc;
  koe_status status = koe_vector_argument(argv[0], "the vector", &elements, &n, &is_null, &err);
  if (status != KOE_OK) {
    koe_sql_result_error(context, "koelectra_vector_json", &err);
    return;
  }
  if (is_null) return;
  sqlite3_str *json = sqlite3_str_new(sqlite3_context_db_handle(context));
  sqlite3_str_appendchar(json, 1, '[');
  for (size_t i = 0; i < n; i++) {
    if (i > 0) sqlite3_str_appendchar(json, 1, ',');
    koe_json_append_number(json, elements[i], 9);
  }
  sqlite3_str_appendchar(json, 1, ']');
  koe_free(elements);
  koe_json_result(context, json);
}

int koe_register_vectors(sqlite3 *db) {
  static const koe_sql_function functions[] = {
      {"koelectra_cosine", 2, 2, KOE_PURE, cosine},
      {"koelectra_vector", 1, 1, KOE_PURE, vector},
      {"koelectra_vector_json", 1, 1, KOE_PURE, vector_json},
  };
  return koe_register_functions(db, functions, sizeof functions / sizeof functions[0], NULL);
}
