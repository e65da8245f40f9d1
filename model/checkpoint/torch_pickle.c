#include "torch_pickle.h"

#include "../memory.h"
#include "byte_order.h"
#include "torch_objects.h"

#include <string.h>

enum {
  HIGHEST_PROTOCOL = 5,
  MAX_OPERATIONS = 1 << 24,
  MAX_STACK = 1 << 20,
  MAX_OBJECTS = 1 << 18,
  MAX_HELD = 1 << 22,
  MAX_MEMO = 1 << 20,
};

/* ── the machine ────────────────────────────────────────────────────────────────────────────────
 */

koe_status koe_pickle_fail(const koe_pickle *pickle, const char *fault, koe_error *err) {
  return koe_fail(err, KOE_FORMAT, "%s: pickle, byte %zu: %s", pickle->file.path, pickle->position,
                  fault);
}

static koe_status take(koe_pickle *p, size_t length, const uint8_t **out, koe_error *err) {
  if (length > p->file.size - p->position) return koe_pickle_fail(p, "truncated", err);
  *out = p->file.bytes + p->position;
  p->position += length;
  return KOE_OK;
}

/* Reads a little-endian count of `width` bytes, 1, 4 or 8. */
static koe_status take_count(koe_pickle *p, size_t width, uint64_t *out, koe_error *err) {
  const uint8_t *bytes = NULL;
  koe_status status = take(p, width, &bytes, err);
  if (status != KOE_OK) return status;
  *out = width == 1 ? bytes[0] : width == 4 ? koe_le32(bytes) : koe_le64(bytes);
  return KOE_OK;
}

static koe_status push(koe_pickle *p, koe_pickle_value value, koe_error *err) {
  if (p->stack_count == MAX_STACK) return koe_pickle_fail(p, "too many values", err);
  if (!koe_grow(&p->stack, &p->stack_capacity, p->stack_count + 1, sizeof *p->stack)) {
    return koe_fail_nomem(err);
  }
  p->stack[p->stack_count++] = value;
  return KOE_OK;
}

static koe_status push_integer(koe_pickle *p, koe_pickle_kind kind, int64_t integer,
                               koe_error *err) {
  return push(p, (koe_pickle_value){.kind = kind, .integer = integer}, err);
}

/* How far down the stack operations may reach: to the last mark. */
static size_t floor_of(const koe_pickle *p) {
  return p->mark_count > 0 ? p->marks[p->mark_count - 1] : 0;
}

/* The `count` topmost values, which stay on the stack. */
static koe_status top(koe_pickle *p, size_t count, koe_pickle_value **out, koe_error *err) {
  if (p->stack_count - floor_of(p) < count) return koe_pickle_fail(p, "the stack is empty", err);
  *out = p->stack + p->stack_count - count;
  return KOE_OK;
}

/* Removes the last mark; `*start` is where the values above it begin. */
static koe_status pop_mark(koe_pickle *p, size_t *start, koe_error *err) {
  if (p->mark_count == 0) return koe_pickle_fail(p, "no mark", err);
  *start = p->marks[--p->mark_count];
  return KOE_OK;
}

koe_status koe_pickle_new_object(koe_pickle *p, koe_pickle_kind kind, const koe_pickle_value *items,
                                 size_t count, koe_pickle_value *out, koe_error *err) {
  if (p->object_count == MAX_OBJECTS) return koe_pickle_fail(p, "too many objects", err);
  if (!koe_grow(&p->objects, &p->object_capacity, p->object_count + 1, sizeof *p->objects)) {
    return koe_fail_nomem(err);
  }
  size_t index = p->object_count++;
  memset(&p->objects[index], 0, sizeof p->objects[index]);
  *out = (koe_pickle_value){.kind = kind, .object = index};
  return koe_pickle_extend(p, index, items, count, err);
}

koe_status koe_pickle_extend(koe_pickle *p, size_t index, const koe_pickle_value *items,
                             size_t count, koe_error *err) {
  koe_pickle_object *object = &p->objects[index];
  if (count == 0) return KOE_OK;
  if (count > MAX_HELD - p->held) return koe_pickle_fail(p, "too many values", err);
  if (!koe_grow(&object->items, &object->capacity, object->count + count, sizeof *items)) {
    return koe_fail_nomem(err);
  }
  memcpy(object->items + object->count, items, count * sizeof *items);
  object->count += count;
  p->held += count;
  return KOE_OK;
}

/* ── operations: constants ──────────────────────────────────────────────────────────────────────
 */

static koe_status op_none(koe_pickle *p, koe_error *err) {
  return push_integer(p, KOE_PICKLE_NONE, 0, err);
}

static koe_status op_true(koe_pickle *p, koe_error *err) {
  return push_integer(p, KOE_PICKLE_BOOL, 1, err);
}

static koe_status op_false(koe_pickle *p, koe_error *err) {
  return push_integer(p, KOE_PICKLE_BOOL, 0, err);
}

static koe_status op_binint(koe_pickle *p, koe_error *err) {
  const uint8_t *bytes = NULL;
  koe_status status = take(p, 4, &bytes, err);
  if (status != KOE_OK) return status;
  return push_integer(p, KOE_PICKLE_INTEGER, (int32_t)koe_le32(bytes), err);
}

static koe_status op_binint1(koe_pickle *p, koe_error *err) {
  const uint8_t *bytes = NULL;
  koe_status status = take(p, 1, &bytes, err);
  if (status != KOE_OK) return status;
  return push_integer(p, KOE_PICKLE_INTEGER, bytes[0], err);
}

static koe_status op_binint2(koe_pickle *p, koe_error *err) {
  const uint8_t *bytes = NULL;
  koe_status status = take(p, 2, &bytes, err);
  if (status != KOE_OK) return status;
  return push_integer(p, KOE_PICKLE_INTEGER, koe_le16(bytes), err);
}

static koe_status push_long(koe_pickle *p, size_t width, koe_error *err) {
  uint64_t length = 0;
  const uint8_t *bytes = NULL;
  koe_status status = take_count(p, width, &length, err);
  if (status == KOE_OK) status = take(p, (size_t)length, &bytes, err);
  if (status != KOE_OK) return status;
  if (length > 8) {
    return push(p, (koe_pickle_value){.kind = KOE_PICKLE_LARGE, .bytes = {bytes, (size_t)length}},
                err);
  }
  bool negative = length > 0 && bytes[length - 1] >= 0x80;
  uint64_t integer = negative ? UINT64_MAX : 0;
  for (size_t i = (size_t)length; i-- > 0;)
    integer = integer << 8 | bytes[i];
  return push_integer(p, KOE_PICKLE_INTEGER, (int64_t)integer, err);
}

static koe_status op_long1(koe_pickle *p, koe_error *err) {
  return push_long(p, 1, err);
}

static koe_status op_long4(koe_pickle *p, koe_error *err) {
  return push_long(p, 4, err);
}

static koe_status op_binfloat(koe_pickle *p, koe_error *err) {
  const uint8_t *bytes = NULL;
  koe_status status = take(p, 8, &bytes, err);
  if (status != KOE_OK) return status;
  return push_integer(p, KOE_PICKLE_FLOAT, 0, err);
}

static koe_status push_bytes(koe_pickle *p, koe_pickle_kind kind, size_t width, koe_error *err) {
  uint64_t length = 0;
  const uint8_t *bytes = NULL;
  koe_status status = take_count(p, width, &length, err);
  if (status != KOE_OK) return status;
  if (length > SIZE_MAX) return koe_pickle_fail(p, "truncated", err);
  status = take(p, (size_t)length, &bytes, err);
  if (status != KOE_OK) return status;
  return push(p, (koe_pickle_value){.kind = kind, .bytes = {bytes, (size_t)length}}, err);
}

static koe_status op_string1(koe_pickle *p, koe_error *err) {
  return push_bytes(p, KOE_PICKLE_STRING, 1, err);
}

static koe_status op_string4(koe_pickle *p, koe_error *err) {
  return push_bytes(p, KOE_PICKLE_STRING, 4, err);
}

static koe_status op_string8(koe_pickle *p, koe_error *err) {
  return push_bytes(p, KOE_PICKLE_STRING, 8, err);
}

static koe_status op_bytes1(koe_pickle *p, koe_error *err) {
  return push_bytes(p, KOE_PICKLE_BYTES, 1, err);
}

static koe_status op_bytes4(koe_pickle *p, koe_error *err) {
  return push_bytes(p, KOE_PICKLE_BYTES, 4, err);
}

static koe_status op_bytes8(koe_pickle *p, koe_error *err) {
  return push_bytes(p, KOE_PICKLE_BYTES, 8, err);
}

/* ── operations: stack and memo ─────────────────────────────────────────────────────────────────
 */

static koe_status op_mark(koe_pickle *p, koe_error *err) {
  if (p->mark_count == MAX_STACK) return koe_pickle_fail(p, "too many marks", err);
  if (!koe_grow(&p->marks, &p->mark_capacity, p->mark_count + 1, sizeof *p->marks)) {
    return koe_fail_nomem(err);
  }
  p->marks[p->mark_count++] = p->stack_count;
  return KOE_OK;
}

static koe_status op_pop(koe_pickle *p, koe_error *err) {
  koe_pickle_value *value = NULL;
  koe_status status = top(p, 1, &value, err);
  if (status == KOE_OK) p->stack_count--;
  return status;
}

static koe_status op_pop_mark(koe_pickle *p, koe_error *err) {
  size_t start = 0;
  koe_status status = pop_mark(p, &start, err);
  if (status == KOE_OK) p->stack_count = start;
  return status;
}

static koe_status op_dup(koe_pickle *p, koe_error *err) {
  koe_pickle_value *value = NULL;
  koe_status status = top(p, 1, &value, err);
  return status == KOE_OK ? push(p, *value, err) : status;
}

/* Remembers the topmost value.  The writer numbers what it remembers from 0. */
static koe_status memoize(koe_pickle *p, uint64_t index, koe_error *err) {
  koe_pickle_value *value = NULL;
  koe_status status = top(p, 1, &value, err);
  if (status != KOE_OK) return status;
  if (index >= MAX_MEMO) return koe_pickle_fail(p, "the memo is too large", err);
  if (!koe_grow(&p->memo, &p->memo_capacity, (size_t)index + 1, sizeof *p->memo)) {
    return koe_fail_nomem(err);
  }
  for (; p->memo_count <= index; p->memo_count++) {
    p->memo[p->memo_count] = (koe_pickle_value){.kind = KOE_PICKLE_NONE};
  }
  p->memo[index] = *value;
  return KOE_OK;
}

static koe_status put(koe_pickle *p, size_t width, koe_error *err) {
  uint64_t index = 0;
  koe_status status = take_count(p, width, &index, err);
  return status == KOE_OK ? memoize(p, index, err) : status;
}

static koe_status op_binput(koe_pickle *p, koe_error *err) {
  return put(p, 1, err);
}

static koe_status op_long_binput(koe_pickle *p, koe_error *err) {
  return put(p, 4, err);
}

static koe_status op_memoize(koe_pickle *p, koe_error *err) {
  return memoize(p, p->memo_count, err);
}

static koe_status get(koe_pickle *p, size_t width, koe_error *err) {
  uint64_t index = 0;
  koe_status status = take_count(p, width, &index, err);
  if (status != KOE_OK) return status;
  if (index >= p->memo_count) return koe_pickle_fail(p, "nothing has that memo number", err);
  return push(p, p->memo[index], err);
}

static koe_status op_binget(koe_pickle *p, koe_error *err) {
  return get(p, 1, err);
}

static koe_status op_long_binget(koe_pickle *p, koe_error *err) {
  return get(p, 4, err);
}

/* ── operations: containers ─────────────────────────────────────────────────────────────────────
 */

/* Replaces the values from `start` by one object that holds them. */
static koe_status build_object(koe_pickle *p, koe_pickle_kind kind, size_t start, koe_error *err) {
  koe_pickle_value object;
  size_t count = p->stack_count - start;
  const koe_pickle_value *items = count > 0 ? p->stack + start : NULL;
  koe_status status = koe_pickle_new_object(p, kind, items, count, &object, err);
  if (status != KOE_OK) return status;
  p->stack_count = start;
  return push(p, object, err);
}

static koe_status build_tuple(koe_pickle *p, size_t count, koe_error *err) {
  koe_pickle_value *items = NULL;
  koe_status status = top(p, count, &items, err);
  return status == KOE_OK ? build_object(p, KOE_PICKLE_TUPLE, p->stack_count - count, err) : status;
}

static koe_status op_empty_tuple(koe_pickle *p, koe_error *err) {
  return build_object(p, KOE_PICKLE_TUPLE, p->stack_count, err);
}

static koe_status op_tuple1(koe_pickle *p, koe_error *err) {
  return build_tuple(p, 1, err);
}

static koe_status op_tuple2(koe_pickle *p, koe_error *err) {
  return build_tuple(p, 2, err);
}

static koe_status op_tuple3(koe_pickle *p, koe_error *err) {
  return build_tuple(p, 3, err);
}

static koe_status op_tuple(koe_pickle *p, koe_error *err) {
  size_t start = 0;
  koe_status status = pop_mark(p, &start, err);
  return status == KOE_OK ? build_object(p, KOE_PICKLE_TUPLE, start, err) : status;
}

static koe_status op_empty_list(koe_pickle *p, koe_error *err) {
  return build_object(p, KOE_PICKLE_LIST, p->stack_count, err);
}

static koe_status op_empty_dict(koe_pickle *p, koe_error *err) {
  return build_object(p, KOE_PICKLE_DICT, p->stack_count, err);
}

/* Moves the `count` topmost values into the list or dict below them. */
static koe_status extend(koe_pickle *p, koe_pickle_kind kind, size_t count, koe_error *err) {
  koe_pickle_value *values = NULL;
  koe_status status = top(p, count + 1, &values, err);
  if (status != KOE_OK) return status;
  if (values[0].kind != kind || (kind == KOE_PICKLE_DICT && count % 2 != 0)) {
    return koe_pickle_fail(p, "items for something that is no list or dict", err);
  }
  status = koe_pickle_extend(p, values[0].object, values + 1, count, err);
  if (status == KOE_OK) p->stack_count -= count;
  return status;
}

static koe_status extend_to_mark(koe_pickle *p, koe_pickle_kind kind, koe_error *err) {
  size_t start = 0;
  koe_status status = pop_mark(p, &start, err);
  return status == KOE_OK ? extend(p, kind, p->stack_count - start, err) : status;
}

static koe_status op_append(koe_pickle *p, koe_error *err) {
  return extend(p, KOE_PICKLE_LIST, 1, err);
}

static koe_status op_appends(koe_pickle *p, koe_error *err) {
  return extend_to_mark(p, KOE_PICKLE_LIST, err);
}

static koe_status op_setitem(koe_pickle *p, koe_error *err) {
  return extend(p, KOE_PICKLE_DICT, 2, err);
}

static koe_status op_setitems(koe_pickle *p, koe_error *err) {
  return extend_to_mark(p, KOE_PICKLE_DICT, err);
}

/* ── operations: names, calls, storages ─────────────────────────────────────────────────────────
 */

/* Replaces the `count` topmost values by `value`. */
static koe_status replace(koe_pickle *p, size_t count, koe_pickle_value value, koe_error *err) {
  p->stack_count -= count;
  return push(p, value, err);
}

static koe_status take_line(koe_pickle *p, koe_pickle_value *out, koe_error *err) {
  const uint8_t *line = p->file.bytes + p->position;
  const uint8_t *end = memchr(line, '\n', p->file.size - p->position);
  if (end == NULL) return koe_pickle_fail(p, "truncated", err);
  *out = (koe_pickle_value){.kind = KOE_PICKLE_STRING, .bytes = {line, (size_t)(end - line)}};
  p->position += out->bytes.length + 1;
  return KOE_OK;
}

static koe_status op_global(koe_pickle *p, koe_error *err) {
  koe_pickle_value module, name, value;
  koe_status status = take_line(p, &module, err);
  if (status == KOE_OK) status = take_line(p, &name, err);
  if (status == KOE_OK) status = koe_torch_import(p, &module, &name, &value, err);
  return status == KOE_OK ? push(p, value, err) : status;
}

static koe_status op_stack_global(koe_pickle *p, koe_error *err) {
  koe_pickle_value *values = NULL;
  koe_pickle_value value;
  koe_status status = top(p, 2, &values, err);
  if (status == KOE_OK) status = koe_torch_import(p, &values[0], &values[1], &value, err);
  return status == KOE_OK ? replace(p, 2, value, err) : status;
}

static koe_status op_reduce(koe_pickle *p, koe_error *err) {
  koe_pickle_value *values = NULL;
  koe_pickle_value value;
  koe_status status = top(p, 2, &values, err);
  if (status == KOE_OK) status = koe_torch_call(p, &values[0], &values[1], &value, err);
  return status == KOE_OK ? replace(p, 2, value, err) : status;
}

/* Sets attributes: those of an OrderedDict are the state dict's `_metadata`, which is not needed.
 */
static koe_status op_build(koe_pickle *p, koe_error *err) {
  koe_pickle_value *values = NULL;
  koe_status status = top(p, 2, &values, err);
  if (status != KOE_OK) return status;
  if (values[0].kind != KOE_PICKLE_DICT) {
    return koe_pickle_fail(p, "refuses to set attributes of anything but a dict", err);
  }
  p->stack_count--;
  return KOE_OK;
}

static koe_status op_binpersid(koe_pickle *p, koe_error *err) {
  koe_pickle_value *id = NULL;
  koe_pickle_value value;
  koe_status status = top(p, 1, &id, err);
  if (status == KOE_OK) status = koe_torch_persistent(p, id, &value, err);
  return status == KOE_OK ? replace(p, 1, value, err) : status;
}

/* ── operations: framing ────────────────────────────────────────────────────────────────────────
 */

static koe_status op_proto(koe_pickle *p, koe_error *err) {
  const uint8_t *version = NULL;
  koe_status status = take(p, 1, &version, err);
  if (status != KOE_OK) return status;
  if (*version > HIGHEST_PROTOCOL) return koe_pickle_fail(p, "a protocol newer than 5", err);
  return KOE_OK;
}

static koe_status op_frame(koe_pickle *p, koe_error *err) {
  uint64_t length = 0;
  koe_status status = take_count(p, 8, &length, err);
  if (status != KOE_OK) return status;
  if (length > p->file.size - p->position) return koe_pickle_fail(p, "truncated", err);
  return KOE_OK;
}

typedef koe_status (*operation)(koe_pickle *p, koe_error *err);

enum { OP_STOP = '.' };

static const operation operations[256] = {
    ['N'] = op_none,       [0x88] = op_true,       [0x89] = op_false,        ['J'] = op_binint,
    ['K'] = op_binint1,    ['M'] = op_binint2,     [0x8a] = op_long1,        [0x8b] = op_long4,
    ['G'] = op_binfloat,   ['U'] = op_string1,     ['T'] = op_string4,       [0x8c] = op_string1,
    ['X'] = op_string4,    [0x8d] = op_string8,    ['C'] = op_bytes1,        ['B'] = op_bytes4,
    [0x8e] = op_bytes8,    ['('] = op_mark,        ['0'] = op_pop,           ['1'] = op_pop_mark,
    ['2'] = op_dup,        ['q'] = op_binput,      ['r'] = op_long_binput,   [0x94] = op_memoize,
    ['h'] = op_binget,     ['j'] = op_long_binget, [')'] = op_empty_tuple,   [0x85] = op_tuple1,
    [0x86] = op_tuple2,    [0x87] = op_tuple3,     ['t'] = op_tuple,         [']'] = op_empty_list,
    ['}'] = op_empty_dict, ['a'] = op_append,      ['e'] = op_appends,       ['s'] = op_setitem,
    ['u'] = op_setitems,   ['c'] = op_global,      [0x93] = op_stack_global, ['R'] = op_reduce,
    ['b'] = op_build,      ['Q'] = op_binpersid,   [0x80] = op_proto,        [0x95] = op_frame,
};

/* ── interface ──────────────────────────────────────────────────────────────────────────────────
 */

static koe_status finish(koe_pickle *p, koe_error *err) {
  koe_pickle_value *root = NULL;
  koe_status status = top(p, 1, &root, err);
  if (status == KOE_OK) p->root = *root;
  return status;
}

koe_status koe_pickle_run(const koe_weight_file *file, koe_pickle *out, koe_error *err) {
  memset(out, 0, sizeof *out);
  out->file = *file;
  for (;;) {
    const uint8_t *code = NULL;
    koe_status status = take(out, 1, &code, err);
    if (status != KOE_OK) return status;
    if (*code == OP_STOP) return finish(out, err);
    if (operations[*code] == NULL) {
      return koe_fail(err, KOE_FORMAT,
                      "%s: pickle, byte %zu: refuses operation 0x%02x, which tensors do not need",
                      file->path, out->position, *code);
    }
    if (++out->operations > MAX_OPERATIONS) return koe_pickle_fail(out, "too long", err);
    status = operations[*code](out, err);
    if (status != KOE_OK) return status;
  }
}

void koe_pickle_clear(koe_pickle *pickle) {
  for (size_t i = 0; i < pickle->object_count; i++)
    koe_free(pickle->objects[i].items);
  koe_free(pickle->stack);
  koe_free(pickle->marks);
  koe_free(pickle->memo);
  koe_free(pickle->objects);
  koe_free(pickle->storages);
  koe_free(pickle->tensors);
  memset(pickle, 0, sizeof *pickle);
}

const koe_pickle_object *koe_pickle_object_of(const koe_pickle *pickle,
                                              const koe_pickle_value *value) {
  return &pickle->objects[value->object];
}

const koe_pickle_value *koe_pickle_get(const koe_pickle *pickle, const koe_pickle_value *dict,
                                       const char *key) {
  if (dict->kind != KOE_PICKLE_DICT) return NULL;
  const koe_pickle_object *object = koe_pickle_object_of(pickle, dict);
  size_t length = strlen(key);
  for (size_t i = 0; i + 1 < object->count; i += 2) {
    const koe_pickle_value *candidate = &object->items[i];
    if (candidate->kind == KOE_PICKLE_STRING && candidate->bytes.length == length &&
        memcmp(candidate->bytes.data, key, length) == 0) {
      return &object->items[i + 1];
    }
  }
  return NULL;
}
