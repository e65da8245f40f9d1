#include "fit_options.h"

#include "../json_file.h"
#include "../memory.h"

#include <string.h>

/* Beyond these nothing is learnt, or the fit has no end. */
static const double least_l2 = 1e-6, most_l2 = 1e9;

static koe_status read_option(const char *key, const json_t *value, koe_fit_options *out,
                              koe_error *err) {
  const char *text = json_string_value(value);
  if (strcmp(key, "model") == 0) {
    if (text == NULL) {
      return koe_fail(err, KOE_INVALID, "option model is the name of a registered model");
    }
    out->model = koe_copy_string(text, strlen(text));
    return out->model != NULL ? KOE_OK : koe_fail_nomem(err);
  }
  if (strcmp(key, "l2") == 0) {
    out->l2 = json_number_value(value);
    if (!(out->l2 >= least_l2 && out->l2 <= most_l2)) {
      return koe_fail(err, KOE_INVALID, "option l2 is a number from %g to %g", least_l2, most_l2);
    }
    return KOE_OK;
  }
  if (strcmp(key, "class_weight") == 0) {
    if (text == NULL || (strcmp(text, "none") != 0 && strcmp(text, "balanced") != 0)) {
      return koe_fail(err, KOE_INVALID, "option class_weight is \"none\" or \"balanced\"");
    }
    out->balanced = strcmp(text, "balanced") == 0;
    return KOE_OK;
  }
  return koe_fail(err, KOE_INVALID, "no option \"%.60s\": there are model, l2, class_weight", key);
}

koe_status koe_fit_options_parse(const char *json, koe_fit_options *out, koe_error *err) {
  *out = (koe_fit_options){0};
  if (json == NULL) return KOE_OK;
  json_t *root;
  koe_status status = koe_json_parse_options(json, "{\"class_weight\": \"balanced\"}", &root, err);
  if (status != KOE_OK) return status;
  const char *key;
  json_t *value;
  json_object_foreach(root, key, value) {
    if (status == KOE_OK) status = read_option(key, value, out, err);
  }
  json_decref(root);
  return status;
}

void koe_fit_options_clear(koe_fit_options *options) {
  koe_free(options->model);
  options->model = NULL;
}
