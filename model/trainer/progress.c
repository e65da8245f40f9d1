#include "progress.h"

#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { TERMINAL_SECONDS = 1, FILE_SECONDS = 30 };

double koe_progress_now(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
}

void koe_progress_begin(koe_progress *progress, size_t losses, size_t first, size_t steps) {
  memset(progress, 0, sizeof *progress);
  progress->losses = losses;
  progress->first = first;
  progress->steps = steps;
  progress->began = progress->printed = koe_progress_now();
  progress->terminal = isatty(STDERR_FILENO) == 1;
}

void koe_progress_add_loss(koe_progress *progress, size_t index, double loss) {
  progress->sums[index] += loss;
  progress->counts[index]++;
}

void koe_progress_clear_line(const koe_progress *progress) {
  if (progress->terminal) fprintf(stderr, "\r\033[K");
}

void koe_progress_print(koe_progress *progress, size_t step) {
  double now = koe_progress_now(), elapsed = now - progress->began;
  double wait = progress->terminal ? TERMINAL_SECONDS : FILE_SECONDS;
  if (now - progress->printed < wait && step < progress->steps) return;
  double done = (double)(step - progress->first);
  size_t left = (size_t)(elapsed / done * (double)(progress->steps - step));
  koe_progress_clear_line(progress);
  fprintf(stderr, "step %zu/%zu  loss", step, progress->steps);
  for (size_t i = 0; i < progress->losses; i++) {
    if (progress->counts[i] > 0)
      fprintf(stderr, " %.4f", progress->sums[i] / (double)progress->counts[i]);
    progress->sums[i] = 0;
    progress->counts[i] = 0;
  }
  fprintf(stderr, "  %.0f tokens/s  %zu:%02zu:%02zu left%s", (double)progress->tokens / elapsed,
          left / 3600, left / 60 % 60, left % 60, progress->terminal ? "" : "\n");
  fflush(stderr);
  progress->printed = now;
}

void koe_progress_end(koe_progress *progress) {
  if (progress->terminal) fprintf(stderr, "\n");
}
