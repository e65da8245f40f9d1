#include "protobuf.h"

#include "../../model/memory.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum wire_type { VARINT = 0, LENGTH_DELIMITED = 2, FIXED32 = 5 };

static void append(koe_message *message, const void *bytes, size_t length) {
  if (length == 0) return;
  if (!koe_grow(&message->bytes, &message->capacity, message->length + length, 1)) {
    fprintf(stderr, "not enough memory for a message of %zu bytes\n", message->length + length);
    exit(EXIT_FAILURE);
  }
  memcpy(message->bytes + message->length, bytes, length);
  message->length += length;
}

static void append_varint(koe_message *message, uint64_t value) {
  unsigned char bytes[10];
  size_t count = 0;
  do {
    bytes[count] = (unsigned char)((value & 0x7F) | (value > 0x7F ? 0x80 : 0));
    value >>= 7;
    count++;
  } while (value > 0);
  append(message, bytes, count);
}

static void append_tag(koe_message *message, int field, enum wire_type type) {
  append_varint(message, (uint64_t)field << 3 | (uint64_t)type);
}

void koe_message_clear(koe_message *message) {
  koe_free(message->bytes);
  *message = (koe_message){0};
}

void koe_put_integer(koe_message *message, int field, uint64_t value) {
  append_tag(message, field, VARINT);
  append_varint(message, value);
}

void koe_put_float(koe_message *message, int field, float value) {
  uint32_t bits;
  memcpy(&bits, &value, sizeof bits);
  unsigned char bytes[4] = {(unsigned char)bits, (unsigned char)(bits >> 8),
                            (unsigned char)(bits >> 16), (unsigned char)(bits >> 24)};
  append_tag(message, field, FIXED32);
  append(message, bytes, sizeof bytes);
}

void koe_put_bytes(koe_message *message, int field, const void *bytes, size_t length) {
  append_tag(message, field, LENGTH_DELIMITED);
  append_varint(message, length);
  append(message, bytes, length);
}

void koe_put_string(koe_message *message, int field, const char *string) {
  koe_put_bytes(message, field, string, strlen(string));
}

void koe_put_message(koe_message *message, int field, koe_message *part) {
  koe_put_bytes(message, field, part->bytes, part->length);
  part->length = 0;
}
