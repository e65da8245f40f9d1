/* Named entities of a text, by a token-classification head. */
#ifndef KOE_ENTITIES_H
#define KOE_ENTITIES_H

#include "../model.h"
#include "../status.h"
#include "../text.h"

#include <stdbool.h>

typedef struct koe_entity {
  koe_text type;      /* "PER"; lives as long as the model */
  double score;       /* mean probability of the labels it is made of */
  int64_t start, end; /* characters of the text, half-open */
  koe_text text;      /* of the text */
} koe_entity;

/* A text that is being read. */
typedef struct koe_entities koe_entities;

/* Starts on a text of any length; `model` and the bytes of `text` must outlive the reader.  Fails
 * with KOE_UNSUPPORTED (no token-classification head, or labels without names), KOE_NOMEM. */
koe_status koe_entities_open(const koe_model *model, koe_text text, koe_entities **out,
                             koe_error *err);

/* Takes NULL. */
void koe_entities_free(koe_entities *entities);

/* Reads on and gives the entities that end in what was read, perhaps none, in their order; valid
 * until the next call.  `*done` after the last.  Fails with KOE_FORMAT, KOE_NOMEM.
 *
 * The label of a token is that of its largest logit.  With KOE_AGGREGATE_WORDS a word, what stands
 * between white space, has the label of its first token, as in the NER of KoELECTRA; otherwise each
 * token has its own.  Neighbours of one entity are put together as their labels say
 * (entity_labels.h). */
koe_status koe_entities_next(koe_entities *entities, const koe_entity **out, size_t *count,
                             bool *done, koe_error *err);

#endif
