/* koelectra: what the extension does, from the shell.  See --help.
 *
 *   koelectra label reviews.db review body --into label
 *   koelectra search reviews.db search '배우 연기가 좋았어요'
 *
 * It is a thin client: each command is SQL on a connection that has the extension (session.h). */
#include "command.h"
#include "session.h"

#include <stdio.h>
#include <string.h>

static const koe_cli_command *const commands[] = {
    &koe_cli_label,     &koe_cli_index,    &koe_cli_search,   &koe_cli_classify,
    &koe_cli_embed,     &koe_cli_tokenize, &koe_cli_entities, &koe_cli_answers,
    &koe_cli_fill_mask, &koe_cli_models,   &koe_cli_info,     &koe_cli_bench};

enum { COMMANDS = sizeof commands / sizeof commands[0] };

static void print_overview(void) {
  printf("koelectra COMMAND [options]\n\n"
         "Korean text understanding over SQLite databases and lines of text.\n\nCommands\n");
  for (size_t i = 0; i < COMMANDS; i++)
    printf("  %-10s  %s\n", commands[i]->name, commands[i]->summary);
  printf("\nkoelectra COMMAND --help tells more of one, `man koelectra` of all.\n"
         "Without --model, the model inside the program is used.\n\n"
         "Exit status: 0 done, 1 failed, 2 the command line is wrong, 130 interrupted.\n\n"
         "Example\n%s",
         koe_cli_label.example);
}

static koe_cli_exit fail(koe_cli_exit code, const char *message) {
  fflush(stdout);
  fprintf(stderr, "koelectra: ");
  /* One line, whatever SQL the message quotes. */
  for (const char *c = message; *c != '\0'; c++)
    fputc((unsigned char)*c < ' ' ? ' ' : *c, stderr);
  fputc('\n', stderr);
  return code;
}

static koe_cli_exit run(const koe_cli_command *command, const char **words, size_t count) {
  koe_cli_arguments arguments;
  koe_error err;
  if (koe_cli_parse(command, words, count, &arguments, &err) != KOE_OK)
    return fail(KOE_CLI_USAGE, err.message);
  if (arguments.help) {
    koe_cli_print_help(command);
    return KOE_CLI_DONE;
  }
  if (arguments.version) {
    return koe_cli_print_version(&err) == KOE_OK ? KOE_CLI_DONE : fail(KOE_CLI_FAILED, err.message);
  }
  koe_status status = command->run(&arguments, &err);
  if (status == KOE_OK && (fflush(stdout) != 0 || ferror(stdout) != 0))
    status = koe_fail(&err, KOE_IO, "the output cannot be written");
  if (status == KOE_OK) return KOE_CLI_DONE;
  return fail(koe_cli_stopped() ? KOE_CLI_INTERRUPTED : KOE_CLI_FAILED, err.message);
}

int main(int argc, char **argv) {
  char message[256];
  koe_error err;
  if (argc < 2) return fail(KOE_CLI_USAGE, "name a command; see koelectra --help");
  for (size_t i = 0; i < COMMANDS; i++) {
    if (strcmp(argv[1], commands[i]->name) == 0)
      return run(commands[i], (const char **)argv + 2, (size_t)argc - 2);
  }
  if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0 ||
      strcmp(argv[1], "help") == 0) {
    print_overview();
    return KOE_CLI_DONE;
  }
  if (strcmp(argv[1], "--version") == 0) {
    return koe_cli_print_version(&err) == KOE_OK ? KOE_CLI_DONE : fail(KOE_CLI_FAILED, err.message);
  }
  snprintf(message, sizeof message, "%.100s is not a command; see koelectra --help", argv[1]);
  return fail(KOE_CLI_USAGE, message);
}
