#include "tf_message.h"

#include "byte_order.h"
#include "varint.h"

#include <string.h>

enum { WIRE_VARINT = 0, WIRE_64 = 1, WIRE_BYTES = 2, WIRE_32 = 5 };

typedef struct message {
  const uint8_t *bytes;
  size_t size;
  size_t position;
  bool malformed;
} message;

typedef struct field {
  uint64_t number;
  int wire;
  uint64_t integer;     /* of varints and fixed numbers */
  const uint8_t *bytes; /* [size], of WIRE_BYTES */
  size_t size;
} field;

/* Reads the next field.  False at the end, and where the message is malformed. */
static bool next_field(message *m, field *out) {
  uint64_t tag, length;
  memset(out, 0, sizeof *out);
  if (m->malformed || m->position == m->size) return false;
  m->malformed = true;
  if (!koe_varint(m->bytes, m->size, &m->position, &tag) || tag >> 3 == 0) return false;
  out->number = tag >> 3;
  out->wire = (int)(tag & 7);
  if (out->wire == WIRE_VARINT) {
    if (!koe_varint(m->bytes, m->size, &m->position, &out->integer)) return false;
  } else if (out->wire == WIRE_BYTES) {
    if (!koe_varint(m->bytes, m->size, &m->position, &length) || length > m->size - m->position)
      return false;
    out->bytes = m->bytes + m->position;
    out->size = (size_t)length;
    m->position += out->size;
  } else if (out->wire == WIRE_32 || out->wire == WIRE_64) {
    size_t width = out->wire == WIRE_32 ? 4 : 8;
    if (width > m->size - m->position) return false;
    const uint8_t *at = m->bytes + m->position;
    out->integer = width == 4 ? koe_le32(at) : koe_le64(at);
    m->position += width;
  } else {
    return false; /* groups, which proto3 has not */
  }
  m->malformed = false;
  return true;
}

/* Whether the field is that one, stored so. */
static bool is_field(const field *f, uint64_t number, int wire) {
  return f->number == number && f->wire == wire;
}

bool koe_bundle_header_parse(const uint8_t *bytes, size_t size, koe_bundle_header *out) {
  message m = {.bytes = bytes, .size = size};
  field f;
  memset(out, 0, sizeof *out);
  while (next_field(&m, &f)) {
    if (is_field(&f, 1, WIRE_VARINT)) out->shards = f.integer;
    if (is_field(&f, 2, WIRE_VARINT)) out->big_endian = f.integer != 0;
  }
  return !m.malformed;
}

/* TensorShapeProto.Dim: its size; the name is for people. */
static bool parse_dim(const field *dim, int64_t *out) {
  message m = {.bytes = dim->bytes, .size = dim->size};
  field f;
  *out = 0;
  while (next_field(&m, &f)) {
    if (is_field(&f, 1, WIRE_VARINT)) *out = (int64_t)f.integer;
  }
  return !m.malformed;
}

/* TensorShapeProto. */
static bool parse_shape(const field *shape, koe_bundle_entry *out) {
  message m = {.bytes = shape->bytes, .size = shape->size};
  field f;
  while (next_field(&m, &f)) {
    int64_t size;
    if (is_field(&f, 3, WIRE_VARINT)) out->unknown_rank = f.integer != 0;
    if (!is_field(&f, 2, WIRE_BYTES)) continue;
    if (!parse_dim(&f, &size)) return false;
    if (out->dims < KOE_TENSOR_MAX_DIMS) out->shape[out->dims] = size;
    if (out->dims <= KOE_TENSOR_MAX_DIMS) out->dims++;
  }
  return !m.malformed;
}

bool koe_bundle_entry_parse(const uint8_t *bytes, size_t size, koe_bundle_entry *out) {
  message m = {.bytes = bytes, .size = size};
  field f;
  memset(out, 0, sizeof *out);
  while (next_field(&m, &f)) {
    if (is_field(&f, 1, WIRE_VARINT)) out->dtype = f.integer;
    if (is_field(&f, 2, WIRE_BYTES) && !parse_shape(&f, out)) return false;
    if (is_field(&f, 3, WIRE_VARINT)) out->shard = (int64_t)f.integer;
    if (is_field(&f, 4, WIRE_VARINT)) out->offset = (int64_t)f.integer;
    if (is_field(&f, 5, WIRE_VARINT)) out->size = (int64_t)f.integer;
    if (is_field(&f, 6, WIRE_32)) out->checksum = (uint32_t)f.integer;
    if (is_field(&f, 7, WIRE_BYTES)) out->sliced = true;
  }
  return !m.malformed;
}

bool koe_bundle_dtype(uint64_t number, koe_dtype *out) {
  static const struct {
    uint64_t number;
    koe_dtype dtype;
  } dtypes[] = {{1, KOE_F32}, {2, KOE_F64}, {3, KOE_I32},   {4, KOE_U8},    {5, KOE_I16},
                {6, KOE_I8},  {9, KOE_I64}, {10, KOE_BOOL}, {14, KOE_BF16}, {19, KOE_F16}};
  for (size_t i = 0; i < sizeof dtypes / sizeof dtypes[0]; i++) {
    if (dtypes[i].number == number) {
      *out = dtypes[i].dtype;
      return true;
    }
  }
  return false;
}
