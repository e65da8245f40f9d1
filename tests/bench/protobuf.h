/* Protocol Buffers' wire format, the little of it that writes a message.
 * Source: protobuf.dev/programming-guides/encoding. */
#ifndef KOE_BENCH_PROTOBUF_H
#define KOE_BENCH_PROTOBUF_H

#include <stddef.h>
#include <stdint.h>

/* A message being written, or a part of one.  All zero is empty.  The functions below append a
 * field of the given number; where memory is short they end the program. */
typedef struct koe_message {
  unsigned char *bytes; /* [length] */
  size_t length, capacity;
} koe_message;

void koe_message_clear(koe_message *message);

/* int32, int64, enum, bool. */
void koe_put_integer(koe_message *message, int field, uint64_t value);

/* float. */
void koe_put_float(koe_message *message, int field, float value);

/* bytes. */
void koe_put_bytes(koe_message *message, int field, const void *bytes, size_t length);

/* string, terminated. */
void koe_put_string(koe_message *message, int field, const char *string);

/* An embedded message, which is emptied and can be used for the next. */
void koe_put_message(koe_message *message, int field, koe_message *part);

#endif
