/* The tensors that the reader of a file format has found, and the copies it had to make. */
#ifndef KOE_TENSOR_LIST_H
#define KOE_TENSOR_LIST_H

#include "../status.h"
#include "tensor.h"

#include <stdbool.h>

enum { KOE_TENSOR_MAX_NAME = 512 }; /* bytes */

typedef struct koe_tensor_list {
  koe_tensor *items;
  size_t count;
  size_t capacity;
  void **copies; /* element data that could not stay in the file */
  size_t copy_count;
  size_t copy_capacity;
  size_t copied_bytes;
} koe_tensor_list;

/* Appends a tensor of `shape` [dims] without data, which the caller sets; `*out` is valid until the
 * next call.  `path` names the file in messages.  Fails with KOE_FORMAT (a name that is too long or
 * not printable UTF-8, too many dimensions, a negative one, an overflow) or KOE_NOMEM. */
koe_status koe_tensor_list_add(koe_tensor_list *list, const char *path, const char *name,
                               size_t name_length, koe_dtype dtype, const int64_t *shape, int dims,
                               koe_tensor **out, koe_error *err);

/* Memory for `bytes` bytes of elements, owned by the list; NULL if memory is short. */
uint8_t *koe_tensor_list_allocate(koe_tensor_list *list, size_t bytes);

/* Frees all and leaves the list empty. */
void koe_tensor_list_clear(koe_tensor_list *list);

/* Product of the dimensions in `*elements`.  False if one is negative or if the product overflows,
 * counted as if a dimension of zero were one. */
bool koe_shape_elements(const int64_t *shape, int dims, int64_t *elements);

#endif
