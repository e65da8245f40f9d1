/* A model of the hub, fetched into the cache that Hugging Face's tools share (store.h). */
#ifndef KOE_FETCH_H
#define KOE_FETCH_H

#include "../hub_cache.h"
#include "../status.h"
#include "progress.h"

#include <stdbool.h>

typedef struct koe_fetch_options {
  koe_hub_name name;
  const char *endpoint; /* URL of the hub, without a slash at its end */
  const char *token;    /* or NULL */
  long patience;        /* seconds without a byte that are too many */
  bool all;             /* every file, not those that are read alone */
  bool offline;         /* look into the cache only */
} koe_fetch_options;

typedef struct koe_fetch_report {
  char *snapshot; /* path of the directory with the model's files; the caller frees with koe_free */
  /* after a failure */
  bool unreachable; /* no answer, or one of a hub that is out of order: try again later */
  bool refused;     /* no such model, revision or file, or not for this user */
} koe_fetch_report;

/* Brings what is missing; what is there already is not asked for again.  refs/REVISION is written
 * last, so koelectra_load finds the old commit or the whole new one.  Fails with KOE_IO,
 * KOE_NOT_FOUND, KOE_FORMAT, KOE_INVALID (an endpoint that is no URL; interrupted), KOE_NOMEM. */
koe_status koe_fetch(const koe_fetch_options *options, koe_progress *progress,
                     koe_fetch_report *report, koe_error *err);

#endif
