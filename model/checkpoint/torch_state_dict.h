/* From the objects of a pickle to named tensors. */
#ifndef KOE_TORCH_STATE_DICT_H
#define KOE_TORCH_STATE_DICT_H

#include "tensor_list.h"
#include "torch_pickle.h"

/* Appends the tensors of the state dict in `pickle`, under the names they have there.  The state
 * dict is the pickled dict itself, or the value of its key "state_dict" or "model_state_dict", as
 * training scripts save it.
 *
 *   file_size   bytes of the whole file, which bound the copies below
 *
 * Every storage must have its data.  A contiguous tensor points into the file; another is copied in
 * row-major order.  Fails with KOE_FORMAT (no tensors, a name twice, a view that leaves its
 * storage), KOE_NOMEM. */
koe_status koe_torch_read_state_dict(const koe_pickle *pickle, size_t file_size,
                                     koe_tensor_list *list, koe_error *err);

#endif
