#include "progress.h"

#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

enum {
  WIDEST_BAR = 24,
  NARROWEST_BAR = 6,
  BESIDE_BAR = 68, /* columns: of a name of 20 letters, size, speed and time */
};

static const double SETTLED = 0.5; /* seconds after which a speed means something */

static double now(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return (double)time.tv_sec + (double)time.tv_nsec * 1e-9;
}

void koe_format_bytes(double bytes, char *out, size_t size) {
  if (bytes < 1e3) {
    snprintf(out, size, "%.0f bytes", bytes);
  } else if (bytes < 1e6) {
    snprintf(out, size, "%.1f kB", bytes / 1e3);
  } else if (bytes < 1e9) {
    snprintf(out, size, "%.1f MB", bytes / 1e6);
  } else {
    snprintf(out, size, "%.2f GB", bytes / 1e9);
  }
}

void koe_progress_open(koe_progress *progress, bool quiet) {
  memset(progress, 0, sizeof *progress);
  progress->quiet = quiet;
  progress->on_terminal = isatty(STDERR_FILENO) != 0;
}

void koe_progress_begin(koe_progress *progress, const char *name, int64_t size) {
  progress->file = name;
  progress->size = size;
  progress->first = -1;
  progress->began = progress->drawn = now();
}

/* Columns of the terminal. */
static int width(void) {
  struct winsize window = {0};
  return ioctl(STDERR_FILENO, TIOCGWINSZ, &window) == 0 && window.ws_col > 0 ? window.ws_col : 80;
}

/* "model.safetensors  28 % [######..............] 56.6 MB, 11.2 MB/s, 0:04 left" */
static void draw(const koe_progress *p, int64_t bytes, double seconds) {
  char size[32], speed[32], bar[WIDEST_BAR + 1];
  double share = p->size > 0 ? (double)bytes / (double)p->size : 1;
  int room = width() - BESIDE_BAR, length = room < WIDEST_BAR ? room : WIDEST_BAR;
  fprintf(stderr, "\r\033[K%.20s %3.0f %%", p->file, 100 * share);
  if (length >= NARROWEST_BAR) {
    int filled = (int)(share * length);
    memset(bar, '.', (size_t)length);
    memset(bar, '#', (size_t)filled);
    bar[length] = '\0';
    koe_format_bytes((double)p->size, size, sizeof size);
    fprintf(stderr, " [%s] %s", bar, size);
  }
  double rate = seconds > SETTLED ? (double)(bytes - p->first) / seconds : 0;
  double left = rate > 0 ? (double)(p->size - bytes) / rate : 360000;
  koe_format_bytes(rate, speed, sizeof speed);
  if (length >= NARROWEST_BAR && rate > 0) fprintf(stderr, ", %s/s", speed);
  if (left < 360000) fprintf(stderr, ", %d:%02d left", (int)left / 60, (int)left % 60);
  fflush(stderr);
}

void koe_progress_update(void *progress, int64_t bytes) {
  koe_progress *p = progress;
  double time = now();
  if (p->first < 0 || bytes < p->first) {
    p->first = bytes;
    p->began = time;
  }
  if (p->quiet || !p->on_terminal || time - p->drawn < 0.1) return;
  p->drawn = time;
  draw(p, bytes, time - p->began);
}

void koe_progress_abandon(koe_progress *progress) {
  if (progress->file != NULL && !progress->quiet && progress->on_terminal)
    fprintf(stderr, "\r\033[K");
  progress->file = NULL;
}

void koe_progress_end(koe_progress *progress, bool was_there) {
  char size[32], from[64] = "";
  const char *file = progress->file;
  koe_progress_abandon(progress);
  if (progress->quiet) return;
  koe_format_bytes((double)progress->size, size, sizeof size);
  if (!was_there && progress->first > 0) {
    char first[32];
    koe_format_bytes((double)progress->first, first, sizeof first);
    snprintf(from, sizeof from, ", of which %s were there", first);
  }
  fprintf(stderr, "%s: %s%s%s\n", file, size, from, was_there ? ", in the cache already" : "");
}

void koe_progress_say(koe_progress *progress, const char *what) {
  if (progress->quiet) return;
  if (progress->on_terminal) fprintf(stderr, "\r\033[K");
  fprintf(stderr, "koelectra-fetch: %s\n", what);
}
