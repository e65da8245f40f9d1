/* Replaced-token detection: what a discriminator was pretrained for. */
#ifndef KOE_REPLACED_H
#define KOE_REPLACED_H

#include "../model.h"
#include "../status.h"
#include "../text.h"

#include <stdbool.h>

typedef struct koe_replaced_token {
  int64_t position; /* of the token in [CLS] text [SEP], were the text read as one */
  int32_t id;
  int64_t start, end; /* characters of the text, half-open */
  double probability; /* that another token stood here */
} koe_replaced_token;

/* A text that is being read. */
typedef struct koe_replaced koe_replaced;

/* Starts on a text of any length; `model` and the bytes of `text` must outlive the reader.  Fails
 * with KOE_UNSUPPORTED (no such head), KOE_NOMEM. */
koe_status koe_replaced_open(const koe_model *model, koe_text text, koe_replaced **out,
                             koe_error *err);

/* Takes NULL. */
void koe_replaced_free(koe_replaced *replaced);

/* Reads on and gives the next tokens, valid until the next call; `*done` after the last.  Fails
 * with KOE_FORMAT, KOE_NOMEM.  Source: Clark et al. 2020: the sigmoid of the discriminator's logit.
 */
koe_status koe_replaced_next(koe_replaced *replaced, const koe_replaced_token **out, size_t *count,
                             bool *done, koe_error *err);

#endif
