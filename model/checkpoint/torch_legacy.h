/* torch.save before PyTorch 1.6, and since with _use_new_zipfile_serialization=False: pickles and
 * raw data, one after the other.
 *
 *   pickle   the magic number 0x1950a86a20f9469cfc6c
 *   pickle   the protocol version, 1001
 *   pickle   a dict about the writing system: {"little_endian": True, …}
 *   pickle   the object; a tensor's storage is named by its persistent id
 *   pickle   the list of storage keys, in the order of what follows
 *   for each key: number of elements (8 bytes, little-endian), elements
 *
 * Source: PyTorch, torch/serialization.py (_legacy_save, _legacy_load). */
#ifndef KOE_TORCH_LEGACY_H
#define KOE_TORCH_LEGACY_H

#include "tensor_list.h"
#include "weight_file.h"

#include <stdbool.h>

/* Whether the file begins as a pickle does. */
bool koe_torch_legacy_detect(const koe_weight_file *file);

/* Appends the file's tensors.  Fails with KOE_FORMAT, KOE_NOMEM. */
koe_status koe_torch_legacy_read(const koe_weight_file *file, koe_tensor_list *list,
                                 koe_error *err);

#endif
