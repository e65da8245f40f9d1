/* Little-endian integers at any alignment. */
#ifndef KOE_BYTE_ORDER_H
#define KOE_BYTE_ORDER_H

#include <stdint.h>

static inline uint16_t koe_le16(const uint8_t *bytes) {
  return (uint16_t)(bytes[0] | bytes[1] << 8);
}

static inline uint32_t koe_le32(const uint8_t *bytes) {
  return (uint32_t)koe_le16(bytes) | (uint32_t)koe_le16(bytes + 2) << 16;
}

static inline uint64_t koe_le64(const uint8_t *bytes) {
  return (uint64_t)koe_le32(bytes) | (uint64_t)koe_le32(bytes + 4) << 32;
}

#endif
