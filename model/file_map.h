/* A whole file, read-only: mapped, or in memory that another owns. */
#ifndef KOE_FILE_MAP_H
#define KOE_FILE_MAP_H

#include "status.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct koe_file_map {
  const uint8_t *data; /* page-aligned if mapped; NULL if the file is empty */
  size_t size;         /* bytes */
  bool borrowed;       /* not mapped: closing leaves the bytes alone */
} koe_file_map;

/* Maps `path`.  Pages are read when touched.  Fails with KOE_IO, naming the path, if it is missing,
 * unreadable or not a regular file.  The file must not be truncated while it is mapped: replace a
 * checkpoint by renaming a new file over it, as the hub's tools do. */
koe_status koe_file_map_open(const char *path, koe_file_map *out, koe_error *err);

/* Lets go of the memory of whole pages within the `size` bytes at `data`; they are read from the
 * file again when touched.  Does nothing for bytes that are not of the map, or borrowed. */
void koe_file_map_release(const koe_file_map *map, const void *data, size_t size);

/* Takes a map that is all zero. */
void koe_file_map_close(koe_file_map *map);

#endif
