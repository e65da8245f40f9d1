#include "shared_models.h"

#include "checkpoint/weight_files.h"
#include "hash.h"
#include "memory.h"
#include "model_open.h"

#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

/* The files of a checkpoint directory as they are now: one replaced on the disk is another model.
 */
typedef struct file_identity {
  dev_t device;
  ino_t inode;
  off_t size;
  struct timespec modified;
} file_identity;

typedef struct identity {
  file_identity files[5];        /* the fifth has the weights, or the index of their shards */
  uint64_t shards;               /* hash over the identities of those */
  const koe_memory_file *memory; /* a directory in memory is its own identity */
} identity;

/* Weights in use, with the configuration that describes them. */
typedef struct shared_weights {
  identity id;
  bool int8; /* the same files in float32 are other weights */
  koe_config config;
  koe_backbone *backbone;
  size_t users; /* models */
  struct shared_weights *next;
} shared_weights;

typedef struct shared_model {
  koe_model *model;
  koe_model_options options;
  shared_weights *weights;
  size_t users;
  struct shared_model *next;
} shared_model;

/* An opening under way; the thread that does it has this on its stack. */
typedef struct opening {
  const identity *id;
  struct opening *next;
} opening;

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER; /* guards the lists */
static pthread_cond_t opening_ended = PTHREAD_COND_INITIALIZER;
static shared_weights *all_weights;
static shared_model *all_models;
static opening *openings;

/* Fills what is all zero, and stays so where the file is absent. */
static void identify_file(const char *path, file_identity *out) {
  struct stat info;
  if (stat(path, &info) != 0) return;
  out->device = info.st_dev;
  out->inode = info.st_ino;
  out->size = info.st_size;
  out->modified = info.st_mtim;
}

static koe_status identify(const koe_directory *directory, identity *out, koe_error *err) {
  static const char *const names[] = {"config.json", "vocab.txt", "tokenizer_config.json",
                                      "1_Pooling/config.json"};
  char path[4200];
  koe_weight_files weights;
  memset(out, 0, sizeof *out); /* padding too: compared as bytes */
  out->memory = directory->files;
  if (directory->files != NULL) return KOE_OK;
  for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
    snprintf(path, sizeof path, "%s/%s", directory->path, names[i]);
    identify_file(path, &out->files[i]);
  }
  koe_status status = koe_weight_files_find(directory, &weights, err);
  if (status == KOE_OK) identify_file(weights.items[0].path, &out->files[4]);
  for (size_t i = 1; i < weights.count && status == KOE_OK; i++) {
    file_identity shard;
    memset(&shard, 0, sizeof shard);
    identify_file(weights.items[i].path, &shard);
    out->shards = koe_hash(out->shards, &shard, sizeof shard);
  }
  koe_weight_files_clear(&weights);
  return status;
}

static bool same(const identity *a, const identity *b) {
  return memcmp(a, b, sizeof *a) == 0;
}

/* Waits until no other thread opens the same files, and keeps others from it; the mutex is held. */
static void begin_opening(opening *mine) {
  for (const opening *o = openings; o != NULL;) {
    if (same(o->id, mine->id)) {
      pthread_cond_wait(&opening_ended, &mutex);
      o = openings;
    } else {
      o = o->next;
    }
  }
  mine->next = openings;
  openings = mine;
}

static void end_opening(const opening *mine) {
  opening **link = &openings;
  while (*link != mine)
    link = &(*link)->next;
  *link = mine->next;
  pthread_cond_broadcast(&opening_ended);
}

static shared_model *find_model(const identity *id, const koe_model_options *options) {
  for (shared_model *m = all_models; m != NULL; m = m->next) {
    if (same(&m->weights->id, id) && koe_model_options_equal(&m->options, options)) return m;
  }
  return NULL;
}

static bool is_int8(const koe_model_options *options) {
  return options->precision == KOE_PRECISION_INT8;
}

static shared_weights *find_weights(const identity *id, bool int8) {
  shared_weights *w = all_weights;
  while (w != NULL && (w->int8 != int8 || !same(&w->id, id)))
    w = w->next;
  return w;
}

static shared_model *find_pointer(const koe_model *model) {
  shared_model *m = all_models;
  while (m->model != model)
    m = m->next;
  return m;
}

static void free_weights(shared_weights *weights) {
  if (weights == NULL) return;
  koe_backbone_free(weights->backbone);
  koe_config_clear(&weights->config);
  koe_free(weights);
}

static koe_status open_weights(const koe_directory *directory, const identity *id, bool int8,
                               const koe_kernels *kernels, shared_weights **out, koe_error *err) {
  *out = NULL;
  shared_weights *weights = koe_alloc_zero(1, sizeof *weights);
  if (weights == NULL) return koe_fail_nomem(err);
  weights->id = *id;
  weights->int8 = int8;
  koe_status status = koe_config_read_in(directory, &weights->config, err);
  if (status == KOE_OK) {
    status = koe_backbone_open(directory, &weights->config, kernels, int8 ? koe_int8_best() : NULL,
                               &weights->backbone, err);
  }
  if (status != KOE_OK) {
    free_weights(weights);
    return status;
  }
  *out = weights;
  return KOE_OK;
}

/* Opens the model, with weights of its own if it is given none.  Called without the mutex, by the
 * one thread whose opening is under way. */
static koe_status open_model(const koe_directory *directory, const identity *id,
                             const koe_model_options *options, shared_weights *weights,
                             koe_runtime *runtime, shared_model **out, koe_error *err) {
  koe_status status = KOE_OK;
  shared_weights *own = NULL;
  shared_model *shared = koe_alloc_zero(1, sizeof *shared);
  if (shared == NULL) return koe_fail_nomem(err);
  if (weights == NULL) {
    status = open_weights(directory, id, is_int8(options), runtime->kernels, &own, err);
    weights = own;
  }
  if (status == KOE_OK) {
    status = koe_model_open(directory, &weights->config, weights->backbone, options, runtime,
                            &shared->model, err);
  }
  if (status != KOE_OK) {
    free_weights(own);
    koe_free(shared);
    return status;
  }
  shared->options = *options;
  shared->weights = weights;
  shared->users = 1;
  *out = shared;
  return KOE_OK;
}

static void link_model(shared_model *shared, bool new_weights) {
  shared->next = all_models;
  all_models = shared;
  if (new_weights) {
    shared->weights->next = all_weights;
    all_weights = shared->weights;
    shared->weights->users++;
  }
}

/* Takes the weights out of the list if that was their last user; the caller frees the result. */
static shared_weights *drop_weights(shared_weights *weights) {
  if (--weights->users > 0) return NULL;
  shared_weights **link = &all_weights;
  while (*link != weights)
    link = &(*link)->next;
  *link = weights->next;
  return weights;
}

/* What the directory leaves to be said, so that all who compute alike share one model. */
static koe_status resolve_precision(const koe_directory *directory, koe_model_options *options,
                                    koe_error *err) {
  koe_config config;
  if (options->precision != KOE_PRECISION_STORED) return KOE_OK;
  koe_status status = koe_config_read_in(directory, &config, err);
  if (status == KOE_OK)
    options->precision = config.stored_int8 ? KOE_PRECISION_INT8 : KOE_PRECISION_FLOAT32;
  koe_config_clear(&config);
  return status;
}

koe_status koe_shared_open(const koe_directory *directory, const koe_model_options *asked,
                           koe_runtime *runtime, const koe_model **out, koe_error *err) {
  identity id;
  shared_weights *unused = NULL;
  koe_model_options resolved = *asked, *options = &resolved;
  koe_status status = identify(directory, &id, err);
  if (status == KOE_OK) status = resolve_precision(directory, options, err);
  if (status != KOE_OK) return status;
  opening mine = {.id = &id};

  pthread_mutex_lock(&mutex);
  begin_opening(&mine);
  shared_model *shared = find_model(&id, options);
  if (shared != NULL) {
    shared->users++;
  } else {
    shared_weights *weights = find_weights(&id, is_int8(options));
    if (weights != NULL) weights->users++; /* while the mutex is not held */
    pthread_mutex_unlock(&mutex);
    status = open_model(directory, &id, options, weights, runtime, &shared, err);
    pthread_mutex_lock(&mutex);
    if (status == KOE_OK) link_model(shared, weights == NULL);
    if (status != KOE_OK && weights != NULL) unused = drop_weights(weights);
  }
  end_opening(&mine);
  pthread_mutex_unlock(&mutex);
  free_weights(unused);
  if (status == KOE_OK) *out = shared->model;
  return status;
}

void koe_shared_retain(const koe_model *model) {
  pthread_mutex_lock(&mutex);
  find_pointer(model)->users++;
  pthread_mutex_unlock(&mutex);
}

void koe_shared_release(const koe_model *model) {
  if (model == NULL) return;
  shared_weights *unused = NULL;
  pthread_mutex_lock(&mutex);
  shared_model *shared = find_pointer(model);
  bool last = --shared->users == 0;
  if (last) {
    shared_model **link = &all_models;
    while (*link != shared)
      link = &(*link)->next;
    *link = shared->next;
    unused = drop_weights(shared->weights);
  }
  pthread_mutex_unlock(&mutex);
  if (!last) return;
  koe_model_free(shared->model);
  koe_free(shared);
  free_weights(unused);
}

const char *koe_shared_version(const koe_model *model) {
  /* Ids of the word 한국어 in the vocabularies that KoELECTRA's README tokenizes with. */
  static const struct {
    int32_t id;
    const char *version;
  } known[] = {{18429, "v1"}, {11229, "v3"}};
  if (model == NULL) return NULL;
  int32_t id = koe_tokenizer_id(koe_model_tokenizer(model), (koe_text){"한국어", 9});
  for (size_t i = 0; i < sizeof known / sizeof known[0]; i++) {
    if (known[i].id == id) return known[i].version;
  }
  return NULL;
}

const char *koe_shared_precision(const koe_model *model) {
  return model != NULL ? koe_model_backbone(model)->precision : NULL;
}

int64_t koe_shared_bytes(const koe_model *model) {
  if (model == NULL) return 0;
  return (int64_t)(koe_backbone_bytes(koe_model_backbone(model)) +
                   koe_tokenizer_bytes(koe_model_tokenizer(model)));
}
