#include "label_scores.h"

#include "../memory.h"

#include <string.h>

/* The number of a label that has a place in `counts`. */
static koe_status find_or_add(koe_label_scores *scores, koe_text label, uint32_t *id,
                              koe_error *err) {
  size_t known = scores->labels.count;
  if (!koe_grow(&scores->counts, &scores->capacity, known + 1, sizeof *scores->counts)) {
    return koe_fail_nomem(err);
  }
  koe_status status = koe_label_set_add(&scores->labels, label, id, err);
  if (status == KOE_OK && *id == known) scores->counts[*id] = (koe_match_counts){0};
  return status;
}

koe_status koe_label_scores_add(koe_label_scores *scores, koe_text predicted, koe_text expected,
                                koe_error *err) {
  uint32_t given, right;
  koe_status status = find_or_add(scores, predicted, &given, err);
  if (status == KOE_OK) status = find_or_add(scores, expected, &right, err);
  if (status != KOE_OK) return status;
  scores->counts[given].predicted++;
  scores->counts[right].expected++;
  scores->counts[right].right += given == right;
  return KOE_OK;
}

void koe_label_scores_remove(koe_label_scores *scores, koe_text predicted, koe_text expected) {
  uint32_t given, right;
  if (!koe_label_set_find(&scores->labels, predicted, &given) ||
      !koe_label_set_find(&scores->labels, expected, &right)) {
    return;
  }
  scores->counts[given].predicted--;
  scores->counts[right].expected--;
  scores->counts[right].right -= given == right;
}

const koe_match_counts *koe_label_scores_find(const koe_label_scores *scores, koe_text label) {
  uint32_t id;
  if (!koe_label_set_find(&scores->labels, label, &id)) return NULL;
  const koe_match_counts *counts = &scores->counts[id];
  return counts->expected + counts->predicted > 0 ? counts : NULL;
}

double koe_label_scores_average(const koe_label_scores *scores, koe_average average) {
  return koe_average_f1(scores->counts, scores->labels.count, average);
}

void koe_label_scores_clear(koe_label_scores *scores) {
  koe_label_set_clear(&scores->labels);
  koe_free(scores->counts);
  memset(scores, 0, sizeof *scores);
}
