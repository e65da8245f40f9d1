#include "torch_state_dict.h"

#include <string.h>

/* A view may repeat elements (stride 0), so that a copy can be larger than the file: allowed up to
 * this multiple of it, for all copies together. */
enum { MAX_COPY_FACTOR = 4 };

/* Whether a dict has at least one tensor under a string. */
static bool holds_tensors(const koe_pickle *pickle, const koe_pickle_value *value) {
  if (value == NULL || value->kind != KOE_PICKLE_DICT) return false;
  const koe_pickle_object *dict = koe_pickle_object_of(pickle, value);
  for (size_t i = 0; i + 1 < dict->count; i += 2) {
    if (dict->items[i].kind == KOE_PICKLE_STRING && dict->items[i + 1].kind == KOE_PICKLE_TENSOR) {
      return true;
    }
  }
  return false;
}

static const koe_pickle_object *find_state_dict(const koe_pickle *pickle) {
  static const char *const wrappers[] = {"state_dict", "model_state_dict"};
  for (size_t i = 0; i < sizeof wrappers / sizeof wrappers[0]; i++) {
    const koe_pickle_value *inner = koe_pickle_get(pickle, &pickle->root, wrappers[i]);
    if (holds_tensors(pickle, inner)) return koe_pickle_object_of(pickle, inner);
  }
  if (holds_tensors(pickle, &pickle->root)) return koe_pickle_object_of(pickle, &pickle->root);
  return NULL;
}

/* Whether all elements of the view lie in its storage of `count` elements. */
static bool fits(const koe_pickle_tensor *view, int64_t count) {
  int64_t last = view->offset;
  for (int i = 0; i < view->dims; i++) {
    int64_t distance;
    if (view->shape[i] == 0) return true;
    if (__builtin_mul_overflow(view->shape[i] - 1, view->strides[i], &distance) ||
        __builtin_add_overflow(last, distance, &last)) {
      return false;
    }
  }
  return last < count;
}

static bool is_contiguous(const koe_pickle_tensor *view) {
  int64_t expected = 1;
  for (int i = view->dims - 1; i >= 0; i--) {
    if (view->shape[i] == 0) return true;
    if (view->shape[i] != 1 && view->strides[i] != expected) return false;
    expected *= view->shape[i]; /* cannot overflow: koe_tensor_list_add has taken the shape */
  }
  return true;
}

/* Copies a view element by element, in row-major order.
 *
 *   base  the view's first element
 *   size  bytes of an element
 *   out   [product of the shape × size] */
static void gather(const koe_pickle_tensor *view, const uint8_t *base, size_t size, uint8_t *out,
                   size_t elements) {
  int64_t index[KOE_TENSOR_MAX_DIMS] = {0};
  int64_t position = 0; /* elements from base */
  for (size_t i = 0; i < elements; i++) {
    memcpy(out + i * size, base + (size_t)position * size, size);
    for (int d = view->dims - 1; d >= 0; d--) {
      if (index[d] + 1 < view->shape[d]) {
        index[d]++;
        position += view->strides[d];
        break;
      }
      position -= view->strides[d] * index[d];
      index[d] = 0;
    }
  }
}

static koe_status set_data(const koe_pickle *pickle, const koe_pickle_tensor *view,
                           size_t file_size, koe_tensor_list *list, koe_tensor *tensor,
                           koe_error *err) {
  const koe_pickle_storage *storage = &pickle->storages[view->storage];
  size_t size = koe_dtype_size(storage->dtype);
  if (!fits(view, storage->count)) {
    return koe_fail(err, KOE_FORMAT, "%s: tensor \"%s\" leaves its storage of %lld elements",
                    pickle->file.path, tensor->name, (long long)storage->count);
  }
  if (tensor->bytes == 0) {
    tensor->data = storage->data;
    return KOE_OK;
  }
  const uint8_t *base = storage->data + (size_t)(storage->first + view->offset) * size;
  if (is_contiguous(view)) {
    tensor->data = base;
    return KOE_OK;
  }
  size_t allowed = file_size > SIZE_MAX / MAX_COPY_FACTOR ? SIZE_MAX : file_size * MAX_COPY_FACTOR;
  if (list->copied_bytes > allowed || tensor->bytes > allowed - list->copied_bytes) {
    return koe_fail(err, KOE_FORMAT,
                    "%s: tensor \"%s\" repeats few elements to far more than the file holds",
                    pickle->file.path, tensor->name);
  }
  uint8_t *copy = koe_tensor_list_allocate(list, tensor->bytes);
  if (copy == NULL) return koe_fail_nomem(err);
  gather(view, base, size, copy, tensor->bytes / size);
  tensor->data = copy;
  return KOE_OK;
}

koe_status koe_torch_read_state_dict(const koe_pickle *pickle, size_t file_size,
                                     koe_tensor_list *list, koe_error *err) {
  const koe_pickle_object *dict = find_state_dict(pickle);
  if (dict == NULL) {
    return koe_fail(err, KOE_FORMAT,
                    "%s: holds no tensors by name; save model.state_dict() with torch.save",
                    pickle->file.path);
  }
  for (size_t i = 0; i + 1 < dict->count; i += 2) {
    const koe_pickle_value *key = &dict->items[i];
    const koe_pickle_value *value = &dict->items[i + 1];
    if (key->kind != KOE_PICKLE_STRING || value->kind != KOE_PICKLE_TENSOR) continue;
    const koe_pickle_tensor *view = &pickle->tensors[value->object];
    koe_tensor *tensor;
    koe_status status = koe_tensor_list_add(
        list, pickle->file.path, (const char *)key->bytes.data, key->bytes.length,
        pickle->storages[view->storage].dtype, view->shape, view->dims, &tensor, err);
    if (status == KOE_OK) status = set_data(pickle, view, file_size, list, tensor, err);
    if (status != KOE_OK) return status;
  }
  return KOE_OK;
}
