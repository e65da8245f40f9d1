/* Paths of files in a checkpoint directory. */
#ifndef KOE_PATH_H
#define KOE_PATH_H

#include "status.h"

#include <stdbool.h>

/* `directory`/`name`; the caller frees with koe_free.  NULL if memory is short. */
char *koe_path_join(const char *directory, const char *name);

/* Whether anything is at `path`, readable or not. */
bool koe_path_exists(const char *path);

/* Fails with KOE_IO, naming the path, unless `path` is a directory that can be searched. */
koe_status koe_path_check_directory(const char *path, koe_error *err);

#endif
