/* Opened models and weights, shared by identity: what is the same on disk is in memory once.
 *
 * Part of the registry, which adds names. */
#ifndef KOE_SHARED_MODELS_H
#define KOE_SHARED_MODELS_H

#include "model.h"
#include "model_options.h"
#include "runtime.h"
#include "status.h"

/* The model of a directory with options: the one there is, or opened now, by one thread however
 * many ask.  The weights are shared with models of the same files and precision under other
 * options.  The caller ends its use with koe_shared_release.  Fails as koe_config_read,
 * koe_backbone_open, koe_model_open. */
koe_status koe_shared_open(const koe_directory *directory, const koe_model_options *options,
                           koe_runtime *runtime, const koe_model **out, koe_error *err);

/* One more use of a model that is in use. */
void koe_shared_retain(const koe_model *model);

/* Ends a use; the last one frees the model.  Takes NULL. */
void koe_shared_release(const koe_model *model);

/* What koelectra_models shows of an opened model; NULL gives NULL and 0. */
const char *koe_shared_version(const koe_model *model);
const char *koe_shared_precision(const koe_model *model);
int64_t koe_shared_bytes(const koe_model *model);

#endif
