/* What a pickle of torch.save may import and call: the whole list is in torch_objects.c. */
#ifndef KOE_TORCH_OBJECTS_H
#define KOE_TORCH_OBJECTS_H

#include "torch_pickle.h"

/* Looks `module`.`name` up.  Fails with KOE_FORMAT, saying that it is refused. */
koe_status koe_torch_import(const koe_pickle *pickle, const koe_pickle_value *module,
                            const koe_pickle_value *name, koe_pickle_value *out, koe_error *err);

/* Calls an imported function with a tuple of arguments. */
koe_status koe_torch_call(koe_pickle *pickle, const koe_pickle_value *function,
                          const koe_pickle_value *arguments, koe_pickle_value *out, koe_error *err);

/* The storage that a persistent id means: the tuple
 * ('storage', type, key, location, elements[, None | (view key, first, count)]). */
koe_status koe_torch_persistent(koe_pickle *pickle, const koe_pickle_value *id,
                                koe_pickle_value *out, koe_error *err);

#endif
