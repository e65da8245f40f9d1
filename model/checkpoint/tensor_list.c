#include "tensor_list.h"

#include "../memory.h"

#include <string.h>
#include <utf8proc.h>

bool koe_shape_elements(const int64_t *shape, int dims, int64_t *elements) {
  int64_t product = 1;
  bool empty = false;
  for (int i = 0; i < dims; i++) {
    if (shape[i] < 0) return false;
    if (shape[i] == 0) {
      empty = true;
    } else if (__builtin_mul_overflow(product, shape[i], &product)) {
      return false;
    }
  }
  *elements = empty ? 0 : product;
  return true;
}

/* Whether a name can be looked up as a C string and printed in a message. */
static bool is_printable(const char *name, size_t length) {
  const utf8proc_uint8_t *bytes = (const utf8proc_uint8_t *)name;
  for (size_t i = 0; i < length;) {
    utf8proc_int32_t character;
    utf8proc_ssize_t step = utf8proc_iterate(bytes + i, (utf8proc_ssize_t)(length - i), &character);
    if (step <= 0 || character < ' ' || character == 0x7F) return false;
    i += (size_t)step;
  }
  return true;
}

koe_status koe_tensor_list_add(koe_tensor_list *list, const char *path, const char *name,
                               size_t name_length, koe_dtype dtype, const int64_t *shape, int dims,
                               koe_tensor **out, koe_error *err) {
  if (name_length > KOE_TENSOR_MAX_NAME) {
    return koe_fail(err, KOE_FORMAT,
                    "%s: the name of tensor %zu has %zu bytes; at most %d are read", path,
                    list->count, name_length, KOE_TENSOR_MAX_NAME);
  }
  if (!is_printable(name, name_length)) {
    return koe_fail(err, KOE_FORMAT, "%s: the name of tensor %zu is not printable UTF-8", path,
                    list->count);
  }
  int length = (int)name_length;
  if (dims > KOE_TENSOR_MAX_DIMS) {
    return koe_fail(err, KOE_FORMAT, "%s: tensor \"%.*s\" has %d dimensions; at most %d are read",
                    path, length, name, dims, KOE_TENSOR_MAX_DIMS);
  }
  int64_t elements;
  size_t bytes;
  if (!koe_shape_elements(shape, dims, &elements) ||
      __builtin_mul_overflow((size_t)elements, koe_dtype_size(dtype), &bytes)) {
    return koe_fail(err, KOE_FORMAT, "%s: tensor \"%.*s\" has an impossible shape", path, length,
                    name);
  }
  if (!koe_grow(&list->items, &list->capacity, list->count + 1, sizeof *list->items)) {
    return koe_fail_nomem(err);
  }
  koe_tensor *tensor = &list->items[list->count];
  memset(tensor, 0, sizeof *tensor);
  tensor->name = koe_copy_string(name, name_length);
  if (tensor->name == NULL) return koe_fail_nomem(err);
  tensor->dtype = dtype;
  tensor->dims = dims;
  for (int i = 0; i < dims; i++)
    tensor->shape[i] = shape[i];
  tensor->bytes = bytes;
  list->count++;
  *out = tensor;
  return KOE_OK;
}

uint8_t *koe_tensor_list_allocate(koe_tensor_list *list, size_t bytes) {
  if (!koe_grow(&list->copies, &list->copy_capacity, list->copy_count + 1, sizeof *list->copies)) {
    return NULL;
  }
  uint8_t *copy = koe_alloc_aligned(bytes, 1);
  if (copy == NULL) return NULL;
  list->copies[list->copy_count++] = copy;
  list->copied_bytes += bytes;
  return copy;
}

void koe_tensor_list_clear(koe_tensor_list *list) {
  for (size_t i = 0; i < list->count; i++)
    koe_free(list->items[i].name);
  for (size_t i = 0; i < list->copy_count; i++)
    koe_free(list->copies[i]);
  koe_free(list->items);
  koe_free(list->copies);
  memset(list, 0, sizeof *list);
}
