/* torch.save since PyTorch 1.6: a zip archive.
 *
 *   PREFIX/data.pkl    the pickled object; a tensor's storage is named by its persistent id
 *   PREFIX/data/KEY    elements of the storage KEY, aligned to 64 bytes
 *   PREFIX/byteorder   "little" or "big"; absent before PyTorch 2.1, then little
 *
 * Source: PyTorch, torch/serialization.py (_save, _load). */
#ifndef KOE_TORCH_ZIP_H
#define KOE_TORCH_ZIP_H

#include "tensor_list.h"
#include "weight_file.h"

/* Appends the file's tensors.  Fails with KOE_FORMAT, KOE_NOMEM. */
koe_status koe_torch_zip_read(const koe_weight_file *file, koe_tensor_list *list, koe_error *err);

#endif
