/* Opens damaged weight files, for tests of the readers of every format. */
#ifndef KOE_PROBE_H
#define KOE_PROBE_H

#include "../model/status.h"

#include <stddef.h>

/* Opens a copy of the bytes, of exactly that size so that AddressSanitizer sees any read beyond,
 * and reads every tensor as float32.  Fails the test unless that ends with KOE_OK or with
 * KOE_FORMAT and a message. */
koe_status probe_checkpoint(const void *bytes, size_t size, koe_error *err);

/* Opening must be refused with KOE_FORMAT and a message that contains `fragment`. */
void probe_refused(const void *bytes, size_t size, const char *fragment);

/* Every `step`-th length below `size` must be refused. */
void probe_truncations(const void *bytes, size_t size, size_t step);

/* Inverts some or all bits of each byte in [begin, end), one byte at a time; returns how many of
 * the damaged files were refused. */
size_t probe_flips(const void *bytes, size_t size, size_t begin, size_t end);

/* With each allocation failing in turn, opening and reading must end with KOE_NOMEM, until there
 * are enough.  Does nothing in a build without fault injection. */
void probe_memory(const void *bytes, size_t size);

#endif
