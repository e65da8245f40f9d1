/* The commands of `koelectra`, and how each says what it takes.
 *
 *   koelectra label reviews.db review body --into label --batch=500 --json
 *             │     └ operands ──────────┘ └ options of the command ┘ └ one of every command
 *             └ command
 *
 * A command is a koe_cli_command: a table of options, from which the parser and --help are made,
 * and a function.  The program ends with an error of that function as one line, "koelectra: …". */
#ifndef KOE_CLI_COMMAND_H
#define KOE_CLI_COMMAND_H

#include "../../model/status.h"

#include <stdbool.h>
#include <stddef.h>

typedef enum koe_cli_exit {
  KOE_CLI_DONE = 0,
  KOE_CLI_FAILED = 1,
  KOE_CLI_USAGE = 2,
  KOE_CLI_INTERRUPTED = 130
} koe_cli_exit;

typedef struct koe_cli_option {
  const char *name;  /* "--into" */
  char letter;       /* 'k' of -k; 0: none */
  const char *value; /* what --help calls its value; NULL: a flag */
  bool is_count;     /* the value is an integer of at least 1 */
  bool is_required;
  const char *help; /* one line */
} koe_cli_option;

enum { KOE_CLI_MAX_OPTIONS = 12 };

typedef struct koe_cli_value {
  const char *text; /* NULL: not given; "" of a flag */
  long long count;
} koe_cli_value;

/* A command line, read.  Texts are those of argv. */
typedef struct koe_cli_arguments {
  koe_cli_value options[KOE_CLI_MAX_OPTIONS]; /* in the order of the command's table */
  const char **operands;                      /* [operand_count] */
  size_t operand_count;

  /* Options of every command. */
  const char *model;         /* NULL: not given */
  const char *model_options; /* JSON; NULL: not given */
  long long threads;         /* 0: not given */
  long long timeout;         /* seconds to wait for a database that is in use */
  bool json, quiet, help, version;
} koe_cli_arguments;

typedef struct koe_cli_command {
  const char *name;
  const char *operands; /* as --help shows them: "DB TABLE COLUMN" */
  const char *summary;  /* one line */
  const char *details;  /* lines; NULL: none */
  const char *example;  /* lines, each "  koelectra …" */
  size_t least_operands, most_operands;
  koe_cli_option options[KOE_CLI_MAX_OPTIONS]; /* up to one without a name */
  /* What the tables cannot tell of a command line that is wrong; NULL: nothing. */
  koe_status (*check)(const koe_cli_arguments *arguments, koe_error *err);
  koe_status (*run)(const koe_cli_arguments *arguments, koe_error *err);
} koe_cli_command;

extern const koe_cli_command koe_cli_label, koe_cli_index, koe_cli_search, koe_cli_tokenize,
    koe_cli_embed, koe_cli_classify, koe_cli_entities, koe_cli_answers, koe_cli_fill_mask,
    koe_cli_models, koe_cli_info, koe_cli_bench;

/* Reads the words behind the command's name.
 *
 *   words [count]  of argv; `out->operands` points into them, in a new order
 *
 * Fails with KOE_INVALID and a message that ends in a hint at --help. */
koe_status koe_cli_parse(const koe_cli_command *command, const char **words, size_t count,
                         koe_cli_arguments *out, koe_error *err);

/* Prints what `koelectra COMMAND --help` shows. */
void koe_cli_print_help(const koe_cli_command *command);

#endif
