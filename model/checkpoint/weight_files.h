/* Which files of a checkpoint directory hold its weights.
 *
 * Looked for in this order, the first four as transformers does:
 *   model.safetensors
 *   model.safetensors.index.json     {"weight_map": {TENSOR: FILE, …}} and the files it names
 *   pytorch_model.bin
 *   pytorch_model.bin.index.json     the same
 *   NAME.index, NAME.data-…-of-…     a checkpoint of TensorFlow 1 (tf_bundle.h): the one that the
 *                                    file "checkpoint" names, otherwise that of the highest step
 */
#ifndef KOE_WEIGHT_FILES_H
#define KOE_WEIGHT_FILES_H

#include "../directory.h"
#include "../status.h"

#include <jansson.h>
#include <stddef.h>

typedef enum koe_weight_layout {
  KOE_WEIGHTS_SINGLE,
  KOE_WEIGHTS_SHARDED,
  KOE_WEIGHTS_BUNDLE
} koe_weight_layout;

typedef struct koe_weight_path {
  char *name; /* within the directory */
  char *path;
} koe_weight_path;

typedef struct koe_weight_files {
  koe_weight_layout layout;
  koe_weight_path *items; /* [count]: the file, or the index and then its shards */
  size_t count;
  size_t capacity;
  json_t *index; /* of KOE_WEIGHTS_SHARDED: the JSON object */
} koe_weight_files;

/* Finds the files; each is there.  koe_weight_files_clear releases `out`, also after a failure.
 * Fails with KOE_IO (no directory, no weights, a shard missing), KOE_FORMAT (a malformed index),
 * KOE_NOMEM. */
koe_status koe_weight_files_find(const koe_directory *directory, koe_weight_files *out,
                                 koe_error *err);

void koe_weight_files_clear(koe_weight_files *files);

#endif
