/* Unsigned integers in groups of 7 bits, the lowest first, the top bit of a byte saying that
 * another follows: Protocol Buffers, LevelDB and Snappy all write them. */
#ifndef KOE_VARINT_H
#define KOE_VARINT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Reads the number at `bytes[*position]`, of `size` bytes, and moves on behind it.  False if it is
 * truncated or has more than 64 bits. */
static inline bool koe_varint(const uint8_t *bytes, size_t size, size_t *position, uint64_t *out) {
  uint64_t number = 0;
  for (int shift = 0; shift < 64 && *position < size; shift += 7) {
    uint8_t byte = bytes[(*position)++];
    if (shift == 63 && byte > 1) return false;
    number |= (uint64_t)(byte & 0x7F) << shift;
    if (byte < 0x80) {
      *out = number;
      return true;
    }
  }
  return false;
}

#endif
