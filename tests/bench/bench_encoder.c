/* Tokens a second through tokenizer, encoder and pooling.
 *
 *   bench_encoder DIRECTORY TEXTFILE [threads [seconds [precision]]]
 *
 * DIRECTORY is a checkpoint; TEXTFILE has one text a line; precision is float32 or int8.  Prints
 * one line of figures. */
#include "../../model/memory.h"
#include "../../model/registry.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { CALL_TEXTS = 256 };

static double now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static size_t read_lines(const char *path, koe_text **texts) {
  FILE *file = fopen(path, "r");
  char *line = NULL;
  size_t count = 0, capacity = 0, space = 0;
  ssize_t length;
  if (file == NULL) {
    perror(path);
    exit(EXIT_FAILURE);
  }
  while ((length = getline(&line, &space, file)) > 0) {
    if (line[length - 1] == '\n') length--;
    if (!koe_grow(texts, &capacity, count + 1, sizeof **texts)) exit(EXIT_FAILURE);
    (*texts)[count++] = (koe_text){koe_copy_string(line, (size_t)length), (size_t)length};
  }
  free(line);
  fclose(file);
  return count;
}

static void check(koe_status status, const koe_error *err) {
  if (status == KOE_OK) return;
  fprintf(stderr, "%s\n", err->message);
  exit(EXIT_FAILURE);
}

static size_t count_tokens(const koe_model *model, const koe_text *texts, size_t count) {
  koe_tokens tokens = {0};
  koe_error err;
  size_t total = 0;
  for (size_t i = 0; i < count; i++) {
    check(koe_tokenizer_encode(koe_model_tokenizer(model), texts[i], NULL,
                               koe_model_max_length(model), &tokens, &err),
          &err);
    total += tokens.count;
  }
  koe_tokens_clear(&tokens);
  return total;
}

int main(int argc, char **argv) {
  koe_error err;
  koe_text *texts = NULL;
  const koe_model *model;
  if (argc < 3) {
    fprintf(stderr, "usage: bench_encoder DIRECTORY TEXTFILE [threads [seconds [precision]]]\n");
    return EXIT_FAILURE;
  }
  int threads = argc > 3 ? atoi(argv[3]) : 1;
  double seconds = argc > 4 ? atof(argv[4]) : 5;
  const char *precision = argc > 5 ? argv[5] : "float32";
  char options[64];
  snprintf(options, sizeof options, "{\"precision\": \"%.20s\"}", precision);
  size_t count = read_lines(argv[2], &texts);
  check(koe_registry_config_set("threads", threads, &err), &err);
  check(koe_registry_load("bench", argv[1], options, &err), &err);
  double start = now();
  check(koe_registry_acquire("bench", &model, &err), &err);
  double opened = now() - start;
  float *out = koe_alloc(CALL_TEXTS * koe_model_dimension(model), sizeof *out);
  if (out == NULL || count == 0) return EXIT_FAILURE;

  size_t total = 0, next = 0;
  double elapsed = 0;
  for (bool warm = false; elapsed < seconds; warm = true) {
    size_t n = count - next < CALL_TEXTS ? count - next : CALL_TEXTS;
    start = now();
    check(koe_model_embed(model, texts + next, n, out, &err), &err);
    if (warm) {
      elapsed += now() - start;
      total += count_tokens(model, texts + next, n);
    }
    next = next + n < count ? next + n : 0;
  }
  printf("%s, %s: %.0f tokens/s, %d thread%s, kernels %s, opened in %.1f ms\n", argv[1], precision,
         (double)total / elapsed, threads, threads > 1 ? "s" : "", koe_registry_kernels(),
         opened * 1e3);
  koe_free(out);
  for (size_t i = 0; i < count; i++)
    koe_free((void *)texts[i].bytes);
  koe_free(texts);
  koe_registry_release(model);
  koe_registry_clear();
  return EXIT_SUCCESS;
}
