/* Allocation, in one place: sizes are counts, so that a product that overflows is a failed
 * allocation and not a short buffer, and so that tests can make any allocation fail.
 *
 * All return NULL on failure and never abort. */
#ifndef KOE_MEMORY_H
#define KOE_MEMORY_H

#include <stdbool.h>
#include <stddef.h>

/* `count` elements of `size` bytes, uninitialised.  Zero elements give a unique pointer. */
void *koe_alloc(size_t count, size_t size);

/* The same, all bytes zero. */
void *koe_alloc_zero(size_t count, size_t size);

/* The same, aligned to 64 bytes for vector loads; free with koe_free. */
void *koe_alloc_aligned(size_t count, size_t size);

/* A copy of `length` bytes, terminated by a NUL that is not counted. */
char *koe_copy_string(const char *bytes, size_t length);

/* Makes room for `needed` elements in a growable array, at least doubling it: `*items` has space
 * for `*capacity` elements of `size` bytes.  False if memory is short; nothing is changed then. */
bool koe_grow(void *items, size_t *capacity, size_t needed, size_t size);

/* Takes NULL. */
void koe_free(void *memory);

#ifdef KOE_FAULTS
/* Tests: the n-th allocation from now (1 is the next) and every one after it fails; 0 stops that.
 */
void koe_memory_fail_after(long n);
#endif

#endif
