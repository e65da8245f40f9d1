/* Messages of Protocol Buffers in a checkpoint's index: a field is a varint, its number × 8 + how
 * its value is stored, and the value.
 * Source: protobuf.dev/programming-guides/encoding; TensorFlow, tensor_bundle.proto,
 * tensor_shape.proto, types.proto. */
#ifndef KOE_TF_MESSAGE_H
#define KOE_TF_MESSAGE_H

#include "tensor.h"

#include <stdbool.h>

typedef struct koe_bundle_header {
  uint64_t shards;
  bool big_endian;
} koe_bundle_header;

typedef struct koe_bundle_entry {
  uint64_t dtype; /* TensorFlow's number */
  int dims;       /* may be more than KOE_TENSOR_MAX_DIMS: `shape` then has the first */
  int64_t shape[KOE_TENSOR_MAX_DIMS];
  bool unknown_rank;
  bool sliced; /* its elements are stored under other keys */
  int64_t shard;
  int64_t offset;    /* bytes */
  int64_t size;      /* bytes */
  uint32_t checksum; /* masked */
} koe_bundle_entry;

/* Each parses a message of `size` bytes.  False if it is malformed; fields that are not known are
 * skipped. */
bool koe_bundle_header_parse(const uint8_t *bytes, size_t size, koe_bundle_header *out);
bool koe_bundle_entry_parse(const uint8_t *bytes, size_t size, koe_bundle_entry *out);

/* The type of that number.  False if a tensor cannot have it here. */
bool koe_bundle_dtype(uint64_t number, koe_dtype *out);

#endif
