/* FNV-1a, 64 bits (Fowler, Noll & Vo): fingerprints, where nobody picks inputs to collide. */
#ifndef KOE_HASH_H
#define KOE_HASH_H

#include <stddef.h>
#include <stdint.h>

#define KOE_HASH_START UINT64_C(0xcbf29ce484222325)

/* Continues `hash` over `length` bytes. */
static inline uint64_t koe_hash(uint64_t hash, const void *bytes, size_t length) {
  const unsigned char *b = bytes;
  for (size_t i = 0; i < length; i++)
    hash = (hash ^ b[i]) * UINT64_C(0x100000001b3);
  return hash;
}

#endif
