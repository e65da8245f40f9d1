/* The library and the process.
 *
 *   SELECT koelectra_version();             -- '0.1.0'
 *   SELECT koelectra_config('threads');     -- 2
 *   SELECT koelectra_config('threads', 1);  -- 1, and from now on for the whole process
 *   SELECT koelectra_config('cache_bytes', 0);  -- no images of indexes are kept in memory
 *   SELECT koelectra_info();
 *
 * gives {"version": "0.1.0", "sqlite": "3.40.1", "kernels": "avx2", "threads": 2, "cache_bytes":
 * 536870912, "images": {"count": 1, "bytes": 41536}, "models": [{"name": "default", "path":
 * ":built-in:", "loaded": false, "bytes": 0}]}. */
#include "koelectra_ext.h"

#include "index/image.h"

#include "../model/registry.h"

#include <string.h>

SQLITE_EXTENSION_INIT3

static const char version[] = "0.1.0";

static void get_version(sqlite3_context *context, int argc, sqlite3_value **argv) {
  (void)argc, (void)argv;
  sqlite3_result_text(context, version, -1, SQLITE_STATIC);
}

static void append_string(sqlite3_str *json, const char *key, const char *string) {
  sqlite3_str_appendf(json, "\"%s\":", key);
  koe_json_append_string(json, (koe_text){string, strlen(string)});
}

static void append_models(sqlite3_str *json, const koe_registry_entry *entries, size_t count) {
  sqlite3_str_appendall(json, "\"models\":[");
  for (size_t i = 0; i < count; i++) {
    sqlite3_str_appendall(json, i > 0 ? ",{" : "{");
    append_string(json, "name", entries[i].name);
    sqlite3_str_appendchar(json, 1, ',');
    append_string(json, "path", entries[i].path);
    sqlite3_str_appendf(json, ",\"loaded\":%s,\"bytes\":%lld}",
                        entries[i].loaded ? "true" : "false", (long long)entries[i].bytes);
  }
  sqlite3_str_appendchar(json, 1, ']');
}

static void get_info(sqlite3_context *context, int argc, sqlite3_value **argv) {
  koe_error err;
  koe_registry_entry *entries;
  size_t count;
  size_t images, image_bytes;
  int64_t threads, cache_bytes;
  (void)argc, (void)argv;
  if (koe_registry_config_get("threads", &threads, &err) != KOE_OK ||
      koe_registry_config_get("cache_bytes", &cache_bytes, &err) != KOE_OK ||
      koe_registry_list(&entries, &count, &err) != KOE_OK) {
    koe_sql_result_error(context, "koelectra_info", &err);
    return;
  }
  sqlite3_str *json = sqlite3_str_new(sqlite3_context_db_handle(context));
  sqlite3_str_appendchar(json, 1, '{');
  append_string(json, "version", version);
  sqlite3_str_appendchar(json, 1, ',');
  append_string(json, "sqlite", sqlite3_libversion());
  sqlite3_str_appendchar(json, 1, ',');
  append_string(json, "kernels", koe_registry_kernels());
  koe_image_count(&images, &image_bytes);
  sqlite3_str_appendf(json,
                      ",\"threads\":%lld,\"cache_bytes\":%lld,"
                      "\"images\":{\"count\":%lld,\"bytes\":%lld},",
                      (long long)threads, (long long)cache_bytes, (long long)images,
                      (long long)image_bytes);
  append_models(json, entries, count);
  sqlite3_str_appendchar(json, 1, '}');
  koe_registry_entries_free(entries, count);
  koe_json_result(context, json);
}

static koe_status configure(int argc, sqlite3_value **argv, int64_t *value, koe_error *err) {
  const char *key;
  koe_status status = koe_string_argument(argv[0], "the key", &key, err);
  if (status != KOE_OK) return status;
  if (key == NULL) return koe_fail(err, KOE_INVALID, "the key is NULL");
  if (argc == 2) {
    if (sqlite3_value_numeric_type(argv[1]) != SQLITE_INTEGER) {
      return koe_fail(err, KOE_INVALID, "the value of \"%.60s\" is not an integer", key);
    }
    status = koe_registry_config_set(key, sqlite3_value_int64(argv[1]), err);
    if (status != KOE_OK) return status;
    koe_image_trim();
  }
  return koe_registry_config_get(key, value, err);
}

static void get_or_set(sqlite3_context *context, int argc, sqlite3_value **argv) {
  koe_error err;
  int64_t value;
  if (configure(argc, argv, &value, &err) == KOE_OK) {
    sqlite3_result_int64(context, value);
  } else {
    koe_sql_result_error(context, "koelectra_config", &err);
  }
}

int koe_register_info(sqlite3 *db) {
  static const koe_sql_function functions[] = {
      {"koelectra_version", 0, 0, KOE_PURE, get_version},
      {"koelectra_info", 0, 0, SQLITE_INNOCUOUS, get_info},
      {"koelectra_config", 1, 1, SQLITE_INNOCUOUS, get_or_set},
      {"koelectra_config", 2, 2, SQLITE_DIRECTONLY, get_or_set},
  };
  return koe_register_functions(db, functions, sizeof functions / sizeof functions[0], NULL);
}
