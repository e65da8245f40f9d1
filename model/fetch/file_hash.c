#include "file_hash.h"

#include "../file_map.h"

#include <openssl/evp.h>
#include <stdio.h>
#include <string.h>

static bool digest(const koe_file_map *map, bool as_git, unsigned char *out, unsigned int *length) {
  char header[32];
  EVP_MD_CTX *context = EVP_MD_CTX_new();
  int header_length = snprintf(header, sizeof header, "blob %zu", map->size) + 1;
  bool good = context != NULL &&
              EVP_DigestInit_ex(context, as_git ? EVP_sha1() : EVP_sha256(), NULL) == 1 &&
              (!as_git || EVP_DigestUpdate(context, header, (size_t)header_length) == 1) &&
              EVP_DigestUpdate(context, map->data, map->size) == 1 &&
              EVP_DigestFinal_ex(context, out, length) == 1;
  EVP_MD_CTX_free(context);
  return good;
}

koe_status koe_file_has_hash(const char *path, const char *expected, bool *out, koe_error *err) {
  unsigned char bytes[EVP_MAX_MD_SIZE];
  unsigned int length = 0;
  char text[2 * EVP_MAX_MD_SIZE + 1];
  koe_file_map map;
  koe_status status = koe_file_map_open(path, &map, err);
  if (status != KOE_OK) return status;
  bool good = digest(&map, strlen(expected) == 40, bytes, &length);
  koe_file_map_close(&map);
  if (!good) return koe_fail(err, KOE_IO, "cannot compute the hash of %.300s", path);
  for (unsigned int i = 0; i < length; i++)
    sprintf(text + 2 * i, "%02x", bytes[i]);
  *out = strcmp(text, expected) == 0;
  return KOE_OK;
}
