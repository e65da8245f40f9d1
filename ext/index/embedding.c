#include "embedding.h"

#include "../../model/memory.h"
#include "../../model/registry.h"
#include "../../model/vectors.h"

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

int koe_index_embed(koe_index *index, const koe_index_info *info, koe_text text, float *out) {
  koe_error err;
  const koe_model *model;
  koe_status status = koe_registry_acquire(index->definition.model, &model, &err);
  if (status != KOE_OK) return koe_index_model_failed(index, &err);
  int code = check_model(index, info, model);
  if (code == SQLITE_OK) {
    status = koe_model_embed(model, &text, 1, out, &err);
    if (status != KOE_OK) code = koe_index_model_failed(index, &err);
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

static int query_of_vector(koe_index *index, const koe_index_info *info, sqlite3_value *value,
                           float **out) {
  koe_error err;
  size_t dimension;
  bool is_null;
  if (koe_vector_argument(value, "the query", out, &dimension, &is_null, &err) != KOE_OK) {
    return koe_index_model_failed(index, &err);
  }
  if (dimension != info->dimension) {
    return koe_index_fail(index, SQLITE_ERROR,
                          "the query has %lld elements, but the vectors of the index have %lld",
                          (long long)dimension, (long long)info->dimension);
  }
  if (!koe_vector_normalize(*out, dimension)) {
    return koe_index_fail(index, SQLITE_ERROR,
                          "the query is a vector of zeros: it has no direction");
  }
  return SQLITE_OK;
}

int koe_index_query(koe_index *index, const koe_index_info *info, sqlite3_value *value,
                    float **out) {
  *out = NULL;
  int type = sqlite3_value_type(value);
  if (type == SQLITE_NULL) return SQLITE_OK;
  int code = type == SQLITE_BLOB ? query_of_vector(index, info, value, out)
                                 : query_of_text(index, info, value, out);
  if (code != SQLITE_OK) {
    koe_free(*out);
    *out = NULL;
  }
  return code;
}
