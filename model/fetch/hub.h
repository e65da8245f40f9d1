/* A model on the hub: which files it has, and each of them.
 *
 *   GET  ENDPOINT/api/models/ORG/NAME/revision/REVISION     {"sha": COMMIT, "siblings": [
 *                                                             {"rfilename": FILE}, …]}
 *   HEAD ENDPOINT/ORG/NAME/resolve/COMMIT/FILE              hash and size of a file
 *   GET  ENDPOINT/ORG/NAME/resolve/COMMIT/FILE              redirects to where its bytes are
 *
 * Requests that fail for a moment (connections that end, codes 408, 429, 500, 502, 503, 504) are
 * repeated, five times in a row at most, after the time the hub asks for or 1, 2, 4, 8 seconds.
 * Source: https://huggingface.co/docs/hub/api and what huggingface_hub sends. */
#ifndef KOE_FETCH_HUB_H
#define KOE_FETCH_HUB_H

#include "../hub_cache.h"
#include "../status.h"
#include "http.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct koe_hub {
  koe_http *http;
  const char *endpoint;     /* without a slash at its end */
  const koe_hub_name *name; /* borrowed, as the endpoint */
  bool has_token;
  /* of the last failure */
  bool unreachable; /* no answer, or one of a hub that is out of order */
  bool refused;     /* no such model, revision or file, or not for this user */
} koe_hub;

/* The files of a commit; names are relative paths without "..". */
typedef struct koe_hub_files {
  char commit[KOE_HUB_COMMIT + 1];
  char **names; /* [count] */
  size_t count;
} koe_hub_files;

/* What identifies the bytes of a file. */
typedef struct koe_hub_file {
  char hash[65]; /* SHA-256 in 64 digits, or the SHA-1 of git's blob in 40 */
  int64_t size;
} koe_hub_file;

/* Opens no connection yet.  koe_hub_close releases what `hub` has, also after a failure.  Fails as
 * koe_http_open. */
koe_status koe_hub_open(koe_hub *hub, const koe_hub_name *name, const char *endpoint,
                        const char *token, long patience, koe_error *err);
void koe_hub_close(koe_hub *hub);

/* Asks for the files of the name's revision; koe_hub_files_clear releases `out`, also after a
 * failure.  Fails with KOE_IO, KOE_NOT_FOUND, KOE_FORMAT (an answer that is none of a hub's),
 * KOE_INVALID (interrupted), KOE_NOMEM. */
koe_status koe_hub_list(koe_hub *hub, koe_hub_files *out, koe_error *err);
void koe_hub_files_clear(koe_hub_files *files);

/* Asks for hash and size of a file.  Fails as koe_hub_list. */
koe_status koe_hub_describe(koe_hub *hub, const char *commit, const char *file, koe_hub_file *out,
                            koe_error *err);

/* Called with the bytes that are on the disk so far. */
typedef void koe_hub_progress(void *context, int64_t bytes);

/* Completes the file at `path`, which may have the first bytes of `file`, to its size or more.
 * What has come stays there whatever happens.  Fails as koe_hub_list; with KOE_IO also if the disk
 * is full. */
koe_status koe_hub_download(koe_hub *hub, const char *commit, const char *name,
                            const koe_hub_file *file, const char *path, koe_hub_progress *progress,
                            void *context, koe_error *err);

#endif
