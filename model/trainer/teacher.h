/* A teacher's outputs in a file: what the student learns by, and what `--predictions` writes.
 *
 *   a line with the labels, then a line for each example: logits, separated by tabs */
#ifndef KOE_TEACHER_H
#define KOE_TEACHER_H

#include "dataset.h"

/* Reads the logits of every example of `dataset` into dataset->teacher, columns in the order of
 * `labels`.  Fails with KOE_IO, KOE_FORMAT (other labels, another number of lines, no number),
 * KOE_NOMEM. */
koe_status koe_teacher_read(const char *path, char *const *labels, size_t num_labels,
                            koe_dataset *dataset, koe_error *err);

/* Reads a teacher's embedding of every sequence of `dataset` into dataset->teacher, each scaled to
 * length 1: the tensor "embeddings" [sequences, hidden_size] of a safetensors file.  Fails as the
 * reader of checkpoints does, and with KOE_FORMAT (another shape, a row without a direction). */
koe_status koe_teacher_read_embeddings(const char *path, size_t hidden_size, koe_dataset *dataset,
                                       koe_error *err);

/* Writes outputs [rows, num_labels]; numbers so precise that reading gives the same.  Fails with
 * KOE_IO. */
koe_status koe_teacher_write(const char *path, char *const *labels, size_t num_labels,
                             const float *outputs, size_t rows, koe_error *err);

#endif
