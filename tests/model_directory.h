/* Model directories compared with each other and with expected outputs. */
#ifndef KOE_MODEL_DIRECTORY_H
#define KOE_MODEL_DIRECTORY_H

#include "../model/checkpoint/checkpoint.h"

/* All floating tensors of `reference` are in `other`, to the bit. */
void assert_same_tensors(koe_checkpoint *reference, koe_checkpoint *other);

/* A new directory with copies of the files in `names`, ended by NULL, of another. */
const char *directory_of(const char *source, const char *const *names);

/* Copies a file into a directory, under its own name. */
void copy_into(const char *directory, const char *source);

/* Fails unless models of both directories give the same embeddings, to the bit, and have the same
 * fingerprint. */
void assert_same_model(const char *directory, const char *other);

/* Fails unless the model gives the embeddings of the expected.json in `reference`. */
void assert_expected(const char *directory, const char *reference);

#endif
