/* A directory that appears whole or not at all: filled beside its place under a temporary name,
 * then renamed. */
#ifndef KOE_PARTIAL_DIRECTORY_H
#define KOE_PARTIAL_DIRECTORY_H

#include "../status.h"

typedef struct koe_partial_directory {
  char *path; /* to fill: `target` + ".XXXXXX"; NULL once it is published */
  char *target;
} koe_partial_directory;

/* Fails with KOE_INVALID if anything is at `target` already, or it is empty. */
koe_status koe_partial_directory_check(const char *target, koe_error *err);

/* Makes the directory to fill.  koe_partial_directory_abandon releases `out`, also after a failure.
 * Fails with KOE_IO, KOE_NOMEM. */
koe_status koe_partial_directory_open(const char *target, koe_partial_directory *out,
                                      koe_error *err);

/* Gives it its name.  Fails with KOE_INVALID (something is there by now), KOE_IO. */
koe_status koe_partial_directory_publish(koe_partial_directory *partial, koe_error *err);

/* Removes what is not published.  Takes one that is all zero. */
void koe_partial_directory_abandon(koe_partial_directory *partial);

#endif
