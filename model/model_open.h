/* How the registry makes a model of a backbone and options; users of models include model.h. */
#ifndef KOE_MODEL_OPEN_H
#define KOE_MODEL_OPEN_H

#include "backbone.h"
#include "model.h"
#include "model_options.h"
#include "runtime.h"

/* Makes a model: reads the vocabulary and borrows `backbone`, `config` and `runtime`, which must
 * outlive it.  Fails with KOE_FORMAT (the vocabulary does not fit the word embeddings), KOE_INVALID
 * (max_length beyond the positions), KOE_IO, KOE_NOMEM. */
koe_status koe_model_open(const koe_directory *directory, const koe_config *config,
                          const koe_backbone *backbone, const koe_model_options *options,
                          koe_runtime *runtime, koe_model **out, koe_error *err);

/* Takes NULL. */
void koe_model_free(koe_model *model);

/* What it was made of. */
const koe_backbone *koe_model_backbone(const koe_model *model);
koe_runtime *koe_model_runtime(const koe_model *model);

/* The error of a model that lacks a head of `kind`: KOE_UNSUPPORTED, saying which it has. */
koe_status koe_model_no_head(const koe_model *model, koe_head_kind kind, koe_error *err);

/* Fails with KOE_FORMAT unless all `count` numbers that the model computed are finite. */
koe_status koe_model_check_finite(const koe_model *model, const float *numbers, size_t count,
                                  koe_error *err);

#endif
