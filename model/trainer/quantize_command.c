#include "quantize_command.h"

#include "quantize.h"

#include <stdio.h>
#include <string.h>

static void print_help(void) {
  printf("koelectra-train quantize [options] IN OUT\n\n"
         "Reads the checkpoint directory IN and writes OUT: matrices as int8, a scale a row,\n"
         "all else as float16.  koelectra_load reads it.\n\n"
         "Options\n"
         "  --float32      all else as float32\n"
         "  --model-only   leave out the heads of pretraining\n");
}

koe_status koe_quantize_command(int argc, char **argv, koe_error *err) {
  koe_quantize_options options = {.rest = KOE_F16};
  const char *directories[2];
  int count = 0;
  for (int i = 0; i < argc; i++) {
    if (strcmp(argv[i], "--help") == 0) {
      print_help();
      return KOE_OK;
    }
    if (strcmp(argv[i], "--float32") == 0) {
      options.rest = KOE_F32;
    } else if (strcmp(argv[i], "--model-only") == 0) {
      options.model_only = true;
    } else if (argv[i][0] == '-' || count == 2) {
      return koe_fail(err, KOE_INVALID, "quantize: %s is not understood; see quantize --help",
                      argv[i]);
    } else {
      directories[count++] = argv[i];
    }
  }
  if (count < 2) return koe_fail(err, KOE_INVALID, "quantize: name two directories, IN and OUT");
  return koe_quantize_directory(directories[0], directories[1], &options, err);
}
