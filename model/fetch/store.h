/* The hub's cache, written: see ../hub_cache.h for what is where in it.  Besides,
 *
 *   CACHE/models--ORG--NAME/blobs/HASH.incomplete      the first bytes of a file
 *   CACHE/.locks/models--ORG--NAME/HASH.lock           flock(2): who writes them
 *
 * as Hugging Face's tools do, so that each goes on from where the other was interrupted.  Files
 * appear under their names whole or not at all. */
#ifndef KOE_FETCH_STORE_H
#define KOE_FETCH_STORE_H

#include "../hub_cache.h"
#include "../status.h"
#include "hub.h"

#include <stdbool.h>
#include <stdint.h>

typedef struct koe_store {
  char *folder; /* CACHE/models--ORG--NAME */
  char *locks;  /* CACHE/.locks/models--ORG--NAME */
} koe_store;

/* Makes the directories.  koe_store_close releases `store`, also after a failure.  All below fail
 * with KOE_IO, KOE_NOMEM. */
koe_status koe_store_open(const koe_hub_name *name, koe_store *store, koe_error *err);
void koe_store_close(koe_store *store);

/* Locks the blob of `hash` against other programs; `*lock` is for koe_store_unlock.  False in
 * `*locked`: another has it. */
koe_status koe_store_lock(const koe_store *store, const char *hash, int *lock, bool *locked,
                          koe_error *err);
void koe_store_unlock(int lock);

/* Whether the blob is there, with that size. */
bool koe_store_has(const koe_store *store, const koe_hub_file *file);

/* The path of blobs/HASH.incomplete; the caller frees with koe_free.  NULL if memory is short. */
char *koe_store_incomplete(const koe_store *store, const char *hash);

/* Fails with KOE_IO if the disk has no room for the rest of a file. */
koe_status koe_store_check_room(const koe_store *store, const char *name, const koe_hub_file *file,
                                koe_error *err);

/* Makes blobs/HASH of blobs/HASH.incomplete, if that has the bytes that the hash is of; otherwise
 * removes it and fails with KOE_FORMAT. */
koe_status koe_store_finish(const koe_store *store, const char *name, const koe_hub_file *file,
                            koe_error *err);

/* Links snapshots/`commit`/`name` to a blob. */
koe_status koe_store_link(const koe_store *store, const char *commit, const char *name,
                          const char *hash, koe_error *err);

/* Writes refs/`revision`, unless that is the commit itself. */
koe_status koe_store_refer(const koe_store *store, const char *revision, const char *commit,
                           koe_error *err);

/* The path of snapshots/`commit`; the caller frees with koe_free. */
koe_status koe_store_snapshot(const koe_store *store, const char *commit, char **out,
                              koe_error *err);

#endif
