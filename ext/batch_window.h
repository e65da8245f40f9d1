/* The rows of koelectra_batch that are in memory: read from the inner SELECT, labelled or embedded
 * together, given out in order.
 * SQLite looks for an interrupt when the inner SELECT is stepped, so a window keeps a pace. */
#ifndef KOE_BATCH_WINDOW_H
#define KOE_BATCH_WINDOW_H

#include "batch_select.h"
#include "operations.h"
#include "pace.h"

/* What the outer query reads. */
enum { KOE_BATCH_ID = 1, KOE_BATCH_LOGITS = 2, KOE_BATCH_EMBEDDINGS = 4 };

typedef struct koe_batch_row {
  sqlite3_value *id; /* NULL where the outer query does not read it */
  size_t text;       /* which of the window's texts, or KOE_BATCH_NO_TEXT */
} koe_batch_row;

#define KOE_BATCH_NO_TEXT SIZE_MAX

/* All zero is empty. */
typedef struct koe_batch_window {
  koe_batch_row *rows; /* [count] */
  size_t count, row_capacity;
  size_t text_count;
  /* Outputs of the head that labels are of; count 0 where it has several groups and none is named.
   * Set before the first rows are read. */
  koe_label_group_view group;
  koe_text *texts, *pairs; /* [text_count]: those that are not NULL; in `bytes` */
  char *bytes;             /* text, pair, text, pair, … without NUL between */
  size_t length;
  float *scores;     /* [text_count, labels]: probabilities, or the output of a head with one */
  size_t *labels;    /* [text_count]: the largest of the group's logits */
  float *embeddings; /* [text_count, dimension] */
  size_t text_capacity, pair_capacity, byte_capacity;
  size_t score_capacity, label_capacity, embedding_capacity;
  koe_pace pace;
  koe_operation *operation; /* of one that is not the first; NULL before */
  koe_operation_state given;
  double began; /* the first, by koe_pace_clock */
} koe_batch_window;

/* Replaces the rows by the next ones and computes what is `wanted` of them; none are left after the
 * last.  Returns an SQLite result code, with `err` filled where that is not SQLITE_OK; the window
 * is then empty. */
int koe_batch_window_fill(koe_batch_window *window, koe_batch_select *select,
                          const koe_classifier *classifier, int wanted, koe_error *err);

/* Frees the memory and leaves the window empty and all zero. */
void koe_batch_window_clear(koe_batch_window *window);

#endif
