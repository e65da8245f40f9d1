#include "torch_objects.h"

#include "../memory.h"

#include <string.h>

enum { MAX_STORAGES = 1 << 17, MAX_TENSORS = 1 << 17, MAX_KEY = 128 /* bytes */ };

/* What KOE_PICKLE_NAME values mean. */
typedef enum koe_torch_name {
  NAME_ORDERED_DICT,
  NAME_SIZE,
  NAME_TENSOR_V1,
  NAME_TENSOR_V2,
  NAME_PARAMETER,
  NAME_STORAGE /* and above: a storage of dtype name - NAME_STORAGE */
} koe_torch_name;

/* Everything that a pickle may name. */
static const struct {
  const char *module;
  const char *name;
  int meaning;
} names[] = {
    {"collections", "OrderedDict", NAME_ORDERED_DICT},
    {"torch", "Size", NAME_SIZE},
    {"torch._utils", "_rebuild_tensor", NAME_TENSOR_V1},
    {"torch._utils", "_rebuild_tensor_v2", NAME_TENSOR_V2},
    {"torch._utils", "_rebuild_parameter", NAME_PARAMETER},
    {"torch", "DoubleStorage", NAME_STORAGE + KOE_F64},
    {"torch", "FloatStorage", NAME_STORAGE + KOE_F32},
    {"torch", "HalfStorage", NAME_STORAGE + KOE_F16},
    {"torch", "BFloat16Storage", NAME_STORAGE + KOE_BF16},
    {"torch", "LongStorage", NAME_STORAGE + KOE_I64},
    {"torch", "IntStorage", NAME_STORAGE + KOE_I32},
    {"torch", "ShortStorage", NAME_STORAGE + KOE_I16},
    {"torch", "CharStorage", NAME_STORAGE + KOE_I8},
    {"torch", "ByteStorage", NAME_STORAGE + KOE_U8},
    {"torch", "BoolStorage", NAME_STORAGE + KOE_BOOL},
};

/* ── names ──────────────────────────────────────────────────────────────────────────────────────
 */

static bool equals(const koe_pickle_value *value, const char *string) {
  return value->kind == KOE_PICKLE_STRING && value->bytes.length == strlen(string) &&
         memcmp(value->bytes.data, string, value->bytes.length) == 0;
}

/* Copies what an error message may show of a string: ASCII, and not too much. */
static const char *excerpt(const koe_pickle_value *value, char out[65]) {
  size_t length = value->kind == KOE_PICKLE_STRING ? value->bytes.length : 0;
  if (length > 64) length = 64;
  for (size_t i = 0; i < length; i++) {
    uint8_t byte = value->bytes.data[i];
    out[i] = (char)(byte > ' ' && byte < 0x7F ? byte : '?');
  }
  out[length] = '\0';
  return out;
}

koe_status koe_torch_import(const koe_pickle *pickle, const koe_pickle_value *module,
                            const koe_pickle_value *name, koe_pickle_value *out, koe_error *err) {
  for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
    if (equals(module, names[i].module) && equals(name, names[i].name)) {
      *out = (koe_pickle_value){.kind = KOE_PICKLE_NAME, .integer = names[i].meaning};
      return KOE_OK;
    }
  }
  char module_text[65], name_text[65];
  return koe_fail(err, KOE_FORMAT,
                  "%s: refuses to load %s.%s: only tensors and plain containers are read from a "
                  "pickle, never code; save model.state_dict() or model.safetensors",
                  pickle->file.path, excerpt(module, module_text), excerpt(name, name_text));
}

/* ── storages ───────────────────────────────────────────────────────────────────────────────────
 */

/* Reads a count or an offset, which is not negative. */
static bool read_size(const koe_pickle_value *value, int64_t *out) {
  if (value->kind != KOE_PICKLE_INTEGER || value->integer < 0) return false;
  *out = value->integer;
  return true;
}

/* Reads the part of its array that a storage is, in files of PyTorch before 0.4: None for all of
 * it, or a tuple (key, first, count). */
static bool read_view(const koe_pickle *pickle, const koe_pickle_value *value,
                      koe_pickle_storage *storage) {
  storage->first = 0;
  storage->count = storage->elements;
  if (value->kind == KOE_PICKLE_NONE) return true;
  if (value->kind != KOE_PICKLE_TUPLE) return false;
  const koe_pickle_object *view = koe_pickle_object_of(pickle, value);
  return view->count == 3 && read_size(&view->items[1], &storage->first) &&
         read_size(&view->items[2], &storage->count) && storage->first <= storage->elements &&
         storage->count <= storage->elements - storage->first;
}

static bool read_storage(const koe_pickle *pickle, const koe_pickle_value *id,
                         koe_pickle_storage *storage) {
  static const koe_pickle_value none = {.kind = KOE_PICKLE_NONE};
  if (id->kind != KOE_PICKLE_TUPLE) return false;
  const koe_pickle_object *tuple = koe_pickle_object_of(pickle, id);
  const koe_pickle_value *items = tuple->items;
  if ((tuple->count != 5 && tuple->count != 6) || !equals(&items[0], "storage")) return false;
  if (items[1].kind != KOE_PICKLE_NAME || items[1].integer < NAME_STORAGE) return false;
  if (items[2].kind != KOE_PICKLE_STRING || items[2].bytes.length > MAX_KEY) return false;
  *storage = (koe_pickle_storage){
      .key = items[2].bytes.data,
      .key_length = items[2].bytes.length,
      .dtype = (koe_dtype)(items[1].integer - NAME_STORAGE),
  };
  int64_t bytes;
  return read_size(&items[4], &storage->elements) &&
         !__builtin_mul_overflow(storage->elements, (int64_t)koe_dtype_size(storage->dtype),
                                 &bytes) &&
         read_view(pickle, tuple->count == 6 ? &items[5] : &none, storage);
}

koe_status koe_torch_persistent(koe_pickle *pickle, const koe_pickle_value *id,
                                koe_pickle_value *out, koe_error *err) {
  koe_pickle_storage storage;
  if (!read_storage(pickle, id, &storage)) {
    return koe_pickle_fail(pickle, "a persistent id that is no storage", err);
  }
  if (pickle->storage_count == MAX_STORAGES) {
    return koe_pickle_fail(pickle, "too many storages", err);
  }
  if (!koe_grow(&pickle->storages, &pickle->storage_capacity, pickle->storage_count + 1,
                sizeof *pickle->storages)) {
    return koe_fail_nomem(err);
  }
  *out = (koe_pickle_value){.kind = KOE_PICKLE_STORAGE, .object = pickle->storage_count};
  pickle->storages[pickle->storage_count++] = storage;
  return KOE_OK;
}

/* ── calls ──────────────────────────────────────────────────────────────────────────────────────
 */

/* Reads a tuple of sizes; `*count` receives how many. */
static bool read_sizes(const koe_pickle *pickle, const koe_pickle_value *value,
                       int64_t sizes[KOE_TENSOR_MAX_DIMS], int *count) {
  if (value->kind != KOE_PICKLE_TUPLE) return false;
  const koe_pickle_object *tuple = koe_pickle_object_of(pickle, value);
  if (tuple->count > KOE_TENSOR_MAX_DIMS) return false;
  for (size_t i = 0; i < tuple->count; i++) {
    if (!read_size(&tuple->items[i], &sizes[i])) return false;
  }
  *count = (int)tuple->count;
  return true;
}

/* (storage, offset, shape, strides, …): what follows is about gradients. */
static koe_status rebuild_tensor(koe_pickle *pickle, const koe_pickle_object *arguments,
                                 koe_pickle_value *out, koe_error *err) {
  const koe_pickle_value *items = arguments->items;
  koe_pickle_tensor tensor = {0};
  int strides = 0;
  if (arguments->count < 4 || items[0].kind != KOE_PICKLE_STORAGE ||
      !read_size(&items[1], &tensor.offset) ||
      !read_sizes(pickle, &items[2], tensor.shape, &tensor.dims) ||
      !read_sizes(pickle, &items[3], tensor.strides, &strides) || strides != tensor.dims) {
    return koe_pickle_fail(pickle,
                           "a tensor without a valid storage, offset, shape (of at most 8 "
                           "dimensions) and strides",
                           err);
  }
  tensor.storage = items[0].object;
  if (pickle->tensor_count == MAX_TENSORS) return koe_pickle_fail(pickle, "too many tensors", err);
  if (!koe_grow(&pickle->tensors, &pickle->tensor_capacity, pickle->tensor_count + 1,
                sizeof *pickle->tensors)) {
    return koe_fail_nomem(err);
  }
  *out = (koe_pickle_value){.kind = KOE_PICKLE_TENSOR, .object = pickle->tensor_count};
  pickle->tensors[pickle->tensor_count++] = tensor;
  return KOE_OK;
}

/* OrderedDict() or OrderedDict([(key, value), …]). */
static koe_status ordered_dict(koe_pickle *pickle, const koe_pickle_value *pairs,
                               koe_pickle_value *out, koe_error *err) {
  koe_status status = koe_pickle_new_object(pickle, KOE_PICKLE_DICT, NULL, 0, out, err);
  if (status != KOE_OK || pairs == NULL) return status;
  const char *fault = "an OrderedDict of something other than pairs";
  if (pairs->kind != KOE_PICKLE_LIST) return koe_pickle_fail(pickle, fault, err);
  const koe_pickle_object *list = koe_pickle_object_of(pickle, pairs);
  for (size_t i = 0; i < list->count; i++) {
    koe_pickle_kind kind = list->items[i].kind;
    if (kind != KOE_PICKLE_TUPLE && kind != KOE_PICKLE_LIST) {
      return koe_pickle_fail(pickle, fault, err);
    }
    const koe_pickle_object *pair = koe_pickle_object_of(pickle, &list->items[i]);
    if (pair->count != 2) return koe_pickle_fail(pickle, fault, err);
    status = koe_pickle_extend(pickle, out->object, pair->items, 2, err);
    if (status != KOE_OK) return status;
  }
  return KOE_OK;
}

koe_status koe_torch_call(koe_pickle *pickle, const koe_pickle_value *function,
                          const koe_pickle_value *arguments, koe_pickle_value *out,
                          koe_error *err) {
  if (function->kind != KOE_PICKLE_NAME || arguments->kind != KOE_PICKLE_TUPLE) {
    return koe_pickle_fail(pickle, "refuses a call of something that is no function", err);
  }
  const koe_pickle_object *tuple = koe_pickle_object_of(pickle, arguments);
  const koe_pickle_value *first = tuple->count > 0 ? &tuple->items[0] : NULL;
  switch (function->integer) {
  case NAME_TENSOR_V1:
  case NAME_TENSOR_V2:
    return rebuild_tensor(pickle, tuple, out, err);
  case NAME_ORDERED_DICT:
    if (tuple->count <= 1) return ordered_dict(pickle, first, out, err);
    break;
  case NAME_PARAMETER: /* (tensor, requires_grad, hooks) */
    if (first == NULL || first->kind != KOE_PICKLE_TENSOR) break;
    *out = *first;
    return KOE_OK;
  case NAME_SIZE: /* (tuple,) */
    if (first == NULL || first->kind != KOE_PICKLE_TUPLE) break;
    *out = *first;
    return KOE_OK;
  default:
    break;
  }
  return koe_pickle_fail(pickle, "a call with other arguments than torch.save writes", err);
}
