/* The weights of one checkpoint directory, bound: what models that differ in options only share. */
#ifndef KOE_BACKBONE_H
#define KOE_BACKBONE_H

#include "checkpoint/checkpoint.h"
#include "config.h"
#include "encoder.h"
#include "status.h"
#include "tasks/head.h"
#include "tasks/mask_head.h"
#include "tasks/token_head.h"

/* Const after koe_backbone_open. */
typedef struct koe_backbone {
  koe_checkpoint *checkpoint;
  koe_encoder *encoder;
  koe_classification_head classification;
  koe_token_head entities, answers, replaced;
  koe_mask_head masked;
  const char *precision; /* "int8" if it computes in it, else dtype of the file's word embeddings */
  uint64_t hash;         /* over precision, sizes and a sample of the encoder's weights */
} koe_backbone;

/* Opens the weights of `directory`, whose configuration is `config`.  `int8` is NULL to compute in
 * float32.  Fails with KOE_IO, KOE_FORMAT, KOE_UNSUPPORTED, KOE_NOMEM. */
koe_status koe_backbone_open(const koe_directory *directory, const koe_config *config,
                             const koe_kernels *kernels, const koe_int8_kernels *int8,
                             koe_backbone **out, koe_error *err);

/* Takes NULL. */
void koe_backbone_free(koe_backbone *backbone);

/* Bytes held: heap, and the mapped weights. */
size_t koe_backbone_bytes(const koe_backbone *backbone);

#endif
