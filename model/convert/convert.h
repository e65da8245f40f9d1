/* Writes a model directory of any format as one with model.safetensors. */
#ifndef KOE_CONVERT_DIRECTORY_H
#define KOE_CONVERT_DIRECTORY_H

#include "../checkpoint/tensor.h"
#include "../checkpoint/tf_names.h"
#include "../status.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct koe_convert_options {
  const char *config; /* file that is taken for config.json; NULL: the directory's */
  const char *vocab;  /* the same for vocab.txt */
  bool has_dtype;
  koe_dtype dtype; /* of the weights: KOE_F32, KOE_F16, KOE_BF16; without, that of the file's */
  koe_electra_part part;
} koe_convert_options;

/* What was written. */
typedef struct koe_convert_report {
  char source[4096]; /* path of the weights that were read */
  size_t tensors;
  koe_dtype dtype;
  uint64_t bytes; /* of elements */
  char architecture[64];
  bool derived; /* config.json tells the sizes of the weights, and was not copied */
} koe_convert_report;

/* Reads the model in directory `in` (any format of ../checkpoint/weight_files.h, or tf_model.h5)
 * and makes the directory `out`: model.safetensors, config.json, vocab.txt, tokenizer_config.json
 * and what else there is of tokenizer and pooling.  The same weights give the same bytes, whatever
 * format they come in.  `out` must not be there; it appears whole or not at all.  Buffers that are
 * not floats, and an output matrix that is the word embeddings once more, are left out.
 *
 * config.json is copied where it describes the model that is written.  Where there is none, or it
 * is the other model's of a checkpoint that has two, sizes are those of the weights, and there are
 * hidden_size / 64 attention heads, as in all of ELECTRA's and KoELECTRA's.
 *
 * Fails with KOE_IO, KOE_FORMAT, KOE_INVALID (`out` is there; a value that float16 cannot hold;
 * interrupted), KOE_UNSUPPORTED, KOE_NOMEM. */
koe_status koe_convert_directory(const char *in, const char *out,
                                 const koe_convert_options *options, koe_convert_report *report,
                                 koe_error *err);

/* Makes a conversion that is under way end with an error, its traces removed.  For handlers of
 * signals. */
void koe_convert_interrupt(void);

#endif
