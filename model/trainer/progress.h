/* The line that tells how a training goes, on standard error. */
#ifndef KOE_PROGRESS_H
#define KOE_PROGRESS_H

#include <stdbool.h>
#include <stddef.h>

enum { KOE_PROGRESS_LOSSES = 4 };

typedef struct koe_progress {
  size_t first, steps;              /* the run begins at step `first` of `steps` */
  size_t tokens;                    /* read since it began; the caller adds to it */
  size_t losses;                    /* tasks */
  double sums[KOE_PROGRESS_LOSSES]; /* losses since the last line */
  size_t counts[KOE_PROGRESS_LOSSES];
  double began, printed; /* seconds */
  bool terminal;         /* one line that is overwritten, else one line now and then */
} koe_progress;

/* Seconds of a clock that only goes forward. */
double koe_progress_now(void);

void koe_progress_begin(koe_progress *progress, size_t losses, size_t first, size_t steps);
void koe_progress_add_loss(koe_progress *progress, size_t index, double loss);

/* Prints, if it is time: step, mean losses, tokens/s, time left. */
void koe_progress_print(koe_progress *progress, size_t step);

/* Makes room for other output. */
void koe_progress_clear_line(const koe_progress *progress);
void koe_progress_end(koe_progress *progress);

#endif
