#include "siphash.h"

static inline uint64_t rotate(uint64_t x, int bits) {
  return x << bits | x >> (64 - bits);
}

static inline void mix(uint64_t *v, int rounds) {
  for (int i = 0; i < rounds; i++) {
    v[0] += v[1];
    v[1] = rotate(v[1], 13) ^ v[0];
    v[0] = rotate(v[0], 32);
    v[2] += v[3];
    v[3] = rotate(v[3], 16) ^ v[2];
    v[0] += v[3];
    v[3] = rotate(v[3], 21) ^ v[0];
    v[2] += v[1];
    v[1] = rotate(v[1], 17) ^ v[2];
    v[2] = rotate(v[2], 32);
  }
}

static inline void absorb(uint64_t *v, uint64_t word) {
  v[3] ^= word;
  mix(v, 2);
  v[0] ^= word;
}

/* Little-endian, whatever the machine. */
static inline uint64_t read_word(const unsigned char *bytes, size_t length) {
  uint64_t word = 0;
  for (size_t i = 0; i < length; i++)
    word |= (uint64_t)bytes[i] << 8 * i;
  return word;
}

void koe_siphash(const uint64_t *key, const void *bytes, size_t length, uint64_t *out) {
  const unsigned char *at = bytes;
  size_t whole = length - length % 8;
  uint64_t v[4] = {key[0] ^ UINT64_C(0x736f6d6570736575),
                   key[1] ^ UINT64_C(0x646f72616e646f6d) ^ 0xee,
                   key[0] ^ UINT64_C(0x6c7967656e657261), key[1] ^ UINT64_C(0x7465646279746573)};
  for (size_t i = 0; i < whole; i += 8)
    absorb(v, read_word(at + i, 8));
  absorb(v, read_word(at + whole, length % 8) | (uint64_t)length << 56);
  v[2] ^= 0xee;
  mix(v, 4);
  out[0] = v[0] ^ v[1] ^ v[2] ^ v[3];
  v[1] ^= 0xdd;
  mix(v, 4);
  out[1] = v[0] ^ v[1] ^ v[2] ^ v[3];
}
