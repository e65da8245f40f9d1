/* The model inside the library, as a test wants it.
 *
 * The suites are linked without model/default/default_model.c: built_in.c stands in its place, so
 * that they see the same whether or not the library is built with a model. */
#ifndef KOE_TEST_BUILT_IN_H
#define KOE_TEST_BUILT_IN_H

#include <stddef.h>

/* Makes copies of a directory's files the model inside; NULL: there is none, as at first.  No model
 * of the one before may be open. */
void set_built_in(const char *directory);

/* Cuts a file of it down to its first `length` bytes; SIZE_MAX takes the file away. */
void cut_built_in(const char *name, size_t length);

#endif
