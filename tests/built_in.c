#include "built_in.h"

#include "../model/default/default_model.h"
#include "support.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char *const names[] = {"config.json", "vocab.txt", "tokenizer_config.json",
                                    "1_Pooling/config.json", "model.safetensors"};
enum { NAMES = sizeof names / sizeof names[0] };

static koe_memory_file files[NAMES];
static size_t file_count;

const koe_memory_file *koe_default_model(size_t *count) {
  *count = file_count;
  return file_count > 0 ? files : NULL;
}

void set_built_in(const char *directory) {
  for (size_t i = 0; i < file_count; i++)
    free((void *)(uintptr_t)files[i].bytes);
  file_count = 0;
  for (size_t i = 0; directory != NULL && i < NAMES; i++) {
    char path[1200];
    size_t size;
    snprintf(path, sizeof path, "%s/%s", directory, names[i]);
    if (access(path, R_OK) != 0) continue;
    const uint8_t *bytes = (const uint8_t *)read_file(path, &size);
    files[file_count++] = (koe_memory_file){names[i], bytes, bytes + size};
  }
}

void cut_built_in(const char *name, size_t length) {
  for (size_t i = 0; i < file_count; i++) {
    if (strcmp(files[i].name, name) != 0) continue;
    if (length == SIZE_MAX) {
      files[i].name = "taken away";
    } else {
      files[i].end = files[i].bytes + length;
    }
    return;
  }
  ck_abort_msg("no file %s inside", name);
}
