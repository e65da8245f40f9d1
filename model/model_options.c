#include "model_options.h"

#include "config.h"
#include "json_file.h"

#include <string.h>

/* A text must hold [CLS], one token and [SEP]; a pair two more. */
enum { MIN_MAX_LENGTH = 5, MAX_MAX_LENGTH = 1 << 20 };

static koe_status read_option(const char *key, const json_t *value, koe_model_options *out,
                              koe_error *err) {
  const char *text = json_string_value(value);
  if (strcmp(key, "pooling") == 0) {
    koe_pooling pooling;
    koe_status status = koe_pooling_parse(text != NULL ? text : "", &pooling, err);
    if (status == KOE_OK) out->pooling = (int)pooling;
    return status;
  }
  if (strcmp(key, "max_length") == 0) {
    int64_t length;
    if (!koe_json_whole(value, MIN_MAX_LENGTH, MAX_MAX_LENGTH, &length)) {
      return koe_fail(err, KOE_INVALID, "option max_length is a number of tokens, %d or more",
                      MIN_MAX_LENGTH);
    }
    out->max_length = (int32_t)length;
    return KOE_OK;
  }
  if (strcmp(key, "normalize") == 0) {
    if (text == NULL || (strcmp(text, "none") != 0 && strcmp(text, "nfc") != 0)) {
      return koe_fail(err, KOE_INVALID, "option normalize is \"none\" or \"nfc\"");
    }
    out->normalize_nfc = strcmp(text, "nfc") == 0;
    return KOE_OK;
  }
  if (strcmp(key, "precision") == 0) {
    if (text == NULL || (strcmp(text, "float32") != 0 && strcmp(text, "int8") != 0)) {
      return koe_fail(err, KOE_INVALID, "option precision is \"float32\" or \"int8\"");
    }
    out->precision = strcmp(text, "int8") == 0 ? KOE_PRECISION_INT8 : KOE_PRECISION_FLOAT32;
    return KOE_OK;
  }
  if (strcmp(key, "aggregation") == 0) {
    if (text == NULL || (strcmp(text, "word") != 0 && strcmp(text, "token") != 0)) {
      return koe_fail(err, KOE_INVALID, "option aggregation is \"word\" or \"token\"");
    }
    out->aggregation = strcmp(text, "word") == 0 ? KOE_AGGREGATE_WORDS : KOE_AGGREGATE_TOKENS;
    return KOE_OK;
  }
  return koe_fail(err, KOE_INVALID,
                  "no option \"%.60s\": there are pooling, max_length, normalize, precision, "
                  "aggregation",
                  key);
}

koe_status koe_model_options_parse(const char *json, koe_model_options *out, koe_error *err) {
  *out = (koe_model_options){.pooling = -1, .aggregation = -1};
  if (json == NULL) return KOE_OK;
  json_t *root;
  koe_status status = koe_json_parse_options(json, "{\"pooling\": \"cls\"}", &root, err);
  if (status != KOE_OK) return status;
  const char *key;
  json_t *value;
  json_object_foreach(root, key, value) {
    if (status == KOE_OK) status = read_option(key, value, out, err);
  }
  json_decref(root);
  return status;
}

bool koe_model_options_equal(const koe_model_options *a, const koe_model_options *b) {
  return a->pooling == b->pooling && a->max_length == b->max_length &&
         a->normalize_nfc == b->normalize_nfc && a->precision == b->precision &&
         a->aggregation == b->aggregation;
}
