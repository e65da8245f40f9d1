#include "unicode.h"

#include "unicode_ranges.h"

/* The length of the valid prefix of a sequence whose lead byte allows `low` … `high` in the second
 * byte and needs `length` bytes in all; the whole sequence if it is valid. */
static size_t valid_prefix(const uint8_t *bytes, size_t available, size_t length, uint8_t low,
                           uint8_t high) {
  if (available < 2 || bytes[1] < low || bytes[1] > high) return 1;
  size_t valid = 2;
  while (valid < length && valid < available && (bytes[valid] & 0xC0) == 0x80)
    valid++;
  return valid;
}

size_t koe_utf8_decode(const char *bytes, size_t length, uint32_t *character) {
  const uint8_t *in = (const uint8_t *)bytes;
  uint8_t lead = in[0];
  if (lead < 0x80) {
    *character = lead;
    return 1;
  }
  *character = KOE_REPLACEMENT_CHARACTER;
  if (lead < 0xC2 || lead > 0xF4) return 1;

  size_t needed = lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : 4;
  /* The second byte rules out overlong forms, surrogates and what lies above U+10FFFF. */
  uint8_t low = lead == 0xE0 ? 0xA0 : lead == 0xF0 ? 0x90 : 0x80;
  uint8_t high = lead == 0xED ? 0x9F : lead == 0xF4 ? 0x8F : 0xBF;
  size_t valid = valid_prefix(in, length, needed, low, high);
  if (valid < needed) return valid;

  uint32_t value = lead & (0x7Fu >> needed);
  for (size_t i = 1; i < needed; i++)
    value = value << 6 | (in[i] & 0x3Fu);
  *character = value;
  return needed;
}

size_t koe_utf8_encode(uint32_t character, char out[4]) {
  if (character < 0x80) {
    out[0] = (char)character;
    return 1;
  }
  size_t length = character < 0x800 ? 2 : character < 0x10000 ? 3 : 4;
  for (size_t i = length - 1; i > 0; i--) {
    out[i] = (char)(0x80 | (character & 0x3F));
    character >>= 6;
  }
  out[0] = (char)(0xF00u >> length | character);
  return length;
}

size_t koe_utf8_count(const char *bytes, size_t length) {
  size_t count = 0;
  for (size_t at = 0; at < length; count++) {
    uint32_t character;
    at += koe_utf8_decode(bytes + at, length - at, &character);
  }
  return count;
}

enum { CLASS_RANGES = sizeof class_ranges / sizeof class_ranges[0] };

/* The first range that does not end before the character; CLASS_RANGES if there is none. */
static size_t find_range(uint32_t character) {
  size_t low = 0;
  size_t high = CLASS_RANGES;
  while (low < high) {
    size_t middle = low + (high - low) / 2;
    if (class_ranges[middle].last < character) {
      low = middle + 1;
    } else {
      high = middle;
    }
  }
  return low;
}

koe_character_class koe_classify_character(uint32_t character) {
  if (character >= 0xAC00 && character <= 0xD7A3) return KOE_CHAR_WORD; /* Hangul syllables */
  uint32_t last;
  return koe_classify_run(character, &last);
}

koe_character_class koe_classify_run(uint32_t character, uint32_t *last) {
  size_t range = find_range(character);
  if (range == CLASS_RANGES) {
    *last = 0x10FFFF;
    return KOE_CHAR_WORD;
  }
  if (character < class_ranges[range].first) {
    *last = class_ranges[range].first - 1;
    return KOE_CHAR_WORD;
  }
  *last = class_ranges[range].last;
  return (koe_character_class)class_ranges[range].class;
}
