/* What the functions of one connection share; the last function that is gone frees it. */
#include "koelectra_ext.h"

#include "../model/memory.h"

SQLITE_EXTENSION_INIT3

koe_connection *koe_connection_new(void) {
  koe_error err;
  koe_connection *connection = koe_alloc_zero(1, sizeof *connection);
  if (connection == NULL) return NULL;
  connection->uses = 1;
  if (koe_recent_texts_new(&connection->recent, &err) == KOE_OK) return connection;
  koe_connection_release(connection);
  return NULL;
}

void koe_connection_retain(koe_connection *connection) {
  if (connection != NULL) connection->uses++;
}

void koe_connection_release(void *connection) {
  koe_connection *c = connection;
  if (c == NULL || --c->uses > 0) return;
  koe_recent_texts_free(c->recent);
  koe_free(c);
}
