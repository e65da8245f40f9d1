/* JSON files of a checkpoint directory, read with jansson, and typed access to their keys.
 *
 * Integers are read as float64, so that the 1000000000000000019884624838656 that transformers
 * writes for "no limit" is a number like any other; those up to 2^53 are exact. */
#ifndef KOE_JSON_FILE_H
#define KOE_JSON_FILE_H

#include "file_map.h"
#include "status.h"

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Parses `size` bytes of JSON; `what` names them in messages.  The caller drops `*out` with
 * json_decref.  Duplicate keys, NUL characters and text that would need an absurd amount of memory
 * are refused.  Fails with KOE_FORMAT, naming the line, or KOE_NOMEM. */
koe_status koe_json_parse(const char *bytes, size_t size, const char *what, json_t **out,
                          koe_error *err);

/* The same for the options of a function: a JSON object, of which `example` is one.  Fails with
 * KOE_INVALID, saying so, or KOE_NOMEM. */
koe_status koe_json_parse_options(const char *json, const char *example, json_t **out,
                                  koe_error *err);

/* The same for a file of at most 64 MiB that holds a JSON object; `path` names it in messages. */
koe_status koe_json_read_object(const koe_file_map *file, const char *path, json_t **out,
                                koe_error *err);

/* Whether `value` is a whole number from `low` to `high`, then given in `*out`. */
bool koe_json_whole(const json_t *value, int64_t low, int64_t high, int64_t *out);

/* Each reads `object[key]` into `*out`, and leaves `*out` as it is where the key is absent or null:
 * it holds the default.  Otherwise they fail with KOE_FORMAT, naming `path`, key and what was
 * expected. */

/* A whole number from `low` to `high`. */
koe_status koe_json_int(const json_t *object, const char *path, const char *key, int32_t low,
                        int32_t high, int32_t *out, koe_error *err);

koe_status koe_json_number(const json_t *object, const char *path, const char *key, double *out,
                           koe_error *err);

koe_status koe_json_bool(const json_t *object, const char *path, const char *key, bool *out,
                         koe_error *err);

/* The string lives as long as `object`. */
koe_status koe_json_string(const json_t *object, const char *path, const char *key,
                           const char **out, koe_error *err);

/* "a string", "an object", …: the type of `value`, for messages. */
const char *koe_json_type_name(const json_t *value);

#endif
