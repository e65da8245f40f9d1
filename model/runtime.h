/* What all models of the process encode with.  The registry owns the one there is. */
#ifndef KOE_RUNTIME_H
#define KOE_RUNTIME_H

#include "kernels/kernels.h"
#include "scratch.h"

#include <stdatomic.h>

typedef struct koe_runtime {
  const koe_kernels *kernels;
  koe_scratch_pool scratch;
  atomic_int threads; /* of one call, at most */
  atomic_llong cache_bytes;
} koe_runtime;

#endif
