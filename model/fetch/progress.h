/* What a program that fetches shows on standard error: on a terminal a bar that moves, elsewhere a
 * line a file. */
#ifndef KOE_FETCH_PROGRESS_H
#define KOE_FETCH_PROGRESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct koe_progress {
  bool quiet, on_terminal;
  const char *file;
  int64_t size;
  int64_t first;       /* bytes that were there already; −1: not known yet */
  double began, drawn; /* seconds */
} koe_progress;

/* `quiet`: shows nothing. */
void koe_progress_open(koe_progress *progress, bool quiet);

/* A file of `size` bytes; `name` is borrowed until its end. */
void koe_progress_begin(koe_progress *progress, const char *name, int64_t size);

/* Bytes of it that are there; a koe_hub_progress. */
void koe_progress_update(void *progress, int64_t bytes);

/* Ends a file that has come, or that `was_there`. */
void koe_progress_end(koe_progress *progress, bool was_there);

/* Ends a file that has not come, before an error is printed. */
void koe_progress_abandon(koe_progress *progress);

/* A line between others: "koelectra-fetch: " and what is said. */
void koe_progress_say(koe_progress *progress, const char *what);

/* "658.2 MB", "14.4 kB", "61 bytes": for people. */
void koe_format_bytes(double bytes, char *out, size_t size);

#endif
