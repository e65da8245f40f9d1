#include "safetensors_writer.h"

#include "../checkpoint/name_index.h"
#include "../memory.h"

#include <jansson.h>
#include <math.h>
#include <stdint.h>
#include <string.h>

enum { CHUNK = 16384, LENGTH_BYTES = 8, ALIGNMENT = 8 };

static int64_t element_count(const koe_output_tensor *tensor) {
  int64_t count = 1;
  for (int i = 0; i < tensor->dims; i++)
    count *= tensor->shape[i];
  return count;
}

/* The type in the file: int8, or that of all others. */
static koe_dtype stored_dtype(const koe_output_tensor *tensor, koe_dtype dtype) {
  return tensor->int8 != NULL ? KOE_I8 : dtype;
}

/* ── elements ───────────────────────────────────────────────────────────────────────────────────
 */

/* float32 to IEEE 754 binary16, to nearest, ties to even.  `bits` are those of a magnitude below
 * 65520. */
static uint16_t half_of_magnitude(uint32_t bits) {
  if (bits < (uint32_t)(127 - 14) << 23) {
    /* Subnormal: a whole number of 2^-24.  Adding 0.5 leaves it in the low bits, rounded. */
    float magnitude;
    memcpy(&magnitude, &bits, sizeof magnitude);
    magnitude += 0.5f;
    memcpy(&bits, &magnitude, sizeof bits);
    return (uint16_t)(bits - (UINT32_C(126) << 23));
  }
  bits -= (uint32_t)(127 - 15) << 23;
  return (uint16_t)((bits + 0xFFF + (bits >> 13 & 1)) >> 13);
}

static void put16(uint32_t bits, uint8_t *out) {
  out[0] = (uint8_t)bits;
  out[1] = (uint8_t)(bits >> 8);
}

/* Writes a number as little-endian bytes of `dtype`.  False if it is beyond its range; float32
 * holds all. */
static bool put(float number, koe_dtype dtype, uint8_t *out) {
  uint32_t bits;
  memcpy(&bits, &number, sizeof bits);
  if (dtype == KOE_F16) {
    if (!(fabsf(number) < 65520.0f)) return false;
    put16((bits >> 16 & 0x8000) | half_of_magnitude(bits & 0x7FFFFFFF), out);
  } else if (dtype == KOE_BF16) { /* the upper half, to nearest, ties to even */
    bits += 0x7FFF + (bits >> 16 & 1);
    if ((bits & 0x7F800000) == 0x7F800000 || !isfinite(number)) return false;
    put16(bits >> 16, out);
  } else {
    put16(bits, out);
    put16(bits >> 16, out + 2);
  }
  return true;
}

koe_status koe_safetensors_add(koe_file_writer *writer, const koe_output_tensor *tensor,
                               koe_dtype dtype, koe_error *err) {
  uint8_t buffer[4 * CHUNK];
  size_t size = koe_dtype_size(dtype);
  size_t total = (size_t)element_count(tensor);
  if (tensor->int8 != NULL) return koe_file_writer_add(writer, tensor->int8, total, err);
  for (size_t done = 0; done < total;) {
    size_t count = total - done < CHUNK ? total - done : CHUNK;
    for (size_t i = 0; i < count; i++) {
      float number = tensor->data[done + i];
      if (!put(number, dtype, buffer + size * i)) {
        return koe_fail(err, KOE_INVALID,
                        "tensor \"%s\" has an element %g, which %s cannot hold: write float32",
                        tensor->name, (double)number, koe_dtype_name(dtype));
      }
    }
    koe_status status = koe_file_writer_add(writer, buffer, count * size, err);
    if (status != KOE_OK) return status;
    done += count;
  }
  return KOE_OK;
}

/* ── the header ─────────────────────────────────────────────────────────────────────────────────
 */

/* {"dtype": …, "shape": […], "data_offsets": [begin, end]}, NULL if memory is short. */
static json_t *describe(const koe_output_tensor *tensor, koe_dtype dtype, json_int_t begin) {
  const char *name = dtype == KOE_I8    ? "I8"
                     : dtype == KOE_F32 ? "F32"
                     : dtype == KOE_F16 ? "F16"
                                        : "BF16";
  json_int_t bytes = element_count(tensor) * (json_int_t)koe_dtype_size(dtype);
  json_t *shape = json_array();
  for (int i = 0; i < tensor->dims; i++)
    json_array_append_new(shape, json_integer(tensor->shape[i]));
  if (json_array_size(shape) != (size_t)tensor->dims) {
    json_decref(shape);
    return NULL;
  }
  return json_pack("{s:s, s:o, s:[I, I]}", "dtype", name, "shape", shape, "data_offsets", begin,
                   begin + bytes);
}

/* The header's JSON, padded with spaces; the caller frees with koe_free.  NULL if memory is short.
 */
static char *format_header(const koe_output_tensor *tensors, size_t count, koe_dtype dtype,
                           size_t *length) {
  char *text = NULL;
  json_int_t begin = 0;
  /* transformers refuses a file that does not say which framework its tensors are for. */
  json_t *header = json_pack("{s:{s:s}}", "__metadata__", "format", "pt");
  for (size_t i = 0; i < count; i++) {
    koe_dtype stored = stored_dtype(&tensors[i], dtype);
    json_t *entry = describe(&tensors[i], stored, begin);
    if (entry == NULL || json_object_set_new(header, tensors[i].name, entry) != 0) goto cleanup;
    begin += element_count(&tensors[i]) * (json_int_t)koe_dtype_size(stored);
  }
  size_t bytes = json_dumpb(header, NULL, 0, JSON_COMPACT);
  size_t padded = (bytes + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
  if (bytes == 0) goto cleanup;
  text = koe_alloc(padded, 1);
  if (text == NULL) goto cleanup;
  json_dumpb(header, text, bytes, JSON_COMPACT);
  memset(text + bytes, ' ', padded - bytes);
  *length = padded;

cleanup:
  json_decref(header);
  return text;
}

/* ── interface ──────────────────────────────────────────────────────────────────────────────────
 */

static koe_status check_names(const koe_output_tensor *tensors, size_t count, koe_error *err) {
  koe_name_index index = {0};
  koe_status status = KOE_OK;
  for (size_t i = 0; i < count && status == KOE_OK; i++) {
    const char *name = tensors[i].name;
    if (!koe_name_index_add(&index, name, strlen(name), i)) status = koe_fail_nomem(err);
  }
  if (status == KOE_OK) {
    koe_name_index_sort(&index);
    const koe_name *twice = koe_name_index_duplicate(&index);
    if (twice != NULL) {
      status =
          koe_fail(err, KOE_INVALID, "two tensors have the name \"%s\"", tensors[twice->item].name);
    }
  }
  koe_name_index_clear(&index);
  return status;
}

koe_status koe_safetensors_begin(koe_file_writer *writer, const koe_output_tensor *tensors,
                                 size_t count, koe_dtype dtype, koe_error *err) {
  if (dtype != KOE_F32 && dtype != KOE_F16 && dtype != KOE_BF16) {
    return koe_fail(err, KOE_INVALID,
                    "weights are written as float32, float16 or bfloat16, not as %s",
                    koe_dtype_name(dtype));
  }
  koe_status status = check_names(tensors, count, err);
  if (status != KOE_OK) return status;

  size_t length;
  uint8_t prefix[LENGTH_BYTES];
  char *header = format_header(tensors, count, dtype, &length);
  if (header == NULL) return koe_fail_nomem(err);
  for (int i = 0; i < LENGTH_BYTES; i++)
    prefix[i] = (uint8_t)((uint64_t)length >> 8 * i);
  status = koe_file_writer_add(writer, prefix, sizeof prefix, err);
  if (status == KOE_OK) status = koe_file_writer_add(writer, header, length, err);
  koe_free(header);
  return status;
}

koe_status koe_safetensors_write(koe_file_writer *writer, const koe_output_tensor *tensors,
                                 size_t count, koe_dtype dtype, koe_error *err) {
  koe_status status = koe_safetensors_begin(writer, tensors, count, dtype, err);
  for (size_t i = 0; i < count && status == KOE_OK; i++)
    status = koe_safetensors_add(writer, &tensors[i], dtype, err);
  return status;
}
