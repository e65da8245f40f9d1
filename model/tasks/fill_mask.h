/* What stood in the place of [MASK], by the masked-language head of a generator. */
#ifndef KOE_FILL_MASK_H
#define KOE_FILL_MASK_H

#include "../model.h"
#include "../status.h"
#include "../text.h"

#include <stdbool.h>

enum { KOE_MOST_FILLS = 1000 };

/* One word for one mask. */
typedef struct koe_fill {
  int64_t mask;         /* which of the text's, from 0 */
  int64_t start, end;   /* characters of the mask in the text, half-open */
  size_t begin, behind; /* the same in bytes */
  int32_t id;           /* of the word */
  double probability;   /* among all words of the vocabulary: their softmax */
} koe_fill;

/* A text that is being read. */
typedef struct koe_fill_mask koe_fill_mask;

/* Starts on a text of any length, to find the `k` best words, 1 … KOE_MOST_FILLS, of each mask;
 * `model` and the bytes of `text` must outlive the reader.  Fails with KOE_UNSUPPORTED (no such
 * head), KOE_INVALID (k), KOE_NOMEM. */
koe_status koe_fill_mask_open(const koe_model *model, koe_text text, size_t k, koe_fill_mask **out,
                              koe_error *err);

/* Takes NULL. */
void koe_fill_mask_free(koe_fill_mask *fill);

/* Reads on and gives the words of the masks in what was read, perhaps none: mask after mask, the
 * most probable word first, the smaller id first among equals; valid until the next call.  `*done`
 * after the last.  Parts of the text without a mask are not encoded, except for what is near one.
 * Fails with KOE_INVALID (at the end of a text without any mask), KOE_FORMAT, KOE_NOMEM. */
koe_status koe_fill_mask_next(koe_fill_mask *fill, const koe_fill **out, size_t *count, bool *done,
                              koe_error *err);

#endif
