/* A restricted interpreter of Python's pickle format, for what torch.save writes.
 *
 * A pickle is a program for a stack machine that may import and call anything.  This one knows
 * numbers, strings, tuples, lists, dicts and the few names of torch that build a tensor; every
 * other name is refused before anything is done with it (see torch_objects.h).  It never recurses,
 * and operations, values and objects are bounded, so a hostile file costs bounded time and memory.
 *
 * The operations are those that protocols 2 to 5 write for such data.
 * Source: CPython, Lib/pickletools.py (what each operation does). */
#ifndef KOE_TORCH_PICKLE_H
#define KOE_TORCH_PICKLE_H

#include "../status.h"
#include "tensor.h"
#include "weight_file.h"

typedef enum koe_pickle_kind {
  KOE_PICKLE_NONE,
  KOE_PICKLE_BOOL,    /* integer */
  KOE_PICKLE_INTEGER, /* integer */
  KOE_PICKLE_LARGE,   /* bytes: a longer integer, two's complement, little-endian */
  KOE_PICKLE_FLOAT,   /* no value: nothing asks for it */
  KOE_PICKLE_STRING,  /* bytes */
  KOE_PICKLE_BYTES,   /* bytes */
  KOE_PICKLE_NAME,    /* integer: a koe_torch_name */
  KOE_PICKLE_TUPLE,   /* object */
  KOE_PICKLE_LIST,    /* object */
  KOE_PICKLE_DICT,    /* object: key, value, key, value, … */
  KOE_PICKLE_STORAGE, /* object: index of storages */
  KOE_PICKLE_TENSOR   /* object: index of tensors */
} koe_pickle_kind;

typedef struct koe_pickle_value {
  koe_pickle_kind kind;
  union {
    int64_t integer;
    size_t object; /* index of objects, storages or tensors */
    struct {
      const uint8_t *data; /* in the file */
      size_t length;
    } bytes;
  };
} koe_pickle_value;

/* A tuple, list or dict.  Values refer to it by index: an object may be reached in many ways, and
 * itself be changed after it was. */
typedef struct koe_pickle_object {
  koe_pickle_value *items;
  size_t count;
  size_t capacity;
} koe_pickle_object;

/* A storage: a one-dimensional array that tensors view, whose elements are outside the pickle. */
typedef struct koe_pickle_storage {
  const uint8_t *key; /* its name in the file */
  size_t key_length;
  koe_dtype dtype;
  int64_t elements; /* of the array called `key` */
  int64_t first;    /* the storage is elements [first, first + count) of it */
  int64_t count;
  const uint8_t *data; /* of the array; NULL until its file's reader has found it */
} koe_pickle_storage;

/* A view of a storage. */
typedef struct koe_pickle_tensor {
  size_t storage; /* index of storages */
  int64_t offset; /* elements */
  int dims;
  int64_t shape[KOE_TENSOR_MAX_DIMS];
  int64_t strides[KOE_TENSOR_MAX_DIMS]; /* elements */
} koe_pickle_tensor;

/* The machine, and after koe_pickle_run what it has built. */
typedef struct koe_pickle {
  koe_weight_file file; /* the pickle begins at its first byte */
  size_t position;      /* bytes read */
  size_t operations;    /* executed */
  size_t held;          /* values in all objects */

  koe_pickle_value *stack;
  size_t stack_count;
  size_t stack_capacity;
  size_t *marks; /* stack counts at MARK operations not yet consumed */
  size_t mark_count;
  size_t mark_capacity;
  koe_pickle_value *memo; /* [memo_count] */
  size_t memo_count;
  size_t memo_capacity;

  koe_pickle_object *objects;
  size_t object_count;
  size_t object_capacity;
  koe_pickle_storage *storages;
  size_t storage_count;
  size_t storage_capacity;
  koe_pickle_tensor *tensors;
  size_t tensor_count;
  size_t tensor_capacity;

  koe_pickle_value root;
} koe_pickle;

/* Executes the pickle that begins `file` up to its end, `out->position`; bytes after it are not
 * read.  koe_pickle_clear releases `out`, also after a failure; `file->bytes` must outlive it.
 * Fails with KOE_FORMAT (truncated, malformed, refused: the message says which), KOE_NOMEM. */
koe_status koe_pickle_run(const koe_weight_file *file, koe_pickle *out, koe_error *err);

void koe_pickle_clear(koe_pickle *pickle);

/* The value under a string key of a dict, or NULL; also NULL if `dict` is no dict. */
const koe_pickle_value *koe_pickle_get(const koe_pickle *pickle, const koe_pickle_value *dict,
                                       const char *key);

/* The object of a tuple, list or dict. */
const koe_pickle_object *koe_pickle_object_of(const koe_pickle *pickle,
                                              const koe_pickle_value *value);

/* Fills `err` with the file, the place in the pickle and `fault`. */
koe_status koe_pickle_fail(const koe_pickle *pickle, const char *fault, koe_error *err);

/* ── for torch_objects.c, which adds to the machine's objects ───────────────────────────────────
 */

/* Makes a tuple, list or dict of `count` values, copied. */
koe_status koe_pickle_new_object(koe_pickle *pickle, koe_pickle_kind kind,
                                 const koe_pickle_value *items, size_t count, koe_pickle_value *out,
                                 koe_error *err);

/* Appends `count` values to a list or dict. */
koe_status koe_pickle_extend(koe_pickle *pickle, size_t object, const koe_pickle_value *items,
                             size_t count, koe_error *err);

#endif
