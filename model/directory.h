/* Where the files of a checkpoint are: a directory of the disk, or ranges of memory with the same
 * names, as the model inside the library has them. */
#ifndef KOE_DIRECTORY_H
#define KOE_DIRECTORY_H

#include "file_map.h"
#include "status.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What stands for a path where the model inside the library is meant. */
#define KOE_BUILT_IN ":built-in:"

/* A file in memory. */
typedef struct koe_memory_file {
  const char *name; /* within the directory, as "1_Pooling/config.json" */
  const uint8_t *bytes;
  const uint8_t *end; /* behind the last byte */
} koe_memory_file;

typedef struct koe_directory {
  const char *path;             /* begins the names of files in messages; borrowed */
  const koe_memory_file *files; /* [count], borrowed; NULL: `path` is on the disk */
  size_t count;
} koe_directory;

/* The directory that `path` names: KOE_BUILT_IN is the model inside the library where there is one,
 * all else is a path of the disk.  Looks at nothing yet; borrows `path`. */
koe_directory koe_directory_at(const char *path);

/* Fails with KOE_IO, naming the path, unless the directory can be searched. */
koe_status koe_directory_check(const koe_directory *directory, koe_error *err);

/* The two below take a file's name and its path, which koe_path_join has made of the directory's
 * path and the name. */

/* Whether anything is there, readable or not. */
bool koe_directory_has(const koe_directory *directory, const char *name, const char *path);

/* Maps a file; koe_file_map_close ends that.  Fails with KOE_IO, naming the path, if it is missing,
 * unreadable or not a regular file. */
koe_status koe_directory_open(const koe_directory *directory, const char *name, const char *path,
                              koe_file_map *out, koe_error *err);

#endif
