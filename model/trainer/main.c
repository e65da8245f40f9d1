/* koelectra-train: trains and fine-tunes ELECTRA models.  See --help. */
#include "quantize_command.h"
#include "run.h"
#include "vocabulary_command.h"

#include <stdio.h>
#include <string.h>

static int fail(const koe_error *err, int code) {
  fprintf(stderr, "koelectra-train: %s\n", err->message);
  return code;
}

int main(int argc, char **argv) {
  koe_run_options options;
  koe_error err;
  bool interrupted = false;
  if (argc < 2 || strcmp(argv[1], "--help") == 0) {
    koe_run_options_print_help();
    return argc < 2 ? 2 : 0;
  }
  if (strcmp(argv[1], "quantize") == 0)
    return koe_quantize_command(argc - 2, argv + 2, &err) == KOE_OK ? 0 : fail(&err, 1);
  if (strcmp(argv[1], "vocabulary") == 0)
    return koe_vocabulary_command(argc - 2, argv + 2, &err) == KOE_OK ? 0 : fail(&err, 1);
  if (koe_run_options_parse(argc, argv, &options, &err) != KOE_OK) return fail(&err, 2);
  if (koe_run(&options, &interrupted, &err) != KOE_OK) return fail(&err, 1);
  if (interrupted) fprintf(stderr, "saved; the same command goes on\n");
  return interrupted ? 3 : 0;
}
