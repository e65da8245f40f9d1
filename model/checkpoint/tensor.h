/* A named tensor of a checkpoint file, whatever the file's format. */
#ifndef KOE_TENSOR_H
#define KOE_TENSOR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { KOE_TENSOR_MAX_DIMS = 8 };

typedef enum koe_dtype {
  KOE_F64,
  KOE_F32,
  KOE_F16,
  KOE_BF16,
  KOE_I64,
  KOE_I32,
  KOE_I16,
  KOE_I8,
  KOE_U8,
  KOE_BOOL
} koe_dtype;

typedef struct koe_tensor {
  char *name; /* as in the file, e.g. "electra.embeddings.word_embeddings.weight" */
  koe_dtype dtype;
  int dims;                           /* 0 for a scalar */
  int64_t shape[KOE_TENSOR_MAX_DIMS]; /* row-major, contiguous */
  bool transposed;     /* a matrix that the file holds column by column, as TensorFlow does */
  const uint8_t *data; /* elements, little-endian; any alignment */
  size_t bytes;        /* product of shape × element size */
} koe_tensor;

/* Bytes of one element. */
size_t koe_dtype_size(koe_dtype dtype);

/* "float32", "bfloat16", …: PyTorch's names, for messages and koelectra_models. */
const char *koe_dtype_name(koe_dtype dtype);

#endif
