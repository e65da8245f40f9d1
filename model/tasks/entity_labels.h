/* Labels of token classification, taken apart: "PER-B" begins an entity of type PER.
 *
 * Two spellings are in use, and both may separate by '_' as well:
 *
 *   PER-B PER-I O   Naver's NER data, and the KoELECTRA checkpoints fine-tuned on it: words
 *   B-PER I-PER O   BIO of CoNLL and KLUE, and most other checkpoints: tokens
 *
 * S and U mark an entity of one piece, E and L its last.  Labels without a mark ("PER") make one
 * entity of neighbours that have the same. */
#ifndef KOE_ENTITY_LABELS_H
#define KOE_ENTITY_LABELS_H

#include "../config.h"
#include "../text.h"

#include <stdbool.h>

typedef enum koe_label_mark {
  KOE_MARK_OUTSIDE, /* of any entity */
  KOE_MARK_BEGIN,
  KOE_MARK_INSIDE, /* goes on with one of the same type, or begins one */
  KOE_MARK_END,    /* the same, and ends it */
  KOE_MARK_SINGLE  /* begins and ends one */
} koe_label_mark;

typedef struct koe_entity_label {
  koe_label_mark mark;
  koe_text type; /* into the label */
} koe_entity_label;

typedef enum koe_label_spelling {
  KOE_SPELLING_MARK_LAST,  /* PER-B */
  KOE_SPELLING_MARK_FIRST, /* B-PER */
  KOE_SPELLING_PLAIN       /* PER */
} koe_label_spelling;

/* Which of them the labels of config.json follow. */
koe_label_spelling koe_label_spelling_of(const koe_config *config);

/* KOE_AGGREGATE_WORDS for KOE_SPELLING_MARK_LAST, whose data labels words, else tokens. */
koe_aggregation koe_aggregation_of_labels(const koe_config *config);

/* Takes a label apart; "O" is outside, and so is "". */
koe_entity_label koe_entity_label_parse(const char *label, koe_label_spelling spelling);

#endif
