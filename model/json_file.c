#include "json_file.h"

#include <string.h>

enum {
  MAX_FILE_BYTES = 64 << 20,
  /* jansson takes up to about 250 bytes for a value of two characters: this bounds them. */
  MAX_VALUES = 1 << 20,
};

/* Counts the characters outside strings that begin or separate values. */
static size_t count_values(const char *bytes, size_t size) {
  size_t count = 0;
  bool in_string = false;
  for (size_t i = 0; i < size; i++) {
    char c = bytes[i];
    if (in_string && c == '\\') {
      i++;
    } else if (c == '"') {
      in_string = !in_string;
    } else if (!in_string && (c == '{' || c == '[' || c == ',' || c == ':')) {
      count++;
    }
  }
  return count;
}

koe_status koe_json_parse(const char *bytes, size_t size, const char *what, json_t **out,
                          koe_error *err) {
  *out = NULL;
  if (count_values(bytes, size) > MAX_VALUES) {
    return koe_fail(err, KOE_FORMAT, "%s: more than %d values", what, MAX_VALUES);
  }
  json_error_t error = {0};
  size_t flags = JSON_REJECT_DUPLICATES | JSON_DECODE_INT_AS_REAL;
  *out = json_loadb(size > 0 ? bytes : "", size, flags, &error);
  if (*out != NULL) return KOE_OK;
  bool silent = error.text[0] == '\0'; /* some of jansson's failed allocations set no text */
  if (silent || json_error_code(&error) == json_error_out_of_memory) return koe_fail_nomem(err);
  return koe_fail(err, KOE_FORMAT, "%s: not valid JSON: line %d: %s", what, error.line, error.text);
}

koe_status koe_json_parse_options(const char *json, const char *example, json_t **out,
                                  koe_error *err) {
  koe_status status = koe_json_parse(json, strlen(json), "options", out, err);
  if (status == KOE_FORMAT) {
    koe_error malformed = *err;
    return koe_fail(err, KOE_INVALID, "%.300s; options are a JSON object, as %s", malformed.message,
                    example);
  }
  if (status != KOE_OK) return status;
  if (json_is_object(*out)) return KOE_OK;
  status = koe_fail(err, KOE_INVALID, "options are a JSON object, as %s, not %s", example,
                    koe_json_type_name(*out));
  json_decref(*out);
  *out = NULL;
  return status;
}

koe_status koe_json_read_object(const koe_file_map *file, const char *path, json_t **out,
                                koe_error *err) {
  *out = NULL;
  if (file->size > MAX_FILE_BYTES) {
    return koe_fail(err, KOE_FORMAT, "%s: %zu bytes of JSON; at most %d are read", path, file->size,
                    MAX_FILE_BYTES);
  }
  koe_status status = koe_json_parse((const char *)file->data, file->size, path, out, err);
  if (status == KOE_OK && !json_is_object(*out)) {
    status = koe_fail(err, KOE_FORMAT, "%s: holds %s; expected an object", path,
                      koe_json_type_name(*out));
    json_decref(*out);
    *out = NULL;
  }
  return status;
}

bool koe_json_whole(const json_t *value, int64_t low, int64_t high, int64_t *out) {
  if (!json_is_number(value)) return false;
  double number = json_number_value(value);
  if (!(number >= -0x1p53 && number <= 0x1p53) || number != (double)(int64_t)number) return false;
  *out = (int64_t)number;
  return *out >= low && *out <= high;
}

/* The value of a key, or NULL where it is absent or null. */
static const json_t *get(const json_t *object, const char *key) {
  const json_t *value = json_object_get(object, key);
  return json_is_null(value) ? NULL : value;
}

static koe_status wrong_type(const json_t *value, const char *path, const char *key,
                             const char *expected, koe_error *err) {
  return koe_fail(err, KOE_FORMAT, "%s: \"%s\" is %s; expected %s", path, key,
                  koe_json_type_name(value), expected);
}

koe_status koe_json_int(const json_t *object, const char *path, const char *key, int32_t low,
                        int32_t high, int32_t *out, koe_error *err) {
  const json_t *value = get(object, key);
  if (value == NULL) return KOE_OK;
  if (!json_is_number(value)) return wrong_type(value, path, key, "a whole number", err);
  int64_t number;
  if (!koe_json_whole(value, low, high, &number)) {
    return koe_fail(err, KOE_FORMAT, "%s: \"%s\" is %.17g; expected a whole number from %d to %d",
                    path, key, json_number_value(value), low, high);
  }
  *out = (int32_t)number;
  return KOE_OK;
}

koe_status koe_json_number(const json_t *object, const char *path, const char *key, double *out,
                           koe_error *err) {
  const json_t *value = get(object, key);
  if (value == NULL) return KOE_OK;
  if (!json_is_number(value)) return wrong_type(value, path, key, "a number", err);
  *out = json_number_value(value);
  return KOE_OK;
}

koe_status koe_json_bool(const json_t *object, const char *path, const char *key, bool *out,
                         koe_error *err) {
  const json_t *value = get(object, key);
  if (value == NULL) return KOE_OK;
  if (!json_is_boolean(value)) return wrong_type(value, path, key, "true or false", err);
  *out = json_is_true(value);
  return KOE_OK;
}

koe_status koe_json_string(const json_t *object, const char *path, const char *key,
                           const char **out, koe_error *err) {
  const json_t *value = get(object, key);
  if (value == NULL) return KOE_OK;
  if (!json_is_string(value)) return wrong_type(value, path, key, "a string", err);
  *out = json_string_value(value);
  return KOE_OK;
}

const char *koe_json_type_name(const json_t *value) {
  if (value == NULL) return "absent";
  switch (json_typeof(value)) {
  case JSON_OBJECT:
    return "an object";
  case JSON_ARRAY:
    return "an array";
  case JSON_STRING:
    return "a string";
  case JSON_INTEGER:
  case JSON_REAL:
    return "a number";
  case JSON_TRUE:
  case JSON_FALSE:
    return "a boolean";
  case JSON_NULL:
    return "null";
  }
  return "unknown";
}
