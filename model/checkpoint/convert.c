#include "convert.h"

#include "byte_order.h"

#include <string.h>

bool koe_is_floating(koe_dtype dtype) {
  return dtype == KOE_F64 || dtype == KOE_F32 || dtype == KOE_F16 || dtype == KOE_BF16;
}

static float float_of_bits(uint32_t bits) {
  float number;
  memcpy(&number, &bits, sizeof number);
  return number;
}

static float float_of_double_bits(uint64_t bits) {
  double number;
  memcpy(&number, &bits, sizeof number);
  return (float)number;
}

/* IEEE 754 binary16: 1 sign, 5 exponent (bias 15), 10 fraction bits. */
static float float_of_half(uint16_t half) {
  uint32_t sign = (uint32_t)(half >> 15) << 31;
  uint32_t exponent = half >> 10 & 0x1F;
  uint32_t fraction = half & 0x3FF;
  if (exponent == 0) { /* zero or subnormal: fraction × 2^-24 */
    float magnitude = (float)fraction * 0x1p-24f;
    return sign ? -magnitude : magnitude;
  }
  uint32_t wide = exponent == 0x1F ? 0xFF : exponent + (127 - 15);
  return float_of_bits(sign | wide << 23 | fraction << 13);
}

void koe_convert_to_float32(koe_dtype dtype, const uint8_t *data, size_t count, float *out) {
  switch (dtype) {
  case KOE_F64:
    for (size_t i = 0; i < count; i++)
      out[i] = float_of_double_bits(koe_le64(data + 8 * i));
    break;
  case KOE_F32:
    if (__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__) {
      memcpy(out, data, count * sizeof *out);
      break;
    }
    for (size_t i = 0; i < count; i++)
      out[i] = float_of_bits(koe_le32(data + 4 * i));
    break;
  case KOE_F16:
    for (size_t i = 0; i < count; i++)
      out[i] = float_of_half(koe_le16(data + 2 * i));
    break;
  case KOE_BF16: /* the upper half of a float32 */
    for (size_t i = 0; i < count; i++) {
      out[i] = float_of_bits((uint32_t)koe_le16(data + 2 * i) << 16);
    }
    break;
  default:
    break;
  }
}

void koe_convert_transposed(koe_dtype dtype, const uint8_t *data, size_t rows, size_t row,
                            size_t first, size_t count, float *out) {
  size_t size = koe_dtype_size(dtype);
  const uint8_t *from = data + (first * rows + row) * size;
  if (dtype == KOE_F32) { /* which is what there is: no call an element */
    for (size_t i = 0; i < count; i++)
      out[i] = float_of_bits(koe_le32(from + i * rows * size));
    return;
  }
  for (size_t i = 0; i < count; i++)
    koe_convert_to_float32(dtype, from + i * rows * size, 1, out + i);
}
