#include "fetch.h"

#include "../checkpoint/weight_files.h"
#include "../memory.h"
#include "../path.h"
#include "file_choice.h"
#include "hub.h"
#include "store.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What one run has to do with. */
typedef struct run {
  const koe_fetch_options *options;
  koe_hub hub;
  koe_store store;
  koe_progress *progress;
} run;

/* Waits until no other program fetches the same bytes. */
static koe_status lock(run *r, const char *name, const koe_hub_file *file, int *out,
                       koe_error *err) {
  char message[512];
  bool locked = false, told = false;
  for (;;) {
    koe_status status = koe_store_lock(&r->store, file->hash, out, &locked, err);
    if (status != KOE_OK || locked) return status;
    if (koe_http_interrupted()) return koe_fail(err, KOE_INVALID, "interrupted");
    snprintf(message, sizeof message, "waiting for another program, which fetches %.300s", name);
    if (!told) koe_progress_say(r->progress, message);
    told = true;
    koe_http_sleep(0.2);
  }
}

/* Brings the bytes of a file; the lock is held. */
static koe_status download(run *r, const char *commit, const char *name, const koe_hub_file *file,
                           koe_error *err) {
  char *path = koe_store_incomplete(&r->store, file->hash);
  if (path == NULL) return koe_fail_nomem(err);
  koe_status status = koe_store_check_room(&r->store, name, file, err);
  if (status == KOE_OK) {
    status =
        koe_hub_download(&r->hub, commit, name, file, path, koe_progress_update, r->progress, err);
  }
  koe_free(path);
  return status == KOE_OK ? koe_store_finish(&r->store, name, file, err) : status;
}

static koe_status fetch_blob(run *r, const char *commit, const char *name, const koe_hub_file *file,
                             bool *was_there, koe_error *err) {
  int held = -1;
  *was_there = koe_store_has(&r->store, file);
  if (*was_there) return KOE_OK;
  koe_status status = lock(r, name, file, &held, err);
  if (status != KOE_OK) return status;
  *was_there = koe_store_has(&r->store, file);
  if (!*was_there) {
    status = download(r, commit, name, file, err);
    /* Bytes of an earlier, interrupted run may be what is wrong. */
    if (status == KOE_FORMAT && r->progress->first > 0)
      status = download(r, commit, name, file, err);
  }
  koe_store_unlock(held);
  return status;
}

/* A file to fetch. */
typedef struct item {
  const char *name;
  koe_hub_file file;
} item;

static koe_status fetch_item(run *r, const char *commit, const item *it, koe_error *err) {
  bool was_there;
  koe_progress_begin(r->progress, it->name, it->file.size);
  koe_status status = fetch_blob(r, commit, it->name, &it->file, &was_there, err);
  if (status == KOE_OK) status = koe_store_link(&r->store, commit, it->name, it->file.hash, err);
  if (status == KOE_OK) {
    koe_progress_end(r->progress, was_there);
  } else {
    koe_progress_abandon(r->progress);
  }
  return status;
}

static int by_size(const void *left, const void *right) {
  const item *a = left, *b = right;
  if (a->file.size != b->file.size) return a->file.size < b->file.size ? -1 : 1;
  return strcmp(a->name, b->name);
}

/* Fetches what is chosen and not `done` yet, small files first: what they lack is found out before
 * the large ones come. */
static koe_status fetch_chosen(run *r, const koe_hub_files *files, const bool *chosen, bool *done,
                               koe_error *err) {
  size_t count = 0;
  item *items = koe_alloc(files->count, sizeof *items);
  koe_status status = items != NULL ? KOE_OK : koe_fail_nomem(err);
  for (size_t i = 0; i < files->count && status == KOE_OK; i++) {
    if (!chosen[i] || done[i]) continue;
    items[count].name = files->names[i];
    status = koe_hub_describe(&r->hub, files->commit, files->names[i], &items[count++].file, err);
    done[i] = true;
  }
  if (status == KOE_OK && count > 0) qsort(items, count, sizeof *items, by_size);
  for (size_t i = 0; i < count && status == KOE_OK; i++)
    status = fetch_item(r, files->commit, &items[i], err);
  koe_free(items);
  return status;
}

static koe_status fetch_files(run *r, const koe_hub_files *files, const char *snapshot,
                              koe_error *err) {
  const char *index;
  bool *chosen = koe_alloc_zero(files->count, sizeof *chosen);
  bool *done = koe_alloc_zero(files->count, sizeof *done);
  koe_status status = chosen != NULL && done != NULL ? KOE_OK : koe_fail_nomem(err);
  if (status == KOE_OK) {
    status =
        koe_choose_files(files, r->options->name.repository, r->options->all, chosen, &index, err);
    r->hub.refused = status == KOE_NOT_FOUND;
  }
  if (status == KOE_OK) status = fetch_chosen(r, files, chosen, done, err);
  if (status == KOE_OK && index != NULL) {
    status = koe_choose_shards(files, snapshot, index, chosen, err);
    if (status == KOE_OK) status = fetch_chosen(r, files, chosen, done, err);
  }
  koe_free(chosen);
  koe_free(done);
  return status;
}

static koe_status fetch_online(run *r, koe_fetch_report *report, koe_error *err) {
  const koe_fetch_options *o = r->options;
  koe_hub_files files = {0};
  koe_status status = koe_hub_open(&r->hub, &o->name, o->endpoint, o->token, o->patience, err);
  if (status == KOE_OK) status = koe_hub_list(&r->hub, &files, err);
  if (status == KOE_OK) status = koe_store_open(&o->name, &r->store, err);
  if (status == KOE_OK) {
    status = koe_store_snapshot(&r->store, files.commit, &report->snapshot, err);
  }
  if (status == KOE_OK) status = fetch_files(r, &files, report->snapshot, err);
  if (status == KOE_OK) {
    status = koe_store_refer(&r->store, o->name.revision, files.commit, err);
  }
  report->unreachable = status != KOE_OK && r->hub.unreachable;
  report->refused = status != KOE_OK && r->hub.refused;
  koe_hub_files_clear(&files);
  koe_store_close(&r->store);
  koe_hub_close(&r->hub);
  return status;
}

/* The model's files as they are in the cache, if what koelectra_load needs is among them. */
static koe_status find_offline(const koe_hub_name *name, koe_fetch_report *report, koe_error *err) {
  static const char *const needed[] = {"config.json", "vocab.txt"};
  koe_weight_files weights = {0};
  koe_error missing;
  koe_status status = koe_hub_cache_find(name, &report->snapshot, &missing);
  for (size_t i = 0; i < sizeof needed / sizeof needed[0] && status == KOE_OK; i++) {
    char *path = koe_path_join(report->snapshot, needed[i]);
    if (path == NULL) return koe_fail_nomem(err);
    if (!koe_path_exists(path)) status = koe_fail(&missing, KOE_IO, "no %.300s", path);
    koe_free(path);
  }
  if (status == KOE_OK) {
    koe_directory directory = koe_directory_at(report->snapshot);
    status = koe_weight_files_find(&directory, &weights, &missing);
  }
  koe_weight_files_clear(&weights);
  if (status == KOE_OK) return KOE_OK;
  return koe_fail(err, status, "HF_HUB_OFFLINE is set, so nothing is fetched: %.400s",
                  missing.message);
}

koe_status koe_fetch(const koe_fetch_options *options, koe_progress *progress,
                     koe_fetch_report *report, koe_error *err) {
  run r = {.options = options, .progress = progress};
  memset(report, 0, sizeof *report);
  koe_status status = options->offline ? find_offline(&options->name, report, err)
                                       : fetch_online(&r, report, err);
  if (status != KOE_OK) {
    koe_free(report->snapshot);
    report->snapshot = NULL;
  }
  return status;
}
