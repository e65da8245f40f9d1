/* How many texts to encode at once.  SQLite looks for an interrupt only between two batches, so a
 * batch is as long as what it takes to encode: it grows while that is less than a quarter of a
 * second and shrinks where it is more than half a second. */
#ifndef KOE_PACE_H
#define KOE_PACE_H

#include "../model/model.h"

typedef struct koe_pace {
  size_t longest; /* bytes of text beyond which a model truncates, and time does not grow */
  size_t limit;   /* of a batch, in bytes of text; 0: not tried yet */
  size_t spent;   /* of it */
} koe_pace;

/* Before the first batch of a model. */
void koe_pace_init(koe_pace *pace, const koe_model *model);

/* Counts a text of `length` bytes into the batch. */
void koe_pace_add(koe_pace *pace, size_t length);

static inline bool koe_pace_is_full(const koe_pace *pace) {
  return pace->spent >= pace->limit;
}

/* Ends a batch, which took that long to encode; 0 where it had no text. */
void koe_pace_end(koe_pace *pace, double seconds);

/* Seconds since some moment in the past. */
double koe_pace_clock(void);

#endif
