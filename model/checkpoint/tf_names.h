/* TensorFlow's names of ELECTRA's parameters, told in Hugging Face's.
 *
 *   electra/encoder/layer_0/attention/self/query/kernel       google-research/electra
 *   tf_electra_model/electra/encoder/layer_._0/attention/self/query/kernel:0     Keras
 *   electra.encoder.layer.0.attention.self.query.weight
 *
 * TensorFlow's kernels are [in, out], PyTorch's weights [out, in].
 * Sources: google-research/electra, run_pretraining.py and model/modeling.py; Hugging Face
 * transformers, models/electra/modeling_electra.py and modeling_tf_pytorch_utils.py. */
#ifndef KOE_TF_NAMES_H
#define KOE_TF_NAMES_H

#include "tensor_list.h"

#include <stdbool.h>
#include <stddef.h>

/* Pretraining leaves two models in one checkpoint. */
typedef enum koe_electra_part {
  KOE_PART_BY_CONFIG, /* what "architectures" in config.json says: ElectraForMaskedLM is a generator
                         and all else a discriminator */
  KOE_PART_DISCRIMINATOR,
  KOE_PART_GENERATOR
} koe_electra_part;

/* The part that a model of that class is; `architecture`, of config.json, may be NULL. */
koe_electra_part koe_part_of_architecture(const char *architecture);

/* How the variables of a checkpoint are named. */
typedef struct koe_tf_naming {
  koe_electra_part part; /* discriminator or generator */
  bool own_encoder;    /* generator/encoder/…: otherwise the generator has the discriminator's */
  bool own_embeddings; /* generator/embeddings/…: as a rule the two share electra/embeddings/… */
} koe_tf_naming;

typedef struct koe_parameter_name {
  char bytes[KOE_TENSOR_MAX_NAME + 1];
  bool kernel; /* a matrix that is transposed */
} koe_parameter_name;

/* The parameter of `naming->part` that google-research/electra calls `name`.  False if it is none:
 * of the other model, the optimizer's, a counter, the head of a fine-tuned task. */
bool koe_tf_parameter(const koe_tf_naming *naming, const char *name, koe_parameter_name *out);

/* The parameter that a Keras model of transformers calls `name`.  False if it is none. */
bool koe_keras_parameter(const char *name, koe_parameter_name *out);

#endif
