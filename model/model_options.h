/* koelectra_load's options: what a name may change about the directory's own configuration. */
#ifndef KOE_MODEL_OPTIONS_H
#define KOE_MODEL_OPTIONS_H

#include "status.h"

#include <stdbool.h>
#include <stdint.h>

/* What the linear layers compute in. */
typedef enum koe_precision {
  KOE_PRECISION_STORED, /* int8 where the matrices are stored so, else float32 */
  KOE_PRECISION_FLOAT32,
  KOE_PRECISION_INT8
} koe_precision;

typedef struct koe_model_options {
  int pooling;        /* a koe_pooling, or -1: the directory's */
  int32_t max_length; /* tokens, or 0: the directory's */
  bool normalize_nfc;
  koe_precision precision;
  int aggregation; /* a koe_aggregation, or -1: what the labels suggest */
} koe_model_options;

/* Reads {"pooling": "mean"|"cls", "max_length": n, "normalize": "none"|"nfc", "precision":
 * "float32"|"int8", "aggregation": "word"|"token"}; NULL gives defaults.
 * Fails with KOE_INVALID (naming the key), KOE_FORMAT (not JSON), KOE_NOMEM. */
koe_status koe_model_options_parse(const char *json, koe_model_options *out, koe_error *err);

bool koe_model_options_equal(const koe_model_options *a, const koe_model_options *b);

#endif
