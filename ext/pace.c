#include "pace.h"

#include <time.h>

/* The first batch, in bytes of text: some forty reviews for a model of KoELECTRA-Small's size, a
 * few for a larger one.  It takes less than a second and keeps LIMIT cheap. */
enum { FIRST_LIMIT = 4096, LEAST_FIRST_LIMIT = 256, MOST_LIMIT = 4 << 20 };

static const double grow_below = 0.25, shrink_above = 0.5; /* seconds */

/* A token is 5 bytes of Korean text or so, hardly ever more than 8: longer texts are truncated. */
enum { TOKEN_BYTES = 8, TEXT_COST = 32 };

static size_t first_limit(const koe_model *model) {
  static const size_t small = 12 * (4 * 256 * 256 + 2 * 256 * 1024);
  const koe_config *config = koe_model_config(model);
  size_t hidden = (size_t)config->hidden_size, wide = (size_t)config->intermediate_size;
  size_t weights = (size_t)config->num_hidden_layers * (4 * hidden * hidden + 2 * hidden * wide);
  size_t times = weights / small; /* a token takes as often as long */
  size_t limit = times > 1 ? FIRST_LIMIT / times : FIRST_LIMIT;
  return limit > LEAST_FIRST_LIMIT ? limit : LEAST_FIRST_LIMIT;
}

void koe_pace_init(koe_pace *pace, const koe_model *model) {
  *pace =
      (koe_pace){.longest = TOKEN_BYTES * koe_model_max_length(model), .limit = first_limit(model)};
}

void koe_pace_add(koe_pace *pace, size_t length) {
  pace->spent += TEXT_COST + (length < pace->longest ? length : pace->longest);
}

void koe_pace_end(koe_pace *pace, double seconds) {
  /* What was short for another reason says nothing about longer ones. */
  if (seconds > 0 && seconds < grow_below && pace->limit < MOST_LIMIT && koe_pace_is_full(pace)) {
    pace->limit *= 2;
  } else if (seconds > shrink_above && pace->limit > 1) {
    pace->limit /= 2;
  }
  pace->spent = 0;
}

double koe_pace_clock(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}
