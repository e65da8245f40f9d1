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

/* The tensor called `name` as float32 [rows, columns], or [rows] where columns is 0; lives as long
 * as the checkpoint.  Fails with KOE_FORMAT if it is missing or has another shape (the message
 * gives both). */
koe_status koe_weights_get(koe_weights *weights, const char *name, size_t rows, size_t columns,
                           const float **out, koe_error *err);

/* name.weight [out_features, in_features] and name.bias [out_features]. */
koe_status koe_weights_linear(koe_weights *weights, const char *name, size_t in_features,
                              size_t out_features, koe_linear *out, koe_error *err);

#endif
