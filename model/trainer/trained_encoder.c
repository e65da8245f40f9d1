/* Where the encoder's parameters are. */
#include "trained_encoder.h"

#include "../memory.h"

#include <stdio.h>
#include <string.h>

/* Two names joined and a suffix; koe_parameters_add reports what is too long. */
static koe_status add(koe_parameters *parameters, const char *prefix, const char *name,
                      const char *suffix, size_t rows, size_t columns, koe_initial initial,
                      size_t *offset, koe_error *err) {
  char full[2 * KOE_PARAMETER_NAME];
  snprintf(full, sizeof full, "%s%s%s", prefix, name, suffix);
  return koe_parameters_add(parameters, full, rows, columns, initial, offset, err);
}

koe_status koe_trained_linear_declare(koe_parameters *parameters, const char *prefix,
                                      const char *name, size_t in_features, size_t out_features,
                                      koe_trained_linear *out, koe_error *err) {
  out->in_features = in_features;
  out->out_features = out_features;
  koe_status status = add(parameters, prefix, name, ".weight", out_features, in_features,
                          KOE_INITIAL_WEIGHT, &out->weight, err);
  if (status != KOE_OK) return status;
  return add(parameters, prefix, name, ".bias", out_features, 0, KOE_INITIAL_ZERO, &out->bias, err);
}

koe_status koe_trained_norm_declare(koe_parameters *parameters, const char *prefix,
                                    const char *name, size_t columns, koe_trained_norm *out,
                                    koe_error *err) {
  koe_status status =
      add(parameters, prefix, name, ".weight", columns, 0, KOE_INITIAL_ONE, &out->gamma, err);
  if (status != KOE_OK) return status;
  return add(parameters, prefix, name, ".bias", columns, 0, KOE_INITIAL_ZERO, &out->beta, err);
}

static koe_status declare_tables(koe_parameters *parameters, const char *prefix,
                                 koe_trained_encoder *encoder, koe_error *err) {
  const struct {
    const char *name;
    size_t rows;
    size_t *offset;
  } tables[] = {
      {"word_embeddings", encoder->vocab_size, &encoder->words},
      {"position_embeddings", encoder->max_positions, &encoder->positions},
      {"token_type_embeddings", encoder->type_vocab_size, &encoder->types},
  };
  for (size_t i = 0; i < sizeof tables / sizeof tables[0]; i++) {
    koe_status status = add(parameters, prefix, tables[i].name, ".weight", tables[i].rows,
                            encoder->embedding_size, KOE_INITIAL_TABLE, tables[i].offset, err);
    if (status != KOE_OK) return status;
  }
  return koe_trained_norm_declare(parameters, prefix, "LayerNorm", encoder->embedding_size,
                                  &encoder->embeddings_norm, err);
}

/* Three weights, then three biases, so that they are one matrix and one vector. */
static koe_status declare_qkv(koe_parameters *parameters, const char *prefix, size_t hidden,
                              koe_trained_linear *out, koe_error *err) {
  static const char *const names[3] = {"query", "key", "value"};
  *out = (koe_trained_linear){.in_features = hidden, .out_features = 3 * hidden};
  for (int part = 0; part < 6; part++) {
    size_t offset;
    bool weight = part < 3;
    koe_status status = add(parameters, prefix, names[part % 3], weight ? ".weight" : ".bias",
                            hidden, weight ? hidden : 0,
                            weight ? KOE_INITIAL_WEIGHT : KOE_INITIAL_ZERO, &offset, err);
    if (status != KOE_OK) return status;
    if (part == 0) out->weight = offset;
    if (part == 3) out->bias = offset;
  }
  return KOE_OK;
}

static koe_status declare_layer(koe_parameters *parameters, const char *prefix, size_t hidden,
                                size_t wide, koe_trained_layer *layer, koe_error *err) {
  char attention[KOE_PARAMETER_NAME + 32];
  snprintf(attention, sizeof attention, "%sattention.self.", prefix);
  koe_status status = declare_qkv(parameters, attention, hidden, &layer->qkv, err);
  if (status != KOE_OK) return status;
  const struct {
    const char *name;
    size_t in, out;
    koe_trained_linear *linear;
  } linears[] = {
      {"attention.output.dense", hidden, hidden, &layer->attention_output},
      {"intermediate.dense", hidden, wide, &layer->intermediate},
      {"output.dense", wide, hidden, &layer->output},
  };
  for (size_t i = 0; i < sizeof linears / sizeof linears[0]; i++) {
    status = koe_trained_linear_declare(parameters, prefix, linears[i].name, linears[i].in,
                                        linears[i].out, linears[i].linear, err);
    if (status != KOE_OK) return status;
  }
  status = koe_trained_norm_declare(parameters, prefix, "attention.output.LayerNorm", hidden,
                                    &layer->attention_norm, err);
  if (status != KOE_OK) return status;
  return koe_trained_norm_declare(parameters, prefix, "output.LayerNorm", hidden,
                                  &layer->output_norm, err);
}

static void copy_sizes(const koe_config *config, koe_trained_encoder *out) {
  out->vocab_size = (size_t)config->vocab_size;
  out->type_vocab_size = (size_t)config->type_vocab_size;
  out->max_positions = (size_t)config->max_position_embeddings;
  out->embedding_size = (size_t)config->embedding_size;
  out->hidden_size = (size_t)config->hidden_size;
  out->num_layers = (size_t)config->num_hidden_layers;
  out->num_heads = (size_t)config->num_attention_heads;
  out->intermediate_size = (size_t)config->intermediate_size;
  out->hidden_act = config->hidden_act;
  out->layer_norm_eps = config->layer_norm_eps;
  out->kernels = koe_kernels_best();
  out->loops = koe_loops_best();
}

koe_status koe_trained_encoder_declare(koe_parameters *parameters, const char *prefix,
                                       const koe_config *config, const koe_trained_encoder *shared,
                                       koe_trained_encoder *out, koe_error *err) {
  char full[KOE_PARAMETER_NAME];
  koe_status status = KOE_OK;
  memset(out, 0, sizeof *out);
  copy_sizes(config, out);
  out->layers = koe_alloc_zero(out->num_layers, sizeof *out->layers);
  if (out->layers == NULL) return koe_fail_nomem(err);
  if (shared != NULL) {
    out->multiply = shared->multiply;
    out->words = shared->words;
    out->positions = shared->positions;
    out->types = shared->types;
    out->embeddings_norm = shared->embeddings_norm;
  } else {
    snprintf(full, sizeof full, "%selectra.embeddings.", prefix);
    status = declare_tables(parameters, full, out, err);
    if (status != KOE_OK) return status;
  }
  if (out->embedding_size != out->hidden_size) {
    snprintf(full, sizeof full, "%selectra.", prefix);
    status = koe_trained_linear_declare(parameters, full, "embeddings_project", out->embedding_size,
                                        out->hidden_size, &out->embeddings_project, err);
  }
  for (size_t i = 0; status == KOE_OK && i < out->num_layers; i++) {
    snprintf(full, sizeof full, "%selectra.encoder.layer.%zu.", prefix, i);
    status = declare_layer(parameters, full, out->hidden_size, out->intermediate_size,
                           &out->layers[i], err);
  }
  return status;
}

void koe_trained_encoder_clear(koe_trained_encoder *encoder) {
  koe_free(encoder->layers);
  memset(encoder, 0, sizeof *encoder);
}
