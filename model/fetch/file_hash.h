/* The hashes by which a hub names the bytes of a file. */
#ifndef KOE_FETCH_FILE_HASH_H
#define KOE_FETCH_FILE_HASH_H

#include "../status.h"

#include <stdbool.h>

/* Whether the file at `path` has the hash that `expected` spells in hexadecimal digits: of 64, the
 * SHA-256 of its bytes; of 40, the SHA-1 of "blob LENGTH\0" and its bytes, as git names it.  Fails
 * with KOE_IO, KOE_NOMEM. */
koe_status koe_file_has_hash(const char *path, const char *expected, bool *out, koe_error *err);

#endif
