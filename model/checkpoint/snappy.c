#include "snappy.h"

#include "varint.h"

#include <string.h>

bool koe_snappy_length(const uint8_t *bytes, size_t size, size_t *length) {
  size_t position = 0;
  uint64_t number;
  if (!koe_varint(bytes, size, &position, &number) || number > UINT32_MAX) return false;
  *length = (size_t)number;
  return true;
}

/* A little-endian integer of 1 to 4 bytes; there must be as many. */
static uint32_t read_integer(const uint8_t *bytes, size_t width) {
  uint32_t number = 0;
  for (size_t i = 0; i < width; i++)
    number |= (uint32_t)bytes[i] << 8 * i;
  return number;
}

/* An element is a tag, and by its low bits
 *   0   a literal: length − 1 in the tag, or from 60 on in the 1 to 4 bytes behind it; the bytes
 *   1   a copy: length − 4 in 3 bits, offset in 3 bits and a byte
 *   2   a copy: length − 1 in 6 bits, offset in 2 bytes
 *   3   a copy: length − 1 in 6 bits, offset in 4 bytes
 * A copy may reach into what it writes, which then repeats. */
bool koe_snappy_decompress(const uint8_t *bytes, size_t size, uint8_t *out, size_t length) {
  size_t position = 0, written = 0;
  uint64_t said;
  if (!koe_varint(bytes, size, &position, &said) || said != length) return false;
  while (position < size) {
    uint8_t tag = bytes[position++];
    size_t count = tag >> 2, offset, width = tag & 3;
    if (width == 0) {
      if (count >= 60) {
        width = count - 59;
        if (width > size - position) return false;
        count = read_integer(bytes + position, width);
        position += width;
      }
      count++;
      if (count > size - position || count > length - written) return false;
      memcpy(out + written, bytes + position, count);
      position += count;
      written += count;
      continue;
    }
    if (width == 3) width = 4;
    if (width > size - position) return false;
    offset = read_integer(bytes + position, width);
    position += width;
    if (width == 1) {
      offset |= (size_t)(tag >> 5) << 8;
      count = (count & 7) + 3;
    }
    count++;
    if (offset == 0 || offset > written || count > length - written) return false;
    for (; count > 0; count--, written++)
      out[written] = out[written - offset];
  }
  return written == length;
}
