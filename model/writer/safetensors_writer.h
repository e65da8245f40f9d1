/* Writes the safetensors format, which ../checkpoint/safetensors.h tells. */
#ifndef KOE_SAFETENSORS_WRITER_H
#define KOE_SAFETENSORS_WRITER_H

#include "../checkpoint/tensor.h"
#include "file_writer.h"

typedef struct koe_output_tensor {
  const char *name; /* Hugging Face's, e.g. "electra.embeddings.word_embeddings.weight" */
  int dims;
  int64_t shape[KOE_TENSOR_MAX_DIMS];
  const float *data;  /* row-major; NULL where int8 holds the elements */
  const int8_t *int8; /* elements that are written as they are */
} koe_output_tensor;

/* Writes tensors as `dtype`, KOE_F32, KOE_F16 or KOE_BF16 (rounded to nearest even), or as int8
 * where they are that, in the order given.  The header is padded so that their data is aligned to 8
 * bytes of the file.  Fails with KOE_IO, KOE_INVALID (another dtype, a name twice, a value that the
 * dtype cannot hold), KOE_NOMEM. */
koe_status koe_safetensors_write(koe_file_writer *writer, const koe_output_tensor *tensors,
                                 size_t count, koe_dtype dtype, koe_error *err);

/* The same in steps, for elements that are not in memory at once: the header, for which `data` may
 * be NULL, then each tensor in that order. */
koe_status koe_safetensors_begin(koe_file_writer *writer, const koe_output_tensor *tensors,
                                 size_t count, koe_dtype dtype, koe_error *err);
koe_status koe_safetensors_add(koe_file_writer *writer, const koe_output_tensor *tensor,
                               koe_dtype dtype, koe_error *err);

#endif
