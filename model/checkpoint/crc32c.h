/* CRC-32C, the Castagnoli polynomial, and the mask that LevelDB and TensorFlow store it under.
 * Sources: RFC 3720, appendix B.4; LevelDB, doc/log_format.md and doc/table_format.md. */
#ifndef KOE_CRC32C_H
#define KOE_CRC32C_H

#include <stddef.h>
#include <stdint.h>

/* Of `size` bytes that follow those of which `crc` is the checksum; 0 is that of none. */
uint32_t koe_crc32c(uint32_t crc, const uint8_t *bytes, size_t size);

/* The checksum that a stored, masked one stands for. */
uint32_t koe_crc32c_unmask(uint32_t masked);

#endif
