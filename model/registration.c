#include "registration.h"

#include "checkpoint/weight_files.h"
#include "config.h"
#include "hub_cache.h"
#include "memory.h"

#include <errno.h>
#include <jansson.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { MAX_NAME = 64 };

static atomic_uint_fast64_t next_serial = 1;

/* The path of what is there, or of the snapshot of the hub's model that `path` names; freed with
 * koe_free.  `*fetched` says which. */
static koe_status find_directory(const char *path, char **out, bool *fetched, koe_error *err) {
  koe_hub_name name;
  struct stat info;
  *fetched = stat(path, &info) != 0 && (errno == ENOENT || errno == ENOTDIR) &&
             koe_hub_name_parse(path, &name);
  if (*fetched) return koe_hub_cache_find(&name, out, err);
  *out = koe_copy_string(path, strlen(path));
  return *out != NULL ? KOE_OK : koe_fail_nomem(err);
}

/* The path made absolute, links resolved; that of the model inside the library is itself. */
static koe_status resolve(const char *path, char **out, bool *fetched, koe_error *err) {
  char *found = NULL;
  *fetched = false;
  if (koe_directory_at(path).files != NULL) {
    *out = koe_copy_string(path, strlen(path));
    return *out != NULL ? KOE_OK : koe_fail_nomem(err);
  }
  koe_status status = find_directory(path, &found, fetched, err);
  if (status != KOE_OK) return status;
  char *resolved = realpath(found, NULL);
  if (resolved == NULL) {
    status = koe_fail(err, errno == ENOMEM ? KOE_NOMEM : KOE_IO, "cannot open directory %.200s: %s",
                      found, strerror(errno));
  } else if ((*out = koe_copy_string(resolved, strlen(resolved))) == NULL) {
    status = koe_fail_nomem(err);
  }
  free(resolved);
  koe_free(found);
  return status;
}

static koe_status check_files(const char *directory, koe_error *err) {
  char path[4200];
  koe_weight_files weights;
  koe_directory at = koe_directory_at(directory);
  snprintf(path, sizeof path, "%s/vocab.txt", directory);
  if (at.files == NULL && access(path, R_OK) != 0) {
    return koe_fail(err, KOE_IO, "cannot read %.300s: %s", path, strerror(errno));
  }
  koe_status status = koe_weight_files_find(&at, &weights, err);
  koe_weight_files_clear(&weights);
  return status;
}

static koe_status labels_json(const koe_config *config, char **out, koe_error *err) {
  if (config->labels == NULL) return KOE_OK;
  json_t *array = json_array();
  for (int32_t i = 0; i < config->num_labels; i++) {
    if (json_array_append_new(array, json_string(config->labels[i])) != 0) {
      json_decref(array);
      return koe_fail_nomem(err);
    }
  }
  char *text = json_dumps(array, JSON_COMPACT);
  json_decref(array);
  if (text != NULL) *out = koe_copy_string(text, strlen(text));
  free(text);
  return *out != NULL ? KOE_OK : koe_fail_nomem(err);
}

static koe_status describe(koe_registration *registration, koe_error *err) {
  koe_config config;
  koe_status status = koe_config_read(registration->directory, &config, err);
  if (status != KOE_OK) goto cleanup;
  if (registration->options.max_length > config.max_position_embeddings) {
    status = koe_fail(err, KOE_INVALID, "option max_length is %d, but the model has %d positions",
                      (int)registration->options.max_length, (int)config.max_position_embeddings);
    goto cleanup;
  }
  strcpy(registration->architecture, config.architecture);
  koe_head_kind kind = koe_head_of_architecture(config.architecture);
  if (kind != KOE_HEADS) registration->task = koe_head_task(kind);
  registration->hidden_size = config.hidden_size;
  registration->num_hidden_layers = config.num_hidden_layers;
  registration->pooling = registration->options.pooling >= 0
                              ? (koe_pooling)registration->options.pooling
                              : config.pooling;
  status = labels_json(&config, &registration->labels, err);

cleanup:
  koe_config_clear(&config);
  return status;
}

/* What `err` says is missing in the hub's cache, and how to get it. */
static koe_status fail_incomplete(const char *name, koe_error *err) {
  koe_error missing = *err;
  return koe_fail(err, KOE_IO, "%.300s; the rest of the model comes with koelectra-fetch %.150s",
                  missing.message, name);
}

koe_status koe_registration_new(const char *name, const char *directory, const char *options,
                                koe_registration **out, koe_error *err) {
  *out = NULL;
  size_t length = strlen(name);
  if (length == 0 || length > MAX_NAME) {
    return koe_fail(err, KOE_INVALID, "a model's name has 1 to %d bytes", MAX_NAME);
  }
  koe_registration *registration = koe_alloc_zero(1, sizeof *registration);
  if (registration == NULL) return koe_fail_nomem(err);
  bool fetched = false;
  registration->serial = atomic_fetch_add(&next_serial, 1);
  registration->name = koe_copy_string(name, length);
  koe_status status = registration->name != NULL ? KOE_OK : koe_fail_nomem(err);
  if (status == KOE_OK) status = koe_model_options_parse(options, &registration->options, err);
  if (status == KOE_OK) status = resolve(directory, &registration->directory, &fetched, err);
  if (status == KOE_OK) status = describe(registration, err);
  if (status == KOE_OK) status = check_files(registration->directory, err);
  if (status == KOE_IO && fetched && registration->directory != NULL) {
    status = fail_incomplete(directory, err);
  }
  if (status != KOE_OK) {
    koe_registration_free(registration);
    return status;
  }
  *out = registration;
  return KOE_OK;
}

void koe_registration_free(koe_registration *registration) {
  if (registration == NULL) return;
  koe_free(registration->name);
  koe_free(registration->directory);
  koe_free(registration->labels);
  koe_free(registration);
}
