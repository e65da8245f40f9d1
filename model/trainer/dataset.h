/* Examples as the model reads them: token ids and targets of all sequences in a few arrays.
 *
 * An example is one sequence, or two that follow one another (pairs of sentences to embed).  Of the
 * targets an objective has only its own; the others are NULL. */
#ifndef KOE_DATASET_H
#define KOE_DATASET_H

#include "../batch.h"
#include "../status.h"

#include <stdbool.h>

typedef enum koe_label_rows {
  KOE_LABELS_OF_SEQUENCES, /* one a sequence */
  KOE_LABELS_OF_ANSWERS,   /* two a sequence: first and last token */
  KOE_LABELS_OF_TOKENS     /* one a token */
} koe_label_rows;

typedef struct koe_dataset {
  koe_batch tokens;          /* all sequences */
  size_t group;              /* sequences of an example, 1 or 2 */
  koe_label_rows label_rows; /* what `labels` is indexed by */
  int32_t *labels;           /* as label_rows says; KOE_NO_LABEL where there is none */
  float *values;             /* [examples] numbers: regression, graded similarity */
  float *teacher;            /* [sequences, teacher_columns] a teacher's logits or embeddings */
  size_t teacher_columns;    /* */
  size_t labels_capacity;    /* elements, as the next */
  size_t values_capacity;    /* */
} koe_dataset;               /* all zero but group is empty */

static inline size_t koe_dataset_examples(const koe_dataset *dataset) {
  return dataset->tokens.sequences / dataset->group;
}

/* Tokens of one example, both sequences. */
static inline size_t koe_dataset_length(const koe_dataset *dataset, size_t example) {
  const size_t *starts = dataset->tokens.starts + example * dataset->group;
  return starts[dataset->group] - starts[0];
}

/* Appends sequence `index` of `from` to `batch`.  Fails with KOE_NOMEM. */
koe_status koe_dataset_copy_sequence(const koe_dataset *from, size_t index, koe_batch *batch,
                                     koe_error *err);

/* Labels of one sequence: their number, and where they are in `labels`. */
size_t koe_dataset_labels(const koe_dataset *dataset, size_t sequence, const int32_t **labels);

/* Puts the examples of `epoch` into the order that `seed` gives: order [examples]. */
void koe_dataset_shuffle(const koe_dataset *dataset, uint64_t seed, uint64_t epoch,
                         uint32_t *order);

void koe_dataset_clear(koe_dataset *dataset);

#endif
