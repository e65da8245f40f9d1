/* tf_model.h5: the weights that Keras saves of a TensorFlow 2 model of transformers.
 *
 *   /LAYER/MODEL/SCOPE/…/KIND:0    a dataset a parameter; with a Keras model around them, in the
 *                                  group /model_weights
 *
 * where MODEL/SCOPE/…/KIND:0 is the variable's name (../checkpoint/tf_names.h).
 *
 * libhdf5 is linked by this program alone.  It is not made for files of strangers: a damaged one
 * may crash it or keep it busy for ever.  So it runs in a process of its own, whose processor time
 * is limited and which sends tensors through a pipe. Source: TensorFlow,
 * python/keras/saving/hdf5_format.py. */
#ifndef KOE_HDF5_H
#define KOE_HDF5_H

#include "../checkpoint/tensor_list.h"
#include "../status.h"

/* The file's name in a model directory. */
#define KOE_HDF5_NAME "tf_model.h5"

/* Appends the file's parameters under Hugging Face's names, copied.  Fails with KOE_IO, KOE_FORMAT
 * (no HDF5, damaged, no ELECTRA model inside, elements kept in another file), KOE_UNSUPPORTED (a
 * type that is not floating; a build without libhdf5), KOE_NOMEM. */
koe_status koe_hdf5_read(const char *path, koe_tensor_list *list, koe_error *err);

#endif
