/* The tensors of a tf_model.h5, one after the other, through libhdf5.  Not to be called but in a
 * process that may crash: see hdf5.h. */
#ifndef KOE_HDF5_FILE_H
#define KOE_HDF5_FILE_H

#include "../checkpoint/tensor_list.h"
#include "../status.h"

/* Elements of float16, float32 or float64 take more than this times the bytes of the file only
 * where it is hostile: Keras does not compress. */
enum { KOE_HDF5_EXPANSION = 64 };

/* Takes a tensor under Hugging Face's name; its name and elements are valid during the call. */
typedef koe_status koe_hdf5_take(void *context, const koe_tensor *tensor, koe_error *err);

/* Reads the file.  Fails as koe_hdf5_read does, or as `take`. */
koe_status koe_hdf5_each(const char *path, koe_hdf5_take *take, void *context, koe_error *err);

#endif
