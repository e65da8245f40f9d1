/* Snappy's compressed blocks, which the tables of LevelDB may hold.
 * Source: github.com/google/snappy, format_description.txt. */
#ifndef KOE_SNAPPY_H
#define KOE_SNAPPY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* How many bytes a compressed block says that it becomes.  False if it does not begin with that. */
bool koe_snappy_length(const uint8_t *bytes, size_t size, size_t *length);

/* Decompresses a block into out [length], where koe_snappy_length gave `length`.  False if the
 * block is malformed or does not fill `out` exactly. */
bool koe_snappy_decompress(const uint8_t *bytes, size_t size, uint8_t *out, size_t length);

#endif
