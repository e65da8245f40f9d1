#include "command.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MODEL, MODEL_OPTIONS, THREADS, TIMEOUT, JSON, QUIET, HELP, VERSION, COMMON };

enum { DEFAULT_TIMEOUT = 10, MOST_COUNT = 1000000000 };

static const koe_cli_option common[COMMON] = {
    [MODEL] = {"--model", 'm', "MODEL", false, false,
               "a directory, ORG/NAME of the hub's cache, or NAME=DIRECTORY"},
    [MODEL_OPTIONS] = {"--model-options", 0, "JSON", false, false,
                       "options of koelectra_load: '{\"precision\": \"int8\"}'"},
    [THREADS] = {"--threads", 't', "N", true, false, "how many; default: one a processor"},
    [TIMEOUT] = {"--timeout", 0, "SECONDS", true, false,
                 "how long to wait for a database in use; default: 10"},
    [JSON] = {"--json", 'j', NULL, false, false, "JSON, one object a line"},
    [QUIET] = {"--quiet", 'q', NULL, false, false, "no progress and no summary"},
    [HELP] = {"--help", 'h', NULL, false, false, "this text"},
    [VERSION] = {"--version", 0, NULL, false, false, "the version"},
};

/* ── reading ────────────────────────────────────────────────────────────────────────────────────
 */

typedef struct reader {
  const koe_cli_command *command;
  const char **words;
  size_t count, at;
  koe_cli_value common[COMMON];
  koe_cli_arguments *out;
} reader;

static size_t option_count(const koe_cli_command *command) {
  size_t count = 0;
  while (count < KOE_CLI_MAX_OPTIONS && command->options[count].name != NULL)
    count++;
  return count;
}

static koe_status usage(const reader *r, koe_error *err, const char *format, const char *what) {
  char fault[256];
  snprintf(fault, sizeof fault, format, what);
  return koe_fail(err, KOE_INVALID, "%s; see koelectra %s --help", fault, r->command->name);
}

static bool is_called(const koe_cli_option *option, const char *name, size_t length) {
  if (name[1] != '-') return option->letter != 0 && option->letter == name[1];
  return strlen(option->name) == length && strncmp(option->name, name, length) == 0;
}

/* Finds the option of that name, and the place of its value; NULL where there is none. */
static const koe_cli_option *find(reader *r, const char *name, size_t length, koe_cli_value **to) {
  for (size_t i = 0; i < option_count(r->command); i++) {
    *to = &r->out->options[i];
    if (is_called(&r->command->options[i], name, length)) return &r->command->options[i];
  }
  for (size_t i = 0; i < COMMON; i++) {
    *to = &r->common[i];
    if (is_called(&common[i], name, length)) return &common[i];
  }
  return NULL;
}

static koe_status set(reader *r, const koe_cli_option *option, const char *value, koe_cli_value *to,
                      koe_error *err) {
  if (to->text != NULL) return usage(r, err, "%s is given twice", option->name);
  to->text = value;
  if (!option->is_count) return KOE_OK;
  char *end;
  errno = 0;
  to->count = strtoll(value, &end, 10);
  if (errno == 0 && end != value && *end == '\0' && to->count >= 1 && to->count <= MOST_COUNT) {
    return KOE_OK;
  }
  char format[128];
  snprintf(format, sizeof format, "%s %%s: that is not an integer from 1 to %d", option->name,
           MOST_COUNT);
  return usage(r, err, format, value);
}

/* Takes an option whose value, if it has one, is `value` or else the next word. */
static koe_status take(reader *r, const koe_cli_option *option, const char *value,
                       koe_cli_value *to, koe_error *err) {
  if (option->value == NULL) {
    to->text = "";
    return KOE_OK;
  }
  if (value == NULL && r->at == r->count) return usage(r, err, "%s needs a value", option->name);
  return set(r, option, value != NULL ? value : r->words[r->at++], to, err);
}

/* --name, --name value, --name=value */
static koe_status read_long(reader *r, const char *word, koe_error *err) {
  size_t length = strcspn(word, "=");
  const char *value = word[length] == '=' ? word + length + 1 : NULL;
  koe_cli_value *to;
  const koe_cli_option *option = find(r, word, length, &to);
  if (option == NULL) return usage(r, err, "%s is not understood", word);
  if (option->value == NULL && value != NULL) return usage(r, err, "%s has no value", option->name);
  return take(r, option, value, to, err);
}

/* -k 10, -k10, -jk 10 */
static koe_status read_letters(reader *r, const char *word, koe_error *err) {
  for (const char *letter = word + 1; *letter != '\0'; letter++) {
    char name[] = {'-', *letter, '\0'};
    koe_cli_value *to;
    const koe_cli_option *option = find(r, name, 2, &to);
    if (option == NULL) return usage(r, err, "%s is not understood", word);
    koe_status status = take(r, option, letter[1] != '\0' ? letter + 1 : NULL, to, err);
    if (status != KOE_OK || option->value != NULL) return status;
  }
  return KOE_OK;
}

static void take_common(const reader *r) {
  koe_cli_arguments *out = r->out;
  out->model = r->common[MODEL].text;
  out->model_options = r->common[MODEL_OPTIONS].text;
  out->threads = r->common[THREADS].count;
  out->timeout = r->common[TIMEOUT].text != NULL ? r->common[TIMEOUT].count : DEFAULT_TIMEOUT;
  out->json = r->common[JSON].text != NULL;
  out->quiet = r->common[QUIET].text != NULL;
  out->help = r->common[HELP].text != NULL;
  out->version = r->common[VERSION].text != NULL;
}

static koe_status check(const reader *r, koe_error *err) {
  const koe_cli_arguments *out = r->out;
  if (out->operand_count < r->command->least_operands) {
    return usage(r, err, "name %s", r->command->operands);
  }
  if (out->operand_count > r->command->most_operands) {
    return usage(r, err, "%s is too much", out->operands[r->command->most_operands]);
  }
  for (size_t i = 0; i < option_count(r->command); i++) {
    const koe_cli_option *option = &r->command->options[i];
    if (option->is_required && out->options[i].text == NULL)
      return usage(r, err, "%s is missing", option->name);
  }
  return r->command->check != NULL ? r->command->check(out, err) : KOE_OK;
}

koe_status koe_cli_parse(const koe_cli_command *command, const char **words, size_t count,
                         koe_cli_arguments *out, koe_error *err) {
  reader r = {.command = command, .words = words, .count = count, .out = out};
  bool only_operands = false;
  *out = (koe_cli_arguments){.operands = words};
  while (r.at < count) {
    const char *word = words[r.at++];
    if (only_operands || word[0] != '-' || word[1] == '\0') {
      out->operands[out->operand_count++] = word;
    } else if (strcmp(word, "--") == 0) {
      only_operands = true;
    } else {
      koe_status status = word[1] == '-' ? read_long(&r, word, err) : read_letters(&r, word, err);
      if (status != KOE_OK) return status;
    }
  }
  take_common(&r);
  return out->help || out->version ? KOE_OK : check(&r, err);
}

/* ── --help ─────────────────────────────────────────────────────────────────────────────────────
 */

static void print_option(const koe_cli_option *option) {
  char name[64], letter[8] = "    ";
  if (option->letter != 0) snprintf(letter, sizeof letter, "-%c, ", option->letter);
  snprintf(name, sizeof name, "%s%s%s", option->name, option->value != NULL ? " " : "",
           option->value != NULL ? option->value : "");
  printf("  %s%-22s  %s\n", letter, name, option->help);
}

void koe_cli_print_help(const koe_cli_command *command) {
  size_t count = option_count(command);
  printf("koelectra %s%s%s", command->name, *command->operands != '\0' ? " " : "",
         command->operands);
  for (size_t i = 0; i < count; i++) {
    if (command->options[i].is_required)
      printf(" %s %s", command->options[i].name, command->options[i].value);
  }
  printf(" [options]\n\n%s\n", command->summary);
  if (command->details != NULL) printf("\n%s", command->details);
  if (count > 0) printf("\nOptions\n");
  for (size_t i = 0; i < count; i++)
    print_option(&command->options[i]);
  printf("\nOptions of every command\n");
  for (size_t i = 0; i < COMMON; i++)
    print_option(&common[i]);
  printf("\nExample\n%s", command->example);
}
