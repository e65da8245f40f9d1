/* One name of the registry and what it stands for. */
#ifndef KOE_REGISTRATION_H
#define KOE_REGISTRATION_H

#include "config.h"
#include "model.h"
#include "model_options.h"
#include "status.h"

typedef struct koe_registration {
  char *name;
  char *directory; /* absolute, links resolved; or KOE_BUILT_IN */
  koe_model_options options;
  uint64_t serial;        /* tells this registration from a later one of the same name */
  const koe_model *model; /* shared; NULL until first use */
  /* what koelectra_models shows of a model that is not opened */
  char architecture[64];
  char *labels;     /* JSON array, or NULL */
  const char *task; /* by the architecture; NULL where that tells none */
  int32_t hidden_size, num_hidden_layers;
  koe_pooling pooling;
  struct koe_registration *next;
} koe_registration;

/* Checks name, directory and options and describes the model, without opening its weights.  Where
 * nothing is at `directory` and it reads "ORG/NAME[@REVISION]", it is a model of the hub's cache
 * (hub_cache.h).  Fails with KOE_INVALID, KOE_IO (no directory, config.json, vocab.txt or weight
 * file), KOE_FORMAT, KOE_NOMEM. */
koe_status koe_registration_new(const char *name, const char *directory, const char *options,
                                koe_registration **out, koe_error *err);

/* Takes NULL.  The model is not released. */
void koe_registration_free(koe_registration *registration);

#endif
