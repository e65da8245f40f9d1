/* The ELECTRA encoder in training: where its parameters are, its forward pass that keeps what the
 * backward pass needs, and that backward pass.
 *
 * The layers are those of encoder.h (Clark et al. 2020; Devlin et al. 2019) with dropout
 * where Hugging Face's ElectraModel has it.  Batches are packed, without padding. */
#ifndef KOE_TRAINED_ENCODER_H
#define KOE_TRAINED_ENCODER_H

#include "../batch.h"
#include "../config.h"
#include "../kernels/kernels.h"
#include "arena.h"
#include "bfloat16_product.h"
#include "loops.h"
#include "parameters.h"

/* Offsets of parameters, see parameters.h. */
typedef struct koe_trained_norm {
  size_t gamma; /* [columns] */
  size_t beta;  /* [columns] */
} koe_trained_norm;

typedef struct koe_trained_linear {
  size_t weight; /* [out_features, in_features] */
  size_t bias;   /* [out_features] */
  size_t in_features;
  size_t out_features; /* 0: there is no such layer */
} koe_trained_linear;

typedef struct koe_trained_layer {
  koe_trained_linear qkv; /* query, key and value, which lie behind one another */
  koe_trained_linear attention_output;
  koe_trained_norm attention_norm;
  koe_trained_linear intermediate;
  koe_trained_linear output;
  koe_trained_norm output_norm;
} koe_trained_layer;

/* Const after koe_trained_encoder_declare, but that `multiply` may be set. */
typedef struct koe_trained_encoder {
  size_t vocab_size, type_vocab_size, max_positions;
  size_t embedding_size, hidden_size, num_layers, num_heads, intermediate_size;
  koe_activation hidden_act;
  float layer_norm_eps;
  const koe_kernels *kernels;
  const koe_loops *loops;
  koe_bfloat16_multiply *multiply; /* of the layers; NULL, as declared: float32 */
  size_t words;                    /* [vocab_size, embedding_size] */
  size_t positions;                /* [max_positions, embedding_size] */
  size_t types;                    /* [type_vocab_size, embedding_size] */
  koe_trained_norm embeddings_norm;
  koe_trained_linear embeddings_project; /* out_features 0 where the sizes are the same */
  koe_trained_layer *layers;             /* [num_layers] */
} koe_trained_encoder;

/* Declares the parameters of an encoder of config's sizes, named prefix + "electra.…".  Where
 * `shared` is not NULL its embedding tables and their LayerNorm are used instead of own ones: the
 * generator's, by Clark et al. 2020, section 3.2; and its `multiply`.  `out` is released with
 * koe_trained_encoder_clear (also after a failure).  Fails with KOE_INVALID, KOE_NOMEM. */
koe_status koe_trained_encoder_declare(koe_parameters *parameters, const char *prefix,
                                       const koe_config *config, const koe_trained_encoder *shared,
                                       koe_trained_encoder *out, koe_error *err);

void koe_trained_encoder_clear(koe_trained_encoder *encoder);

/* Declares prefix + name + ".weight" and ".bias". */
koe_status koe_trained_linear_declare(koe_parameters *parameters, const char *prefix,
                                      const char *name, size_t in_features, size_t out_features,
                                      koe_trained_linear *out, koe_error *err);
koe_status koe_trained_norm_declare(koe_parameters *parameters, const char *prefix,
                                    const char *name, size_t columns, koe_trained_norm *out,
                                    koe_error *err);

/* Dropout of one pass: every mask is a function of `key` and of its place in the network, so that a
 * pass can be run again exactly.  Probabilities 0 for evaluation. */
typedef struct koe_dropout_plan {
  uint64_t key;
  float hidden;    /* embeddings, outputs of sublayers, heads */
  float attention; /* attention probabilities */
} koe_dropout_plan;

/* The mask at `site` of a pass. */
static inline koe_dropout koe_dropout_at(const koe_dropout_plan *plan, uint64_t site,
                                         float probability) {
  return koe_dropout_make(koe_random_key(plan->key, site), probability);
}

/* Sites beyond those of the layers: heads take their own. */
enum { KOE_SITE_EMBEDDINGS = 0, KOE_SITE_LAYERS = 16, KOE_SITES_PER_LAYER = 4, KOE_SITE_HEAD = 1 };

typedef struct koe_layer_activations {
  const float *input;          /* [total, hidden]  the layer before's output */
  float *qkv;                  /* [total, 3 · hidden] */
  float *probabilities;        /* [Σ heads · length²] by sequence, head: before dropout */
  float *context;              /* [total, hidden]  the heads' results side by side */
  float *attention_normalized; /* [total, hidden]  as loops.h, layer_norm_forward */
  float *attention_inverse;    /* [total] */
  float *attended;             /* [total, hidden]  output of the attention sublayer */
  float *wide;                 /* [total, intermediate]  before the activation */
  float *activated;            /* [total, intermediate] */
  float *normalized;           /* [total, hidden] */
  float *inverse;              /* [total] */
  float *output;               /* [total, hidden] */
} koe_layer_activations;

/* What a forward pass leaves for the backward pass; in the arena that it was given. */
typedef struct koe_activations {
  const koe_batch *batch;
  koe_dropout_plan dropout;
  float *scratch;                /* [KOE_BFLOAT16_SCRATCH] where the encoder has `multiply` */
  float *embedded;               /* [total, embedding]  after LayerNorm and dropout */
  float *embeddings_normalized;  /* [total, embedding] */
  float *embeddings_inverse;     /* [total] */
  koe_layer_activations *layers; /* [num_layers] */
  const float *hidden;           /* [total, hidden]  last hidden states */
} koe_activations;

/* Encodes a packed batch.
 *
 *   values       the parameters
 *   batch        ids below vocab_size, sequences no longer than max_positions; must stay as it is
 *                until the backward pass
 *   activations  filled; its arrays live in `arena`
 *
 * Fails with KOE_TOO_LONG, KOE_INVALID (an id out of range), KOE_NOMEM. */
koe_status koe_trained_encoder_forward(const koe_trained_encoder *encoder, const float *values,
                                       const koe_batch *batch, const koe_dropout_plan *dropout,
                                       koe_arena *arena, koe_activations *activations,
                                       koe_error *err);

/* Adds the gradients of the parameters to `gradients`.
 *
 *   dhidden [total, hidden]  gradient of the last hidden states; overwritten
 *
 * Fails with KOE_NOMEM. */
koe_status koe_trained_encoder_backward(const koe_trained_encoder *encoder, const float *values,
                                        const koe_activations *activations, float *dhidden,
                                        koe_arena *arena, float *gradients, koe_error *err);

#endif
