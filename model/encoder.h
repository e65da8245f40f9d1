/* The ELECTRA encoder (Clark et al. 2020): BERT's transformer (Devlin et al. 2019) with embeddings
 * that may be narrower than the hidden states. */
#ifndef KOE_ENCODER_H
#define KOE_ENCODER_H

#include "batch.h"
#include "config.h"
#include "kernels/int8.h"
#include "kernels/kernels.h"
#include "linear.h"
#include "scratch.h"
#include "status.h"
#include "weights.h"

typedef struct koe_layer_norm {
  const float *gamma; /* [columns] */
  const float *beta;  /* [columns] */
} koe_layer_norm;

typedef struct koe_encoder_layer {
  koe_linear qkv; /* [3 · hidden, hidden]: query, key and value as one product */
  koe_linear attention_output;
  koe_layer_norm attention_norm;
  koe_linear intermediate;
  koe_linear output;
  koe_layer_norm output_norm;
} koe_encoder_layer;

/* Const after koe_encoder_open, but for what packed linear layers do when first used.  In float32,
 * those are packed, and the word embeddings stay as the checkpoint stores them.  In int8, `int8` is
 * set, the linear layers are quantized, and of the embeddings `words` is there instead of
 * word_embeddings. */
typedef struct koe_encoder {
  size_t vocab_size, type_vocab_size, max_positions;
  size_t embedding_size, hidden_size, num_layers, num_heads, intermediate_size;
  koe_activation hidden_act;
  float layer_norm_eps;
  const koe_kernels *kernels;
  const koe_int8_kernels *int8;       /* NULL: float32 */
  koe_matrix word_embeddings;         /* [vocab_size, embedding_size] */
  koe_int8_rows words;                /* [vocab_size, embedding_size] */
  const float *position_embeddings;   /* [max_positions, embedding_size] */
  const float *token_type_embeddings; /* [type_vocab_size, embedding_size] */
  koe_layer_norm embeddings_norm;
  koe_linear embeddings_project; /* bias NULL where embedding_size == hidden_size */
  koe_encoder_layer *layers;     /* [num_layers] */
} koe_encoder;

/* Binds the encoder's parameters, to compute in int8 with the kernels `int8`, or in float32 where
 * that is NULL.  The checkpoint behind `weights` must outlive the encoder.  Fails with KOE_FORMAT
 * (a tensor missing or of another shape), KOE_UNSUPPORTED (too wide for int8), KOE_NOMEM. */
koe_status koe_encoder_open(const koe_config *config, koe_weights *weights,
                            const koe_kernels *kernels, const koe_int8_kernels *int8,
                            koe_encoder **out, koe_error *err);

/* Takes NULL. */
void koe_encoder_free(koe_encoder *encoder);

/* Heap bytes held. */
size_t koe_encoder_bytes(const koe_encoder *encoder);

/* Encodes a packed batch.
 *
 *   batch    total tokens of sequences, ids below vocab_size, none longer than max_positions
 *   threads  that may share the work, where there is enough to gain by it: the same bits
 *   *out     [total, hidden]  last hidden states, float32; in `scratch`, until its next use
 *
 * No padding: linear layers see one [total, hidden] matrix, attention sees one sequence at a time.
 * A sequence's hidden states are the same bits whatever else is in the batch.  In int8, linear
 * layers round their inputs; attention, LayerNorm and activations are float32.  The first call
 * packs the float32 weights.  Threads with a scratch each may share an encoder.  `batch` may be the
 * scratch's own.  Fails with KOE_TOO_LONG, KOE_INVALID (an id out of range), KOE_NOMEM.
 * Source: Clark et al. 2020; batches without padding as in Zeng et al. 2022 (ByteTransformer). */
koe_status koe_encoder_forward(const koe_encoder *encoder, const koe_batch *batch, size_t threads,
                               koe_scratch *scratch, const float **out, koe_error *err);

#endif
