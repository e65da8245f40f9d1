/* Predicted and expected labels by name, counted as they come, and what they score. */
#ifndef KOE_LABEL_SCORES_H
#define KOE_LABEL_SCORES_H

#include "../label_set.h"
#include "metrics.h"

/* All zero is empty. */
typedef struct koe_label_scores {
  koe_label_set labels;
  koe_match_counts *counts; /* [labels.count] by id */
  size_t capacity;
} koe_label_scores;

/* Counts a row.  Fails as koe_label_set_add does. */
koe_status koe_label_scores_add(koe_label_scores *scores, koe_text predicted, koe_text expected,
                                koe_error *err);

/* Takes back a row that was added. */
void koe_label_scores_remove(koe_label_scores *scores, koe_text predicted, koe_text expected);

/* The counts of a label; NULL where no row has it. */
const koe_match_counts *koe_label_scores_find(const koe_label_scores *scores, koe_text label);

/* koe_average_f1 of all labels. */
double koe_label_scores_average(const koe_label_scores *scores, koe_average average);

/* Frees what is held and leaves `scores` empty. */
void koe_label_scores_clear(koe_label_scores *scores);

#endif
