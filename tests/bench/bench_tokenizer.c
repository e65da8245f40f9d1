/* Our side of the tokenizer's figures, on one thread.
 *
 *   bench_tokenizer VOCAB
 *
 * Commands, one a line, each answered by a line:
 *
 *   load              seconds until the vocabulary is open
 *   run FILE [TIMES]  tokens and seconds of TIMES passes over the texts of FILE, one a line
 *
 * Texts get special tokens and are truncated to 512, as by the peer, tokenizer_peer.mjs. */
#include "../../model/tokenizer/tokenizer.h"

#include "harness.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

enum { MAX_LENGTH = 512 };

typedef struct state {
  const char *vocabulary;
  koe_tokenizer *tokenizer;
} state;

static void load(void *context, char **arguments, int count) {
  state *s = context;
  koe_error err;
  koe_tokenizer_options options = koe_tokenizer_options_default();
  (void)arguments, (void)count;
  double start = koe_bench_now();
  koe_bench_check(koe_tokenizer_open(s->vocabulary, &options, &s->tokenizer, &err), &err);
  printf("%.6f\n", koe_bench_now() - start);
}

static void run(void *context, char **arguments, int count) {
  const state *s = context;
  koe_error err;
  koe_bench_texts texts;
  koe_tokens tokens = {0};
  size_t total = 0;
  errno = 0;
  if (s->tokenizer == NULL || count < 1) koe_bench_fail("load first; then give a file");
  koe_bench_texts_read(arguments[0], &texts);
  int times = count > 1 ? atoi(arguments[1]) : 1;
  double start = koe_bench_now();
  for (int pass = 0; pass < times; pass++) {
    for (size_t i = 0; i < texts.count; i++) {
      koe_bench_check(
          koe_tokenizer_encode(s->tokenizer, texts.items[i], NULL, MAX_LENGTH, &tokens, &err),
          &err);
      total += tokens.count;
    }
  }
  printf("%zu %.6f\n", total, koe_bench_now() - start);
  koe_tokens_clear(&tokens);
  koe_bench_texts_clear(&texts);
}

int main(int argc, char **argv) {
  static const koe_bench_command commands[] = {{"load", load}, {"run", run}, {NULL, NULL}};
  state s = {0};
  if (argc != 2) {
    fprintf(stderr, "usage: bench_tokenizer VOCAB\n");
    return EXIT_FAILURE;
  }
  s.vocabulary = argv[1];
  koe_bench_serve(commands, &s);
  koe_tokenizer_free(s.tokenizer);
  return EXIT_SUCCESS;
}
