/* SipHash-2-4 with 128 bits (Aumasson & Bernstein 2012): texts and records known by a hash where
 * somebody may pick them to collide.  Who does not know the key cannot. */
#ifndef KOE_SIPHASH_H
#define KOE_SIPHASH_H

#include <stddef.h>
#include <stdint.h>

/* Hashes `length` bytes.
 *
 *   key [2]   random, kept as long as hashes are compared
 *   out [2]   numbers; the bytes of the reference are theirs, little-endian */
void koe_siphash(const uint64_t *key, const void *bytes, size_t length, uint64_t *out);

#endif
