/* Tokens a second of the tokenizer on one thread.
 *
 *   bench_tokenizer VOCAB TEXTFILE [seconds]
 *
 * TEXTFILE has one text a line.  Each is encoded with special tokens, truncated to 512, as the
 * peer, tokenizer_peer.mjs, does.  Prints the best of the passes over the file. */
#include "../../model/memory.h"
#include "../../model/tokenizer.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

static double now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static void check(koe_status status, const koe_error *err) {
  if (status == KOE_OK) return;
  fprintf(stderr, "%s\n", err->message);
  exit(EXIT_FAILURE);
}

static size_t read_lines(const char *path, koe_text **texts) {
  FILE *file = fopen(path, "r");
  char *line = NULL;
  size_t count = 0;
  size_t capacity = 0;
  size_t space = 0;
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

static size_t encode_all(const koe_tokenizer *tokenizer, const koe_text *texts, size_t count) {
  koe_error err;
  koe_tokens tokens = {0};
  size_t total = 0;
  for (size_t i = 0; i < count; i++) {
    check(koe_tokenizer_encode(tokenizer, texts[i], NULL, 512, &tokens, &err), &err);
    total += tokens.count;
  }
  koe_tokens_clear(&tokens);
  return total;
}

int main(int argc, char **argv) {
  koe_error err;
  koe_text *texts = NULL;
  koe_tokenizer *tokenizer;
  koe_tokenizer_options options = koe_tokenizer_options_default();
  if (argc < 3) {
    fprintf(stderr, "usage: bench_tokenizer VOCAB TEXTFILE [seconds]\n");
    return EXIT_FAILURE;
  }
  double seconds = argc > 3 ? atof(argv[3]) : 3;
  size_t count = read_lines(argv[2], &texts);
  double start = now();
  check(koe_tokenizer_open(argv[1], &options, &tokenizer, &err), &err);
  double opened = now() - start;

  double best = 0;
  size_t tokens = 0;
  for (double end = now() + seconds; best == 0 || now() < end;) {
    start = now();
    tokens = encode_all(tokenizer, texts, count);
    double rate = (double)tokens / (now() - start);
    if (rate > best) best = rate;
  }
  printf("koelectra: %.2f M tokens/s (%zu texts, %zu tokens; opened in %.1f ms, %.1f MB)\n",
         best / 1e6, count, tokens, opened * 1e3, (double)koe_tokenizer_bytes(tokenizer) / 1e6);
  for (size_t i = 0; i < count; i++)
    koe_free((void *)texts[i].bytes);
  koe_free(texts);
  koe_tokenizer_free(tokenizer);
  return EXIT_SUCCESS;
}
