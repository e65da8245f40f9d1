/* koelectra-fetch: gets a model of the Hugging Face hub.  See --help. */
#include "../memory.h"
#include "environment.h"
#include "fetch.h"
#include "http.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>

enum {
  EXIT_FAILED = 1,
  EXIT_USAGE = 2,
  EXIT_UNREACHABLE = 3,
  EXIT_REFUSED = 4,
  EXIT_INTERRUPTED = 130
};

static void stop(int signal_number) {
  (void)signal_number;
  koe_http_interrupt();
}

static void print_help(void) {
  printf(
      "koelectra-fetch [options] ORG/NAME[@REVISION]\n\n"
      "Gets a model of the Hugging Face hub, for example\n"
      "  koelectra-fetch monologg/koelectra-small-v3-discriminator\n"
      "and prints the directory that holds its files.  In SQL the name is enough:\n"
      "  SELECT koelectra_load('small', 'monologg/koelectra-small-v3-discriminator');\n\n"
      "Files are kept in the cache that Hugging Face's tools use as well.  What is there is not\n"
      "fetched again; what is interrupted goes on with the same command.  Every file is checked\n"
      "against the hash that the hub tells.\n\n"
      "Options\n"
      "  --revision REVISION   branch, tag or commit; default: main\n"
      "  --endpoint URL        of the hub or a mirror; default: https://huggingface.co\n"
      "  --all                 every file of the model; default: config.json, vocab.txt, what else\n"
      "                        there is of tokenizer and pooling, and the weights in one format\n"
      "  --quiet               print errors only\n"
      "  --help                this text\n\n"
      "Environment\n"
      "  HF_ENDPOINT           URL, as --endpoint\n"
      "  HF_TOKEN              token for private and gated models; otherwise the one in the file\n"
      "                        HF_TOKEN_PATH or HF_HOME/token\n"
      "  HF_HUB_CACHE          the cache; default: HF_HOME/hub\n"
      "  HF_HOME               default: XDG_CACHE_HOME/huggingface, or ~/.cache/huggingface\n"
      "  HF_HUB_OFFLINE        1: only look whether the model is in the cache\n"
      "  HF_HUB_DOWNLOAD_TIMEOUT\n"
      "                        seconds to wait for the next byte; default: 10\n"
      "  https_proxy, SSL_CERT_FILE\n"
      "                        as for curl\n\n"
      "Exit status: 0 done, 1 failed, 2 the command line is wrong, 3 the hub cannot be reached or\n"
      "is out of order, 4 the hub has no such model, revision or file or does not give it,\n"
      "130 interrupted.\n");
}

static int usage(const char *fault, const char *what) {
  fprintf(stderr, "koelectra-fetch: %s%s; see koelectra-fetch --help\n", what, fault);
  return EXIT_USAGE;
}

/* What the command line asks for. */
typedef struct command {
  const char *name, *revision, *endpoint;
  bool all, quiet, help;
} command;

/* Takes an option that has a value; EXIT_USAGE, having said why, where it is none. */
static int parse_value(command *c, const char *option, const char *value) {
  const char **text = NULL;
  if (strcmp(option, "--revision") == 0) text = &c->revision;
  if (strcmp(option, "--endpoint") == 0) text = &c->endpoint;
  if (text == NULL) return usage(" is not understood", option);
  if (value == NULL) return usage(" needs a value", option);
  *text = value;
  return 0;
}

static int parse(int argc, char **argv, command *c) {
  bool only_names = false;
  for (int i = 1; i < argc; i++) {
    const char *word = argv[i];
    if (only_names || word[0] != '-') {
      if (c->name != NULL) return usage(" is a second model", word);
      c->name = word;
    } else if (strcmp(word, "--") == 0) {
      only_names = true;
    } else if (strcmp(word, "--help") == 0) {
      c->help = true;
      return 0;
    } else if (strcmp(word, "--quiet") == 0) {
      c->quiet = true;
    } else if (strcmp(word, "--all") == 0) {
      c->all = true;
    } else {
      int fault = parse_value(c, word, i + 1 < argc ? argv[i + 1] : NULL);
      if (fault != 0) return fault;
      i++;
    }
  }
  return c->name != NULL ? 0 : usage("name a model, as ORG/NAME", "");
}

static int parse_name(const command *c, koe_hub_name *out) {
  if (!koe_hub_name_parse(c->name, out))
    return usage(" is no name of a model, as ORG/NAME or ORG/NAME@REVISION", c->name);
  if (c->revision == NULL) return 0;
  if (strchr(c->name, '@') != NULL) return usage(" and --revision exclude each other", c->name);
  if (!koe_hub_is_revision(c->revision))
    return usage(" is no name of a branch, tag or commit", c->revision);
  strcpy(out->revision, c->revision);
  return 0;
}

/* The error, and what is to be known besides. */
static int print_error(const koe_fetch_options *options, const koe_fetch_report *report,
                       const koe_error *err) {
  koe_error ignored;
  char *copy = NULL;
  if (koe_http_interrupted()) {
    fprintf(stderr, "koelectra-fetch: interrupted; the same command goes on from here\n");
    return EXIT_INTERRUPTED;
  }
  fprintf(stderr, "koelectra-fetch: %s\n", err->message);
  if (report->unreachable && koe_hub_cache_find(&options->name, &copy, &ignored) == KOE_OK)
    fprintf(stderr, "koelectra-fetch: the cache has an earlier copy: %s\n", copy);
  koe_free(copy);
  return report->unreachable ? EXIT_UNREACHABLE : report->refused ? EXIT_REFUSED : EXIT_FAILED;
}

static int run(const command *c, koe_fetch_options *options) {
  koe_fetch_report report = {0};
  koe_progress progress;
  koe_error err;
  char *endpoint = NULL, *token = NULL;
  int code = 0;
  koe_progress_open(&progress, c->quiet);
  koe_status status = koe_environment_endpoint(c->endpoint, &endpoint, &err);
  if (status == KOE_OK) status = koe_environment_token(&token, &err);
  options->endpoint = endpoint;
  options->token = token;
  if (status == KOE_OK) status = koe_fetch(options, &progress, &report, &err);
  if (status != KOE_OK) {
    code = print_error(options, &report, &err);
  } else if (!c->quiet) {
    printf("%s\n", report.snapshot);
  }
  koe_free(report.snapshot);
  koe_free(endpoint);
  koe_free(token);
  return code;
}

int main(int argc, char **argv) {
  command c = {0};
  koe_fetch_options options = {.patience = koe_environment_patience(),
                               .offline = koe_environment_offline()};
  int fault = parse(argc, argv, &c);
  if (fault != 0) return fault;
  if (c.help) {
    print_help();
    return 0;
  }
  fault = parse_name(&c, &options.name);
  if (fault != 0) return fault;
  options.all = c.all;
  signal(SIGINT, stop);
  signal(SIGTERM, stop);
  signal(SIGPIPE, SIG_IGN);
  signal(SIGXFSZ, SIG_IGN); /* a limit on the size of files is an error of write(2) */
  return run(&c, &options);
}
