/* The model inside the library: the files of model/default/, part of the program when it is linked,
 * so that nothing is downloaded, unpacked or opened. */
#ifndef KOE_DEFAULT_MODEL_H
#define KOE_DEFAULT_MODEL_H

#include "../directory.h"

/* Its files [count], in the layout of a checkpoint directory; NULL and 0 in a library that was
 * built without (-DKOE_NO_DEFAULT_MODEL: the Makefile's choice where the folder holds no weights).
 */
const koe_memory_file *koe_default_model(size_t *count);

#endif
