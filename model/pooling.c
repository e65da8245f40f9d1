#include "pooling.h"

#include "search/vectors.h"

#include <string.h>

void koe_pooling_forward(koe_pooling pooling, const koe_kernels *kernels, const koe_batch *batch,
                         const float *hidden, size_t columns, float *out) {
  for (size_t s = 0; s < batch->sequences; s++, out += columns) {
    const float *first = hidden + batch->starts[s] * columns;
    if (pooling == KOE_POOL_MEAN) {
      kernels->mean_rows(first, batch->starts[s + 1] - batch->starts[s], columns, out);
    } else {
      memcpy(out, first, columns * sizeof *out);
    }
    koe_vector_normalize(out, columns);
  }
}
