#include "tf_bundle.h"

#include "../memory.h"
#include "convert.h"
#include "crc32c.h"
#include "tf_message.h"
#include "tf_table.h"

#include <stdlib.h>
#include <string.h>

enum { MAX_VARIABLES = 100000 }; /* ELECTRA-Large with its optimizer's state has 1 700 */

/* An entry of the index. */
typedef struct variable {
  char *name; /* the key; one longer than names of tensors may be is cut */
  koe_bundle_entry entry;
} variable;

typedef struct bundle {
  const koe_weight_file *index;
  koe_bundle_header header;
  bool has_header;
  variable *variables;
  size_t count;
  size_t capacity;
} bundle;

static void clear(bundle *b) {
  for (size_t i = 0; i < b->count; i++)
    koe_free(b->variables[i].name);
  koe_free(b->variables);
}

static koe_status fail_at(const bundle *b, const variable *v, const char *fault, koe_error *err) {
  return koe_fail(err, KOE_FORMAT, "%s: tensor \"%.200s\": %s", b->index->path, v->name, fault);
}

/* ── the index ──────────────────────────────────────────────────────────────────────────────────
 */

static koe_status read_header(bundle *b, const uint8_t *bytes, size_t size, koe_error *err) {
  const char *path = b->index->path;
  if (!koe_bundle_header_parse(bytes, size, &b->header)) {
    return koe_fail(err, KOE_FORMAT, "%s: its header is malformed", path);
  }
  if (b->header.shards < 1 || b->header.shards > KOE_BUNDLE_MAX_SHARDS) {
    return koe_fail(err, KOE_FORMAT, "%s: %llu shards; expected 1 to %d", path,
                    (unsigned long long)b->header.shards, KOE_BUNDLE_MAX_SHARDS);
  }
  if (b->header.big_endian) {
    return koe_fail(err, KOE_FORMAT,
                    "%s: written on a big-endian machine; only little-endian "
                    "checkpoints are read",
                    path);
  }
  b->has_header = true;
  return KOE_OK;
}

/* Takes an entry of the table; the header's key, "", is the first of all. */
static koe_status visit(void *context, const uint8_t *key, size_t key_length, const uint8_t *value,
                        size_t value_length, koe_error *err) {
  bundle *b = context;
  const char *path = b->index->path;
  if (!b->has_header && key_length > 0) {
    return koe_fail(err, KOE_FORMAT, "%s: a table without the header of a checkpoint", path);
  }
  if (!b->has_header) return read_header(b, value, value_length, err);
  if (b->count == MAX_VARIABLES) {
    return koe_fail(err, KOE_FORMAT, "%s: more than %d variables", path, MAX_VARIABLES);
  }
  if (!koe_grow(&b->variables, &b->capacity, b->count + 1, sizeof *b->variables)) {
    return koe_fail_nomem(err);
  }
  variable *v = &b->variables[b->count];
  /* Of a key that holds NULs, as a slice's does, the part before: no parameter is called so. */
  size_t kept = key_length <= KOE_TENSOR_MAX_NAME ? key_length : KOE_TENSOR_MAX_NAME + 1;
  v->name = koe_copy_string((const char *)key, kept);
  if (v->name == NULL) return koe_fail_nomem(err);
  b->count++;
  if (!koe_bundle_entry_parse(value, value_length, &v->entry)) {
    return koe_fail(err, KOE_FORMAT, "%s: entry %zu is malformed", path, b->count);
  }
  return KOE_OK;
}

static koe_status read_index(bundle *b, koe_error *err) {
  koe_status status = koe_table_read(b->index, visit, b, err);
  if (status == KOE_OK && !b->has_header) {
    status = koe_fail(err, KOE_FORMAT, "%s: empty", b->index->path);
  }
  return status;
}

koe_status koe_bundle_shard_count(const koe_weight_file *index, size_t *out, koe_error *err) {
  bundle b = {.index = index};
  koe_status status = read_index(&b, err);
  *out = status == KOE_OK ? (size_t)b.header.shards : 0;
  clear(&b);
  return status;
}

/* ── the shards ─────────────────────────────────────────────────────────────────────────────────
 */

static int compare_places(const void *left, const void *right) {
  const koe_bundle_entry *a = &(*(const variable *const *)left)->entry;
  const koe_bundle_entry *b = &(*(const variable *const *)right)->entry;
  if (a->shard != b->shard) return a->shard < b->shard ? -1 : 1;
  if (a->offset != b->offset) return a->offset < b->offset ? -1 : 1;
  return (a->size > b->size) - (a->size < b->size);
}

static koe_status check_place(const bundle *b, const variable *v, const koe_weight_file *shards,
                              koe_error *err) {
  const koe_bundle_entry *entry = &v->entry;
  if (entry->shard < 0 || (uint64_t)entry->shard >= b->header.shards) {
    return fail_at(b, v, "it is in a shard that is not there", err);
  }
  uint64_t size = shards[entry->shard].size;
  if (entry->offset < 0 || entry->size < 0 || (uint64_t)entry->offset > size ||
      (uint64_t)entry->size > size - (uint64_t)entry->offset) {
    return koe_fail(err, KOE_FORMAT,
                    "%s: tensor \"%.200s\" lies outside the file, which is truncated or belongs to "
                    "another index",
                    shards[entry->shard].path, v->name);
  }
  return KOE_OK;
}

/* Every variable must lie in its shard, and on no other, whether it is read or not. */
static koe_status check_places(const bundle *b, const koe_weight_file *shards, koe_error *err) {
  size_t count = 0;
  koe_status status = KOE_OK;
  const variable **sorted = koe_alloc(b->count, sizeof *sorted);
  if (sorted == NULL) return koe_fail_nomem(err);
  for (size_t i = 0; i < b->count && status == KOE_OK; i++) {
    const variable *v = &b->variables[i];
    if (v->entry.sliced) continue; /* it has no place of its own */
    status = check_place(b, v, shards, err);
    sorted[count++] = v;
  }
  if (status == KOE_OK && count > 1) qsort(sorted, count, sizeof *sorted, compare_places);
  for (size_t i = 1; i < count && status == KOE_OK; i++) {
    const koe_bundle_entry *last = &sorted[i - 1]->entry, *next = &sorted[i]->entry;
    if (last->shard == next->shard && last->offset + last->size > next->offset) {
      status = fail_at(b, sorted[i], "its data overlap another tensor's", err);
    }
  }
  koe_free(sorted);
  return status;
}

/* Appends a variable under the name of a parameter. */
static koe_status add(const bundle *b, const variable *v, const koe_weight_file *shards,
                      const koe_parameter_name *name, koe_tensor_list *list, koe_error *err) {
  const koe_bundle_entry *entry = &v->entry;
  const char *path = b->index->path;
  koe_dtype dtype;
  koe_tensor *tensor;
  if (entry->sliced) {
    return koe_fail(err, KOE_UNSUPPORTED,
                    "%s: tensor \"%.200s\" is stored in slices, which are not read", path, v->name);
  }
  if (!koe_bundle_dtype(entry->dtype, &dtype) || !koe_is_floating(dtype)) {
    return koe_fail(err, KOE_UNSUPPORTED,
                    "%s: tensor \"%.200s\" has TensorFlow's type %llu, which is no floating type",
                    path, v->name, (unsigned long long)entry->dtype);
  }
  if (entry->unknown_rank) return fail_at(b, v, "its shape is not known", err);
  int64_t shape[KOE_TENSOR_MAX_DIMS];
  bool transposed = name->kernel && entry->dims == 2;
  memcpy(shape, entry->shape, sizeof shape);
  if (transposed) {
    shape[0] = entry->shape[1];
    shape[1] = entry->shape[0];
  }
  koe_status status = koe_tensor_list_add(list, path, name->bytes, strlen(name->bytes), dtype,
                                          shape, entry->dims, &tensor, err);
  if (status != KOE_OK) return status;
  if (tensor->bytes != (uint64_t)entry->size) {
    return koe_fail(err, KOE_FORMAT, "%s: tensor \"%.200s\": %lld bytes of data for a shape of %zu",
                    path, v->name, (long long)entry->size, tensor->bytes);
  }
  const koe_weight_file *shard = &shards[entry->shard];
  tensor->transposed = transposed;
  if (tensor->bytes == 0) return KOE_OK; /* of an empty shard, which has no address */
  tensor->data = shard->bytes + entry->offset;
  if (koe_crc32c(0, tensor->data, tensor->bytes) != koe_crc32c_unmask(entry->checksum)) {
    return koe_fail(err, KOE_FORMAT,
                    "%s: the checksum of tensor \"%.200s\" is wrong: the file is "
                    "damaged",
                    shard->path, v->name);
  }
  return KOE_OK;
}

static bool has_prefix(const bundle *b, const char *prefix) {
  for (size_t i = 0; i < b->count; i++) {
    if (strncmp(b->variables[i].name, prefix, strlen(prefix)) == 0) return true;
  }
  return false;
}

static koe_status no_model(const bundle *b, koe_electra_part part, koe_error *err) {
  const char *path = b->index->path;
  if (has_prefix(b, "_CHECKPOINTABLE_OBJECT_GRAPH")) {
    return koe_fail(err, KOE_FORMAT,
                    "%s: a checkpoint of TensorFlow 2's objects; only variables under the names of "
                    "google-research/electra are read",
                    path);
  }
  return koe_fail(err, KOE_FORMAT, "%s: no %s under the names of google-research/electra", path,
                  part == KOE_PART_GENERATOR ? "generator" : "discriminator");
}

koe_status koe_bundle_read(const koe_weight_file *index, const koe_weight_file *shards,
                           size_t shard_count, koe_electra_part part, koe_tensor_list *list,
                           koe_error *err) {
  bundle b = {.index = index};
  size_t before = list->count;
  koe_parameter_name name;
  koe_status status = read_index(&b, err);
  if (status == KOE_OK && b.header.shards != shard_count) {
    status = koe_fail(err, KOE_FORMAT, "%s: %llu shards, of which %zu were opened", index->path,
                      (unsigned long long)b.header.shards, shard_count);
  }
  if (status == KOE_OK) status = check_places(&b, shards, err);
  koe_tf_naming naming = {.part = part,
                          .own_encoder = has_prefix(&b, "generator/encoder/"),
                          .own_embeddings = has_prefix(&b, "generator/embeddings/")};
  if (status == KOE_OK && part == KOE_PART_GENERATOR && !has_prefix(&b, "generator_predictions/")) {
    status = no_model(&b, part, err);
  }
  for (size_t i = 0; i < b.count && status == KOE_OK; i++) {
    const variable *v = &b.variables[i];
    if (koe_tf_parameter(&naming, v->name, &name)) status = add(&b, v, shards, &name, list, err);
  }
  if (status == KOE_OK && list->count == before) status = no_model(&b, part, err);
  clear(&b);
  return status;
}
