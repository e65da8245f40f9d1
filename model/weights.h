/* Finds a model's parameters among a checkpoint's tensors: by Hugging Face's names, with shapes
 * that config.json implies. */
#ifndef KOE_WEIGHTS_H
#define KOE_WEIGHTS_H

#include "checkpoint/checkpoint.h"
#include "linear.h"
#include "status.h"

#include <stdbool.h>
#include <stdint.h>

typedef struct koe_weights {
  koe_checkpoint *checkpoint;
  const char *prefix; /* of the encoder's names: "electra." or "" */
  uint64_t hash;      /* FNV-1a over a sample of every parameter fetched so far */
} koe_weights;

/* Starts on a checkpoint, finding out the prefix.  Fails with KOE_FORMAT if neither fits. */
koe_status koe_weights_init(koe_weights *weights, koe_checkpoint *checkpoint, koe_error *err);

/* The tensor called `name`, [rows, columns], or [rows] where columns is 0.  Fails with KOE_FORMAT
 * if it is missing or has another shape (the message gives both). */
koe_status koe_weights_find(koe_weights *weights, const char *name, size_t rows, size_t columns,
                            const koe_tensor **out, koe_error *err);

/* The same as float32; lives as long as the checkpoint. */
koe_status koe_weights_get(koe_weights *weights, const char *name, size_t rows, size_t columns,
                           const float **out, koe_error *err);

/* A matrix as the checkpoint stores it, to be read as float32 piece by piece: what is float16,
 * bfloat16 or int8 in the file stays so in memory. */
typedef struct koe_matrix {
  const koe_tensor *tensor;
  const float *scales; /* [rows] where it is int8, else NULL */
  size_t rows, columns;
} koe_matrix;

/* The matrix called `name`, [rows, columns]; lives as long as the checkpoint.  Reads a sample of it
 * only.  Fails with KOE_FORMAT, KOE_UNSUPPORTED, KOE_NOMEM as koe_weights_get does. */
koe_status koe_weights_matrix(koe_weights *weights, const char *name, size_t rows, size_t columns,
                              koe_matrix *out, koe_error *err);

/* out [count] = elements [row, first …], the same bits that koe_weights_get gives.  For several
 * threads at once. */
void koe_matrix_read(const koe_matrix *matrix, size_t row, size_t first, size_t count, float *out);

/* A matrix as int8, a scale a row: the checkpoint's own where it stores that, else rounded from
 * floats. */
typedef struct koe_int8_rows {
  const int8_t *values; /* [rows, columns] */
  const float *scales;  /* [rows] */
  int8_t *own_values;   /* what was rounded here, or NULL */
  float *own_scales;
} koe_int8_rows;

/* The tensor called `name`, [rows, columns], as int8; lives as long as the checkpoint and until
 * koe_int8_rows_clear.  Fails with KOE_FORMAT (as koe_weights_get, or not finite), KOE_NOMEM. */
koe_status koe_weights_int8(koe_weights *weights, const char *name, size_t rows, size_t columns,
                            koe_int8_rows *out, koe_error *err);

/* Takes all zero. */
void koe_int8_rows_clear(koe_int8_rows *rows);

/* Whether there are name.weight [n, in_features] and name.bias [n], for some n. */
bool koe_weights_have_linear(const koe_weights *weights, const char *name, size_t in_features);

/* name.weight [out_features, in_features] and name.bias [out_features]. */
koe_status koe_weights_linear(koe_weights *weights, const char *name, size_t in_features,
                              size_t out_features, koe_linear *out, koe_error *err);

#endif
