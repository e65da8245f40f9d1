/* libFuzzer target: a weight file of any format.  README.md beside this says how to run it. */
#include "../../model/checkpoint/checkpoint.h"

#include <stdint.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  koe_checkpoint *checkpoint;
  koe_error err;
  volatile float sink = 0;
  if (koe_checkpoint_open_memory(data, size, "fuzz", &checkpoint, &err) != KOE_OK) return 0;
  for (size_t i = 0; i < koe_checkpoint_count(checkpoint); i++) {
    const koe_tensor *tensor = koe_checkpoint_at(checkpoint, i);
    const float *values;
    if (koe_checkpoint_find(checkpoint, tensor->name) != tensor) abort();
    if (koe_checkpoint_float32(checkpoint, tensor, &values, &err) != KOE_OK) continue;
    size_t count = tensor->bytes / koe_dtype_size(tensor->dtype);
    for (size_t e = 0; e < count; e++)
      sink = sink + values[e];
  }
  koe_checkpoint_free(checkpoint);
  return 0;
}
