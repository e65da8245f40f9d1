/* libFuzzer target: a weight file of any format, or an index and what it names.  README.md beside
 * this says how to run it.
 *
 * An input that begins with "DIR" is a directory of two files:
 *   DIR KIND LENGTH FIRST SECOND   KIND is a character: t, a checkpoint of TensorFlow, its index
 * and its data; s, a JSON index and model-1.safetensors; p, the same of torch.save, and
 * model-1.bin.  LENGTH, of FIRST, is 3 bytes, little-endian */
#include "../../model/checkpoint/checkpoint.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

enum { START = 7 }; /* "DIR", kind, length */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void read_all(koe_checkpoint *checkpoint) {
  koe_error err;
  volatile float sink = 0;
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
}

/* The names of a kind's two files. */
static void name_files(uint8_t kind, koe_memory_file files[2]) {
  files[0].name = "model.ckpt-1.index";
  files[1].name = "model.ckpt-1.data-00000-of-00001";
  if (kind == 's') {
    files[0].name = "model.safetensors.index.json";
    files[1].name = "model-1.safetensors";
  }
  if (kind == 'p') {
    files[0].name = "pytorch_model.bin.index.json";
    files[1].name = "model-1.bin";
  }
}

/* Each file in memory of its own size, so that AddressSanitizer sees any read beyond. */
static void open_directory(const uint8_t *data, size_t size) {
  koe_checkpoint *checkpoint;
  koe_error err;
  koe_memory_file files[2];
  size_t rest = size - START;
  size_t first = data[4] | (size_t)data[5] << 8 | (size_t)data[6] << 16;
  if (first > rest) first = rest;
  uint8_t *copies[2] = {malloc(first > 0 ? first : 1), malloc(rest > first ? rest - first : 1)};
  memcpy(copies[0], data + START, first);
  memcpy(copies[1], data + START + first, rest - first);
  name_files(data[3], files);
  files[0].bytes = copies[0];
  files[0].end = copies[0] + first;
  files[1].bytes = copies[1];
  files[1].end = copies[1] + (rest - first);
  koe_directory directory = {.path = "fuzz", .files = files, .count = 2};
  for (int part = KOE_PART_BY_CONFIG; part <= KOE_PART_GENERATOR; part++) {
    if (koe_checkpoint_open_part(&directory, (koe_electra_part)part, &checkpoint, &err) == KOE_OK)
      read_all(checkpoint);
  }
  free(copies[0]);
  free(copies[1]);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  koe_checkpoint *checkpoint;
  koe_error err;
  if (size >= START && memcmp(data, "DIR", 3) == 0) {
    open_directory(data, size);
  } else if (koe_checkpoint_open_memory(data, size, "fuzz", &checkpoint, &err) == KOE_OK) {
    read_all(checkpoint);
  }
  return 0;
}
