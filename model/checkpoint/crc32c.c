#include "crc32c.h"

#include "byte_order.h"

#include <pthread.h>

enum { SLICES = 8 };

/* tables[0] advances a checksum by a byte, tables[k] by a byte and k zeros behind it.
 * Source: Kounavis & Berry 2008 (slicing-by-8). */
static uint32_t tables[SLICES][256];
static pthread_once_t tables_made = PTHREAD_ONCE_INIT;

static void make_tables(void) {
  const uint32_t polynomial = 0x82F63B78; /* bits reversed */
  for (uint32_t byte = 0; byte < 256; byte++) {
    uint32_t crc = byte;
    for (int bit = 0; bit < 8; bit++)
      crc = crc & 1 ? crc >> 1 ^ polynomial : crc >> 1;
    tables[0][byte] = crc;
  }
  for (int k = 1; k < SLICES; k++) {
    for (int byte = 0; byte < 256; byte++) {
      uint32_t crc = tables[k - 1][byte];
      tables[k][byte] = crc >> 8 ^ tables[0][crc & 0xFF];
    }
  }
}

uint32_t koe_crc32c(uint32_t crc, const uint8_t *bytes, size_t size) {
  pthread_once(&tables_made, make_tables);
  crc = ~crc;
  for (; size >= SLICES; bytes += SLICES, size -= SLICES) {
    uint32_t low = crc ^ koe_le32(bytes), high = koe_le32(bytes + 4);
    crc = tables[7][low & 0xFF] ^ tables[6][low >> 8 & 0xFF] ^ tables[5][low >> 16 & 0xFF] ^
          tables[4][low >> 24] ^ tables[3][high & 0xFF] ^ tables[2][high >> 8 & 0xFF] ^
          tables[1][high >> 16 & 0xFF] ^ tables[0][high >> 24];
  }
  for (; size > 0; bytes++, size--)
    crc = crc >> 8 ^ tables[0][(crc ^ *bytes) & 0xFF];
  return ~crc;
}

uint32_t koe_crc32c_unmask(uint32_t masked) {
  uint32_t rotated = masked - 0xA282EAD8;
  return rotated >> 17 | rotated << 15;
}
