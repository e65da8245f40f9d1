/* Finds a model's parameters among a checkpoint's tensors: by Hugging Face's names, with shapes
 * that config.json implies. */
#ifndef KOE_WEIGHTS_H
#define KOE_WEIGHTS_H

#include "checkpoint/checkpoint.h"
#include "linear.h"
#include "status.h"

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

/* name.weight [out_features, in_features] and name.bias [out_features]. */
koe_status koe_weights_linear(koe_weights *weights, const char *name, size_t in_features,
                              size_t out_features, koe_linear *out, koe_error *err);

#endif
