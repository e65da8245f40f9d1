/* The entry point.
 *
 *   sqlite> .load koelectra
 *   sqlite> SELECT koelectra_version();
 *
 * Models belong to the process and outlive connections, so the library stays loaded once it is. */
#include "koelectra.h"
#include "koelectra_ext.h"

#include "index/image.h"

#include "../model/registry.h"

SQLITE_EXTENSION_INIT1

/* The oldest SQLite whose interface is used and tested. */
enum { OLDEST_SQLITE = 3040000 };

#ifdef SQLITE_CORE
enum { LOADED = SQLITE_OK };
#else
enum { LOADED = SQLITE_OK_LOAD_PERMANENTLY };
#endif

/* Adds everything to a connection; an SQLite result code. */
static int register_all(sqlite3 *db) {
  static int (*const registrations[])(sqlite3 *) = {
      koe_register_info,     koe_register_models,       koe_register_tokenize,
      koe_register_tokens,   koe_register_entities,     koe_register_answers,
      koe_register_replaced, koe_register_fill_mask,    koe_register_chunks,
      koe_register_vectors,  koe_register_batch,        koe_register_fit,
      koe_register_metrics,  koe_register_task_metrics, koe_register_index,
      koe_register_fts5,     koe_register_progress};
  koe_connection *connection = koe_connection_new();
  if (connection == NULL) return SQLITE_NOMEM;
  int code = koe_register_embed(db, connection);
  if (code == SQLITE_OK) code = koe_register_classify(db, connection);
  koe_connection_release(connection);
  for (size_t i = 0; i < sizeof registrations / sizeof registrations[0] && code == SQLITE_OK; i++)
    code = registrations[i](db);
  return code;
}

__attribute__((visibility("default"))) int sqlite3_koelectra_init(sqlite3 *db, char **error,
                                                                  const sqlite3_api_routines *api) {
  SQLITE_EXTENSION_INIT2(api);
  (void)api;
  if (sqlite3_libversion_number() < OLDEST_SQLITE) {
    if (error != NULL) {
      *error = sqlite3_mprintf("koelectra needs SQLite 3.40 or newer; this is SQLite %s",
                               sqlite3_libversion());
    }
    return SQLITE_ERROR;
  }
  int code = register_all(db);
  if (code == SQLITE_OK) return LOADED;
  if (error != NULL) {
    *error = sqlite3_mprintf("koelectra: %s",
                             code == SQLITE_NOMEM ? sqlite3_errstr(code) : sqlite3_errmsg(db));
  }
  return code;
}

/* A host that closes the library with dlclose, or a process that ends, leaves nothing behind. */
__attribute__((destructor)) static void forget_all(void) {
  koe_image_clear();
  koe_registry_clear();
}
