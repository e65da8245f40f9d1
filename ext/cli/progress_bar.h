/* How far a command is, on standard error while that is a terminal.
 *
 *   label  ██████████░░░░░░░░░░░░░░  41216/200000  1837 rows/s  1:26 left */
#ifndef KOE_CLI_PROGRESS_BAR_H
#define KOE_CLI_PROGRESS_BAR_H

#include <stdbool.h>

typedef struct koe_cli_bar {
  const char *name;
  bool shown;
  double began; /* seconds */
} koe_cli_bar;

/* Seconds of a clock that only goes forward. */
double koe_cli_now(void);

void koe_cli_bar_begin(koe_cli_bar *bar, const char *name, bool quiet);

/* Draws it anew: `done` rows of `total`, of them `skipped` that took no time. */
void koe_cli_bar_draw(const koe_cli_bar *bar, long long done, long long total, long long skipped);

/* Makes room for other output. */
void koe_cli_bar_clear(const koe_cli_bar *bar);

#endif
