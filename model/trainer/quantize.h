/* Makes a checkpoint directory small: matrices as int8 with a scale a row, as
 * ../checkpoint/quantized.h tells, all else as float16 or float32.  koelectra_load reads the
 * result; other software may not. */
#ifndef KOE_QUANTIZE_H
#define KOE_QUANTIZE_H

#include "../checkpoint/tensor.h"
#include "../status.h"

#include <stdbool.h>

typedef struct koe_quantize_options {
  koe_dtype rest; /* of biases, LayerNorm, the last layer of the head, scales: KOE_F16 or KOE_F32 */
  bool model_only; /* leave out what koelectra does not run: heads of pretraining */
} koe_quantize_options;

/* Reads the checkpoint directory `in`, of any format, and writes `out`, which is made if it is not
 * there: config.json, vocab.txt and what else there is of tokenizer_config.json,
 * 1_Pooling/config.json and modules.json as they are, and model.safetensors.  A row's scale is its
 * largest magnitude / 127; elements are rounded to the nearest step, ties to even.  Buffers that
 * are not floats (position_ids) are left out.  Fails with KOE_IO, KOE_FORMAT, KOE_INVALID (`rest`,
 * `out` is `in`, a weight that is not finite or that `rest` cannot hold), KOE_NOMEM. */
koe_status koe_quantize_directory(const char *in, const char *out,
                                  const koe_quantize_options *options, koe_error *err);

#endif
