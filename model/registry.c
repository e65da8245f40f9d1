#include "registry.h"

#include "memory.h"
#include "model_open.h"
#include "registration.h"
#include "runtime.h"
#include "shared_models.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { MAX_THREADS = 256, DEFAULT_CACHE_BYTES = 512 << 20 };

static const int64_t max_cache_bytes = INT64_C(1) << 46;

static const char default_name[] = "default";

/* The registry: all the mutable state there is. */
static pthread_mutex_t registry_mutex = PTHREAD_MUTEX_INITIALIZER; /* guards `registrations` */
static koe_registration *registrations;                            /* sorted by name */
static koe_runtime runtime;
static pthread_once_t runtime_once = PTHREAD_ONCE_INIT;

static int processors(void) {
  long count = sysconf(_SC_NPROCESSORS_ONLN);
  return count < 1 ? 1 : count > MAX_THREADS ? MAX_THREADS : (int)count;
}

static void init_runtime(void) {
  runtime.kernels = koe_kernels_best();
  koe_scratch_pool_init(&runtime.scratch);
  atomic_store(&runtime.threads, processors());
  atomic_store(&runtime.cache_bytes, DEFAULT_CACHE_BYTES);
}

static koe_runtime *get_runtime(void) {
  pthread_once(&runtime_once, init_runtime);
  return &runtime;
}

/* The link that points to the registration of `name`, or to where it would be inserted. */
static koe_registration **find(const char *name) {
  koe_registration **link = &registrations;
  while (*link != NULL && strcmp((*link)->name, name) < 0)
    link = &(*link)->next;
  return link;
}

static bool is_named(const koe_registration *registration, const char *name) {
  return registration != NULL && strcmp(registration->name, name) == 0;
}

/* Registers the model inside the library, where there is one, unless 'default' is taken.  Done when
 * names are looked at, not once: unloading a user's 'default' brings it back.  The mutex is held.
 */
static koe_status add_built_in(koe_error *err) {
  koe_registration **link = find(default_name);
  if (is_named(*link, default_name) || koe_directory_at(KOE_BUILT_IN).files == NULL) return KOE_OK;
  koe_registration *registration;
  koe_status status = koe_registration_new(default_name, KOE_BUILT_IN, NULL, &registration, err);
  if (status != KOE_OK) return status;
  registration->next = *link;
  *link = registration;
  return KOE_OK;
}

static void discard(koe_registration *registration) {
  if (registration == NULL) return;
  koe_shared_release(registration->model);
  koe_registration_free(registration);
}

koe_status koe_registry_load(const char *name, const char *directory, const char *options,
                             koe_error *err) {
  koe_registration *registration, *old = NULL;
  koe_status status = koe_registration_new(name, directory, options, &registration, err);
  if (status != KOE_OK) return status;
  pthread_mutex_lock(&registry_mutex);
  koe_registration **link = find(name);
  registration->next = *link;
  if (is_named(*link, name)) {
    old = *link;
    registration->next = old->next;
  }
  *link = registration;
  pthread_mutex_unlock(&registry_mutex);
  discard(old);
  return KOE_OK;
}

/* Fails for a name that is not registered; the mutex is held. */
static koe_status fail_unknown(const char *name, koe_error *err) {
  char names[256] = "";
  size_t used = 0;
  for (const koe_registration *r = registrations; r != NULL && used < sizeof names; r = r->next) {
    used += (size_t)snprintf(names + used, sizeof names - used, "%s'%s'", used > 0 ? ", " : "",
                             r->name);
  }
  return koe_fail(err, KOE_NOT_FOUND,
                  "no model is registered as '%.80s' (registered: %s): register a checkpoint "
                  "directory with SELECT koelectra_load('%.80s', '/path/to/directory')",
                  name, used > 0 ? names : "none", name);
}

koe_status koe_registry_unload(const char *name, koe_error *err) {
  koe_registration *old = NULL;
  pthread_mutex_lock(&registry_mutex);
  koe_status status = add_built_in(err);
  koe_registration **link = find(name);
  if (status == KOE_OK && is_named(*link, name)) {
    old = *link;
    *link = old->next;
  } else if (status == KOE_OK) {
    status = fail_unknown(name, err);
  }
  pthread_mutex_unlock(&registry_mutex);
  discard(old);
  return status;
}

/* Gives the registration, if it is still there, its opened model to keep. */
static void remember(uint64_t serial, const char *name, const koe_model *model) {
  pthread_mutex_lock(&registry_mutex);
  koe_registration *registration = *find(name);
  if (is_named(registration, name) && registration->serial == serial &&
      registration->model == NULL) {
    koe_shared_retain(model);
    registration->model = model;
  }
  pthread_mutex_unlock(&registry_mutex);
}

koe_status koe_registry_acquire(const char *name, const koe_model **out, koe_error *err) {
  char *path = NULL;
  koe_model_options options;
  uint64_t serial = 0;
  if (name == NULL) name = default_name;
  *out = NULL;

  pthread_mutex_lock(&registry_mutex);
  koe_status status = add_built_in(err);
  const koe_registration *registration = *find(name);
  if (status != KOE_OK) {
    /* nothing is given */
  } else if (!is_named(registration, name)) {
    status = fail_unknown(name, err);
  } else if (registration->model != NULL) {
    koe_shared_retain(registration->model);
    *out = registration->model;
  } else {
    options = registration->options;
    serial = registration->serial;
    path = koe_copy_string(registration->directory, strlen(registration->directory));
    if (path == NULL) status = koe_fail_nomem(err);
  }
  pthread_mutex_unlock(&registry_mutex);
  if (path == NULL) return status;

  /* Without the registry's lock: other models stay usable while this one opens. */
  koe_directory directory = koe_directory_at(path);
  status = koe_shared_open(&directory, &options, get_runtime(), out, err);
  if (status == KOE_OK) remember(serial, name, *out);
  koe_free(path);
  return status;
}

void koe_registry_retain(const koe_model *model) {
  koe_shared_retain(model);
}

void koe_registry_release(const koe_model *model) {
  koe_shared_release(model);
}

static koe_status describe(const koe_registration *registration, koe_registry_entry *out,
                           koe_error *err) {
  const struct {
    const char *from;
    char **to;
  } strings[] = {{registration->name, &out->name},
                 {registration->directory, &out->path},
                 {registration->architecture, &out->architecture},
                 {registration->labels, &out->labels},
                 {koe_shared_version(registration->model), &out->version},
                 {koe_shared_precision(registration->model), &out->precision}};
  for (size_t i = 0; i < sizeof strings / sizeof strings[0]; i++) {
    if (strings[i].from == NULL) continue;
    *strings[i].to = koe_copy_string(strings[i].from, strlen(strings[i].from));
    if (*strings[i].to == NULL) return koe_fail_nomem(err);
  }
  out->hidden_size = registration->hidden_size;
  out->num_hidden_layers = registration->num_hidden_layers;
  out->pooling = registration->pooling;
  out->loaded = registration->model != NULL;
  out->task = registration->task;
  if (out->loaded) {
    koe_head_kind kind = koe_model_head(registration->model);
    out->task = kind != KOE_HEADS ? koe_head_task(kind) : NULL;
  }
  out->bytes = koe_shared_bytes(registration->model);
  if (out->loaded) out->fingerprint = koe_model_fingerprint(registration->model);
  return KOE_OK;
}

koe_status koe_registry_list(koe_registry_entry **out, size_t *count, koe_error *err) {
  size_t capacity = 0;
  *out = NULL;
  *count = 0;
  pthread_mutex_lock(&registry_mutex);
  koe_status status = add_built_in(err);
  for (const koe_registration *r = registrations; r != NULL && status == KOE_OK; r = r->next) {
    if (!koe_grow(out, &capacity, *count + 1, sizeof **out)) {
      status = koe_fail_nomem(err);
      break;
    }
    memset(&(*out)[*count], 0, sizeof **out);
    status = describe(r, &(*out)[(*count)++], err);
  }
  pthread_mutex_unlock(&registry_mutex);
  if (status != KOE_OK) {
    koe_registry_entries_free(*out, *count);
    *out = NULL;
    *count = 0;
  }
  return status;
}

void koe_registry_entries_free(koe_registry_entry *entries, size_t count) {
  for (size_t i = 0; i < count; i++) {
    koe_free(entries[i].name);
    koe_free(entries[i].path);
    koe_free(entries[i].architecture);
    koe_free(entries[i].version);
    koe_free(entries[i].labels);
    koe_free(entries[i].precision);
  }
  koe_free(entries);
}

static koe_status fail_key(const char *key, koe_error *err) {
  return koe_fail(err, KOE_INVALID, "no setting \"%.60s\": there are threads and cache_bytes", key);
}

koe_status koe_registry_config_get(const char *key, int64_t *out, koe_error *err) {
  const koe_runtime *r = get_runtime();
  if (strcmp(key, "threads") == 0) {
    *out = atomic_load(&r->threads);
  } else if (strcmp(key, "cache_bytes") == 0) {
    *out = atomic_load(&r->cache_bytes);
  } else {
    return fail_key(key, err);
  }
  return KOE_OK;
}

koe_status koe_registry_config_set(const char *key, int64_t value, koe_error *err) {
  koe_runtime *r = get_runtime();
  if (strcmp(key, "threads") == 0) {
    if (value < 1 || value > MAX_THREADS) {
      return koe_fail(err, KOE_INVALID, "threads is a number from 1 to %d", MAX_THREADS);
    }
    atomic_store(&r->threads, (int)value);
  } else if (strcmp(key, "cache_bytes") == 0) {
    if (value < 0 || value > max_cache_bytes) {
      return koe_fail(err, KOE_INVALID, "cache_bytes is a number from 0, no cache, to %lld",
                      (long long)max_cache_bytes);
    }
    atomic_store(&r->cache_bytes, value);
  } else {
    return fail_key(key, err);
  }
  return KOE_OK;
}

const char *koe_registry_kernels(void) {
  return get_runtime()->kernels->name;
}

void koe_registry_clear(void) {
  pthread_mutex_lock(&registry_mutex);
  koe_registration *all = registrations;
  registrations = NULL;
  pthread_mutex_unlock(&registry_mutex);
  while (all != NULL) {
    koe_registration *next = all->next;
    discard(all);
    all = next;
  }
  koe_scratch_pool_clear(&get_runtime()->scratch);
}
