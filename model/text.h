/* A piece of text as callers hand it in: bytes with a length, not terminated, not validated. */
#ifndef KOE_TEXT_H
#define KOE_TEXT_H

#include <stddef.h>

typedef struct koe_text {
  const char *bytes; /* UTF-8; invalid sequences are treated as documented in unicode.h */
  size_t length;     /* bytes */
} koe_text;

#endif
