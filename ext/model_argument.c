/* The `model` argument of SQL functions: a name that koelectra_load has registered, or a head that
 * koelectra_fit returned.
 *
 *   SELECT koelectra_classify(body, 'sentiment') FROM review;
 *   SELECT koelectra_classify(body, (SELECT head FROM heads WHERE name = 'topic')) FROM review; */
#include "koelectra_ext.h"

#include "../model/registry.h"

SQLITE_EXTENSION_INIT3

koe_status koe_classifier_value(sqlite3_value *value, const koe_classifier **out, koe_error *err) {
  const char *name = NULL;
  *out = NULL;
  if (value != NULL && sqlite3_value_type(value) == SQLITE_BLOB) {
    const void *bytes = sqlite3_value_blob(value);
    size_t size = (size_t)sqlite3_value_bytes(value);
    /* A NULL pointer is what an empty BLOB gives. */
    if (bytes == NULL && size > 0) return koe_fail_nomem(err);
    return koe_classifier_fitted(bytes != NULL ? bytes : "", size, out, err);
  }
  /* Not the default model: a subquery that finds no head is NULL too. */
  if (value != NULL && sqlite3_value_type(value) == SQLITE_NULL) {
    return koe_fail(err, KOE_INVALID,
                    "the model is NULL: a subquery that finds no row, perhaps; leave the argument "
                    "out for 'default'");
  }
  koe_status status =
      value != NULL ? koe_string_argument(value, "the name of the model", &name, err) : KOE_OK;
  return status == KOE_OK ? koe_classifier_named(name, out, err) : status;
}

static void release_classifier(void *classifier) {
  koe_classifier_release(classifier);
}

koe_status koe_classifier_argument(sqlite3_context *context, int argc, sqlite3_value **argv,
                                   int index, const koe_classifier **out, koe_error *err) {
  if (index >= argc) return koe_classifier_value(NULL, out, err);
  *out = sqlite3_get_auxdata(context, index);
  if (*out != NULL) {
    koe_classifier_retain(*out);
    return KOE_OK;
  }
  koe_status status = koe_classifier_value(argv[index], out, err);
  if (status != KOE_OK) return status;
  koe_classifier_retain(*out);
  sqlite3_set_auxdata(context, index, (void *)*out, release_classifier);
  return KOE_OK;
}

/* Ends the use of a classifier and begins one of its model; takes NULL. */
static const koe_model *keep_model(const koe_classifier *classifier) {
  if (classifier == NULL) return NULL;
  const koe_model *model = koe_classifier_model(classifier);
  koe_registry_retain(model);
  koe_classifier_release(classifier);
  return model;
}

koe_status koe_model_value(sqlite3_value *value, const koe_model **out, koe_error *err) {
  const koe_classifier *classifier;
  koe_status status = koe_classifier_value(value, &classifier, err);
  *out = keep_model(classifier);
  return status;
}

koe_status koe_model_argument(sqlite3_context *context, int argc, sqlite3_value **argv, int index,
                              const koe_model **out, koe_error *err) {
  const koe_classifier *classifier;
  koe_status status = koe_classifier_argument(context, argc, argv, index, &classifier, err);
  *out = keep_model(classifier);
  return status;
}
