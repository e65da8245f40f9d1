/* A file that appears whole or not at all: written beside its place under a temporary name, flushed
 * to the disk, renamed. */
#ifndef KOE_FILE_WRITER_H
#define KOE_FILE_WRITER_H

#include "../status.h"

#include <stddef.h>
#include <stdio.h>

typedef struct koe_file_writer {
  char *path;
  char *partial; /* path + ".partial" */
  FILE *file;    /* NULL once it is closed */
} koe_file_writer;

/* Begins `directory`/`name`.  `writer` is then released with koe_file_writer_abandon, also after a
 * failure.  Fails with KOE_IO, KOE_NOMEM. */
koe_status koe_file_writer_open(const char *directory, const char *name, koe_file_writer *writer,
                                koe_error *err);

/* Fails with KOE_IO. */
koe_status koe_file_writer_add(koe_file_writer *writer, const void *bytes, size_t length,
                               koe_error *err);

/* Flushes to the disk; the file still has its temporary name.  Fails with KOE_IO. */
koe_status koe_file_writer_close(koe_file_writer *writer, koe_error *err);

/* Gives a closed file its name, in place of any file that has it.  Fails with KOE_IO. */
koe_status koe_file_writer_publish(koe_file_writer *writer, koe_error *err);

/* Removes the temporary file if it is still there and frees the paths.  Takes a writer that is all
 * zero. */
void koe_file_writer_abandon(koe_file_writer *writer);

/* Makes a directory unless it is there.  Fails with KOE_IO. */
koe_status koe_make_directory(const char *path, koe_error *err);

/* Flushes the names in a directory to the disk.  Fails with KOE_IO. */
koe_status koe_flush_directory(const char *path, koe_error *err);

/* All of the above for one file in memory. */
koe_status koe_write_whole_file(const char *directory, const char *name, const void *bytes,
                                size_t length, koe_error *err);

#endif
