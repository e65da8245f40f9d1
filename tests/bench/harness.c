#include "harness.h"

#include "../../model/memory.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { MOST_ARGUMENTS = 8 };

double koe_bench_now(void) {
  const char *name = getenv("BENCH_CLOCK");
  bool processor = name != NULL && strcmp(name, "cpu") == 0;
  struct timespec t;
  clock_gettime(processor ? CLOCK_PROCESS_CPUTIME_ID : CLOCK_MONOTONIC, &t);
  return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

void koe_bench_check(koe_status status, const koe_error *err) {
  if (status == KOE_OK) return;
  fprintf(stderr, "%s\n", err->message);
  exit(EXIT_FAILURE);
}

void koe_bench_fail(const char *message) {
  if (errno != 0)
    perror(message);
  else
    fprintf(stderr, "%s\n", message);
  exit(EXIT_FAILURE);
}

void koe_bench_texts_read(const char *path, koe_bench_texts *out) {
  FILE *file = fopen(path, "r");
  char *line = NULL;
  size_t capacity = 0, space = 0;
  ssize_t length;
  *out = (koe_bench_texts){0};
  if (file == NULL) koe_bench_fail(path);
  while ((length = getline(&line, &space, file)) > 0) {
    if (line[length - 1] == '\n') length--;
    char *bytes = koe_copy_string(line, (size_t)length);
    if (bytes == NULL || !koe_grow(&out->items, &capacity, out->count + 1, sizeof *out->items)) {
      koe_bench_fail("not enough memory for the texts");
    }
    out->items[out->count++] = (koe_text){bytes, (size_t)length};
  }
  free(line);
  fclose(file);
}

void koe_bench_texts_clear(koe_bench_texts *texts) {
  for (size_t i = 0; i < texts->count; i++)
    koe_free((void *)texts->items[i].bytes);
  koe_free(texts->items);
  *texts = (koe_bench_texts){0};
}

/* getrusage would count what the parent had before it became this program. */
long long koe_bench_peak_bytes(void) {
  FILE *file = fopen("/proc/self/status", "r");
  char line[256];
  long long kibibytes = 0;
  if (file == NULL) koe_bench_fail("/proc/self/status");
  while (fgets(line, sizeof line, file) != NULL)
    if (sscanf(line, "VmHWM: %lld", &kibibytes) == 1) break;
  fclose(file);
  return kibibytes * 1024;
}

void koe_bench_serve(const koe_bench_command *commands, void *context) {
  char *line = NULL, *arguments[MOST_ARGUMENTS];
  size_t space = 0;
  while (getline(&line, &space, stdin) > 0) {
    int count = 0;
    char *name = strtok(line, " \n"), *word;
    while (count < MOST_ARGUMENTS && (word = strtok(NULL, " \n")) != NULL)
      arguments[count++] = word;
    const koe_bench_command *command = commands;
    while (command->name != NULL && (name == NULL || strcmp(command->name, name) != 0))
      command++;
    if (command->name == NULL) {
      errno = 0;
      koe_bench_fail("no such command");
    }
    command->answer(context, arguments, count);
    fflush(stdout);
  }
  free(line);
}
