#include "vocabulary_command.h"

#include "../memory.h"
#include "examples.h"
#include "vocabulary_builder.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_FILES = 64 };

typedef struct arguments {
  const char *files[MAX_FILES];
  size_t file_count;
  const char *column;
  const char *out;
  koe_vocabulary_options options;
} arguments;

static void print_help(void) {
  printf("koelectra-train vocabulary --train FILE [--train FILE ...] --out vocab.txt\n\n"
         "Builds a WordPiece vocabulary.\n\n"
         "  --train FILE          .txt .tsv .json .jsonl\n"
         "  --text COLUMN         [text]\n"
         "  --size N              tokens [8000]\n"
         "  --alphabet N          characters kept, the most frequent ones [1000]\n"
         "  --min-frequency N     of a pair that is joined [2]\n");
}

static koe_status parse_count(const char *name, const char *value, int64_t *out, koe_error *err) {
  char *end;
  errno = 0;
  long long count = strtoll(value, &end, 10);
  if (errno != 0 || end == value || *end != '\0' || count < 1)
    return koe_fail(err, KOE_INVALID, "%s %s: expected a whole number from 1", name, value);
  *out = count;
  return KOE_OK;
}

static koe_status parse_option(const char *name, const char *value, arguments *out,
                               koe_error *err) {
  int64_t count;
  koe_status status = KOE_OK;
  if (strcmp(name, "--train") == 0) {
    if (out->file_count == MAX_FILES) return koe_fail(err, KOE_INVALID, "too many files");
    out->files[out->file_count++] = value;
  } else if (strcmp(name, "--text") == 0) {
    out->column = value;
  } else if (strcmp(name, "--out") == 0) {
    out->out = value;
  } else if (strcmp(name, "--size") == 0) {
    status = parse_count(name, value, &count, err);
    if (status == KOE_OK) out->options.vocab_size = (size_t)count;
  } else if (strcmp(name, "--alphabet") == 0) {
    status = parse_count(name, value, &count, err);
    if (status == KOE_OK) out->options.alphabet_limit = (size_t)count;
  } else if (strcmp(name, "--min-frequency") == 0) {
    status = parse_count(name, value, &out->options.min_frequency, err);
  } else {
    status = koe_fail(err, KOE_INVALID, "vocabulary has no option %s", name);
  }
  return status;
}

static koe_status count_words(const arguments *parsed, koe_vocabulary_builder *builder,
                              koe_error *err) {
  const koe_columns columns = {.text = parsed->column};
  koe_status status = KOE_OK;
  for (size_t f = 0; status == KOE_OK && f < parsed->file_count; f++) {
    koe_examples examples = {0};
    status = koe_examples_read(&examples, parsed->files[f], &columns, err);
    for (size_t i = 0; status == KOE_OK && i < examples.count; i++) {
      koe_text text = koe_examples_text(&examples, examples.items[i].text);
      status = koe_vocabulary_builder_add(builder, text, err);
    }
    koe_examples_clear(&examples);
  }
  return status;
}

static koe_status write_file(const char *path, const char *bytes, size_t length, koe_error *err) {
  FILE *file = fopen(path, "wb");
  if (file == NULL) return koe_fail(err, KOE_IO, "%s: %s", path, strerror(errno));
  bool written = fwrite(bytes, 1, length, file) == length;
  if (fclose(file) != 0 || !written) return koe_fail(err, KOE_IO, "%s: cannot be written", path);
  return KOE_OK;
}

koe_status koe_vocabulary_command(int argc, char **argv, koe_error *err) {
  arguments parsed = {.column = "text", .options = koe_vocabulary_options_default()};
  koe_vocabulary_builder *builder;
  char *bytes = NULL;
  size_t length, tokens;
  for (int i = 0; i < argc; i += 2) {
    if (strcmp(argv[i], "--help") == 0) {
      print_help();
      return KOE_OK;
    }
    if (i + 1 == argc) return koe_fail(err, KOE_INVALID, "%s needs a value", argv[i]);
    koe_status status = parse_option(argv[i], argv[i + 1], &parsed, err);
    if (status != KOE_OK) return status;
  }
  if (parsed.file_count == 0 || parsed.out == NULL)
    return koe_fail(err, KOE_INVALID, "vocabulary needs --train and --out");
  koe_status status = koe_vocabulary_builder_new(&builder, err);
  if (status != KOE_OK) return status;
  status = count_words(&parsed, builder, err);
  if (status == KOE_OK) {
    status = koe_vocabulary_builder_build(builder, &parsed.options, &bytes, &length, &tokens, err);
  }
  if (status == KOE_OK) status = write_file(parsed.out, bytes, length, err);
  if (status == KOE_OK)
    printf("%zu words, %zu tokens\n", koe_vocabulary_builder_words(builder), tokens);
  koe_free(bytes);
  koe_vocabulary_builder_free(builder);
  return status;
}
