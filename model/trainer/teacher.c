#include "teacher.h"

#include "../checkpoint/checkpoint.h"
#include "../file_map.h"
#include "../memory.h"
#include "../search/vectors.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Which label each column of the first line is: columns [num_labels]. */
static koe_status read_header(const char *path, char *line, char *const *labels, size_t num_labels,
                              size_t *columns, koe_error *err) {
  size_t count = 0;
  line[strcspn(line, "\r\n")] = '\0';
  for (char *rest = line, *name; (name = strsep(&rest, "\t")) != NULL; count++) {
    size_t label = 0;
    while (label < num_labels && strcmp(labels[label], name) != 0)
      label++;
    if (label == num_labels || count == num_labels)
      return koe_fail(err, KOE_FORMAT, "%s: the model has no label \"%s\"", path, name);
    columns[count] = label;
  }
  if (count != num_labels)
    return koe_fail(err, KOE_FORMAT, "%s has %zu labels, not %zu", path, count, num_labels);
  return KOE_OK;
}

static koe_status read_row(const char *path, size_t row, char *line, const size_t *columns,
                           size_t num_labels, float *out, koe_error *err) {
  char *position = line;
  for (size_t c = 0; c < num_labels; c++) {
    char *end;
    out[columns[c]] = strtof(position, &end);
    if (end == position)
      return koe_fail(err, KOE_FORMAT, "%s:%zu: expected %zu numbers", path, row + 2, num_labels);
    position = end;
  }
  return KOE_OK;
}

static koe_status read_rows(const char *path, FILE *file, char *const *labels, size_t num_labels,
                            koe_dataset *dataset, size_t *columns, koe_error *err) {
  char *line = NULL;
  size_t capacity = 0, row = 0, rows = dataset->tokens.sequences;
  koe_status status = KOE_OK;
  for (bool first = true; status == KOE_OK && getline(&line, &capacity, file) >= 0; first = false) {
    if (first) {
      status = read_header(path, line, labels, num_labels, columns, err);
    } else if (row < rows) {
      status =
          read_row(path, row, line, columns, num_labels, dataset->teacher + row * num_labels, err);
      row++;
    } else {
      row++;
    }
  }
  free(line);
  if (status == KOE_OK && row != rows) {
    status = koe_fail(err, KOE_FORMAT, "%s has %zu rows, the training data %zu", path, row, rows);
  }
  return status;
}

koe_status koe_teacher_read(const char *path, char *const *labels, size_t num_labels,
                            koe_dataset *dataset, koe_error *err) {
  FILE *file = fopen(path, "r");
  if (file == NULL) return koe_fail(err, KOE_IO, "%s: %s", path, strerror(errno));
  size_t *columns = koe_alloc(num_labels, sizeof *columns);
  dataset->teacher_columns = num_labels;
  dataset->teacher = koe_alloc(dataset->tokens.sequences * num_labels, sizeof *dataset->teacher);
  koe_status status = columns == NULL || dataset->teacher == NULL
                          ? koe_fail_nomem(err)
                          : read_rows(path, file, labels, num_labels, dataset, columns, err);
  koe_free(columns);
  fclose(file);
  return status;
}

static koe_status copy_embeddings(const char *path, const float *embeddings, size_t hidden_size,
                                  koe_dataset *dataset, koe_error *err) {
  size_t rows = dataset->tokens.sequences;
  dataset->teacher_columns = hidden_size;
  dataset->teacher = koe_alloc(rows * hidden_size, sizeof *dataset->teacher);
  if (dataset->teacher == NULL) return koe_fail_nomem(err);
  memcpy(dataset->teacher, embeddings, rows * hidden_size * sizeof *embeddings);
  for (size_t r = 0; r < rows; r++) {
    if (!koe_vector_normalize(dataset->teacher + r * hidden_size, hidden_size))
      return koe_fail(err, KOE_FORMAT, "%s: embedding %zu has no direction", path, r);
  }
  return KOE_OK;
}

static koe_status read_embeddings(const char *path, koe_checkpoint *file, size_t hidden_size,
                                  koe_dataset *dataset, koe_error *err) {
  const koe_tensor *tensor = koe_checkpoint_find(file, "embeddings");
  size_t rows = dataset->tokens.sequences;
  const float *embeddings;
  if (tensor == NULL || tensor->dims != 2 || (uint64_t)tensor->shape[0] != rows ||
      (uint64_t)tensor->shape[1] != hidden_size) {
    return koe_fail(err, KOE_FORMAT, "%s: expected a tensor \"embeddings\" of shape [%zu, %zu]",
                    path, rows, hidden_size);
  }
  koe_status status = koe_checkpoint_float32(file, tensor, &embeddings, err);
  if (status != KOE_OK) return status;
  return copy_embeddings(path, embeddings, hidden_size, dataset, err);
}

koe_status koe_teacher_read_embeddings(const char *path, size_t hidden_size, koe_dataset *dataset,
                                       koe_error *err) {
  koe_file_map map = {0};
  koe_checkpoint *file = NULL;
  koe_status status = koe_file_map_open(path, &map, err);
  if (status == KOE_OK) status = koe_checkpoint_open_memory(map.data, map.size, path, &file, err);
  if (status == KOE_OK) status = read_embeddings(path, file, hidden_size, dataset, err);
  koe_checkpoint_free(file);
  koe_file_map_close(&map);
  return status;
}

koe_status koe_teacher_write(const char *path, char *const *labels, size_t num_labels,
                             const float *outputs, size_t rows, koe_error *err) {
  FILE *file = fopen(path, "w");
  if (file == NULL) return koe_fail(err, KOE_IO, "%s: %s", path, strerror(errno));
  for (size_t l = 0; l < num_labels; l++)
    fprintf(file, "%s%c", labels[l], l + 1 < num_labels ? '\t' : '\n');
  for (size_t i = 0; i < rows * num_labels; i++)
    fprintf(file, "%.9g%c", outputs[i], (i + 1) % num_labels != 0 ? '\t' : '\n');
  bool failed = ferror(file) != 0;
  if (fclose(file) != 0 || failed) return koe_fail(err, KOE_IO, "%s: cannot be written", path);
  return KOE_OK;
}
