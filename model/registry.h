/* The models of the process by name, and the process's settings.  The only global mutable state of
 * model/, and the only lock that callers share.
 *
 * koe_registry_load checks a directory and remembers it under a name; the weights are opened on
 * first use, once however many threads ask, and are shared by every name that means the same weight
 * file.  A model in use stays valid after its name is unloaded: the last user frees it.
 *
 * Where the library has a model inside, "default" is that model as long as nothing else is
 * registered under the name. */
#ifndef KOE_REGISTRY_H
#define KOE_REGISTRY_H

#include "model.h"
#include "status.h"

#include <stdbool.h>
#include <stdint.h>

/* Registers `directory` as `name`, or re-registers it: users of the old model keep it.  The
 * directory ":built-in:" is the model inside the library, where there is one; "ORG/NAME" or
 * "ORG/NAME@REVISION", where no such directory is, a model that koelectra-fetch has put into the
 * cache of the hub's models (hub_cache.h).  `options` is a JSON
 * object or NULL: {"pooling": "mean"|"cls", "max_length": n, "normalize": "none"|"nfc",
 * "precision": "float32"|"int8", "aggregation": "word"|"token"}.
 * Reads config.json and vocab.txt's presence, not the weights.  Fails with KOE_INVALID (name,
 * options), KOE_IO, KOE_FORMAT, KOE_NOMEM. */
koe_status koe_registry_load(const char *name, const char *directory, const char *options,
                             koe_error *err);

/* Forgets `name`.  "default" then is the model inside the library again, not open, where there is
 * one.  Fails with KOE_NOT_FOUND, KOE_NOMEM. */
koe_status koe_registry_unload(const char *name, koe_error *err);

/* The model called `name`, opened if it is not; NULL means "default".  The caller ends its use with
 * koe_registry_release.  Fails with KOE_NOT_FOUND (naming what is registered) or as opening does.
 */
koe_status koe_registry_acquire(const char *name, const koe_model **out, koe_error *err);

/* One more use of a model that is in use, to be ended with koe_registry_release as well. */
void koe_registry_retain(const koe_model *model);

/* Takes NULL. */
void koe_registry_release(const koe_model *model);

/* One registered name, as koelectra_models shows it. */
typedef struct koe_registry_entry {
  char *name;
  char *path;         /* of the directory, absolute; ":built-in:" for the library's own */
  char *architecture; /* config.json's */
  const char *task;   /* "classification", …: by the weights where they are open, else by the
                         architecture; NULL where there is no head */
  char *version;      /* "v1", "v2", "v3" by vocabulary; NULL if it is none of KoELECTRA's */
  char *labels;       /* JSON array; NULL where there is no head */
  char *precision; /* "int8" if computed so, else dtype of the word embeddings; NULL until opened */
  int32_t hidden_size;
  int32_t num_hidden_layers;
  koe_pooling pooling;
  bool loaded;          /* the weights are open */
  int64_t bytes;        /* memory held while loaded: heap and mapped weights */
  uint64_t fingerprint; /* 0 until opened */
} koe_registry_entry;

/* All names, sorted; the caller frees with koe_registry_entries_free.  Opens nothing. */
koe_status koe_registry_list(koe_registry_entry **out, size_t *count, koe_error *err);
void koe_registry_entries_free(koe_registry_entry *entries, size_t count);

/* Settings of the process.  Keys: "threads" (of a batch or a search, 1 … 256; default: the
 * processors available), "cache_bytes" (memory for what searches keep of indexes; default
 * 512 MiB).  Fail with KOE_INVALID, listing keys or range. */
koe_status koe_registry_config_get(const char *key, int64_t *out, koe_error *err);
koe_status koe_registry_config_set(const char *key, int64_t value, koe_error *err);

/* Name of the kernel table in use: "portable", "avx2", "avx512", "neon". */
const char *koe_registry_kernels(void);

/* Forgets all names, for an orderly unload of the library.  Models still acquired stay valid. */
void koe_registry_clear(void);

#endif
