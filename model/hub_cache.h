/* Models of the Hugging Face hub by name, in the cache of the disk that its tools share.
 *
 *   CACHE/models--ORG--NAME/refs/REVISION          the commit that a branch or tag means
 *   CACHE/models--ORG--NAME/snapshots/COMMIT/…     the files of a commit, links to
 *   CACHE/models--ORG--NAME/blobs/HASH             what they hold
 *
 * CACHE is $HF_HUB_CACHE, else $HF_HOME/hub, else $XDG_CACHE_HOME/huggingface/hub, else
 * ~/.cache/huggingface/hub.  A variable that is empty counts as not set; "~/" at the beginning of
 * one is the home directory.  Nothing here writes or uses the network: koelectra-fetch does.
 * Source: https://huggingface.co/docs/hub/local-cache. */
#ifndef KOE_HUB_CACHE_H
#define KOE_HUB_CACHE_H

#include "status.h"

#include <stdbool.h>

enum {
  KOE_HUB_COMMIT = 40,        /* digits */
  KOE_HUB_MAX_PART = 96,      /* of ORG, and of NAME */
  KOE_HUB_MAX_REVISION = 255, /* the longest name of a file */
  KOE_HUB_MAX_FOLDER = 2 * KOE_HUB_MAX_PART + 16
};

typedef struct koe_hub_name {
  char repository[2 * KOE_HUB_MAX_PART + 2]; /* "ORG/NAME" */
  char revision[KOE_HUB_MAX_REVISION + 1];   /* branch, tag or commit */
} koe_hub_name;

/* Takes "ORG/NAME" or "ORG/NAME@REVISION" apart; the revision is "main" where none is named.  False
 * if `text` is neither. */
bool koe_hub_name_parse(const char *text, koe_hub_name *out);

/* Whether `revision` can be a branch, tag or commit, and the name of a file below refs/. */
bool koe_hub_is_revision(const char *revision);

/* Whether `text` is the full hash of a commit: 40 hexadecimal digits, in lower case. */
bool koe_hub_is_commit(const char *text);

/* Each gives a path in `*out`, which the caller frees with koe_free.  They fail with KOE_IO (there
 * is neither a variable nor a home directory to tell), KOE_NOMEM. */

/* $HF_HOME or what stands for it: the folder of the user's token. */
koe_status koe_hub_home(char **out, koe_error *err);

/* CACHE above. */
koe_status koe_hub_cache_path(char **out, koe_error *err);

/* "models--ORG--NAME". */
void koe_hub_folder_name(const koe_hub_name *name, char out[KOE_HUB_MAX_FOLDER]);

/* The directory that holds the snapshot of a model; the caller frees it with koe_free.  Fails with
 * KOE_IO, saying what was looked for where and how to fetch it, KOE_FORMAT (refs/REVISION holds no
 * commit), KOE_NOMEM. */
koe_status koe_hub_cache_find(const koe_hub_name *name, char **out, koe_error *err);

#endif
