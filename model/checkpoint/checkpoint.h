/* The weights of a checkpoint directory as named tensors, whichever file format holds them:
 * safetensors, or what torch.save writes (a zip archive since PyTorch 1.6, before that the legacy
 * pickle stream; told apart by content), each whole or in shards, or a checkpoint of TensorFlow 1.
 * weight_files.h says which is taken where there are several. */
#ifndef KOE_CHECKPOINT_H
#define KOE_CHECKPOINT_H

#include "../directory.h"
#include "../status.h"
#include "tensor_list.h"
#include "tf_names.h"

#include <stdbool.h>

typedef struct koe_checkpoint koe_checkpoint;

/* Opens the weights of `directory`: maps their files and reads names, types and shapes of the
 * tensors; element data stay in the files until touched, but for a checkpoint of TensorFlow, whose
 * checksums are verified.  Of two models in it, config.json says which one is meant.  Fails with
 * KOE_IO (missing, unreadable), KOE_FORMAT (truncated, inconsistent, hostile: the message names
 * file and place), KOE_UNSUPPORTED, KOE_NOMEM. */
koe_status koe_checkpoint_open_in(const koe_directory *directory, koe_checkpoint **out,
                                  koe_error *err);

/* The same, and which of two models is meant. */
koe_status koe_checkpoint_open_part(const koe_directory *directory, koe_electra_part part,
                                    koe_checkpoint **out, koe_error *err);

/* The same for the directory that a path names, by its config.json. */
koe_status koe_checkpoint_open(const char *directory, koe_checkpoint **out, koe_error *err);

/* Opens a weight file in memory, in any of the formats, told apart by content.  `bytes` must
 * outlive the checkpoint; `name` stands for the path in messages. */
koe_status koe_checkpoint_open_memory(const void *bytes, size_t size, const char *name,
                                      koe_checkpoint **out, koe_error *err);

/* Makes a checkpoint of tensors that were read by other means, and empties `list`; `name` stands
 * for the path in messages.  Fails with KOE_FORMAT (a name twice), KOE_NOMEM; `list` is the
 * caller's then. */
koe_status koe_checkpoint_of_tensors(koe_tensor_list *list, const char *name, koe_checkpoint **out,
                                     koe_error *err);

/* Takes NULL.  Every tensor and every array koe_checkpoint_float32 gave dies with it. */
void koe_checkpoint_free(koe_checkpoint *checkpoint);

/* The path of the weight file, or of the index of shards, for messages. */
const char *koe_checkpoint_path(const koe_checkpoint *checkpoint);

/* The tensors in file order. */
size_t koe_checkpoint_count(const koe_checkpoint *checkpoint);
const koe_tensor *koe_checkpoint_at(const koe_checkpoint *checkpoint, size_t index);

/* The tensor of that exact name, or NULL. */
const koe_tensor *koe_checkpoint_find(const koe_checkpoint *checkpoint, const char *name);

/* The elements of `tensor` (one of this checkpoint's) as float32 in host order, row-major.  Points
 * into the mapped file if it holds aligned float32; otherwise a converted copy, made on the first
 * call and owned by the checkpoint.  float64, float32, float16 and bfloat16 convert, and int8
 * matrices that have scales (quantized.h); other types fail with KOE_UNSUPPORTED.  Also fails with
 * KOE_FORMAT (unfit scales), KOE_NOMEM.  Not for several threads at once. */
koe_status koe_checkpoint_float32(koe_checkpoint *checkpoint, const koe_tensor *tensor,
                                  const float **out, koe_error *err);

/* Ends the use of a tensor's elements: frees the copy that koe_checkpoint_float32 may have made,
 * and lets go of the mapped pages, which come back from the file if they are read once more. */
void koe_checkpoint_release(koe_checkpoint *checkpoint, const koe_tensor *tensor);

/* Lets go of the mapped pages of a tensor, which come back from the file if they are read again.
 * For several threads at once, while others read. */
void koe_checkpoint_drop_pages(const koe_checkpoint *checkpoint, const koe_tensor *tensor);

/* Bytes of the heap that the checkpoint holds: converted copies, not the mapping. */
size_t koe_checkpoint_heap_bytes(const koe_checkpoint *checkpoint);

/* Those, and all tensors in the file but the released. */
size_t koe_checkpoint_bytes(const koe_checkpoint *checkpoint);

#endif
