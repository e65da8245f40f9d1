#include "embedding.h"

#include "../../model/memory.h"
#include "../../model/registry.h"
#include "../../model/search/vectors.h"

SQLITE_EXTENSION_INIT3

static int check_model(koe_index *index, const koe_index_info *info, const koe_model *model) {
  uint64_t fingerprint = koe_model_fingerprint(model);
  size_t dimension = koe_model_dimension(model);
  if (fingerprint == info->fingerprint && dimension == info->dimension) return SQLITE_OK;
  if (fingerprint == info->fingerprint) {
    return koe_index_damaged(index, "info", "dimension is %lld, but the model's vectors have %lld",
                             (long long)info->dimension, (long long)dimension);
  }
  return koe_index_fail(
      index, SQLITE_ERROR,
      "another model made its vectors (fingerprint %016llx) than is now loaded as "
      "'%s' (%016llx): load that one under the name, or "
      "INSERT INTO %s(%s) VALUES('rebuild') to embed all rows with this one",
      (unsigned long long)info->fingerprint, index->definition.model,
      (unsigned long long)fingerprint, index->name, index->name);
}

int koe_index_model(koe_index *index, const koe_index_info *info, const koe_model **out) {
  koe_error err;
  const koe_model *model;
  *out = NULL;
  if (koe_registry_acquire(index->definition.model, &model, &err) != KOE_OK) {
    return koe_index_model_failed(index, &err);
  }
  int code = check_model(index, info, model);
  if (code == SQLITE_OK) {
    *out = model;
  } else {
    koe_registry_release(model);
  }
  return code;
}

int koe_index_embed(koe_index *index, const koe_index_info *info, koe_text text, float *out) {
  koe_error err;
  const koe_model *model;
  int code = koe_index_model(index, info, &model);
  if (code != SQLITE_OK) return code;
  if (koe_model_embed(model, &text, 1, out, &err) != KOE_OK) {
    code = koe_index_model_failed(index, &err);
  }
  koe_registry_release(model);
  return code;
}

static int query_of_text(koe_index *index, const koe_index_info *info, sqlite3_value *value,
                         float **out) {
  koe_error err;
  koe_text text;
  bool is_null;
  if (koe_text_argument(value, "the query", &text, &is_null, &err) != KOE_OK) {
    return koe_index_model_failed(index, &err);
  }
  *out = koe_alloc_aligned(info->dimension, sizeof **out);
  return *out != NULL ? koe_index_embed(index, info, text, *out) : SQLITE_NOMEM;
}

/* A BLOB of another size is text as often as it is a vector of another model. */
static int fail_size(koe_index *index, const koe_index_info *info, sqlite3_value *value,
                     const char *what) {
  static const char *const hint = "if it holds UTF-8, pass CAST(… AS TEXT)";
  int bytes = sqlite3_value_bytes(value);
  int64_t dimension = (int64_t)info->dimension, size = (int64_t)sizeof(float);
  if (bytes > 0 && bytes % size == 0) {
    return koe_index_fail(index, SQLITE_ERROR,
                          "%s has %lld elements, but the vectors of the index have %lld; %s", what,
                          (long long)(bytes / size), (long long)dimension, hint);
  }
  return koe_index_fail(index, SQLITE_ERROR,
                        "%s is a BLOB of %d bytes, but the vectors of the index have %lld elements "
                        "of float32, %lld bytes; %s",
                        what, bytes, (long long)dimension, (long long)(dimension * size), hint);
}

int koe_index_vector(koe_index *index, const koe_index_info *info, sqlite3_value *value,
                     const char *what, float **out) {
  koe_error err;
  size_t dimension;
  bool is_null;
  *out = NULL;
  if ((size_t)sqlite3_value_bytes(value) != info->dimension * sizeof **out) {
    return fail_size(index, info, value, what);
  }
  if (koe_vector_argument(value, what, out, &dimension, &is_null, &err) != KOE_OK) {
    return koe_index_model_failed(index, &err);
  }
  if (koe_vector_normalize(*out, dimension)) return SQLITE_OK;
  koe_free(*out);
  *out = NULL;
  return koe_index_fail(index, SQLITE_ERROR, "%s is a vector of zeros: it has no direction", what);
}

int koe_index_query(koe_index *index, const koe_index_info *info, sqlite3_value *value,
                    float **out) {
  *out = NULL;
  int type = sqlite3_value_type(value);
  if (type == SQLITE_NULL) return SQLITE_OK;
  int code = type == SQLITE_BLOB ? koe_index_vector(index, info, value, "the query", out)
                                 : query_of_text(index, info, value, out);
  if (code != SQLITE_OK) {
    koe_free(*out);
    *out = NULL;
  }
  return code;
}
