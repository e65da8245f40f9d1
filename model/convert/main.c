/* koelectra-convert: writes a model directory of any format as safetensors.  See --help. */
#include "convert.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>

enum { EXIT_FAILED = 1, EXIT_USAGE = 2, EXIT_INTERRUPTED = 130 };

static volatile sig_atomic_t stopped;

static void stop(int signal_number) {
  (void)signal_number;
  stopped = 1;
  koe_convert_interrupt();
}

static void print_help(void) {
  printf(
      "koelectra-convert [options] IN OUT\n\n"
      "Reads the ELECTRA model in directory IN and writes directory OUT: model.safetensors,\n"
      "config.json, vocab.txt, tokenizer_config.json and what else there is of the tokenizer.\n"
      "koelectra_load and Hugging Face transformers read it.\n\n"
      "IN holds one of\n"
      "  model.safetensors, or model.safetensors.index.json and its shards\n"
      "  pytorch_model.bin, or pytorch_model.bin.index.json and its shards\n"
      "  model.ckpt-N.index and .data-*   a checkpoint of TensorFlow 1, as google-research/electra\n"
      "                                   leaves it\n"
      "  tf_model.h5                      what Keras saves of a model of transformers\n"
      "and is taken in that order.  OUT must not be there; it appears whole or not at all.\n\n"
      "Options\n"
      "  --dtype TYPE      float32, float16 or bfloat16; default: that of the word embeddings,\n"
      "                    float32 where they are float64 or int8\n"
      "  --discriminator   of the two models in a checkpoint of TensorFlow 1, the discriminator\n"
      "  --generator       the generator; default: what config.json describes, or the discriminator\n"
      "  --config FILE     instead of IN/config.json; without either, sizes are those of the\n"
      "                    weights, with hidden_size / 64 attention heads\n"
      "  --vocab FILE      instead of IN/vocab.txt\n"
      "  --quiet           print errors only\n"
      "  --help            this text\n\n"
      "Exit status: 0 done, 1 failed, 2 the command line is wrong, 130 interrupted.\n");
}

static int usage(const char *fault, const char *what) {
  fprintf(stderr, "koelectra-convert: %s%s; see koelectra-convert --help\n", what, fault);
  return EXIT_USAGE;
}

/* What the command line asks for. */
typedef struct command {
  koe_convert_options options;
  const char *directories[2];
  int directory_count;
  bool quiet, help;
} command;

static bool parse_dtype(const char *name, koe_convert_options *options) {
  static const koe_dtype dtypes[] = {KOE_F32, KOE_F16, KOE_BF16};
  for (size_t i = 0; i < sizeof dtypes / sizeof dtypes[0]; i++) {
    if (strcmp(name, koe_dtype_name(dtypes[i])) != 0) continue;
    options->dtype = dtypes[i];
    options->has_dtype = true;
    return true;
  }
  return false;
}

/* Takes an option that has a value; EXIT_USAGE, having said why, where it is none. */
static int parse_value(command *c, const char *option, const char *value) {
  const char **text = NULL;
  if (strcmp(option, "--config") == 0) text = &c->options.config;
  if (strcmp(option, "--vocab") == 0) text = &c->options.vocab;
  if (text == NULL && strcmp(option, "--dtype") != 0) return usage(" is not understood", option);
  if (value == NULL) return usage(" needs a value", option);
  if (text != NULL) {
    *text = value;
  } else if (!parse_dtype(value, &c->options)) {
    return usage(" is none of float32, float16 and bfloat16", value);
  }
  return 0;
}

static int parse(int argc, char **argv, command *c) {
  bool only_names = false;
  for (int i = 1; i < argc; i++) {
    const char *word = argv[i];
    if (only_names || word[0] != '-') {
      if (c->directory_count == 2) return usage(" is a third directory", word);
      c->directories[c->directory_count++] = word;
    } else if (strcmp(word, "--") == 0) {
      only_names = true;
    } else if (strcmp(word, "--help") == 0) {
      c->help = true;
      return 0;
    } else if (strcmp(word, "--quiet") == 0) {
      c->quiet = true;
    } else if (strcmp(word, "--generator") == 0 || strcmp(word, "--discriminator") == 0) {
      koe_electra_part part = word[2] == 'g' ? KOE_PART_GENERATOR : KOE_PART_DISCRIMINATOR;
      if (c->options.part != KOE_PART_BY_CONFIG && c->options.part != part)
        return usage(" and the other model exclude each other", word);
      c->options.part = part;
    } else {
      int fault = parse_value(c, word, i + 1 < argc ? argv[i + 1] : NULL);
      if (fault != 0) return fault;
      i++;
    }
  }
  return c->directory_count == 2 ? 0 : usage("name two directories, IN and OUT", "");
}

static void print_report(const koe_convert_report *report, const char *out) {
  printf("%s: %s, %zu tensors, %s, %.1f MB, from %s\n", out, report->architecture, report->tensors,
         koe_dtype_name(report->dtype), (double)report->bytes / 1e6, report->source);
  if (report->derived) {
    printf(
        "config.json was made from the weights: check \"num_attention_heads\" if the model is not "
        "one of KoELECTRA's or Google's\n");
  }
}

int main(int argc, char **argv) {
  command c = {0};
  koe_convert_report report;
  koe_error err;
  int fault = parse(argc, argv, &c);
  if (fault != 0) return fault;
  if (c.help) {
    print_help();
    return 0;
  }
  signal(SIGINT, stop);
  signal(SIGTERM, stop);
  koe_status status =
      koe_convert_directory(c.directories[0], c.directories[1], &c.options, &report, &err);
  if (status != KOE_OK) {
    fprintf(stderr, "koelectra-convert: %s\n", err.message);
    return stopped ? EXIT_INTERRUPTED : EXIT_FAILED;
  }
  if (!c.quiet) print_report(&report, c.directories[1]);
  return 0;
}
