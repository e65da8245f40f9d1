#include "memory.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#ifdef KOE_FAULTS
#include <stdatomic.h>

static atomic_long allocations_left = -1; /* -1: no faults; test builds only */

void koe_memory_fail_after(long n) {
  atomic_store(&allocations_left, n > 0 ? n - 1 : -1);
}

static bool fault(void) {
  long left = atomic_load(&allocations_left);
  /* Never below 0, where several threads count down: that would be the end of all faults. */
  while (left > 0 && !atomic_compare_exchange_weak(&allocations_left, &left, left - 1)) {
  }
  return left == 0;
}
#else
static bool fault(void) {
  return false;
}
#endif

static bool product(size_t count, size_t size, size_t *bytes) {
  if (__builtin_mul_overflow(count, size, bytes) || *bytes > PTRDIFF_MAX - 64) return false;
  if (*bytes == 0) *bytes = 1;
  return true;
}

void *koe_alloc(size_t count, size_t size) {
  size_t bytes;
  return product(count, size, &bytes) && !fault() ? malloc(bytes) : NULL;
}

void *koe_alloc_zero(size_t count, size_t size) {
  size_t bytes;
  return product(count, size, &bytes) && !fault() ? calloc(1, bytes) : NULL;
}

void *koe_alloc_aligned(size_t count, size_t size) {
  size_t bytes;
  if (!product(count, size, &bytes) || fault()) return NULL;
  return aligned_alloc(64, (bytes + 63) & ~(size_t)63);
}

char *koe_copy_string(const char *bytes, size_t length) {
  char *copy = length < SIZE_MAX ? koe_alloc(length + 1, 1) : NULL;
  if (copy == NULL) return NULL;
  if (length > 0) memcpy(copy, bytes, length);
  copy[length] = '\0';
  return copy;
}

bool koe_grow(void *items, size_t *capacity, size_t needed, size_t size) {
  if (needed <= *capacity) return true;
  size_t wanted = *capacity > SIZE_MAX / 2 ? needed : *capacity * 2;
  if (wanted < needed) wanted = needed;
  if (wanted < 16) wanted = 16;
  size_t bytes;
  if (!product(wanted, size, &bytes) || fault()) return false;
  void *old;
  memcpy(&old, items, sizeof old);
  void *grown = realloc(old, bytes);
  if (grown == NULL) return false;
  memcpy(items, &grown, sizeof grown);
  *capacity = wanted;
  return true;
}

void koe_free(void *memory) {
  free(memory);
}
