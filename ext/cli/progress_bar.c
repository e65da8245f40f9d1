#include "progress_bar.h"

#include <stdio.h>
#include <time.h>
#include <unistd.h>

enum { CELLS = 24 };

double koe_cli_now(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
}

void koe_cli_bar_begin(koe_cli_bar *bar, const char *name, bool quiet) {
  *bar = (koe_cli_bar){name, !quiet && isatty(STDERR_FILENO) == 1, koe_cli_now()};
}

void koe_cli_bar_clear(const koe_cli_bar *bar) {
  if (bar->shown) fprintf(stderr, "\r\033[K");
}

void koe_cli_bar_draw(const koe_cli_bar *bar, long long done, long long total, long long skipped) {
  if (!bar->shown || total <= 0) return;
  double seconds = koe_cli_now() - bar->began;
  double rate = seconds > 0 ? (double)(done - skipped) / seconds : 0;
  int filled = done < total ? (int)(done * CELLS / total) : CELLS;
  koe_cli_bar_clear(bar);
  fprintf(stderr, "%s  ", bar->name);
  for (int i = 0; i < CELLS; i++)
    fputs(i < filled ? "█" : "░", stderr);
  fprintf(stderr, "  %lld/%lld", done, total);
  if (rate > 0) {
    long long left = (long long)((double)(total - done) / rate);
    fprintf(stderr, "  %.0f rows/s  ", rate);
    if (left >= 3600) fprintf(stderr, "%lld:", left / 3600);
    fprintf(stderr, left >= 3600 ? "%02lld:%02lld left" : "%lld:%02lld left", left / 60 % 60,
            left % 60);
  }
  fflush(stderr);
}
